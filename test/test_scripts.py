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
    "index_review": r"CREATE INDEX orders_customer_id.*"
                    r"DROP INDEX customers_email_2",
    "maintain": r"checkpoint\b.*\bdone\b.*optimize\b.*\bdone\b.*vacuum\b.*"
                r"\bskipped\b.*integrity\b.*\bdone\b.*full_vacuum = ",
    "checklist": r"item = backup_present\n.*item = foreign_key_indexes\n.*"
                 r"\d+ of 16 items pass, ",
}


def run_script(script, folder, database="app.db"):
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


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_it_fails_on_what_is_no_database(script):
    with harness.example_folder(RELEASE) as folder:
        (folder / "text.db").write_text("This is a text. " * 100)
        result = run_script(script, folder, "text.db")
        assert result.returncode == 1, result.stdout
        assert "file is not a database" in result.stdout
        assert list((folder / "backups").iterdir()) == []


def test_a_nightly_backup_without_its_folder_says_so():
    with harness.example_folder(RELEASE) as folder:
        (folder / "backups").rmdir()
        result = run_script(harness.ROOT / "sql" / "nightly_backup.sql", folder)
        assert result.returncode == 1
        assert "No such file or directory" in result.stdout
