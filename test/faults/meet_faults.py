"""Does one thing again and again, each time with the next system call failing.

    LD_PRELOAD=faults.so FAULTS_BELOW=SCRATCH/disk/target \
      meet_faults.py EXTENSION SCRATCH ACTION

For every fault of FAULTS the action is tried with the first call of that kind
failing, then with the second, and so on until it gets through without meeting
the failure. Each time it either fails with a sentence that says what could not
be done to which file and why, and the folder is as it was; or it did what it
does without failures. The connection is usable, has no transaction open, and
holds no more descriptors and memory than before. The database it was done to
stays what it was.

Then it is tried with a limit for the size of files, which grows until it is
enough; and likewise with the space on the disk, if SCRATCH/disk is
a file system of its own.

Prints a line for each fault; ends with status 1 and the reason if something is
not as it should be.
"""

import ctypes
import dataclasses
import os
import pathlib
import re
import resource
import shutil
import sqlite3
import sys

CONTENT = """
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c BLOB);
CREATE INDEX t_b ON t(b);
WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO t SELECT i, 'row ' || (i * 7919 % 10007), randomblob(300) FROM n;
"""


def unchanged(before, after):
    return after == before


def whole_at_any_time(before, after):
    """Each file is what it was before, or a complete database."""
    return after.keys() == before.keys() and all(
        content == before[name] or content.startswith(b"SQLite format 3")
        for name, content in after.items())


def whole_metrics_at_any_time(before, after):
    return after.keys() <= {"app.prom"} and before.keys() <= after.keys() and \
        all(content == before.get(name) or content.endswith(b"\n")
            for name, content in after.items())


def perhaps_a_record(before, after):
    return after.keys() <= {"m.json"}


def perhaps_a_backup(before, after):
    """It is complete, but its manifest could not be written, or what is older
    could not be pruned."""
    return all(re.fullmatch(r"app-\w+\.db\.gz(\.manifest\.json)?", name)
               for name in after.keys() - before.keys())


@dataclasses.dataclass
class Action:
    """What is done to the database of the connection. In the SQL, :backups is a
    folder with backups of it, app.db and app.db.gz, and :target is a folder
    that is as `existing` makes it; there the calls fail. What stands
    there after a failure must satisfy `left(before, after)`, two dictionaries
    of names and contents; after a success there must be `made`, a glob."""

    sql: str
    made: str
    journal_mode: str = "wal"
    in_transaction: bool = False
    existing: dict = dataclasses.field(default_factory=dict)
    left: object = unchanged
    limited: bool = True  # within size and space, which are the database's, too
    least_met: dict = dataclasses.field(default_factory=lambda: {
        "write": 2, "sync": 2, "open": 2, "name": 1, "size": 5})


# Small files are written by one call, and records in place.
SMALL = {"write": 1, "sync": 2, "open": 1, "name": 1}
IN_PLACE = {"write": 1, "sync": 1, "open": 1, "truncate": 1}

ACTIONS = {
    "plain": Action("SELECT prod_backup_to(:target || '/copy.db')", "copy.db"),
    "gzip": Action("SELECT prod_backup_to(:target || '/copy.db.gz', 6)",
                   "copy.db.gz"),
    "plain-rollback": Action(
        "SELECT prod_backup_to(:target || '/copy.db')", "copy.db",
        journal_mode="delete"),
    "gzip-rollback": Action(
        "SELECT prod_backup_to(:target || '/copy.db.gz', 6)", "copy.db.gz",
        journal_mode="delete"),
    "plain-backup-api": Action(
        "SELECT prod_backup_to(:target || '/copy.db')", "copy.db",
        in_transaction=True),
    "gzip-backup-api": Action(
        "SELECT prod_backup_to(:target || '/copy.db.gz', 6)", "copy.db.gz",
        in_transaction=True),
    "overwrite": Action(
        "SELECT prod_backup_to(:target || '/copy.db', 0, "
        "'{\"overwrite\":true,\"verify\":\"full\"}')", "copy.db",
        existing={"copy.db": b"what stood there before"},
        left=whole_at_any_time),
    "dump": Action("SELECT prod_dump_to(:target || '/dump.sql')", "dump.sql"),
    "dump-gzip": Action("SELECT prod_dump_to(:target || '/dump.sql.gz', 1)",
                        "dump.sql.gz", journal_mode="delete"),
    "restore": Action(
        "SELECT prod_restore(:backups || '/app.db.gz', :target || '/app.db')",
        "app.db"),
    "restore-overwrite": Action(
        "SELECT prod_restore(:backups || '/app.db', :target || '/app.db', "
        "'{\"overwrite\":true}')", "app.db",
        existing={"app.db": b"SQLite format 3\0, it stood there before"},
        left=whole_at_any_time),
    "metrics": Action("SELECT prod_metrics_write(:target || '/app.prom')",
                      "app.prom", least_met=SMALL,
                      left=whole_metrics_at_any_time),
    "metrics-overwrite": Action(
        "SELECT prod_metrics_write(:target || '/app.prom')", "app.prom",
        existing={"app.prom": b"what stood there before"}, least_met=SMALL,
        left=whole_metrics_at_any_time),
    "maintain": Action(
        "SELECT prod_maintain(json_object('integrity', json('false'), "
        "'state', :target || '/m.json'))", "m.json", least_met=IN_PLACE,
        left=perhaps_a_record, limited=False),
    "rotate": Action("SELECT prod_backup_rotate(:target)", "app-*",
                     left=perhaps_a_backup),
}

