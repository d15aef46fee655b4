.print == one row for each b-tree, the largest first, and the freelist last
.open app.db
.load prodkit
PRAGMA page_size = 4096;
PRAGMA auto_vacuum = 0;
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id INTEGER, note TEXT);
CREATE INDEX orders_customer_id ON orders(customer_id);
CREATE TABLE stock(sku TEXT PRIMARY KEY, quantity INTEGER) WITHOUT ROWID;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
  INSERT INTO orders SELECT i, i * 7919 % 20011, printf('%.*c', i % 120, 'x') FROM n;
INSERT INTO stock SELECT printf('sku-%06d', customer_id), id FROM orders WHERE id <= 9000;
SELECT name, table_name, kind, source FROM prod_fragmentation;
.print == pages of all rows add up to page_count
SELECT sum(pages) = (SELECT page_count FROM pragma_page_count) AS all_pages FROM prod_fragmentation;
SELECT count(*) AS b_trees FROM prod_fragmentation WHERE kind <> 'freelist' AND pages = leaf_pages + interior_pages + overflow_pages;
.print == entries are rows, also where interior pages hold some
SELECT name, entries, depth FROM prod_fragmentation WHERE kind <> 'freelist' ORDER BY name;
SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM stock), (SELECT count(*) FROM sqlite_schema);
.print == pages, payload and unused bytes are those of dbstat's aggregate
SELECT f.name, f.pages = s.pageno, f.payload_bytes = s.payload, f.unused_bytes = s.unused, round(f.fill_ratio, 6) = round(1 - s.unused * 1.0 / s.pgsize, 6) FROM prod_fragmentation f JOIN dbstat s ON s.name = f.name AND s.aggregate = 1 ORDER BY f.name;
.print == filled in key order it scans straight, filled in any order it does not
CREATE TABLE steps AS SELECT id, note FROM orders WHERE id <= 5000;
SELECT name, CASE WHEN scan_fragmentation < 0.03 THEN 'straight' WHEN scan_fragmentation > 0.9 THEN 'scattered' END FROM prod_fragmentation WHERE name IN ('steps', 'orders_customer_id') ORDER BY name;
.print == the scan order is that of the keys
WITH leaf AS (SELECT pageno, lag(pageno) OVER (ORDER BY path) AS before FROM dbstat WHERE name = 'stock' AND pagetype = 'leaf')
  SELECT abs(sum(pageno <> before + 1) * 1.0 / count(before) - (SELECT scan_fragmentation FROM prod_fragmentation WHERE name = 'stock')) < 0.000001 FROM leaf;
