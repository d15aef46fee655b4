"""make bench: prodkit against its peers, in one run.

Every figure is a ratio of two things done in turn on this machine, each the
best of some rounds, because a machine's speed varies from hour to hour and a
ratio of neighbours varies less. Nothing here is asserted: a figure over its
goal is marked.

    test/bench/bench.py                  everything, on databases of 1 GB
    test/bench/bench.py --mb 200 backup  one section, smaller
"""

import argparse
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SUFFIX = ".dylib" if sys.platform == "darwin" else ".so"
RELEASE = ROOT / "build" / "release" / f"prodkit{SUFFIX}"
ZLIB_ONLY = ROOT / "build" / "zlib" / f"prodkit{SUFFIX}"
THREADS = os.cpu_count()


# ---- measuring ----

def seconds(action):
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def best_of(rounds, *actions):
    """The best time of each action; they take turns."""
    times = [[] for _ in actions]
    for _ in range(rounds):
        for record, action in zip(times, actions):
            record.append(seconds(action))
    return [min(record) for record in times]


def run(*words, **options):
    subprocess.run([str(word) for word in words], check=True,
                   stdout=subprocess.DEVNULL, **options)


def prodkit(database, sql, extension=RELEASE):
    run("sqlite3", "-bail", "-cmd", f".load {extension}", database, sql)


def remove(*paths):
    for path in paths:
        pathlib.Path(path).unlink(missing_ok=True)


