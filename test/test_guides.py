"""The guides of docs/guides: every file that they show is tried, and every
command that they say to type is typed. What no package of this machine can try
is skipped, with the reason."""

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

import harness
from guides import FENCE, FOLDER, Guide


def tool(name):
    """A program of build/tools/bin or the PATH; without it the test is skipped."""
    found = shutil.which(name, path=harness.ROOT / "build" / "tools" / "bin") \
        or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not on this machine")
    return found


def damage(database):
    """Writes over a page in the middle of a table."""
    with database.open("r+b") as file:
        file.seek(100 * 4096)
        file.write(b"garbagegarbage")


def served(guide, command):
    """Starts a server, and asks it for /health: (code, the report's status)."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    guide.variables["PORT"] = str(port)
    with subprocess.Popen(command, env=guide.environment, cwd=guide.app) as server:
        try:
            for _ in range(100):
                assert server.poll() is None, "the server ended"
                try:
                    url = f"http://127.0.0.1:{port}/health"
                    with urllib.request.urlopen(url) as answer:
                        return answer.status, json.load(answer)["status"]
                except urllib.error.URLError:
                    time.sleep(0.1)
            raise AssertionError("the server does not answer")
        finally:
            server.terminate()


@pytest.fixture
def guide(tmp_path):
    """A guide with its files written, and with db-job, which all can call."""
    def written(name):
        guide = Guide(name, tmp_path)
        guide.write_files("README")
        guide.write_files(name)
        return guide
    return written


def test_readme_page(guide):
    guide("README").follow()


def fails(guide, command, why):
    printed, status = guide.type_in(f"{command} 2>&1 >/dev/null")
    assert status == 1, f"{command} ended with {status}"
    assert why in printed, printed


def test_db_job_fails_for_what_is_amiss(guide):
    common = guide("README")
    fails(common, "db-job fresh", "backup_present|fail")
    common.succeed("db-job backup && db-job drill")
    backup, = common.path("/var/backups/app").glob("*.gz")
    with backup.open("r+b") as file:
        file.seek(backup.stat().st_size // 2)
        file.write(b"garbage")
    common.succeed("db-job fresh")
    fails(common, "db-job drill", "backup_restorable|fail")
    backup.write_bytes(b"")
    fails(common, "db-job fresh", "backup_verified|fail")
    damage(common.app / "app.db")
    fails(common, "db-job maintain", '"status":"failed"')
    (common.app / "app.db").write_text("This is a text. " * 100)
    fails(common, "db-job health", "file is not a database")
    fails(common, "db-job", "usage: db-job backup|maintain")


def test_db_job_heeds_nobodys_sqliterc(guide):
    common = guide("README")
    (common.app / ".sqliterc").write_text(".mode box\n.headers on\n")
    common.variables["HOME"] = str(common.app)
    assert common.succeed("db-job health").startswith('{"status":"healthy"')


# ---- cron ----

ENTRY = re.compile(r"(?:\S+\s+){5}(.*)")


def cron_lines(table, with_user):
    """The variables of a cron table, and its commands as cron cuts them."""
    variables, commands = {}, []
    for line in table.splitlines():
        if re.match(r"\w+=", line):
            name, value = line.split("=", 1)
            variables[name] = value
        elif line and not line.startswith("#"):
            command = ENTRY.fullmatch(line)[1]
            if with_user:
                user, command = command.split(None, 1)
                assert user == "app"
            assert "%" not in command, "a line break to cron"
            commands.append(command)
    return variables, commands


@pytest.mark.parametrize("name, with_user", [
    ("/etc/cron.d/app-database", True), ("crontab-of-app", False)])
def test_cron_runs_every_line(guide, name, with_user):
    cron = guide("cron")
    variables, commands = cron_lines(cron.read(name), with_user)
    for command in commands:
        # What succeeds prints nothing: cron would mail it.
        assert cron.run(["env", "-i", "HOME=/", "LOGNAME=app",
                         *(f"{n}={v}" for n, v in variables.items()),
                         "sh", "-c", command]) == ("", 0), command
    broken = dict(variables, PRODKIT="/nowhere/prodkit")
    printed, status = cron.run(["sh", "-c", commands[0]], env=broken)
    assert status == 1 and "cannot open shared object" in printed


def test_cron_page(guide):
    guide("cron").follow()


def test_crontab_accepts_the_table(guide):
    crontab = tool("crontab")
    if "-n\t" not in subprocess.run([crontab, "-h"], capture_output=True,
                                    text=True).stderr:
        pytest.skip("this crontab has no dry run (-n)")
    cron = guide("cron")
    printed, status = cron.run([crontab, "-n", "crontab-of-app"])
    if "/var/spool" in printed:
        pytest.skip("an unpacked crontab works for root only")
    assert status == 0, printed


# ---- systemd ----

def units(guide):
    systemd = guide("systemd")
    (systemd.app / "run").write_text("#!/bin/sh\n")
    (systemd.app / "run").chmod(0o755)
    return systemd, sorted((systemd.root / "etc/systemd/system").iterdir())


def test_systemd_verifies_the_units(guide):
    analyze = tool("systemd-analyze")
    systemd, files = units(guide)
    names = {file.name for file in files}
    for file in files:
        name = file.name.replace("@.", "@backup.")
        instance = file.with_name(name)
        if name not in names:
            instance.write_text(file.read_text())
        # It tells of units of the machine, too.
        printed, _ = systemd.run([analyze, "verify", instance])
        about_ours = [line for line in printed.splitlines()
                      if re.search(r"db-job|app\.service", line)]
        assert about_ours == []
        for when in re.findall(r"(?m)^OnCalendar=(.*)$", file.read_text()):
            printed, status = systemd.run([analyze, "calendar", when])
            assert status == 0, printed


def test_systemd_jobs_run(guide):
    systemd, files = units(guide)
    service = systemd.read("/etc/systemd/system/db-job@.service")
    command = re.search(r"(?m)^ExecStart=(.*)$", service)[1]
    variables = re.search(r"(?m)^Environment=(.*)$", service)[1].split()
    jobs = [re.fullmatch(r"db-job@(\w+)\.timer", file.name)
            for file in files]
    jobs = [job[1] for job in jobs if job]
    assert jobs == ["backup", "drill", "health", "maintain"]
    for job in jobs:
        printed, status = systemd.run(
            ["env", "-i", "PATH=/usr/bin:/bin", *variables,
             *command.replace("%i", job).split()])
        assert status == 0, printed


# ---- Docker ----

@pytest.fixture
def docker(guide):
    """What the containers would find, in folders: /data and /backups."""
    docker = guide("docker")
    for name in ("data", "backups"):
        (docker.root / name).mkdir()
    (docker.app / "app.db").rename(docker.root / "data/app.db")
    (docker.app / "backup-loop").rename(docker.bin / "backup-loop")
    docker.variables = dict(
        line.split("=") for line in re.search(
            r"(?m)^ENV (.*)$", docker.read("Dockerfile"))[1].split())
    return docker


def test_docker_page(docker):
    docker.follow()


def test_docker_lints(docker):
    printed, status = docker.run(
        [tool("hadolint"), "--no-color", "--ignore=DL3008", "Dockerfile"])
    assert status == 0, printed


def test_compose_file_is_of_the_schema(docker):
    # The image is built by one service, and named for the other.
    printed, status = docker.run(
        [harness.NODE, tool("dclint"), "compose.yaml", "--quiet",
         "--disable-rule", "no-build-and-image"])
    assert status == 0, printed


def test_docker_health_checks_run(docker):
    checks = re.findall(r"CMD (\[.*\])$|test: \[\"CMD\", (.*)\]$",
                        docker.read("Dockerfile") +
                        docker.read("compose.yaml"), re.M)
    commands = [json.loads(first or f"[{second}]") for first, second in checks]
    assert ["db-job", "health"] in commands and ["db-job", "fresh"] in commands
    docker.succeed("db-job backup")
    for command in commands:
        if command[0] == "db-job":
            printed, status = docker.run(command)
            assert status == 0, printed


def test_docker_sidecar_makes_one_backup_and_ends_when_told(docker):
    docker.variables["EVERY_SECONDS"] = "1"
    with subprocess.Popen(["backup-loop"], env=docker.environment,
                          stdout=subprocess.PIPE, text=True) as loop:
        assert '"verified":"quick"' in loop.stdout.readline()
        assert '"complete":true' in loop.stdout.readline()
        time.sleep(2.5)
        loop.terminate()
        assert loop.wait(timeout=10) == 0
        assert loop.stdout.read() == ""
    assert len(list((docker.root / "backups").glob("*.db.gz"))) == 1


def test_docker_installs_prodkit_and_what_it_needs(docker):
    dockerfile = docker.read("Dockerfile")
    install = re.search(r"(?m)^RUN (make .*)$", dockerfile)[1]
    assert "install PREFIX=" in install
    docker.succeed("rm " + str(docker.prodkit) + harness.SUFFIX + "; " +
                   install.replace("/src", str(harness.ROOT)))
    assert docker.prodkit.with_suffix(harness.SUFFIX).exists()
    needed = subprocess.run(
        ["readelf", "-d", docker.prodkit.with_suffix(harness.SUFFIX)],
        check=True, capture_output=True, text=True).stdout
    libraries = set(re.findall(r"\[(lib\w+)\.so", needed)) - {"libc", "libm"}
    packages = {"libz": "zlib1g", "libdeflate": "libdeflate0"}
    first, final = dockerfile.split("\nFROM ")[1:]
    assert libraries and all(packages[name] in final for name in libraries)
    table = (harness.ROOT / "tools/install-needed").read_text()
    table = re.search(r"needed_to_build='\n(.*?)'", table, re.S)[1]
    to_build = {package for line in table.splitlines()
                for package in line.split("|")[1].split()} - {"sqlite3"}
    assert to_build <= set(first.split())


# ---- Django ----

@pytest.fixture
def django(guide):
    python = harness.ROOT / "build" / "tools" / "bin" / "python"
    if subprocess.run([python, "-c", "import django"],
                      capture_output=True).returncode:
        pytest.skip("Django is not in build/tools")
    django = guide("django")
    django.add_program("python", python)
    for package in ("project", "shop", "shop/management",
                    "shop/management/commands"):
        (django.app / package / "__init__.py").touch()
    (django.app / "manage.py").write_text(
        "import os, sys\n"
        "from django.core.management import execute_from_command_line\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'project.settings'\n"
        "execute_from_command_line(sys.argv)\n")
    return django


def test_django_page(django):
    django.follow()


def test_django_crontab(django):
    for command in cron_lines(django.read("crontab"), False)[1]:
        assert django.succeed(command) == ""


def test_django_configures_and_answers_the_probe(django):
    (django.app / "probe.py").write_text("""
