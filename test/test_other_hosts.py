"""Every name of prod_help in hosts of another SQLite than the system's: the
oldest that prodkit loads into, the newest, and a lean one, built without JSON
functions, progress handlers, tracing, memory statistics, URI file names,
dbstat, threads and shared cache. Each name does its work there, or says what
the host lacks.

The hosts are test/hosts/bare_host.c with a sqlite3.c that `tools/install-needed test`
fetches; see the Makefile for their options."""

import functools
import re
import subprocess

import pytest

import harness

HOSTS = ["oldest", "newest", "lean"]
SOURCES = harness.ROOT / "build" / "tools"

pytestmark = pytest.mark.skipif(
    len(list(SOURCES.glob("sqlite-*/sqlite3.c"))) < 2,
    reason="tools/install-needed could not fetch SQLite's sources")

SETUP = """
SELECT prod_configure();
CREATE TABLE c(id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE o(id INTEGER PRIMARY KEY, c_id REFERENCES c(id), total INT);
CREATE INDEX o_total ON o(total);
CREATE TABLE gone(x);
INSERT INTO c WITH RECURSIVE n(i) AS
  (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
  SELECT i, 'customer ' || i FROM n;
INSERT INTO o WITH RECURSIVE n(i) AS
  (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
  SELECT i, i % 500 + 1, i FROM n;
INSERT INTO gone SELECT zeroblob(1000) FROM o LIMIT 500;
DROP TABLE gone;
"""

LACKS = "JSON functions, which this host's SQLite (…) was built without"

