.nullvalue NULL
.open probe.db
.load prodkit
CREATE TABLE t(id INTEGER PRIMARY KEY, a INT, b INT, c TEXT, d INT, e TEXT, flag INT NOT NULL, body TEXT);
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
INSERT INTO t SELECT i, i * 7919 % 1000, i % 7, 'Name ' || (i * 31 % 19997), i, iif(i % 500, 'done', 'open'),
  i % 2, '{"kind":"k' || (i % 2000) || '"}' FROM n;
UPDATE t SET c = NULL WHERE id % 1000 = 0;
ANALYZE;

.print == a covering index where fetching row by row would be slower than the scan
SELECT ddl, kind, verified, after_ms < before_ms, after_pages < before_pages FROM prod_index_advice('SELECT a, sum(d) FROM t GROUP BY a');
SELECT ddl, kind, verified, after_pages < before_pages FROM prod_index_advice('SELECT sum(d) FROM t WHERE a > 100');

.print == an index whose rows would be fetched one by one is tried and rejected
SELECT action, ddl, reason FROM prod_index_advice('SELECT a, sum(d) FROM t GROUP BY a', '{"show_rejected":true}') WHERE columns = 'a';

.print == expressions
SELECT ddl, kind FROM prod_index_advice('SELECT * FROM t WHERE lower(c) = ''name 7''');
SELECT ddl FROM prod_index_advice('SELECT * FROM t x WHERE substr(x.c, 1, 8) = ''Name 123''');
SELECT ddl FROM prod_index_advice('SELECT * FROM t WHERE json_extract(body, ''$.kind'') = ''k7''');
SELECT ddl FROM prod_index_advice('SELECT * FROM t WHERE ''k7'' = json_extract(body, ''$.kind'')');
SELECT 'rows', count(*) FROM prod_index_advice('SELECT * FROM t WHERE abs(random()) = 3; SELECT max(a) = 3 FROM t GROUP BY id');

.print == partial indexes, for a literal that few rows have
SELECT ddl, kind FROM prod_index_advice('SELECT * FROM t WHERE e = ''open'' ORDER BY d LIMIT 10');
SELECT 'rows', count(*) FROM prod_index_advice('SELECT * FROM t WHERE e = ''done''');
SELECT ddl FROM prod_index_advice('SELECT * FROM t WHERE a = 5');

.print == a partial index comes before a whole one, where its condition is all there is
SELECT ddl, est_bytes <= 4096 FROM prod_index_advice('SELECT * FROM t WHERE e = ''open''');
SELECT ddl, est_bytes < 20000, verified FROM prod_index_advice('SELECT * FROM t WHERE e = ''open''', '{"proof":"none"}');
SELECT ddl FROM prod_index_advice('SELECT * FROM t WHERE e = ''open''', '{"budget_bytes":40000}');

.print == a partial index for the last rows, as of jobs that wait
CREATE TABLE jobs(id INTEGER PRIMARY KEY, state TEXT, run_at INT, body TEXT);
INSERT INTO jobs SELECT id, iif(id > 59800, 'queued', 'finished'), d, body FROM t;
SELECT ddl, kind FROM prod_index_advice('SELECT * FROM jobs WHERE state = ''queued'' ORDER BY run_at LIMIT 10');
CREATE TABLE keyed_jobs(id TEXT PRIMARY KEY, state TEXT, run_at INT, body TEXT) WITHOUT ROWID;
INSERT INTO keyed_jobs SELECT 'k' || id, iif(id % 300, 'finished', 'queued'), run_at, body FROM jobs;
SELECT ddl, kind FROM prod_index_advice('SELECT * FROM keyed_jobs WHERE state = ''queued'' ORDER BY run_at LIMIT 10') WHERE action = 'create';
DROP TABLE jobs;
DROP TABLE keyed_jobs;

.print == IS NULL, IS, and both together
SELECT ddl FROM prod_index_advice('SELECT * FROM t WHERE c IS NULL');
SELECT ddl FROM prod_index_advice('SELECT * FROM t WHERE a IS ? AND b IS ?', '{"proof":"none"}');

