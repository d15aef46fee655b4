-- prod_integrity: rounds, what is remembered, damage that stays reported, state
-- files, bad arguments.

.print == never checked
.open app.db
.load prodkit
CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id, note TEXT);
CREATE INDEX orders_note ON orders(note);
CREATE TABLE items(id TEXT PRIMARY KEY, n) WITHOUT ROWID;
CREATE VIEW big_orders AS SELECT * FROM orders;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO orders SELECT i, i, 'order ' || i || hex(zeroblob(50)) FROM n;
INSERT INTO customers SELECT id, 'customer ' || id FROM orders;
INSERT INTO items SELECT 'item ' || id, id FROM orders;
SELECT object, status, checked_at, seconds, message FROM prod_integrity('{"check":false}');

.print == that made no file
.system ls
SELECT status, message FROM prod_health WHERE name = 'integrity';

.print == a sound database, all at once
SELECT object, status, message FROM prod_integrity;

.print == when and how long
SELECT DISTINCT checked_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z', abs(julianday('now') - julianday(checked_at)) * 86400 < 60, seconds BETWEEN 0 AND 10 FROM prod_integrity('{"check":false}');

.print == it is remembered beside the database, for its owner only
.system ls -l *.json | cut -c 1-10
.system ls -A
SELECT json_extract(readfile('app.db-prodkit-integrity.json'), '$.prodkit_integrity', '$.objects[#-1].name', '$.objects[#-1].status');

.print == and shown in another session
.open app.db
.load prodkit
SELECT object, status FROM prod_integrity('{"check":false}');

.print == health reads it
SELECT status, value, unit, threshold, message FROM prod_health WHERE name = 'integrity';

.print == with no time, one table a call: the least recently checked
.system rm app.db-prodkit-integrity.json
SELECT object, status, message FROM prod_integrity('{"max_seconds":0.000001}');
SELECT object, status FROM prod_integrity('{"max_seconds":0.000001}');
SELECT count(*) FROM prod_integrity('{"max_seconds":0.000001}') WHERE status = 'ok';
SELECT status, message FROM prod_health WHERE name = 'integrity';

.print == the turn is remembered, and a slow one put off
SELECT writefile('app.db-prodkit-integrity.json', json_object('prodkit_integrity', 1, 'objects', json_array(
  json_object('name', '', 'whole', 1, 'checked_at', '2026-01-01T00:00:00Z', 'seconds', 1, 'status', 'ok'),
  json_object('name', 'sqlite_schema', 'whole', 0, 'checked_at', '2026-01-05T00:00:00Z', 'seconds', 1, 'status', 'ok'),
  json_object('name', 'customers', 'whole', 0, 'checked_at', '2026-01-04T00:00:00Z', 'seconds', 1, 'status', 'ok'),
  json_object('name', 'items', 'whole', 0, 'checked_at', '2026-01-02T00:00:00Z', 'seconds', 1000, 'status', 'ok'),
  json_object('name', 'orders', 'whole', 0, 'checked_at', '2026-01-03T00:00:00Z', 'seconds', 1000, 'status', 'ok')))) > 0;
SELECT object, checked_at < '2026-02' FROM prod_integrity('{"max_seconds":500}') ORDER BY object;

.print == a time to come counts as now
SELECT writefile('app.db-prodkit-integrity.json', '{"prodkit_integrity":1,"objects":[{"name":"orders","whole":0,"checked_at":"2999-01-01T00:00:00Z","seconds":1,"status":"ok"}]}') > 0;
SELECT object, checked_at < '2999' FROM prod_integrity('{"check":false}') WHERE object = 'orders';

.print == without a limit, one pass
SELECT object, status FROM prod_integrity('{"max_seconds":0}');
SELECT object, status FROM prod_integrity('{"max_seconds":0, "full":true}');

.print == a table that is gone has no row
DROP TABLE items;
SELECT object FROM prod_integrity('{"check":false}');

.print == damage
.system cp app.db sound.db
.system head -c 4096 /dev/zero | tr '\0' 'X' | dd of=app.db bs=4096 seek=14 conv=notrunc status=none
.open app.db
.load prodkit
SELECT object, status, length(message) > 20 FROM prod_integrity ORDER BY object;
SELECT status, value, prod_health_code() FROM prod_health WHERE name = 'integrity';

