"""What the suite shares: the built variants of prodkit, the sqlite3 shell, and
the comparison of what it printed with what was expected.

A variant is one way of compiling prodkit (see the Makefile); `valgrind` is the
release build watched by valgrind.

In expected text `…` stands for anything within a line, and a line that is only
`…` for any number of lines.
"""

import contextlib
import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SUFFIX = ".dylib" if sys.platform == "darwin" else ".so"
DEMO_SQL = ROOT / "test" / "demo" / "shop.sql"
TIMEOUT = 300

# Node 22.13 or later, for node:sqlite; tools/install-needed sees to it.
NODE_OF_TOOLS = ROOT / "build" / "tools" / "bin" / "node"
NODE = str(NODE_OF_TOOLS) if NODE_OF_TOOLS.exists() else "node"

# go-sqlite3 as Debian packages it: without modules, with the system's SQLite.
GO = ["env", "GO111MODULE=off", "GOPATH=/usr/share/gocode",
      f"GOCACHE={ROOT / 'build' / 'tools' / 'gocache'}",
      "go", "run", "-tags", "libsqlite3"]


def make(target, **variables):
    """Builds a target of the Makefile; the suite's first use of it pays."""
    words = [f"{name}={value}" for name, value in variables.items()]
    subprocess.run(["make", "-s", "-C", ROOT, target, *words], check=True)


class Variant:
    def __init__(self, name):
        self.name = name
        self.build = "release" if name == "valgrind" else name
        self.folder = ROOT / "build" / self.build

    @property
    def extension(self):
        return self.folder / f"prodkit{SUFFIX}"

    @property
    def wrapper(self):
        if self.name != "valgrind":
            return []
        return ["valgrind", "--quiet", "--leak-check=full",
                "--errors-for-leak-kinds=definite", "--keep-debuginfo=yes",
                "--error-exitcode=99"]

    @property
    def environment(self):
        environment = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC")
        if self.build in ("asan", "sanitized"):
            # The host is not instrumented: its sanitizer comes first by force.
            library = subprocess.run(
                [os.environ.get("CC", "cc"), "-print-file-name=libasan.so"],
                check=True, capture_output=True, text=True).stdout.strip()
            environment["LD_PRELOAD"] = library
        environment["ASAN_OPTIONS"] = "exitcode=99"
        environment["UBSAN_OPTIONS"] = "print_stacktrace=1"
        return environment

    def run(self, command, **options):
        """Runs a host's command; stderr goes where stdout goes."""
        options.setdefault("env", self.environment)
        return subprocess.run(
            [*self.wrapper, *map(str, command)], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace",
            timeout=TIMEOUT, **options)

    def shell(self, script, folder, database=":memory:", **environment):
        """Runs a script in the sqlite3 shell with prodkit loaded. In it,
        `.load prodkit` loads this variant's library."""
        load = f".load {self.extension}"
        script = re.sub(r"(?m)^\.load (\./)?prodkit$", lambda _: load, script)
        result = self.run(["sqlite3", "-batch", "-cmd", load, database],
                          input=script, cwd=folder,
                          env={**self.environment, **environment})
        if result.returncode in (98, 99) or result.returncode < 0:
            raise AssertionError(
                f"the shell ended with {result.returncode} ({self.name}):\n"
                f"{result.stdout}")
        return plain_errors(result.stdout)


def peak_kilobytes(command):
    """The most resident memory that a command took. A small process stands
    between: a child begins with the peak of the one that it is forked from."""
    between = ("import resource, subprocess, sys\n"
               "subprocess.run(sys.argv[1:], check=True, "
               "stdout=subprocess.DEVNULL)\n"
               "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    result = subprocess.run(
        [sys.executable, "-c", between, *map(str, command)], check=True,
        capture_output=True, text=True)
    return int(result.stdout)


def plain_errors(text):
    """The shell's versions word their errors differently: make them alike."""
    text = re.sub(r"(?m)^(?:(?:Runtime|Parse) error|Error:) near line \d+: ",
                  "Error: ", text)
    text = re.sub(r"(?m)^Error: stepping, ", "Error: ", text)
    text = re.sub(r"(?m)^(Error: .*) \(\d+\)$", r"\1", text)
    return re.sub(r"(?m)^(Error: .*)\n  .*\n +(?:\^--- )?error here.*$", r"\1",
                  text)


def demo_database(path):
    """A copy of the demo shop, made once for the whole run."""
    made = ROOT / "build" / "test" / "shop.db"
    newest = DEMO_SQL.stat().st_mtime
    if not made.exists() or made.stat().st_mtime < newest:
        made.parent.mkdir(parents=True, exist_ok=True)
        partial = made.with_suffix(f".{os.getpid()}")
        partial.unlink(missing_ok=True)
        with DEMO_SQL.open() as script:
            subprocess.run(["sqlite3", "-bail", partial], stdin=script,
                           stdout=subprocess.DEVNULL, check=True)
        partial.rename(made)
    shutil.copyfile(made, path)


def same(expected, actual):
    pattern = []
    for line in expected.rstrip("\n").split("\n"):
        if line.strip() == "…":
            pattern.append(r"(?:.*\n)*?")
        else:
            pattern.append(re.escape(line).replace("…", ".*") + r"\n")
    return re.fullmatch("".join(pattern), actual.rstrip("\n") + "\n")


def check_same(expected, actual):
    """Fails, with a diff, unless the text is the one that was expected."""
    assert actual.strip(), "printed nothing, where something was expected:\n" + \
        expected
    if not same(expected, actual):
        difference = difflib.unified_diff(
            expected.splitlines(), actual.splitlines(), "expected", "printed",
            lineterm="", n=2)
        raise AssertionError("\n".join(difference))


@contextlib.contextmanager
def scratch_folder():
    with tempfile.TemporaryDirectory(prefix="prodkit-test-") as name:
        os.chmod(name, 0o755)  # as the folders of users mostly are
        yield pathlib.Path(name).resolve()


@contextlib.contextmanager
def example_folder(variant):
    """Where the examples of a page run: app.db, ./prodkit.so and backups/,
    which the page may call /backups."""
    with scratch_folder() as folder:
        demo_database(folder / "app.db")
        (folder / "backups").mkdir()
        shutil.copy(variant.extension, folder / f"prodkit{SUFFIX}")
        (folder / "sql").symlink_to(ROOT / "sql")
        yield folder


def in_folder(code, folder):
    """An example's code, with /backups as the folder's own."""
    return re.sub(r"(?<![\w./])/backups\b", f"{folder}/backups", code)


def as_on_page(printed, folder):
    return printed.replace(f"{folder}/backups", "/backups")


# How a language runs an example that is saved as a file.
INTERPRETERS = {
    "sh": ["bash", "-e", "example.sh"],
    "python": ["/usr/bin/python3", "example.py"],
    "js": [NODE, "--no-warnings", "example.mjs"],
    "php": ["php", "-d", "sqlite3.extension_dir={folder}", "example.php"],
    "ruby": ["ruby", "example.rb"],
    "perl": ["perl", "example.pl"],
    "go": GO + ["example.go"],
}


def run_example(language, code, variant):
    command = INTERPRETERS[language]
    with example_folder(variant) as folder:
        (folder / command[-1]).write_text(in_folder(code, folder))
        result = variant.run(
            [word.format(folder=folder) for word in command], cwd=folder)
    assert result.returncode == 0, result.stdout
    return as_on_page(result.stdout, folder)