.print == a boolean and a tiny table need none
SELECT 'rows', count(*) FROM prod_index_advice('SELECT * FROM t WHERE flag = 1');
CREATE TABLE tiny(a, b);
INSERT INTO tiny VALUES (1, 2), (3, 4);
SELECT 'rows', count(*) FROM prod_index_advice('SELECT * FROM tiny WHERE a = 1 ORDER BY b');

.print == count(DISTINCT), min and max
SELECT ddl FROM prod_index_advice('SELECT count(DISTINCT a) FROM t');
SELECT ddl FROM prod_index_advice('SELECT max(d) FROM t');

.print == never on the INTEGER PRIMARY KEY
SELECT 'rows', count(*) FROM prod_index_advice('SELECT * FROM t WHERE id = 5; SELECT * FROM t WHERE id > 5 AND id < 9');

.print == WITHOUT ROWID and TEXT primary keys
CREATE TABLE w(k TEXT PRIMARY KEY, v INT, x TEXT) WITHOUT ROWID;
INSERT INTO w SELECT 'k' || id, a, c FROM t;
CREATE TABLE p(k TEXT PRIMARY KEY, v INT);
INSERT INTO p SELECT 'k' || id, a FROM t;
SELECT 'rows', count(*) FROM prod_index_advice('SELECT * FROM w WHERE k = ''k7''; SELECT * FROM p WHERE k = ''k7''');
SELECT ddl, write_cost_ratio FROM prod_index_advice('SELECT * FROM w WHERE v = 7') WHERE action = 'create';
SELECT ddl FROM prod_index_advice('SELECT * FROM p WHERE v = 7') WHERE action = 'create';

.print == the index of one statement begins that of another
SELECT ddl, queries FROM prod_index_advice('SELECT * FROM t WHERE a = 1; SELECT d FROM t WHERE a = 1 AND d > 3');

.print == a partial index that exists does not hide the one that is needed
CREATE INDEX t_a_some ON t(a) WHERE a > 990;
SELECT ddl FROM prod_index_advice('SELECT * FROM t WHERE a = 5');
DROP INDEX t_a_some;

.print == what there is already is not tried once more under another name
CREATE INDEX here ON t(A, d);
CREATE INDEX open_ones ON t(d) WHERE e = 'open';
CREATE INDEX lower_c ON t(lower(c));
SELECT 'rows', count(*) FROM prod_index_advice('SELECT a, sum(d) FROM t WHERE a > 5 GROUP BY a; SELECT * FROM t WHERE a = 5 AND d > 7; SELECT * FROM t WHERE e = ''open'' AND d > 9; SELECT * FROM t WHERE lower(c) = ?', '{"show_rejected":true}') WHERE ddl NOT LIKE '% ON t(e%';
DROP INDEX here;
DROP INDEX open_ones;
DROP INDEX lower_c;

.print == names that collide
CREATE TABLE t_a(x);
CREATE VIEW t_a_2 AS SELECT 1;
SELECT ddl FROM prod_index_advice('SELECT * FROM t WHERE a = 5');
DROP TABLE t_a;
DROP VIEW t_a_2;

.print == an existing index is replaced by a wider one
CREATE INDEX t_a ON t(a);
SELECT action, ddl, undo_ddl FROM prod_index_advice('SELECT a, sum(d) FROM t GROUP BY a; SELECT * FROM t WHERE a = 5');

.print == one that two new ones begin with is replaced by one of them
SELECT action, ddl, undo_ddl FROM prod_index_advice('SELECT d FROM t WHERE a = ? ORDER BY b; SELECT d FROM t WHERE a = ? ORDER BY c', '{"proof":"none"}');
DROP INDEX t_a;

.print == statistics of an empty table are out of date
UPDATE sqlite_stat1 SET stat = '1' WHERE tbl = 't';
SELECT rank, action, ddl, kind, verified FROM prod_index_advice('SELECT count(*) FROM t x JOIN w ON w.v = x.a AND x.b = 3') WHERE rank = 1;
ANALYZE;

