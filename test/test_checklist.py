"""The column `fix` of prod_checklist: what it says is done to the letter, and the
item passes."""

import contextlib
import json
import subprocess

import pytest

import harness
from test_wal import Connection

AS_NOBODY_SHOULD_HAVE_IT = [
    "CREATE TABLE {0}.customers(id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
    "CREATE TABLE {0}.orders(id INTEGER PRIMARY KEY, customer_id "
    "REFERENCES customers(id), seller_id REFERENCES customers(id))",
    "INSERT INTO {0}.customers WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
    "SELECT i + 1 FROM n WHERE i < 500) SELECT i, 'customer ' || i FROM n",
    "INSERT INTO {0}.orders SELECT id, id, id FROM customers",
    "PRAGMA {0}.journal_mode = delete", "PRAGMA {0}.synchronous = off",
    "PRAGMA foreign_keys = off", "PRAGMA busy_timeout = 0"]

# Items that name no fix here.
WITHOUT_FIX = {"backup_restorable", "metrics_fresh"}


class World:
    """A folder that is open to all, with a database in it that a connection has
    as main or attached."""

    def __init__(self, folder, variant, schema):
        self.folder = folder / "it's ü"
        self.backups = folder / "the \"backups\""
        self.folder.mkdir()
        self.backups.mkdir()
        self.file = self.folder / "app.db"
        self.connection = Connection(
            self.file if schema == "main" else ":memory:", variant)
        quoted = '"' + schema.replace('"', '""') + '"'
        if schema != "main":
            self.tell(f"ATTACH '{self.path()}' AS {quoted}")
        for sql in AS_NOBODY_SHOULD_HAVE_IT:
            self.tell(sql.format(quoted))
        self.folder.chmod(0o777)
        self.file.chmod(0o666)
        self.options = {"backup_dir": str(self.backups)}
        if schema != "main":
            self.options["schema"] = schema

    def path(self):
        return str(self.file).replace("'", "''")

    def tell(self, sql):
        answer = self.connection.ask(sql)
        assert not isinstance(answer, str), f"{sql}: {answer}"
        return answer

    def items(self):
        """{item: (status, detail, fix)}"""
        options = json.dumps(self.options).replace("'", "''")
        return {item: rest for item, *rest in self.tell(
            f"SELECT * FROM prod_checklist('{options}')")}

    def do(self, fix):
        if fix.startswith("chmod"):
            subprocess.run(["sh", "-c", fix], check=True)
            return
        for statement in fix.split("; "):
            self.tell(statement)


@pytest.fixture(params=["main", "odd \"ü'"])
def world(request, variant):
    with harness.scratch_folder() as folder, contextlib.ExitStack() as ends:
        made = World(folder, variant, request.param)
        ends.callback(made.connection.close)
        yield made


def put_right(world):
    """Does each fix, which must make its own item pass; the items it was for."""
    done = []
    for item, (status, _, fix) in world.items().items():
        if not fix:
            continue
        assert status in ("warn", "fail")
        if world.items()[item][0] == "pass":
            continue  # by the fix of another
        world.do(fix)
        assert world.items()[item][0] == "pass", (fix, world.items()[item])
        done.append(item)
    return done


def check_what_is_left(world):
    left = {item for item, (status, _, _) in world.items().items()
            if status != "pass"}
    assert left == WITHOUT_FIX, world.items()


def test_each_fix_mends_its_item(world):
    done = put_right(world)
    if world.items()["statistics"][0] != "pass":  # of an index made since
        put_right(world)
    assert {"database_file", "folder", "journal_mode", "busy_timeout",
            "foreign_keys", "synchronous", "backup_present", "maintenance",
            "integrity"} - set(done) <= {"integrity"}
    check_what_is_left(world)


def test_fixes_name_the_state_files_that_were_asked_for(world):
    world.options |= {"maintain_state": str(world.folder / "m.json"),
                      "integrity_state": str(world.folder / "i.json")}
    put_right(world)
    put_right(world)
    check_what_is_left(world)
    assert not list(world.folder.glob("*-prodkit-*.json"))


def test_sidecars(world):
    items = world.items()
    world.do(items["journal_mode"][2])
    world.tell("UPDATE customers SET name = name || '!' WHERE id = 1")
    world.file.with_name("app.db-wal").chmod(0o644)
    world.file.with_name("app.db-shm").chmod(0o664)
    assert world.items()["sidecar_files"][0] == "fail"
    world.do(world.items()["sidecar_files"][2])
    assert world.items()["sidecar_files"][0] == "pass"
    assert world.folder.stat().st_mode & 0o777 == 0o777  # another item's


@pytest.mark.parametrize("spoil", ["none", "unverified", "cut", "manifest"])
def test_backups(world, spoil):
    if spoil != "none":
        schema = world.options.get("schema", "main")
        options = json.dumps({"schema": schema,
                              "verify": "none" if spoil == "unverified"
                              else "quick"}).replace("'", "''")
        folder = str(world.backups).replace("'", "''")
        world.tell(f"SELECT prod_backup_rotate('{folder}', '{options}')")
    for path in world.backups.iterdir():
        if spoil == "cut" and path.suffix == ".gz":
            path.write_bytes(path.read_bytes()[:200])
        if spoil == "manifest" and path.suffix == ".json":
            path.write_bytes(b"{}")
    status, _, fix = world.items()["backup_verified"]
    assert status in ("warn", "fail")
    world.do(fix)
    assert [world.items()[item][0] for item in
            ("backup_present", "backup_recent", "backup_verified")] == \
        ["pass"] * 3, world.items()
