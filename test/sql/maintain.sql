-- prod_maintain: the steps, what is skipped and why, what is remembered, and bad
-- arguments. Two runs at once, writers and interrupts are in test_maintain.py.

.print == a first run
.open app.db
.load prodkit
PRAGMA auto_vacuum = incremental;
PRAGMA journal_mode = wal;
CREATE TABLE orders(id INTEGER PRIMARY KEY, note TEXT);
CREATE INDEX orders_note ON orders(note);
CREATE TABLE "odd ""name"" ü"(x UNIQUE);
CREATE TABLE "empty"(x UNIQUE);
CREATE TABLE no_index(x);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
INSERT INTO orders SELECT i, 'order ' || i || hex(zeroblob(200)) FROM n;
INSERT INTO "odd ""name"" ü" SELECT id FROM orders;
INSERT INTO no_index VALUES (1);
DELETE FROM orders WHERE id % 10 <> 0;
SELECT prod_maintain();

.print == it did what it says
SELECT DISTINCT tbl FROM sqlite_stat1 ORDER BY tbl;
PRAGMA freelist_count;
PRAGMA analysis_limit;
PRAGMA integrity_check;

.print == it is remembered, for its owner only
.system ls -l app.db-prodkit-maintain.json | cut -c 1-10
SELECT json_extract(prod_maintain('{"run":false}'), '$.last.complete', '$.last.steps[2].status', '$.tables_without_statistics');

.print == a second run has little to do
SELECT json_extract(prod_maintain(), '$.complete');
SELECT json_extract(value, '$.step'), json_extract(value, '$.status'), json_extract(value, '$.message') FROM json_each(prod_maintain('{"run":false}'), '$.last.steps');

.print == a step that is not wanted
SELECT json_extract(prod_maintain('{"checkpoint":false,"optimize":false,"vacuum":false,"integrity":false}'), '$.complete');
SELECT json_extract(value, '$.step'), json_extract(value, '$.status'), json_extract(value, '$.message') FROM json_each(prod_maintain('{"run":false}'), '$.last.steps');

.print == no time: what was begun is ended
PRAGMA wal_autocheckpoint = 0;
CREATE TABLE large AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, zeroblob(1000) AS x FROM n;
SELECT json_extract(prod_maintain('{"max_seconds":0.001}'), '$.complete');
SELECT json_extract(value, '$.step'), json_extract(value, '$.status'), json_extract(value, '$.message') FROM json_each(prod_maintain('{"run":false}'), '$.last.steps');
DROP TABLE large;
PRAGMA wal_autocheckpoint = 1000;

.print == a limit of the connection's own stays
PRAGMA analysis_limit = 1000;
SELECT json_extract(prod_maintain(), '$.complete');
PRAGMA analysis_limit;

.print == a table that lost its statistics
DELETE FROM sqlite_stat1 WHERE tbl = 'orders';
SELECT json_extract(prod_maintain('{"run":false}'), '$.tables_without_statistics');
SELECT json_extract(prod_maintain(), '$.steps[1].tables_analyzed');

.print == statistics without a limit are exact
DROP TABLE sqlite_stat1;
SELECT json_extract(prod_maintain('{"analysis_limit":0}'), '$.steps[1].status');
SELECT stat FROM sqlite_stat1 WHERE tbl = 'orders';
PRAGMA analysis_limit;

.print == an attached database, not in WAL mode, without auto_vacuum
ATTACH 'archive.db' AS "old ü";
CREATE TABLE "old ü".t(x UNIQUE);
INSERT INTO "old ü".t VALUES (1), (2);
SELECT json_extract(prod_maintain('{"schema":"old ü"}'), '$.complete');
SELECT json_extract(value, '$.step'), json_extract(value, '$.status'), json_extract(value, '$.message') FROM json_each(prod_maintain('{"run":false,"schema":"old ü"}'), '$.last.steps');
SELECT * FROM "old ü".sqlite_stat1;

.print == auto_vacuum full
ATTACH 'full.db' AS full_one;
PRAGMA full_one.auto_vacuum = full;
CREATE TABLE full_one.t(x);
SELECT json_extract(prod_maintain('{"schema":"full_one"}'), '$.steps[2].message');

