.print == one row for each table, the largest first
.open app.db
.load prodkit
PRAGMA page_size = 4096;
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id INTEGER, note TEXT);
CREATE INDEX orders_customer_id ON orders(customer_id);
CREATE INDEX orders_note ON orders(note);
CREATE TABLE stock(sku TEXT PRIMARY KEY, quantity INTEGER) WITHOUT ROWID;
CREATE TABLE files(id INTEGER PRIMARY KEY, body BLOB);
CREATE TABLE "an ""empty"" táble"(a);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
  INSERT INTO orders SELECT i, i * 7919 % 20011, printf('%.*c', i % 120, 'x') FROM n;
INSERT INTO stock SELECT printf('sku-%06d', customer_id), id FROM orders WHERE id <= 9000;
INSERT INTO files VALUES (1, zeroblob(100000)), (2, zeroblob(10));
SELECT table_name, rows, index_bytes > 0 AS indexed, overflow_bytes FROM prod_table_sizes;
.print == rows are those of the table
SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM stock), (SELECT count(*) FROM files), (SELECT count(*) FROM sqlite_schema);
.print == sizes add up, and are those of prod_fragmentation
SELECT min(table_bytes + index_bytes + overflow_bytes = total_bytes) AS of_rows, sum(total_bytes) = (SELECT sum(pages) * 4096 FROM prod_fragmentation WHERE table_name IS NOT NULL) AS of_all FROM prod_table_sizes;
SELECT round(sum(share), 6) = round(sum(total_bytes) * 1.0 / (SELECT page_count * 4096 FROM pragma_page_count), 6) FROM prod_table_sizes;
SELECT table_bytes, index_bytes, overflow_bytes, total_bytes FROM prod_table_sizes WHERE table_name = 'files';
SELECT s.index_bytes = sum(f.pages) * 4096 FROM prod_table_sizes s, prod_fragmentation f WHERE s.table_name = 'orders' AND f.table_name = 'orders' AND f.kind = 'index';
.print == free pages belong to no table
DROP INDEX orders_note;
SELECT round(1 - sum(share), 6) = round(prod_fragmentation(), 6), sum(share) < 1 FROM prod_table_sizes;
.print == attached, temporary and in-memory schemas
ATTACH ':memory:' AS "side ""b""";
CREATE TABLE "side ""b""".t(x UNIQUE);
INSERT INTO "side ""b""".t VALUES (1), (2);
SELECT table_name, rows, table_bytes, index_bytes, share FROM prod_table_sizes('side "b"');
CREATE TEMP TABLE scratch(x);
SELECT table_name, rows FROM prod_table_sizes('temp');
SELECT d.name, count(*) FROM pragma_database_list d JOIN prod_table_sizes(d.name) GROUP BY d.name ORDER BY 1;
.print == an empty database has nothing, and divides by nothing
ATTACH ':memory:' AS bare;
SELECT table_name, rows, total_bytes, share IS NULL FROM prod_table_sizes('bare');
.print == a database that is opened read-only
VACUUM INTO 'copy.db';
ATTACH 'file:copy.db?mode=ro' AS copy;
SELECT count(*) FROM prod_table_sizes('copy');
DETACH copy;
.print == what is no schema is an error that shows the choices
SELECT * FROM prod_table_sizes('archive');
SELECT * FROM prod_table_sizes('');
SELECT * FROM prod_table_sizes(1);
SELECT * FROM prod_table_sizes('main', 'exact');
.print == a view in the file cannot call it
CREATE VIEW curious AS SELECT * FROM prod_table_sizes;
SELECT * FROM curious;
.print == a file that is no database
.shell echo 'a text file, not a database: its first bytes say so, long before 512 bytes are there' > letter.txt
.open letter.txt
.load prodkit
SELECT * FROM prod_table_sizes;
