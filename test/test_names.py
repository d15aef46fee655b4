"""Every name that prodkit adds is documented, and every documented name is
there: prod_help, docs/ and README.md are held against each other."""

import re
import subprocess

import harness

RELEASE = harness.Variant("release")
PAGES = [harness.ROOT / "README.md", *sorted(harness.ROOT.glob("docs/**/*.md"))]


# What an example can count on.
TWO_BACKUPS = """SELECT prod_backup_to('/backups/app.db');
SELECT prod_backup_to('/backups/app.db.gz', 6);
"""


def rows(sql):
    printed = RELEASE.shell(f".mode list\n.separator \\t\n{sql}", "/")
    return [line.split("\t") for line in printed.splitlines()]


def test_every_row_of_help_has_a_page_that_shows_its_signature():
    missing = []
    for name, signature, page in rows(
            "SELECT name, signature, page FROM prod_help;"):
        text = (harness.ROOT / page).read_text()
        if f"`{signature}`" not in text:
            missing.append(f"{page} does not show `{signature}`")
    assert not missing, "\n".join(missing)


def test_the_readme_has_every_name():
    text = (harness.ROOT / "README.md").read_text()
    missing = [name for name, in rows("SELECT DISTINCT name FROM prod_help;")
               if f"`{name}`" not in text]
    assert not missing, missing


def test_every_option_is_on_its_page():
    missing = []
    for name, page, option in rows("""
            SELECT DISTINCT h.name, h.page,
                   substr(line.value, 1, instr(line.value, ':') - 1)
            FROM prod_help h, json_each('["' || replace(replace(replace(
                 h.options, '\\', '\\\\'), '"', '\\"'), char(10), '","')
                 || '"]') line
            WHERE h.options IS NOT NULL;"""):
        if f"`{option}`" not in (harness.ROOT / page).read_text():
            missing.append(f"{page} does not name option `{option}` of {name}")
    assert not missing, "\n".join(missing)


def test_every_documented_name_is_there():
    known = {name for name, in rows("SELECT DISTINCT name FROM prod_help;")}
    assert known
    unknown = []
    for page in PAGES:
        for name in set(re.findall(r"\bprod_[a-z_]+\b", page.read_text())):
            if name not in known:
                unknown.append(f"{page.name}: {name}")
    assert not unknown, "\n".join(sorted(unknown))


def test_every_summary_is_one_line():
    for name, summary in rows("SELECT name, summary FROM prod_help;"):
        assert 10 < len(summary) < 100, f"{name}: {summary}"


def test_no_column_needs_quotes():
    columns = rows("""
        SELECT h.name, c.name FROM prod_help h, pragma_table_xinfo(h.name) c
        WHERE h.kind = 'table';""")
    assert len(columns) > 5
    for table, column in columns:
        printed = RELEASE.shell(f"CREATE TABLE x({column});", "/")
        assert printed == "", f"{table}.{column}: {printed}"


def test_every_statement_in_a_file_header_works():
    """The example statements of each feature's manual, on the demo shop."""
    found = 0
    for source in sorted(harness.ROOT.glob("ext/*/*.c")):
        manual = source.read_text().split("*/")[0]
        statements = re.findall(
            r"(?m)^\*\*     (?=SELECT|CREATE INDEX|ATTACH)((?:.*\n)*?.*;)$",
            manual)
        if not statements:
            continue
        found += len(statements)
        script = "\n".join(re.sub(r"(?m)^\*\*", "", s) for s in statements)
        if "prod_backup_to(" not in script:
            script = TWO_BACKUPS + script
        with harness.example_folder(RELEASE) as folder:
            script = harness.in_folder(script, folder)
            printed = RELEASE.shell(script, folder, "app.db")
        assert "Error: " not in printed, f"{source.name}: {printed}"
    assert found > 5


def test_only_the_entry_point_is_exported():
    exported = subprocess.run(
        ["nm", "-D", "--defined-only", RELEASE.extension],
        check=True, capture_output=True, text=True).stdout.split("\n")
    names = [line.split()[-1] for line in exported if line]
    assert names == ["sqlite3_prodkit_init"]


def test_it_is_not_linked_to_a_sqlite():
    needed = subprocess.run(["readelf", "-d", RELEASE.extension], check=True,
                            capture_output=True, text=True).stdout
    assert "NEEDED" in needed and "libsqlite3" not in needed
