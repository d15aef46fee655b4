-- checklist.sql: is this database ready for production?
--
--     sqlite3 app.db < sql/checklist.sql
--
-- Run it from the folder that has prodkit.so and the folder `backups`. Nothing is
-- written into the database. It prints each item that does not pass, with what
-- was found and what mends it, and then how many items passed. The settings of a
-- connection are those of the sqlite3 shell here: ask in the application to learn
-- its own. To have the newest backup restored for a try, add "restore":true.

.bail on
.load ./prodkit

CREATE TEMP TABLE checklist AS
  SELECT * FROM prod_checklist('{"backup_dir":"backups"}');

.mode line
SELECT item, status, detail, fix FROM checklist WHERE status <> 'pass';

.mode list
SELECT sum(status = 'pass') || ' of ' || count(*) || ' items pass, '
    || sum(status = 'fail') || ' fail, ' || sum(status = 'warn') || ' warn, '
    || sum(status = 'unknown') || ' are unknown' FROM checklist;
