-- prod_vacuum_plan: what it recommends, and of what.

.print == a small database
.open app.db
.load prodkit
PRAGMA page_size;
CREATE TABLE t(n INTEGER PRIMARY KEY, x);
INSERT INTO t(x) VALUES ('one');
SELECT schema_name, recommendation, reason, fix, database_bytes, free_bytes FROM prod_vacuum_plan;

.print == many rows were deleted
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
INSERT INTO t(x) SELECT zeroblob(1000) FROM n;
DELETE FROM t WHERE n % 4 <> 0;
SELECT recommendation, reason, fix FROM prod_vacuum_plan;
SELECT reclaimable_bytes > 2500000, reclaimable_ratio BETWEEN 0.6 AND 0.9, folder_needed_bytes = database_bytes, temp_needed_bytes = database_bytes - reclaimable_bytes, folder_free_bytes > 0, temp_in_memory, read_bytes_per_second > 0, least_seconds > 0 FROM prod_vacuum_plan;

.print == in WAL mode the log takes the copy
PRAGMA journal_mode = wal;
SELECT folder_needed_bytes = temp_needed_bytes FROM prod_vacuum_plan;

.print == temp_store memory would have the copy in memory
PRAGMA temp_store = memory;
SELECT recommendation, reason, fix, temp_in_memory FROM prod_vacuum_plan;
PRAGMA temp_store = default;

.print == it foretells well
CREATE TEMP TABLE foretold AS SELECT * FROM prod_vacuum_plan;
VACUUM;
SELECT abs(page_count * 4096 - temp_needed_bytes) < database_bytes / 50 FROM pragma_page_count, foretold;
SELECT recommendation FROM prod_vacuum_plan;

.print == free pages under auto_vacuum are for prod_maintain
.open incremental.db
.load prodkit
PRAGMA auto_vacuum = incremental;
CREATE TABLE t(x);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
INSERT INTO t(x) SELECT zeroblob(1000) FROM n;
CREATE TABLE kept AS SELECT * FROM t LIMIT 10;
DROP TABLE t;
SELECT recommendation, reason, fix FROM prod_vacuum_plan;
SELECT json_extract(prod_maintain('{"integrity":false}'), '$.steps[2].status');
SELECT recommendation, reason FROM prod_vacuum_plan;

.print == an attached one
ATTACH 'app.db' AS "odd ""ü";
DELETE FROM "odd ""ü".t;
SELECT recommendation, reason, fix FROM prod_vacuum_plan('odd "ü');
SELECT schema_name FROM prod_vacuum_plan WHERE schema = 'odd "ü';

.print == in memory, and temp
.open :memory:
.load prodkit
SELECT * FROM prod_vacuum_plan;
SELECT recommendation FROM prod_vacuum_plan('temp');

.print == inside a transaction, and read-only
.open --readonly app.db
.load prodkit
BEGIN;
SELECT recommendation FROM prod_vacuum_plan;
COMMIT;

.print == bad arguments
SELECT * FROM prod_vacuum_plan('nope');
SELECT * FROM prod_vacuum_plan(7);
SELECT * FROM prod_vacuum_plan('');
SELECT * FROM prod_vacuum_plan('main', 'fast');

.print == not for a view
.open app.db
.load prodkit
CREATE VIEW v AS SELECT * FROM prod_vacuum_plan;
SELECT * FROM v;

.print == not a database
.system printf 'this is no database, this is no database, this is no database, this is no database, this is no database' > text.db
.open text.db
.load prodkit
SELECT * FROM prod_vacuum_plan;
