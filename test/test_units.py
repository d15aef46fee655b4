"""The C units (test/c/), one test for each program of cmocka tests."""

import pytest

import harness

PROGRAMS = sorted(path.stem for path in harness.ROOT.glob("test/c/*_test.c"))


@pytest.mark.parametrize("program", PROGRAMS)
def test_unit(program, variant):
    with harness.scratch_folder() as folder:
        environment = dict(variant.environment, TMPDIR=str(folder),
                           PRODKIT=str(variant.extension))
        environment.pop("LD_PRELOAD", None)
        result = variant.run([variant.folder / "test" / "c" / program],
                             cwd=folder, env=environment)
    assert result.returncode == 0, result.stdout
    assert "PASSED" in result.stdout, result.stdout
