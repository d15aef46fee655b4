"""prod_dump_to on everything that a database can hold: what is loaded back is
equal to the source, value by value, and it is what .dump would have loaded."""

import json
import os
import random
import signal
import sqlite3
import struct
import subprocess
import threading
import time

import pytest

import harness

RELEASE = harness.Variant("release")


def make_nasty(path, encoding="UTF-8", page_size=4096, auto_vacuum=0):
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(f"""
        PRAGMA synchronous = OFF;
        PRAGMA page_size = {page_size};
        PRAGMA auto_vacuum = {auto_vacuum};
        PRAGMA encoding = '{encoding}';
        PRAGMA user_version = 42;
        PRAGMA application_id = -7;
        CREATE TABLE plain(a, b);
        CREATE TABLE "quo""ted 'name'; --"("select" TEXT, "a""b" BLOB);
        CREATE TABLE "größe ☃"("naïve" INTEGER PRIMARY KEY, x REAL);
        CREATE TABLE generated(id INTEGER PRIMARY KEY AUTOINCREMENT, v,
          w AS (v + 1), s AS (v * 2) STORED, last);
        CREATE TABLE clustered(k TEXT, n INT, v, PRIMARY KEY(k, n))
          WITHOUT ROWID;
        CREATE TABLE strict_one(i INT, r REAL, t TEXT, b BLOB, a ANY) STRICT;
        CREATE TABLE rowid_names(rowid, _rowid_, oid TEXT);
        CREATE TABLE one_rowid_name(rowid, v);
        CREATE TABLE descending(id INTEGER PRIMARY KEY DESC, v);
        CREATE TABLE parent(id INTEGER PRIMARY KEY, child REFERENCES child(id));
        CREATE TABLE child(id INTEGER PRIMARY KEY, parent REFERENCES parent);
        CREATE TABLE pragma_table_xinfo(name, hidden);
        CREATE TABLE defaults(a DEFAULT 'it''s', b DEFAULT (1 + 1), c);
        CREATE TABLE empty(a CHECK (a > 0) NOT NULL DEFAULT 1);
        """)
    db.execute("CREATE VIEW ends_in_comment AS SELECT a FROM plain -- why")
    db.execute("CREATE VIEW ends_open AS SELECT 1 /* and so on")
    db.execute("CREATE VIEW windows_lines AS\r\nSELECT 'a\r\nb' AS x")
    db.execute("CREATE TABLE windows_table(a,\r\n b DEFAULT 'x\r\ny')")
    db.executescript("""
        CREATE VIEW broken AS SELECT missing FROM nowhere;
        CREATE INDEX plain_a ON plain(a COLLATE NOCASE DESC) WHERE b > 1;
        CREATE UNIQUE INDEX "an ""index"" here" ON one_rowid_name(v || 'x');
        CREATE TRIGGER on_view INSTEAD OF INSERT ON ends_in_comment BEGIN
          SELECT 1; END;
        """)
    db.execute("BEGIN")
    fill(db, encoding)
    db.execute("COMMIT")
    db.execute("CREATE TRIGGER on_plain AFTER INSERT ON plain BEGIN "
               "INSERT INTO child VALUES (99, NULL); SELECT 'a;\nb'; END")
    db.executescript("""
        ANALYZE;
        CREATE VIRTUAL TABLE notes USING fts5(body);
        INSERT INTO notes VALUES ('hello world'), ('other things');
        CREATE VIRTUAL TABLE old_notes USING fts4(body);
        INSERT INTO old_notes VALUES ('hello again');
        CREATE TABLE documents(body);
        INSERT INTO documents(rowid, body) VALUES (10, 'ten'), (20, 'twenty');
        CREATE VIRTUAL TABLE external USING fts5(body, content=documents);
        INSERT INTO external(external) VALUES ('rebuild');
        CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1);
        INSERT INTO boxes VALUES (1, 2, 3), (7, 8, 9.5);
        CREATE VIRTUAL TABLE "odd 'name'" USING fts5(a);
        PRAGMA writable_schema = ON;
        CREATE TABLE sqlite_stat4(tbl, idx, neq, nlt, ndlt, sample);
        INSERT INTO sqlite_stat4 VALUES ('plain', 'plain_a', '1', '0', '0', x'00');
        PRAGMA writable_schema = OFF;
        """)
    db.close()


