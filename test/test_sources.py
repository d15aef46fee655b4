"""Backups of all sorts of databases.

Every source holds the same rows, in its own way. Its plain and its compressed
backup must be whole (verify full), say by which method they were read, answer a
query where they lie, and hold what the source holds: the same bytes where the
pages were read directly, else the same rows in a sound database.
"""

import contextlib
import dataclasses
import gzip
import os
import re
import sqlite3
import subprocess

import pytest

import harness

ROWS = """
CREATE TABLE {schema}.t(a INTEGER PRIMARY KEY, b TEXT, c BLOB);
CREATE INDEX {schema}.t_b ON t(b);
WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
INSERT INTO {schema}.t
SELECT i, 'row ' || (i * 7919 % 10007) || ' ü', zeroblob(i * 7 % 900) FROM n;
DELETE FROM {schema}.t WHERE a > 500;
"""
CONTENT = ROWS.format(schema="main")
DIE = ".shell kill -9 $PPID\n"
WAL = "PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0;\n"

BACK_UP = """
SELECT json_extract(j, '$.method'), json_extract(j, '$.method_reason') FROM
(SELECT prod_backup_to('target/plain.db', 0,
        '{{"schema":"{schema}","verify":"full"}}') AS j);
SELECT json_extract(j, '$.method'), json_extract(j, '$.method_reason') FROM
(SELECT prod_backup_to('target/packed.db.gz', 6,
        '{{"schema":"{schema}","verify":"full"}}') AS j);
SELECT row FROM prod_backup_query('target/packed.db.gz',
  'SELECT count(*) AS n, sum(length(c)) AS bytes, max(b) AS b FROM t');
"""
ANSWER = '{"n":500,"bytes":219750,"b":"row 9997 ü"}'


@dataclasses.dataclass
class Source:
    """`make` is run by the shell on a new file, `use` on the connection that
    backs up, and `meanwhile` gives what goes on around it."""

    make: str = CONTENT
    use: str = ""
    name: str = "app.db"
    schema: str = "main"
    method: str = "direct|"
    meanwhile: object = lambda path: contextlib.nullcontext()
    as_nobody: bool = False
    is_file: bool = True


@contextlib.contextmanager
def open_transaction(path):
    """Another connection has changed all there is, and spilled it."""
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA cache_size = 5")
        other.execute("UPDATE t SET b = 'uncommitted', c = zeroblob(500)")
        yield
        other.rollback()


@contextlib.contextmanager
def opened_before(path):
    """Another connection keeps the wal-index alive."""
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("SELECT * FROM t LIMIT 1").fetchall()
        yield


@contextlib.contextmanager
def read_only_file(path):
    path.chmod(0o444)
    yield


@contextlib.contextmanager
def read_only_folder(path):
    path.chmod(0o444)
    path.parent.chmod(0o555)
    yield
    path.parent.chmod(0o755)


@contextlib.contextmanager
def without_permission(path):
    """A reader who may neither write nor make files, while a writer is there."""
    with opened_before(path):
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).chmod(0o444)
        with read_only_folder(path):
            yield


@contextlib.contextmanager
def left_without_permission(path):
    """The same, when everybody else has gone and left the WAL."""
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).chmod(0o444)
    with read_only_folder(path):
        yield


@contextlib.contextmanager
def symbolic_link(path):
    path.rename(path.with_name("real.db"))
    path.symlink_to("real.db")
    yield


SPILL = ("PRAGMA cache_size = 5; BEGIN; "
         "UPDATE t SET b = 'uncommitted', c = zeroblob(500);\n" + DIE)

