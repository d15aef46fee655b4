-- nightly_backup.sql: a verified, compressed backup of today, for cron.
--
--     sqlite3 app.db < sql/nightly_backup.sql
--
-- Run it from the folder that has prodkit.so and a folder `backups`. It writes
-- backups/NAME-YYYYMMDDTHHMMSSZ.db.gz, after the name of the database and the
-- time in UTC, and prints where, how large, and how it was verified. Others may
-- read and write meanwhile. When anything fails it prints why, leaves no file,
-- and ends with exit code 1, so cron's mail tells:
--
--     15 3 * * *  cd /srv/app && sqlite3 app.db < sql/nightly_backup.sql

.bail on
.load ./prodkit

-- The file's name without its folder and ending; `database` in memory.
CREATE TEMP VIEW database_name AS
  SELECT coalesce(nullif(replace(name, '.db', ''), ''), 'database') AS name
  FROM (SELECT replace(file, rtrim(file, replace(file, '/', '')), '') AS name
        FROM pragma_database_list WHERE name = 'main');

CREATE TEMP TABLE target AS
  SELECT 'backups/' || name || strftime('-%Y%m%dT%H%M%SZ.db.gz') AS path
  FROM database_name;

CREATE TEMP TABLE answer(report TEXT);
INSERT INTO answer VALUES (prod_backup_to((SELECT path FROM target), 6));

SELECT json_extract(report, '$.path') || ': ' ||
       json_extract(report, '$.bytes') || ' bytes of ' ||
       json_extract(report, '$.source_bytes') || ', verified: ' ||
       json_extract(report, '$.verified')
FROM answer;
