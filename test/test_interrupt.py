"""sqlite3_interrupt() in each phase of a backup, and Ctrl-C in the shell: it
ends at once with "interrupted", leaves nothing behind, and the connection goes
on as if nothing had been."""

import contextlib
import os
import pty
import select
import shutil
import sqlite3
import threading
import time

import pytest

import harness

RELEASE = harness.Variant("release")
AT_ONCE_SECONDS = 0.5
TRIES = 10

# 60 MB; the index's order is not the table's, which integrity_check feels.
SOURCE = """
PRAGMA synchronous = OFF;
PRAGMA journal_mode = delete;
CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB, c BLOB);
WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
INSERT INTO t SELECT i, randomblob(20), randomblob(500) FROM n;
CREATE INDEX t_b ON t(b);
"""


@pytest.fixture(scope="module")
def source():
    with harness.scratch_folder() as folder:
        RELEASE.shell(SOURCE, folder, "app.db")
        yield folder / "app.db"


class Scene:
    """A copy of the source, and an empty folder beside it to write to."""

    def __init__(self, folder, source, journal_mode):
        self.database = folder / "app.db"
        self.target = folder / "target"
        self.target.mkdir()
        shutil.copyfile(source, self.database)
        self.bytes = source.stat().st_size
        self.connection = sqlite3.connect(
            self.database, isolation_level=None, check_same_thread=False)
        self.connection.enable_load_extension(True)
        self.connection.load_extension(str(RELEASE.extension))
        self.one(f"PRAGMA journal_mode = {journal_mode}")

    def one(self, sql, *values):
        return self.connection.execute(sql, values).fetchone()[0]

    def back_up(self, name, compress, options):
        return self.one("SELECT prod_backup_to(?, ?, ?)",
                        str(self.target / name), compress, options)

    def parts(self):
        """The sizes of the files that are being written."""
        sizes = []
        with contextlib.suppress(FileNotFoundError):
            sizes = [entry.stat().st_size for entry in os.scandir(self.target)]
        return sizes


@contextlib.contextmanager
def scene(source, journal_mode):
    with harness.scratch_folder() as folder:
        made = Scene(folder, source, journal_mode)
        with contextlib.closing(made.connection):
            yield made


class Interrupter(threading.Thread):
    """Interrupts as soon as the phase is seen, unless all is over before."""

    def __init__(self, connection, seen):
        super().__init__()
        self.connection, self.seen = connection, seen
        self.over = threading.Event()
        self.at = None

    def run(self):
        while not self.over.is_set():
            if self.seen():
                self.at = time.monotonic()
                self.connection.interrupt()
                return
            time.sleep(0.0005)


def interrupt_once(there, seen, compress, options):
    """Seconds from the interrupt to the end; None if it came too late."""
    interrupter = Interrupter(there.connection, lambda: seen(there))
    interrupter.start()
    message = None
    try:
        there.back_up("copy", compress, options)
        (there.target / "copy").unlink()
    except sqlite3.OperationalError as error:
        message = str(error)
    ended = time.monotonic()
    interrupter.over.set()
    interrupter.join()
    assert list(there.target.iterdir()) == []
    if message is None:
        return None
    assert message in ("prod_backup_to: interrupted", "interrupted")
    return ended - interrupter.at


def check_usable(there):
    assert there.one("SELECT count(*) FROM t") == 100000
    there.connection.execute("INSERT INTO t(a) VALUES (-1)")
    there.connection.execute("DELETE FROM t WHERE a = -1")
    there.back_up("whole", 0, '{"verify":"none"}')


