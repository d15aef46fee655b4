"""prod_fragmentation against dbstat, real VACUUMs, writers and damage.

Each database is made by the sqlite3 shell. SQLite's own dbstat is the measure:
pages, payload, unused bytes, cells, depth and key order, b-tree by b-tree.
"""

import json
import random
import sqlite3
import subprocess
import sys

import pytest

import harness

MIXED = """
CREATE TABLE empty(a);
CREATE TABLE gone AS SELECT zeroblob(20000) AS a;
CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT, n INTEGER);
CREATE INDEX t_body ON t(body);
CREATE INDEX t_n ON t(n);
CREATE INDEX t_some ON t(n) WHERE n % 10 = 0;
CREATE TABLE w(k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(body);
CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1, y0, y1);
CREATE VIEW seen AS SELECT 1;
CREATE TABLE "a ""quoted"" ñame"(a UNIQUE, b);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
  INSERT INTO t SELECT i, printf('%.*c', i * 7919 % 211, 'x'), i * 7919 % 4001
  FROM n;
INSERT INTO w SELECT printf('%05d', n) || body, zeroblob(id % 300) FROM t
  WHERE id % 2;
INSERT INTO words SELECT 'word' || (n % 97) || ' other' || (n % 89) FROM t
  WHERE id < 800;
INSERT INTO boxes SELECT id, n % 100, n % 100 + 1, n % 77, n % 77 + 1 FROM t
  WHERE id < 800;
INSERT INTO t VALUES (100001, zeroblob(150000), 1), (-5, zeroblob(70000), 2);
INSERT INTO w VALUES (zeroblob(9000), zeroblob(30000));
INSERT INTO "a ""quoted"" ñame" SELECT id, body FROM t WHERE id < 50;
DELETE FROM t WHERE id % 3 = 0 AND id < 3000;
DELETE FROM w WHERE k > '02000' AND k < '02600';
DROP TABLE gone;
"""


def shell(database, script):
    """Makes a database, without prodkit."""
    result = subprocess.run(["sqlite3", "-bail", database], input=script,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, check=False)
    assert result.returncode == 0, result.stdout


def rows(variant, database, *queries):
    """The rows of each query, as dictionaries."""
    script = ".timeout 20000\n.mode json\n" + "\n.print ----\n".join(queries) + "\n"
    printed = variant.shell(script, database.parent, database)
    assert "Error: " not in printed, printed
    return [json.loads(part) if part.strip() else []
            for part in printed.split("----\n")]


# ---- what dbstat says ----

def measured(pages):
    """The figures of one b-tree from its rows of dbstat, in key order."""
    leaves = [page for page in pages if page["pagetype"] == "leaf"]
    inner = [page for page in pages if page["pagetype"] == "internal"]
    is_index = any(page["payload"] for page in inner)
    order = [page["pageno"] for page in leaves]
    jumps = sum(b != a + 1 for a, b in zip(order, order[1:]))
    return {
        "pages": len(pages),
        "leaf_pages": len(leaves),
        "interior_pages": len(inner),
        "overflow_pages": len(pages) - len(leaves) - len(inner),
        "depth": leaves[0]["path"].count("/"),
        "entries": sum(page["ncell"]
                       for page in (leaves + inner if is_index else leaves)),
        "payload_bytes": sum(page["payload"] for page in pages),
        "unused_bytes": sum(page["unused"] for page in pages),
        "scan_fragmentation":
            round(jumps / (len(leaves) - 1), 9) if len(leaves) > 1 else 0,
    }


def by_dbstat(variant, database):
    # An empty page of 65536 bytes says 0 for 65536 (file format, 1.6), which
    # dbstat takes as it stands.
    pages, = rows(variant, database,
                  "SELECT name, path, pageno, pagetype, ncell, payload, "
                  "unused + 65536 * (unused < 0) AS unused FROM temp.dbstat "
                  "WHERE schema = 'main' AND aggregate = 0;")
    trees = {}
    for page in pages:
        trees.setdefault(page["name"], []).append(page)
    return {name: measured(pages) for name, pages in trees.items()}


def btrees(found):
    return {row["name"]: row for row in found
            if row["kind"] in ("table", "index", "schema")}


