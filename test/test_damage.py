"""Damaged backups: several hundred ways to alter or cut one.

What is asserted, for prod_backup_verify at its default level unless said:

compressed   every altered or cut file fails: all its bytes are covered by a
             checksum or fixed by the format. A query through prodgz fails or
             gives what the undamaged backup gives.
plain        a file has no checksums, so only what SQLite can see is asserted:
             every cut and every addition fails, and so does a changed magic
             text, page size or page count and an emptied b-tree page; a
             changed value fails at level full where an index has it too. A
             byte flipped anywhere else ends in an answer or an error.

Nothing crashes, which the sanitized variant looks at closely.
"""

import random
import struct

import pytest

import harness

MAKE = """
.load prodkit
PRAGMA page_size = 1024;
VACUUM;
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c BLOB);
CREATE INDEX t_b ON t(b);
CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
CREATE TABLE gone(x);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
INSERT INTO t SELECT i, printf('marker %05d', i * 7919 % 10007), randomblob(60)
FROM n;
INSERT INTO w SELECT b, a FROM t WHERE a < 300;
INSERT INTO t VALUES (9999, 'long', randomblob(20000));
INSERT INTO gone SELECT randomblob(500) FROM t LIMIT 40;
DROP TABLE gone;
SELECT json_extract(prod_backup_to('plain.db'), '$.verified');
SELECT json_extract(prod_backup_to('packed.gz', 6), '$.verified');
SELECT pageno FROM dbstat WHERE pagetype <> 'overflow';
"""

QUERY = "SELECT count(*) AS n, sum(length(c)) AS bytes, min(b) AS b FROM t"

CHECK = """.print == {number}
SELECT json_extract(prod_backup_verify('{file}', '{level}'), '$.level');
.print --
SELECT row FROM prod_backup_query('{file}', '{query}');
"""


@pytest.fixture(scope="module")
def backups():
    """(the plain backup's bytes, the compressed one's, b-tree pages)"""
    with harness.scratch_folder() as folder:
        printed = harness.Variant("release").shell(MAKE, folder, "app.db")
        lines = printed.split()
        assert lines[:2] == ["quick", "quick"], printed
        yield ((folder / "plain.db").read_bytes(),
               (folder / "packed.gz").read_bytes(), [int(n) for n in lines[2:]])


def outcomes(variant, files, level="quick"):
    """What verifying and querying each of the files printed."""
    with harness.scratch_folder() as folder:
        script = ".load prodkit\n"
        for number, content in enumerate(files):
            (folder / f"{number}.bak").write_bytes(content)
            script += CHECK.format(number=number, file=f"{number}.bak",
                                   level=level, query=QUERY)
        printed = variant.shell(script, folder)
    parts = printed.split("== ")[1:]
    assert len(parts) == len(files), printed[-2000:]
    return [part.split("\n", 1)[1].split("--\n") for part in parts]


def flipped(content, offset, mask=0x10):
    changed = bytearray(content)
    changed[offset] ^= mask
    return bytes(changed)


def without(content, offset, count=1):
    return content[:offset] + content[offset + count:]


def emptied(content, offset, count):
    return content[:offset] + bytes(count) + content[offset + count:]


def members(content):
    """[(offset, size)] of the gzip members, by their BC subfields."""
    found, at = [], 0
    while at < len(content):
        extra, = struct.unpack_from("<H", content, at + 10)
        size = struct.unpack_from("<H", content, at + 12 + extra - 2)[0] + 1
        found.append((at, size))
        at += size
    assert at == len(content)
    return found


def compressed_damage(content):
    parts = members(content)
    blocks = [part for part in parts[1:-3]]
    dice = random.Random(1)
    assert len(blocks) >= 3
    places = set()
    for at, size in (parts[0], *parts[-3:]):  # what is not content: every byte
        places.update(range(at, at + size))
    for at, size in blocks:
        places.update(range(at, at + 18), range(at + size - 8, at + size))
    places.update(dice.randrange(len(content)) for _ in range(150))
    yield from (flipped(content, place) for place in sorted(places))
    for at, size in parts:
        for cut in (at - 1, at, at + 1, at + 17, at + size // 2):
            if cut > 0:
                yield content[:cut]
        yield without(content, at, size)
        yield content[:at] + content[at:at + size] + content[at:]
    (first, size), (second, next_size) = blocks[:2]
    yield (content[:first] + content[second:second + next_size] +
           content[first:first + size] + content[second + next_size:])
    yield from (without(content, dice.randrange(len(content)))
                for _ in range(20))
    yield from (emptied(content, dice.randrange(len(content) - 600), 500)
                for _ in range(20))
    yield content + b"\0"
    yield content + content


def test_compressed(variant, backups):
    _, packed, _ = backups
    files = [packed, *compressed_damage(packed)]
    assert len(files) > 400 and packed not in files[1:]
    (sound, answer), *damaged = outcomes(variant, files)
    assert sound == "quick\n" and answer.startswith('{"n":1501,')
    for number, (verified, queried) in enumerate(damaged, 1):
        assert verified.startswith("Error: prod_backup_verify: "), number
        assert queried == answer or \
            queried.startswith("Error: prod_backup_query: "), (number, queried)


def test_plain_what_must_be_seen(variant, backups):
    plain, _, pages = backups
    cuts = [plain[:n] for n in (*range(0, 1100, 50), 5000, 1024 * 7,
                                len(plain) - 1024, len(plain) - 1)]
    added = [plain + b"\0", plain + bytes(1024), plain + plain]
    header = [flipped(plain, n) for n in (*range(18), *range(28, 32))]
    empty = [emptied(plain, (page - 1) * 1024, 1024) for page in pages]
    files = [plain, *cuts, *added, *header, *empty]
    (sound, answer), *damaged = outcomes(variant, files)
    assert sound == "quick\n" and answer.startswith('{"n":1501,')
    for number, (verified, _) in enumerate(damaged, 1):
        assert verified.startswith("Error: prod_backup_verify: "), number


def test_plain_a_value_that_an_index_has_too(variant, backups):
    plain, _, _ = backups
    files, at = [], plain.find(b"marker ")
    while at >= 0 and len(files) < 40:
        files.append(flipped(plain, at + 3, 0x01))
        at = plain.find(b"marker ", at + 5000)
    assert len(files) > 20
    for verified, _ in outcomes(variant, files, "full"):
        assert verified.startswith("Error: prod_backup_verify: ")


def test_plain_any_byte(variant, backups):
    plain, _, _ = backups
    dice = random.Random(2)
    places = [*range(100), *(dice.randrange(len(plain)) for _ in range(200))]
    files = [flipped(plain, place, 1 << dice.randrange(8)) for place in places]
    for verified, queried in outcomes(variant, files):
        assert verified == "quick\n" or \
            verified.startswith("Error: prod_backup_verify: ")
        assert queried.strip()


def test_free_space_is_outside_of_what_plain_can_see(variant, backups):
    """The limit that docs/verify.md states."""
    plain, _, _ = backups
    free, = struct.unpack_from(">I", plain, 32)
    leaf, = struct.unpack_from(">I", plain, (free - 1) * 1024 + 8)
    files = [flipped(plain, (leaf - 1) * 1024 + 500)]
    assert outcomes(variant, files, "full")[0][0] == "full\n"