SOURCES = {
    **{f"page size {2 ** n}": Source(f"PRAGMA page_size = {2 ** n};" + CONTENT)
       for n in range(9, 17)},
    **{f"page size {2 ** n} in the WAL": Source(
        f"PRAGMA page_size = {2 ** n};" + WAL + CONTENT + DIE)
       for n in range(9, 17)},
    **{f"auto_vacuum {n}": Source(f"PRAGMA auto_vacuum = {n};" + CONTENT)
       for n in range(3)},
    **{f"auto_vacuum {n} in the WAL": Source(
        f"PRAGMA auto_vacuum = {n};" + WAL + CONTENT + DIE)
       for n in range(3)},
    **{f"journal mode {mode}": Source(
        CONTENT, use=f"PRAGMA journal_mode = {mode}; DELETE FROM t "
                     "WHERE a = 500; INSERT INTO t VALUES "
                     "(500, 'row 6735 ü', zeroblob(800));")
       for mode in ("persist", "truncate", "memory", "off")},
    "encoding UTF-16le": Source("PRAGMA encoding = 'UTF-16le';" + CONTENT),
    "encoding UTF-16be": Source("PRAGMA encoding = 'UTF-16be';" + CONTENT),
    "encoding UTF-16le in the WAL": Source(
        "PRAGMA encoding = 'UTF-16le';" + WAL + CONTENT + DIE),
    "reserved bytes": Source(
        "CREATE TABLE x(y);\n.filectrl reserve_bytes 8\nVACUUM;\n" + CONTENT),
    "attached": Source(
        "", use="ATTACH 'a b.db' AS other;" + ROWS.format(schema="other"),
        name="a b.db", schema="other"),
    "attached in the WAL": Source(
        WAL + CONTENT + DIE, use="ATTACH 'a b.db' AS other;",
        name="a b.db", schema="other"),
    "temporary": Source(
        "", use=ROWS.format(schema="temp"), schema="temp", is_file=False,
        method="backup_api|an in-memory or temporary database has no file"),
    "in memory": Source(
        "", use="ATTACH ':memory:' AS m;" + ROWS.format(schema="m"),
        schema="m", is_file=False,
        method="backup_api|an in-memory or temporary database has no file"),
    "read-only file": Source(meanwhile=read_only_file, as_nobody=True),
    "read-only folder": Source(meanwhile=read_only_folder, as_nobody=True),
    "WAL without permission": Source(
        WAL + CONTENT + DIE, name="in/app.db", meanwhile=without_permission,
        as_nobody=True),
    "WAL without permission, left": Source(
        WAL + CONTENT + DIE, name="in/app.db",
        meanwhile=left_without_permission, as_nobody=True,
        method="backup_api|the WAL index could not be mapped"),
    "exclusive": Source(use="PRAGMA locking_mode = exclusive;"
                            "BEGIN IMMEDIATE; COMMIT;"),
    "exclusive in the WAL": Source(
        WAL + CONTENT + DIE,
        use="PRAGMA locking_mode = exclusive; BEGIN IMMEDIATE; COMMIT;",
        method="backup_api|…"),
    "uncommitted frames at the WAL's end": Source(WAL + CONTENT + SPILL),
    "uncommitted frames of a writer that is there": Source(
        WAL + CONTENT + DIE, meanwhile=open_transaction),
    "rolled back frames": Source(
        WAL + CONTENT + SPILL.replace(DIE, "ROLLBACK;\n") + DIE),
    "hot journal": Source(CONTENT + SPILL),
    "all of it in the WAL": Source(WAL + CONTENT + DIE),
    "half of it in the WAL": Source(
        "CREATE TABLE x(y); INSERT INTO x VALUES (zeroblob(90000));" + WAL +
        CONTENT + "PRAGMA wal_checkpoint; UPDATE t SET b = b || '';" + DIE),
    "all of it copied back, and the WAL there": Source(
        WAL + CONTENT + "PRAGMA wal_checkpoint;\n" + DIE),
    "symbolic link": Source(meanwhile=symbolic_link),
    "symbolic link, WAL mode": Source(WAL + CONTENT, meanwhile=symbolic_link),
    **{f"the name {name!r}": Source(WAL + CONTENT + DIE, name=name)
       for name in ("it's \"quoted\".db", "Zoë ☃.db", "new\nline.db", "100%.db",
                    "what?.db", "a#b.db", "a%20b.db", "back\\slash.db",
                    "x?mode=memory", " ", "-help", "a'||b.db", "file:x.db")},
}


def command(database, as_nobody=False):
    words = ["sqlite3", "-batch", database]
    if as_nobody and os.geteuid() == 0:  # who may do what is forbidden here
        return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                *words]
    return words


