"""prod_health where it takes another process or another system: network file
systems, writers at work, a missing database, and what a probe leaves behind."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time

import pytest

import harness

RELEASE = harness.Variant("release")
SHIM = harness.ROOT / "build" / "test" / "faults.so"

WRITER = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], timeout=10)
db.execute("PRAGMA wal_autocheckpoint = 5")
db.execute("PRAGMA synchronous = off")
print("ready", flush=True)
while True:
    with db:
        db.executemany("INSERT INTO t(x) VALUES (?)", [("x" * 3000,)] * 20)
    with db:
        db.execute("DELETE FROM t")
    time.sleep(0.002)
"""


@pytest.fixture
def folder():
    with harness.scratch_folder() as scratch:
        yield scratch


def connect(path, **options):
    db = sqlite3.connect(path, isolation_level=None, **options)
    db.enable_load_extension(True)
    db.load_extension(str(RELEASE.extension))
    return db


def make_database(path, mode="wal"):
    path.touch(0o600)
    db = connect(path)
    db.execute(f"PRAGMA journal_mode = {mode}")
    db.execute("CREATE TABLE t(x)")
    return db


def checks(db, tier="fast", **options):
    """{name: (status, value, message)}"""
    return {name: rest for name, *rest in db.execute(
        "SELECT name, status, value, message FROM prod_health(?, ?)",
        (tier, json.dumps(options)))}


# ---- network file systems ----

@pytest.fixture(scope="module")
def shim():
    harness.make(SHIM.relative_to(harness.ROOT))
    return SHIM


def filesystem(shim, folder, type_number, mode):
    """What the check says of a database on a file system of that type."""
    make_database(folder / "app.db", mode).close()
    environment = dict(os.environ, LD_PRELOAD=str(shim), FAULTS_BELOW=folder,
                       FILESYSTEM=type_number)
    printed = subprocess.run(
        ["sqlite3", "-batch", "-cmd", f".load {RELEASE.extension}",
         folder / "app.db", "SELECT status, value, message, prod_health_code() "
         "FROM prod_health WHERE name = 'filesystem'"],
        env=environment, text=True, check=True, capture_output=True).stdout
    return printed.strip().split("|")


@pytest.mark.skipif(sys.platform != "linux", reason="preloads into glibc")
@pytest.mark.parametrize("number, name", [
    ("0x6969", "nfs"), ("0xff534d42", "cifs"), ("0xfe534d42", "smb2"),
    ("0x00c36400", "ceph"), ("0x01021997", "9p"), ("0x0bd00bd0", "lustre")])
def test_wal_on_a_network_filesystem_is_a_warning(shim, folder, number, name):
    status, value, message, code = filesystem(shim, folder, number, "wal")
    assert (status, value, code) == ("warn", name, "200")
    assert message.startswith("a network file system: processes on two hosts")


@pytest.mark.skipif(sys.platform != "linux", reason="preloads into glibc")
def test_a_rollback_journal_on_one_is_for_information(shim, folder):
    status, value, message, _ = filesystem(shim, folder, "0x6969", "delete")
    assert (status, value) == ("pass", "nfs")
    assert message.startswith("for information: on a network file system")


@pytest.mark.skipif(sys.platform != "linux", reason="preloads into glibc")
@pytest.mark.parametrize("number, name", [
    ("0x65735546", "fuse"), ("0x1234567", "type 0x1234567")])
def test_what_may_be_one_is_for_information(shim, folder, number, name):
    status, value, message, _ = filesystem(shim, folder, number, "wal")
    assert (status, value) == ("pass", name)
    assert message.endswith("; in WAL mode it has to be")


# ---- a disk that fills up ----

@pytest.fixture
def small_disk(folder):
    """A folder with 8 MB, where we may mount."""
    disk = folder / "disk"
    disk.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8m", "prodkit-test", disk],
            stderr=subprocess.DEVNULL, check=False).returncode != 0:
        pytest.skip("mounts a file system: run it as root on Linux")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_disk_that_fills_up(small_disk):
    db = make_database(small_disk / "app.db", "delete")
    limits = {"disk_fail_bytes": 1 << 20}
    assert checks(db, **limits)["disk_space"][0] == "pass"
    assert checks(db, **limits)["filesystem"][:2] == ["pass", "tmpfs"]
    db.execute("INSERT INTO t VALUES (zeroblob(5000000))")
    status, left, message = checks(db, **limits)["disk_space"]
    assert status == "warn" and left < 3500000
    assert message.endswith("or a backup beside the database can fail")
    with open(small_disk / "other", "wb") as other:
        other.write(bytes(left - (1 << 19)))
    status, left, message = checks(db, **limits)["disk_space"]
    assert (status, left) == ("fail", 1 << 19)
    assert message.endswith(": writes will soon fail")
    db.close()


