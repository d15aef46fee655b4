"""Peak memory of the whole process is bounded: here for 60 MB, half of them in
the WAL; test/bench has the same for what is ten and more times larger."""

import os
import subprocess

import pytest

import harness

RELEASE = harness.Variant("release")
MOST_BYTES = 64 << 20

SOURCE = """
PRAGMA synchronous = OFF;
PRAGMA journal_mode = {mode};
CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB, c BLOB);
WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
INSERT INTO t SELECT i, randomblob(20), randomblob(500) FROM n;
PRAGMA wal_autocheckpoint = 0;
INSERT INTO t SELECT a + 50000, b, c FROM t;
CREATE INDEX t_b ON t(b);
.shell kill -9 $PPID
"""


@pytest.fixture(scope="module", params=["wal", "delete"])
def database(request):
    with harness.scratch_folder() as folder:
        subprocess.run(["sqlite3", "app.db"], cwd=folder, check=False,
                       input=SOURCE.format(mode=request.param), text=True,
                       capture_output=True)
        yield folder / "app.db"


def peak_bytes(database, statement):
    script = f"PRAGMA cache_size = -2000;\n.load {RELEASE.extension}\n{statement};\n"
    child = subprocess.Popen(["sqlite3", "-bail", database],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             text=True)
    child.stdin.write(script)
    child.stdin.close()
    printed = child.stdout.read()
    child.stdout.close()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0 and '"verified"' in printed, printed
    return usage.ru_maxrss * 1024


@pytest.mark.parametrize("compress", [0, 1])
def test_backup(database, compress):
    for threads in (1, 0):
        peak = peak_bytes(
            database, f"SELECT prod_backup_to('{database.parent}/copy', "
            f"{compress}, '{{\"overwrite\":true,\"verify\":\"full\","
            f"\"threads\":{threads}}}')")
        assert peak < MOST_BYTES, f"{peak / (1 << 20):.1f} MB"


def test_backup_api(database):
    peak = peak_bytes(database, f"""BEGIN; SELECT count(*) FROM t;
        SELECT prod_backup_to('{database.parent}/api', 1)""")
    assert peak < MOST_BYTES, f"{peak / (1 << 20):.1f} MB"
