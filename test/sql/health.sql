-- prod_health and prod_health_code: sound and damaged databases, limits, tiers,
-- bad arguments.

.print == a sound database in tier fast
.open app.db
.load prodkit
CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id REFERENCES customers(id), note TEXT);
CREATE INDEX orders_note ON orders(note);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO customers SELECT i, 'customer ' || i FROM n;
INSERT INTO orders SELECT id, id, 'order ' || id || hex(zeroblob(50)) FROM customers;
ANALYZE;
.system chmod 600 app.db
SELECT name, status, unit, threshold, message FROM prod_health;

.print == the same as one JSON object
SELECT prod_health();

.print == its keys
SELECT key, type FROM json_each(prod_health());

.print == the keys of a check
SELECT group_concat(key, ' ') FROM json_each(prod_health(), '$.checks[0]');

.print == the time is UTC in ISO 8601
SELECT (json_extract(prod_health(), '$.checked_at')) GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z',
       abs(julianday('now') - julianday(json_extract(prod_health(), '$.checked_at'))) * 86400 < 5;

.print == the code
SELECT prod_health_code(), prod_health_code('quick'), prod_health_code('full');

.print == tier quick
SELECT name, status, value, unit, threshold, message FROM prod_health('quick') WHERE name LIKE '%check';

.print == tier full
SELECT name, status, value, unit, threshold, message FROM prod_health WHERE tier = 'full' AND name LIKE '%check';

.print == what each tier leaves out
SELECT json_extract(prod_health('fast'), '$.not_checked'), json_extract(prod_health('quick'), '$.not_checked'), json_extract(prod_health('full'), '$.not_checked');

.print == the same in WAL mode
PRAGMA journal_mode = wal;
SELECT name, status, CASE WHEN name <> 'host_sqlite' THEN message END FROM prod_health WHERE name IN ('page_count', 'wal_size', 'journal_mode', 'host_sqlite');

.print == no transaction is left behind, and a WAL is measured
INSERT INTO customers(name) VALUES ('new');
SELECT json_extract(prod_health('full'), '$.status');
SELECT value >= 4096, unit FROM prod_health WHERE name = 'wal_size';
PRAGMA wal_checkpoint(TRUNCATE);
SELECT value, message FROM prod_health WHERE name = 'wal_size';

.print == a WAL over its limits
INSERT INTO customers(name) VALUES ('newer');
SELECT status, threshold, message FROM prod_health('fast', '{"wal_warn_bytes":1000}') WHERE name = 'wal_size';
SELECT status, threshold, message FROM prod_health('fast', '{"wal_warn_bytes":1000, "wal_fail_bytes":2000}') WHERE name = 'wal_size';
SELECT json_extract(prod_health('fast', '{"wal_warn_bytes":1000}'), '$.status'), prod_health_code('fast', '{"wal_warn_bytes":1000}');
SELECT json_extract(prod_health('fast', '{"wal_warn_bytes":0, "wal_fail_bytes":0}'), '$.status'), prod_health_code('fast', '{"wal_warn_bytes":0, "wal_fail_bytes":0}');

.print == free pages over their limits
PRAGMA wal_checkpoint(TRUNCATE);
DELETE FROM orders WHERE id % 10 < 4;
DELETE FROM orders WHERE id BETWEEN 500 AND 1000;
SELECT status, value BETWEEN 0.1 AND 0.5, threshold, message FROM prod_health WHERE name = 'free_pages';
SELECT status, threshold FROM prod_health('fast', '{"free_warn_ratio":0.05}') WHERE name = 'free_pages';
SELECT status, threshold, message FROM prod_health('fast', '{"free_warn_ratio":0, "free_fail_ratio":0.05}') WHERE name = 'free_pages';
SELECT json_extract(prod_health('fast', '{"free_warn_ratio":0, "free_fail_ratio":0.05}'), '$.issues');
DELETE FROM orders;
SELECT status, threshold, prod_health_code() FROM prod_health WHERE name = 'free_pages';
VACUUM;
SELECT status, value FROM prod_health WHERE name = 'free_pages';

.print == a reference that is not met is a warning
INSERT INTO orders(id, customer_id) VALUES (7, -1), (8, -2);
SELECT status, value, threshold, message FROM prod_health('full') WHERE name = 'foreign_key_check';
SELECT json_extract(prod_health('full'), '$.status'), prod_health_code('full');
DELETE FROM orders;

.print == in a table without rowid
CREATE TABLE items(id TEXT PRIMARY KEY, order_id REFERENCES orders(id)) WITHOUT ROWID;
INSERT INTO items VALUES ('a', 1);
SELECT message FROM prod_health('full') WHERE name = 'foreign_key_check';

.print == a foreign key that cannot be checked
CREATE TABLE parent(x);
CREATE TABLE child(x REFERENCES parent(x));
INSERT INTO child VALUES (1);
SELECT status, value, message FROM prod_health('full') WHERE name = 'foreign_key_check';
SELECT json_extract(prod_health('full'), '$.status'), json_extract(prod_health('full'), '$.not_checked');
DROP TABLE child;
DROP TABLE items;
ANALYZE;

.print == a transaction of the user's own goes on
PRAGMA journal_mode = delete;
BEGIN;
INSERT INTO customers SELECT NULL, hex(zeroblob(200)) FROM customers;
SELECT status, message FROM prod_health WHERE name = 'page_count';
SELECT json_extract(prod_health('full'), '$.status');
ROLLBACK;
SELECT count(*) FROM customers;

.print == a journal in memory is a risk
PRAGMA journal_mode = memory;
SELECT status, value, message FROM prod_health WHERE name = 'journal_mode';
PRAGMA journal_mode = delete;

