"""Maintenance, configuration, checkpoints and metrics where the disk is full or
the process may not write, and several of them at once: what fails says why, what
was done before stays, and the connection goes on."""

import contextlib
import json
import os
import shutil
import stat
import subprocess

import pytest

import harness
from test_faults import small_disk
from test_wal import Connection

OTHER = 65534  # a user id that nothing here belongs to

CONTENT = [
    "PRAGMA auto_vacuum = incremental", "PRAGMA journal_mode = wal",
    "PRAGMA wal_autocheckpoint = 0", "PRAGMA analysis_limit = 77",
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c BLOB)",
    "CREATE INDEX t_b ON t(b)", "CREATE TABLE gone(x)",
    "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
    "FROM n WHERE i < 1000) SELECT i, 'row ' || i, randomblob(200) FROM n",
    "INSERT INTO gone SELECT c || c FROM t", "DROP TABLE gone",
    "PRAGMA wal_checkpoint(truncate)"]


class World:
    def __init__(self, folder, variant):
        self.folder, self.variant = folder, variant
        self.path = folder / "app.db"
        self.connections = []
        self.connection = self.connect()
        for sql in CONTENT:
            self.ask(sql)

    def connect(self):
        self.connections.append(Connection(self.path, self.variant))
        return self.connections[-1]

    def ask(self, sql):
        return self.connection.ask(sql)

    def one(self, sql):
        return self.connection.one(sql)

    def fill(self):
        """Leaves no byte free."""
        with (self.folder / "ballast").open("wb", buffering=0) as ballast, \
                contextlib.suppress(OSError):
            while True:
                ballast.write(bytes(4096))

    def make_room(self):
        (self.folder / "ballast").unlink()

    def check_usable(self):
        assert self.one("SELECT count(*) FROM t") == 1000
        assert self.one("PRAGMA integrity_check") == "ok"
        assert self.one("PRAGMA analysis_limit") == 77
        assert self.ask("BEGIN") == self.ask("COMMIT") == []

    def close(self):
        for connection in self.connections:
            connection.close()


@contextlib.contextmanager
def world_in(folder, variant):
    world = World(folder, variant)
    try:
        yield world
    finally:
        world.close()


@pytest.fixture
def world(variant):
    with harness.scratch_folder() as folder, \
            world_in(folder, variant) as made:
        yield made


# ---- a full disk ----

@pytest.fixture
def full(variant):
    """A world on a disk of a few MB, where a file system may be mounted."""
    with harness.scratch_folder() as folder, small_disk(folder):
        if not os.path.ismount(folder):
            pytest.skip("may not mount a file system here")
        with world_in(folder, variant) as made:
            yield made


def test_statistics_without_room(full):
    full.fill()
    assert full.ask("SELECT prod_maintain()") == \
        "prod_maintain: optimize: database or disk is full"
    full.check_usable()
    assert full.one("SELECT count(*) FROM sqlite_schema "
                    "WHERE name = 'sqlite_stat1'") == 0
    assert full.one("SELECT prod_maintain('{\"run\":false}')") \
        .startswith('{"last":null,')
    full.make_room()
    assert json.loads(full.one("SELECT prod_maintain()"))["complete"]


def test_a_vacuum_without_room(full):
    full.ask("ANALYZE")
    full.ask("PRAGMA wal_checkpoint(truncate)")
    free = full.one("PRAGMA freelist_count")
    full.fill()
    assert full.ask("SELECT prod_maintain()") == \
        "prod_maintain: vacuum: database or disk is full"
    full.check_usable()
    assert full.one("PRAGMA freelist_count") == free > 0
    full.make_room()
    assert json.loads(full.one("SELECT prod_maintain()"))["complete"]
    assert full.one("PRAGMA freelist_count") == 0


