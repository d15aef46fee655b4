"""prod_find_databases among other users and file systems, on many files, and
in a deep tree."""

import os
import shutil
import sqlite3
import subprocess
import threading

import pytest

import harness

RELEASE = harness.Variant("release")
NOBODY = 65534

needs_root = pytest.mark.skipif(os.geteuid() != 0,
                                reason="acts as another user: run it as root")


@pytest.fixture
def folder():
    with harness.scratch_folder() as scratch:
        shutil.copy(RELEASE.extension, scratch / "prodkit.so")
        yield scratch


def make_database(path):
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE t(x)")
    db.commit()
    db.close()
    path.chmod(0o644)


def ask(folder, sql, user=None):
    result = subprocess.run(
        ["sqlite3", "-batch", "-cmd", ".load ./prodkit", ":memory:", sql],
        cwd=folder, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, user=user)
    return result.stdout.splitlines()


@needs_root
def test_what_may_not_be_read_is_told(folder):
    for name in ("open", "closed", "no_search"):
        (folder / "root" / name).mkdir(parents=True)
        make_database(folder / "root" / name / "app.db")
    (folder / "root" / "open" / "secret.db").write_bytes(b"x" * 1000)
    (folder / "root" / "open" / "secret.db").chmod(0o600)
    (folder / "root" / "closed").chmod(0o700)
    (folder / "root" / "no_search").chmod(0o744)
    found = ask(folder, "SELECT path, bytes, problem "
                        "FROM prod_find_databases('root') ORDER BY path",
                user=NOBODY)
    assert found == [
        "root/closed||cannot open the folder root/closed: Permission denied",
        "root/no_search||cannot look at app.db in root/no_search: "
        "Permission denied",
        "root/open/app.db|8192|",
        "root/open/secret.db|1000|cannot read root/open/secret.db: "
        "Permission denied"]
    assert "Permission denied" in ask(
        folder, "SELECT * FROM prod_find_databases('root/closed')",
        user=NOBODY)[0]


@pytest.mark.skipif(not os.path.ismount("/proc"), reason="there is no /proc")
def test_another_file_system_is_not_entered(folder):
    mount, = ask(folder, "SELECT path FROM prod_find_databases('/', "
                         "'{\"max_depth\":1}') WHERE path = '/proc' "
                         "AND problem LIKE 'not entered: another file%'")
    assert mount == "/proc"


def test_deeper_than_there_may_be_open_folders(folder):
    path = folder
    for _ in range(250):
        path = path / "d"
    path.mkdir(parents=True)
    assert ask(folder, "SELECT length(path), problem FROM "
                       "prod_find_databases('d', '{\"max_depth\":200}')") == \
        ["403|not entered: deeper than the option max_depth"]


def test_ten_thousand_files(folder):
    """None of them stays open, and the search can be ended before them."""
    for i in range(100):
        (folder / "many" / str(i)).mkdir(parents=True)
        for j in range(100):
            (folder / "many" / str(i) / str(j)).write_bytes(b"x" * 600)
    make_database(folder / "many" / "50" / "app.db")
    assert ask(folder, "SELECT path FROM prod_find_databases('many')") == \
        ["many/50/app.db"]
    assert ask(folder, "SELECT count(*) FROM (SELECT 1 FROM "
                       "prod_find_databases('many') LIMIT 1)") == ["1"]
    db = sqlite3.connect(":memory:")
    db.enable_load_extension(True)
    db.load_extension(str(RELEASE.extension))
    threading.Timer(0.02, db.interrupt).start()
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        for _ in range(50):
            db.execute("SELECT count(*) FROM prod_find_databases(?)",
                       (str(folder / "many"),)).fetchone()


def test_a_tree_that_changes_meanwhile(folder):
    """Folders vanish while they are walked: rows or none, never a failure."""
    for i in range(200):
        (folder / "moving" / str(i)).mkdir(parents=True)
        make_database(folder / "moving" / str(i) / "app.db")
    remover = subprocess.Popen(["rm", "-rf", folder / "moving"])
    for _ in range(20):
        found = ask(folder, "SELECT path, problem FROM "
                            "prod_find_databases('.') WHERE problem NOT NULL")
        assert not any("rror: " in line for line in found), found
    assert remover.wait() == 0