def fsync(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


class Table:
    """Rows of a Markdown table, printed as they are measured."""

    def __init__(self, *heads):
        print(f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}", flush=True)

    def row(self, *cells):
        print(f"| {' | '.join(str(cell) for cell in cells)} |", flush=True)


def ratio(value, goal):
    return f"{value:.2f} ×", f"{goal:.2f} ×", \
        "yes" if value <= goal else "**no**"


# ---- databases ----

def make_database(path, mb, page_size):
    """Orders with a text of words and hex: compresses to about 40 %."""
    rows = mb * 3600
    run("sqlite3", path, f"""
        PRAGMA page_size={page_size}; PRAGMA synchronous=OFF;
        PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=100000;
        CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id INTEGER,
                            status TEXT, note TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n
                                WHERE i < {rows})
        INSERT INTO orders SELECT i, i * 7919 % 100003,
          substr('new     paid    shipped returned', 1 + 8 * (i % 4), 8),
          'customer asked for delivery at the back door, order number ' || i ||
          ' ' || hex(randomblob(80)) FROM n;
        CREATE INDEX orders_customer_id ON orders(customer_id);
        PRAGMA wal_checkpoint(TRUNCATE);""")


# ---- sections ----

def loading(folder, mb):
    """What loading adds to opening a connection."""
    database = folder / "small.db"
    run("sqlite3", database, "CREATE TABLE t(x);")

    def open_plain():
        connection = sqlite3.connect(database)
        connection.execute("SELECT 1 FROM t").fetchall()
        connection.close()

    def open_loaded():
        connection = sqlite3.connect(database)
        connection.enable_load_extension(True)
        connection.load_extension(str(RELEASE))
        connection.execute("SELECT 1 FROM t").fetchall()
        connection.close()

    open_loaded()
    plain, loaded = best_of(300, open_plain, open_loaded)
    table = Table("loading", "ms")
    table.row("open and read", f"{plain * 1e3:.3f}")
    table.row("open, load prodkit and read", f"{loaded * 1e3:.3f}")
    table.row("loading adds (goal: under 1)", f"{(loaded - plain) * 1e3:.3f}")


def backup(folder, mb):
    for page_size in (4096, 65536):
        source = folder / f"app{page_size}.db"
        make_database(source, mb, page_size)
        backup_of(source, page_size)
        remove(source)


def backup_of(source, page_size):
    folder = source.parent
    bytes_ = source.stat().st_size
    plain, peer, gz = (folder / name for name in
                       ("plain.db", "peer.db", "ours.gz"))
    peer_gz = folder / "peer.db.gz"
    table = Table(f"backup, {bytes_ / 1e9:.2f} GB, pages of {page_size}",
                  "against", "measured", "goal", "reached")

    def ours_plain():
        remove(plain)
        prodkit(source, f"SELECT prod_backup_to('{plain}', 0, "
                        "'{\"verify\":\"none\"}');")

    def cp():
        remove(peer)
        run("cp", source, peer)
        fsync(peer)

    def shell_backup():
        remove(peer)
        run("sqlite3", source, f".backup {peer}")

    def vacuum_into():
        remove(peer)
        run("sqlite3", source, f"VACUUM INTO '{peer}'")

    def ours_gzip(level, extension=RELEASE):
        remove(gz)
        prodkit(source, f"SELECT prod_backup_to('{gz}', {level}, "
                        "'{\"verify\":\"none\"}');", extension)

    def vacuum_and_pigz():
        remove(peer, peer_gz)
        run("sqlite3", source, f"VACUUM INTO '{peer}'")
        run("pigz", "-6", "-p", THREADS, peer)

    def pigz(level):
        remove(peer_gz)
        with open(peer_gz, "wb") as output:
            subprocess.run(["pigz", f"-{level}", "-p", str(THREADS), "-c",
                            str(source)], stdout=output, check=True)

    def ours_restore():
        remove(plain)
        prodkit(":memory:", f"SELECT prod_restore('{gz}', '{plain}', "
                            "'{\"verify\":\"none\"}');")

    def pigz_restore():
        remove(peer)
        with open(peer, "wb") as output:
            subprocess.run(["pigz", "-d", "-c", str(gz)], stdout=output,
                           check=True)

    cp()
    a, b = best_of(5, ours_plain, cp)
    table.row("plain, verify none", "cp + fsync", *ratio(a / b, 1.15))
    a, b = best_of(3, ours_plain, shell_backup)
    table.row("plain, verify none", "the shell's .backup", *ratio(a / b, 0.65))
    a, b = best_of(3, ours_plain, vacuum_into)
    table.row("plain, verify none", "VACUUM INTO", *ratio(a / b, 0.40))
    a, b = best_of(2, lambda: ours_gzip(6), vacuum_and_pigz)
    table.row("gzip 6, verify none, libdeflate", "VACUUM INTO + pigz -6",
              *ratio(a / b, 0.45))
    pigz(6)
    table.row("size of it", "pigz -6 of the bare file",
              *ratio(gz.stat().st_size / peer_gz.stat().st_size, 1.03))
    a, b = best_of(2, lambda: ours_gzip(1, ZLIB_ONLY), lambda: pigz(1))
    table.row("gzip 1, zlib only", "pigz -1 of the bare file",
              *ratio(a / b, 1.0))
    ours_gzip(6)
    a, b = best_of(3, ours_restore, pigz_restore)
    table.row("restore from gzip, verify none", "pigz -d", *ratio(a / b, 0.75))
    first = min(first_row(gz) for _ in range(5))
    table.row("one row by key through prodgz, first read", "20 ms",
              f"{first * 1e3:.1f} ms", "20 ms",
              "yes" if first < 0.020 else "**no**")
    memory(table, source, gz)
    remove(plain, peer, gz, peer_gz)


def first_row(gz):
    """ATTACH and one SELECT, in a process that has not read the file yet."""
    script = f"""
import sqlite3, time
c = sqlite3.connect(':memory:', uri=True)
c.enable_load_extension(True)
c.load_extension({str(RELEASE)!r})
began = time.perf_counter()
c.execute("ATTACH 'file:{gz}?vfs=prodgz' AS old")
assert c.execute("SELECT note FROM old.orders WHERE id = 77777").fetchone()
print(time.perf_counter() - began)
"""
    return float(subprocess.run([sys.executable, "-c", script], check=True,
                                capture_output=True, text=True).stdout)


def memory(table, source, gz):
    """Peak resident memory of the whole process, on this and a small source."""
    small = source.parent / "small-source.db"
    make_database(small, 50, 4096)
    peaks = []
    for database in (small, source):
        remove(gz)
        script = (f".load {RELEASE}\nSELECT prod_backup_to('{gz}', 6);\n")
        child = subprocess.Popen(["sqlite3", database], stdin=subprocess.PIPE,
                                 stdout=subprocess.DEVNULL, text=True)
        child.stdin.write(script)
        child.stdin.close()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
        peaks.append(usage.ru_maxrss / 1024)
    remove(small)
    table.row("peak memory, gzip 6, verify quick", "64 MB",
              " and ".join(f"{peak:.0f} MB" for peak in peaks) +
              " (50 MB and this source)", "64 MB",
              "yes" if max(peaks) < 64 else "**no**")


# ---- space ----

def make_space_database(path, mb, auto_vacuum):
    """Three tables and three indexes that grow together, as an application's
    do; then a table is dropped, and every tenth page is free."""
    rows, batches = mb * 3050, 100
    batch = f"""
        WITH RECURSIVE n(i) AS (SELECT ifnull(max(id), 0) + 1 FROM orders
            UNION ALL SELECT i+1 FROM n LIMIT {rows // batches})
          INSERT INTO orders SELECT i, 'customer ' || i * 7919 % 100003,
            printf('%.*c', i * 7919 % 300, 'x') FROM n;
        INSERT INTO stock SELECT printf('%012d', id * 7919 % {rows}), id
          FROM orders WHERE id % 3 = 0 AND id > (
            SELECT max(id) FROM orders) - {rows // batches};
        INSERT INTO files(body) SELECT zeroblob(id * 7919 % 20000) FROM orders
          LIMIT {mb * 6 // batches};
        INSERT INTO dropped SELECT zeroblob(900) FROM orders
          LIMIT {mb * 100 // batches};"""
    run("sqlite3", path, f"""
        PRAGMA auto_vacuum={auto_vacuum}; PRAGMA synchronous=OFF;
        PRAGMA journal_mode=OFF; PRAGMA cache_size=-1500000;
        CREATE TABLE dropped(body);
        CREATE TABLE orders(id INTEGER PRIMARY KEY, customer TEXT, note TEXT);
        CREATE TABLE stock(sku TEXT PRIMARY KEY, quantity) WITHOUT ROWID;
        CREATE TABLE files(id INTEGER PRIMARY KEY, body BLOB);
        CREATE INDEX orders_customer ON orders(customer);
        CREATE INDEX orders_note ON orders(substr(note, 1, 40), id);
        BEGIN; {batch * batches} DROP TABLE dropped; COMMIT;
        PRAGMA journal_mode=WAL;""")


def forget(path):
    """Makes the next read of a file come from the disk."""
    os.sync()
    try:
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("1")
    except OSError:
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def query_seconds(database, sql, cold):
    """One query on a connection of its own."""
    connection = sqlite3.connect(database)
    connection.enable_load_extension(True)
    connection.load_extension(str(RELEASE))
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    if cold:
        forget(database)
    took = seconds(lambda: connection.execute(sql).fetchall())
    connection.close()
    return took


def space(folder, mb):
    dbstat = "SELECT * FROM dbstat WHERE aggregate = 1"
    exact = "SELECT * FROM prod_fragmentation"
    fast = "SELECT * FROM prod_fragmentation('main', 'fast')"
    sample = "SELECT * FROM prod_fragmentation('main', 'sample')"
    for auto_vacuum in (0, 2):
        source = folder / f"space{auto_vacuum}.db"
        make_space_database(source, mb, auto_vacuum)
        bytes_ = source.stat().st_size
        table = Table(f"space, {bytes_ / 1e9:.2f} GB" +
                      (", with a pointer map" if auto_vacuum else ""),
                      "against", "seconds", "measured", "goal", "reached")

        def compare(title, sql, cold, goal, rounds):
            ours, peer = [], []
            for _ in range(rounds):
                peer.append(query_seconds(source, dbstat, cold))
                ours.append(query_seconds(source, sql, cold))
            a, b = min(ours), min(peer)
            kind = "cold" if cold else "warm"
            table.row(f"{title}, {kind}", f"dbstat aggregate, {kind}",
                      f"{a:.4f} and {b:.3f}", *ratio(a / b, goal))

        query_seconds(source, dbstat, False)
        if not auto_vacuum:
            compare("exact", exact, True, 0.5, 3)
            compare("exact", exact, False, 0.8, 5)
            compare("sample", sample, True, 0.5, 3)
            compare("sample", sample, False, 0.5, 3)
        goal = 0.02 if auto_vacuum else 0.1
        compare("fast", fast, True, goal, 3)
        compare("fast", fast, False, goal, 3)
        remove(source)


# ---- health ----

def cold(path, sql):
    """Seconds of one statement in a new process, nothing of the file in memory;
    those of starting the shell and of loading are in both sides' figures."""
    forget(path)
    return seconds(lambda: prodkit(path, sql))


def health(folder, mb):
    large, small = folder / "large.db", folder / "small.db"
    make_space_database(large, mb, 0)
    make_space_database(small, 10, 0)
    size = f"{large.stat().st_size / 1e9:.2f} GB"
    table = Table(f"health, {size}", "against", "measured", "goal", "reached")
    ours, theirs = (min(times) for times in zip(*(
        (cold(large, "SELECT prod_health('quick')"),
         cold(large, "PRAGMA quick_check")) for _ in range(3))))
    table.row("tier quick, cold", f"cold PRAGMA quick_check, {theirs:.1f} s",
              *ratio(ours / theirs, 0.3))
    ours, theirs = best_of(
        3, lambda: prodkit(large, "SELECT prod_health('quick')"),
        lambda: prodkit(large, "PRAGMA quick_check"))
    table.row("tier quick, warm", f"PRAGMA quick_check, {theirs:.2f} s",
              *ratio(ours / theirs, 1.1))
    for path, name in ((large, size), (small, "10 MB")):
        for checked in ("", ", after prod_integrity"):
            if checked:
                prodkit(path, "SELECT * FROM prod_integrity")
            took = fast_health(path)
            table.row(f"tier fast, {name}{checked}", "1 ms",
                      f"{took * 1e3:.3f} ms", "1 ms",
                      "yes" if took < 1e-3 else "**no**")
    remove(large, small)


def fast_health(path):
    """The best of many calls on an open connection."""
    connection = sqlite3.connect(path)
    connection.enable_load_extension(True)
    connection.load_extension(str(RELEASE))
    took, = best_of(200, lambda: connection.execute(
        "SELECT prod_health('fast')").fetchall())
    connection.close()
    return took


SECTIONS = {"loading": loading, "backup": backup, "space": space,
            "health": health}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("sections", nargs="*", choices=[[], *SECTIONS],
                           help="which to measure (all)")
    arguments.add_argument("--mb", type=int, default=1000,
                           help="size of the databases (1000)")
    arguments.add_argument("--folder", help="where to make them")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder,
                                     prefix="prodkit-bench-") as name:
        for section in chosen.sections or SECTIONS:
            SECTIONS[section](pathlib.Path(name), chosen.mb)


if __name__ == "__main__":
    main()
