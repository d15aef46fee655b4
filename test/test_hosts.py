"""The main job in every language of test/hosts/, on the demo shop and, where
it is there, on a copy of another database. A missing interpreter is a failure:
`tools/install-needed test` installs them."""

import contextlib
import shutil
import sqlite3

import pytest

import harness

RELEASE = harness.Variant("release")
HOSTS = sorted(harness.ROOT.glob("test/hosts/host.*"))
CHINOOK = harness.ROOT.parent / "shared" / "data" / "chinook.db"

COMMANDS = {
    ".py": ["/usr/bin/python3"],
    ".sh": ["sh"],
    ".mjs": [harness.NODE, "--no-warnings"],
    ".php": ["php", "-d", f"sqlite3.extension_dir={RELEASE.folder}"],
    ".rb": ["ruby"],
    ".pl": ["perl"],
    ".go": harness.GO,
}

STEPS = ["help", "configure", "health", "backup", "gzip backup",
         "fragmentation", "index advice"]


def run_host(host, database, query):
    """What each step of the main job answered."""
    database.chmod(0o600)
    with contextlib.closing(sqlite3.connect(database)) as db:
        db.execute("ANALYZE")
    result = RELEASE.run([*COMMANDS[host.suffix], host, RELEASE.extension,
                          database, query])
    assert result.returncode == 0, result.stdout
    answers = dict(line.split(": ", 1) for line in result.stdout.splitlines())
    assert list(answers) == STEPS, result.stdout
    assert answers["health"] == "healthy"
    plain = database.with_name(f"{database.name}.backup").read_bytes()
    assert len(plain) == int(answers["backup"])
    assert plain.startswith(b"SQLite format 3\0")
    packed = database.with_name(f"{database.name}.backup.gz").read_bytes()
    assert len(packed) == int(answers["gzip backup"]) < len(plain)
    assert packed.startswith(b"\x1f\x8b")
    return answers


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_demo(host, tmp_path):
    database = tmp_path / "demo.db"
    harness.demo_database(database)
    answers = run_host(host, database, "SELECT * FROM orders "
                       "WHERE customer_id = 5 ORDER BY created_at")
    assert answers["index advice"].startswith("CREATE INDEX")
    assert "ON orders(customer_id" in answers["index advice"]


if CHINOOK.exists():
    @pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
    def test_chinook(host, tmp_path):
        database = tmp_path / "chinook.db"
        shutil.copyfile(CHINOOK, database)
        answers = run_host(host, database, "SELECT Name FROM Track "
                           "WHERE Composer = 'U2' ORDER BY Name")
        assert "ON Track(Composer" in answers["index advice"]
