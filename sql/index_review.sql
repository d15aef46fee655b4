-- index_review.sql: which indexes are missing, and which are of no use.
--
--     sqlite3 app.db < sql/index_review.sql
--
-- Needs ./prodkit.so in the current folder. Changes nothing: it prints SQL to
-- read, and to run where it convinces. It looks at three things:
--
--   * the schema: foreign keys without an index, indexes that others make
--     superfluous;
--   * the views of the database, as queries that somebody found worth a name;
--   * the statements in ./queries.sql, where there is such a file: put there
--     what your application runs, with a semicolon after each statement.
.bail on
.load ./prodkit
.headers off
.mode list

CREATE TEMP TABLE index_review AS
SELECT 'schema' AS part, rank, ddl, reason, warnings FROM prod_index_advice;

-- SELECT 1 sees to it that there is a statement where there is no view or file.
INSERT INTO index_review
SELECT 'views', rank, ddl, reason, warnings FROM prod_index_advice(
  (SELECT coalesce(group_concat(printf('SELECT * FROM "%w"', name), ';') || ';', '')
          || 'SELECT 1'
   FROM sqlite_schema WHERE type = 'view'));

INSERT INTO index_review
SELECT 'queries.sql', rank, ddl, reason, warnings FROM prod_index_advice(
  coalesce(CAST(readfile('queries.sql') AS TEXT) || char(10) || ';', '')
  || 'SELECT 1');

SELECT CASE
         WHEN rank IS NULL THEN printf('-- %s: nothing to change', part)
         ELSE printf('-- %s %d: %s', part, rank, reason)
              || coalesce(char(10) || '-- note: ' || warnings, '')
              || coalesce(char(10) || ddl || ';', '')
       END
FROM (SELECT 1 AS place, 'schema' AS part
      UNION ALL SELECT 2, 'views'
      UNION ALL SELECT 3, 'queries.sql')
LEFT JOIN index_review USING (part)
ORDER BY place, rank;
