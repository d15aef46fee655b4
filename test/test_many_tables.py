"""A database with thousands of tables: what looks at each of them takes time in
proportion to their number, and not to its square."""

import json
import time

import pytest

import harness
from test_wal import Connection

TABLES = 3000

# One of these took twenty seconds and more when it was quadratic; none takes
# two. Between is room for a slow machine.
MOST_SECONDS = 10


@pytest.fixture(scope="module")
def connection():
    with harness.scratch_folder() as folder:
        made = Connection(folder / "app.db", harness.Variant("release"))
        made.ask("BEGIN")
        for n in range(TABLES):
            made.ask(f"CREATE TABLE t{n}(id INTEGER PRIMARY KEY, a, "
                     f"b INTEGER REFERENCES t{max(n - 1, 0)}(id))")
            made.ask(f"CREATE INDEX t{n}_a ON t{n}(a)")
            made.ask(f"INSERT INTO t{n}(a) VALUES(1)")
        made.ask("COMMIT")
        made.ask("ANALYZE t1")
        yield made
        made.close()


@pytest.mark.parametrize(("sql", "answer"), [
    ("SELECT count(*) FROM prod_indexes", TABLES),
    ("SELECT count(*) FROM prod_index_advice", 0),
    ("SELECT count(*) FROM prod_checklist", 16),
    ("SELECT status FROM prod_checklist WHERE item = 'statistics'", "warn"),
    ("SELECT json_extract(prod_maintain('{\"run\":false}'), "
     "'$.tables_without_statistics')", TABLES - 1),
])
def test_time_does_not_explode(connection, sql, answer):
    began = time.monotonic()
    assert connection.one(sql) == answer
    assert time.monotonic() - began < MOST_SECONDS


def test_maintenance_ends_in_time(connection):
    """And goes on from where it was, at the next run."""
    steps = []
    for seconds in (1, 60):
        began = time.monotonic()
        answer = json.loads(connection.one(
            "SELECT prod_maintain('{\"integrity\":false, "
            f"\"max_seconds\":{seconds}}}')"))
        assert time.monotonic() - began < seconds + MOST_SECONDS
        steps.append(answer["steps"][1])
    assert steps[0]["tables_without_statistics"] == TABLES - 1
    assert steps[1]["tables_without_statistics"] == \
        TABLES - 1 - steps[0]["tables_analyzed"]
    assert steps[1]["status"] == "done"