.print == OR, CTE, views, DESC, LIKE, collations, generated columns
CREATE VIEW open_ones AS SELECT * FROM t WHERE e = 'open';
CREATE TABLE g(x INT, y INT AS (x * 3));
INSERT INTO g SELECT id FROM t;
SELECT ddl FROM prod_index_advice('SELECT * FROM t WHERE a = 7 OR d = 9') ORDER BY ddl;
SELECT ddl FROM prod_index_advice('WITH x AS (SELECT * FROM t) SELECT * FROM x WHERE a = 7');
SELECT ddl FROM prod_index_advice('SELECT * FROM open_ones WHERE d = 7');
SELECT ddl FROM prod_index_advice('SELECT * FROM t ORDER BY a DESC, d LIMIT 5');
SELECT ddl FROM prod_index_advice('SELECT * FROM t WHERE c LIKE ''name 77%''');
SELECT ddl FROM prod_index_advice('SELECT * FROM t WHERE c = ''NAME 7'' COLLATE NOCASE');
SELECT ddl FROM prod_index_advice('SELECT * FROM g WHERE y = 9');

.print == what writes is measured by what it searches, triggers and upserts too
CREATE TABLE log(id INTEGER PRIMARY KEY, what TEXT, t_id INT);
INSERT INTO log SELECT id, e, id FROM t;
SELECT ddl, before_ms > after_ms FROM prod_index_advice('DELETE FROM t WHERE a = 5');
SELECT ddl FROM prod_index_advice('UPDATE OR IGNORE t SET b = 1, c = ''x'' WHERE a = ?');
SELECT action, table_name, columns LIKE 'a%' FROM prod_index_advice('INSERT INTO log(what, t_id) SELECT c, d FROM t WHERE a = 5 ON CONFLICT DO NOTHING');
CREATE TRIGGER t_gone AFTER DELETE ON t BEGIN DELETE FROM log WHERE t_id = OLD.id; END;
SELECT ddl, queries FROM prod_index_advice('DELETE FROM t WHERE id = 5');
SELECT count(*), (SELECT count(*) FROM log) FROM t;
CREATE TRIGGER log_told AFTER INSERT ON log BEGIN SELECT 1; UPDATE t SET c = 'two
lines; in one' WHERE d = NEW.t_id; END;
SELECT ddl FROM prod_index_advice('INSERT INTO log(what) VALUES (1)');
DROP TRIGGER log_told;

.print == parameters get values of the columns that they stand beside
SELECT action, columns LIKE 'a%', before_pages > after_pages FROM prod_index_advice('SELECT * FROM t WHERE a = :a AND b IN (?, ?) LIMIT ?');
SELECT ddl FROM prod_index_advice('SELECT * FROM t WHERE d BETWEEN ?1 AND ?2');

.print == writes in all their forms, with the triggers of the table that is written
CREATE TABLE w1(id INTEGER PRIMARY KEY, a INT, b INT);
CREATE TABLE w2(id INTEGER PRIMARY KEY, x INT, y INT, w1_id INT);
CREATE TABLE w3(id INTEGER PRIMARY KEY, w2_id INT, z INT);
INSERT INTO w1 SELECT id, id * 7919 % 20000, id FROM t LIMIT 20000;
INSERT INTO w2 SELECT id, a, b, id FROM w1;
INSERT INTO w3 SELECT id, a, b FROM w1;
CREATE TRIGGER w2_gone AFTER DELETE ON w2 BEGIN DELETE FROM w3 WHERE w2_id = OLD.id; END;
CREATE TEMP TABLE writes(n INTEGER PRIMARY KEY, sql TEXT);
INSERT INTO writes(sql) VALUES
  ('UPDATE w1 SET b = w2.y FROM w2 WHERE w2.w1_id = w1.id AND w2.x = 5'),
  ('UPDATE w1 AS q SET b = u.y, a = (SELECT 1 FROM w3) FROM w2 AS u JOIN w3 ON w3.w2_id = u.id WHERE u.x = ? AND q.id = u.w1_id RETURNING id'),
  ('UPDATE w1 SET b = 1 FROM (SELECT w1_id FROM w2 WHERE x = 5) AS w WHERE w.w1_id = w1.id'),
  ('WITH w AS (SELECT w1_id FROM w2 WHERE x = 5) DELETE FROM w1 WHERE id IN (SELECT w1_id FROM w)'),
  ('WITH w(i) AS (SELECT w1_id FROM w2 WHERE x = 5) UPDATE w1 SET b = 3 WHERE id IN w'),
  ('WITH w AS (SELECT w1_id FROM w2 WHERE x = 5) UPDATE w1 SET b = 3 FROM w WHERE w.w1_id = w1.id'),
  ('WITH w AS (SELECT w1_id FROM w2 WHERE x = 5) INSERT INTO w3(w2_id) SELECT w1_id FROM w WHERE true ON CONFLICT DO NOTHING'),
  ('INSERT INTO w3(w2_id) WITH w AS (SELECT w1_id FROM w2 WHERE x = 5) SELECT w1_id FROM w'),
  ('WITH w AS (SELECT id FROM w1 WHERE id = 5) DELETE FROM w2 WHERE id IN (SELECT id FROM w)'),
  ('REPLACE INTO w3(id, w2_id) SELECT id, y FROM w2 WHERE x = 4'),
  ('DELETE FROM w1 WHERE a = 5 RETURNING id'),
  ('UPDATE w1 SET b = 1 WHERE a = 5 RETURNING (SELECT max(y) FROM w2)'),
  ('INSERT INTO w1 VALUES (1, (SELECT y FROM w2 WHERE x = 5), 3)');