# A call (with a + all from the nth on), how it fails, and whether the action may
# get through all the same: what it makes is looked at then. One look at another
# file of the folder may fail, such as that for what killed writers left. A call that is made again after EINTR or half a
# write would be made for ever if all failed.
FAULTS = [
    ("write", "EIO", False), ("write+", "ENOSPC", False),
    ("write", "short", True), ("write", "EINTR", True),
    ("sync", "EIO", False), ("sync", "EINTR", True),
    ("open", "EIO", True), ("open+", "EIO", False),
    ("read", "EIO", True), ("read+", "EIO", False),
    ("truncate", "EIO", False),
    ("name", "EIO", True), ("name+", "EIO", False),
    ("thread", "EAGAIN", True), ("thread+", "EAGAIN", True),
    ("memory", "ENOMEM", False), ("memory+", "ENOMEM", False),
]
# Bytes by which what is limited grows.
STEP = 64 * 1024

# quick_check tells of a page that cannot be read as it does of damage. SQLite
# opens for reading what it cannot open for writing.
REASONS = {"EIO": "Input/output error|disk I/O error|unable to get the page|"
                  "attempt to write a readonly database",
           "ENOSPC": "No space left on device|database or disk is full|"
                     "its disk has \\d+ free",
           "EINTR": "Interrupted system call",
           "ENOMEM": "out of memory",
           "EFBIG": "File too large"}


class Wrong(Exception):
    pass


def check(holds, what):
    if not holds:
        raise Wrong(what)


def in_general(failure):
    """Without what differs from one time to the next."""
    failure = re.sub(r"\.\w{6}\.prodkit-part", ".….prodkit-part", failure)
    return re.sub(r"\b\d+\b", "…", failure)


