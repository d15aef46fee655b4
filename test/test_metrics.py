"""prod_metrics as others read it: promtool, a real Prometheus, the alert rules
and the dashboard of docs/monitoring, and a reader of the file that is not us."""

import contextlib
import functools
import http.server
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
import urllib.parse
import urllib.request

import pytest

import harness

RELEASE = harness.Variant("release")
MONITORING = harness.ROOT / "docs" / "monitoring"
SCRAPE_SECONDS = 20

# tools/install-needed sees to them where Debian's package is to be had.
TOOLS = os.pathsep.join([str(harness.ROOT / "build" / "tools" / "bin"),
                         os.environ.get("PATH", os.defpath)])
PROMTOOL = shutil.which("promtool", path=TOOLS)
PROMETHEUS = shutil.which("prometheus", path=TOOLS)
needs_prometheus = pytest.mark.skipif(
    not (PROMTOOL and PROMETHEUS), reason="Prometheus is not installed")

# Statistics as prod_query_stats has them, with texts that must be escaped.
STATISTICS = """
CREATE TEMP TABLE prod_query_stats AS
SELECT 'a1' AS fingerprint, 'SELECT "a\\b"' || char(10) || 'FROM t' AS query,
       file AS database_file, 12 AS calls, 1500.5 AS total_ms, 7 AS rows,
       900 AS vm_steps, 3 AS fullscan_steps
FROM pragma_database_list WHERE name = 'main'
UNION ALL SELECT 'b2', 'SELECT ☃' || CAST(x'ff' AS TEXT), file, 1, 0.25, 0, 5, 0
FROM pragma_database_list WHERE name = 'main';
"""
EVERYTHING = '{"backup_dir":"backups","space":true}'
MADE = """PRAGMA journal_mode = wal;
CREATE TABLE IF NOT EXISTS t(a);
INSERT INTO t VALUES (zeroblob(90000));
DELETE FROM t;
SELECT prod_backup_rotate('backups') IS NULL;
"""

# Each is a family of its own, whose samples stand together.
NAME = re.compile(r"(?m)^(\w+)\{")


def text_of(variant, folder, arguments, name="app.db"):
    """What prod_metrics_text says of a new database with statistics."""
    (folder / "backups").mkdir(exist_ok=True)
    printed = variant.shell(
        f".output /dev/null\n{MADE}{STATISTICS}.output text.out\n"
        f".mode list\nSELECT prod_metrics_text({arguments});", folder, name)
    assert printed == ""
    return (folder / "text.out").read_text()[:-1]  # the shell's own newline


def names_of_metrics():
    with harness.scratch_folder() as folder:
        return set(NAME.findall(
            text_of(RELEASE, folder, f"'prometheus', '{EVERYTHING}'")))


@pytest.mark.parametrize("name", [
    "app.db", "it's \"quoted\".db", "new\nline.db", "back\\slash.db",
    "Zoë ☃.db", "{a=b}.db"])
@needs_prometheus
def test_promtool_accepts_it(name, variant):
    with harness.scratch_folder() as folder:
        text = text_of(variant, folder, f"NULL, '{EVERYTHING}'", f"./{name}")
    result = subprocess.run([PROMTOOL, "check", "metrics"], input=text,
                            capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("form", ["prometheus", "openmetrics"])
def test_each_family_is_one_group_and_each_label_set_unique(form):
    with harness.scratch_folder() as folder:
        text = text_of(RELEASE, folder, f"'{form}', '{EVERYTHING}'")
    lines = text.splitlines()
    samples = [line.rsplit(" ", 1)[0] for line in lines if line[0] != "#"]
    assert len(samples) == len(set(samples)) > 60
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families)) > 25
    groups = [name for name, before in
              zip(NAME.findall(text), [None] + NAME.findall(text))
              if name != before]
    assert len(groups) == len(set(groups)) == len(families)
    assert text.endswith("\n# EOF\n") == (form == "openmetrics")


def test_openmetrics_names_units_and_types():
    with harness.scratch_folder() as folder:
        text = text_of(RELEASE, folder, f"'openmetrics', '{EVERYTHING}'")
    kinds = dict(re.findall(r"(?m)^# TYPE (\w+) (\w+)$", text))
    assert kinds["prodkit"] == "info"
    assert kinds["prodkit_query_seconds"] == "counter"
    suffix = {"gauge": "", "counter": "_total", "info": "_info"}
    for family, kind in kinds.items():
        assert f"\n{family}{suffix[kind]}{{" in text, family
    units = re.findall(r"(?m)^# UNIT (\w+) (\w+)$", text)
    assert len(units) > 5
    assert all(family.endswith(f"_{unit}") for family, unit in units)
    assert not [family for family in kinds if family.endswith("_total")]