.print == other files that remember
SELECT json_extract(prod_maintain('{"state":"m.json", "integrity_state":"i.json"}'), '$.complete');
.system ls -A *.json
SELECT json_extract(prod_maintain('{"state":"m.json", "run":false}'), '$.last.complete');

.print == inside a transaction it refuses
BEGIN;
SELECT prod_maintain();
ROLLBACK;

.print == and in a statement that reads
SELECT prod_maintain() FROM orders LIMIT 1;

.print == what was done last can be asked for there
BEGIN;
SELECT json_extract(prod_maintain('{"run":false}'), '$.last.schema') FROM no_index;
ROLLBACK;

.print == not for a view
CREATE VIEW v AS SELECT prod_maintain();
SELECT * FROM v;
DROP VIEW v;

.print == a state file of another kind stays as it is
.system printf 'my notes' > notes.txt
SELECT prod_maintain('{"state":"notes.txt"}');
SELECT prod_maintain('{"state":"app.db"}');
SELECT prod_maintain('{"state":"archive.db-journal"}');
.system cat notes.txt; echo

.print == a state file that cannot be
SELECT prod_maintain('{"state":"/nowhere/m.json"}');
.system mkdir folder
SELECT prod_maintain('{"state":"folder"}');
SELECT prod_maintain('{"state":""}');

.print == a damaged state file is an error to read, and is replaced by the next run
SELECT writefile('m.json', '{"prodkit_maintain":1,"last":{"sch') > 0;
SELECT prod_maintain('{"state":"m.json", "run":false}');
SELECT json_extract(prod_maintain('{"state":"m.json"}'), '$.complete');
SELECT json_extract(prod_maintain('{"state":"m.json", "run":false}'), '$.last.complete');

.print == an empty one is one of a run that was killed
.system : > m.json
SELECT prod_maintain('{"state":"m.json", "run":false}');
SELECT json_extract(prod_maintain('{"state":"m.json"}'), '$.complete');

.print == bad arguments
SELECT prod_maintain('{"max_seconds":0}');
SELECT prod_maintain('{"max_seconds":"soon"}');
SELECT prod_maintain('{"vacuum":2}');
SELECT prod_maintain('{"analysis_limit":-1}');
SELECT prod_maintain('{"wacuum":true}');
SELECT prod_maintain('');
SELECT prod_maintain(7);
SELECT prod_maintain('{}', 1);
SELECT prod_maintain('{"schema":"nope"}');
SELECT prod_maintain('{"schema":"temp"}');
SELECT json_extract(prod_maintain(NULL), '$.schema');

.print == in memory
.open :memory:
.load prodkit
SELECT prod_maintain();

.print == read-only
.open --readonly app.db
.load prodkit
SELECT prod_maintain();
SELECT json_extract(prod_maintain('{"run":false}'), '$.last.schema');

.print == a full database: what was done stays, and nothing else changes
.open small.db
.load prodkit
CREATE TABLE t(x UNIQUE);
INSERT INTO t VALUES (1);
PRAGMA max_page_count = 3;
SELECT prod_maintain();
PRAGMA analysis_limit;
SELECT prod_maintain('{"run":false}');
PRAGMA integrity_check;

.print == damage
.open app.db
.load prodkit
PRAGMA wal_checkpoint(truncate);
.open :memory:
.system head -c 4096 /dev/zero | tr '\0' 'X' | dd of=app.db bs=4096 seek=10 conv=notrunc status=none
.open app.db
.load prodkit
SELECT json_extract(prod_maintain('{"optimize":false,"vacuum":false}'), '$.complete');
SELECT json_extract(value, '$.status'), json_extract(value, '$.failed') > 0, length(json_extract(value, '$.message')) > 10 FROM json_each(prod_maintain('{"run":false}'), '$.last.steps') WHERE json_extract(value, '$.step') = 'integrity';

.print == not a database
.open notes.txt
.load prodkit
SELECT prod_maintain();