def opening(source):
    """A name as the shell's .open takes it: neither an option nor a URI."""
    name = "unused.db" if source.schema != "main" else f"./{source.name}"
    quoted = re.sub(r'(["\\])', r"\\\1", name).replace("\n", "\\n")
    return f'.open "{quoted}"\n'


def make_source(source, folder):
    (folder / "target").mkdir()
    (folder / "target").chmod(0o777)
    (folder / source.name).parent.mkdir(exist_ok=True)
    folder.chmod(0o777)
    subprocess.run(command(f"./{source.name}"), input=source.make, text=True,
                   cwd=folder, check=False, capture_output=True)


def back_up(source, variant, folder, statements=BACK_UP):
    (folder / variant.extension.name).write_bytes(
        variant.extension.read_bytes())  # nobody may be kept from the other
    script = (opening(source) + ".load ./prodkit\n" +
              ".output /dev/null\n" + source.use + "\n.output\n" +
              statements.format(schema=source.schema))
    result = variant.run(command(":memory:", source.as_nobody), input=script,
                         cwd=folder)
    assert result.returncode in (0, 1), result.stdout
    return harness.plain_errors(result.stdout)


def dump(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == \
            ("ok",)
        return [line for line in connection.iterdump() if "TABLE x" not in line
                and 'INTO "x"' not in line]


def expected_dump(folder):
    with contextlib.closing(sqlite3.connect(folder / "expected.db")) as made:
        made.executescript(CONTENT)
    return dump(folder / "expected.db")


def bytes_of(path):
    """The file, with all of the WAL in it."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        busy, _, _ = connection.execute(
            "PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert not busy
    return path.read_bytes()


@pytest.mark.parametrize("kind", SOURCES)
def test_source(kind, variant):
    source = SOURCES[kind]
    with harness.scratch_folder() as folder:
        make_source(source, folder)
        path = folder / source.name
        with source.meanwhile(path):
            printed = back_up(source, variant, folder)
        harness.check_same(f"{source.method}\n{source.method}\n{ANSWER}\n",
                           printed)
        plain = (folder / "target" / "plain.db").read_bytes()
        packed = (folder / "target" / "packed.db.gz").read_bytes()
        if source.method.startswith("direct"):
            assert gzip.decompress(packed) == plain
            assert bytes_of(path) == plain
        (folder / "unpacked.db").write_bytes(gzip.decompress(packed))
        (folder / "plain.db").write_bytes(plain)
        expected = expected_dump(folder)
        assert dump(folder / "plain.db") == expected
        assert dump(folder / "unpacked.db") == expected


# What has no rows, or cannot be read by anybody.
ODD_SOURCES = {
    "one page": (Source("PRAGMA user_version = 7;"),
                 "direct|1|full\ndirect|1|full\n"),
    "one page in WAL mode": (Source("PRAGMA journal_mode = wal;"),
                             "direct|1|full\ndirect|1|full\n"),
    "empty": (Source(""), 2 * (
        "Error: prod_backup_to: \"main\" is empty, without a single page: "
        "there is nothing to back up\n")),
    "WAL mode in a read-only folder": (
        Source(WAL + CONTENT, name="in/app.db", meanwhile=read_only_folder,
               as_nobody=True), 2 * (
            "Error: prod_backup_to: cannot read the database \"main\": "
            "attempt to write a readonly database (no journal, -wal or -shm "
            "can be made beside it: this process may not write in its "
            "folder)\n")),
}

BACK_UP_ODD = "".join(f"""
SELECT json_extract(j, '$.method'), json_extract(j, '$.pages'),
       json_extract(j, '$.verified') FROM (SELECT prod_backup_to(
'target/{name}', {level}, '{{{{"schema":"{{schema}}","verify":"full"}}}}') AS j);
""" for name, level in (("plain.db", 0), ("packed.db.gz", 6)))


@pytest.mark.parametrize("kind", ODD_SOURCES)
def test_odd_source(kind, variant):
    source, expected = ODD_SOURCES[kind]
    with harness.scratch_folder() as folder:
        make_source(source, folder)
        with source.meanwhile(folder / source.name):
            printed = back_up(source, variant, folder, BACK_UP_ODD)
        harness.check_same(expected, printed)
        made = list((folder / "target").iterdir())
        assert len(made) == (0 if "Error" in expected else 2)