# ---- others at work ----

@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_busy_database_is_not_called_damaged(folder, mode):
    db = make_database(folder / "app.db", mode)
    db.execute("PRAGMA busy_timeout = 10000")
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, folder / "app.db"],
        stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout.readline() == "ready\n"
        until = time.monotonic() + 2
        while time.monotonic() < until:
            found = checks(db, free_warn_ratio=1, free_fail_ratio=1)
            bad = {name: rest for name, rest in found.items()
                   if rest[0] in ("warn", "fail")}
            assert not bad
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    db.close()


@pytest.mark.parametrize("mode", ["wal", "delete"])
@pytest.mark.parametrize("sql", [
    "SELECT prod_health('full')", "SELECT prod_health_code('quick')",
    "SELECT prod_health('fast', '{\"format\":\"rfc\"}')",
    "SELECT * FROM prod_health('full')"])
def test_no_transaction_is_left(folder, mode, sql):
    db = make_database(folder / "app.db", mode)
    other = sqlite3.connect(folder / "app.db", isolation_level=None, timeout=0)
    other.execute("INSERT INTO t VALUES (1)")
    assert db.execute(sql).fetchall()
    assert not db.in_transaction
    if mode == "wal":
        other.execute("INSERT INTO t VALUES (2)")
        busy, = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[:1]
        assert busy == 0
        assert (folder / "app.db-wal").stat().st_size == 0
    else:
        other.execute("BEGIN EXCLUSIVE")
        other.execute("ROLLBACK")
    other.close()
    db.close()


# ---- a missing database ----

def test_a_missing_database_is_not_made(folder):
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        connect(f"file:{folder}/missing.db?mode=rw", uri=True)
    assert not list(folder.iterdir())


def test_nothing_is_made_beside_a_database_that_is_read(folder):
    make_database(folder / "app.db", "delete").close()
    before = (folder / "app.db").read_bytes()
    (folder / "backups").mkdir()
    db = connect(f"file:{folder}/app.db?mode=ro", uri=True)
    assert checks(db, "full", backup_dir=str(folder / "backups"))
    db.close()
    assert sorted(os.listdir(folder)) == ["app.db", "backups"]
    assert not list((folder / "backups").iterdir())
    assert (folder / "app.db").read_bytes() == before


# ---- a database that went away under its connection ----

def test_a_file_that_was_removed_is_not_called_good(folder):
    db = make_database(folder / "app.db", "delete")
    (folder / "app.db").unlink()
    found = checks(db)
    for name in ("page_count", "permissions", "filesystem"):
        assert found[name] == [None, None, "not checked: the operating system "
                               "shows no such file"], name
    assert found["disk_space"][:2] == [None, None]
    db.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")
def test_what_this_user_may_not_read_is_unhealthy(folder):
    """SQLite needs to make an -shm, in a folder that belongs to another."""
    make_database(folder / "app.db").close()
    (folder / "app.db").chmod(0o644)
    shutil.copy(RELEASE.extension, folder)
    printed = subprocess.run(
        ["sqlite3", "-batch", "-cmd", f".load ./{RELEASE.extension.name}",
         "app.db", "SELECT prod_health_code(), prod_health()"],
        cwd=folder, text=True, capture_output=True, user=65534, group=65534)
    code, report = printed.stdout.split("|", 1)
    assert code == "503", printed
    assert any(issue.startswith("database_readable: ")
               for issue in json.loads(report)["issues"]), report


def test_a_backup_from_the_future_is_not_the_newest(folder):
    db = make_database(folder / "app.db")
    (folder / "backups").mkdir()
    db.execute("SELECT prod_backup_rotate(?)",
               (str(folder / "backups"),)).fetchall()
    options = {"backup_dir": str(folder / "backups")}
    assert checks(db, **options)["backup"][0] == "pass"
    manifest, = (folder / "backups").glob("*.json")
    manifest.write_text(re.sub(r'"taken_at":"\d{4}', '"taken_at":"2999',
                               manifest.read_text()))
    status, _, message = checks(db, **options)["backup"]
    assert status == "fail" and "there is no usable backup" in message
    assert db.execute("SELECT status FROM prod_checklist(?) WHERE item = "
                      "'backup_recent'", (json.dumps(options),)
                      ).fetchone() == ("fail",)
