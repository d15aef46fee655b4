"""Peak memory of the whole process is bounded: here for 60 MB, half of them in
the WAL; test/bench has the same for what is ten and more times larger."""

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


def peak_bytes(database, statements):
    return 1024 * harness.peak_kilobytes(
        ["sqlite3", "-bail", "-cmd", "PRAGMA cache_size = -2000", "-cmd",
         f".load {RELEASE.extension}", database, statements])


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
