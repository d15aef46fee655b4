"""What SQL cannot show of restore, catalogue and retain: runs that are killed,
databases that other processes hold, runs side by side, a disk that is full."""

import fcntl
import gzip
import json
import random
import resource
import signal
import sqlite3
import subprocess
import time

import pytest

import harness

RELEASE = harness.Variant("release")
NAMES = ["app", "users", "orders", "mail", "jobs", "cache", "wiki", "shop"]


@pytest.fixture
def folder():
    with harness.scratch_folder() as path:
        (path / "backups").mkdir()
        yield path


def make_database(path, rows=20000, journal="wal"):
    db = sqlite3.connect(path)
    db.executescript(f"""
        PRAGMA journal_mode = {journal};
        CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);
        WITH RECURSIVE n(i) AS (
          SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
        INSERT INTO t SELECT i, hex(randomblob(20)) FROM n;""")
    db.close()


def make_backups(folder, database, days):
    """Backups of one day each, the last of them on 2025-06-30."""
    for day in range(days):
        stamp = time.gmtime(1751252400 - 86400 * day)
        name = f"{database}-{time.strftime('%Y%m%dT%H%M%SZ', stamp)}.db"
        (folder / name).write_bytes(b"a backup")
        (folder / f"{name}.manifest.json").write_text(json.dumps({
            "format": "prodkit backup", "version": 1, "database": database,
            "taken_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", stamp),
            "bytes": 8, "source_bytes": 4096, "pages": 1, "page_size": 4096,
            "compression": "none", "verified": "quick", "held": False}))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def parts(folder):
    return [name for name in names(folder) if name.endswith("prodkit-part")]