SELECT n, table_name, substr(columns, 1, instr(columns || ',', ',') - 1) AS first_column, verified, before_ms > after_ms
FROM writes, prod_index_advice(writes.sql, '{"proof":"copy"}') ORDER BY n, table_name;
SELECT 'rows', count(*) FROM prod_index_advice('INSERT INTO w1 VALUES (1, 2, 3)', '{"proof":"copy"}');
SELECT (SELECT count(*) FROM w1), (SELECT count(*) FROM w2), (SELECT count(*) FROM w3);

ANALYZE;

.print == a table with statements and how often each runs
CREATE TEMP TABLE workload(sql TEXT, calls INT);
INSERT INTO workload VALUES ('SELECT * FROM t WHERE a = 5', 1000), ('SELECT * FROM t WHERE d = 5', 1), (NULL, 5), ('SELECT * FROM nope', 1);
SELECT action, ddl, queries, calls, reason LIKE 'statement 3%' FROM prod_index_advice(NULL, '{"workload_table":"workload"}');
SELECT ddl, calls FROM prod_index_advice(NULL, '{"workload_table":"workload","max_indexes":1}') WHERE action = 'create';

.print == a file with statements
.shell printf 'SELECT * FROM t WHERE a = 5; -- one;\nSELECT * FROM t WHERE d = 5;\n' > queries.sql
SELECT ddl, calls FROM prod_index_advice(NULL, '{"workload_file":"queries.sql"}') ORDER BY ddl;

.print == what runs fast may run often: nobody said how often
CREATE TABLE big AS SELECT t.id, t.a, t.c FROM t, (VALUES (1), (2));
CREATE TABLE small AS SELECT id, d FROM t WHERE id <= 30000;
SELECT ddl FROM prod_index_advice('SELECT count(*), sum(length(x.c || x.a)) FROM big x JOIN big y ON y.id = x.id + 0; SELECT * FROM small WHERE d = 7') WHERE table_name = 'small';
CREATE TEMP TABLE often AS SELECT 'SELECT count(*), sum(length(x.c || x.a)) FROM big x JOIN big y ON y.id = x.id + 0' AS sql, 100 AS calls UNION ALL SELECT 'SELECT * FROM small WHERE d = 7', 1;
SELECT 'rows', count(*) FROM prod_index_advice(NULL, '{"workload_table":"often"}') WHERE table_name = 'small' AND action = 'create';
DROP TABLE big;
DROP TABLE small;

.print == of hundreds of statements, one stands for all of its form
CREATE TEMP TABLE many AS WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
SELECT 'SELECT * FROM t WHERE a = ' || i AS sql, 2 AS calls FROM n;
INSERT INTO many VALUES ('SELECT * FROM nope WHERE a = 1', 1), ('SELECT  *  FROM nope WHERE a = 2.5', 1);
SELECT action, ddl, queries, calls FROM prod_index_advice(NULL, '{"workload_table":"many"}') WHERE action = 'create';
SELECT reason FROM prod_index_advice(NULL, '{"workload_table":"many"}') WHERE action = 'skipped';

