-- prod_restore: plain and compressed, what is refused, damaged backups, bad
-- arguments. Databases that other processes hold are in test_retain.py.

.print == a backup of either kind comes back byte for byte, mode 0600
.open app.db
.load prodkit
PRAGMA journal_mode = wal;
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 5000) INSERT INTO t SELECT i, 'row number ' || i FROM n;
SELECT json_extract(prod_backup_to('app.bak'), '$.verified'), json_extract(prod_backup_to('app.bak.gz', 6), '$.verified');
SELECT key, value FROM json_each(prod_restore('app.bak.gz', 'one.db')) WHERE key NOT IN ('taken_at', 'seconds');
SELECT key, value FROM json_each(prod_restore('app.bak', 'two.db')) WHERE key <> 'seconds';
.shell cmp app.bak one.db && cmp app.bak two.db && stat -c %a one.db two.db
SELECT abs(julianday('now') - julianday(json_extract(prod_restore('app.bak.gz', 'three.db'), '$.taken_at'))) * 86400 < 60 AS taken_now;

.print == what came back is a database to write to, in WAL mode as the source was
.shell sqlite3 one.db "PRAGMA journal_mode; DELETE FROM t WHERE a > 3; SELECT * FROM t; PRAGMA integrity_check"

.print == verify: none, quick, full
SELECT json_extract(prod_restore('app.bak.gz', 'v.db', '{"verify":"none"}'), '$.verified');
SELECT json_extract(prod_restore('app.bak.gz', 'v.db', '{"verify":"quick","overwrite":true}'), '$.verified');
SELECT json_extract(prod_restore('app.bak.gz', 'v.db', '{"verify":"full","overwrite":true,"threads":1,"max_seconds":60,"progress":true}'), '$.verified');

.print == an existing target is left as it is, unless overwrite is asked for
.shell echo precious > precious.txt
SELECT prod_restore('app.bak.gz', 'precious.txt');
.shell cat precious.txt
SELECT json_extract(j, '$.replaced'), json_extract(j, '$.bytes') FROM (SELECT prod_restore('app.bak.gz', 'precious.txt', '{"overwrite":true}') AS j);
.shell cmp precious.txt app.bak && echo replaced

.print == a dry run makes the checks and writes nothing
.shell sqlite3 two.db "PRAGMA user_version = 7"; cp two.db unchanged.db; touch before.txt after.txt; ls -A > before.txt
SELECT key, value FROM json_each(prod_restore('app.bak.gz', 'dry.db', '{"dry_run":true,"verify":"full"}')) WHERE key IN ('target', 'bytes', 'verified', 'dry_run', 'replaced');
SELECT json_extract(prod_restore('app.bak', 'two.db', '{"dry_run":true,"overwrite":true}'), '$.replaced');
SELECT prod_restore('app.bak.gz', 'two.db', '{"dry_run":true}');
SELECT prod_restore('app.bak.gz', 'missing/dry.db', '{"dry_run":true}');
.shell ls -A > after.txt; cmp before.txt after.txt && echo nothing new

.print == what lies beside the target would be replayed over it
.shell touch new.db-wal
SELECT prod_restore('app.bak.gz', 'new.db');
.shell rm new.db-wal; touch two.db-journal
SELECT prod_restore('app.bak.gz', 'two.db', '{"overwrite":true}');
.shell rm two.db-journal; touch two.db-shm
SELECT prod_restore('app.bak.gz', 'two.db', '{"overwrite":true,"dry_run":true}');
.shell rm two.db-shm; cmp two.db unchanged.db && echo unchanged

.print == the target is open here
SELECT prod_restore('app.bak.gz', 'app.db', '{"overwrite":true}');
SELECT prod_restore('app.bak.gz', './app.db-wal', '{"overwrite":true}');
ATTACH 'two.db' AS attached;
SELECT prod_restore('app.bak.gz', 'two.db', '{"overwrite":true}');
DETACH attached;
.shell ln -s two.db link.db; cmp two.db unchanged.db && echo unchanged
SELECT prod_restore('app.bak.gz', 'link.db', '{"overwrite":true}');
.shell readlink link.db

.print == a target that nobody could open as a database can be replaced
.shell head -c 5000 /dev/zero > broken.db; head -c 3000 app.bak > cut.db
SELECT json_extract(prod_restore('app.bak.gz', 'broken.db', '{"overwrite":true}'), '$.replaced');
SELECT json_extract(prod_restore('app.bak.gz', 'cut.db', '{"overwrite":true}'), '$.replaced');
.shell cmp broken.db app.bak && cmp cut.db app.bak && echo restored

