"""prod_auto_configure in a process with many connections: pools, threads, and
the drivers that open them."""

import contextlib
import sqlite3
import subprocess
import sys
import threading

import pytest

import harness

RELEASE = harness.Variant("release")


def load(path=":memory:"):
    db = sqlite3.connect(path, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(str(RELEASE.extension))
    return db


@contextlib.contextmanager
def switched_on(*arguments):
    """A connection with prodkit, in a process in which it is on meanwhile."""
    db = load()
    marks = ", ".join("?" * len(arguments))
    db.execute(f"SELECT prod_auto_configure({marks})", arguments)
    try:
        yield db
    finally:
        db.execute("SELECT prod_auto_configure('off')")
        db.close()


def outcomes(db):
    return {(outcome, reason): connections
            for outcome, reason, connections in db.execute(
                "SELECT outcome, reason, connections "
                "FROM prod_auto_configure WHERE connections > 0")}


def test_a_pool_that_opens_on_many_threads(tmp_path):
    seen, failures = [], []

    def worker(number):
        try:
            for round in range(10):
                db = sqlite3.connect(tmp_path / "app.db")
                seen.append(tuple(db.execute(f"PRAGMA {name}").fetchone()[0]
                            for name in ("journal_mode", "foreign_keys",
                                         "synchronous", "cache_size")))
                db.execute("INSERT INTO t VALUES (?, ?)", (number, round))
                db.commit()
                db.close()
        except Exception as failure:
            failures.append(failure)

    with switched_on("web", '{"cache_size":-3000}') as db:
        with contextlib.closing(sqlite3.connect(tmp_path / "app.db")) as made:
            made.execute("CREATE TABLE t(x, y)")
        threads = [threading.Thread(target=worker, args=(i,))
                   for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert set(seen) == {("wal", 1, 1, -3000)} and len(seen) == 80
        assert outcomes(db) == {("configured", None): 81}
        assert db.execute(
            "SELECT reason FROM prod_settings WHERE name = 'auto_configure'"
            ).fetchone()[0] == "81 connections configured, 0 skipped"


def test_threads_that_open_a_new_file_at_once(tmp_path):
    """Who comes first makes it a WAL database; nobody's open fails."""
    start = threading.Barrier(8)
    modes = []

    def worker():
        start.wait()
        db = sqlite3.connect(tmp_path / "new.db")
        modes.append(db.execute("PRAGMA foreign_keys").fetchone()[0])
        db.close()

    with switched_on("web") as db:
        threads = [threading.Thread(target=worker) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counts = outcomes(db)
    assert sum(counts.values()) == 8 and len(modes) == 8
    assert all(outcome != "skipped" for outcome, _ in counts), counts
    assert modes == [1] * 8


def test_switching_it_while_others_open(tmp_path):
    done = threading.Event()
    failures = []

    def worker():
        while not done.is_set():
            try:
                db = sqlite3.connect(tmp_path / "app.db")
                db.execute("SELECT 1 FROM sqlite_schema").fetchall()
                db.close()
            except Exception as failure:
                failures.append(failure)
                return

    threads = [threading.Thread(target=worker) for _ in range(4)]
    with switched_on("web") as db:
        for thread in threads:
            thread.start()
        for profile in ["off", "durable", "small", "web", "off"] * 20:
            db.execute("SELECT prod_auto_configure(?)", (profile,))
            db.execute("SELECT * FROM prod_auto_configure").fetchall()
        done.set()
        for thread in threads:
            thread.join()
    assert failures == []


def test_the_open_succeeds_whatever_comes(tmp_path):
    (tmp_path / "text.db").write_text("This is a text. " * 100)
    with switched_on("web") as db:
        for path in [":memory:", "", tmp_path / "text.db", "file::memory:"]:
            other = sqlite3.connect(path, uri=True)
            assert other.execute("SELECT 1").fetchone() == (1,)
            other.close()
        assert outcomes(db) == {("skipped", "in-memory or temporary"): 3,
                                ("skipped", "error"): 1}
        with pytest.raises(sqlite3.DatabaseError, match="not a database"):
            sqlite3.connect(tmp_path / "text.db").execute(
                "SELECT * FROM sqlite_schema")
        for path in [tmp_path / "missing" / "app.db", tmp_path]:
            with pytest.raises(sqlite3.OperationalError, match="unable to op"):
                sqlite3.connect(path)


def test_a_read_only_connection_writes_nothing(tmp_path):
    path = tmp_path / "app.db"
    with contextlib.closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE t(x)")
    before = path.read_bytes()
    with switched_on("web") as db:
        other = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        assert other.execute("PRAGMA foreign_keys").fetchone() == (1,)
        other.close()
        frozen = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
        assert frozen.execute("SELECT count(*) FROM t").fetchone() == (0,)
        frozen.close()
        assert outcomes(db) == {("kept", "read-only"): 2}
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["app.db"]


def test_the_application_can_still_take_its_own_way(tmp_path):
    """What it sets after the open wins; Python's own busy timeout does."""
    with switched_on("web", '{"busy_timeout":70}'):
        db = sqlite3.connect(tmp_path / "app.db", timeout=0.5)
        assert db.execute("PRAGMA busy_timeout").fetchone() == (500,)
        assert db.execute("PRAGMA journal_mode = delete").fetchone() \
            == ("delete",)
        db.close()


def test_the_function_outlives_the_connection_that_called_it(tmp_path):
    with switched_on("web"):
        load().close()
    first = load()
    first.execute("SELECT prod_auto_configure('web')")
    first.close()
    second = sqlite3.connect(tmp_path / "app.db")
    assert second.execute("PRAGMA foreign_keys").fetchone() == (1,)
    second.execute("SELECT prod_auto_configure('off')")
    second.close()
    assert sqlite3.connect(tmp_path / "app.db").execute(
        "PRAGMA foreign_keys").fetchone() == (0,)


OPEN_WHEN_TOLD = """
import sqlite3, sys
library, path = sys.argv[1:]
db = sqlite3.connect(":memory:", isolation_level=None)
db.enable_load_extension(True)
db.load_extension(library)
db.execute("SELECT prod_auto_configure('web')")
print("ready", flush=True)
sys.stdin.read(1)
other = sqlite3.connect(path)
enforced, = other.execute("PRAGMA foreign_keys").fetchone()
outcome, = db.execute("SELECT group_concat(outcome) FROM prod_auto_configure "
                      "WHERE connections > 0").fetchone()
print(enforced, outcome)
"""


def open_at_once(path, processes):
    workers = [subprocess.Popen(
        [sys.executable, "-c", OPEN_WHEN_TOLD, RELEASE.extension, path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("x")
        worker.stdin.flush()
    return [worker.communicate()[0].strip() for worker in workers]


def test_processes_that_open_a_new_file_at_once(tmp_path):
    """They collide at the switch to WAL; none is left without its settings,
    and the first that meets nobody makes the switch, if none did before."""
    answers = []
    for round in range(5):
        path = tmp_path / f"{round}.db"
        answers += open_at_once(path, 8)
        assert open_at_once(path, 1) == ["1 configured"]
        with contextlib.closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    assert len(answers) == 40
    assert set(answers) <= {"1 configured", "1 kept"}
