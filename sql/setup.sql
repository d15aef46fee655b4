-- setup.sql: sets a database up for production, and shows what that came to.
--
--     sqlite3 app.db < sql/setup.sql
--
-- Run it from the folder that has prodkit.so, once for a database. It sets the
-- profile `web`: WAL mode, which stays in the file, and eight settings that end
-- with the connection, which an application therefore makes after each open
-- with SELECT prod_configure(), or once for all with prod_auto_configure().
-- A database that is still empty also gets its page size and auto_vacuum.
--
-- It prints what differed, then each setting as it is now, then the reasons,
-- then advice on the schema, of which it changes nothing.
-- When a setting does not take, it stops with an error and exit code 1. For
-- another profile write 'durable' (no commit is lost at a power failure) or
-- 'small' (2 MB of cache) in each place.

.bail on
.load ./prodkit

.print What differs from the profile:
.mode box
SELECT name, value, recommended, scope
  FROM prod_settings('web') WHERE status = 'differs';

-- The answer, one JSON object, is for programs; the table below shows it.
.once /dev/null
SELECT prod_configure('web');

.print As it is now:
SELECT name, value, status, scope FROM prod_settings('web', 'main', 'settings');

.print Why:
.mode list
SELECT '  ' || name || ': ' || reason
  FROM prod_settings('web', 'main', 'settings');

.print Advice:
SELECT '  ' || name || ': ' || reason || coalesce(char(10) || '    ' || fix, '')
  FROM prod_settings('web') WHERE status = 'advice';
