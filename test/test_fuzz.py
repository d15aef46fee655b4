"""The fuzz targets of test/fuzz/ on their committed corpus; `make fuzz` goes on
from there."""

import re
import subprocess

import pytest

import harness

TARGETS = sorted(path.stem for path in harness.ROOT.glob("test/fuzz/*_fuzz.c"))


@pytest.mark.parametrize("target", TARGETS)
def test_replay(target):
    harness.make("fuzzers", VARIANT="sanitized")
    corpus = harness.ROOT / "test" / "fuzz" / "corpus" / target[:-len("_fuzz")]
    result = subprocess.run(
        [harness.ROOT / "build" / "sanitized" / "test" / "fuzz" / target,
         corpus], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False, timeout=harness.TIMEOUT)
    assert result.returncode == 0, result.stdout[-5000:]
    files = int(re.search(r"(\d+) files", result.stdout)[1])
    assert files == len(list(corpus.iterdir())) > 5
