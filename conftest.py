"""Collects the suite's own kinds of tests.

test/sql/NAME.sql     a script for the sqlite3 shell, divided in checks by lines
                      `.print == what the check shows`; NAME.expected has the
                      same headings, each above what is printed. One test for
                      each heading and variant. It begins in an empty folder,
                      in which demo.db is the demo shop if it is opened.
README.md, docs/*.md  every fenced example. An `sql` block is run in the shell
                      (one session for the page, on a copy of the demo database
                      named app.db); blocks of a language that can load prodkit
                      are run by it. A `text` block right after an example is
                      what it prints. `console` blocks are only shown.
                      (docs/guides is run by test/test_guides.py.)

Run one of them with `pytest test/sql/health.sql` or `pytest docs/health.md`.
"""

import re

import pytest

import harness

CHECK = re.compile(r"(?m)^== (.*)\n")
BLOCK = re.compile(r"(?m)^```(\w+)\n((?:.*\n)*?)```\n")


def pytest_addoption(parser):
    parser.addoption("--variant", action="append", help="a build of prodkit: "
                     "release, sanitized, asan, ubsan, valgrind (repeatable)")


def variants(config):
    names = config.getoption("--variant") or ["release", "sanitized"]
    return [harness.Variant(name) for name in names]


def pytest_generate_tests(metafunc):
    if "variant" in metafunc.fixturenames:
        chosen = variants(metafunc.config)
        metafunc.parametrize("variant", chosen, ids=lambda v: v.name)


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".sql" and file_path.parent.name == "sql" \
            and file_path.with_suffix(".expected").exists():
        return SqlScript.from_parent(parent, path=file_path)
    if file_path.suffix == ".md" and file_path.parent.name != "guides":
        return Page.from_parent(parent, path=file_path)
    return None


class Check(pytest.Item):
    """One comparison of what was printed with what was expected."""

    def __init__(self, *, compare, **rest):
        super().__init__(**rest)
        self.compare = compare

    def runtest(self):
        self.compare()

    def repr_failure(self, excinfo, style=None):
        if excinfo.errisinstance(AssertionError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, None, f"{self.path.name}: {self.name}"


def sections(text):
    """[(heading, what stands below it)], in order."""
    parts = CHECK.split(text)
    return list(zip(parts[1::2], parts[2::2]))


class SqlScript(pytest.File):
    def collect(self):
        expected = sections(self.path.with_suffix(".expected").read_text())
        assert expected, f"{self.path.stem}.expected has no `== ` heading"
        for variant in variants(self.config):
            run = ScriptRun(self.path, variant,
                            [heading for heading, _ in expected])
            for number, (heading, text) in enumerate(expected):
                yield Check.from_parent(
                    self, name=f"{heading} [{variant.name}]",
                    compare=lambda run=run, number=number, text=text:
                        harness.check_same(text, run.printed(number)))


class ScriptRun:
    """A script, run once, when the first of its checks needs it."""

    def __init__(self, path, variant, headings):
        self.path, self.variant, self.headings = path, variant, headings
        self.output = None

    def printed(self, number):
        if self.output is None:
            self.output = self.run()
        headings = [heading for heading, _ in self.output]
        assert headings == self.headings, \
            f"headings differ: {headings} instead of {self.headings}"
        return self.output[number][1]

    def run(self):
        with harness.scratch_folder() as folder:
            script = self.path.read_text()
            if ".open demo.db" in script:
                harness.demo_database(folder / "demo.db")
            return sections(self.variant.shell(script, folder))


class Page(pytest.File):
    """The examples of a page, in order, in one folder and shell session."""

    def collect(self):
        blocks = examples(self.path.read_text())
        for variant in variants(self.config):
            session = PageRun(blocks, variant)
            for number, (language, _, _) in enumerate(blocks):
                if language != "sql" and variant.name != "release":
                    continue
                yield Check.from_parent(
                    self, name=f"{language} example {number + 1} "
                               f"[{variant.name}]",
                    compare=lambda session=session, number=number:
                        session.check(number))


def examples(text):
    """[(language, code, expected text or None)]"""
    found = list(BLOCK.finditer(text))
    blocks = []
    for block, after in zip(found, found[1:] + [None]):
        language, code = block.groups()
        if language in ("text", "console", "c", "make"):
            continue
        expected = None
        if after and after[1] == "text" and \
                not text[block.end():after.start()].strip():
            expected = after[2]
        blocks.append((language, code, expected))
    return blocks


class PageRun:
    MARK = "-- end of example --"

    def __init__(self, blocks, variant):
        self.blocks, self.variant = blocks, variant
        self.sql_output = None

    def check(self, number):
        language, code, expected = self.blocks[number]
        if language == "sql":
            printed = self.sql_printed(number)
        else:
            printed = harness.run_example(language, code, self.variant)
        if expected is not None:
            harness.check_same(expected, printed)
        else:
            assert "Error: " not in printed, printed

    def sql_printed(self, number):
        numbers = [i for i, block in enumerate(self.blocks)
                   if block[0] == "sql"]
        if self.sql_output is None:
            script = f"\n.print '{self.MARK}'\n".join(
                self.blocks[i][1].rstrip() for i in numbers)
            with harness.example_folder(self.variant) as folder:
                script = harness.in_folder(script, folder)
                printed = self.variant.shell(script, folder, "app.db")
            printed = harness.as_on_page(printed, folder)
            self.sql_output = printed.split(self.MARK + "\n")
        return self.sql_output[numbers.index(number)]