.print == it stays reported when the table passes again
.open sound.db
.system cp sound.db app.db
.open app.db
.load prodkit
PRAGMA quick_check;
SELECT object, status, message FROM prod_integrity WHERE status = 'failed' ORDER BY object;
SELECT object, status FROM prod_integrity('{"max_seconds":0}') WHERE status = 'failed' ORDER BY object;
SELECT json_extract(prod_health('full'), '$.status'), prod_health_code('full');

.print == and when it is dropped
CREATE TABLE kept AS SELECT * FROM orders;
DROP TABLE orders;
SELECT object, status FROM prod_integrity('{"full":true, "max_seconds":0.000001}') WHERE status = 'failed' ORDER BY object;

.print == until a full check passes
SELECT object, status, message FROM prod_integrity('{"full":true, "max_seconds":0}') ORDER BY object;
SELECT status FROM prod_health WHERE name = 'integrity';

.print == what only the check of the whole sees: a page that nothing uses
.open orphan.db
CREATE TABLE t(x);
CREATE TABLE gone(x);
INSERT INTO t VALUES (1);
PRAGMA writable_schema = on;
DELETE FROM sqlite_schema WHERE name = 'gone';
.open orphan.db
.load prodkit
SELECT object, status, message FROM prod_integrity;

.print == what only a full check sees: an index that is not its table's
.open index.db
.load prodkit
CREATE TABLE t(x, y);
CREATE INDEX t_x ON t(x);
INSERT INTO t VALUES (1, 2), (3, 4);
PRAGMA writable_schema = on;
UPDATE sqlite_schema SET sql = 'CREATE INDEX t_x ON t(y)' WHERE name = 't_x';
.open index.db
.load prodkit
SELECT object, status FROM prod_integrity ORDER BY object;
SELECT object, status, message FROM prod_integrity('{"full":true}') WHERE object = 't';

.print == a check that this connection cannot make is unknown
.open collation.db
CREATE TABLE t(x);
CREATE TABLE u(x);
PRAGMA writable_schema = on;
UPDATE sqlite_schema SET sql = 'CREATE TABLE t(x COLLATE klingon, CHECK (x > ''a''))' WHERE name = 't';
.open collation.db
.load prodkit
SELECT object, status, message FROM prod_integrity ORDER BY object;
SELECT status, message FROM prod_health WHERE name = 'integrity';

.print == names with quotes, a snowman, digits and none
.open names.db
.load prodkit
CREATE TABLE "it's ""☃"""(x);
CREATE TABLE "5 o'clock"(x);
CREATE TABLE "-7"(x);
CREATE TABLE ""(x);
CREATE TABLE "(whole database)"(x);
SELECT object, status, message FROM prod_integrity('{"max_seconds":0.000001}') WHERE message LIKE 'SQLite takes%';
SELECT object, status FROM prod_integrity;
SELECT object, status FROM prod_integrity('{"check":false}');

.print == full-text search
CREATE VIRTUAL TABLE notes USING fts5(note);
INSERT INTO notes VALUES ('hello world');
SELECT object, status FROM prod_integrity WHERE object LIKE 'notes%';

.print == a damaged state file counts as none, and is replaced
SELECT writefile('names.db-prodkit-integrity.json', '{"prodkit_integrity":1,"objects":[{"na');
SELECT object, status, checked_at, message FROM prod_integrity('{"check":false}') WHERE object IN ('(state file)', 'sqlite_schema');
SELECT object, status, message FROM prod_integrity WHERE object IN ('(state file)', 'sqlite_schema');
SELECT object, status FROM prod_integrity('{"check":false}') WHERE object IN ('(state file)', 'sqlite_schema');

.print == so is one with values that are not ours, and an empty one
SELECT writefile('names.db-prodkit-integrity.json', '{"prodkit_integrity":1,"objects":[{"name":"t","whole":0,"status":"fine"}]}') > 0;
SELECT message FROM prod_integrity('{"check":false}') WHERE object = '(state file)';
SELECT writefile('names.db-prodkit-integrity.json', '{"prodkit_integrity":2,"objects":[]}') > 0;
SELECT message FROM prod_integrity('{"check":false}') WHERE object = '(state file)';
SELECT writefile('names.db-prodkit-integrity.json', '{"prodkit_integrity":1,"objects":[{"name":"t","whole":0,"status":"ok","checked_at":"1.1.2026"}]}') > 0;
SELECT message FROM prod_integrity('{"check":false}') WHERE object = '(state file)';
SELECT writefile('names.db-prodkit-integrity.json', '');
SELECT message FROM prod_integrity WHERE object = '(state file)';
SELECT count(*) FROM prod_integrity('{"check":false}') WHERE object = '(state file)';
SELECT prod_health_code();

