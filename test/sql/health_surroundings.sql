-- prod_health: the header, the connection, the disk, permissions, the file
-- system, statistics, backups; the format rfc; what it leaves behind.

.print == a database that only its owner may use
.open app.db
.load prodkit
CREATE TABLE customers(id INTEGER PRIMARY KEY, email TEXT UNIQUE);
.system chmod 600 app.db
SELECT name, status, value, threshold, message FROM prod_health WHERE name = 'permissions';

.print == its group may read it, or everyone
.system chmod 640 app.db
SELECT status, value, threshold, message FROM prod_health WHERE name = 'permissions';
.system chmod 606 app.db
SELECT status, value, threshold, message FROM prod_health WHERE name = 'permissions';
SELECT json_extract(prod_health(), '$.status'), prod_health_code(), json_extract(prod_health(), '$.issues');

.print == the option access says who may
.system chmod 660 app.db
SELECT status, value, threshold, message FROM prod_health('fast', '{"access":"group"}') WHERE name = 'permissions';
.system chmod 664 app.db
SELECT status, value, threshold, message FROM prod_health('fast', '{"access":"group"}') WHERE name = 'permissions';
SELECT status, value, threshold, message FROM prod_health('fast', '{"access":"everyone"}') WHERE name = 'permissions';

.print == a sidecar counts like the database
.system chmod 600 app.db
PRAGMA journal_mode = wal;
INSERT INTO customers VALUES (1, 'a@example.org'), (2, 'b@example.org');
SELECT status, value, message FROM prod_health WHERE name = 'permissions';
.system chmod 644 app.db-shm
SELECT status, value, message FROM prod_health WHERE name = 'permissions';
SELECT json_extract(prod_secure_files('{"folder":false}'), '$.paths[2].mode_after');
SELECT status, value, message FROM prod_health WHERE name = 'permissions';

.print == so does a folder in which others can replace the file
.system mkdir shared && chmod 777 shared && touch shared/app.db && chmod 600 shared/app.db
ATTACH 'shared/app.db' AS shared;
SELECT status, value, message FROM prod_health('fast', '{"schema":"shared"}') WHERE name = 'permissions';
.system chmod 1777 shared
SELECT status, value FROM prod_health('fast', '{"schema":"shared"}') WHERE name = 'permissions';
.system chmod 755 shared
SELECT status, value FROM prod_health('fast', '{"schema":"shared"}') WHERE name = 'permissions';
DETACH shared;
SELECT status, value FROM prod_health('fast', '{"access":"everyone"}') WHERE name = 'permissions';

.print == the disk
SELECT status, typeof(value), unit, threshold, message FROM prod_health WHERE name = 'disk_space';
SELECT status, threshold > 0, message FROM prod_health('fast', '{"disk_warn_ratio":1e12}') WHERE name = 'disk_space';
SELECT status, message FROM prod_health('fast', '{"disk_warn_ratio":1e12, "disk_fail_ratio":1e12}') WHERE name = 'disk_space';
SELECT status, threshold FROM prod_health('fast', '{"disk_warn_ratio":1e300}') WHERE name = 'disk_space';
SELECT status, threshold FROM prod_health('fast', '{"disk_fail_bytes":1000000000000000}') WHERE name = 'disk_space';
SELECT prod_health_code('fast', '{"disk_fail_bytes":1000000000000000}');
SELECT status, threshold FROM prod_health('fast', '{"disk_fail_bytes":0, "disk_fail_ratio":0}') WHERE name = 'disk_space';

.print == the file system has a name
SELECT status, typeof(value), length(value) > 1, unit, threshold FROM prod_health WHERE name = 'filesystem';

.print == the planner's statistics: missing, present, of no use
SELECT status, value, message FROM prod_health WHERE name = 'statistics';
SELECT json_extract(prod_maintain(), '$.complete');
SELECT status, value, message FROM prod_health WHERE name = 'statistics';
DROP TABLE sqlite_stat1;
DELETE FROM customers;
SELECT status, value, message FROM prod_health WHERE name = 'statistics';
CREATE TABLE "it's ""☃"""(x);
CREATE INDEX snow ON "it's ""☃"""(x);
INSERT INTO "it's ""☃""" VALUES (1);
SELECT status, message FROM prod_health WHERE name = 'statistics';
DROP TABLE "it's ""☃""";
CREATE VIRTUAL TABLE words USING fts5(text);
INSERT INTO words VALUES ('a word');
SELECT status, value FROM prod_health WHERE name = 'statistics';
DROP TABLE words;
VACUUM;