def texts():
    yield from ("", "'", "''", "a'b", "line\nline", "\r", "a\r\nb\r\n", "\n",
                "\0", "a\0b", "\0\r\n'", "\\n", "\\n\n", "a\\\nb\\", "\\\\n\n\\r\r",
                "\\0\0", "\\" * 20, "\\" * 20 + "\n", "ü☃𝄞", "\ufeffbom", "\uffff",
                ".quit", "x'00'", ";", "--", "/*", "go\n/\ngo\n", "\x1a\x1b\x7f",
                "' || x || '", "5.0", "NULL", "ends in \\", "\t tab")


def fill(db, encoding):
    numbers = [0, 1, -1, 2**53 + 1, 2**63 - 1, -2**63]
    reals = [0.0, -0.0, 5.0, 0.1, 1 / 3, 1e15, 1e16, 123456789012345680.0,
             9007199254740993.0, 1e300, -1e-300, 5e-324, 2.2250738585072014e-308,
             1.7976931348623157e308, float("inf"), float("-inf"), 1e999]
    generator = random.Random(7)
    while len(reals) < 2000:
        real = struct.unpack("d", generator.randbytes(8))[0]
        if real == real:
            reals.append(real)
    blobs = [b"", b"\0", b"\xff" * 5, bytes(range(256)), os.urandom(100_000)]
    values = numbers + reals + blobs + list(texts()) + [None, "long\n" * 40_000]
    db.executemany("INSERT INTO plain VALUES (?, ?)",
                   [(value, values[-1 - i]) for i, value in enumerate(values)])
    broken = [b"\xff", b"a\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
              b"\xe0\x80\x80z'\n", b"ok\xfe\0"]
    if encoding != "UTF-8":
        units = [[0xd800], [0xd800, 0x61], [0xdc00, 0xd800], [0x61, 0xdfff],
                 [0xd834, 0xdd1e, 0xdc00, 0]]
        order = "<" if encoding == "UTF-16le" else ">"
        broken = [struct.pack(f"{order}{len(u)}H", *u) for u in units]
    db.executemany("INSERT INTO plain VALUES (CAST(? AS TEXT), 1)",
                   [(text,) for text in broken])
    db.execute("DELETE FROM plain WHERE rowid % 7 = 3")
    db.executemany("INSERT INTO plain(rowid, a) VALUES (?, ?)",
                   [(-5, "below"), (0, "zero"), (2**63 - 1, "last")])
    db.executemany("""INSERT INTO "quo""ted 'name'; --" VALUES (?, ?)""",
                   [(text, text.encode()) for text in texts()])
    db.executemany('INSERT INTO "größe ☃" VALUES (?, ?)',
                   [(-3, 1), (9, 2.5), (2**40, None)])
    db.executemany("INSERT INTO generated(v, last) VALUES (?, ?)",
                   [(i, f"l{i}") for i in range(5)])
    db.execute("DELETE FROM generated WHERE id > 3")
    db.executemany("INSERT INTO clustered VALUES (?, ?, ?)",
                   [("b", 2, 1.0), ("a", 9, None), ("a", 1, "x\n")])
    db.execute("INSERT INTO strict_one VALUES (1, 2, '3', x'04', 5.0), "
               "(NULL, NULL, NULL, NULL, '6')")
    db.execute("INSERT INTO rowid_names VALUES (1, 2, 3), (4, 5, 6)")
    db.execute("INSERT INTO one_rowid_name(_rowid_, rowid, v) "
               "VALUES (5, 'a', 1), (3, 'b', 2)")
    db.execute("INSERT INTO descending VALUES (5, 'a'), (3, 'b')")
    db.execute("INSERT INTO parent VALUES (1, 1)")
    db.execute("INSERT INTO child VALUES (1, 1), (2, 777)")
    db.execute("INSERT INTO pragma_table_xinfo VALUES ('trap', 1)")
    db.execute("INSERT INTO defaults(c) VALUES (1)")