# What is run, in this order on one connection, what is printed, and what on the
# lean host, where that differs.
CASES = {
    "prod_version": ("SELECT prod_version()", "0.…"),
    "prod_debug": (
        "SELECT prod_debug()",
        '…"host_has":{"json":true,"dbstat":true,"stmt":true,"uri":true}}',
        '…"host_has":{"json":false,"dbstat":false,"stmt":false,"uri":false}}'),
    "prod_help": ("SELECT count(*) > 40 FROM prod_help", "1"),
    "prod_settings": (
        "SELECT name, value FROM prod_settings WHERE status = 'differs'; "
        "SELECT name, value FROM prod_settings LIMIT 4",
        "busy_timeout|5000\npage_size|4096\nauto_vacuum|incremental\n"
        "journal_mode|wal"),
    "prod_configure": (
        "SELECT prod_configure('durable')",
        '{"profile":"durable",…{"name":"synchronous","before":"normal",'
        '"after":"full","changed":true,…"not_set":[]}'),
    "prod_wal": (
        "SELECT journal_mode, frames > 0, pinned, note FROM prod_wal",
        "wal|1|0|"),
    "prod_checkpoint": (
        "SELECT prod_checkpoint(); SELECT prod_checkpoint('truncate')",
        '{"schema":"main","mode":"passive","busy":false,…}\n'
        '{"schema":"main","mode":"truncate",…"wal_bytes_after":0,…}'),
    "prod_maintain": (
        "SELECT prod_maintain(); PRAGMA freelist_count; "
        "SELECT count(*) FROM sqlite_stat1",
        '{"schema":"main",…"step":"vacuum",…"free_pages_after":0,…'
        '"step":"integrity",…"failed":0,"never_checked":0,"status":"done",…'
        '"complete":true,…}\n0\n…',
        '{"schema":"main",…"step":"vacuum",…"free_pages_after":0,…'
        '"step":"integrity","status":"skipped",…"message":"this host\'s '
        'SQLite (…) was built without JSON functions, by which tables take '
        'turns"}],"complete":true,…}\n0\n…'),
    "prod_integrity": (
        "SELECT object, status, message FROM prod_integrity "
        "WHERE object NOT LIKE 'sqlite%'",
        "c|ok|\no|ok|\n(whole database)|ok|",
        "(state file)|unknown|nothing is remembered: this host has no JSON "
        "functions\nc|ok|\no|ok|\n(whole database)|ok|"),
    "prod_health": (
        "SELECT prod_health('full'); "
        "SELECT name, status FROM prod_health WHERE name = 'journal_mode'",
        '{"status":"…","tier":"full",…"integrity_check","status":"pass",…}\n'
        "journal_mode|pass"),
    "prod_health_code": ("SELECT prod_health_code()", "200"),
    "prod_metrics": (
        "SELECT name, value FROM prod_metrics "
        "WHERE name = 'prodkit_wal_frames'; SELECT count(*) FROM prod_metrics "
        "WHERE name = 'prodkit_collector_success' AND value = 0",
        "prodkit_wal_frames|…\n0"),
    "prod_metrics_text": (
        "SELECT instr(prod_metrics_text('openmetrics'), '# EOF') > 1000", "1"),
    "prod_metrics_write": (
        "SELECT prod_metrics_write('m.prom')",
        '{"path":"m.prom",…"failed":[],…}'),
    "prod_vacuum_plan": (
        "SELECT recommendation FROM prod_vacuum_plan", "none"),
    "prod_checklist": (
        "SELECT item, status, detail FROM prod_checklist WHERE item IN "
        "('journal_mode', 'maintenance', 'integrity', 'statistics', "
        "'foreign_key_indexes')",
        "journal_mode|pass|…\nmaintenance|pass|it ran last at …\n"
        "integrity|pass|every table was checked, …\n"
        "statistics|pass|tables with an index and without statistics: 0\n"
        "foreign_key_indexes|warn|foreign keys without an index: 1",
        f"journal_mode|pass|…\nmaintenance|unknown|this needs {LACKS}\n"
        f"integrity|unknown|this needs {LACKS}\n"
        f"statistics|unknown|this needs {LACKS}\n"
        f"foreign_key_indexes|unknown|this needs {LACKS}"),
    "prod_secure_files": (
        "SELECT prod_secure_files()",
        '…"mode_before":"0644","mode_after":"0600","changed":true…'),
    "prod_find_databases": (
        "SELECT path, journal_mode FROM prod_find_databases('.')",
        "./app.db|wal"),
    "prod_backup_to": (
        "SELECT prod_backup_to('p.db'); SELECT prod_backup_to('p.db.gz', 6)",
        '{"path":"p.db",…"verified":"quick",…}\n'
        '{"path":"p.db.gz",…"verified":"quick",…}'),
    "prod_backup_verify": (
        "SELECT prod_backup_verify('p.db'); "
        "SELECT prod_backup_verify('p.db.gz', 'full')",
        '{"path":"p.db","level":"quick",…"not_checked":[],…}\n'
        '{"path":"p.db.gz","level":"full",…"foreign_key_violations":0,…}'),
    "prod_restore": (
        "SELECT prod_restore('p.db.gz', 'r.db')",
        '{"backup":"p.db.gz","target":"r.db",…"verified":"quick",…}'),
    "prod_backup_rotate": (
        "SELECT prod_backup_rotate('backups')",
        '{"backup":{"path":"backups/app-…"database":"app",…"kept":1,…}',
        f"Error: prod_backup_rotate: manifests need {LACKS}"),
    "prod_backups": (
        "SELECT compression, verified FROM prod_backups('backups'); "
        "SELECT path FROM prod_backups('.')",
        "gzip|quick\n./p.db\n./p.db.gz\n./r.db",
        "./p.db\n./p.db.gz\n./r.db"),
    "prod_backup_hold": (
        "SELECT prod_backup_hold(coalesce((SELECT path FROM "
        "prod_backups('backups')), 'p.db'), 1)",
        '…"held":true}',
        f"Error: prod_backup_hold: manifests need {LACKS}"),
    "prod_backup_prune": (
        "SELECT prod_backup_prune('backups', '{\"keep_last\":1}')",
        '…"removed":[]…',
        f"Error: prod_backup_prune: manifests need {LACKS}"),
    "prod_backup_query": (
        "SELECT * FROM prod_backup_query('p.db.gz', "
        "'SELECT count(*) AS n FROM o')", '{"n":3000}'),
    "prodgz": (
        "ATTACH 'file:p.db.gz?vfs=prodgz' AS z; SELECT count(*) FROM z.o; "
        "DETACH z",
        "3000", "Error: no such table: z.o"),
    "prod_dump_to": (
        "SELECT prod_dump_to('d.sql')",
        '{"path":"d.sql",…"rows":35…,"compression":"none",…}'),
    "prod_fragmentation": (
        "SELECT prod_fragmentation() BETWEEN 0 AND 1; "
        "SELECT name, pages > 1 FROM prod_fragmentation WHERE name IN "
        "('c', 'o', 'o_total') ORDER BY name", "1\nc|1\no|1\no_total|1"),
    "prod_table_sizes": (
        "SELECT table_name, rows FROM prod_table_sizes "
        "WHERE table_name IN ('c', 'o') ORDER BY table_name", "c|500\no|3000"),
    "prod_explain": (
        "SELECT * FROM prod_explain('SELECT * FROM o WHERE c_id = 5')",
        "2|0|SCAN …o|o||1|0|0|0"),
    "prod_stats_start": (
        "SELECT prod_stats_start(); SELECT count(*) FROM o WHERE c_id = 3; "
        "SELECT sum(total) FROM o WHERE c_id = 3",
        '{"hook_active":true,…}\n6\n7512',
        "Error: prod_stats_start: this host's SQLite … was built without "
        "tracing (SQLITE_OMIT_TRACE); prod_statements works without\n6\n7512"),
    "prod_query_stats": (
        "SELECT query, calls FROM prod_query_stats WHERE query LIKE '%sum%'; "
        "SELECT prod_query_stats()",
        'select sum(total) from o where c_id = ?|1\n{"hook_active":true,…}',
        '{"hook_active":null,…"entries":0,…}'),
    "prod_slow_log": ("SELECT count(*) FROM prod_slow_log", "0"),
    "prod_full_scans": (
        "SELECT query, table_name FROM prod_full_scans "
        "WHERE query LIKE '%sum%'",
        "select sum(total) from o where c_id = ?|o", ""),
    "prod_statements": (
        "SELECT trim(sql, char(10)) FROM prod_statements",
        "SELECT trim(sql, char(10)) FROM prod_statements;"),
    "prod_stats_save": (
        "SELECT prod_stats_save('s.stats')", '{"path":"s.stats",…}'),
    "prod_stats_load": (
        "SELECT prod_stats_load('s.stats')", '{"path":"s.stats",…}'),
    "prod_index_advice": (
        "SELECT action, ddl FROM "
        "prod_index_advice('SELECT * FROM o WHERE c_id = 5'); "
        "SELECT ddl, verified FROM prod_index_advice("
        "'SELECT * FROM o WHERE c_id = 5', '{\"proof\":\"copy\"}')",
        "create|CREATE INDEX o_c_id ON o(c_id)\n"
        "CREATE INDEX o_c_id ON o(c_id)|copy",
        "create|CREATE INDEX o_c_id ON o(c_id)\n"
        f"Error: prod_index_advice: options need {LACKS}; leave them out"),
    "prod_indexes": (
        "SELECT index_name, verdict FROM prod_indexes",
        "o_total|unused", "o_total|ok"),
    "prod_stats_stop": (
        "SELECT prod_stats_stop()",
        '{"stopped":true,…}', '{"stopped":false,…}'),
    "prod_stats_reset": ("SELECT prod_stats_reset()", '{"entries":…}'),
    "prod_auto_configure": (
        "SELECT prod_auto_configure('web'); SELECT prod_auto_configure('off'); "
        "SELECT count(*) > 0 FROM prod_auto_configure",
        '{"profile":"web",…}\n{"profile":"off",…}\n1',
        'Error: prod_auto_configure: this needs JSON functions, which this '
        'host\'s SQLite (…) was built without\n{"profile":"off",…}\n1'),
}