.print == limits
SELECT 'rows', count(*) FROM prod_index_advice('SELECT * FROM t WHERE a = 5', '{"budget_bytes":5000}');
CREATE TEMP TABLE once AS SELECT 'SELECT * FROM t WHERE a = 5' AS sql, 1 AS calls;
SELECT 'rows', count(*) FROM prod_index_advice(NULL, '{"workload_table":"once","min_gain_ratio":1}');
SELECT ddl, verified, before_ms FROM prod_index_advice('SELECT * FROM t WHERE a = 5', '{"proof":"none"}');
SELECT ddl, verified FROM prod_index_advice('SELECT * FROM t WHERE a = 5', '{"proof":"copy"}');

.print == a sample instead of a copy: large tables in part, small ones whole
SELECT action, ddl, est_bytes > 500000, before_ms > after_ms, write_cost_ratio > 0, verified FROM prod_index_advice('SELECT * FROM t WHERE a = 5', '{"proof":"sample"}');
SELECT ddl, verified FROM prod_index_advice('SELECT * FROM t JOIN tiny ON tiny.a = t.b WHERE t.d = 5', '{"proof":"sample"}');

.print == what inserting may cost at most: the first new index of a table is free of it
SELECT ddl FROM prod_index_advice('SELECT * FROM t WHERE a = 5', '{"max_write_cost_ratio":1}');
SELECT count(*) FROM prod_index_advice('SELECT a, sum(d) FROM t GROUP BY a; SELECT b, sum(a) FROM t GROUP BY b', '{"max_write_cost_ratio":1}') WHERE action = 'create';
SELECT count(*) > 0 FROM prod_index_advice('SELECT a, sum(d) FROM t GROUP BY a; SELECT b, sum(a) FROM t GROUP BY b', '{"max_write_cost_ratio":1,"show_rejected":true}') WHERE action = 'rejected' AND reason LIKE '%inserting into the table%';

.print == a deadline that comes at once leaves the planner's advice, and says so
SELECT ddl, verified FROM prod_index_advice('SELECT count(*) FROM t x JOIN t y ON x.b = y.b JOIN t z ON z.b = y.b WHERE x.a = 5', '{"max_seconds":0.1}') LIMIT 1;

.print == an attached schema
ATTACH 'other.db' AS other;
CREATE TABLE other.o(x INT, y INT);
INSERT INTO other.o SELECT a, d FROM t;
SELECT ddl, undo_ddl, verified FROM prod_index_advice('SELECT * FROM o WHERE x = 5; SELECT * FROM other.o WHERE y = 5', '{"schema":"other","proof":"copy"}') ORDER BY ddl;
SELECT * FROM prod_index_advice('SELECT * FROM t WHERE a = 5', '{"schema":"other"}');

