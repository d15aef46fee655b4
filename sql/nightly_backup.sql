-- nightly_backup.sql: a verified, compressed backup of today, for cron.
--
--     sqlite3 app.db < sql/nightly_backup.sql
--
-- Run it from the folder that has prodkit.so and a folder `backups`. It writes
-- backups/NAME-YYYYMMDDTHHMMSSZ.db.gz, after the name of the database and the
-- time in UTC, with a manifest beside it, and then removes the backups of this
-- database that are no longer wanted: the newest of each of the last 7 days, 5
-- weeks and 12 months stay. Others may read and write meanwhile. It prints the
-- new backup, and what was removed and why. When anything fails it prints that,
-- leaves no unfinished file, and ends with exit code 1, so cron's mail tells:
--
--     15 3 * * *  cd /srv/app && sqlite3 app.db < sql/nightly_backup.sql
--
-- A backup that must stay: SELECT prod_backup_hold('backups/NAME-...', true);
-- one that is needed: SELECT prod_restore('backups/NAME-...', 'restored.db').

.bail on
.load ./prodkit

CREATE TEMP TABLE answer(report TEXT);
INSERT INTO answer VALUES (prod_backup_rotate('backups',
  '{"keep_daily":7,"keep_weekly":5,"keep_monthly":12}'));

SELECT json_extract(report, '$.backup.path') || ': ' ||
       json_extract(report, '$.backup.bytes') || ' bytes of ' ||
       json_extract(report, '$.backup.source_bytes') || ', verified: ' ||
       json_extract(report, '$.backup.verified')
  FROM answer;

SELECT 'removed ' || json_extract(value, '$.path') || ': ' ||
       json_extract(value, '$.reason')
  FROM answer, json_each(report, '$.pruned');
