"""kill -9 at random moments: under a final name stands a complete file or none.

What was being written stays beside it as `.NAME.XXXXXX.prodkit-part`; so many
kills must have met some.
"""

import random
import re
import signal
import subprocess
import time

import pytest

import harness

RELEASE = harness.Variant("release")
KILLS = 25
PART = re.compile(r"\..+\.\w{6}\.prodkit-part")

# Does one thing for ever, in a database of 4 MB that it also writes to.
CHILD = """
import itertools, sqlite3, sys
extension, database, target, sql = sys.argv[1:]
c = sqlite3.connect(database, isolation_level=None)
c.enable_load_extension(True)
c.load_extension(extension)
c.execute("PRAGMA synchronous = OFF")
print("ready", flush=True)
for n in itertools.count():
    c.execute("INSERT INTO t(b) VALUES (randomblob(300))")
    c.execute(sql, {"target": target, "n": n})
    print(n, flush=True)
"""

SOURCE = """
PRAGMA journal_mode = {journal_mode};
CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB);
WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
INSERT INTO t SELECT i, randomblob(350) FROM n;
"""

# (journal mode, what is done; what it writes is named KILL-N.db or .db.gz)
LOOPS = {
    "plain": ("wal", "SELECT prod_backup_to(:target || :n || '.db')"),
    "gzip": ("wal", "SELECT prod_backup_to(:target || :n || '.db.gz', 6)"),
    "gzip-rollback": (
        "delete", "SELECT prod_backup_to(:target || :n || '.db.gz', 1)"),
    "overwrite": ("wal", "SELECT prod_backup_to(:target || (:n % 2) || '.db',"
                         " 0, '{\"overwrite\":true}')"),
}


def start(sql, folder, number):
    child = subprocess.Popen(
        ["/usr/bin/python3", "-c", CHILD, RELEASE.extension,
         folder / "app.db", f"{folder}/target/{number}-", sql],
        stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    return child


def kill(child):
    """How many rounds the child has told of."""
    child.kill()
    rounds = child.stdout.read().split()
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    return len(rounds)


def seconds_of_a_round(sql, folder):
    child = start(sql, folder, 0)
    began = time.monotonic()
    assert child.stdout.readline() == "0\n"
    seconds = time.monotonic() - began
    kill(child)
    return seconds


def verify(paths, folder):
    script = "".join(f"SELECT json_extract(prod_backup_verify('{path}', "
                     "'full'), '$.level');\n" for path in paths)
    return RELEASE.shell(script, folder).split("\n")[:-1]


@pytest.mark.parametrize("loop", LOOPS)
def test_only_complete_files_have_their_names(loop):
    journal_mode, sql = LOOPS[loop]
    dice = random.Random()
    rounds = 0
    with harness.scratch_folder() as folder:
        (folder / "target").mkdir()
        RELEASE.shell(SOURCE.format(journal_mode=journal_mode), folder,
                      "app.db")
        seconds = seconds_of_a_round(sql, folder)
        for number in range(1, KILLS + 1):
            child = start(sql, folder, number)
            time.sleep(dice.uniform(0, 3 * seconds))
            rounds += kill(child)
        names = [path.name for path in (folder / "target").iterdir()]
        parts = [name for name in names if PART.fullmatch(name)]
        whole = [f"target/{name}" for name in names if name not in parts]
        assert verify(whole, folder) == ["full"] * len(whole)
        if loop != "overwrite":
            assert len(whole) >= rounds  # the last may not have been told
        assert rounds > 0 and parts, f"{rounds} rounds, {len(parts)} parts"
        assert RELEASE.shell("PRAGMA integrity_check;", folder,
                             "app.db") == "ok\n"