def content(path):
    """Everything in a database: what the file's header holds, the schema, and
    each value of each table with its storage class and bytes, by rowid."""
    db = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    db.text_factory = bytes
    found = {name: db.execute(f"PRAGMA {name}").fetchall() for name in (
        "encoding", "page_size", "auto_vacuum", "user_version",
        "application_id", "integrity_check")}
    found["schema"] = db.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema "
        "ORDER BY type, name").fetchall()
    for name, in db.execute("SELECT name FROM sqlite_schema "
                            "WHERE type = 'table' AND rootpage > 0"):
        found[name] = rows(db, name.decode())
    db.close()
    return found


def rows(db, table):
    name = '"' + table.replace('"', '""') + '"'
    columns = [row[1].decode() for row in db.execute(
        f"PRAGMA table_xinfo({name})")]
    taken = {column.lower() for column in columns}
    selected = []
    rowid = next((n for n in ("rowid", "_rowid_", "oid") if n not in taken), None)
    if rowid and "clustered" not in table and not table.endswith(("_idx", "_config")):
        selected.append(rowid)
    for column in columns:
        quoted = '"' + column.replace('"', '""') + '"'
        selected.append(f"typeof({quoted})")
        selected.append(f"CASE typeof({quoted}) WHEN 'text' "
                        f"THEN CAST({quoted} AS BLOB) ELSE {quoted} END")
    return [tuple(struct.pack("d", v) if isinstance(v, float) else v
                  for v in row)
            for row in db.execute(f"SELECT {','.join(selected)} FROM {name} "
                                  f"NOT INDEXED ORDER BY 1, 2")]


def dump(variant, database, target, *arguments):
    quoted = "".join(f", {a}" for a in arguments)
    printed = variant.shell(f"SELECT prod_dump_to('{target}'{quoted});",
                            target.parent, database)
    assert printed.startswith("{"), printed
    return json.loads(printed)