.print == a state file elsewhere
.system mkdir -p states
SELECT count(*) FROM prod_integrity('{"state":"states/names.json"}') WHERE status = 'ok';
SELECT count(*) FROM prod_integrity('{"state":"states/names.json", "check":false}') WHERE status = 'ok';
.system ls -A states
SELECT message LIKE 'no problem found in %' FROM prod_health('fast', '{"integrity_state":"states/names.json"}') WHERE name = 'integrity';

.print == a state file that is something else is left as it is
SELECT writefile('precious.json', '{"name":"package"}');
SELECT * FROM prod_integrity('{"state":"precious.json"}');
SELECT * FROM prod_integrity('{"state":"names.db"}');
SELECT * FROM prod_integrity('{"state":"index.db"}');
.system touch new.json
SELECT * FROM prod_integrity('{"state":"new.json"}');
SELECT CAST(readfile('precious.json') AS TEXT), (SELECT count(*) FROM sqlite_schema) > 5;

.print == a state file that cannot be
SELECT * FROM prod_integrity('{"state":"nowhere/state.json"}');
SELECT * FROM prod_integrity('{"state":"states"}');
SELECT * FROM prod_integrity('{"state":"states/"}');
SELECT * FROM prod_integrity('{"state":""}');
.system ls -A states

.print == the default one is only said to be impossible
.system rm names.db-prodkit-integrity.json && mkdir names.db-prodkit-integrity.json
SELECT object, status, message FROM prod_integrity WHERE object IN ('(state file)', 'sqlite_schema');

.print == of an in-memory database nothing is kept
.open :memory:
.load prodkit
CREATE TABLE t(x);
SELECT object, status FROM prod_integrity;
SELECT object, status, message FROM prod_integrity('{"check":false}');
SELECT * FROM prod_integrity('{"state":"states/memory.json"}');
SELECT status, message FROM prod_health WHERE name = 'integrity';
.system ls -A states

.print == an attached database
ATTACH 'orphan.db' AS "it's ""☃""";
SELECT object, status FROM prod_integrity(json_object('schema', 'it''s "☃"'));
SELECT status FROM prod_health('fast', json_object('schema', 'it''s "☃"')) WHERE name = 'integrity';

.print == one that is cut off, and one that is no database any more
.system cp sound.db cut.db
ATTACH 'cut.db' AS cut;
SELECT count(*) FROM cut.orders;
.system truncate -s 90000 cut.db
SELECT object, status FROM prod_integrity('{"schema":"cut"}') ORDER BY object;
.system printf 'not a database, but long enough to be looked at: %04000d' 0 > cut.db
SELECT object, status, message FROM prod_integrity('{"schema":"cut", "state":"states/cut.json"}');
SELECT object, status FROM prod_integrity('{"schema":"cut", "state":"states/cut.json", "check":false}');

.print == one that is locked is not known to be bad
ATTACH 'index.db' AS locked;
.connection 1
.open index.db
BEGIN EXCLUSIVE;
.connection 0
SELECT object, status, message FROM prod_integrity('{"schema":"locked", "state":"states/locked.json"}');
.connection 1
ROLLBACK;
.connection 0

.print == a read-only database
.open --readonly sound.db
.load prodkit
SELECT object, status FROM prod_integrity;

.print == an empty file
.open empty.db
.load prodkit
SELECT object, status FROM prod_integrity;

.print == NULL is no options
SELECT count(*) FROM prod_integrity(NULL);

.print == unknown option
SELECT * FROM prod_integrity('{"table":"t"}');

.print == options that are no object
SELECT * FROM prod_integrity('quick');
SELECT * FROM prod_integrity(10);

.print == values of the wrong type or out of range
SELECT * FROM prod_integrity('{"max_seconds":-1}');
SELECT * FROM prod_integrity('{"max_seconds":"1 h"}');
SELECT * FROM prod_integrity('{"full":1}');
SELECT * FROM prod_integrity('{"state":7}');

.print == a schema that is not attached
SELECT * FROM prod_integrity('{"schema":"nowhere"}');

.print == too many arguments
SELECT * FROM prod_integrity('{}', 1);

.print == not from a view
CREATE VIEW v AS SELECT * FROM prod_integrity;
SELECT * FROM v;
