"""make install and uninstall, with PREFIX and DESTDIR; make help."""

import re
import subprocess

import harness


def make(*words):
    return subprocess.run(["make", "-s", "-C", harness.ROOT, *words],
                          check=True, capture_output=True, text=True).stdout


def test_install_and_uninstall(tmp_path):
    words = [f"DESTDIR={tmp_path}", "PREFIX=/opt/prodkit"]
    make("install", *words)
    library = tmp_path / f"opt/prodkit/lib/prodkit{harness.SUFFIX}"
    printed = subprocess.run(
        ["sqlite3", ":memory:", f".load {library}", "SELECT prod_version();"],
        check=True, capture_output=True, text=True).stdout
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", printed)
    assert (tmp_path / "opt/prodkit/include/prodkit.h").exists()
    make("uninstall", *words)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_help_lists_every_target():
    makefile = (harness.ROOT / "Makefile").read_text()
    targets = set(re.findall(r"(?m)^\.PHONY: (.*)$", makefile))
    listed = set(re.findall(r"(?m)^  (\S+)", make("help")))
    assert listed == {name for line in targets for name in line.split()}