def load(sql, database):
    """As the docs say: plain or compressed, through the shell."""
    reader = "zcat" if sql.suffix == ".gz" else "cat"
    result = subprocess.run(
        ["bash", "-c", '"$0" "$1" | sqlite3 -bail "$2"', reader, sql, database],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert result.returncode == 0 and result.stdout == "", result.stdout
    return database


def sqldiff(*arguments):
    return subprocess.run(["sqldiff", *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True).stdout


SETTINGS = [("UTF-8", 4096, 0), ("UTF-8", 512, 1), ("UTF-16le", 65536, 2),
            ("UTF-16be", 1024, 0)]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_everything_loads_back_equal(variant, tmp_path, settings):
    source = tmp_path / "nasty.db"
    make_nasty(source, *settings)
    expected = content(source)
    answer = dump(variant, source, tmp_path / "dump.sql")
    assert content(load(tmp_path / "dump.sql", tmp_path / "new.db")) == expected
    # sqldiff reports rowid_names even against itself: it finds no key
    for database in (source, tmp_path / "new.db"):
        subprocess.run(["sqlite3", database, "DROP TABLE rowid_names"],
                       check=True)
    assert sqldiff(source, tmp_path / "new.db") == ""
    assert sqldiff("--schema", source, tmp_path / "new.db") == ""
    text = (tmp_path / "dump.sql").read_bytes()
    text.decode("utf-8")  # it is valid throughout
    inserts = text.count(b'\nINSERT INTO "')
    sizes = answer["bytes"], answer["sql_bytes"], answer["rows"]
    assert sizes == (len(text), len(text), inserts)


def test_compressed_is_the_same_text(variant, tmp_path):
    source = tmp_path / "nasty.db"
    make_nasty(source)
    dump(variant, source, tmp_path / "plain.sql")
    answer = dump(variant, source, tmp_path / "dump.sql.gz", "'gzip'",
                  "'{\"threads\":3}'")
    unpacked = subprocess.run(["zcat", tmp_path / "dump.sql.gz"], check=True,
                              capture_output=True).stdout
    assert unpacked == (tmp_path / "plain.sql").read_bytes()
    assert answer["bytes"] == (tmp_path / "dump.sql.gz").stat().st_size
    assert answer["sql_bytes"] == len(unpacked)
    load(tmp_path / "dump.sql.gz", tmp_path / "new.db")
    assert content(tmp_path / "new.db") == content(source)


def test_full_text_search_works_after_loading(variant, tmp_path):
    source = tmp_path / "nasty.db"
    make_nasty(source)
    dump(variant, source, tmp_path / "dump.sql")
    # within the connection that loads, and in another
    queries = """
        SELECT rowid FROM notes WHERE notes MATCH 'other';
        SELECT body FROM old_notes WHERE body MATCH 'again';
        SELECT rowid, body FROM external WHERE external MATCH 'twenty';
        SELECT id FROM boxes WHERE x0 > 5;
        """
    text = (tmp_path / "dump.sql").read_bytes() + queries.encode()
    for script in (text, queries.encode()):
        printed = subprocess.run(["sqlite3", "-bail", tmp_path / "new.db"],
                                 input=script, capture_output=True)
        assert printed.stdout == b"2\nhello again\n20|twenty\n7\n", printed


def test_the_text_loads_in_other_programs_too(tmp_path):
    source = tmp_path / "nasty.db"
    make_nasty(source)
    dump(RELEASE, source, tmp_path / "dump.sql")
    db = sqlite3.connect(tmp_path / "new.db", isolation_level=None)
    with open(tmp_path / "dump.sql", newline="") as text:
        db.executescript(text.read())
    db.close()
    assert content(tmp_path / "new.db") == content(source)


def test_what_it_loads_is_what_the_shells_dump_loads(variant, tmp_path):
    """Of what .dump can carry: no NUL in texts, no CR in the schema, no REAL
    that is -0.0 or so large or small that its printing is inexact."""
    source = tmp_path / "app.db"
    make_nasty(source)
    db = sqlite3.connect(source)
    db.executescript("""
        DELETE FROM plain WHERE 0.0 IN (a, b) OR typeof(a || b) = 'blob'
          OR instr(CAST(coalesce(a, '') || coalesce(b, '') AS BLOB), x'00');
        DELETE FROM plain WHERE typeof(a) = 'real'
          AND abs(a) NOT BETWEEN 1e-200 AND 1e200 OR typeof(b) = 'real'
          AND abs(b) NOT BETWEEN 1e-200 AND 1e200;
        DELETE FROM "quo""ted 'name'; --" WHERE instr("a""b", x'00');
        DROP TABLE rowid_names;
        DROP VIEW ends_open;
        DROP VIEW windows_lines;
        DROP TABLE windows_table;
        PRAGMA writable_schema = ON;
        DROP TABLE sqlite_stat4;
        """)
    db.close()
    dump(variant, source, tmp_path / "ours.sql")
    with open(tmp_path / "theirs.sql", "w") as theirs:
        subprocess.run(["sqlite3", source, ".dump --preserve-rowids"], stdout=theirs, check=True)
    load(tmp_path / "ours.sql", tmp_path / "ours.db")
    load(tmp_path / "theirs.sql", tmp_path / "theirs.db")
    ours, theirs = content(tmp_path / "ours.db"), content(tmp_path / "theirs.db")
    for name in ("user_version", "application_id"):  # .dump has none
        del ours[name], theirs[name]
    assert ours == theirs
    assert sqldiff(tmp_path / "ours.db", tmp_path / "theirs.db") == ""


def make_bank(path, accounts=2000):
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(f"""
        PRAGMA journal_mode = WAL;
        CREATE TABLE account(id INTEGER PRIMARY KEY, cents INTEGER, memo TEXT);
        CREATE TABLE log(n INTEGER);
        WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL
          SELECT i + 1 FROM s LIMIT {accounts})
        INSERT INTO account SELECT i, 100, printf('%.400c', 'x') FROM s;
        """)
    db.close()


def test_one_snapshot_while_others_write(variant, tmp_path):
    source = tmp_path / "bank.db"
    make_bank(source)
    stop = threading.Event()

    def transfer():
        db = sqlite3.connect(source, isolation_level=None, timeout=30)
        n = 0
        while not stop.is_set():
            one, other = random.sample(range(1, 2001), 2)
            n += 1
            db.executescript(f"""BEGIN IMMEDIATE;
                UPDATE account SET cents = cents - 7 WHERE id = {one};
                UPDATE account SET cents = cents + 7 WHERE id = {other};
                INSERT INTO log VALUES ({n}); COMMIT;""")
        db.close()

    writer = threading.Thread(target=transfer)
    writer.start()
    try:
        for i in range(3):
            dump(variant, source, tmp_path / f"{i}.sql", "0",
                 "'{\"rate_mb_per_second\":2}'")
    finally:
        stop.set()
        writer.join()
    logged = []
    for i in range(3):
        db = sqlite3.connect(load(tmp_path / f"{i}.sql", tmp_path / f"{i}.db"))
        assert db.execute("SELECT count(*), sum(cents) FROM account").fetchone() \
            == (2000, 200_000)
        logged += db.execute("SELECT total(n) = count(*) * (count(*) + 1) / 2, "
                             "count(*) FROM log")
        db.close()
    assert all(whole for whole, _ in logged), logged
    assert logged[0][1] < logged[1][1] < logged[2][1], "nobody wrote meanwhile"


def test_an_interrupt_leaves_nothing(variant, tmp_path):
    source = tmp_path / "bank.db"
    make_bank(source)
    for compress in ("0", "'gzip'"):
        shell = subprocess.Popen(
            [*variant.wrapper, "sqlite3", "-batch", "-cmd",
             f".load {variant.extension}", source],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, cwd=tmp_path,
            env=variant.environment)
        shell.stdin.write(
            f"SELECT prod_dump_to('out.sql', {compress}, "
            "'{\"rate_mb_per_second\":0.01}');\n")
        shell.stdin.flush()
        give_up = time.monotonic() + 60
        while not list(tmp_path.glob(".out.sql.*")):
            assert time.monotonic() < give_up and shell.poll() is None
            time.sleep(0.05)
        time.sleep(0.3)
        began = time.monotonic()
        shell.send_signal(signal.SIGINT)
        printed = shell.communicate(timeout=60)[0]
        assert time.monotonic() - began < 10
        assert "prod_dump_to: interrupted" in printed, printed
        left = [path.name for path in tmp_path.iterdir()]
        assert not [name for name in left if "sql" in name], left


def test_memory_does_not_grow_with_the_database(tmp_path):
    peaks = []
    for accounts in (10_000, 160_000):  # 4 MB and 64 MB
        source = tmp_path / f"{accounts}.db"
        make_bank(source, accounts)
        target = tmp_path / f"{accounts}.sql.gz"
        peaks.append(harness.peak_kilobytes(
            ["sqlite3", "-batch", "-cmd", f".load {RELEASE.extension}", source,
             f"SELECT prod_dump_to('{target}', 1, '{{\"threads\":2}}');"]))
    assert peaks[1] < 64_000 and peaks[1] - peaks[0] < 8_000, peaks


def test_a_full_disk_leaves_nothing(variant, tmp_path):
    source = tmp_path / "bank.db"
    make_bank(source)
    result = variant.run(
        ["bash", "-c", "trap '' XFSZ; ulimit -f 300; exec sqlite3 -batch -cmd "
         f"'.load {variant.extension}' {source} "
         f"\"SELECT prod_dump_to('{tmp_path}/out.sql')\""])
    assert "File too large" in result.stdout, result.stdout
    assert not list(tmp_path.glob("*.sql")) + list(tmp_path.glob(".*"))


def test_a_damaged_table_is_an_error_that_names_it(variant, tmp_path):
    source = tmp_path / "bank.db"
    make_bank(source)
    db = sqlite3.connect(source)
    db.execute("PRAGMA journal_mode = DELETE")
    page, = db.execute("SELECT max(pageno) FROM dbstat WHERE name = 'account' "
                       "AND pagetype = 'leaf'").fetchone()
    db.close()
    with open(source, "r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xee" * 4096)
    printed = variant.shell(f"SELECT prod_dump_to('{tmp_path}/out.sql');",
                            tmp_path, source)
    assert printed == ("Error: prod_dump_to: cannot read table \"account\": "
                       "database disk image is malformed\n")
    assert not list(tmp_path.glob("*.sql")) + list(tmp_path.glob(".*"))