# phase: journal mode, in a transaction, compress, options, how it is seen
PHASES = {
    "copy": ("wal", False, 0, '{"verify":"none"}',
             lambda there: max(there.parts(), default=0) > 0),
    "slow copy": ("wal", False, 0, '{"rate_mb_per_second":20}',
                  lambda there: max(there.parts(), default=0) > 0),
    "spool": ("delete", False, 1, '{"verify":"none"}',
              lambda there: len(there.parts()) == 2),
    "sqlite3_backup": ("wal", True, 0, '{"verify":"none"}',
                       lambda there: len(there.parts()) == 2),
    "compress": ("wal", False, 9, '{"verify":"none"}',
                 lambda there: max(there.parts(), default=0) > 1000000),
    "compress from the spool": (
        "delete", False, 9, '{"verify":"none"}',
        lambda there: 1000000 < sum(there.parts()) < there.bytes // 2),
    "verify": ("wal", False, 0, '{"verify":"full"}',
               lambda there: max(there.parts(), default=0) >= there.bytes),
    "verify compressed": (
        "wal", False, 1, '{"verify":"full"}',
        lambda there: max(there.parts(), default=0) >= there.packed_bytes),
}


@pytest.mark.parametrize("phase", PHASES)
def test_it_ends_at_once_and_leaves_nothing(phase, source):
    journal_mode, in_transaction, compress, options, seen = PHASES[phase]
    with scene(source, journal_mode) as there:
        if phase == "verify compressed":
            there.back_up("packed", compress, '{"verify":"none"}')
            packed = there.target / "packed"
            there.packed_bytes = packed.stat().st_size
            packed.unlink()
        if in_transaction:
            there.connection.execute("BEGIN")
            there.one("SELECT count(*) FROM t")
        seconds = []
        while len(seconds) < TRIES and not any(
                after is not None and after < AT_ONCE_SECONDS
                for after in seconds):
            seconds.append(interrupt_once(there, seen, compress, options))
            assert there.connection.in_transaction == in_transaction
        assert seconds[-1] is not None and seconds[-1] < AT_ONCE_SECONDS, \
            seconds
        if in_transaction:
            there.connection.execute("COMMIT")
        check_usable(there)


# ---- Ctrl-C ----

class Terminal:
    """The sqlite3 shell at a terminal."""

    PROMPT = "sqlite> "

    def __init__(self, database):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "dumb"
            os.execvp("sqlite3", ["sqlite3", "-cmd",
                                  f".load {RELEASE.extension}", database])
        self.printed_until_prompt()

    def printed_until_prompt(self):
        text, deadline = "", time.monotonic() + 20
        while not text.endswith(self.PROMPT):
            ready, _, _ = select.select([self.fd], [], [], 1)
            if ready:
                text += os.read(self.fd, 4096).decode(errors="replace")
            assert time.monotonic() < deadline, text
        return text

    def type(self, text):
        os.write(self.fd, text.encode())

    def close(self):
        self.type(".quit\n")
        with contextlib.suppress(OSError):  # EIO: it is gone
            while os.read(self.fd, 4096):
                pass
        os.close(self.fd)
        return os.WIFEXITED(os.waitpid(self.pid, 0)[1])


@pytest.mark.parametrize("compress", [0, 6])
def test_control_c_in_the_shell(compress, source):
    with scene(source, "wal") as there:
        terminal = Terminal(there.database)
        terminal.type(f"SELECT prod_backup_to('{there.target}/copy', "
                      f"{compress}, '{{\"rate_mb_per_second\":20,"
                      f"\"progress\":true}}');\n")
        while max(there.parts(), default=0) < 5000000:
            time.sleep(0.01)
        pressed = time.monotonic()
        terminal.type("\x03")
        printed = terminal.printed_until_prompt()
        seconds = time.monotonic() - pressed
        assert "prod_backup_to: interrupted" in printed, printed
        assert " % " in printed, printed  # the progress line
        assert seconds < AT_ONCE_SECONDS
        assert list(there.target.iterdir()) == []
        terminal.type("SELECT 'rows', count(*) FROM t;\n")
        assert "rows|100000" in terminal.printed_until_prompt()
        assert terminal.close()


# ---- index advice ----

# No index is of use to them, and each would run for hours.
ENDLESS = ";".join(
    f"SELECT count(*) FROM t x JOIN t y ON x.c < y.c WHERE x.a > {least}"
    for least in range(20))


def temporary_bytes():
    """Of SQLite's temporary files that this process has open: they have no
    name any more."""
    total = 0
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if "etilqs_" in os.readlink(f"/proc/self/fd/{number}"):
                total += os.stat(f"/proc/self/fd/{number}").st_size
    return total


ADVICE_PHASES = {
    "copy": lambda there: 0 < temporary_bytes() < there.bytes * 0.7,
    "proof": lambda there: temporary_bytes() >= there.bytes * 0.99,
}


def interrupt_advice(there, seen):
    """Seconds from the interrupt to the end; None if it came too late."""
    interrupter = Interrupter(there.connection, lambda: seen(there))
    interrupter.start()
    message = None
    try:
        there.one("SELECT count(*) FROM prod_index_advice(?, ?)", ENDLESS,
                  '{"max_seconds":20}')
    except sqlite3.OperationalError as error:
        message = str(error)
    ended = time.monotonic()
    interrupter.over.set()
    interrupter.join()
    assert temporary_bytes() == 0
    if message is None or interrupter.at is None:
        return None
    assert message in ("prod_index_advice: interrupted", "interrupted")
    return ended - interrupter.at


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"),
                    reason="looks for open files in /proc")
@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
@pytest.mark.parametrize("phase", ADVICE_PHASES)
def test_advice_ends_at_once_and_its_copy_is_gone(phase, journal_mode, source):
    with scene(source, journal_mode) as there:
        seconds = [interrupt_advice(there, ADVICE_PHASES[phase])
                   for _ in range(3)]
        assert any(after is not None and after < AT_ONCE_SECONDS
                   for after in seconds), seconds
        check_usable(there)
        assert there.one("SELECT verified FROM prod_index_advice(?)",
                         "SELECT a FROM t WHERE substr(b, 1, 8) = ?") == "copy"


@pytest.mark.parametrize("proof", ["copy", "none"])
def test_control_c_in_the_shell_ends_advice(proof, source):
    with scene(source, "wal") as there:
        terminal = Terminal(there.database)
        if proof == "none":  # many statements to plan
            there.connection.execute("CREATE TABLE w(sql)")
            there.connection.execute(
                "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                "WHERE i < 30000) INSERT INTO w "
                "SELECT 'SELECT b AS b' || i || ' FROM t WHERE c = 7' FROM n")
            terminal.type("SELECT count(*) FROM prod_index_advice(NULL, "
                          "'{\"workload_table\":\"w\",\"proof\":\"none\"}');\n")
        else:
            terminal.type("SELECT count(*) FROM prod_index_advice("
                          f"'{ENDLESS}', '{{\"max_seconds\":20}}');\n")
        time.sleep(0.7)
        pressed = time.monotonic()
        terminal.type("\x03")
        printed = terminal.printed_until_prompt()
        assert time.monotonic() - pressed < AT_ONCE_SECONDS
        assert "interrupted" in printed, printed
        terminal.type("SELECT 'rows', count(*) FROM t;\n")
        assert "rows|100000" in terminal.printed_until_prompt()
        assert terminal.close()
