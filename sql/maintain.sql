-- maintain.sql: the upkeep of a database, for cron.
--
--     sqlite3 app.db < sql/maintain.sql
--
-- Run it from the folder that has prodkit.so. For at most about 30 seconds it
-- copies the WAL back, keeps the planner's statistics, gives free pages back
-- where auto_vacuum is incremental, and checks tables in turns. Others may read
-- and write meanwhile. What it did is kept beside the database, in
-- NAME-prodkit-maintain.json. It prints each step with what came of it, and then
-- whether a full VACUUM would pay. When it cannot work, and when another run is
-- at work, it prints why and ends with exit code 1, so that cron's mail tells:
--
--     45 3 * * *  cd /srv/app && sqlite3 app.db < sql/maintain.sql

.bail on
.load ./prodkit

-- A checkpoint cannot be made in a statement with a FROM, nor in one that writes:
-- so the answer goes nowhere, and is asked for again.
PRAGMA busy_timeout = 5000;
.output /dev/null
SELECT prod_maintain();
.output

.mode box
SELECT json_extract(value, '$.step') AS step,
       json_extract(value, '$.status') AS status,
       json_extract(value, '$.seconds') AS seconds,
       json_extract(value, '$.message') AS message
  FROM json_each(prod_maintain('{"run":false}'), '$.last.steps');

.mode line
SELECT recommendation AS full_vacuum, reason, fix FROM prod_vacuum_plan;
