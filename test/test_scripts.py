"""sql/: every script runs as a user runs it, `sqlite3 app.db < sql/NAME.sql`,
prints what it promises, and ends with exit code 1 when it fails."""

import re

import pytest

import harness

RELEASE = harness.Variant("release")
SCRIPTS = sorted(harness.ROOT.glob("sql/*.sql"))

PROMISED = {
    "setup": r"As it is now:.*\bbusy_timeout\b.*\bok\b.*Why:"
             r".*Advice:.*CREATE INDEX .*orders_customer_id",
    "health": r"\Adegraded\n  permissions: app\.db: [^\n]+\n"
              r"  statistics: [^\n]+\n\S.*\bquick_check\b.*\bpass\b",
    "nightly_backup": r'"path":"backups/app-\d{8}T\d{6}Z\.db\.gz".*'
                      r'"verified":"quick".*"pruned":\[\]',
    "index_review": r"-- The indexes that exist:\n.*customers_email_2\(email\) "
                    r"of customers.* duplicate of customers_email\n.*"
                    r"-- Advice, from the schema:\n.*-- What to run:\n.*"
                    r"CREATE INDEX orders_customer_id.*"
                    r"DROP INDEX customers_email_2",
    "maintain": r"checkpoint\b.*\bdone\b.*optimize\b.*\bdone\b.*vacuum\b.*"
                r"\bskipped\b.*integrity\b.*\bdone\b.*full_vacuum = ",
    "metrics": r'"path":"metrics/app\.prom"',
    "secure": r"/app\.db +│ 0644 +│ 0600 +│",
    "find_databases": r"\./app\.db +│ +\d+ +│ UTF-8 +│ wal",
    "checklist": r"item = backup_present\n.*item = foreign_key_indexes\n.*"
                 r"\d+ of 16 items pass, ",
}


def run_script(script, folder, database="app.db"):
    (folder / "metrics").mkdir(exist_ok=True)
    return RELEASE.run(["sqlite3", database], stdin=script.open(), cwd=folder)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_it_prints_what_it_promises(script):
    with harness.example_folder(RELEASE) as folder:
        result = run_script(script, folder)
    assert result.returncode == 0, result.stdout
    assert re.search(PROMISED[script.stem], result.stdout, re.DOTALL), \
        result.stdout


def dump(folder):
    """The database as SQL, but for the planner's statistics."""
    lines = RELEASE.shell(".dump", folder, "app.db").splitlines()
    return [line for line in lines
            if "sqlite_stat1" not in line and line != "ANALYZE sqlite_schema;"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_it_changes_no_row(script):
    with harness.example_folder(RELEASE) as folder:
        before = dump(folder)
        run_script(script, folder)
        assert dump(folder) == before


# Monitoring is told of damage by the figures.
FAILING = [path for path in SCRIPTS if path.stem != "metrics"]


@pytest.mark.parametrize("script", FAILING, ids=lambda path: path.stem)
def test_it_fails_on_what_is_no_database(script):
    with harness.example_folder(RELEASE) as folder:
        (folder / "text.db").write_text("This is a text. " * 100)
        result = run_script(script, folder, "text.db")
        assert result.returncode == 1, result.stdout
        assert "file is not a database" in result.stdout
        assert list((folder / "backups").iterdir()) == []


def test_metrics_tell_of_what_is_no_database():
    with harness.example_folder(RELEASE) as folder:
        (folder / "text.db").write_text("This is a text. " * 100)
        result = run_script(harness.ROOT / "sql" / "metrics.sql", folder,
                            "text.db")
        assert result.returncode == 0, result.stdout
        figures = (folder / "metrics" / "app.prom").read_text()
        assert re.search(r'(?m)^prodkit_collector_success\{[^}]*"database"\} 0$',
                         figures), figures


def test_a_nightly_backup_without_its_folder_says_so():
    with harness.example_folder(RELEASE) as folder:
        (folder / "backups").rmdir()
        result = run_script(harness.ROOT / "sql" / "nightly_backup.sql", folder)
        assert result.returncode == 1
        assert "No such file or directory" in result.stdout


# ---- index_review.sql ----

STATEMENTS = """
CREATE VIEW first_ones AS SELECT * FROM orders WHERE id < 5;
CREATE INDEX "a
DROP TABLE customers; --" ON customers(name);
.load prodkit
SELECT prod_stats_start() IS NOT NULL;
SELECT count(*) FROM items WHERE product_id = 7;
SELECT prod_stats_save('stats.db') IS NOT NULL;
"""

QUERIES = """
SELECT * FROM orders WHERE customer_id = 5 ORDER BY created_at;
SELECT * FROM customers WHERE city = 'Bern'; -- the last one
"""


def review_indexes(folder):
    return run_script(harness.ROOT / "sql" / "index_review.sql", folder).stdout


def test_the_review_of_indexes_takes_what_it_finds_and_can_be_run():
    with harness.example_folder(RELEASE) as folder:
        RELEASE.shell(STATEMENTS, folder, "app.db")
        (folder / "queries.sql").write_text(QUERIES)
        review = review_indexes(folder)
        assert "-- Advice, from the schema, stats.db, queries.sql, views:\n" \
            in review
        assert re.search(r"-- +\d+\. drop customers\(name\): .* is not used by "
                         r"any of the 4 statements", review), review
        commands = re.findall(r"(?m)^(?:CREATE|DROP|ANALYZE).*$", review)
        assert {line.split(" ON ")[-1].split(";")[0] for line in commands
                if line.startswith("CREATE")} == {
                    "items(product_id)", "orders(customer_id)",
                    "customers(city)"}, review
        printed = RELEASE.shell(review, folder, "app.db")
        assert printed == ""
        again = review_indexes(folder)
        assert "CREATE INDEX" not in again, again
        assert "customers" in again


def test_the_review_of_indexes_says_what_is_wrong_with_its_files():
    with harness.example_folder(RELEASE) as folder:
        (folder / "queries.sql").write_text("SELECT * FROM nope;SELEC 1;")
        review = review_indexes(folder)
        assert "no such table: nope" in review
        assert 'near "SELEC": syntax error' in review
        (folder / "stats.db").write_text("no database")
        result = run_script(harness.ROOT / "sql" / "index_review.sql", folder)
        assert result.returncode == 1
        assert "stats.db" in result.stdout
