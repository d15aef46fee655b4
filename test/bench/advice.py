"""make bench-advice: prod_index_advice against the shell's own .expert.

Two workloads of our own making, TPC-H (tpch.py) and a web shop (webshop.py),
each on one database in three states: as it is, with all that .expert advises
and ANALYZE, and with what prod_index_advice advises. Times are those of warm
runs in this process, the best of some, with SQLite's default cache: seconds of
the processor, which other work on the machine disturbs less. What takes longer
than a limit counts as the limit.

    test/bench/advice.py                  both, at scale 0.1
    test/bench/advice.py --scale 0.01 tpch
"""

import argparse
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import time

import tpch
import webshop

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SUFFIX = ".dylib" if os.uname().sysname == "Darwin" else ".so"
RELEASE = ROOT / "build" / "release" / f"prodkit{SUFFIX}"
LIMIT_SECONDS = 20
NOISE_SECONDS = 0.0005
INSERTED = {"tpch": ("lineitem", 60_000), "webshop": ("orders", 20_000)}


# ---- measuring ----

def run(connection, sql):
    """Seconds of one run; the limit where it has to be stopped."""
    began = time.process_time()
    connection.set_progress_handler(
        lambda: time.process_time() - began > LIMIT_SECONDS, 100_000)
    try:
        for _ in connection.execute(sql):
            pass
    except sqlite3.OperationalError as error:
        if "interrupted" not in str(error):
            raise
        return LIMIT_SECONDS
    finally:
        connection.set_progress_handler(None, 0)
    return time.process_time() - began


def warm(connections, sql):
    """For each connection the best of three runs, in turn; of one, where that
    takes long."""
    best = [run(connection, sql) for connection in connections]
    for _ in range(2):
        best = [one if one > 2 else min(one, run(connection, sql))
                for one, connection in zip(best, connections)]
    return best


def times(paths, statements):
    """For each database the seconds of each statement that only reads; None for
    the others."""
    connections = [sqlite3.connect(path) for path in paths]
    seconds = [warm(connections, sql) if reads(sql) else [None] * len(paths)
               for _, sql in statements]
    for connection in connections:
        connection.close()
    return list(zip(*seconds))


def reads(sql):
    return sql.split()[0] in ("SELECT", "WITH")


def insert_seconds(path, table, count):
    """Takes the newest rows out and puts them in again as an application does,
    with a prepared statement in one transaction: seconds of the best of three
    times, with the commit."""
    connection = sqlite3.connect(path, isolation_level=None)
    newest = f"FROM {table} ORDER BY rowid DESC LIMIT {count}"
    rows = connection.execute(f"SELECT * {newest}").fetchall()[::-1]
    marks = ",".join("?" * len(rows[0]))
    seconds = []
    for _ in range(3):
        connection.execute(
            f"DELETE FROM {table} WHERE rowid IN (SELECT rowid {newest})")
        began = time.perf_counter()
        connection.execute("BEGIN")
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        connection.execute("COMMIT")
        seconds.append(time.perf_counter() - began)
    connection.close()
    return min(seconds)


# ---- advice ----

def expert(path, statements):
    """The indexes that .expert advises, and how long it takes."""
    script = "".join(f".expert\n{' '.join(sql.split())};\n"
                     for _, sql in statements)
    began = time.perf_counter()
    printed = subprocess.run(["sqlite3", path], input=script, text=True,
                             capture_output=True, check=True).stdout
    seconds = time.perf_counter() - began
    ddl = {line for line in printed.splitlines()
           if line.startswith("CREATE INDEX")}
    return sorted(ddl) + ["ANALYZE"], seconds


def prodkit(path, statements, options):
    connection = sqlite3.connect(path)
    connection.enable_load_extension(True)
    connection.load_extension(str(RELEASE))
    connection.execute("CREATE TEMP TABLE workload(calls, sql)")
    connection.executemany("INSERT INTO workload VALUES (?, ?)", statements)
    began = time.perf_counter()
    rows = connection.execute(
        "SELECT action, ddl, verified FROM prod_index_advice(NULL, ?)",
        [options]).fetchall()
    seconds = time.perf_counter() - began
    connection.close()
    ddl = [sql for wanted in (("create", "replace"), ("analyze",))
           for action, sql, _ in rows if action in wanted]
    return ddl, seconds, rows[0][2] if rows else ""


def apply(original, path, ddl):
    """Bytes that the database grows by."""
    shutil.copyfile(original, path)
    connection = sqlite3.connect(path)
    for sql in ddl:
        connection.executescript(sql)
    connection.close()
    return os.path.getsize(path) - os.path.getsize(original)