.print == how this connection is set is shown for information
SELECT name, status, value, unit, threshold, message FROM prod_health WHERE name IN ('busy_timeout', 'foreign_keys');
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id REFERENCES customers);
SELECT status, value, message FROM prod_health WHERE name = 'foreign_keys';

.print == and judged where the connection is the application's
SELECT name, status, value, message FROM prod_health('fast', '{"connection":true}') WHERE name IN ('busy_timeout', 'foreign_keys');
SELECT json_extract(prod_health('fast', '{"connection":true}'), '$.status'), prod_health_code('fast', '{"connection":true}');
SELECT json_extract(prod_configure(), '$.profile');
SELECT name, status, value, message FROM prod_health('fast', '{"connection":true}') WHERE name IN ('busy_timeout', 'foreign_keys');
SELECT json_extract(prod_health('fast', '{"connection":true}'), '$.status');

.print == backups: a folder that is not there, one that is empty
SELECT name, status, value, unit, message FROM prod_health WHERE name = 'backup';
SELECT status, message FROM prod_health('fast', '{"backup_dir":"nowhere"}') WHERE name = 'backup';
SELECT json_extract(prod_health('fast', '{"backup_dir":"nowhere"}'), '$.status'), json_extract(prod_health('fast', '{"backup_dir":"nowhere"}'), '$.not_checked[0]');
.system mkdir backups
SELECT status, value, threshold, message FROM prod_health('fast', '{"backup_dir":"backups"}') WHERE name = 'backup';
SELECT prod_health_code('fast', '{"backup_dir":"backups"}');

.print == the age of the newest one
SELECT json_extract(prod_backup_rotate('backups'), '$.backup.verified');
SELECT status, value < 60, unit, threshold, message FROM prod_health('fast', '{"backup_dir":"backups"}') WHERE name = 'backup';
.system sleep 2
SELECT status, value BETWEEN 1 AND 60, threshold, message FROM prod_health('fast', '{"backup_dir":"backups", "backup_warn_seconds":0}') WHERE name = 'backup';
SELECT status, threshold FROM prod_health('fast', '{"backup_dir":"backups", "backup_warn_seconds":0, "backup_fail_seconds":0}') WHERE name = 'backup';

