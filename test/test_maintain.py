"""prod_maintain while other processes write, maintain, or interrupt it."""

import contextlib
import fcntl
import json
import sqlite3
import sys

import pytest

import harness
from test_wal import Connection

sys.path.insert(0, str(harness.ROOT / "test" / "bench"))
import maintain_waits  # noqa: E402

# What the issue promises; the machine may be busy with something else once.
MOST_WAIT_MS = 50
TRIES = 3

FREED = "SELECT prod_maintain('{\"integrity\":false, \"max_seconds\":60}')"


@pytest.fixture
def world(variant):
    """A database of which most is free pages, and connections to it."""
    with harness.scratch_folder() as folder, contextlib.ExitStack() as ends:
        path = folder / "app.db"
        maintain_waits.make(path, 20)
        made = []

        def connect():
            made.append(Connection(path, variant))
            return made[-1]

        ends.callback(lambda: [each.close() for each in made])
        yield path, connect


def test_writers_wait_for_less_than_50_ms():
    release = harness.Variant("release")
    worst = []
    for _ in range(TRIES):
        with harness.scratch_folder() as folder:
            path = folder / "app.db"
            maintain_waits.make(path, 60)
            waits, failed, answer = maintain_waits.measure(
                path, 3, lambda path=path: maintain_waits.maintain(
                    path, release.extension, 3))
        vacuum = answer["steps"][2]
        assert failed == 0
        assert vacuum["free_pages_after"] < vacuum["free_pages_before"]
        worst.append(waits[-1])
        if worst[-1] < MOST_WAIT_MS:
            return
    pytest.fail(f"longest waits: {worst} ms")


def test_a_second_run_does_nothing(world):
    path, connect = world
    first, second = connect(), connect()
    state = path.with_name("app.db-prodkit-maintain.json")
    with state.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        answer = second.ask("SELECT prod_maintain()")
        assert "another prod_maintain is at work on this database" in answer
        assert "nothing was done" in answer
        assert state.read_text() == ""
        assert first.one("SELECT prod_maintain('{\"run\":false}')") \
            .startswith('{"last":null,')
    assert json.loads(first.one(FREED))["complete"]


def test_two_runs_in_one_process_exclude_each_other(world):
    path, connect = world
    first, second = connect(), connect()
    first.tell(FREED)
    answers = [second.ask(FREED) for _ in range(3)] + [first.answer()]
    refused = [answer for answer in answers if isinstance(answer, str)]
    done = [json.loads(answer[0][0]) for answer in answers
            if not isinstance(answer, str)]
    assert refused and done  # whichever came first
    assert all("another prod_maintain" in answer for answer in refused)
    assert all(answer["complete"] for answer in done)


def test_an_interrupt_ends_it_and_leaves_all_in_order(world):
    path, connect = world
    connection = connect()
    answer = connection.ask(FREED, 0.2)
    assert "interrupted" in answer
    assert connection.one("PRAGMA analysis_limit") == 0
    assert connection.one("SELECT prod_maintain('{\"run\":false}')") \
        .startswith('{"last":null,')
    assert connection.one("PRAGMA integrity_check") == "ok"
    assert json.loads(connection.one(FREED))["complete"]
    assert connection.one("PRAGMA freelist_count") == 0


def test_an_interrupted_analyze_sets_the_limit_back(world):
    _, connect = world
    connection = connect()
    connection.ask("CREATE TABLE large(x)")
    connection.ask("INSERT INTO large WITH RECURSIVE n(i) AS (SELECT 1 UNION "
                   "ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT i FROM n")
    connection.ask("CREATE INDEX large_x ON large(x)")
    connection.ask("PRAGMA analysis_limit = 7")
    answer = connection.ask("SELECT prod_maintain('{\"analysis_limit\":0, "
                            "\"checkpoint\":false}')", 0.05)
    assert answer == "prod_maintain: optimize: interrupted"
    assert connection.one("PRAGMA analysis_limit") == 7


def test_a_writer_that_does_not_let_go(world):
    path, connect = world
    connection = connect()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = json.loads(connection.one(
            "SELECT prod_maintain('{\"max_seconds\":0.5}')"))
        other.execute("ROLLBACK")
    checkpoint, optimize, vacuum, integrity = answer["steps"]
    assert not answer["complete"]
    assert optimize["status"] == "partial"
    assert "another connection held the write lock" in optimize["message"]
    assert vacuum["status"] == "partial" and vacuum["locked_out"] > 0
    assert vacuum["free_pages_after"] == vacuum["free_pages_before"]
    assert integrity["status"] in ("done", "partial")


def test_a_reader_does_not_keep_it_from_its_work(world):
    path, connect = world
    connection = connect()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        before = other.execute("SELECT count(*) FROM gone").fetchone()
        answer = json.loads(connection.one(FREED))
        assert other.execute("SELECT count(*) FROM gone").fetchone() == before
    assert answer["complete"], answer


def test_a_state_file_that_is_a_link(world):
    path, connect = world
    connection = connect()
    state = path.with_name("app.db-prodkit-maintain.json")
    for target in ("/etc/passwd", "nowhere.json"):
        state.symlink_to(target)
        answer = connection.ask("SELECT prod_maintain()")
        assert "Too many levels of symbolic links" in answer
        state.unlink()
    assert not path.with_name("nowhere.json").exists()