@pytest.mark.parametrize("mode", ["passive", "full", "restart", "truncate"])
def test_a_checkpoint_without_room(full, mode):
    full.ask("UPDATE t SET c = zeroblob(1000)")
    full.fill()
    answer = full.ask(f"SELECT prod_checkpoint('{mode}')")
    assert answer == 'prod_checkpoint: cannot checkpoint the database "main":' \
        ' database or disk is full'
    assert "checkpoint: prod_checkpoint: cannot checkpoint" in \
        full.ask("SELECT prod_maintain()")
    full.check_usable()
    full.make_room()
    answer = json.loads(full.one(f"SELECT prod_checkpoint('{mode}')"))
    assert not answer["busy"]
    assert answer["log_frames"] == answer["checkpointed_frames"]
    assert full.one("SELECT sum(length(c)) FROM t") == 1000 * 1000


def test_a_change_to_wal_without_room(full):
    full.ask("PRAGMA journal_mode = delete")
    full.fill()
    answer = full.ask("SELECT prod_configure()")
    assert answer == ("prod_configure: journal_mode of main cannot be set from "
                      "delete to wal: database or disk is full. Set before it: "
                      "busy_timeout = 5000")
    full.check_usable()
    assert full.one("PRAGMA journal_mode") == "delete"
    full.make_room()
    assert json.loads(full.one("SELECT prod_configure()"))["not_set"] == []
    assert full.one("PRAGMA journal_mode") == "wal"


def test_metrics_without_room(full):
    path = full.folder / "app.prom"
    write = f"SELECT prod_metrics_write('{path}')"
    full.one(write)
    before = path.read_bytes()
    full.fill()
    assert full.ask(write) == \
        f"prod_metrics_write: cannot write {path}: No space left on device"
    assert path.read_bytes() == before
    assert not list(full.folder.glob(".app.prom*"))
    full.check_usable()
    assert json.loads(full.one("SELECT prod_secure_files()"))["paths"]


def test_a_state_without_room(full):
    """What was checked is told; that it will be forgotten, too."""
    full.ask("PRAGMA incremental_vacuum")
    full.ask("ANALYZE")
    full.ask("SELECT prod_maintain('{\"integrity\":false}')")
    full.fill()
    rows = full.ask("SELECT object, status, message FROM prod_integrity")
    assert rows[0][:2] == ["(state file)", "unknown"]
    assert "No space left on device" in rows[0][2]
    assert {row[1] for row in rows[1:]} == {"ok"}
    full.check_usable()


# ---- no permission ----

ACT_AS = """
import json, os, sqlite3, sys
user, path, extension = sys.argv[1:]
os.setuid(int(user))
db = sqlite3.connect(path, isolation_level=None)
db.enable_load_extension(True)
db.load_extension(extension)
for sql in json.load(sys.stdin):
    try:
        print(json.dumps(db.execute(sql).fetchone()[0]))
    except sqlite3.Error as error:
        print(json.dumps(str(error)))
    assert not db.in_transaction
"""

NOT_IN_FOLDER = ("attempt to write a readonly database (no journal, -wal or "
                 "-shm can be made beside it: this process may not write in its "
                 "folder)")


def ask_as_other(world, calls):
    """What each call answers to another user, to whom nothing belongs."""
    library = world.folder / "prodkit.so"
    shutil.copy(world.variant.extension, library)
    library.chmod(0o755)
    result = subprocess.run(
        [*world.variant.wrapper, "/usr/bin/python3", "-c", ACT_AS, str(OTHER),
         world.path, library], input=json.dumps(calls), text=True, check=True,
        stdout=subprocess.PIPE, env=Connection.environment(world.variant))
    library.unlink()
    return [json.loads(line) for line in result.stdout.splitlines()]


