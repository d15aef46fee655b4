.print == before the start there is nothing
CREATE TABLE t(a INTEGER PRIMARY KEY, b, c);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t(b, c) SELECT i, i % 7 FROM n;
SELECT count(*) FROM prod_slow_log;
.print == what took less than slow_ms is not in it
SELECT json_extract(prod_stats_start(), '$.slow_ms', '$.slow_entries');
SELECT count(*) FROM t WHERE b = 5;
SELECT count(*) FROM prod_slow_log;
.print == what took longer is, the latest first, without its values
SELECT json_extract(prod_stats_start('{"slow_ms":0.000001}'), '$.slow_ms');
SELECT count(*) FROM t WHERE b = 4711;
UPDATE t SET c = 'secret' WHERE b IN (1, 2, 3);
SELECT sql, rows, full_scans FROM prod_slow_log;
SELECT count(*) FROM prod_slow_log WHERE sql || ifnull(plan, '') LIKE '%secret%' OR sql LIKE '%4711%';
.print == its plan, an indented text, is of now
SELECT a FROM t WHERE b = 3 UNION ALL SELECT a FROM t WHERE c = 3 ORDER BY 1 LIMIT 2;
SELECT plan FROM prod_slow_log WHERE sql LIKE 'select a from%';
CREATE INDEX t_b ON t(b);
SELECT plan FROM prod_slow_log WHERE sql = 'select count(*) from t where b = ?';
SELECT plan IS NULL FROM prod_slow_log WHERE sql LIKE 'create index%';
.print == columns fit together
SELECT DISTINCT ms > 0, at GLOB '20??-??-??T??:??:??Z', vm_steps > 0, typeof(sorts), typeof(autoindex_rows), database_file FROM prod_slow_log WHERE sql LIKE '% t %';
SELECT l.fingerprint = s.fingerprint FROM prod_slow_log l JOIN prod_query_stats s ON s.query = l.sql WHERE l.sql LIKE 'update%';
.print == as it was written, only when asked for, and only from then on
SELECT json_extract(prod_stats_start('{"literals":true}'), '$.literals');
SELECT count(*) FROM t WHERE b = 4711;
SELECT sql FROM prod_slow_log WHERE sql LIKE '%4711%' AND sql NOT LIKE '%slow_log%';
SELECT count(*) FROM prod_slow_log WHERE sql LIKE '%b in (1%';
.print == values that were bound are not in it
.parameter set ?1 4712
SELECT count(*) FROM t WHERE b = ?1;
SELECT sql FROM prod_slow_log LIMIT 1;
.print == only so many are kept
SELECT json_extract(prod_stats_start('{"slow_entries":3}'), '$.slow_entries', '$.slow');
SELECT 1; SELECT 2; SELECT 3; SELECT 4;
SELECT sql FROM prod_slow_log;
.print == none are kept
SELECT json_extract(prod_stats_start('{"slow_entries":0}'), '$.slow_entries');
SELECT 1;
SELECT count(*) FROM prod_slow_log;
SELECT json_extract(prod_query_stats(), '$.lost');
.print == the form of a long statement is cut, and its text not kept
SELECT json_extract(prod_stats_start('{"slow_entries":9,"literals":false}'), '$.slow_entries');
.output prodkit-long.sql
SELECT 'SELECT length(''' || printf('%.*c', 9000, 'x') || ''');';
SELECT 'SELECT 1' || replace(printf('%.*c', 1900, ','), ',', ', 1') || ' LIMIT 0;';
.output
.read prodkit-long.sql
SELECT length(sql), substr(sql, 1, 20) FROM prod_slow_log ORDER BY length(sql) DESC LIMIT 2;
SELECT sql FROM prod_slow_log WHERE sql = 'select length(?)';
.print == a reset empties it
SELECT json_extract(prod_stats_reset(), '$.slow') > 0;
SELECT count(*) FROM prod_slow_log WHERE sql NOT LIKE '%prod_stats_reset%';
.print == on another connection: the same log, and no plan for another database
SELECT count(*) FROM t WHERE b = 1;
.open other.db
.load prodkit
SELECT count(*), count(plan) FROM prod_slow_log WHERE database_file = '' AND sql LIKE '%from t where%';
.print == it is a table to be read by a statement of the user's own
CREATE VIEW v AS SELECT * FROM prod_slow_log;
SELECT * FROM v;
INSERT INTO prod_slow_log(sql) VALUES ('x');
