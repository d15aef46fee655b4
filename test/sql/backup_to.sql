.print == a plain backup is the database, byte for byte, mode 0600
.open app.db
.load prodkit
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 5000) INSERT INTO t SELECT i, 'row number ' || i FROM n;
SELECT key, value FROM json_each(prod_backup_to('plain.db')) WHERE key NOT IN ('seconds', 'wal_bytes_before', 'wal_bytes_after');
.shell cmp app.db plain.db && echo the same
.shell stat -c %a plain.db
.print == a compressed one is what gunzip makes of it
SELECT key, value FROM json_each(prod_backup_to('app.db.gz', 6)) WHERE key IN ('path', 'source_bytes', 'compression', 'verified');
.shell gunzip -c app.db.gz | cmp - app.db && echo the same
.print == compress: numbers and words
SELECT json_extract(prod_backup_to('none.db', 'none'), '$.compression');
SELECT json_extract(prod_backup_to('zero.db', 0), '$.compression');
SELECT json_extract(prod_backup_to('null.db', NULL), '$.compression');
SELECT json_extract(prod_backup_to('word.gz', 'gzip'), '$.compression');
SELECT json_extract(prod_backup_to('one.gz', 1), '$.bytes') > json_extract(prod_backup_to('twelve.gz', 12), '$.bytes') AS smaller;
.print == what compress cannot be
SELECT prod_backup_to('bad.gz', 13);
SELECT prod_backup_to('bad.gz', -1);
SELECT prod_backup_to('bad.gz', 'zip');
SELECT prod_backup_to('bad.gz', 1.5);
SELECT prod_backup_to('bad.gz', x'01');
.print == WAL mode: what is only in the WAL is in the backup
PRAGMA journal_mode = wal;
PRAGMA wal_autocheckpoint = 0;
UPDATE t SET b = 'changed in the WAL' WHERE a = 7;
SELECT json_extract(j, '$.method'), json_extract(j, '$.wal_bytes_before') > 0 FROM (SELECT prod_backup_to('wal.db') AS j);
ATTACH 'file:wal.db?immutable=1' AS copy;
SELECT b FROM copy.t WHERE a = 7;
DETACH copy;
.print == verified levels
SELECT json_extract(prod_backup_to('v.db', 0, '{"verify":"none","overwrite":true}'), '$.verified');
SELECT json_extract(prod_backup_to('v.db', 0, '{"verify":"quick","overwrite":true}'), '$.verified');
SELECT json_extract(prod_backup_to('v.db', 0, '{"verify":"full","overwrite":true}'), '$.verified');
.print == an existing file is left as it is, unless overwrite is asked for
SELECT prod_backup_to('v.db');
.shell echo precious > precious.txt
SELECT prod_backup_to('precious.txt', 6);
.shell cat precious.txt
SELECT json_extract(prod_backup_to('precious.txt', 6, '{"overwrite":true}'), '$.path');
.shell gzip -t < precious.txt && echo replaced
.print == a symbolic link is replaced, what it points to is not
.shell echo kept > pointed.txt && ln -s pointed.txt link.db
SELECT prod_backup_to('link.db');
SELECT json_extract(prod_backup_to('link.db', 0, '{"overwrite":true}'), '$.path');
.shell cat pointed.txt
.print == paths that cannot be written
SELECT prod_backup_to('missing/folder/a.db');
.shell mkdir folder
SELECT prod_backup_to('folder');
SELECT prod_backup_to('folder/');
SELECT prod_backup_to('');
SELECT prod_backup_to(NULL);
SELECT prod_backup_to(17);
SELECT prod_backup_to(x'61');
SELECT prod_backup_to('a' || char(0) || 'b');
SELECT prod_backup_to('/dev/null', 0, '{"overwrite":true}');
SELECT prod_backup_to();
SELECT prod_backup_to('a.db', 1, '{}', 4);
.print == the database itself, and what lies beside it, are never a target
SELECT prod_backup_to('app.db', 0, '{"overwrite":true}');
SELECT prod_backup_to('./app.db-wal', 0, '{"overwrite":true}');
.shell ln -s app.db alias.db
SELECT prod_backup_to('alias.db', 0, '{"overwrite":true}');
.print == options: unknown keys, types, ranges
SELECT prod_backup_to('o.db', 0, '{"verfy":"quick"}');
SELECT prod_backup_to('o.db', 0, '{"verify":"slow"}');
SELECT prod_backup_to('o.db', 0, '{"overwrite":1}');
SELECT prod_backup_to('o.db', 0, '{"threads":65}');
SELECT prod_backup_to('o.db', 0, '{"threads":"two"}');
SELECT prod_backup_to('o.db', 0, '{"max_seconds":-1}');
SELECT prod_backup_to('o.db', 0, '{"overwrite":true,"overwrite":true}');
SELECT prod_backup_to('o.db', 0, '["overwrite"]');
SELECT prod_backup_to('o.db', 0, 'not JSON');
SELECT prod_backup_to('o.db', 0, 5);
.print == limits: a time that is over, a rate
ATTACH 'large.db' AS large;
CREATE TABLE large.b AS SELECT zeroblob(3000000) AS b;
SELECT prod_backup_to('slow.db', 0, '{"schema":"large","rate_mb_per_second":0.01,"max_seconds":0.1}');
SELECT prod_backup_to('late.gz', 6, '{"schema":"large","max_seconds":0.000001}');
SELECT json_extract(prod_backup_to('rate.db', 0, '{"rate_mb_per_second":1000,"threads":1}'), '$.path');
DETACH large;
.print == other schemas: attached, temporary, in memory, none of the kind
ATTACH 'it''s "ünïcode".db' AS "odd name";
CREATE TABLE "odd name".u(x);
SELECT json_extract(prod_backup_to('odd.db', 0, '{"schema":"odd name"}'), '$.schema');
ATTACH ':memory:' AS memory;
CREATE TABLE memory.m(x);
SELECT json_extract(j, '$.method'), json_extract(j, '$.method_reason') FROM (SELECT prod_backup_to('memory.db', 0, '{"schema":"memory"}') AS j);
CREATE TEMP TABLE z(x);
SELECT json_extract(j, '$.method') FROM (SELECT prod_backup_to('temp.db', 0, '{"schema":"temp"}') AS j);
SELECT prod_backup_to('none.db', 0, '{"schema":"nowhere","overwrite":true}');
DETACH "odd name";
DETACH memory;
.print == an empty database has nothing to back up
ATTACH 'empty.db' AS empty;
SELECT prod_backup_to('of-empty.db', 0, '{"schema":"empty"}');
DETACH empty;
.print == inside a read transaction: through it; inside a write transaction: refused
BEGIN;
SELECT count(*) FROM t;
SELECT json_extract(prod_backup_to('read.db'), '$.method');
COMMIT;
BEGIN;
DELETE FROM t WHERE a = 1;
SELECT prod_backup_to('write.db');
ROLLBACK;
SELECT count(*) FROM t;
.print == a FROM clause around it
SELECT json_extract(prod_backup_to('from' || a || '.db'), '$.method') FROM t LIMIT 2;
.print == a read-only connection
.open --readonly app.db
.load prodkit
SELECT json_extract(prod_backup_to('readonly.db'), '$.method');
.print == a corrupt source is not published
.open plain.db
.load prodkit
.shell printf 'garbage garbage garbage garbage garbage' | LD_PRELOAD= dd of=plain.db bs=1 seek=4100 conv=notrunc status=none
SELECT prod_backup_to('corrupt.db');
SELECT prod_backup_to('corrupt.db.gz', 1);
.print == a file that is no database
.shell echo 'this is only a text, and long enough to be looked at as a header of something, or not' > text.db
.open text.db
.load prodkit
SELECT prod_backup_to('of-text.db');
.print == in a view or trigger of the file it cannot be called
.open app.db
.load prodkit
CREATE VIEW trap AS SELECT prod_backup_to('trapped.db');
SELECT * FROM trap;
.print == nothing but finished files is left
.shell ls -A | grep -v -e ^app.db -e ^it | paste -sd_
