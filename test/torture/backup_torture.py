"""Backups of a database that is being written to, by many processes at once.

Writers move money between accounts, count what they log, and write and erase
blobs; one of them VACUUMs. Another process forces checkpoints of every kind.
Meanwhile several processes and threads back the database up with
prod_backup_to, plain and compressed, in autocommit mode, inside a read
transaction, under a FROM clause, and with an interrupt on its way. Each round
has another journal mode and page size.

Every copy must pass integrity_check and hold what any committed state holds:
the sum of all accounts is constant, the counter is the number of log rows, each
blob has its checksum. It must not be older than what the connection had seen,
and inside a transaction it must be exactly that transaction's state. Each
backup must leave its connection as it was and other connections' locks alone.

    backup_torture.py --extension ./prodkit.so --seconds 30 --at-least 200

Prints one line with counts. Exit code 1 if anything failed or if there were
fewer backups than --at-least.
"""

import argparse
import collections
import contextlib
import gzip
import json
import multiprocessing
import os
import pathlib
import queue
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import zlib

ACCOUNTS, BALANCE = 500, 1000
ROUNDS = [("wal", 4096), ("delete", 1024), ("wal", 512), ("persist", 65536),
          ("wal", 16384), ("truncate", 4096)]

SCHEMA = f"""
CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
CREATE TABLE counter(value INTEGER NOT NULL);
CREATE TABLE log(id INTEGER PRIMARY KEY, note TEXT NOT NULL);
CREATE INDEX log_note ON log(note);
CREATE TABLE blob(id INTEGER PRIMARY KEY, crc INTEGER, content BLOB);
INSERT INTO account
  WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ACCOUNTS})
  SELECT i, {BALANCE} FROM n;
INSERT INTO counter VALUES (0);
"""


def connect(database, extension=None):
    connection = sqlite3.connect(database, timeout=60, isolation_level=None,
                                 check_same_thread=False)
    connection.execute("PRAGMA synchronous = OFF")
    if extension:
        connection.enable_load_extension(True)
        connection.load_extension(extension)
    return connection


def one(connection, sql, *values):
    return connection.execute(sql, values).fetchone()[0]


# ---- those who disturb ----

def transfer(connection):
    payer, payee = random.sample(range(1, ACCOUNTS + 1), 2)
    amount = random.randint(1, 100)
    change = "UPDATE account SET balance = balance + ? WHERE id = ?"
    connection.execute(change, (-amount, payer))
    connection.execute(change, (amount, payee))


def count(connection):
    connection.execute("UPDATE counter SET value = value + 1")
    connection.execute("INSERT INTO log(note) VALUES (?)",
                       (f"{random.random()}" * random.randint(1, 20),))


def write_blob(connection):
    content = os.urandom(random.choice([10, 3000, 30000, 200000]))
    connection.execute("REPLACE INTO blob VALUES (?, ?, ?)",
                       (random.randint(1, 20), zlib.crc32(content), content))


def erase_blob(connection):
    connection.execute("DELETE FROM blob WHERE id = ?",
                       (random.randint(1, 20),))


def write(database, deadline, vacuums):
    connection = connect(database)
    while time.monotonic() < deadline:
        if vacuums and random.random() < 0.01:
            connection.execute("VACUUM")
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(random.randint(1, 4)):
            random.choice([transfer, count, write_blob, erase_blob])(connection)
        connection.execute(random.choice(["COMMIT"] * 9 + ["ROLLBACK"]))
        time.sleep(random.choice([0, 0, 0.001, 0.01]))


def checkpoint(database, deadline):
    connection = connect(database)
    connection.execute("PRAGMA busy_timeout = 100")
    while time.monotonic() < deadline:
        mode = random.choice(["PASSIVE", "FULL", "RESTART", "TRUNCATE"])
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        time.sleep(random.choice([0, 0.001, 0.02]))


# ---- those who back up ----

class Failure(Exception):
    pass


def check(holds, what):
    if not holds:
        raise Failure(what)


def check_copy(path, least, most):
    """Every invariant; `least` and `most` bound its counter."""
    with contextlib.closing(connect(path)) as copy:
        problems = one(copy, "PRAGMA integrity_check")
        check(problems == "ok", f"integrity_check: {problems}")
        total = one(copy, "SELECT sum(balance) FROM account")
        check(total == ACCOUNTS * BALANCE, f"the accounts' sum is {total}")
        counter = one(copy, "SELECT value FROM counter")
        logged = one(copy, "SELECT count(*) FROM log")
        check(counter == logged, f"counter {counter}, but {logged} log rows")
        check(least <= counter <= most,
              f"counter {counter} is not within {least}..{most}")
        for crc, content in copy.execute("SELECT crc, content FROM blob"):
            check(zlib.crc32(content) == crc, "a blob is not what was written")


def take(connection, path, compress, source=""):
    answer = one(connection, f"SELECT prod_backup_to(?, ?, ?) {source}",
                 str(path), compress, '{"verify":"none"}')
    return json.loads(answer)["method"]


def counter_of(connection):
    return one(connection, "SELECT value FROM counter")


def in_autocommit(connection, path, compress):
    least = counter_of(connection)
    method = take(connection, path, compress)
    return method, least, counter_of(connection)


def in_transaction(connection, path, compress):
    connection.execute("BEGIN")
    try:
        seen = counter_of(connection)
        time.sleep(random.choice([0, 0.02]))
        method = take(connection, path, compress)
        check(connection.in_transaction, "the transaction was ended")
        check(counter_of(connection) == seen, "the transaction's state changed")
    finally:
        connection.execute("COMMIT")
    return method, seen, seen


