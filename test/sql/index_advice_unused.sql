.nullvalue NULL
.open app.db
.load prodkit
CREATE TABLE parent(id INTEGER PRIMARY KEY, x INT);
CREATE TABLE t(id INTEGER PRIMARY KEY, a INT, b INT, c INT, d INT, p INT REFERENCES parent(id), e TEXT);
CREATE TABLE other(a INT);
CREATE TABLE tiny(a INT);
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
INSERT INTO t SELECT i, i % 1000, i % 500, i, i * 7919 % 30000, i % 100, 'e' || i FROM n;
INSERT INTO other SELECT a FROM t LIMIT 1000;
INSERT INTO tiny VALUES (1);
CREATE INDEX t_a ON t(a);
CREATE INDEX t_b_c ON t(b, c);
CREATE INDEX t_b ON t(b);
CREATE INDEX t_c ON t(c);
CREATE INDEX t_d ON t(d);
CREATE INDEX t_e ON t(e);
CREATE INDEX t_p ON t(p);
CREATE INDEX t_d_some ON t(d) WHERE b = 1;
CREATE INDEX t_lower ON t(lower(e));
CREATE UNIQUE INDEX t_id_d ON t(id, d);
CREATE INDEX other_a ON other(a);
CREATE INDEX tiny_a ON tiny(a);
CREATE TRIGGER t_new AFTER INSERT ON t BEGIN
  SELECT raise(ABORT, 'twice') WHERE EXISTS (SELECT 1 FROM t WHERE e = NEW.e AND id <> NEW.id);
END;
ANALYZE;
CREATE TEMP TABLE workload(sql TEXT, calls INT);
INSERT INTO workload VALUES
  ('SELECT * FROM t WHERE a = ?', 100), ('SELECT count(*) FROM t INDEXED BY t_b WHERE b = ?', 5),
  ('INSERT INTO t(a) VALUES (?)', 50), ('SELECT * FROM tiny WHERE a = 2', 1);

.print == not those of another table, of a foreign key, of a trigger, unique, partial, on an expression, or of a small table
SELECT action, ddl, kind, verified, reason FROM prod_index_advice(NULL, '{"workload_table":"workload"}');

.print == what it would spare, and what takes it back
SELECT undo_ddl, columns, est_bytes > 100000, write_cost_ratio BETWEEN 0.1 AND 1.1, queries, before_ms, warnings
FROM prod_index_advice(NULL, '{"workload_table":"workload"}') WHERE columns = 'd';

.print == by the planner alone
SELECT action, ddl, verified, write_cost_ratio FROM prod_index_advice(NULL, '{"workload_table":"workload","proof":"none"}') WHERE kind = 'unused';

.print == typed statements are not all that runs
SELECT 'rows', count(*) FROM prod_index_advice('SELECT * FROM t WHERE a = ?; SELECT * FROM other WHERE rowid = 5');

.print == a file of statements is
.shell printf 'SELECT * FROM other WHERE rowid = 5;' > queries.sql
SELECT ddl, kind, reason FROM prod_index_advice(NULL, '{"workload_file":"queries.sql","proof":"none"}');

.print == a statement that could not be looked at may use it
INSERT INTO workload VALUES ('SELECT * FROM t WHERE app_function(c) = 3', 1), ('SELECT * FROM gone', 2);
SELECT action, table_name, ddl, kind, reason FROM prod_index_advice(NULL, '{"workload_table":"workload","proof":"none"}');
DELETE FROM workload WHERE rowid > 4;

.print == an index that is replaced is not dropped besides
INSERT INTO workload VALUES ('SELECT sum(e), c FROM t WHERE c BETWEEN ? AND ? AND d + 0 = c GROUP BY c', 100000);
SELECT action, ddl FROM prod_index_advice(NULL, '{"workload_table":"workload"}') WHERE ddl LIKE '%t_c%';
DELETE FROM workload WHERE rowid > 4;

.print == captured statements
SELECT json_extract(prod_stats_start(), '$.hook_active');
SELECT count(*) FROM other WHERE rowid = 5;
SELECT count(*) FROM other WHERE rowid = 6;
SELECT count(*) FROM other WHERE rowid IN (1, 2);
SELECT ddl, kind, reason FROM prod_index_advice WHERE kind = 'unused' AND options = '{"proof":"none"}';
SELECT count(*) FROM other WHERE a = 7;
SELECT 'rows', count(*) FROM prod_index_advice WHERE kind = 'unused' AND table_name = 'other';
SELECT json_extract(prod_stats_stop(), '$.stopped');
SELECT json_extract(prod_stats_reset(), '$.entries') > 0;

.print == statistics that do not hold all
CREATE TEMP TABLE prod_query_stats AS
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1001)
SELECT 'SELECT ' || i || ' FROM other WHERE rowid = 5' AS query, 1 AS calls, 1001 - i AS total_ms FROM n;
SELECT action, reason FROM prod_index_advice WHERE table_name = 'other' AND options = '{"proof":"none"}';
DROP TABLE temp.prod_query_stats;

.print == an attached schema, and names with quotes and Unicode
ATTACH 'other.db' AS "an other";
CREATE TABLE "an other"."größe ""x"""("se lect" INT, b INT);
CREATE INDEX "an other"."i ""1""" ON "größe ""x"""("se lect");
CREATE INDEX "an other"."i ""2""" ON "größe ""x"""(b);
INSERT INTO "an other"."größe ""x""" SELECT c, c FROM t LIMIT 500;
CREATE TEMP TABLE odd AS SELECT 'SELECT * FROM "größe ""x""" WHERE b = 5' AS sql;
SELECT action, ddl, undo_ddl, reason FROM prod_index_advice(NULL, '{"workload_table":"odd","schema":"an other"}');

.print == an index of the same name in another case, and a view
CREATE VIEW few AS SELECT a FROM other WHERE a > 900;
CREATE TEMP TABLE viewed AS SELECT 'SELECT * FROM FEW' AS sql UNION ALL SELECT 'SELECT * FROM T WHERE C = 5';
SELECT ddl FROM prod_index_advice(NULL, '{"workload_table":"viewed","proof":"none"}') WHERE kind = 'unused';

.print == following it leaves nothing to drop
DROP INDEX t_c;
DROP INDEX t_d;
SELECT 'rows', count(*) FROM prod_index_advice(NULL, '{"workload_table":"workload"}') WHERE kind = 'unused';