.print == names that could be our own, and hostile ones
CREATE TABLE listed AS SELECT a, d FROM t;
CREATE TABLE chosen AS SELECT a, d FROM t;
CREATE TABLE prodkit_aside AS SELECT a, d FROM t;
CREATE TABLE "a""b'c
DROP TABLE t; --"("x""y';
DROP TABLE t; --" INT, b INT);
INSERT INTO "a""b'c
DROP TABLE t; --" SELECT d, d FROM t;
SELECT ddl, verified FROM prod_index_advice('SELECT * FROM listed WHERE a = 5; SELECT * FROM main.chosen WHERE d = 5; SELECT * FROM prodkit_aside WHERE d = 5') ORDER BY ddl;
SELECT ddl, verified FROM prod_index_advice('SELECT * FROM "a""b''c
DROP TABLE t; --" WHERE "x""y'';
DROP TABLE t; --" = 5');
ATTACH ':memory:' AS "x'y""; DROP TABLE t";
CREATE TABLE "x'y""; DROP TABLE t".o(x INT);
INSERT INTO "x'y""; DROP TABLE t".o SELECT d FROM t;
SELECT ddl, verified FROM prod_index_advice('SELECT * FROM o WHERE x = 5', json_object('schema', 'x''y"; DROP TABLE t', 'proof', 'copy'));
SELECT count(*) FROM t;
DETACH "x'y""; DROP TABLE t";

.print == a workload that is empty
CREATE TEMP TABLE blank(query);
SELECT * FROM prod_index_advice(NULL, '{"workload_table":"blank"}');
INSERT INTO blank VALUES (NULL), (''), (' ; ;'), ('-- SELECT 1'), ('/* */'), (x'00');
SELECT * FROM prod_index_advice(NULL, '{"workload_table":"blank"}');
SELECT * FROM prod_index_advice(';;');

.print == inside a write transaction there is no copy
BEGIN IMMEDIATE;
SELECT ddl, verified FROM prod_index_advice('SELECT * FROM t WHERE a = 5');
COMMIT;

.print == bad options
SELECT * FROM prod_index_advice('SELECT 1', '{"nope":1}');
SELECT * FROM prod_index_advice('SELECT 1', '{"proof":"guess"}');
SELECT * FROM prod_index_advice('SELECT 1', '{"max_indexes":0}');
SELECT * FROM prod_index_advice('SELECT 1', '{"max_seconds":"long"}');
SELECT * FROM prod_index_advice('SELECT 1', '{"min_gain_ratio":2}');
SELECT * FROM prod_index_advice('SELECT 1', '{"max_write_cost_ratio":0.5}');
SELECT * FROM prod_index_advice('SELECT 1', '{"schema":"nope"}');
SELECT * FROM prod_index_advice('SELECT 1', '{"schema":"Temp"}');
SELECT * FROM prod_index_advice('SELECT 1', '{"schema":""}');
SELECT * FROM prod_index_advice('SELECT 1', '{"workload_table":"workload"}');
SELECT * FROM prod_index_advice(NULL, '{"workload_table":"nope"}');
SELECT * FROM prod_index_advice(NULL, '{"workload_table":"tiny"}');
SELECT * FROM prod_index_advice(NULL, '{"workload_file":"missing/q.sql"}');
SELECT * FROM prod_index_advice(NULL, '{"workload_file":"."}');
.shell : > empty.sql
SELECT * FROM prod_index_advice(NULL, '{"workload_file":"empty.sql"}');

.print == tables into which the copy's rows cannot be inserted again
CREATE TABLE r(rowid TEXT, a INT, d TEXT);
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
INSERT INTO r SELECT 'r' || i % 50, i * 7919 % 3001, hex(randomblob(30)) FROM n;
CREATE TABLE k(a INT, d TEXT, b INT CHECK (b > 0) );
PRAGMA ignore_check_constraints = ON;
INSERT INTO k SELECT a, d, 0 FROM r;
PRAGMA ignore_check_constraints = OFF;
SELECT action, ddl, write_cost_ratio, verified FROM prod_index_advice('SELECT d FROM r WHERE a = ?; SELECT d FROM k WHERE a = ?', '{"proof":"copy"}') WHERE action = 'create' ORDER BY ddl;

.print == how often a table is written to: a WITH does not hide it, a column of its name is not it
CREATE TABLE u(id INTEGER PRIMARY KEY, a INT, d TEXT);
CREATE TABLE o(u, x);
INSERT INTO u SELECT NULL, a, d FROM r;
CREATE TABLE counted(sql, calls);
INSERT INTO counted SELECT 'SELECT d FROM u WHERE id = ' || id, 1 FROM u LIMIT 20;
INSERT INTO counted VALUES ('SELECT d FROM u WHERE a = ?', 1000), ('INSERT INTO u(a) VALUES (?)', 500000);
SELECT 'INSERT', count(*) FROM prod_index_advice(NULL, '{"workload_table":"counted","proof":"copy"}') WHERE action = 'create';
UPDATE counted SET sql = 'WITH v(a) AS (VALUES (?)) INSERT INTO main.u(a) SELECT a FROM v' WHERE calls = 500000;
SELECT 'WITH', count(*) FROM prod_index_advice(NULL, '{"workload_table":"counted","proof":"copy"}') WHERE action = 'create';
UPDATE counted SET sql = 'INSERT OR IGNORE INTO o(u, x) VALUES (?, 1)' WHERE calls = 500000;
SELECT 'another table', count(*) FROM prod_index_advice(NULL, '{"workload_table":"counted","proof":"copy"}') WHERE action = 'create';

.print == in memory, and the database is as it was
.open :memory:
.load prodkit
CREATE TABLE m(a, b);
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO m SELECT i, i FROM n;
SELECT ddl, verified FROM prod_index_advice('SELECT * FROM m WHERE a = 5', '{"proof":"copy"}');
SELECT name FROM sqlite_schema;
.shell ls