.print == an in-memory database: what cannot be checked is said
ATTACH ':memory:' AS memory;
SELECT json_extract(prod_health('quick', '{"schema":"memory"}'), '$.status'), json_extract(prod_health('quick', '{"schema":"memory"}'), '$.not_checked');
SELECT name, status, message FROM prod_health('fast', '{"schema":"memory"}') WHERE status IS NULL;

.print == an attached database with a quote and a snowman in its name
ATTACH 'other "☃".db' AS "it's ""☃""";
CREATE TABLE "it's ""☃""".t(x);
.system chmod 600 other*.db
SELECT name, status FROM prod_health('full', json_object('schema', 'it''s "☃"'));

.print == an empty file may be a wrong path
.system touch empty.db; chmod 600 empty.db
.open empty.db
.load prodkit
SELECT json_extract(prod_health(), '$.status'), json_extract(prod_health(), '$.issues');

.print == a read-only database
.open --readonly app.db
.load prodkit
SELECT json_extract(prod_health('full'), '$.status');

.print == another connection has the file for itself: not known to be bad, and not called good
.open app.db
BEGIN EXCLUSIVE;
.connection 1
.open app.db
.load prodkit
SELECT json_extract(prod_health('quick'), '$.status'), prod_health_code('quick'), json_extract(prod_health('quick'), '$.issues');
SELECT json_extract(prod_health('quick'), '$.not_checked');
.connection 0
ROLLBACK;

.print == a file that is not a database
.system printf 'not a database, but long enough to be looked at: %0600d' 0 > text.db
.open text.db
.load prodkit
SELECT json_extract(prod_health(), '$.status'), prod_health_code(), json_extract(prod_health(), '$.issues');
SELECT json_extract(prod_health('full'), '$.not_checked');

.print == the table needs a schema that SQLite can read
SELECT * FROM prod_health;

.print == a page that was overwritten: fast does not see it, quick does
.open app.db
.load prodkit
.system head -c 4096 /dev/zero | tr '\0' 'X' | dd of=app.db bs=4096 seek=4 conv=notrunc status=none
SELECT json_extract(prod_health(), '$.status'), json_extract(prod_health('quick'), '$.status'), json_extract(prod_health('full'), '$.status'), prod_health_code('quick');
SELECT name, status, value > 0, unit, message FROM prod_health('quick') WHERE name = 'quick_check';

.print == the health of a damaged database is no error for the connection
SELECT count(*) FROM sqlite_schema WHERE name = 'customers';

.print == a file that was cut off
.open cut.db
CREATE TABLE t(x);
INSERT INTO t VALUES (zeroblob(20000));
.system truncate -s 9000 cut.db
.open cut.db
.load prodkit
SELECT json_extract(prod_health(), '$.status'), json_extract(prod_health(), '$.issues');

.print == a file that something was appended to
.open long.db
CREATE TABLE t(x);
.system printf 'some more' >> long.db
.open long.db
.load prodkit
SELECT status, value, unit, threshold, message FROM prod_health WHERE name = 'page_count';

.print == a schema that makes no sense
.open schema.db
CREATE TABLE t(x);
PRAGMA writable_schema = on;
UPDATE sqlite_schema SET sql = 'CREATE TABLE t(' || char(10) || 'oops' WHERE name = 't';
.open schema.db
.load prodkit
SELECT json_extract(prod_health(), '$.status'), json_extract(prod_health(), '$.issues');

.print == an integrity check that this connection cannot make is not passed
.open collation.db
CREATE TABLE t(x);
PRAGMA writable_schema = on;
UPDATE sqlite_schema SET sql = 'CREATE TABLE t(x COLLATE klingon, CHECK (x > ''a''))' WHERE name = 't';
.system chmod 600 collation.db
.open collation.db
.load prodkit
SELECT json_extract(prod_health('full'), '$.status'), json_extract(prod_health('full'), '$.issues');
SELECT json_extract(prod_health('full'), '$.not_checked');

.print == options are read whatever state the database is in
.open text.db
.load prodkit
SELECT json_extract(prod_health('fast', '{"schema":"main"}'), '$.status');

.print == NULL arguments are the defaults
.open app.db
.load prodkit
SELECT json_extract(prod_health(NULL, NULL), '$.tier');

.print == unknown tier
SELECT prod_health('deep');

.print == empty tier
SELECT prod_health('');

.print == a tier that is no text
SELECT prod_health(1);
SELECT prod_health_code(x'00');

.print == unknown option
SELECT prod_health('fast', '{"wal_bytes":1}');

.print == options that are no object
SELECT prod_health('fast', 'schema=main');
SELECT prod_health_code('fast', '[1]');
SELECT * FROM prod_health('fast', 1);

.print == values of the wrong type or out of range
SELECT prod_health('fast', '{"wal_warn_bytes":"100 MB"}');
SELECT prod_health('fast', '{"wal_warn_bytes":-1}');
SELECT prod_health('fast', '{"free_warn_ratio":20}');
SELECT prod_health('fast', '{"free_warn_ratio":null}');
SELECT prod_health('fast', '{"schema":""}');

.print == a warning limit over the failing one
SELECT prod_health('fast', '{"wal_warn_bytes":600000000}');
SELECT prod_health('fast', '{"free_fail_ratio":0.1}');

.print == a schema that is not attached
SELECT prod_health('fast', '{"schema":"nowhere"}');
SELECT * FROM prod_health('fast', '{"schema":"nowhere"}');

.print == too many arguments
SELECT prod_health('fast', '{}', 1);

.print == not from a view
.open other.db
.load prodkit
CREATE VIEW v AS SELECT prod_health();
SELECT * FROM v;