# A value for each argument that a signature names.
VALUES = {"profile": "'web'", "dir": "'backups'", "path": "'never.prom'",
          "compress": "0", "mode": "'passive'", "tier": "'fast'",
          "format": "'prometheus'", "backup": "'app.db'",
          "target": "'never.db'", "root": "'.'", "sql": "'SELECT 1'",
          "options": "'{\"nonsense\":1}'"}


@functools.lru_cache
def program(host):
    target = f"build/test/host-{host}"
    harness.make(target)
    return harness.ROOT / target


def run(host, variant, folder, script, database="app.db"):
    """What the script printed, which is to leave no transaction behind."""
    result = variant.run([program(host), database, variant.extension],
                         input=script, cwd=folder)
    assert result.returncode == 0, f"{result.returncode}: {result.stdout}"
    return result.stdout


@functools.lru_cache
def walk(host, variant):
    """{name: what its case printed}"""
    script = SETUP + "".join(f"SELECT '== {name}';\n{case[0]};\n"
                             for name, case in CASES.items())
    with harness.scratch_folder() as folder:
        (folder / "backups").mkdir()
        printed = run(host, variant, folder, script)
    parts = re.split(r"(?m)^== (\w+)\n", printed)
    return dict(zip(parts[1::2], parts[2::2]))