.print == targets that cannot be written
SELECT prod_restore('app.bak.gz', 'missing/folder/a.db');
.shell mkdir folder
SELECT prod_restore('app.bak.gz', 'folder');
SELECT prod_restore('app.bak.gz', 'folder/');
SELECT prod_restore('app.bak.gz', '/dev/null', '{"overwrite":true}');
SELECT prod_restore('app.bak', 'app.bak', '{"overwrite":true}');
SELECT prod_restore('app.bak.gz', './app.bak.gz', '{"overwrite":true}');

.print == backups that are none
SELECT prod_restore('nowhere.gz', 'x.db');
SELECT prod_restore('folder', 'x.db');
.shell touch empty.db; echo 'only a text, and not a short one' > text.db; echo text | gzip > text.gz
SELECT prod_restore('empty.db', 'x.db');
SELECT prod_restore('text.db', 'x.db');
SELECT prod_restore('text.gz', 'x.db');
SELECT prod_restore('app.db', 'x.db');
SELECT prod_restore('/dev/null', 'x.db');

.print == damaged backups, and a target that stays what it was
.shell head -c 20000 app.bak.gz > cut.gz; head -c 40960 app.bak > cut.bak
SELECT prod_restore('cut.gz', 'two.db', '{"overwrite":true}');
SELECT prod_restore('cut.bak', 'two.db', '{"overwrite":true}');
SELECT prod_restore('cut.bak', 'x.db', '{"dry_run":true}');
.shell cp app.bak.gz bad.gz; printf 'garbage' | LD_PRELOAD= dd of=bad.gz bs=1 seek=3000 conv=notrunc status=none
SELECT prod_restore('bad.gz', 'two.db', '{"overwrite":true,"verify":"none"}');
.shell cp app.bak bad.bak; printf 'garbage garbage garbage garbage garbage' | LD_PRELOAD= dd of=bad.bak bs=1 seek=8192 conv=notrunc status=none
SELECT prod_restore('bad.bak', 'two.db', '{"overwrite":true}');
SELECT prod_restore('bad.bak', 'two.db', '{"overwrite":true,"dry_run":true}');
.shell cmp two.db unchanged.db && echo unchanged

.print == arguments: missing, NULL, wrong types
SELECT prod_restore();
SELECT prod_restore('app.bak.gz');
SELECT prod_restore(NULL, 'x.db');
SELECT prod_restore('app.bak.gz', NULL);
SELECT prod_restore('', 'x.db');
SELECT prod_restore('app.bak.gz', '');
SELECT prod_restore(1, 'x.db');
SELECT prod_restore('app.bak.gz', x'61');
SELECT prod_restore('app.bak.gz', 'a' || char(0) || 'b');
SELECT prod_restore('app.bak.gz', 'x.db', '{}', 4);

.print == options: unknown keys, types, ranges
SELECT prod_restore('app.bak.gz', 'x.db', '{"overwite":true}');
SELECT prod_restore('app.bak.gz', 'x.db', '{"verify":"checksum"}');
SELECT prod_restore('app.bak.gz', 'x.db', '{"dry_run":1}');
SELECT prod_restore('app.bak.gz', 'x.db', '{"threads":65}');
SELECT prod_restore('app.bak.gz', 'x.db', '{"max_seconds":-1}');
SELECT prod_restore('app.bak.gz', 'x.db', '[]');
SELECT prod_restore('app.bak.gz', 'x.db', 'not JSON');
SELECT json_extract(prod_restore('app.bak.gz', 'null-options.db', NULL), '$.target');

.print == names that need care
SELECT json_extract(prod_restore('app.bak.gz', 'it''s "ünïcode" %41 #1?.db'), '$.target');
SELECT json_extract(prod_restore('app.bak.gz', 'it''s "ünïcode" %41 #1?.db', '{"overwrite":true}'), '$.replaced');
SELECT json_extract(prod_restore('it''s "ünïcode" %41 #1?.db', 'file:odd.db'), '$.target');

.print == no view or trigger of a database can call it
CREATE VIEW trap AS SELECT prod_restore('app.bak.gz', 'trapped.db');
SELECT * FROM trap;

.print == nothing but finished files is left
.shell ls -A | grep -e part -e '^x.db' -e trapped -e dry || echo nothing