.print == what a VACUUM gives back is foretold within one page in a hundred
DELETE FROM orders WHERE id % 3 = 0 OR id > 15000;
CREATE TEMP TABLE foretold AS SELECT sum(reclaimable_bytes) / 4096 AS pages, (SELECT page_count FROM pragma_page_count) AS page_count FROM prod_fragmentation;
SELECT pages, page_count FROM foretold;
SELECT pages = freelist_count, reclaimable_bytes = pages * 4096, leaf_pages, source FROM prod_fragmentation, pragma_freelist_count WHERE kind = 'freelist';
SELECT round(prod_fragmentation(), 6) = round(freelist_count * 1.0 / page_count, 6) AS free_share FROM pragma_freelist_count, pragma_page_count;
VACUUM;
SELECT abs(foretold.pages - (foretold.page_count - now.page_count)) <= foretold.page_count / 100 FROM foretold, pragma_page_count AS now;
SELECT sum(reclaimable_bytes) <= 4096 AS little_left, prod_fragmentation() FROM prod_fragmentation;
.print == with two to five rows a page, within a tenth
CREATE TABLE wide(id INTEGER PRIMARY KEY, body BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO wide SELECT i * 7919 % 3001, zeroblob(1000) FROM n;
CREATE TABLE wider AS SELECT id, zeroblob(1500) AS body FROM wide;
DELETE FROM wide WHERE id % 4 = 0;
DELETE FROM wider WHERE id % 4 = 0;
CREATE TEMP TABLE wide_before AS SELECT name, pages, reclaimable_bytes / 4096 AS foretold FROM prod_fragmentation WHERE name IN ('wide', 'wider');
VACUUM;
SELECT b.name, b.pages > 500, abs(b.foretold - (b.pages - f.pages)) * 10 <= b.pages FROM wide_before b JOIN prod_fragmentation f ON f.name = b.name ORDER BY 1;
DROP TABLE wide;
DROP TABLE wider;
DROP TABLE temp.wide_before;
.print == within a transaction that has written, what is committed
CREATE TABLE history(name, pages);
BEGIN;
CREATE TABLE draft AS SELECT zeroblob(10000) AS body;
SELECT count(*) AS b_trees, sum(name = 'draft') AS drafts FROM prod_fragmentation WHERE kind = 'table';
ROLLBACK;
INSERT INTO history SELECT name, pages FROM prod_fragmentation WHERE kind = 'table';
SELECT name FROM history ORDER BY name;
DROP TABLE history;
.print == tier fast reads interior pages only
DELETE FROM orders WHERE id < 3000;
SELECT f.name, f.kind, f.pages = e.pages, f.depth = e.depth, f.scan_fragmentation = e.scan_fragmentation, f.overflow_pages, f.entries, f.fill_ratio, f.source FROM prod_fragmentation('main', 'fast') f JOIN prod_fragmentation e USING (name) WHERE f.kind <> 'freelist';
SELECT pages = freelist_count AND pages > 0, source FROM prod_fragmentation('main', 'fast'), pragma_freelist_count WHERE kind = 'freelist';
.print == overflow pages that it did not follow have a row of their own
ATTACH 'long.db' AS long;
CREATE TABLE long.t(body);
INSERT INTO long.t VALUES (zeroblob(100000)), ('short');
SELECT name, kind, pages, leaf_pages, overflow_pages, source FROM prod_fragmentation('long', 'fast');
SELECT name, kind, pages, leaf_pages, overflow_pages, source FROM prod_fragmentation('long') WHERE kind = 'table';
DETACH long;
.print == with a pointer map it knows overflow pages, too
ATTACH 'mapped.db' AS mapped;
PRAGMA mapped.auto_vacuum = 2;
CREATE TABLE mapped.t(body);
CREATE INDEX mapped.t_body ON t(body);
INSERT INTO mapped.t VALUES (zeroblob(100000)), ('short');
INSERT INTO mapped.t SELECT printf('%.500c', 'x') FROM main.orders WHERE id < 4000;
CREATE TABLE mapped.gone AS SELECT zeroblob(9000) AS body;
DROP TABLE mapped.gone;
SELECT f.name, f.kind, f.pages = e.pages AND f.leaf_pages IS e.leaf_pages AND f.interior_pages IS e.interior_pages AND f.depth IS e.depth AS same, f.overflow_pages, f.scan_fragmentation, f.source FROM prod_fragmentation('mapped', 'fast') f JOIN prod_fragmentation('mapped') e USING (name);
SELECT sum(pages) = (SELECT page_count FROM pragma_page_count('mapped')) FROM prod_fragmentation('mapped', 'fast');
DETACH mapped;
.print == tier sample says between which bounds its estimate lies
CREATE TABLE many(id INTEGER PRIMARY KEY, body);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120000) INSERT INTO many SELECT i, printf('%.*c', i % 200, 'x') FROM n;
DELETE FROM many WHERE id % 5 = 0 OR id / 1000 % 7 = 0;
SELECT s.source, s.pages = e.pages, s.leaf_pages > 2000, abs(s.entries - e.entries) < e.entries / 50, e.unused_bytes BETWEEN s.unused_bytes_low AND s.unused_bytes_high, s.unused_bytes_high - s.unused_bytes_low < s.unused_bytes / 5, abs(s.fill_ratio - e.fill_ratio) < 0.02 FROM prod_fragmentation('main', 'sample') s JOIN prod_fragmentation e USING (name) WHERE name = 'many';
SELECT s.name, s.entries = e.entries AND s.unused_bytes = e.unused_bytes AND s.unused_bytes_low = s.unused_bytes_high AS all_leaves_read FROM prod_fragmentation('main', 'sample') s JOIN prod_fragmentation e USING (name) WHERE e.leaf_pages < 30;
CREATE TEMP TABLE first AS SELECT * FROM prod_fragmentation('main', 'sample');
SELECT count(*) AS differences FROM (SELECT * FROM prod_fragmentation('main', 'sample') EXCEPT SELECT * FROM temp.first);
DROP TABLE temp.first;
DROP TABLE many;
.print == attached, temporary and in-memory schemas
ATTACH ':memory:' AS "side ""b""";
CREATE TABLE "side ""b""".t(x);
INSERT INTO "side ""b""".t VALUES (zeroblob(5000));
SELECT name, pages, overflow_pages, entries FROM prod_fragmentation('side "b"');
SELECT name, kind, pages FROM prod_fragmentation('temp');
SELECT prod_fragmentation('side "b"'), prod_fragmentation('TEMP');
SELECT d.name, count(*) FROM pragma_database_list d JOIN prod_fragmentation(d.name) GROUP BY d.name ORDER BY 1;
.print == names that must be quoted, a virtual table's own tables, views and triggers
CREATE TABLE "select ""é"" from"(a UNIQUE);
CREATE VIRTUAL TABLE words USING fts5(body);
CREATE VIEW seen AS SELECT 1;
SELECT name, table_name, kind FROM prod_fragmentation WHERE name LIKE '%select%' OR name LIKE 'words%' OR name = 'seen' ORDER BY 1;
.print == a table named dbstat does not stand in the way
CREATE TABLE dbstat(name, pageno);
SELECT name, source FROM prod_fragmentation WHERE name = 'dbstat';
.print == an empty database has nothing, and divides by nothing
ATTACH ':memory:' AS bare;
SELECT name, pages, fill_ratio, scan_fragmentation, reclaimable_bytes FROM prod_fragmentation('bare');
SELECT prod_fragmentation('bare');
.print == NULL is the default
SELECT count(*) = (SELECT count(*) FROM prod_fragmentation('main', 'exact')) FROM prod_fragmentation(NULL, NULL);
SELECT prod_fragmentation(NULL) = prod_fragmentation('main');
.print == what is no schema or tier is an error that shows the choices
SELECT * FROM prod_fragmentation('archive');
SELECT prod_fragmentation('archive');
SELECT * FROM prod_fragmentation('main', 'most');
SELECT * FROM prod_fragmentation('');
SELECT * FROM prod_fragmentation(1);
SELECT * FROM prod_fragmentation('main', x'6661');
SELECT * FROM prod_fragmentation('main', 'exact', 1);
SELECT prod_fragmentation('main', 'exact');
.print == a view in the file cannot call it
CREATE VIEW curious AS SELECT prod_fragmentation();
SELECT * FROM curious;
.print == a database that is opened read-only
VACUUM INTO 'copy.db';
ATTACH 'file:copy.db?mode=ro' AS copy;
SELECT count(*) > 5, sum(pages) = (SELECT page_count FROM pragma_page_count('copy')) FROM prod_fragmentation('copy');
DETACH copy;
.print == the read transaction has ended
PRAGMA locking_mode;
SELECT count(*) > 5 FROM prod_fragmentation;
.shell sqlite3 app.db 'DROP VIEW seen'
SELECT count(*) FROM sqlite_schema WHERE name = 'seen';
.print == a corrupt page is named
.open whole.db
.load prodkit
PRAGMA page_size = 1024;
CREATE TABLE t(id INTEGER PRIMARY KEY, x);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT i, zeroblob(40) FROM n;
SELECT pages, interior_pages FROM prod_fragmentation WHERE name = 't';
SELECT writefile('bad.db', CAST(substr(file, 1, 4 * 1024) || x'ff' || substr(file, 4 * 1024 + 2) AS BLOB)) = length(file) AS written FROM (SELECT readfile('whole.db') AS file);
ATTACH 'bad.db' AS bad;
SELECT * FROM prod_fragmentation('bad');
SELECT name, source FROM prod_fragmentation('bad', 'fast');
SELECT count(*) FROM prod_fragmentation('bad', 'sample');
.print == a page that is its own child is not walked for ever
DETACH bad;
SELECT pageno AS root, ncell FROM dbstat WHERE name = 't' AND path = '/';
SELECT writefile('loop.db', CAST(substr(file, 1, 1024 + 8) || x'00000002' || x'00280028002800280028002800280028002800280028002800280028' || x'0000000205' || substr(file, 1024 + 46) AS BLOB)) = length(file) AS written FROM (SELECT readfile('whole.db') AS file);
ATTACH 'loop.db' AS loop;
SELECT * FROM prod_fragmentation('loop');
.print == a file that is no database, and one that is not there
.shell echo 'a text file, not a database: its first bytes say so, long before 512 bytes are there' > letter.txt
ATTACH 'letter.txt' AS letter;
ATTACH 'file:missing.db?mode=ro' AS missing;
SELECT * FROM prod_fragmentation('letter');
.open letter.txt
.load prodkit
SELECT * FROM prod_fragmentation;
SELECT prod_fragmentation();