@pytest.fixture(params=HOSTS)
def host(request):
    return request.param


@pytest.mark.parametrize("name", CASES)
def test_name(name, host, variant):
    expected = CASES[name][-1 if host == "lean" else 1]
    printed = walk(host, variant)[name]
    if expected:
        harness.check_same(expected, printed)
    else:
        assert printed == ""


def names(host, variant, columns):
    with harness.scratch_folder() as folder:
        return run(host, variant, folder, f"SELECT DISTINCT {columns} "
                   "FROM prod_help", ":memory:").splitlines()


def test_every_name_has_a_case(host):
    assert set(names(host, harness.Variant("release"), "name")) == set(CASES)


def test_options_are_read_or_refused_with_the_reason(host, variant):
    signatures = [line for line in names(host, variant, "kind, signature")
                  if "options" in line]
    assert len(signatures) > 20
    calls = []
    for signature in signatures:
        kind, call = re.sub(r"[][]", "", signature).split("|")
        name, arguments = re.fullmatch(r"(\w+)\((.*)\)", call).groups()
        values = ", ".join(VALUES[argument.strip()]
                           for argument in arguments.split(","))
        calls.append(f"SELECT {'* FROM ' if kind == 'table' else ''}"
                     f"{name}({values});\n")
    with harness.scratch_folder() as folder:
        (folder / "backups").mkdir()
        printed = run(host, variant, folder, SETUP + "SELECT '==';\n" +
                      "".join(calls)).split("==\n")[1].splitlines()
        left = sorted(path.name for path in folder.iterdir())
    reason = "need JSON functions, which this host's SQLite" if host == "lean" \
        else 'unknown option "nonsense"; known are '
    assert len(printed) == len(calls), printed
    for call, line in zip(calls, printed):
        name = re.search(r"prod_\w+", call)[0]
        assert line.startswith(f"Error: {name}: ") and reason in line or \
            name == "prod_auto_configure", (call, line)
    assert not [name for name in left if name.startswith("never")], left


def test_a_file_that_is_no_database(host, variant):
    """From 3.48 on SQLite reads the schema before the first SELECT."""
    with harness.scratch_folder() as folder:
        (folder / "text.db").write_text("This is a text. " * 100)
        printed = run(host, variant, folder, "SELECT prod_health_code(); "
                      "SELECT prod_version(); PRAGMA application_id",
                      "text.db").splitlines()
    error = "Error: file is not a database"
    assert printed[2] == error
    assert printed[:2] == ["503", printed[1]] if host == "oldest" \
        else printed[:2] == [error, error], printed


def test_backups_of_another_host_on_the_lean_one(variant):
    """Manifests cannot be read there: said, and nothing is changed."""
    with harness.scratch_folder() as folder:
        (folder / "backups").mkdir()
        run("newest", variant, folder, SETUP +
            "SELECT prod_backup_rotate('backups')")
        before = {path.name: path.read_bytes()
                  for path in (folder / "backups").iterdir()}
        printed = run("lean", variant, folder,
                      "SELECT verified FROM prod_backups('backups');"
                      "SELECT prod_backup_hold(path, 1) "
                      "FROM prod_backups('backups')")
        after = {path.name: path.read_bytes()
                 for path in (folder / "backups").iterdir()}
    harness.check_same(
        f"unread manifest\nError: prod_backup_hold: manifests need {LACKS}",
        printed)
    assert before == after