def tiers(variant, database):
    found = rows(variant, database,
                 *(f"SELECT * FROM prod_fragmentation('main', '{tier}');"
                   for tier in ("exact", "fast", "sample")),
                 "SELECT page_count FROM pragma_page_count;")
    page_count = found.pop()[0]["page_count"]
    for tier in found:
        assert sum(row["pages"] for row in tier) == page_count, tier
    return found


def check_exact(exact, truth):
    ours = btrees(exact)
    assert set(ours) == set(truth)
    for name, figures in truth.items():
        row = dict(ours[name])
        row["scan_fragmentation"] = round(row["scan_fragmentation"], 9)
        assert {key: row[key] for key in figures} == figures, name
        assert row["source"] == "page walk"
    assert not [row for row in exact if row["kind"] == "orphan"]


def check_fast(fast, exact, auto_vacuum):
    truth = btrees(exact)
    for name, row in btrees(fast).items():
        keys = ["leaf_pages", "interior_pages", "depth"]
        if auto_vacuum:
            keys += ["pages", "overflow_pages"]
        else:
            keys += ["scan_fragmentation"]
        assert {key: row[key] for key in keys} == \
            {key: truth[name][key] for key in keys}, name
        assert row["source"] == ("pointer map" if auto_vacuum else
                                 "interior pages")


def check_sample(sample, exact):
    truth = btrees(exact)
    for name, row in btrees(sample).items():
        for key in ("leaf_pages", "interior_pages", "depth",
                    "scan_fragmentation"):
            assert row[key] == truth[name][key], name
        low, high = row["unused_bytes_low"], row["unused_bytes_high"]
        assert low <= row["unused_bytes"] <= high
        if row["leaf_pages"] <= 30:
            for key in ("entries", "payload_bytes", "unused_bytes",
                        "fill_ratio"):
                assert row[key] == pytest.approx(truth[name][key], 1e-9), name
            assert low == high


def check_all(variant, database, auto_vacuum):
    exact, fast, sample = tiers(variant, database)
    check_exact(exact, by_dbstat(variant, database))
    check_fast(fast, exact, auto_vacuum)
    check_sample(sample, exact)
    return exact


# ---- every format ----

@pytest.mark.parametrize("auto_vacuum", [0, 1, 2])
@pytest.mark.parametrize("page_size", [512 << i for i in range(8)])
def test_equal_to_dbstat(variant, tmp_path, page_size, auto_vacuum):
    database = tmp_path / "app.db"
    shell(database, f"PRAGMA page_size = {page_size};"
                    f"PRAGMA auto_vacuum = {auto_vacuum};" + MIXED)
    exact = check_all(variant, database, auto_vacuum)
    kinds = {row["kind"] for row in exact}
    assert ("pointer map" in kinds) == (auto_vacuum > 0)
    counts, = rows(variant, database, """
        SELECT (SELECT count(*) FROM t) AS t, (SELECT count(*) FROM w) AS w,
               (SELECT count(*) FROM empty) AS empty,
               (SELECT count(*) FROM words_data) AS words_data;""")
    for name, count in counts[0].items():
        assert btrees(exact)[name]["entries"] == count


@pytest.mark.parametrize("page_size, reserved, auto_vacuum",
                         [(512, 32, 1), (1024, 7, 0), (4096, 255, 2),
                          (65536, 64, 1)])
def test_reserved_bytes(variant, tmp_path, page_size, reserved, auto_vacuum):
    database = tmp_path / "app.db"
    shell(database, f"PRAGMA page_size = {page_size};\n"
                    f".filectrl reserve_bytes {reserved}\n"
                    f"PRAGMA auto_vacuum = {auto_vacuum};\nVACUUM;\n" + MIXED)
    assert database.read_bytes()[20] == reserved
    check_all(variant, database, auto_vacuum)


# ---- states of a live database ----

def test_wal_that_is_not_checkpointed(variant, tmp_path):
    """Even sqlite_schema stands only in the log."""
    database = tmp_path / "app.db"
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("CREATE TABLE t(a)")
    connection.execute("INSERT INTO t VALUES (zeroblob(50000))")
    assert database.stat().st_size <= 4096
    exact = check_all(variant, database, 0)
    assert btrees(exact)["t"]["overflow_pages"] == 12
    connection.close()