def content(folder):
    return {path.name: (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
            for path in folder.iterdir()}


@pytest.mark.skipif(os.geteuid() != 0, reason="acts as another user")
@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
@pytest.mark.parametrize("own_file", [False, True])
def test_nobody_who_may_not_write_changes_anything(world, journal_mode,
                                                   own_file):
    """The folder is another's, and the file is, or is one's own."""
    world.ask(f"PRAGMA journal_mode = {journal_mode}")
    world.connection.close()
    world.connections.clear()
    world.folder.chmod(0o755)
    world.path.chmod(0o600 if own_file else 0o444)
    if own_file:
        os.chown(world.path, OTHER, OTHER)
    before = content(world.folder)
    maintain, configure, checkpoint, metrics, secure = ask_as_other(world, [
        "SELECT prod_maintain()", "SELECT prod_configure()",
        "SELECT prod_checkpoint()",
        f"SELECT prod_metrics_write('{world.folder}/app.prom')",
        "SELECT prod_secure_files()"])
    assert content(world.folder) == before
    if own_file:
        assert maintain == (f"prod_maintain: cannot write {world.path}-prodkit-"
                            "maintain.json: Permission denied")
        assert json.loads(secure)["paths"][1]["changed"] is False
    else:
        assert maintain == ('prod_maintain: the database "main" is read-only on '
                            "this connection; nothing was done")
        assert "only the owner or root can change its mode. Nothing was " \
            "changed" in secure
    assert metrics == (f"prod_metrics_write: cannot write {world.folder}/"
                       "app.prom: Permission denied")
    if journal_mode == "wal":
        assert configure == f"prod_configure: {NOT_IN_FOLDER}"
        assert checkpoint == f"prod_checkpoint: {NOT_IN_FOLDER}"
    elif own_file:
        assert configure.startswith("prod_configure: journal_mode of main cannot "
                                    "be set from delete to wal: ")
        assert configure.endswith("Set before it: busy_timeout = 5000")
    else:
        assert configure == (
            "prod_configure: main is read-only, so its journal_mode cannot "
            "change from delete to wal; open it for writing, or pass the option "
            '{"journal_mode":"delete"}. Nothing was set')


# ---- at once ----

def test_two_checkpoints_at_once(world):
    """One of them works; the other says why it does not, or not in full."""
    other = world.connect()
    other.ask("PRAGMA wal_autocheckpoint = 0")
    for _ in range(20):
        world.ask("UPDATE t SET c = randomblob(200)")
        other.tell("SELECT prod_checkpoint()")
        for answer in (world.one("SELECT prod_checkpoint()"),
                       other.answer()[0][0]):
            answer = json.loads(answer)
            all_of_it = not answer["busy"] and \
                answer["log_frames"] == answer["checkpointed_frames"]
            assert all_of_it == (answer["message"] is None), answer
    answer = json.loads(world.one("SELECT prod_checkpoint()"))
    assert answer["log_frames"] == answer["checkpointed_frames"]
    world.check_usable()


def test_metrics_from_several_at_once(world):
    """Whoever is last, the file is whole."""
    others = [world.connect() for _ in range(3)]
    path = world.folder / "app.prom"
    write = f"SELECT prod_metrics_write('{path}')"
    for _ in range(10):
        for other in others:
            other.tell(write)
        for other in others:
            assert json.loads(other.answer()[0][0])["failed"] == []
        assert path.read_text().endswith("\n")
        assert path.read_text().count("prodkit_info{") == 1
    assert not list(world.folder.glob(".app.prom*"))


def test_configuring_and_securing_at_once(world):
    others = [world.connect() for _ in range(3)]
    world.path.chmod(0o644)
    for sql in ("SELECT prod_configure()", "SELECT prod_secure_files()"):
        for other in others:
            other.tell(sql)
        for other in others:
            assert isinstance(other.answer(), list)
    assert stat.S_IMODE(world.path.stat().st_mode) == 0o600
    world.check_usable()


# ---- within a transaction ----

@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE"])
def test_a_transaction_is_refused_or_left(world, begin):
    world.ask(begin)
    world.ask("INSERT INTO t(b) VALUES ('mine')")
    for call in ("prod_maintain()", "prod_configure()", "prod_checkpoint()",
                 "prod_checkpoint('truncate')"):
        assert "COMMIT or ROLLBACK first" in world.ask(f"SELECT {call}")
    world.one(f"SELECT prod_metrics_write('{world.folder}/app.prom')")
    world.one("SELECT prod_secure_files()")
    assert world.ask("ROLLBACK") == []
    world.check_usable()
