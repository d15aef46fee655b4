-- find_databases.sql: the SQLite databases below the current folder.
--
--     sqlite3 :memory: < sql/find_databases.sql
--
-- Run it from the folder that has prodkit.so; write another root in place of '.'
-- to search elsewhere. Nothing is opened but the first 100 bytes of each file.
-- It prints the databases, the largest first, and what could not be looked at.

.bail on
.load ./prodkit

CREATE TEMP TABLE found AS SELECT * FROM prod_find_databases('.');

.mode box
SELECT path, bytes, encoding, journal_mode, written_by_version, modified_at
  FROM found WHERE problem IS NULL ORDER BY bytes DESC;

.mode list
SELECT 'not looked at: ' || path || ': ' || problem
  FROM found WHERE problem IS NOT NULL;
