-- secure.sql: takes the permissions of others from a database and its folder.
--
--     sqlite3 app.db < sql/secure.sql
--
-- Run it from the folder that has prodkit.so, as the owner of the database. The
-- database and its -wal, -shm and -journal become 0600, its folder 0700, unless
-- others rely on the folder. It prints each path with its mode before and after,
-- and what is left for a person to judge. When it may not change something it
-- changes nothing, prints why, and ends with exit code 1.

.bail on
.load ./prodkit

-- The answer is asked for once: it changes what it tells of.
CREATE TEMP TABLE answer AS SELECT prod_secure_files() AS report;

.mode box
SELECT json_extract(value, '$.path') AS path,
       json_extract(value, '$.mode_before') AS before,
       json_extract(value, '$.mode_after') AS after
  FROM answer, json_each(report, '$.paths');

.mode list
SELECT 'to judge: ' || value FROM answer, json_each(report, '$.findings');
