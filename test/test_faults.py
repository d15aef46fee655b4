"""System calls that fail (test/faults/): each failure is told, leaves nothing
behind, and leaves the connection and the database as they were."""

import contextlib
import os
import re
import subprocess
import sys

import pytest

import harness

sys.path.insert(0, str(harness.ROOT / "test" / "faults"))
import meet_faults  # noqa: E402

MEET = harness.ROOT / "test" / "faults" / "meet_faults.py"
SHIM = harness.ROOT / "build" / "test" / "faults.so"

@pytest.fixture(scope="module")
def shim():
    harness.make(SHIM.relative_to(harness.ROOT))
    return SHIM


@contextlib.contextmanager
def small_disk(folder):
    """The folder as a file system of 8 MB, where we may mount; told apart by
    os.path.ismount."""
    mounted = os.geteuid() == 0 and sys.platform == "linux" and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "prodkit-test", folder],
        stderr=subprocess.DEVNULL, check=False).returncode == 0
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="preloads into glibc")
@pytest.mark.parametrize("action", meet_faults.ACTIONS)
def test_each_failure_is_told_and_leaves_nothing(action, variant, shim):
    if variant.name == "valgrind":
        pytest.skip("its own allocator is preloaded")
    with harness.scratch_folder() as folder:
        (folder / "disk").mkdir()
        environment = variant.environment
        environment["LD_PRELOAD"] = " ".join(filter(None, [
            environment.get("LD_PRELOAD"), str(shim)]))
        environment["FAULTS_BELOW"] = f"{folder}/disk/target"
        # Python has leaks of its own; the actions are looked at one by one.
        environment["ASAN_OPTIONS"] += ":detect_leaks=0"
        with small_disk(folder / "disk"):
            result = variant.run(["/usr/bin/python3", MEET, variant.extension,
                                  folder, action], env=environment)
    assert result.returncode == 0, result.stdout
    met = dict(re.findall(r"(?m)^(\w+) \w+: (\d+) met", result.stdout))
    # Where fewer are met, the shim does not work.
    for call, least in meet_faults.ACTIONS[action].least_met.items():
        assert int(met[call]) >= least, result.stdout
