.print == a compressed backup is attached and queried where it lies
.open app.db
.load prodkit
PRAGMA journal_mode = wal;
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer TEXT, total REAL, photo BLOB);
CREATE INDEX orders_customer ON orders(customer);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO orders SELECT i, 'customer ' || (i % 500), i / 8.0, NULL FROM n;
SELECT json_extract(prod_backup_to('app.db.gz', 6), '$.verified');
SELECT json_extract(prod_backup_to('app.bak'), '$.verified');
UPDATE orders SET total = 0;
ATTACH 'file:app.db.gz?vfs=prodgz' AS old;
SELECT id, customer, total FROM old.orders WHERE id = 7;
SELECT count(*), sum(total) FROM old.orders WHERE customer = 'customer 7';
PRAGMA old.integrity_check;
.print == both at once: what changed since the backup
SELECT count(*) FROM main.orders JOIN old.orders o USING (id) WHERE main.orders.total <> o.total;
INSERT INTO main.orders(customer) SELECT customer FROM old.orders LIMIT 3;
SELECT count(*) FROM main.orders;
.print == it is only ever read
UPDATE old.orders SET total = 1;
DROP TABLE old.orders;
CREATE TABLE old.more(a);
PRAGMA old.user_version = 7;
PRAGMA old.user_version;
.shell ls app.db.gz*
.print == the VFS says who it is, and in prod_help
.vfsname old
SELECT name, kind, signature, summary, page FROM prod_help WHERE kind = 'vfs';
.print == no failure so far, so no sentence
SELECT count(*) FROM pragma_database_list WHERE name = 'old';
PRAGMA old.prodgz_error;
DETACH old;
.print == it stays when the connection that loaded it is closed
.open 'file:app.db.gz?vfs=prodgz'
SELECT count(*) FROM orders;
SELECT max(rows) FROM (SELECT count(*) AS rows FROM orders GROUP BY hex(randomblob(8)));
CREATE TEMP TABLE sorted AS SELECT customer FROM orders ORDER BY random();
SELECT count(*) FROM sorted;
SELECT date('now') > '2020-01-01';
.print == what cannot be attached
.open app.db
.load prodkit
ATTACH 'file:missing.gz?vfs=prodgz' AS bad;
ATTACH 'file:app.bak?vfs=prodgz' AS bad;
.shell seq 1000 | gzip > other.gz
ATTACH 'file:other.gz?vfs=prodgz' AS bad;
.shell mkdir folder
ATTACH 'file:folder?vfs=prodgz' AS bad;
.shell head -c 5000 app.db.gz > cut.gz
ATTACH 'file:cut.gz?vfs=prodgz' AS bad;
SELECT name FROM pragma_database_list WHERE name = 'bad' UNION ALL SELECT 'none attached';
.print == a damaged block is told when it is read
.shell (head -c 100000 app.db.gz; head -c 200 /dev/zero; tail -c +100201 app.db.gz) > bad.gz; true
ATTACH 'file:bad.gz?vfs=prodgz' AS bad;
SELECT count(*) FROM bad.sqlite_schema;
SELECT sum(total) FROM bad.orders;
PRAGMA bad.prodgz_error;
DETACH bad;
SELECT count(*) FROM prod_backup_query('bad.gz', 'SELECT sum(total) AS total FROM orders');
.print == prod_backup_query on a compressed and on a plain backup
SELECT row FROM prod_backup_query('app.db.gz', 'SELECT * FROM orders WHERE id = 7');
SELECT row FROM prod_backup_query('app.bak', 'SELECT * FROM orders WHERE id = 7');
SELECT row FROM prod_backup_query WHERE path = 'app.db.gz' AND sql = 'SELECT max(id) AS last FROM orders';
SELECT json_extract(row, '$.id') AS id, json_extract(row, '$.total') AS total FROM prod_backup_query('app.db.gz', 'SELECT id, total FROM orders ORDER BY id DESC LIMIT 3');
SELECT o.path, o.row FROM (SELECT 'app.db.gz' AS p UNION ALL SELECT 'app.bak') f, prod_backup_query(f.p, 'SELECT count(*) AS orders FROM orders') o;
.print == values of all sorts
SELECT row FROM prod_backup_query('app.bak', 'SELECT 1 AS i, -9223372036854775807 - 1 AS least, NULL AS n, 2.5 AS r, 0.1 + 0.2 AS exact, 9e999 AS endless, -9e999 AS below');
SELECT row FROM prod_backup_query('app.bak', 'SELECT x''00ff'' AS b, x'''' AS hollow, ''it''''s "größe" €'' AS t, char(10, 9, 0, 65) AS control, CAST(x''41ff42'' AS TEXT) AS broken');
SELECT json_extract(row, '$.r') = 0.1 + 0.2, json_extract(row, '$.large') = -1e300, json_valid(row) FROM prod_backup_query('app.bak', 'SELECT 0.1 + 0.2 AS r, -1e300 AS large');
SELECT row FROM prod_backup_query('app.bak', 'SELECT 1 AS "it''s ""odd"" größe"');
.print == no row, and rows without end
SELECT count(*) FROM prod_backup_query('app.bak', 'SELECT * FROM orders WHERE id < 0');
SELECT count(*), max(rowid) FROM prod_backup_query('app.db.gz', 'SELECT id FROM orders');
SELECT rowid, row FROM prod_backup_query('app.db.gz', 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n') LIMIT 3;
.print == one statement that only reads
SELECT row FROM prod_backup_query('app.bak', 'SELECT 1 AS one; -- and a comment');
SELECT row FROM prod_backup_query('app.bak', 'PRAGMA user_version');
SELECT count(*) FROM prod_backup_query('app.bak', 'SELECT 1; SELECT 2');
SELECT count(*) FROM prod_backup_query('app.bak', 'DELETE FROM orders');
SELECT count(*) FROM prod_backup_query('app.bak', 'VACUUM INTO ''elsewhere.db''');
SELECT count(*) FROM prod_backup_query('app.bak', 'ATTACH ''elsewhere.db'' AS e');
SELECT count(*) FROM prod_backup_query('app.bak', 'BEGIN');
SELECT count(*) FROM prod_backup_query('app.bak', ' -- nothing');
SELECT count(*) FROM prod_backup_query('app.bak', 'SELECT 1 AS a, 2 AS b, 3 AS a');
SELECT count(*) FROM prod_backup_query('app.bak', 'SELEC 1');
SELECT count(*) FROM prod_backup_query('app.bak', 'SELECT * FROM missing');
SELECT count(*) FROM prod_backup_query('app.bak', 'SELECT abs(-9223372036854775807 - 1)');
.shell ls elsewhere.db 2>/dev/null || echo nothing was written
.print == files that cannot be queried
SELECT count(*) FROM prod_backup_query('missing.gz', 'SELECT 1');
SELECT count(*) FROM prod_backup_query('folder', 'SELECT 1');
SELECT count(*) FROM prod_backup_query('other.gz', 'SELECT 1');
SELECT count(*) FROM prod_backup_query('cut.gz', 'SELECT 1');
SELECT count(*) FROM prod_backup_query('app.db', 'SELECT 1');
.shell : > empty.db
SELECT count(*) FROM prod_backup_query('empty.db', 'SELECT 1');
.shell seq 1000 > text.db
SELECT count(*) FROM prod_backup_query('text.db', 'SELECT 1');
.print == arguments that make no sense
SELECT count(*) FROM prod_backup_query;
SELECT count(*) FROM prod_backup_query('app.bak');
SELECT count(*) FROM prod_backup_query('app.bak', NULL);
SELECT count(*) FROM prod_backup_query('', 'SELECT 1');
SELECT count(*) FROM prod_backup_query('app.bak', '');
SELECT count(*) FROM prod_backup_query(7, 'SELECT 1');
SELECT count(*) FROM prod_backup_query('app.bak', x'00');
.print == a view of the database cannot query files
CREATE VIEW sly AS SELECT * FROM prod_backup_query('app.bak', 'SELECT 1');
SELECT * FROM sly;
.print == nothing was left beside what was read
.shell ls -A | grep -e '-shm' -e '-wal' -e '-journal' | grep -v '^app.db-' | wc -l