from django.db import connection
from django.test import Client

def pragma(name):
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        return cursor.fetchone()[0]

print([pragma(p) for p in ("busy_timeout", "foreign_keys", "journal_mode")])
answer = Client().get("/health")
print(answer.status_code, answer.json()["status"])
""")
    assert django.succeed("python manage.py shell <probe.py").endswith(
        "[5000, 1, 'wal']\n200 healthy\n")


def test_django_tells_of_damage_and_of_missing_backups(django):
    printed, status = django.type_in("python manage.py database drill")
    assert status == 1 and "backup_present fail" in printed
    damage(django.app / "app.db")
    printed, status = django.type_in("python manage.py database maintain")
    assert status == 1 and "CommandError: integrity: " in printed


# ---- Rails ----

# In place of a Rails application: Active Record, and the task :environment.
RAKEFILE = """
require "active_record"
require "active_support/core_ext/object/json"
require "yaml"
ActiveRecord::Base.configurations = YAML.load_file("config/database.yml")
load "config/initializers/prodkit.rb"
load "app/models/prodkit.rb"
task(:environment) { ActiveRecord::Base.establish_connection(:production) }
task(:runner => :environment) { load ENV.fetch("SCRIPT") }
load "lib/tasks/database.rake"
"""

BIN_RAILS = """#!/bin/sh
if [ "$1" = runner ]; then export SCRIPT=$2; set -- runner; fi
exec rake --silent "$@"
"""


@pytest.fixture
def rails(guide):
    if subprocess.run(["ruby", "-e", "require 'active_record'"],
                      capture_output=True).returncode:
        pytest.skip("Active Record (ruby-activerecord) is not on this machine")
    rails = guide("rails")
    (rails.app / "Rakefile").write_text(RAKEFILE)
    (rails.app / "bin").mkdir()
    (rails.app / "bin/rails").write_text(BIN_RAILS)
    (rails.app / "bin/rails").chmod(0o755)
    return rails


def test_rails_page(rails):
    rails.follow()


def test_rails_crontab(rails):
    for command in cron_lines(rails.read("crontab"), False)[1]:
        assert rails.succeed(command) == ""


def test_rails_health_and_settings(rails):
    (rails.app / "health.rb").write_text(
        "code, report = Prodkit.health\nputs code, report\n")
    assert rails.succeed("bin/rails runner health.rb").startswith(
        '200\n{"status":"healthy"')
    assert "cache_size" in rails.succeed("bin/rails runner differs.rb")


def test_rails_tells_of_damage_and_of_missing_backups(rails):
    printed, status = rails.type_in("bin/rails database:drill")
    assert status == 1 and "backup_present fail" in printed
    damage(rails.app / "app.db")
    printed, status = rails.type_in("bin/rails database:maintain")
    assert status == 1 and "integrity: " in printed


def test_rails_controller_is_ruby(guide):
    rails = guide("rails")
    assert "Syntax OK" in rails.succeed(
        "ruby -c app/controllers/health_controller.rb")


# ---- Laravel ----

@pytest.fixture
def laravel(guide):
    laravel = guide("laravel")
    conf = laravel.root / "etc/php"
    conf.mkdir(parents=True)
    (laravel.app / "prodkit.ini").rename(conf / "prodkit.ini")
    laravel.variables["PHP_INI_SCAN_DIR"] = f":{conf}"
    return laravel


PHP_SESSION = """<?php
require 'app/Support/Prodkit.php';
use App\\Support\\Prodkit;
Prodkit::load();
$config = require 'sqlite-connection.php';
$database = new PDO('sqlite:' . $config['database']);
$database->exec("PRAGMA busy_timeout = {$config['busy_timeout']}");
"""


def php(laravel, code):
    (laravel.app / "session.php").write_text(PHP_SESSION + code)
    return laravel.run(["php", "session.php"])


def test_laravel_page(laravel):
    laravel.follow()


def test_laravel_jobs_on_pdo(laravel):
    printed, status = php(laravel, """
        foreach (['busy_timeout', 'foreign_keys', 'journal_mode'] as $name) {
            echo $database->query("PRAGMA $name")->fetchColumn(), ' ';
        }
        $folder = '%s';
        echo json_decode(Prodkit::health($database))->status, "\\n",
             Prodkit::backup($database, $folder), "\\n",
             Prodkit::maintain($database), "\\n",
             Prodkit::drill($database, $folder), "\\n";
    """ % laravel.path("/var/backups/app"))
    assert status == 0, printed
    harness.check_same("5000 1 wal healthy\n"
                       '{"backup":{…"verified":"quick"…},"pruned":[],"kept":1…}\n'
                       '{"schema":"main",…"complete":true…}\n'
                       "the newest backup can be restored\n", printed)


def test_laravel_tells_of_damage_and_of_missing_backups(laravel):
    printed, status = php(laravel, "Prodkit::drill($database, '.');")
    assert status == 255 and "backup_present fail" in printed
    damage(laravel.app / "app.db")
    printed, status = php(laravel, "Prodkit::maintain($database);")
    assert status == 255 and "integrity: " in printed
    printed, status = php(laravel, "Prodkit::health($database);")
    assert status == 255 and '"unhealthy"' in printed


def test_php_says_where_it_is_not_told_the_folder(laravel):
    del laravel.variables["PHP_INI_SCAN_DIR"]
    printed, status = php(laravel, "")
    assert status == 255 and "SQLite Extension are disabled" in printed


def test_laravel_files_are_php(laravel):
    files = sorted(laravel.app.rglob("*.php"))
    assert len(files) > 5
    for file in files:
        printed, status = laravel.run(["php", "-l", file])
        assert status == 0, printed


def test_pdo_loads_prodkit(laravel):
    version, _ = laravel.run(["php", "-r", "echo PHP_VERSION_ID;"])
    if int(version) < 80400:
        pytest.skip("Pdo\\Sqlite::loadExtension needs PHP 8.4")
    assert laravel.succeed("php pdo.php") == "200\n"


# ---- Node ----

@pytest.fixture(params=["node:sqlite", "better-sqlite3"])
def node(guide, request):
    node = guide("node")
    node.add_program("node", harness.NODE, "--no-warnings")
    if request.param == "better-sqlite3":
        modules = harness.ROOT / "build" / "tools" / "node_modules"
        (node.app / "node_modules").symlink_to(modules)
        if node.run(["node", "-e", "new (require('better-sqlite3'))()"])[1]:
            pytest.skip("better-sqlite3 is not in build/tools")
        (node.app / "better-sqlite3.mjs").replace(node.app / "database.mjs")
    return node


def test_node_page(node):
    node.follow()


def test_node_crontab(node):
    for command in cron_lines(node.read("crontab"), False)[1]:
        assert node.succeed(command) == ""


def test_node_configures(node):
    (node.app / "settings.mjs").write_text("""
        import { ask, open } from './database.mjs';
        const database = open();
        console.log(['busy_timeout', 'foreign_keys', 'journal_mode'].map(
          (name) => ask(database, `PRAGMA ${name}`)).join(' '));
    """)
    assert node.succeed("node settings.mjs") == "5000 1 wal\n"


def test_node_answers_the_probe(node):
    assert served(node, ["node", "server.mjs"]) == (200, "healthy")


def test_node_tells_of_damage_and_of_missing_backups(node):
    printed, status = node.type_in("node database-job.mjs drill")
    assert status == 1 and "backup_present fail" in printed
    damage(node.app / "app.db")
    printed, status = node.type_in("node database-job.mjs maintain")
    assert status == 1 and ("(found " in printed or "malformed" in printed)


# ---- Go ----

@pytest.fixture(scope="module")
def go_guide(tmp_path_factory):
    """The program, built once: its paths are those of one folder."""
    go = Guide("go", tmp_path_factory.mktemp("go"))
    go.write_files("go")
    build = [word if word != "run" else "build" for word in harness.GO]
    printed, status = go.run([*build, "-o", "app", "main.go"])
    assert status == 0, printed
    return go


@pytest.fixture
def go(go_guide):
    for file in (*go_guide.app.glob("app.db-*"),
                 *go_guide.path("/var/backups/app").iterdir()):
        file.unlink()
    go_guide.make_database()
    go_guide.variables.clear()
    return go_guide


def test_go_page(go):
    go.follow()


def test_go_crontab(go):
    for command in cron_lines(go.read("crontab"), False)[1]:
        assert go.succeed(command) == ""


def test_go_answers_the_probe(go):
    assert served(go, ["./app", "serve"]) == (200, "healthy")


def test_go_tells_of_damage_and_of_missing_backups(go):
    printed, status = go.type_in("./app drill")
    assert status == 1 and "backup_present fail" in printed
    damage(go.app / "app.db")
    printed, status = go.type_in("./app maintain")
    assert status == 1 and "integrity: " in printed


# ---- all of them ----

def anchors(page):
    headings = re.findall(r"(?m)^#+ (.*)$", FENCE.sub("", page.read_text()))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
            for heading in headings}


def test_links_lead_somewhere():
    pages = sorted(FOLDER.glob("*.md"))
    assert len(pages) == 9
    for page in pages:
        text = FENCE.sub("", page.read_text())
        for link in re.findall(r"\]\(([^)]+)\)", text):
            if link.startswith("https://"):
                continue
            name, _, anchor = link.partition("#")
            target = page.parent / name
            assert target.exists(), f"{page.name}: {link}"
            assert not anchor or anchor in anchors(target), \
                f"{page.name}: {link}"
