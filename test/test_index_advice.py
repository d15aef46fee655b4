"""Index advice where something is in its way: what only the application has
(functions, collations), locks, a folder or disk that cannot be written, a
module that is not there. Each ends with advice or with a sentence that says what
is wrong, and leaves the database and the connection as they were."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys

import pytest

import harness

RELEASE = harness.Variant("release")
TABLE = """
CREATE TABLE t(a INT, b TEXT);
WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
INSERT INTO t SELECT i, 'a text that makes the row longer, number ' || i FROM n;
"""
QUERY = "SELECT * FROM t WHERE a = ?"
INDEX = "CREATE INDEX t_a ON t(a)"


class Database:
    def __init__(self, path):
        self.connection = sqlite3.connect(path, isolation_level=None, timeout=0)
        self.connection.enable_load_extension(True)
        self.connection.load_extension(str(RELEASE.extension))

    def run(self, script):
        self.connection.executescript(script)

    def rows(self, sql, *values):
        return self.connection.execute(sql, values).fetchall()

    def advice(self, sql=None, options="{}", columns="action, ddl, verified"):
        """Rows, without that about statistics; or what is wrong."""
        try:
            return self.rows(f"SELECT {columns} FROM prod_index_advice(?, ?) "
                             "WHERE action <> 'analyze'", sql, options)
        except sqlite3.OperationalError as error:
            return str(error)


@contextlib.contextmanager
def database(script=TABLE, name="app.db"):
    with harness.scratch_folder() as folder:
        made = Database(folder / name)
        with contextlib.closing(made.connection):
            made.folder = folder
            made.run(script)
            yield made


# ---- what only the application has ----

@contextlib.contextmanager
def application():
    """A database whose schema calls what its application adds."""
    with database() as made:
        made.connection.create_function("app", 1, lambda x: x,
                                        deterministic=True)
        made.connection.create_collation(
            "german", lambda one, other: (one > other) - (one < other))
        made.run("""
            CREATE TABLE g(a INT, b TEXT COLLATE german);
            CREATE TABLE made(a INT, b AS (app(a)));
            INSERT INTO g SELECT a, b FROM t;
            CREATE INDEX g_app ON g(app(a));
            CREATE VIEW seen AS SELECT * FROM t WHERE app(a) = 3;""")
        yield made


def test_a_collation_of_the_application_is_stood_in_for():
    with application() as there:
        assert there.advice("SELECT * FROM g WHERE b = ?") == [
            ("create", "CREATE INDEX g_b ON g(b)", "copy")]
        [(_, ddl, verified)] = there.advice(
            "SELECT * FROM t WHERE b = ? COLLATE german")
        assert (ddl, verified) == (
            "CREATE INDEX t_b ON t(b COLLATE german)", "copy")
        there.run(ddl)
        assert "no such collation sequence: nope" in there.advice(
            "SELECT * FROM t WHERE b = ? COLLATE nope")


def test_a_function_of_the_application_is_named():
    with application() as there:
        for sql in ["SELECT * FROM t WHERE app(a) = 3", "SELECT * FROM seen"]:
            assert there.advice(sql) == (
                "prod_index_advice: no such function: app (a function that the "
                "application adds is not known to the private copy of the "
                "schema)")
        assert "could not take in made: no such function: app" in there.advice(
            "SELECT * FROM made WHERE a = 3")
        assert there.advice(QUERY) == [("create", INDEX, "copy")]
        assert there.advice(columns="action, reason") == [
            ("skipped", "the private copy could not take in made: no such "
             "function: app; g_app: no such function: app")]
        assert there.rows("SELECT index_name, columns, verdict "
                          "FROM prod_indexes") == [
                              ("g_app", "(expression)", "ok")]


def test_parameters_need_no_values():
    with database() as there:
        for sql in ["SELECT * FROM t WHERE a = ?7 AND b <> :text",
                    "SELECT * FROM t WHERE a IN (@one, $two) LIMIT ? OFFSET ?",
                    "SELECT *, ? FROM t WHERE a = ? + 1",
                    "DELETE FROM t WHERE a = ?"]:
            assert there.advice(sql) == [("create", INDEX, "copy")], sql
        assert there.rows("SELECT count(*) FROM t") == [(40000,)]


# ---- locks ----

def test_an_exclusive_lock_is_told():
    with database() as there, contextlib.closing(sqlite3.connect(
            there.folder / "app.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert there.advice(QUERY) == "database is locked"
        other.execute("ROLLBACK")
        assert there.advice(QUERY) == [("create", INDEX, "copy")]


def test_one_on_an_attached_database_is_told_with_its_name():
    with database() as other, database("", ":memory:") as there:
        there.rows("ATTACH ? AS archive", str(other.folder / "app.db"))
        other.rows("BEGIN EXCLUSIVE")
        options = '{"schema":"archive"}'
        assert there.advice(QUERY, options) == (
            "prod_index_advice: cannot read archive: another connection has "
            "locked it; try again later, or set PRAGMA busy_timeout")
        with pytest.raises(sqlite3.OperationalError, match="cannot read archive"):
            there.rows("SELECT * FROM prod_indexes(NULL, 'archive')")
        other.rows("ROLLBACK")
        [(_, ddl, verified)] = there.advice(QUERY, options)
        assert (ddl, verified) == ("CREATE INDEX archive.t_a ON t(a)", "copy")


def test_a_writer_that_has_not_committed_is_no_hindrance():
    with database() as there, contextlib.closing(sqlite3.connect(
            there.folder / "app.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # RESERVED
        other.execute("INSERT INTO t VALUES (-1, NULL)")
        assert there.advice(QUERY) == [("create", INDEX, "copy")]
        other.execute("COMMIT")


def test_a_writer_that_waits_for_readers_is_told():
    with database() as there, contextlib.closing(sqlite3.connect(
            there.folder / "app.db", isolation_level=None, timeout=0)) as other:
        reader = Database(there.folder / "app.db")
        reader.run("BEGIN; SELECT count(*) FROM t;")
        reader.rows("SELECT count(*) FROM t")
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO t VALUES (-1, NULL)")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("COMMIT")  # PENDING
        assert there.advice(QUERY) == "database is locked"
        reader.connection.close()
        other.execute("COMMIT")
        assert there.advice(QUERY) == [("create", INDEX, "copy")]


# ---- files ----

def test_a_folder_that_cannot_be_written():
    """As nobody, where the suite runs as root, whom nothing hinders."""
    with database() as there:
        shutil.copy(RELEASE.extension, there.folder)
        script = ("import sqlite3\n"
                  "db = sqlite3.connect('app.db')\n"
                  "db.enable_load_extension(True)\n"
                  f"db.load_extension('./{RELEASE.extension.name}')\n"
                  "print(*db.execute('SELECT ddl, verified FROM '\n"
                  f"                 'prod_index_advice(?)', ['{QUERY}'])\n"
                  "      .fetchone())\n"
                  "try: db.execute('CREATE TABLE new(a)')\n"
                  "except sqlite3.OperationalError as error: print(error)\n")
        there.folder.chmod(0o555)
        nobody = {"user": 65534, "group": 65534, "extra_groups": []}
        result = subprocess.run(
            ["/usr/bin/python3", "-c", script], cwd=there.folder, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            **(nobody if os.geteuid() == 0 else {}))
        there.folder.chmod(0o755)
        assert result.stdout.splitlines() == [
            f"{INDEX} copy", "attempt to write a readonly database"]


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0,
                    reason="mounts a small file system")
@pytest.mark.parametrize("size, answer", [
    ("1m", f"{INDEX}|sample (one row in 16 of the large tables: no room for a "
           "copy of all)"),
    ("64k", "Error: prod_index_advice: there is no room for SQLite's temporary "
            "files: set SQLITE_TMPDIR to another folder, or PRAGMA temp_store "
            "to MEMORY")])
def test_too_little_disk_for_the_copy(size, answer):
    with database() as there:
        disk = there.folder / "disk"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}",
                           "prodkit-test", disk], check=False).returncode:
            pytest.skip("may not mount")
        try:
            result = RELEASE.shell(
                f"SELECT ddl, verified FROM prod_index_advice('{QUERY}') "
                "WHERE action = 'create';\n"
                f".shell ls {disk}\n"
                "INSERT INTO t VALUES (-1, NULL);\n"
                "SELECT count(*) FROM t;\n", there.folder, "app.db",
                SQLITE_TMPDIR=str(disk))
        finally:
            subprocess.run(["umount", disk], check=True)
        assert result == f"{answer}\n40001\n"


def test_a_virtual_table_whose_module_is_not_there():
    with database() as there:
        there.run("""
            PRAGMA writable_schema = ON;
            INSERT INTO sqlite_schema(type, name, tbl_name, rootpage, sql)
            VALUES ('table', 'docs', 'docs', 0,
                    'CREATE VIRTUAL TABLE docs USING not_built(body)');""")
        again = Database(there.folder / "app.db")
        assert again.advice(QUERY) == [("create", INDEX, "copy")]
        assert again.advice("SELECT * FROM docs WHERE body = 5") == (
            "prod_index_advice: no such table: docs (the private copy of main "
            "could not take in docs: virtual table)")
        assert [row[0] for row in again.advice(f"SELECT * FROM docs; {QUERY}")
                ] == ["create", "skipped"]
        assert again.advice() == []
        assert again.rows("SELECT * FROM prod_indexes") == []
        assert again.rows("SELECT * FROM prod_indexes('docs')") == []
        again.connection.close()
