"""prod_wal, prod_checkpoint, prod_integrity and their like while other processes
read and write the same database."""

import contextlib
import json
import subprocess
import time

import pytest

import harness

CHILD = """
import json, sqlite3, sys, threading
path, extension = sys.argv[1:3]
db = sqlite3.connect(path, uri=True, isolation_level=None, timeout=0)
if extension:
    db.enable_load_extension(True)
    db.load_extension(extension)
for line in sys.stdin:
    sql, interrupt_after = json.loads(line)
    if interrupt_after:
        threading.Timer(interrupt_after, db.interrupt).start()
    try:
        answer = db.execute(sql).fetchall()
    except sqlite3.Error as error:
        answer = str(error)
    print(json.dumps(answer), flush=True)
"""


class Connection:
    """A connection in a process of its own, with prodkit if a variant is given."""

    def __init__(self, path, variant=None):
        extension = str(variant.extension) if variant else ""
        wrapper = variant.wrapper if variant else []
        self.process = subprocess.Popen(
            [*wrapper, "/usr/bin/python3", "-c", CHILD, str(path), extension],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=self.environment(variant) if variant else None)

    @staticmethod
    def environment(variant):
        """Python itself leaves memory behind when it ends; for leaks of ours
        there are the scripts in test/sql and test/c/memory_test.c."""
        options = variant.environment["ASAN_OPTIONS"] + ":detect_leaks=0"
        return dict(variant.environment, ASAN_OPTIONS=options)

    def ask(self, sql, interrupt_after=None):
        """Rows, or the text of an error."""
        self.tell(sql, interrupt_after)
        return self.answer()

    def tell(self, sql, interrupt_after=None):
        self.process.stdin.write(json.dumps([sql, interrupt_after]) + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        assert line, f"the process ended with {self.process.wait()}"
        return json.loads(line)

    def one(self, sql):
        return self.ask(sql)[0][0]

    def close(self):
        self.process.stdin.close()
        code = self.process.wait()
        self.process.stdout.close()
        assert code == 0


class World:
    """A database in WAL mode, and processes that use it."""

    def __init__(self, folder, variant):
        self.path, self.variant = folder / "app.db", variant
        self.connections = []
        self.writer = self.connect()
        self.writer.ask("PRAGMA journal_mode = wal")
        self.writer.ask("PRAGMA wal_autocheckpoint = 0")
        self.writer.ask("CREATE TABLE t(x)")
        self.prodkit = self.connect(variant)

    def connect(self, variant=None, path=None):
        self.connections.append(Connection(path or self.path, variant))
        return self.connections[-1]

    def reader(self):
        """One that sees the last commit, and stays there."""
        reader = self.connect()
        reader.ask("BEGIN")
        reader.ask("SELECT count(*) FROM t")
        return reader

    def write(self, times=1):
        for _ in range(times):
            assert self.writer.ask("INSERT INTO t VALUES (1)") == []

    def wal(self):
        return self.prodkit.ask(
            "SELECT frames, backfilled_frames, pinned, held_back_frames, "
            "reader_marks, note FROM prod_wal")[0]

    def checkpoint(self, *arguments):
        listed = ", ".join(f"'{argument}'" for argument in arguments)
        return json.loads(self.prodkit.one(f"SELECT prod_checkpoint({listed})"))


@pytest.fixture
def world(variant):
    with harness.scratch_folder() as folder, contextlib.ExitStack() as ends:
        made = World(folder, variant)
        ends.callback(lambda: [each.close() for each in made.connections])
        yield made


def test_a_reader_behind_the_last_commit_pins(world):
    frames = world.wal()[0]
    assert world.wal() == [frames, 0, 0, 0, "", None]
    reader = world.reader()
    assert world.wal()[2:5] == [0, 0, ""], "it sees the last commit"
    world.write(3)
    assert world.wal() == [frames + 3, 0, 1, 3, str(frames), None]

    passive = world.checkpoint()
    assert (passive["busy"], passive["pinned"]) == (False, True)
    assert (passive["log_frames"], passive["checkpointed_frames"]) == \
        (frames + 3, frames)
    assert "readers hold back 3 frames" in passive["message"]
    assert world.wal()[1:5] == [frames, 1, 3, str(frames)]

    full = world.checkpoint("full")
    assert (full["busy"], full["pinned"]) == (True, True)

    reader.ask("COMMIT")
    assert world.wal()[1:5] == [frames, 0, 0, ""]
    full = world.checkpoint("full")
    assert (full["busy"], full["pinned"], full["message"]) == \
        (False, False, None)
    assert full["checkpointed_frames"] == full["log_frames"] == frames + 3


def test_a_reader_of_the_bare_file_pins_a_new_log(world):
    assert world.checkpoint("truncate")["wal_bytes_after"] == 0
    reader = world.reader()
    world.write(2)
    assert world.wal() == [2, 0, 1, 2, "0", None]
    pinned = world.checkpoint()
    assert (pinned["checkpointed_frames"], pinned["pinned"]) == (0, True)
    reader.ask("COMMIT")
    assert world.checkpoint()["checkpointed_frames"] == 2


def test_two_readers_and_the_oldest_counts(world):
    frames = world.wal()[0]
    world.reader()
    world.write()
    world.reader()
    world.write(2)
    assert world.wal()[2:5] == [1, 3, f"{frames}, {frames + 1}"] or \
        world.wal()[2:5] == [1, 3, f"{frames + 1}, {frames}"]


def test_a_transaction_of_ones_own_pins_as_well(world):
    world.prodkit.ask("BEGIN")
    world.prodkit.ask("SELECT * FROM t")
    world.write()
    assert world.wal()[2:4] == [1, 1]
    assert "COMMIT or ROLLBACK first" in \
        world.prodkit.ask("SELECT prod_checkpoint()")
    assert world.prodkit.ask("COMMIT") == []


def test_no_transaction_is_left(world):
    """A TRUNCATE of another process meets nobody."""
    truncate = "PRAGMA wal_checkpoint(TRUNCATE)"
    for sql in ("SELECT * FROM prod_wal", "SELECT prod_checkpoint()",
                "SELECT * FROM prod_integrity", "SELECT prod_health('full')",
                "SELECT * FROM prod_health"):
        world.write()
        assert isinstance(world.prodkit.ask(sql), list)
        assert world.writer.ask(truncate) == [[0, 0, 0]], sql


def test_the_locks_that_sqlite_holds_stay(world):
    """POSIX drops them when anybody in the process closes the file."""
    for sql in ("SELECT * FROM prod_wal", "SELECT prod_health('full')",
                "SELECT * FROM prod_integrity",
                "SELECT * FROM prod_integrity('{\"check\":false}')",
                f"SELECT * FROM prod_integrity('{{\"state\":\"{world.path}\"}}')"):
        world.prodkit.ask("BEGIN IMMEDIATE")
        world.prodkit.ask(sql)
        assert world.writer.ask("INSERT INTO t VALUES (1)") == \
            "database is locked", sql
        assert world.writer.ask("PRAGMA wal_checkpoint(TRUNCATE)")[0][0] == 1
        world.prodkit.ask("INSERT INTO t VALUES (2)")
        assert world.prodkit.ask("COMMIT") == []


def test_the_locks_of_a_rollback_journal_stay(world):
    world.writer.close()
    world.connections.remove(world.writer)
    assert world.prodkit.one("PRAGMA journal_mode = delete") == "delete"
    other = world.connect()
    for sql in ("SELECT * FROM prod_wal('main')", "SELECT prod_health('full')",
                "SELECT * FROM prod_integrity", "SELECT prod_checkpoint()",
                f"SELECT * FROM prod_integrity('{{\"state\":\"{world.path}\"}}')"):
        world.prodkit.ask("BEGIN EXCLUSIVE")
        world.prodkit.ask(sql)
        assert other.ask("SELECT * FROM t") == "database is locked", sql
        assert world.prodkit.ask("COMMIT") == []


def test_max_wait_ms_waits_for_a_reader_and_not_longer(world):
    reader = world.reader()
    world.write()
    world.prodkit.tell("SELECT prod_checkpoint('truncate', "
                       "'{\"max_wait_ms\":60000}')")
    time.sleep(0.3)
    world.write()  # between two tries nobody is kept out
    reader.ask("COMMIT")
    answer = json.loads(world.prodkit.answer()[0][0])
    assert (answer["busy"], answer["wal_bytes_after"]) == (False, 0)
    assert answer["seconds"] < 30


def test_the_busy_timeout_is_not_waited_and_is_kept(world):
    world.reader()
    world.write()
    world.prodkit.ask("PRAGMA busy_timeout = 60000")
    answer = world.checkpoint("restart")
    assert answer["busy"] and answer["seconds"] < 10
    assert world.prodkit.one("PRAGMA busy_timeout") == 60000
    answer = world.checkpoint("restart", '{"max_wait_ms":200}')
    assert answer["busy"] and 0.2 <= answer["seconds"] < 10
    assert world.prodkit.one("PRAGMA busy_timeout") == 60000


def test_waiting_can_be_interrupted(world):
    world.reader()
    world.write()
    began = time.monotonic()
    world.prodkit.ask("PRAGMA busy_timeout = 1234")
    answer = world.prodkit.ask("SELECT prod_checkpoint('full', "
                               "'{\"max_wait_ms\":600000}')", 0.3)
    assert "interrupted" in answer
    assert time.monotonic() - began < 60
    assert world.prodkit.one("PRAGMA busy_timeout") == 1234


def test_a_writer_at_work(world):
    """A checkpoint that waits for writers is busy; a passive one is not."""
    world.writer.ask("BEGIN IMMEDIATE")
    world.writer.ask("INSERT INTO t VALUES (1)")
    assert not world.checkpoint()["busy"]
    answer = world.checkpoint("full")
    assert (answer["busy"], answer["pinned"]) == (True, False)
    assert "a writer or a reader was at work" in answer["message"]
    world.writer.ask("COMMIT")
    assert not world.checkpoint("full")["busy"]


def test_looking_disturbs_nobody(world):
    """Two writers' and a reader's worth of traffic, looked at all the while."""
    hammer = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
db.execute('PRAGMA synchronous = off')
for i in range(1500):
    db.execute('INSERT INTO t VALUES (?)', (i,))
    db.execute('SELECT max(rowid) FROM t').fetchall()
"""
    writers = [subprocess.Popen(["/usr/bin/python3", "-c", hammer, world.path])
               for _ in range(2)]
    looks = 0
    while any(writer.poll() is None for writer in writers):
        frames, backfilled, pinned, held_back, marks, note = world.wal()
        assert note is None
        assert backfilled <= frames and held_back <= frames
        assert pinned == (held_back > 0) == bool(marks)
        assert world.checkpoint()["mode"] == "passive"
        looks += 1
    assert [writer.returncode for writer in writers] == [0, 0]
    assert looks > 0
    assert world.prodkit.one("SELECT count(*) FROM t") == 3000
    assert world.prodkit.one("PRAGMA integrity_check") == "ok"


def test_a_wal_index_that_may_only_be_read(world):
    world.write()
    reader = world.connect(world.variant,
                           f"file:{world.path}?mode=ro&readonly_shm=1")
    frames, pinned, note = reader.ask(
        "SELECT frames, pinned, note FROM prod_wal")[0]
    assert frames > 0 and pinned is None
    assert note == "this connection may not lock the WAL index, and cannot " \
        "see its readers"


def test_exclusive_locking_mode(world):
    world.writer.close()
    world.connections.remove(world.writer)
    world.prodkit.ask("PRAGMA locking_mode = exclusive")
    world.prodkit.ask("INSERT INTO t VALUES (1)")
    frames, backfilled, pinned, held_back, marks, note = world.wal()
    assert [frames, backfilled, pinned, held_back, marks] == [None] * 5
    assert note == "the WAL index is not shared (exclusive locking mode)"
    answer = world.checkpoint()
    assert answer["checkpointed_frames"] == answer["log_frames"] > 0


def test_health_warns_of_a_reader(world):
    asked = "SELECT status, value, message FROM prod_health('fast', " \
        "'{\"pinned_warn_bytes\":8000}') WHERE name = 'wal_pinned'"
    assert world.prodkit.ask(asked)[0][:2] == ["pass", 0]
    world.reader()
    world.write()
    assert world.prodkit.ask(asked)[0][:2] == ["pass", 4096]
    world.write(2)
    status, value, message = world.prodkit.ask(asked)[0]
    assert (status, value) == ("warn", 3 * 4096)
    assert message.startswith("readers hold back 12288 bytes")


def test_an_interrupted_round_keeps_what_it_found(world):
    world.writer.ask("CREATE TABLE large(x)")
    world.writer.ask("INSERT INTO large WITH RECURSIVE n(i) AS (SELECT 1 UNION "
                     "ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT i FROM n")
    world.writer.ask("CREATE INDEX large_x ON large(x)")
    answer = world.prodkit.ask(
        "SELECT * FROM prod_integrity('{\"full\":true, \"max_seconds\":60}')",
        0.05)
    assert "interrupted" in answer
    assert list(world.path.parent.glob(".*prodkit-part")) == []
    rows = world.prodkit.ask("SELECT object, status FROM "
                             "prod_integrity('{\"check\":false}')")
    assert ["large", "not checked"] in rows