def under_from(connection, path, compress):
    least = counter_of(connection)
    method = take(connection, path, compress, "FROM counter LIMIT 1")
    return method, least, counter_of(connection)


def interrupted(connection, path, compress):
    """Whether the interrupt comes in time or not: all is well afterwards. Late,
    it may still meet the statement, whose backup is then complete."""
    least = counter_of(connection)
    timer = threading.Timer(random.uniform(0, 0.02), connection.interrupt)
    timer.start()
    try:
        method = take(connection, path, compress)
    except sqlite3.OperationalError as error:
        check("interrupted" in str(error), str(error))
        method = "interrupted"
    timer.join()
    return method, least, counter_of(connection)


def back_up_once(connection, folder, name):
    compress = random.choice([None, None, 1])
    path = folder / (f"{name}.db.gz" if compress else f"{name}.db")
    manner = random.choice([in_autocommit] * 6 +
                           [in_transaction, under_from, interrupted])
    method, least, most = manner(connection, path, compress)
    check(not connection.in_transaction, "a transaction was left open")
    if method == "interrupted" and not path.exists():
        return method
    if compress:
        plain = folder / f"{name}.unpacked"
        with gzip.open(path) as packed, plain.open("wb") as out:
            shutil.copyfileobj(packed, out)
        path.unlink()
        path = plain
    check_copy(path, least, most)
    for suffix in ("", "-wal", "-shm", "-journal"):
        pathlib.Path(f"{path}{suffix}").unlink(missing_ok=True)
    return method


def back_up(database, deadline, extension, folder, results, name):
    connection = connect(database, extension)
    number = 0
    while time.monotonic() < deadline:
        number += 1
        try:
            results.put(back_up_once(connection, folder, f"{name}-{number}"))
        except (Failure, sqlite3.Error, OSError, EOFError) as error:
            results.put(f"{name}-{number}: {error!r}")
            return


def back_up_in_threads(database, deadline, extension, folder, results, name):
    threads = [threading.Thread(target=back_up, args=(
        database, deadline, extension, folder, results, f"{name}{i}"))
        for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


INTRUDER = """
import sqlite3, sys
try:
    sqlite3.connect(sys.argv[1], timeout=0).execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError:
    sys.exit(0)
sys.exit(1)
"""


def keep_locks(database, deadline, extension, folder, results):
    """While one connection of this process writes, another backs up. The write
    lock must hold against other processes all the same: closing any descriptor
    of the database would have dropped it."""
    writer, reader = connect(database), connect(database, extension)
    path = folder / "locks.db"
    while time.monotonic() < deadline:
        try:
            writer.execute("BEGIN IMMEDIATE")
            count(writer)
            method = take(reader, path, None)
            intruder = subprocess.run([sys.executable, "-c", INTRUDER,
                                       database], check=False)
            check(intruder.returncode == 0, "another process could write")
            writer.execute("COMMIT")
            path.unlink()
            results.put(method)
        except (Failure, sqlite3.Error, OSError) as error:
            results.put(f"locks: {error!r}")
            return
        time.sleep(0.3)


# ---- rounds ----

def prepare(database, journal_mode, page_size):
    """Between rounds nobody has the database open."""
    with contextlib.closing(connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.execute("VACUUM")
        mode = one(connection, f"PRAGMA journal_mode = {journal_mode}")
        check(mode == journal_mode, f"journal_mode {mode}")


def run_round(database, seconds, extension, folder):
    results = multiprocessing.Queue()
    deadline = time.monotonic() + seconds
    work = [(write, (i == 0,)) for i in range(3)]
    work += [(checkpoint, ())]
    work += [(back_up, (extension, folder, results, f"process{i}"))
             for i in range(2)]
    work += [(back_up_in_threads, (extension, folder, results, "thread")),
             (keep_locks, (extension, folder, results))]
    processes = [multiprocessing.Process(target=target,
                                         args=(database, deadline, *rest))
                 for target, rest in work]
    for process in processes:
        process.start()
    outcomes = []
    while any(process.is_alive() for process in processes) \
            or not results.empty():
        with contextlib.suppress(queue.Empty):
            outcomes.append(results.get(timeout=0.1))
    outcomes += [f"{process.name} ended with {process.exitcode}"
                 for process in processes if process.exitcode != 0]
    outcomes += [f"left behind: {path.name}" for path in folder.iterdir()
                 if ".prodkit-part" in path.name]
    return outcomes


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--extension", required=True, type=os.path.abspath)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--at-least", type=int, default=1)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    random.seed(options.seed)
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="prodkit-torture-") as scratch:
        database = f"{scratch}/bank's \u00e4.db"
        folder = pathlib.Path(scratch, "backups")
        folder.mkdir()
        with contextlib.closing(connect(database)) as connection:
            connection.executescript(SCHEMA)
        for journal_mode, page_size in ROUNDS:
            prepare(database, journal_mode, page_size)
            found = run_round(database, options.seconds / len(ROUNDS),
                              options.extension, folder)
            outcomes += found
            counts = collections.Counter(
                outcome if ":" not in outcome else "failed"
                for outcome in found)
            print(f"{journal_mode:9}{page_size:6} {dict(counts)}",
                  file=sys.stderr)
    direct, api = outcomes.count("direct"), outcomes.count("backup_api")
    failures = [outcome for outcome in outcomes
                if outcome not in ("direct", "backup_api", "interrupted")]
    for failure in failures[:20]:
        print(failure, file=sys.stderr)
    print(f"{direct + api} backups, {direct} direct, {api} backup_api, "
          f"{outcomes.count('interrupted')} interrupted, "
          f"{len(failures)} failures")
    return 1 if failures or direct + api < options.at_least else 0


if __name__ == "__main__":
    sys.exit(main())