# ---- the table ----

def slower(before, after):
    return [number + 1 for number, (one, other) in enumerate(zip(before, after))
            if one is not None and other > one * 1.1 + NOISE_SECONDS]


def total(statements, seconds):
    """Of the whole workload: as often as each statement runs."""
    return sum(calls * one for (calls, _), one in zip(statements, seconds)
               if one is not None)


def megabytes(bytes_):
    return f"{bytes_ / 1e6:.1f} MB"


def yes(reached):
    return "yes" if reached else "**no**"


def compare(name, module, scale, folder):
    statements = module.STATEMENTS if hasattr(module, "STATEMENTS") else \
        [(1, sql) for sql in module.QUERIES]
    plain, with_expert, with_ours = (folder / f"{name}-{state}.db" for state in
                                     ("plain", "expert", "prodkit"))
    connection = sqlite3.connect(plain)
    module.make(connection, scale)
    connection.execute("VACUUM")
    connection.close()
    table, count = INSERTED[name]
    count = max(100, int(count * scale / 0.1))
    expert_ddl, expert_seconds = expert(plain, statements)
    ours_ddl, ours_seconds, verified = prodkit(
        plain, statements, '{"workload_table":"workload"}')
    _, planner_seconds, _ = prodkit(
        plain, statements, '{"workload_table":"workload","proof":"none"}')
    expert_bytes = apply(plain, with_expert, expert_ddl)
    ours_bytes = apply(plain, with_ours, ours_ddl)
    before, theirs, ours = times((plain, with_expert, with_ours), statements)
    sums = [total(statements, seconds) for seconds in (before, theirs, ours)]
    inserts = [insert_seconds(path, table, count)
               for path in (plain, with_expert, with_ours)]
    slow_theirs, slow_ours = slower(before, theirs), slower(before, ours)
    indexes = [sum(sql.startswith("CREATE") for sql in ddl)
               for ddl in (expert_ddl, ours_ddl)]
    print(f"\n## {name}, scale {scale}: "
          f"{megabytes(os.path.getsize(plain))}, {len(statements)} statements, "
          f"proof: {verified}\n")
    print("| what | no advice | .expert + ANALYZE | prod_index_advice | goal | "
          "reached |\n|---|---|---|---|---|---|")
    for row in [
            ("warm times, as often as each runs", f"{sums[0]:.2f} s",
             f"{sums[1]:.2f} s", f"{sums[2]:.2f} s",
             "1.0 × of .expert", yes(sums[2] <= sums[1])),
            ("indexes", 0, indexes[0], indexes[1], "12", yes(indexes[1] <= 12)),
            ("bytes of them", 0, megabytes(expert_bytes), megabytes(ours_bytes),
             "a third of .expert" if name == "tpch" else "",
             yes(ours_bytes <= expert_bytes / 3) if name == "tpch" else ""),
            (f"insert {count:,} into {table}", f"{inserts[0]:.2f} s",
             f"{inserts[1] / inserts[0]:.1f} ×",
             f"{inserts[2] / inserts[0]:.1f} ×",
             "3 ×" if name == "tpch" else "",
             yes(inserts[2] <= 3 * inserts[0]) if name == "tpch" else ""),
            ("statements slower by over 10 %", "", len(slow_theirs),
             f"{len(slow_ours)} {slow_ours or ''}", "0", yes(not slow_ours)),
            ("time to advise, with proof", "", f"{expert_seconds:.1f} s",
             f"{ours_seconds:.1f} s", "60 s", yes(ours_seconds < 60)),
            ("time to advise, without", "", "", f"{planner_seconds:.1f} s",
             "2 s", yes(planner_seconds < 2))]:
        print(f"| {' | '.join(map(str, row))} |")
    print("\nadvised: " + "; ".join(ours_ddl), flush=True)


WORKLOADS = {"tpch": tpch, "webshop": webshop}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("workloads", nargs="*", choices=[[], *WORKLOADS],
                           help="which to measure (both)")
    arguments.add_argument("--scale", type=float, default=0.1,
                           help="of the data (0.1)")
    arguments.add_argument("--folder", help="where to make the databases")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder,
                                     prefix="prodkit-bench-") as name:
        for workload in chosen.workloads or WORKLOADS:
            compare(workload, WORKLOADS[workload], chosen.scale,
                    pathlib.Path(name))


if __name__ == "__main__":
    main()
