.print == a plain and a compressed backup, at each level
.open app.db
.load prodkit
PRAGMA foreign_keys = off;
CREATE TABLE orders(id INTEGER PRIMARY KEY, status TEXT NOT NULL);
CREATE TABLE items(id INTEGER PRIMARY KEY, order_id REFERENCES orders(id), note TEXT);
CREATE INDEX items_note ON items(note);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO orders SELECT i, 'shipped' FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) INSERT INTO items SELECT i, 1 + i % 100, 'note ' || i * 7919 % 10007 FROM n;
SELECT json_extract(prod_backup_to('app.bak', 0, '{"verify":"none"}'), '$.path');
SELECT json_extract(prod_backup_to('app.bak.gz', 6, '{"verify":"none"}'), '$.path');
SELECT key, value FROM json_each(prod_backup_verify('app.bak', 'checksum')) WHERE key NOT IN ('bytes', 'source_bytes', 'pages', 'seconds');
SELECT key, value FROM json_each(prod_backup_verify('app.bak.gz', 'checksum')) WHERE key NOT IN ('bytes', 'source_bytes', 'pages', 'seconds');
SELECT key, value FROM json_each(prod_backup_verify('app.bak')) WHERE key IN ('level', 'compression', 'not_checked');
SELECT key, value FROM json_each(prod_backup_verify('app.bak.gz')) WHERE key IN ('level', 'compression', 'not_checked');
SELECT key, value FROM json_each(prod_backup_verify('app.bak', 'full')) WHERE key IN ('level', 'compression', 'not_checked', 'tables', 'foreign_key_violations');
SELECT key, value FROM json_each(prod_backup_verify('app.bak.gz', 'full')) WHERE key IN ('level', 'compression', 'not_checked', 'tables', 'foreign_key_violations');
.print == sizes are those of the file and of the database in it
CREATE TEMP TABLE v AS SELECT prod_backup_verify('app.bak') AS plain, prod_backup_verify('app.bak.gz') AS gz;
SELECT json_extract(plain, '$.bytes') = json_extract(plain, '$.source_bytes'), json_extract(gz, '$.source_bytes') = json_extract(plain, '$.bytes'), json_extract(gz, '$.bytes') < json_extract(gz, '$.source_bytes') FROM v;
SELECT json_extract(plain, '$.pages') = page_count, json_extract(gz, '$.pages') = page_count FROM v, pragma_page_count;
SELECT json_extract(gz, '$.taken_at') BETWEEN datetime('now', '-5 minutes') AND strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AS taken_now FROM v;
.print == rows that break a foreign key are told, and are no failure
INSERT INTO items VALUES (10001, 777, 'lost'), (10002, 778, 'lost');
SELECT json_extract(prod_backup_to('lost.db.gz', 6, '{"verify":"full"}'), '$.verified');
SELECT key, value FROM json_each(prod_backup_verify('lost.db.gz', 'full')) WHERE key LIKE '%foreign%';
.print == what needs a function or collation of the application is listed as not checked
CREATE TABLE sorted(a TEXT COLLATE uint UNIQUE);
CREATE TABLE hashed(a TEXT);
CREATE INDEX hashed_a ON hashed(sha3(a));
INSERT INTO sorted VALUES ('a1'), ('a10'), ('a9');
INSERT INTO hashed VALUES ('x');
SELECT json_extract(prod_backup_to('own.db', 0, '{"verify":"full"}'), '$.verified');
SELECT n.value FROM json_each(prod_backup_verify('own.db', 'full'), '$.not_checked') n;
SELECT t.value FROM json_each(prod_backup_verify('own.db', 'full'), '$.tables') t;
.print == names with quotes and letters of all sorts
CREATE TABLE "it's ""odd"" größe"(a);
INSERT INTO "it's ""odd"" größe" VALUES (1);
SELECT json_extract(prod_backup_to('it''s "mine" größe %41?x=y#z.db.gz', 6), '$.verified');
SELECT json_extract(prod_backup_verify('it''s "mine" größe %41?x=y#z.db.gz', 'full'), '$.path');
SELECT json_extract(prod_backup_to('it''s "mine" größe %41?x=y#z.db'), '$.verified');
SELECT json_extract(t.value, '$.name') FROM json_each(prod_backup_verify('it''s "mine" größe %41?x=y#z.db', 'full'), '$.tables') t WHERE json_extract(t.value, '$.rows') = 1 ORDER BY 1;
.print == a WAL-mode backup is checked without -wal and -shm
PRAGMA journal_mode = wal;
UPDATE items SET note = 'only in the WAL' WHERE id = 5;
SELECT json_extract(prod_backup_to('wal.db'), '$.verified'), json_extract(prod_backup_to('wal.db.gz', 1), '$.verified');
SELECT json_extract(prod_backup_verify('wal.db', 'full'), '$.compression');
SELECT json_extract(prod_backup_verify('wal.db.gz', 'full'), '$.compression');
.shell ls wal.db*
.print == a live database is no backup
SELECT prod_backup_verify('app.db');
.shell cp app.bak halfway.db && touch halfway.db-journal
SELECT prod_backup_verify('halfway.db', 'checksum');
.print == paths that cannot be read
SELECT prod_backup_verify('missing.db');
SELECT prod_backup_verify('missing/folder/app.db');
.shell mkdir folder
SELECT prod_backup_verify('folder');
SELECT prod_backup_verify('/dev/null');
SELECT prod_backup_verify('app.bak/x');
.print == arguments that make no sense
SELECT prod_backup_verify();
SELECT prod_backup_verify(NULL);
SELECT prod_backup_verify('');
SELECT prod_backup_verify(7);
SELECT prod_backup_verify(x'61');
SELECT prod_backup_verify('a' || char(0) || 'b');
SELECT prod_backup_verify('app.bak', 'thorough');
SELECT prod_backup_verify('app.bak', '');
SELECT prod_backup_verify('app.bak', 2);
SELECT prod_backup_verify('app.bak', 'quick', 1);
SELECT json_extract(prod_backup_verify('app.bak', NULL), '$.level');
.print == files that are no backup
.shell : > empty.db
SELECT prod_backup_verify('empty.db', 'checksum');
.shell printf xy > two.db
SELECT prod_backup_verify('two.db');
.shell printf 'SQLite format 3' > short.db
SELECT prod_backup_verify('short.db');
.shell seq 1000 > text.db
SELECT prod_backup_verify('text.db', 'checksum');
.shell head -c 8192 /dev/zero > zero.db
SELECT prod_backup_verify('zero.db', 'checksum');
.shell seq 1000 | gzip > other.gz
SELECT prod_backup_verify('other.gz', 'checksum');
.shell head -c 2 app.bak.gz > stub.gz
SELECT prod_backup_verify('stub.gz');
.print == a plain backup that was cut off, or has too much
.shell head -c 8192 app.bak > cut.db
SELECT prod_backup_verify('cut.db', 'checksum');
.shell head -c 10000 app.bak > cut.db
SELECT prod_backup_verify('cut.db', 'checksum');
.shell (cat app.bak; printf x) > long.db
SELECT prod_backup_verify('long.db', 'checksum');
.shell (cat app.bak; head -c 4096 /dev/zero) > long.db
SELECT prod_backup_verify('long.db', 'checksum');
.print == a plain backup with a page that was written over
.shell (head -c 8192 app.bak; head -c 4096 /dev/zero; tail -c +12289 app.bak) > bad.db; true
SELECT json_extract(prod_backup_verify('bad.db', 'checksum'), '$.level') AS not_seen_by;
SELECT prod_backup_verify('bad.db');
SELECT prod_backup_verify('bad.db', 'full');
.shell (head -c 16 app.bak; head -c 2 /dev/zero; tail -c +19 app.bak) > bad.db; true
SELECT prod_backup_verify('bad.db', 'checksum');
.print == an index that disagrees with its table is seen by full
.open skewed.db
.load prodkit
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);
CREATE INDEX t_b ON t(b);
INSERT INTO t VALUES (1, 'one'), (2, 'two');
PRAGMA writable_schema = on;
UPDATE sqlite_schema SET sql = 'CREATE INDEX t_b ON t(b COLLATE nocase DESC)' WHERE name = 't_b';
.open skewed.db
.load prodkit
INSERT INTO t VALUES (3, 'three');
SELECT json_extract(prod_backup_verify('skewed.db', 'quick'), '$.level') AS passes;
SELECT prod_backup_verify('skewed.db', 'full');
.print == a compressed backup that was cut off, or has too much
.shell head -c 5000 app.bak.gz > cut.gz
SELECT prod_backup_verify('cut.gz', 'checksum');
.shell head -c 10 app.bak.gz > cut.gz
SELECT prod_backup_verify('cut.gz', 'checksum');
.shell (cat app.bak.gz; printf x) > long.gz
SELECT prod_backup_verify('long.gz', 'checksum');
.shell cat app.bak.gz app.bak.gz > twice.gz
SELECT prod_backup_verify('twice.gz', 'checksum');
.print == a compressed backup with a byte that was changed
.shell (head -c 40 app.bak.gz; head -c 3 /dev/zero; tail -c +44 app.bak.gz) > bad.gz; true
SELECT prod_backup_verify('bad.gz', 'checksum');
.shell (head -c 3000 app.bak.gz; head -c 9 /dev/zero; tail -c +3010 app.bak.gz) > bad.gz; true
SELECT prod_backup_verify('bad.gz', 'checksum');
SELECT prod_backup_verify('bad.gz');
.print == a damaged backup leaves the caller's transaction alone
BEGIN;
INSERT INTO t VALUES (4, 'four');
SELECT prod_backup_verify('bad.gz');
COMMIT;
SELECT count(*) FROM t;
.print == nothing was left beside what was read
.shell ls -A | grep -e '-shm' -e '-wal' -e prodkit-part | grep -v '^app.db' | wc -l
.print == a view of the database cannot verify
CREATE VIEW sly AS SELECT prod_backup_verify('app.bak');
SELECT * FROM sly;
