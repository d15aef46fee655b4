"""The worked example of CONTRIBUTING.md: a table in one file."""

import re
import shutil
import subprocess

import harness


def test_a_new_table_in_one_file(tmp_path):
    guide = (harness.ROOT / "CONTRIBUTING.md").read_text()
    code = re.search(r"(?m)^```c\n((?:.*\n)*?)```$", guide)[1]
    shutil.copytree(harness.ROOT / "ext", tmp_path / "ext")
    shutil.copy(harness.ROOT / "Makefile", tmp_path)
    (tmp_path / "ext" / "space" / "pragmas.c").write_text(code)
    entry = tmp_path / "ext" / "prodkit.c"
    text = entry.read_text()
    text = re.sub(r"extern const pk_feature ", r"\g<0>pk_pragmas, ", text)
    text = re.sub(r"pk_features\[\] = \{", r"\g<0>&pk_pragmas,", text)
    entry.write_text(text)
    subprocess.run(["make", "-s", "-C", tmp_path, "-j2", "CI=1", "OPTIMIZE=-O0"],
                   check=True)
    printed = subprocess.run(
        ["sqlite3", ":memory:",
         f".load {tmp_path / ('prodkit' + harness.SUFFIX)}",
         "SELECT name FROM prod_pragmas('wal_auto');"],
        check=True, capture_output=True, text=True).stdout
    assert printed == "wal_autocheckpoint\n"
