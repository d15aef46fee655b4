"""A guide of docs/guides, run.

A fence whose info string has a name after the language (```sh /usr/local/bin/x)
is a file: it is written below a folder that stands for `/`, so that there is
one copy of it, the page's. `sh` fences without a name are typed in, in order, in
/srv/app, where app.db is the demo shop; the `text` fence that follows one is
what it prints. `console` fences are only shown.
"""

import contextlib
import os
import re
import shlex
import shutil
import sqlite3
import subprocess

import harness

FOLDER = harness.ROOT / "docs" / "guides"
FENCE = re.compile(r"(?m)^```(\w+)(?: (\S+))?\n((?:.*\n)*?)```\n")
# What a guide calls by an absolute path is the folder's own.
ABSOLUTE = re.compile(r"(?<![\w./])/(?=(?:srv|var|etc|usr/local|data|backups)\b)")


def fences(name):
    """[(language, name of the file or "", code)] of a page."""
    return FENCE.findall((FOLDER / f"{name}.md").read_text())


class Guide:
    def __init__(self, name, root):
        self.name = name
        self.root = root
        self.app = root / "srv/app"
        for folder in ("srv/app", "var/backups/app", "usr/local/lib"):
            (root / folder).mkdir(parents=True)
        self.app.chmod(0o700)
        self.make_database()
        self.bin = root / "usr/local/bin"
        self.variables = {}
        self.prodkit = root / "usr/local/lib/prodkit"
        shutil.copy(harness.Variant("release").extension,
                    self.prodkit.with_suffix(harness.SUFFIX))

    def make_database(self):
        """The demo shop, healthy."""
        database = self.app / "app.db"
        harness.demo_database(database)
        with contextlib.closing(sqlite3.connect(database)) as shop:
            shop.execute("ANALYZE")

    def path(self, name):
        return self.app / self.inside(name)

    def read(self, name):
        return self.path(name).read_text()

    def inside(self, text):
        return ABSOLUTE.sub(f"{self.root}/", text)

    def on_page(self, printed):
        return printed.replace(f"{self.root}/", "/")

    def write_files(self, page):
        """A page's named fences; a relative name is one in /srv/app."""
        for _, name, text in fences(page):
            if name:
                path = self.path(name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(self.inside(text))
                path.chmod(0o755 if text.startswith("#!") else 0o644)

    def add_program(self, name, *command):
        """A name by which the page calls a program."""
        script = self.bin / name
        script.write_text(f"#!/bin/sh\nexec {shlex.join(map(str, command))} "
                          '"$@"\n')
        script.chmod(0o755)

    @property
    def environment(self):
        return dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC",
                    PATH=f"{self.bin}:{os.environ['PATH']}", **self.variables)

    def run(self, command, **options):
        """What a command printed, and how it ended."""
        options.setdefault("env", self.environment)
        result = subprocess.run(
            command, cwd=self.app, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=harness.TIMEOUT,
            **options)
        return self.on_page(result.stdout), result.returncode

    def type_in(self, code, **options):
        return self.run(["sh", "-c", self.inside(code)], **options)

    def succeed(self, code, **options):
        printed, status = self.type_in(code, **options)
        assert status == 0, printed
        return printed

    def follow(self):
        """Types in what the page says, and compares what it prints."""
        page = fences(self.name)
        typed = 0
        for (language, name, code), after in zip(page, page[1:] + [None]):
            if language != "sh" or name:
                continue
            printed, status = self.type_in(code)
            if after and after[0] == "text":
                harness.check_same(after[2], printed)
            else:
                assert status == 0, f"{code}ended with {status}: {printed}"
            typed += 1
        assert typed, "the page has nothing to type in"
