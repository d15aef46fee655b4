-- index_review.sql: the indexes that exist, which are missing, which are of no
-- use, and what to run.
--
--     sqlite3 app.db < sql/index_review.sql
--
-- Run it from the folder that has prodkit.so. It changes nothing. What it prints
-- is SQL: comments to read, and statements to run where they convince:
--
--     sqlite3 app.db < sql/index_review.sql > review.sql
--     sqlite3 app.db < review.sql
--
-- The schema alone tells which foreign keys have no index and which indexes
-- repeat others; the views are taken for queries that somebody found worth a
-- name. More is known where one of these is in the current folder:
--
--   * stats.db: what the application runs, and how often, as it has saved it with
--     SELECT prod_stats_save('stats.db')
--   * queries.sql: the statements that it runs, with a semicolon after each
--
-- That is taken for all that runs: an index that none of it uses is a drop.

.bail on
.load ./prodkit
.headers off
.mode list

.output /dev/null
SELECT prod_stats_load('stats.db') WHERE readfile('stats.db') IS NOT NULL;
.output

-- A name may have a line break in it, after which a comment would be none.
SELECT '-- The indexes that exist:';
SELECT '--   ' || replace(
         printf('%s(%s) of %s', index_name, columns, table_name)
           || iif(bytes IS NULL, '', printf(', %,d KiB', (bytes + 512) / 1024))
           || iif(calls IS NULL, '', printf(', used by %,d calls', calls))
           || ': ' || verdict, char(10), ' ')
  FROM prod_indexes;

CREATE TEMP TABLE review_workload AS
SELECT query AS sql, calls, 'stats.db' AS source FROM prod_query_stats
UNION ALL
SELECT CAST(readfile('queries.sql') AS TEXT), 1, 'queries.sql'
 WHERE readfile('queries.sql') IS NOT NULL
UNION ALL
SELECT printf('SELECT * FROM "%w"', name), 1, 'views'
  FROM sqlite_schema WHERE type = 'view';

CREATE TEMP TABLE review(
  place INTEGER PRIMARY KEY, action TEXT, ddl TEXT, undo_ddl TEXT,
  table_name TEXT, columns TEXT, before_ms REAL, after_ms REAL, verified TEXT,
  reason TEXT, warnings TEXT);

-- Views alone are not all that runs; and without a view there is no statement.
INSERT INTO review
SELECT NULL, action, ddl, undo_ddl, table_name, columns, before_ms, after_ms,
       verified, reason, warnings
  FROM (SELECT max(source <> 'views') AS whole,
               coalesce(group_concat(sql, ';') || ';', '') || 'SELECT 1' AS sql
          FROM review_workload) s,
       prod_index_advice(
         iif(whole, NULL, s.sql),
         iif(whole, '{"workload_table":"review_workload"}', '{}'));

-- What the schema alone tells, unless that is told already.
INSERT INTO review
SELECT NULL, action, ddl, undo_ddl, table_name, columns, before_ms, after_ms,
       verified, reason, warnings
  FROM prod_index_advice(NULL, '{"captured":false}') a
 WHERE NOT EXISTS
  (SELECT 1 FROM review r
    WHERE instr(r.ddl, a.ddl) > 0
       OR (a.action = 'create' AND r.action IN ('create', 'replace')
           AND r.table_name = a.table_name
           AND instr(r.columns || ', ', a.columns || ', ') = 1));

SELECT '--';
SELECT '-- Advice, from the schema'
    || coalesce(', ' || group_concat(source, ', '), '') || ':'
  FROM (SELECT DISTINCT source FROM review_workload);
SELECT '--   ' || replace(
         place || '. ' || action
           || iif(columns IS NULL, '', printf(' %s(%s)', table_name, columns))
           || ': ' || reason, char(10), ' ')
    || iif(before_ms IS NULL, '', char(10) || printf(
         '--      measured: %.1f ms before, %.1f ms after', before_ms, after_ms))
    || iif(warnings IS NULL, '', char(10) || '--      note: '
         || replace(warnings, char(10), ' '))
  FROM review ORDER BY place;
SELECT '--   nothing to change' WHERE NOT EXISTS (SELECT 1 FROM review);

SELECT '--' || char(10) || '-- What to run:'
 WHERE EXISTS (SELECT 1 FROM review WHERE ddl IS NOT NULL);
SELECT printf('%s; -- %d', ddl, place) FROM review
 WHERE ddl IS NOT NULL AND action <> 'analyze' ORDER BY action = 'drop', place;
-- Tables that have statistics want them for new indexes, too.
SELECT ddl || ';' FROM review WHERE action = 'analyze'
UNION
SELECT printf('ANALYZE "%w";', table_name) FROM review
 WHERE action IN ('create', 'replace')
   AND table_name IN (SELECT table_name FROM prod_indexes
                       WHERE distinct_ratio IS NOT NULL);

SELECT '--' || char(10) || '-- What takes it back:'
 WHERE EXISTS (SELECT 1 FROM review WHERE undo_ddl IS NOT NULL);
SELECT printf('--   %s; -- %d', replace(undo_ddl, char(10), ' '), place)
  FROM review WHERE undo_ddl IS NOT NULL ORDER BY place;
