"""The short form of test/torture/; `make torture` is the long one."""

import re

import harness

TORTURE = harness.ROOT / "test" / "torture" / "backup_torture.py"
RELEASE = harness.Variant("release")


def test_backups_under_writers():
    result = RELEASE.run(["/usr/bin/python3", TORTURE, "--extension",
                          RELEASE.extension, "--seconds", 9,
                          "--at-least", 100])
    assert result.returncode == 0, result.stdout
    direct, api = map(int, re.search(r"(\d+) direct, (\d+) backup_api",
                                     result.stdout).groups())
    assert direct > 0 and api > 0, result.stdout
