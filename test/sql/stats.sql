.print == before the start there is nothing, and it says so
CREATE TABLE t(a INTEGER PRIMARY KEY, b, c);
SELECT count(*) FROM prod_query_stats;
SELECT json_remove(prod_query_stats(), '$.since');
SELECT prod_stats_stop();
.print == starting answers the state and the settings
SELECT json_remove(prod_stats_start(), '$.since');
.print == statements that differ in their values are one row
INSERT INTO t(b, c) VALUES (1, 'x'), (2, 'y'), (3, NULL);
INSERT INTO t(b, c) VALUES (4, 'it''s');
SELECT * FROM t WHERE a = 1;
select * from T where a=2;  -- another page
SELECT * FROM t WHERE a IN (1, 2);
SELECT * FROM t WHERE a IN (1, 2, 3, 4);
UPDATE t SET b = b + 10 WHERE b < 3;
DELETE FROM t WHERE b = 99;
SELECT fingerprint, calls, rows, readonly, query FROM prod_query_stats WHERE query LIKE '% t%' ORDER BY query;
.print == the steps of full scans, sorts and automatic indexes
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO t(b, c) SELECT i, i % 7 FROM n;
SELECT count(*) FROM t WHERE b = 500;
SELECT max(b) FROM (SELECT b FROM t ORDER BY c LIMIT 2000 OFFSET 1);
SELECT count(*) FROM t x, t y WHERE x.b = y.b + 0.5;
SELECT query, fullscan_steps, sorts, autoindex_rows, no_index_used, vm_steps > 1000 FROM prod_query_stats WHERE fullscan_steps > 900 AND readonly ORDER BY query;
.print == the plan is made when it is read
SELECT plan FROM prod_query_stats WHERE query = 'select count(*) from t where b = ?';
CREATE INDEX t_b ON t(b);
SELECT plan FROM prod_query_stats WHERE query = 'select count(*) from t where b = ?';
SELECT plan FROM prod_query_stats WHERE query LIKE 'select count(*) from t x%';
SELECT plan IS NULL FROM prod_query_stats WHERE query LIKE 'create index%';
.print == the plan of a statement that can no longer be compiled is the reason
CREATE TABLE gone(a);
SELECT count(*) FROM gone;
DROP TABLE gone;
SELECT plan FROM prod_query_stats WHERE query = 'select count(*) from gone';
.print == times are of one another
SELECT min_ms <= p50_ms AND p50_ms <= p95_ms AND p95_ms <= p99_ms AND p99_ms <= max_ms, min_ms <= mean_ms AND mean_ms <= max_ms, stddev_ms >= 0, round(total_ms - mean_ms * calls, 6) = 0, first_seen <= last_seen, typeof(max_ms) FROM prod_query_stats GROUP BY 1, 2, 3, 4, 5, 6;
SELECT first_seen GLOB '20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z' FROM prod_query_stats LIMIT 1;
.print == what triggers and functions do belongs to the statement around it
CREATE TABLE log(a);
CREATE TRIGGER t_log AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); END;
INSERT INTO t(b) VALUES (77);
SELECT count(*) > 5 FROM prod_health;
SELECT group_concat(query, char(10)) FROM (SELECT query FROM prod_query_stats WHERE query LIKE '%log%' OR query LIKE '%pragma%' OR query LIKE '--%' ORDER BY query);
SELECT calls, rows FROM prod_query_stats WHERE query = 'insert into t(b) values (?)';
.print == a comment in front of a statement does not hide it
-- which page?
/* this one */ SELECT 'commented' FROM t LIMIT 1;
SELECT calls, query FROM prod_query_stats WHERE query = 'select ? from t limit ?';
.print == page cache hits and misses are counted on request
SELECT count(*) FROM prod_query_stats WHERE cache_hit IS NOT NULL;
SELECT json_extract(prod_stats_start('{"page_cache":true}'), '$.page_cache');
SELECT sum(a) FROM t;
SELECT cache_hit > 3, cache_miss FROM prod_query_stats WHERE query = 'select sum(a) from t';
.print == other connections of the process: one row for each database file
.open app.db
.load prodkit
CREATE TABLE t(a INTEGER PRIMARY KEY, b, c);
SELECT json_extract(prod_query_stats(), '$.hook_active'), json_extract(prod_query_stats(), '$.connections');
SELECT count(*), max(hook_active) FROM prod_query_stats WHERE calls > 1;
SELECT json_extract(prod_stats_start(), '$.hook_active', '$.connections', '$.page_cache');
SELECT * FROM t WHERE a = 1;
SELECT calls, replace(database_file, rtrim(database_file, 'abcdefghijklmnopqrstuvwxyz.'), '…/') FROM prod_query_stats WHERE query = 'select * from t where a = ?' ORDER BY database_file;
SELECT count(plan) FROM prod_query_stats WHERE database_file = '';
SELECT DISTINCT hook_active FROM prod_query_stats;
.print == a hook that somebody else took is told, and left alone
.trace off
SELECT json_extract(prod_query_stats(), '$.hook_active', '$.connections');
SELECT DISTINCT hook_active FROM prod_query_stats;
SELECT prod_stats_stop();
.print == asked for again, it is taken again
SELECT json_extract(prod_stats_start(), '$.hook_active', '$.connections');
SELECT 'watched', 'again';
SELECT calls FROM prod_query_stats WHERE query = 'select ?, ?';
.print == stopped, nothing is added
SELECT prod_stats_stop();
SELECT 'watched', 'again';
SELECT calls FROM prod_query_stats WHERE query = 'select ?, ?';
SELECT prod_stats_stop();
.print == statistics go into a file and come back
SELECT json_extract(prod_stats_save('stats.db'), '$.path'), json_extract(prod_query_stats(), '$.entries') > 10;
CREATE TEMP TABLE before AS SELECT * FROM prod_query_stats;
SELECT json_extract(prod_stats_reset(), '$.entries') > 10;
SELECT count(*) FROM prod_query_stats;
SELECT json_extract(prod_stats_load('stats.db'), '$.path', '$.entries') = json_array('stats.db', (SELECT count(*) FROM before));
SELECT count(*) FROM (SELECT fingerprint, query, database_file, calls, round(total_ms, 6), min_ms, max_ms, p95_ms, rows, vm_steps, readonly, no_index_used, first_seen FROM before EXCEPT SELECT fingerprint, query, database_file, calls, round(total_ms, 6), min_ms, max_ms, p95_ms, rows, vm_steps, readonly, no_index_used, first_seen FROM prod_query_stats);
.print == loaded twice, they add up
SELECT json_extract(prod_stats_load('stats.db'), '$.entries') > 10;
SELECT count(*) FROM prod_query_stats s JOIN before b USING (fingerprint, database_file) WHERE s.calls <> 2 * b.calls OR s.max_ms <> b.max_ms;
.print == the file is a database that anybody can read, without literals
ATTACH 'stats.db' AS stats;
SELECT name, sql FROM stats.sqlite_schema;
SELECT calls, query FROM stats.statements WHERE query = 'select ?, ?';
SELECT count(*) FROM stats.statements s WHERE calls <> (SELECT sum(calls) FROM stats.latencies WHERE statement_id = s.id);
DETACH stats;
.print == an existing file is replaced on request only
SELECT prod_stats_save('stats.db');
SELECT json_extract(prod_stats_save('stats.db', '{"overwrite":true}'), '$.path');
.print == entries are dropped when there are too many, and counted
SELECT json_extract(prod_stats_reset(), '$.slow');
SELECT json_extract(prod_stats_start('{"max_entries":20}'), '$.max_entries');
SELECT 1 AS a; SELECT 1 AS b; SELECT 1 AS c; SELECT 1 AS d; SELECT 1 AS e; SELECT 1 AS f; SELECT 1 AS g; SELECT 1 AS h; SELECT 1 AS i; SELECT 1 AS j; SELECT 1 AS k; SELECT 1 AS l; SELECT 1 AS m; SELECT 1 AS n; SELECT 1 AS o; SELECT 1 AS p; SELECT 1 AS q; SELECT 1 AS r; SELECT 1 AS s; SELECT 1 AS u; SELECT 1 AS v; SELECT 1 AS w; SELECT 1 AS x;
SELECT json_extract(prod_query_stats(), '$.entries') <= 20, json_extract(prod_query_stats(), '$.evicted') >= 4, json_extract(prod_query_stats(), '$.lost');
.print == options that are not there, or not right
SELECT prod_stats_start('{"slow":1}');
SELECT prod_stats_start('{"max_entries":1}');
SELECT prod_stats_start('{"slow_ms":-1}');
SELECT prod_stats_start('{"slow_ms":"fast"}');
SELECT prod_stats_start('{"literals":1}');
SELECT prod_stats_start('slow');
SELECT prod_stats_start('{}', 2);
SELECT prod_stats_stop(1);
SELECT prod_stats_reset(1);
SELECT json_extract(prod_query_stats(), '$.max_entries');
.print == files that are not there, or not right
SELECT prod_stats_load('missing.db');
SELECT prod_stats_load('.');
SELECT prod_stats_load('app.db');
SELECT prod_stats_load('');
SELECT prod_stats_load(NULL);
SELECT prod_stats_load();
SELECT prod_stats_load(7);
SELECT writefile('text.db', 'this is no database at all, whatever its name may say of it') > 0;
SELECT prod_stats_load('text.db');
SELECT prod_stats_save('missing/folder/stats.db');
SELECT prod_stats_save('.');
SELECT prod_stats_save('');
SELECT prod_stats_save(NULL);
SELECT prod_stats_save('x.db', '{"replace":true}');
.print == damaged files: nothing is loaded
SELECT count(*) > 0 FROM (SELECT prod_stats_reset());
ATTACH 'stats.db' AS f; UPDATE f.statements SET calls = calls + 1 WHERE id = 1; DETACH f;
SELECT prod_stats_load('stats.db');
ATTACH 'stats.db' AS f; UPDATE f.statements SET calls = calls - 1 WHERE id = 1; UPDATE f.statements SET query = query || ' x' WHERE id = 2; DETACH f;
SELECT prod_stats_load('stats.db');
ATTACH 'stats.db' AS f; UPDATE f.statements SET query = rtrim(query, ' x'), vm_steps = 'many' WHERE id = 2; DETACH f;
SELECT prod_stats_load('stats.db');
ATTACH 'stats.db' AS f; UPDATE f.statements SET vm_steps = -1 WHERE id = 2; DETACH f;
SELECT prod_stats_load('stats.db');
ATTACH 'stats.db' AS f; UPDATE f.statements SET vm_steps = 1, fingerprint = 'zz' WHERE id = 2; DETACH f;
SELECT prod_stats_load('stats.db');
ATTACH 'stats.db' AS f; UPDATE f.statements SET query = NULL WHERE id = 2; DETACH f;
SELECT prod_stats_load('stats.db');
ATTACH 'stats.db' AS f; DROP TABLE f.latencies; DETACH f;
SELECT prod_stats_load('stats.db');
ATTACH 'stats.db' AS f; PRAGMA f.user_version = 2; DETACH f;
SELECT prod_stats_load('stats.db');
SELECT writefile('cut.db', substr(readfile('stats.db'), 1, 6000)) > 0;
SELECT prod_stats_load('cut.db');
SELECT count(*) FROM prod_query_stats WHERE query NOT LIKE '%prod_stats_load%' AND query NOT LIKE '% f%' AND query NOT LIKE '%writefile%' AND query NOT LIKE '%prod_stats_reset%';
.print == they act for a statement of the user's own, not for a view of the database
CREATE VIEW v AS SELECT prod_stats_reset();
SELECT * FROM v;
CREATE VIEW w AS SELECT * FROM prod_query_stats;
SELECT * FROM w;