.print == that of another database, and one that was cut off, do not count
ATTACH 'other.db' AS other;
CREATE TABLE other.t(x);
SELECT status, message FROM prod_health('fast', '{"backup_dir":"backups", "schema":"other"}') WHERE name = 'backup';
DETACH other;
.system for f in backups/*.gz; do truncate -s 100 "$f"; done
SELECT status, message FROM prod_health('fast', '{"backup_dir":"backups"}') WHERE name = 'backup';

.print == a header that SQLite does not mind, and the next one may
SELECT status, value, unit, threshold, message FROM prod_health WHERE name = 'header';
PRAGMA wal_checkpoint(TRUNCATE);
.system printf '\\011' | LD_PRELOAD= dd of=app.db bs=1 seek=59 conv=notrunc status=none
SELECT status, value, message, prod_health_code() FROM prod_health WHERE name = 'header';
.open app.db
.load prodkit
SELECT count(*) FROM customers;
SELECT status, value, message FROM prod_health WHERE name = 'header';
.system printf '\\001' | LD_PRELOAD= dd of=app.db bs=1 seek=59 conv=notrunc status=none
SELECT status FROM prod_health WHERE name = 'header';

.print == page 1 of a database in use, overwritten
.system printf 'oops' | LD_PRELOAD= dd of=app.db bs=1 seek=0 conv=notrunc status=none
SELECT name, status, message FROM prod_health WHERE name IN ('database_readable', 'header');
.system printf 'SQLi' | LD_PRELOAD= dd of=app.db bs=1 seek=0 conv=notrunc status=none

.print == no header yet, or not now
ATTACH 'empty.db' AS empty;
SELECT status, message FROM prod_health('fast', '{"schema":"empty"}') WHERE name = 'header';
DETACH empty;
BEGIN IMMEDIATE;
SELECT status, message FROM prod_health WHERE name = 'header';
ROLLBACK;

.print == format rfc: application/health+json
SELECT prod_health('fast', '{"format":"rfc"}') LIKE '{"status":"pass","version":"' || sqlite_version() || '","serviceId":"app.db",%';
SELECT key, type FROM json_each(prod_health('fast', '{"format":"rfc"}'));
SELECT json_extract(prod_health('quick', '{"format":"rfc"}'), '$.description');
SELECT group_concat(key, ' ') FROM json_each(prod_health('fast', '{"format":"rfc"}'), '$.checks');
SELECT json_remove(json_extract(prod_health('fast', '{"format":"rfc"}'), '$.checks."sqlite:free_pages"'), '$[0].time');
SELECT json_extract(prod_health('fast', '{"format":"rfc"}'), '$.notes');

.print == a check that warns has an output, and the whole the first of them
INSERT INTO customers VALUES (1, 'a@example.org');
SELECT json_extract(prod_health('fast', '{"format":"rfc"}'), '$.output');
SELECT json_extract(prod_health('fast', '{"format":"rfc"}'), '$.checks."sqlite:statistics"[0].output');
SELECT json_extract(prod_health('fast', '{"format":"rfc", "disk_fail_bytes":1000000000000000}'), '$.status', '$.output');

.print == one that passes has none
SELECT json_extract(prod_maintain(), '$.complete');
SELECT json_extract(prod_health('fast', '{"format":"rfc"}'), '$.status'), json_extract(prod_health('fast', '{"format":"rfc"}'), '$.output') IS NULL;
SELECT json_extract(prod_health('fast', '{"format":"json"}'), '$.status');

.print == it is the same time everywhere
SELECT count(DISTINCT json_extract(value, '$[0].time')) FROM json_each(prod_health('fast', '{"format":"rfc"}'), '$.checks');

.print == the table and the code have no format
SELECT * FROM prod_health('fast', '{"format":"rfc"}');
SELECT prod_health_code('fast', '{"format":"rfc"}');

.print == unknown words
SELECT prod_health('fast', '{"format":"xml"}');
SELECT prod_health('fast', '{"format":1}');
SELECT prod_health('fast', '{"access":"nobody"}');

.print == values of the wrong type or out of range
SELECT prod_health('fast', '{"connection":1}');
SELECT prod_health('fast', '{"disk_warn_ratio":-1}');
SELECT prod_health('fast', '{"disk_warn_ratio":"half"}');
SELECT prod_health('fast', '{"disk_fail_bytes":1.5}');
SELECT prod_health('fast', '{"backup_dir":""}');
SELECT prod_health('fast', '{"backup_dir":7}');
SELECT prod_health('fast', '{"backup_warn_seconds":null}');

.print == a failing limit that comes before the warning one
SELECT prod_health('fast', '{"disk_warn_ratio":0.001}');
SELECT prod_health('fast', '{"backup_warn_seconds":300000}');

.print == no transaction is left: another connection gets the file for itself
PRAGMA journal_mode = delete;
SELECT json_extract(prod_health('fast', '{"backup_dir":"backups"}'), '$.tier'), json_extract(prod_health('full'), '$.tier');
.connection 1
.open app.db
BEGIN EXCLUSIVE;
SELECT 'exclusive';
ROLLBACK;
.connection 0

.print == a database that is missing is not made
ATTACH 'file:missing.db?mode=rw' AS missing;
SELECT prod_health('fast', '{"schema":"missing"}');
.system ls missing.db* 2>/dev/null; echo "not made"

.print == an in-memory database
.open :memory:
.load prodkit
SELECT json_extract(prod_health('fast', '{"backup_dir":"backups"}'), '$.not_checked');
SELECT json_extract(prod_health('fast', '{"format":"rfc"}'), '$.serviceId');
