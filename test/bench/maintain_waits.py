"""How long writers wait while prod_maintain gives free pages back.

Two processes insert a row every few milliseconds, each in a transaction of its
own, with SQLite's own busy timeout: first alone, then while prod_maintain runs
its incremental vacuum. What is shown is how long BEGIN IMMEDIATE took, that is
the wait for the write lock, in milliseconds.

    test/bench/maintain_waits.py                   100 MB of free pages, 10 s
    test/bench/maintain_waits.py --mb 20 --seconds 3
"""

import argparse
import json
import multiprocessing
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SUFFIX = ".dylib" if sys.platform == "darwin" else ".so"
RELEASE = ROOT / "build" / "release" / f"prodkit{SUFFIX}"
THINK_SECONDS = 0.005
WRITERS = 2


def make(path, megabytes):
    """A database most of which is free pages, between those in use."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA auto_vacuum = incremental")
    db.execute("PRAGMA journal_mode = wal")
    db.execute("CREATE TABLE kept(x)")
    db.execute("CREATE TABLE gone(n INTEGER PRIMARY KEY, x)")
    db.execute("CREATE INDEX gone_x ON gone(x)")
    db.execute("BEGIN")
    db.executemany("INSERT INTO gone(x) VALUES (randomblob(?))",
                   [(1500,)] * (megabytes * 1_000_000 // 3500))
    db.execute("DELETE FROM gone WHERE n % 10 <> 0")
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(truncate)")
    db.close()


def write(path, until, waits):
    """Puts the milliseconds of each wait, and the commits that failed."""
    db = sqlite3.connect(path, isolation_level=None, timeout=5)
    db.execute("PRAGMA synchronous = normal")
    found, failed = [], 0
    while time.monotonic() < until:
        began = time.perf_counter()
        try:
            db.execute("BEGIN IMMEDIATE")
            found.append((time.perf_counter() - began) * 1e3)
            db.execute("INSERT INTO kept VALUES (randomblob(100))")
            db.execute("COMMIT")
        except sqlite3.OperationalError:
            failed += 1
        time.sleep(THINK_SECONDS)
    db.close()
    waits.put((found, failed))


def maintain(path, extension, seconds):
    options = json.dumps({"max_seconds": seconds, "integrity": False})
    answer = subprocess.run(
        ["sqlite3", "-batch", "-bail", "-cmd", f".load {extension}",
         "-cmd", ".timeout 5000", path,
         f"PRAGMA synchronous = normal; SELECT prod_maintain('{options}')"],
        check=True, capture_output=True, text=True).stdout
    return json.loads(answer)


def measure(path, seconds, meanwhile):
    """(waits in order, commits that failed, what `meanwhile` answered)"""
    context = multiprocessing.get_context("spawn")
    waits = context.Queue()
    until = time.monotonic() + seconds + 1
    writers = [context.Process(target=write, args=(path, until, waits))
               for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    time.sleep(0.5)
    answer = meanwhile()
    results = [waits.get() for _ in writers]
    for writer in writers:
        writer.join()
    return (sorted(wait for found, _ in results for wait in found),
            sum(failed for _, failed in results), answer)


def show(title, waits):
    def quantile(share):
        return waits[min(len(waits) - 1, int(len(waits) * share))]
    print(f"{title:24} {len(waits):7} {quantile(.5):8.2f} {quantile(.99):8.2f} "
          f"{quantile(.999):8.2f} {waits[-1]:8.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mb", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "app.db"
        make(path, given.mb)
        alone, _, _ = measure(path, given.seconds, lambda: None)
        during, failed, answer = measure(
            path, given.seconds,
            lambda: maintain(path, RELEASE, given.seconds))
    print(f"{'wait for the lock, ms':24} {'commits':>7} {'p50':>8} {'p99':>8} "
          f"{'p99.9':>8} {'max':>8}")
    show("writers alone", alone)
    show("with prod_maintain", during)
    vacuum = next(step for step in answer["steps"] if step["step"] == "vacuum")
    print(json.dumps(vacuum), f"failed commits: {failed}", sep="\n")


if __name__ == "__main__":
    main()
