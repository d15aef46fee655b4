-- nightly_backup.sql: a verified, compressed backup of today, for cron.
--
--     sqlite3 app.db < sql/nightly_backup.sql
--
-- Run it from the folder that has prodkit.so and a folder `backups`. It writes
-- backups/NAME-YYYYMMDDTHHMMSSZ.db.gz, after the name of the database and the
-- time in UTC, with a manifest beside it, and then removes the backups of this
-- database that are no longer wanted: the newest of each of the last 7 days, 5
-- weeks and 12 months stay. Others may read and write meanwhile. It prints a
-- JSON object with the new backup, and what was removed and why. When anything
-- fails it prints that, leaves no unfinished file, and ends with exit code 1, so
-- that cron's mail tells:
--
--     15 3 * * *  cd /srv/app && sqlite3 app.db < sql/nightly_backup.sql
--
-- A backup that must stay: SELECT prod_backup_hold('backups/NAME-...', true);
-- one that is needed: SELECT prod_restore('backups/NAME-...', 'restored.db').

.bail on
.load ./prodkit

-- By itself, and not INSERTed or SELECTed FROM: so it reads the database
-- directly, at the disk's speed, and not through a transaction of a statement.
SELECT prod_backup_rotate('backups',
  '{"keep_daily":7,"keep_weekly":5,"keep_monthly":12}');