class Meeting:
    def __init__(self, extension, scratch, action):
        self.action = action
        self.disk = scratch / "disk"
        self.target = self.disk / "target"
        self.database = scratch / "source" / "app.db"
        self.database.parent.mkdir()
        self.connection = sqlite3.connect(
            self.database, isolation_level=None, cached_statements=0)
        self.connection.enable_load_extension(True)
        self.connection.load_extension(str(extension))
        self.connection.execute("PRAGMA synchronous = OFF")
        self.one(f"PRAGMA journal_mode = {action.journal_mode}")
        self.connection.executescript(CONTENT)
        self.backups = scratch / "backups"
        self.backups.mkdir()
        for name, level in (("app.db", 0), ("app.db.gz", 6)):
            self.one("SELECT prod_backup_to(?, ?)",
                     (f"{self.backups}/{name}", level))
        self.faults = ctypes.CDLL(None)
        self.sqlite = ctypes.CDLL("libsqlite3.so.0")
        self.sqlite.sqlite3_memory_used.restype = ctypes.c_int64

    def one(self, sql, *values):
        return self.connection.execute(sql, *values).fetchone()[0]

    def content(self):
        return list(self.connection.iterdump())

    def files(self):
        return {path.name: path.read_bytes()
                for path in self.target.iterdir()}

    def prepare(self):
        shutil.rmtree(self.target, ignore_errors=True)
        self.target.mkdir(parents=True)
        for name, content in self.action.existing.items():
            (self.target / name).write_bytes(content)

    def held(self):
        return (len(os.listdir("/proc/self/fd")),
                self.sqlite.sqlite3_memory_used())

    def act(self):
        """The sentence of the failure, or None."""
        if self.action.in_transaction:
            self.connection.execute("BEGIN")
            self.one("SELECT count(*) FROM t")
        try:
            self.one(self.action.sql, {"target": str(self.target),
                                       "backups": str(self.backups)})
            return None
        except (sqlite3.Error, MemoryError) as error:
            return str(error) or "out of memory"
        finally:
            if self.action.in_transaction:
                check(self.connection.in_transaction,
                      "the caller's transaction was ended")
                self.connection.execute("COMMIT")

    def act_within_size(self, number):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (number * STEP, before[1]))
        try:
            return self.act()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    def act_within_space(self, number):
        ballast = self.disk / "ballast"
        free = os.statvfs(self.disk)
        ballast.write_bytes(bytes(free.f_bavail * free.f_bsize -
                                  number * STEP))
        try:
            return self.act()
        finally:
            ballast.unlink()

    def act_with(self, call, number, how):
        """(whether the fault was met, the sentence or None)"""
        if call in ("size", "space"):
            failure = self.act_within_size(number) if call == "size" \
                else self.act_within_space(number)
            return failure is not None, failure
        sign = "+" if call.endswith("+") else ""
        os.environ["FAULT"] = f"{call.rstrip('+')} {number}{sign} {how}"
        self.faults.faults_met()
        failure = self.act()
        met = self.faults.faults_met() > 0
        os.environ["FAULT"] = ""
        return met, failure

    def check_sentence(self, failure, how):
        check(re.search(REASONS[how], failure), f"no reason: {failure}")
        if how != "ENOMEM":
            check(failure.startswith("prod_"), f"whose failure? {failure}")
            check(str(self.target) in failure, f"which file? {failure}")

    def check_usable(self):
        check(not self.connection.in_transaction, "a transaction is open")
        check(self.one("SELECT count(*) FROM t") == 5000, "rows are missing")
        self.connection.execute("INSERT INTO t(a) VALUES (-1)")
        self.connection.execute("DELETE FROM t WHERE a = -1")

    def check_made(self):
        names = [path.name for path in self.target.iterdir()]
        check(names and all(pathlib.PurePath(name).match(self.action.made)
                            for name in names), f"there is {names}")
        for name in names:
            if self.action.made.startswith("copy.db"):
                self.one("SELECT prod_backup_verify(?)",
                         (f"{self.target}/{name}",))

    def meet_one(self, call, number, how, may_succeed):
        self.prepare()
        before = self.files()
        met, failure = self.act_with(call, number, how)
        if failure:
            check(met, f"failed without a fault: {failure}")
            self.check_sentence(failure, how)
            after = self.files()
            check(self.action.left(before, after),
                  f"{failure}, and left are {sorted(after)}")
        else:
            check(may_succeed or not met, "the failure was not told")
            self.check_made()
        self.check_usable()
        return met, failure

    def meet(self, call, how, may_succeed=False):
        number, met, failures, held = 1, True, [], None
        while met:
            try:
                met, failure = self.meet_one(call, number, how, may_succeed)
            except Wrong as wrong:
                raise Wrong(f"{call} {number} {how}: {wrong}") from None
            failures += [failure] if met else []
            held = held or self.held()
            number += 1 + number // 3
        check(self.held()[0] <= held[0], f"{call} {how}: a file is left open")
        check(self.held()[1] <= held[1] + 20000,
              f"{call} {how}: memory grew from {held[1]} to {self.held()[1]}")
        told = sorted({in_general(failure) for failure in failures if failure})
        print(f"{call} {how}: {len(failures)} met, "
              f"{sum(map(bool, failures))} told", *told, sep="\n    ",
              flush=True)


def main():
    extension, scratch, name = sys.argv[1:]
    meeting = Meeting(extension, pathlib.Path(scratch), ACTIONS[name])
    meeting.prepare()
    check(meeting.act() is None, "does not work without faults either")
    content = meeting.content()
    for call, how, may_succeed in FAULTS:
        meeting.meet(call, how, may_succeed)
    if meeting.action.limited:
        meeting.meet("size", "EFBIG")
    if meeting.action.limited and os.path.ismount(meeting.disk):
        meeting.meet("space", "ENOSPC")
    check(meeting.content() == content, "the database was changed")
    check(meeting.one("PRAGMA integrity_check") == "ok", "it was damaged")


if __name__ == "__main__":
    try:
        main()
    except Wrong as wrong:
        print(wrong)
        sys.exit(1)
