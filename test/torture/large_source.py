"""A backup of a database of more than 2 GiB, most of it holes of a sparse file.
Part of `make torture`."""

import struct
import subprocess

import harness
import test_sources

PAGE, PAGES = 65536, 36000  # 2.2 GiB
LEAVES = 3000  # of a trunk; the last trunk's are all behind 2 GiB
LOCK_BYTE_PAGE = (1 << 30) // PAGE + 1  # fileformat2 section 1.4: never used

BACK_UP = """
SELECT json_extract(j, '$.method'), json_extract(j, '$.source_bytes')
FROM (SELECT prod_backup_to('target/packed.db.gz', 1) AS j);
SELECT row FROM prod_backup_query('target/packed.db.gz',
  'SELECT count(*) AS n, sum(length(c)) AS bytes, max(b) AS b FROM t');
SELECT min(pageno) > 32768 FROM dbstat WHERE name = 't' AND path <> '/';
"""


def grow(path):
    """Adds free pages until there are PAGES, as fileformat2 section 1.5 says:
    trunk pages, each with a list of leaves, which stay unwritten. SQLite takes
    the leaves of the first trunk first."""
    with path.open("r+b") as file:
        header = bytearray(file.read(100))
        used, = struct.unpack_from(">I", header, 28)
        free = [page for page in range(used + 1, PAGES + 1)
                if page != LOCK_BYTE_PAGE]
        header[28:32] = struct.pack(">I", PAGES)
        header[36:40] = struct.pack(">I", len(free))
        trunk = 0
        while free:
            leaves, free = free[:LEAVES], free[LEAVES:]
            page = leaves.pop()
            file.seek((page - 1) * PAGE)
            file.write(struct.pack(">II", trunk, len(leaves)))
            file.write(struct.pack(f">{len(leaves)}I", *leaves))
            trunk = page
        header[32:36] = struct.pack(">I", trunk)
        file.truncate(PAGES * PAGE)
        file.seek(0)
        file.write(header)


def test_over_2_gib(tmp_path):
    def run(script):
        subprocess.run(test_sources.command("app.db"), cwd=tmp_path, text=True,
                       input=script, check=True)

    source = test_sources.Source("")
    test_sources.make_source(source, tmp_path)
    run(f"PRAGMA page_size = {PAGE}; CREATE TABLE x(y);")
    grow(tmp_path / "app.db")
    run(test_sources.CONTENT)
    printed = test_sources.back_up(source, harness.Variant("release"),
                                   tmp_path, BACK_UP)
    assert printed == (f"direct|{PAGE * PAGES}\n{test_sources.ANSWER}\n1\n")