# ---- a real Prometheus ----

class Served(http.server.BaseHTTPRequestHandler):
    def __init__(self, pages, *rest):
        self.pages = pages
        super().__init__(*rest)

    def do_GET(self):  # noqa: N802
        form, text = self.pages[self.path]
        self.send_response(200)
        self.send_header("Content-Type", form)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(pages):
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Served, pages))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


CONFIG = """
global: {{scrape_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: prometheus
    metrics_path: /prometheus
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: openmetrics
    metrics_path: /openmetrics
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@contextlib.contextmanager
def prometheus(folder, target):
    port = free_port()
    (folder / "prometheus.yml").write_text(
        CONFIG.format(port=target, rules=MONITORING / "prodkit-alerts.yml"))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [PROMETHEUS, f"--config.file={folder}/prometheus.yml",
             f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log, stderr=log)
    try:
        yield functools.partial(ask, port)
    finally:
        process.terminate()
        process.wait(timeout=SCRAPE_SECONDS)


def ask(port, expression):
    """The answer to an instant query: [(labels, value)]."""
    query = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/api/v1/query?{query}", timeout=5) as page:
        result = json.load(page)["data"]["result"]
    return [(row["metric"], float(row["value"][1])) for row in result]


def wait_for_scrapes(query, log):
    """The answer to `up`, once both jobs have been scraped."""
    give_up = time.monotonic() + SCRAPE_SECONDS
    while time.monotonic() < give_up:
        with contextlib.suppress(OSError):
            up = {labels["job"]: value for labels, value in query("up")}
            if len(up) == 2:
                return up
        time.sleep(0.2)
    raise AssertionError(f"no scrape in {SCRAPE_SECONDS} s:\n{log.read_text()}")


def dashboard():
    return json.loads((MONITORING / "prodkit-dashboard.json").read_text())


def expressions():
    """What the panels ask, for every database."""
    found = [target["expr"].replace("$database", ".*")
             for panel in dashboard()["panels"] for target in panel["targets"]]
    assert len(found) > 15
    return found


@needs_prometheus
def test_prometheus_scrapes_both_formats():
    with harness.scratch_folder() as folder:
        plain = text_of(RELEASE, folder, f"'prometheus', '{EVERYTHING}'")
        opened = text_of(RELEASE, folder, f"'openmetrics', '{EVERYTHING}'")
        pages = {
            "/prometheus": ("text/plain; version=0.0.4", plain),
            "/openmetrics": ("application/openmetrics-text; version=1.0.0; "
                             "charset=utf-8", opened)}
        with serving(pages) as port, prometheus(folder, port) as query:
            up = wait_for_scrapes(query, folder / "log")
            assert up == {"prometheus": 1, "openmetrics": 1}
            for job, text in (("prometheus", plain), ("openmetrics", opened)):
                check_scraped(query, job, text)
            empty = [text for text in expressions()
                     if not query(text) and "rate(" not in text
                     and '!="pass"' not in text]
            assert not empty, "\n".join(empty)
            for expression in expressions():
                query(expression)  # an HTTP error for one that is malformed


def check_scraped(query, job, text):
    names = set(NAME.findall(text))
    (_, samples), = query(
        f'scrape_samples_scraped{{job="{job}"}}')
    assert samples == len(NAME.findall(text))
    there = {labels["__name__"] for labels, _ in
             query(f'{{job="{job}",__name__=~"prodkit_.*"}}')}
    assert there == names
    (_, pages), = query(f'prodkit_database_pages{{job="{job}"}}')
    assert f"}} {int(pages)}\n" in text and pages > 20
    queries = {labels["fingerprint"]: labels["query"] for labels, _ in
               query(f'prodkit_query_calls_total{{job="{job}"}}')}
    assert queries == {"a1": 'SELECT "a\\b"\nFROM t', "b2": "SELECT ☃\ufffd"}
    (_, seconds), = query(
        f'prodkit_query_seconds_total{{job="{job}",fingerprint="a1"}}')
    assert seconds == 1.5005


# ---- docs/monitoring ----

@needs_prometheus
def test_the_alert_rules_hold():
    subprocess.run([PROMTOOL, "check", "rules",
                    MONITORING / "prodkit-alerts.yml"], check=True)
    subprocess.run([PROMTOOL, "test", "rules",
                    harness.ROOT / "test" / "monitoring" / "alerts_test.yml"],
                   check=True)


def test_every_alert_is_tested():
    alerts = re.findall(r"(?m)alert: (\w+)",
                        (MONITORING / "prodkit-alerts.yml").read_text())
    tests = (harness.ROOT / "test" / "monitoring" / "alerts_test.yml").read_text()
    fires = re.findall(r"alertname: (\w+)\n +exp_alerts", tests)
    assert len(alerts) > 8 and set(alerts) == set(fires)


def test_every_metric_that_is_named_is_there():
    """By the dashboard, the alerts and the page; and each is on the page."""
    known = names_of_metrics()
    assert len(known) > 25
    page = (harness.ROOT / "docs" / "metrics.md").read_text()
    for text in ("\n".join(expressions()), page,
                 (MONITORING / "prodkit-alerts.yml").read_text()):
        named = {name for name in re.findall(r"\bprodkit_[a-z_]+\b", text)}
        assert named and named <= known, named - known
    assert known <= set(re.findall(r"`(prodkit_[a-z_]+)`", page))


def test_the_dashboard_has_what_grafana_wants():
    board = dashboard()
    assert board["schemaVersion"] and board["title"] and board["uid"]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids)) > 8
    variables = {entry["name"] for entry in board["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(board)))
    assert used == variables


# ---- the file ----

def run(folder, sql, **options):
    return RELEASE.run(["sqlite3", "-batch", "-bail", "app.db",
                        f".load {RELEASE.extension}", sql], cwd=folder,
                       **options)


def test_the_file_is_readable_by_another_user_whatever_the_umask():
    with harness.scratch_folder() as folder:
        before = os.umask(0o077)
        try:
            result = run(folder, "SELECT prod_metrics_write('prodkit.prom');")
        finally:
            os.umask(before)
        assert result.returncode == 0, result.stdout
        assert (folder / "prodkit.prom").stat().st_mode & 0o777 == 0o644
        assert [path.name for path in sorted(folder.iterdir())] == [
            "app.db", "prodkit.prom"]


def test_a_reader_never_sees_half_a_file():
    with harness.scratch_folder() as folder:
        path = folder / "prodkit.prom"
        run(folder, "SELECT prod_metrics_write('prodkit.prom');")
        script = "SELECT length(prod_metrics_write('prodkit.prom'));\n" * 200
        writer = subprocess.Popen(
            ["sqlite3", "-cmd", f".load {RELEASE.extension}", "app.db"],
            cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            text=True)
        writer.stdin.write(script)
        writer.stdin.close()
        seen = 0
        while writer.poll() is None:
            text = path.read_text()
            assert text.startswith("# HELP prodkit_info ")
            assert 'duration_seconds{database="' in text.splitlines()[-1]
            seen += 1
        assert writer.returncode == 0 and seen > 20


def test_no_transaction_is_left():
    """The log can begin anew while the connection that asked stays open."""
    with harness.scratch_folder() as folder, contextlib.closing(
            sqlite3.connect(folder / "app.db", isolation_level=None)) as asks, \
            contextlib.closing(sqlite3.connect(
                folder / "app.db", isolation_level=None)) as other:
        other.executescript(
            "PRAGMA journal_mode = wal; CREATE TABLE t(a);")
        asks.enable_load_extension(True)
        asks.load_extension(str(RELEASE.extension))
        asks.execute("SELECT prod_metrics_text()").fetchone()
        asks.execute("SELECT * FROM prod_metrics").fetchall()
        asks.execute("SELECT prod_metrics_write(?)",
                     (f"{folder}/a.prom",)).fetchone()
        other.execute("INSERT INTO t VALUES (1)")
        busy, _, _ = other.execute(
            "PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert busy == 0
        assert (folder / "app.db-wal").stat().st_size == 0


def test_a_locked_database_fails_its_collectors_and_not_the_call():
    with harness.scratch_folder() as folder:
        run(folder, "CREATE TABLE t(a);")
        with contextlib.closing(sqlite3.connect(
                folder / "app.db", isolation_level=None)) as holder:
            holder.execute("PRAGMA locking_mode = exclusive")
            holder.execute("BEGIN EXCLUSIVE")
            result = run(folder, "SELECT prod_metrics_write('a.prom');")
        assert result.returncode == 0, result.stdout
        failed = json.loads(result.stdout)["failed"]
        assert "database: database is locked" in failed
        text = (folder / "a.prom").read_text()
        assert re.search(r'success\{.*collector="database"\} 0\n', text)
        assert re.search(r'success\{.*collector="info"\} 1\n', text)