def killed(folder, sql, after):
    """Runs a statement in the shell, and kills it after so many seconds. True
    when it was done before."""
    process = subprocess.Popen(
        ["sqlite3", "-bail", "-cmd", f".load {RELEASE.extension}", "app.db",
         sql], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
    errors = process.communicate()[1].decode()
    assert not errors, errors
    return process.returncode == 0


def duration(folder, sql):
    began = time.monotonic()
    assert killed(folder, sql, 60)
    return time.monotonic() - began


def newest_verified(backups):
    """{database: time of the newest verified backup that is there, whole}"""
    newest = {}
    for manifest in backups.glob("[!.]*.manifest.json"):
        told = json.loads(manifest.read_text())
        backup = backups / told["file"]
        if not backup.exists():
            continue
        assert backup.stat().st_size == told["bytes"], backup
        if told["verified"] != "none":
            newest[told["database"]] = max(
                newest.get(told["database"], ""), told["taken_at"])
    return newest


def test_rotate_killed_at_any_moment(folder):
    make_database(folder / "app.db")
    backups = folder / "backups"
    random.seed(7)

    def rotate(name):
        return f"""SELECT prod_backup_rotate('backups',
                   '{{"name":"{name}","keep_last":2,"threads":2}}')"""

    whole = duration(folder, rotate("warm-up"))
    pages = (folder / "app.db").read_bytes()[1024:]
    seen, before, kills = set(), {}, 0
    for turn in range(80):
        name = NAMES[turn % len(NAMES)]
        kills += not killed(folder, rotate(name), random.uniform(0, whole))
        for path in set(backups.glob("[!.]*.gz")) - seen:
            assert gzip.open(path).read()[1024:] == pages
            seen.add(path)
        after = newest_verified(backups)
        assert all(after[name] >= before[name] for name in before)
        before = after
    assert kills > 20
    for name in NAMES:
        assert killed(folder, rotate(name), 60)
    assert parts(backups) == []
    for path in backups.glob("*.gz"):
        assert (backups / f"{path.name}.manifest.json").exists()


def test_prune_killed_at_any_moment(folder):
    make_database(folder / "app.db", rows=1)
    backups = folder / "backups"
    prune = "SELECT prod_backup_prune('backups', '{\"keep_last\":5%s}')"
    make_backups(backups, "app", 400)
    newest = [name for name in names(backups) if name.endswith(".db")][-5:]
    whole = 2 * duration(folder, prune % ',"dry_run":true')
    random.seed(7)
    midway = 0
    for turn in range(20):
        make_backups(backups, "app", 400)
        while not killed(folder, prune % "", random.uniform(0, whole)):
            left = set(names(backups))
            midway += 10 < len(left) < 800
            for name in left:
                assert name.endswith(".json") or f"{name}.manifest.json" in left
            assert left.issuperset(newest)
        assert [n for n in names(backups) if n.endswith(".db")] == newest
        assert len(names(backups)) == 10
        if midway >= 3:
            break
    assert midway > 0


def test_restore_killed_at_any_moment(folder):
    make_database(folder / "app.db")
    make_database(folder / "target.db", rows=10, journal="delete")
    RELEASE.shell("SELECT prod_backup_to('backups/b.gz', 1);",
                  folder, "app.db")
    with gzip.open(folder / "backups" / "b.gz") as file:
        new = file.read()
    restore = """SELECT prod_restore('backups/b.gz', 'target.db',
                                     '{"overwrite":true}')"""
    old = (folder / "target.db").read_bytes()
    whole = duration(folder, restore)
    random.seed(7)
    for turn in range(60):
        (folder / "target.db").write_bytes(old)
        killed(folder, restore, random.uniform(0, whole))
        assert (folder / "target.db").read_bytes() in (old, new)
        assert len(parts(folder)) <= 1
    assert killed(folder, restore, 60)
    assert (folder / "target.db").read_bytes() == new
    assert parts(folder) == []


def test_a_backup_without_its_manifest_is_finished_by_the_next_run(
        folder, variant):
    """As a rotate leaves it that is killed between its two last renames."""
    make_database(folder / "app.db", rows=100)
    backups = folder / "backups"
    for level in 0, 6:
        variant.shell(f"""SELECT prod_backup_rotate('backups',
                          '{{"name":"app-{level}","compress":{level}}}');""",
                      folder, "app.db")
    for manifest in backups.glob("*.manifest.json"):
        manifest.rename(backups / f".{manifest.name}.AbCdEf.prodkit-part")
    shown = "SELECT database, verified, held FROM prod_backups('backups') " \
            "ORDER BY path;"
    assert variant.shell(shown, folder) == "||0\napp||0\n"
    prune = "SELECT json_array_length(prod_backup_prune('backups', " \
            "'{\"keep_last\":1%s}'), '$.kept');"
    assert variant.shell(prune % ',"dry_run":true', folder) == "2\n"
    assert len(parts(backups)) == 2
    assert variant.shell(prune % "", folder) == "2\n"
    assert parts(backups) == []
    assert variant.shell(shown, folder) == "app-0|none|0\napp-6|none|0\n"


def test_a_part_that_has_a_writer_is_left(folder, variant):
    make_database(folder / "app.db", rows=100)
    mine = folder / "backups" / ".mine.db.AbCdEf.prodkit-part"
    dead = folder / "backups" / ".dead.db.AbCdEf.prodkit-part"
    dead.touch()
    with mine.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        variant.shell("SELECT prod_backup_rotate('backups');", folder,
                      "app.db")
        assert mine.exists() and not dead.exists()
    variant.shell("SELECT prod_backup_rotate('backups');", folder, "app.db")
    assert not mine.exists()


def test_rotates_side_by_side(folder):
    make_database(folder / "app.db")
    statement = "SELECT prod_backup_rotate('backups', '{\"keep_last\":9}')"
    processes = [subprocess.Popen(
        ["sqlite3", "-cmd", f".load {RELEASE.extension}", "app.db", statement],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True) for _ in range(3)]
    answers = [json.loads(process.communicate()[0]) for process in processes]
    assert len({answer["backup"]["path"] for answer in answers}) == 3
    assert len(names(folder / "backups")) == 6


@pytest.mark.parametrize("journal, lock, why", [
    ("delete", "BEGIN EXCLUSIVE", "somebody holds a lock on it"),
    ("delete", "BEGIN; SELECT count(*) FROM t", "somebody holds a lock on it"),
    ("wal", "SELECT count(*) FROM t", "target.db-wal lies beside the target"),
])
def test_restore_over_a_database_in_use(folder, variant, journal, lock, why):
    make_database(folder / "app.db", rows=100)
    make_database(folder / "target.db", rows=10, journal=journal)
    before = (folder / "target.db").read_bytes()
    holder = sqlite3.connect(folder / "target.db", isolation_level=None)
    for statement in lock.split(";"):
        rows = holder.execute(statement)
    rows.fetchone()
    restore = """SELECT json_extract(prod_restore('backups/b.gz', 'target.db',
                 '{"overwrite":true}'), '$.replaced');"""
    printed = variant.shell(f"SELECT prod_backup_to('backups/b.gz', 1);"
                            f"\n.print --\n{restore}", folder, "app.db")
    assert why in printed.split("--\n")[1]
    assert (folder / "target.db").read_bytes() == before
    holder.close()
    assert variant.shell(restore, folder) == "1\n"


def full_disk():
    """No file of this process grows beyond 100 kB."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))


def test_a_file_that_cannot_be_written_to_its_end(folder):
    make_database(folder / "app.db", journal="delete")
    RELEASE.shell("SELECT prod_backup_to('backup.gz', 6);", folder, "app.db")
    for call in ("prod_backup_rotate('backups', '{\"compress\":0}')",
                 "prod_restore('backup.gz', 'backups/new.db')"):
        result = RELEASE.run(
            ["sqlite3", "-cmd", f".load {RELEASE.extension}", "app.db",
             f"SELECT {call}"], cwd=folder, preexec_fn=full_disk)
        assert result.returncode == 1
        assert "cannot write" in result.stdout and "large" in result.stdout
        assert names(folder / "backups") == []
