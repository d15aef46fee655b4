"""prod_secure_files among several users: owners, folders above, and the locks
of the database that is open here. Needs root, to act as others."""

import contextlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys

import pytest

import harness

RELEASE = harness.Variant("release")
ONE, OTHER = 65534, 65533  # user ids that nothing here belongs to

needs_root = pytest.mark.skipif(os.geteuid() != 0,
                                reason="acts as other users: run it as root")


@pytest.fixture
def folder():
    """A folder that every user can reach, with the library in it."""
    with harness.scratch_folder() as scratch:
        shutil.copy(RELEASE.extension, scratch / "prodkit.so")
        (scratch / "prodkit.so").chmod(0o755)
        yield scratch


def make_database(folder, owner=0, folder_owner=None):
    folder.mkdir(mode=0o755)
    with contextlib.closing(sqlite3.connect(folder / "app.db")) as db:
        db.execute("CREATE TABLE t(x)")
    (folder / "app.db").chmod(0o644)
    if os.geteuid() == 0:
        os.chown(folder / "app.db", owner, owner)
        folder_owner = owner if folder_owner is None else folder_owner
        os.chown(folder, folder_owner, folder_owner)
    return folder / "app.db"


def secure(database, user=None, options="{}"):
    """What it answered, or its error's text."""
    library = database.parent.parent / "prodkit.so"
    result = subprocess.run(
        ["sqlite3", "-batch", "-cmd", f".load {library}", database,
         f"SELECT prod_secure_files('{options}')"],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, user=user,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    found = result.stdout[result.stdout.find("{"):] \
        if result.returncode == 0 else result.stdout
    return json.loads(found) if result.returncode == 0 else found


def mode(path):
    return oct(stat.S_IMODE(path.lstat().st_mode))[2:]


@needs_root
def test_the_owner_secures_and_others_are_out(folder):
    database = make_database(folder / "app", owner=ONE)
    answer = secure(database, user=ONE)
    assert [path["mode_after"] for path in answer["paths"]] == ["0700", "0600"]
    assert {path["owner"] for path in answer["paths"]} == {ONE}
    assert (mode(folder / "app"), mode(database)) == ("700", "600")
    assert "unable to open" in secure(database, user=OTHER)


@needs_root
def test_another_user_is_refused(folder):
    database = make_database(folder / "app", owner=ONE)
    assert f"belongs to user {ONE}, and this process acts as user {OTHER}" \
        in secure(database, user=OTHER)
    assert (mode(folder / "app"), mode(database)) == ("755", "644")


@needs_root
def test_root_does_not_lock_the_owner_out(folder):
    """The folder is root's and the database another's: 0700 would be the end
    of the application."""
    database = make_database(folder / "app", owner=ONE, folder_owner=0)
    answer = secure(database)
    assert (mode(folder / "app"), mode(database)) == ("755", "600")
    assert any("another owner than the database" in finding
               for finding in answer["findings"])
    assert secure(database, user=ONE)["schema"] == "main"


@needs_root
def test_a_sidecar_of_another_owner_is_refused(folder):
    database = make_database(folder / "app", owner=ONE)
    journal = database.with_name("app.db-journal")
    journal.touch(mode=0o644)
    assert "chown it first. Nothing was changed" in secure(database)
    assert (mode(folder / "app"), mode(database), mode(journal)) == \
        ("755", "644", "644")


@needs_root
def test_a_folder_with_files_of_others_is_left(folder):
    database = make_database(folder / "app", owner=ONE)
    (folder / "app" / "theirs.txt").touch()
    answer = secure(database, user=ONE)
    assert (mode(folder / "app"), mode(database)) == ("755", "600")
    assert any("holds entries of other owners" in finding
               for finding in answer["findings"])


@needs_root
def test_folders_above_that_others_can_change_are_told(folder):
    outer = folder / "outer"
    outer.mkdir()
    outer.chmod(0o777)
    shutil.copy(folder / "prodkit.so", outer / "prodkit.so")
    database = make_database(outer / "app")
    assert any(finding.startswith(f"{outer}: every user can write in it")
               for finding in secure(database)["findings"])
    outer.chmod(0o1777)  # sticky: others cannot replace what is not theirs
    assert not any(finding.startswith(f"{outer}:")
                   for finding in secure(database)["findings"])
    outer.chmod(0o755)
    os.chown(outer, OTHER, OTHER)
    assert any(finding.startswith(f"{outer}: it belongs to user {OTHER}")
               for finding in secure(database)["findings"])


def test_a_folder_that_stays_open_is_told(folder):
    database = make_database(folder / "app")
    (folder / "app").chmod(0o777)
    answer = secure(database, options='{"folder":false}')
    assert any(finding.startswith(f"{folder / 'app'}: every user can write")
               for finding in answer["findings"])
    assert not any(finding.startswith(f"{folder / 'app'}")
                   for finding in secure(database)["findings"])


HOLD_AND_SECURE = """
import sqlite3, subprocess, sys
path, library, other = sys.argv[1:]
db = sqlite3.connect(path, isolation_level=None)
db.enable_load_extension(True)
db.load_extension(library)
def locked_for_others():
    result = subprocess.run(["sqlite3", path, other], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return "locked" in result.stdout
db.execute("BEGIN IMMEDIATE")
db.execute("INSERT INTO t VALUES (1)")
assert locked_for_others()
db.execute("SELECT prod_secure_files()").fetchone()
assert locked_for_others()
list(db.execute("SELECT * FROM prod_find_databases(?)",
                (path.rsplit("/", 1)[0],)))
assert locked_for_others()
db.execute("COMMIT")
assert not locked_for_others()
"""


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_the_locks_of_an_open_database_stay(folder, journal_mode):
    """Closing any descriptor of the file would drop them (POSIX)."""
    database = make_database(folder / "app")
    with contextlib.closing(sqlite3.connect(database)) as db:
        db.execute(f"PRAGMA journal_mode = {journal_mode}")
    result = subprocess.run(
        [sys.executable, "-c", HOLD_AND_SECURE, database,
         RELEASE.extension, "INSERT INTO t VALUES (2)"],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert result.returncode == 0, result.stdout