WRITER = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
c.execute('PRAGMA synchronous = OFF')
print('ready', flush=True)
while True:
    c.execute('BEGIN IMMEDIATE')
    c.execute('INSERT INTO a SELECT zeroblob(abs(random()) % 9000)')
    c.execute('INSERT INTO b SELECT randomblob(abs(random()) % 90)')
    c.execute('DELETE FROM a WHERE rowid % 7 = 0')
    c.execute('DELETE FROM b WHERE rowid % 7 = 0')
    c.execute('COMMIT')
"""


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_writer_meanwhile(variant, tmp_path, mode):
    """Both tables are always written together."""
    database = tmp_path / "app.db"
    shell(database, f"PRAGMA journal_mode = {mode};"
                    "CREATE TABLE a(x); CREATE TABLE b(x);")
    writer = subprocess.Popen([sys.executable, "-c", WRITER, database],
                              stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout.readline() == "ready\n"
        query = ("SELECT (SELECT entries FROM f WHERE name = 'a') AS a, "
                 "(SELECT entries FROM f WHERE name = 'b') AS b, "
                 "(SELECT count(*) FROM f WHERE kind = 'orphan') AS orphans "
                 "FROM (SELECT 1);")
        found = rows(variant, database, *[
            "DROP TABLE IF EXISTS temp.f; CREATE TEMP TABLE f AS SELECT * "
            f"FROM prod_fragmentation; {query}"] * 15)
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    for (row,) in found:
        assert row["a"] == row["b"]
        assert row["orphans"] == 0
    assert found[-1][0]["a"] > 0


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_stored_in_the_database_itself(variant, tmp_path, mode):
    """INSERT ... SELECT has a write transaction: what is committed is told."""
    database = tmp_path / "app.db"
    shell(database, f"PRAGMA journal_mode = {mode};" + MIXED +
          "CREATE TABLE history AS SELECT '' AS name, 0 AS pages WHERE 0;")
    found, = rows(variant, database, """
        INSERT INTO history SELECT name, pages FROM prod_fragmentation;
        SELECT name, pages FROM history WHERE name = 'history';""")
    assert found == [{"name": "history", "pages": 1}]


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_exclusive_locking_mode(variant, tmp_path, mode):
    database = tmp_path / "app.db"
    shell(database, f"PRAGMA journal_mode = {mode};" + MIXED)
    script = ("PRAGMA locking_mode = EXCLUSIVE; UPDATE t SET n = 1;\n"
              "SELECT sum(pages) = page_count, count(*) > 5 "
              "FROM pragma_page_count, prod_fragmentation;\n")
    printed = variant.shell(script, tmp_path, database)
    assert printed == "exclusive\n1|1\n"


# ---- the lock page ----

def test_over_the_lock_page(tmp_path):
    """A sparse file: what was never written belongs to nobody."""
    variant = harness.Variant("release")
    database = tmp_path / "app.db"
    shell(database, "PRAGMA page_size = 65536; CREATE TABLE t(a);"
                    "INSERT INTO t VALUES (zeroblob(100000));")
    pages = 16390
    with database.open("r+b") as file:
        file.truncate(pages * 65536)
        file.seek(28)
        file.write(pages.to_bytes(4, "big"))
    exact, fast, _ = tiers(variant, database)
    others = {row["kind"]: row for row in exact if row["table_name"] is None}
    assert others["lock page"]["pages"] == 1
    assert others["orphan"]["pages"] == pages - 3 - 1
    assert others["orphan"]["name"] == "orphan (the first is page 4)"
    assert {row["kind"] for row in fast if row["pages"] > 1} >= {"overflow"}


# ---- what a VACUUM gives back ----

SHAPES = {
    "small rows": "SELECT i, printf('%.*c', i % 60, 'x') FROM n",
    "rows of 300 to 700 bytes":
        "SELECT i, zeroblob(300 + i * i * i % 10007 % 401) FROM n",
    "rows of 1000 bytes": "SELECT i, zeroblob(1000) FROM n",
    "rows of 1000 to 1500 bytes":
        "SELECT i, zeroblob(1000 + i * i * i % 10007 % 501) FROM n",
    "rows of 1500 bytes": "SELECT i, zeroblob(1500) FROM n",
    "rows that overflow": "SELECT i, zeroblob(i * i * i % 12007) FROM n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_reclaimable(tmp_path, shape):
    variant = harness.Variant("release")
    database = tmp_path / "app.db"
    shell(database, f"""
        CREATE TABLE t(id INTEGER PRIMARY KEY, body);
        CREATE TABLE w(id TEXT PRIMARY KEY, body) WITHOUT ROWID;
        CREATE INDEX t_body ON t(body, id);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
                                WHERE i < 6000)
          INSERT INTO t {SHAPES[shape]} ORDER BY i * 7919 % 6001;
        INSERT INTO w SELECT printf('%05d', id * 7919 % 6001), body FROM t;
        DELETE FROM t WHERE id % 4 = 0 OR id BETWEEN 2000 AND 2500;
        DELETE FROM w WHERE id % 4 = 0;""")
    before, _, sampled = tiers(variant, database)
    shell(database, "VACUUM;")
    after = btrees(tiers(variant, database)[0])
    for foretold in (btrees(before), btrees(sampled)):
        for name, row in foretold.items():
            given = btrees(before)[name]["pages"] - after[name]["pages"]
            said = row["reclaimable_bytes"] / 4096
            print(f"{shape}: {name}: {row['source']}: {said:.0f} of "
                  f"{btrees(before)[name]['pages']} pages, really {given}: "
                  f"{100 * (said - given) / after[name]['pages']:+.2f} %")
            slack = 0.01 if row["source"] == "page walk" else 0.05
            assert abs(said - given) <= max(2, slack * after[name]["pages"])


# ---- damage ----

def damaged(original, dice):
    """One copy with some of its bytes changed, or cut, or pages exchanged."""
    size = int.from_bytes(original[16:18], "big")
    image = bytearray(original)
    kind = dice.randrange(5)
    if kind == 0:
        del image[dice.randrange(100, len(image)):]
    elif kind == 1:
        a, b = (size * dice.randrange(1, len(image) // size) for _ in "ab")
        image[a:a + size], image[b:b + size] = \
            image[b:b + size], image[a:a + size]
    else:
        for _ in range(dice.choice([1, 1, 2, 20])):
            page = size * dice.randrange(len(image) // size)
            # headers and cell pointers do the most harm
            at = page + dice.randrange(dice.choice([12, 40, size]))
            if at > 100:
                image[at] = dice.choice([0, 1, 255, dice.randrange(256)])
    return bytes(image)


@pytest.mark.parametrize("auto_vacuum", [0, 1])
def test_damage(variant, tmp_path, auto_vacuum):
    """Rows that add up, or an error that says where; within a time."""
    database = tmp_path / "whole.db"
    shell(database, "PRAGMA page_size = 512;"
                    f"PRAGMA auto_vacuum = {auto_vacuum};" + MIXED.replace(
                        "4000", "400").replace("150000", "5000").replace(
                        "70000", "3000"))
    original = database.read_bytes()
    dice = random.Random(20260704 + auto_vacuum)
    script = []
    for number in range(150):
        (tmp_path / f"{number}.db").write_bytes(damaged(original, dice))
        script.append(f"ATTACH '{number}.db' AS bad;")
        for tier in ("exact", "fast", "sample"):
            script.append(f".print == {number} {tier}")
            script.append(
                "SELECT sum(pages) = page_count, count(*) > 1 FROM "
                "pragma_page_count('bad') CROSS JOIN "
                f"prod_fragmentation('bad', '{tier}');")
        script.append("SELECT count(*) FROM prod_table_sizes('bad') WHERE 0;")
        script.append("DETACH bad;")
    printed = variant.shell("\n".join(script), tmp_path)
    answers = [part.split("\n")[1] for part in printed.split("== ")[1:]]
    assert len(answers) == 450
    wrong = [answer for answer in answers
             if answer != "1|1" and not answer.startswith("Error: ")]
    assert not wrong, wrong
    named = [answer for answer in answers if "page" in answer]
    assert len(named) > 50 and "1|1" in answers


def test_an_orphan_is_shown(variant, tmp_path):
    """The freelist is cut off: its pages belong to nobody."""
    database = tmp_path / "app.db"
    shell(database, "CREATE TABLE t(a); CREATE TABLE gone(a);"
                    "INSERT INTO gone VALUES (zeroblob(9000)); DROP TABLE gone;")
    image = bytearray(database.read_bytes())
    image[32:40] = bytes(8)
    database.write_bytes(image)
    exact, _, _ = tiers(variant, database)
    orphans = [row for row in exact if row["kind"] == "orphan"]
    assert [row["name"] for row in orphans] == ["orphan (the first is page 3)"]
    assert orphans[0]["pages"] == 3
