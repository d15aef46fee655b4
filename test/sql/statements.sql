.print == the statement that asks is there, and runs
SELECT sql, runs, busy, readonly FROM prod_statements;
.print == its counters are those of SQLite
CREATE TABLE t(a, b);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO t SELECT i, -i FROM n;
SELECT runs, fullscan_steps, sorts, autoindex_rows, reprepares, memory_bytes > 1000 FROM (SELECT a FROM t ORDER BY b LIMIT 1) CROSS JOIN prod_statements;
.print == its fingerprint is that of the statistics
SELECT json_extract(prod_stats_start(), '$.hook_active');
SELECT fingerprint FROM prod_statements;
SELECT query, fingerprint FROM prod_query_stats;
.print == it is a table to be read by a statement of the user's own
CREATE VIEW v AS SELECT * FROM prod_statements;
SELECT * FROM v;
SELECT * FROM prod_statements(1);
DELETE FROM prod_statements;
