-- health.sql: is the database all right?
--
--     sqlite3 app.db < sql/health.sql
--
-- Run it from the folder that has prodkit.so; nothing is written into the
-- database. It prints `healthy`, `degraded` (a warning) or `unhealthy` (a
-- failure), the issues found, each check with what it found, and what was not
-- checked. Tier `quick` reads the whole file; write 'fast' for constant time,
-- or 'full' to have indexes held against their tables, and foreign keys, too.
--
-- Where SQLite cannot even read the schema, it stops with SQLite's error and
-- exit code 1. A monitor that wants a number in every case asks for the code:
--
--     sqlite3 -cmd '.load ./prodkit' app.db 'SELECT prod_health_code()'

.bail on
.load ./prodkit

CREATE TEMP TABLE answer AS SELECT prod_health('quick') AS report;

.mode list
SELECT json_extract(report, '$.status') FROM answer;
SELECT '  ' || value FROM answer, json_each(report, '$.issues');

.mode box
SELECT json_extract(value, '$.name') AS name,
       json_extract(value, '$.status') AS status,
       CASE json_type(value, '$.value')
         WHEN 'real' THEN round(json_extract(value, '$.value'), 4)
         ELSE json_extract(value, '$.value') END AS value,
       json_extract(value, '$.unit') AS unit,
       json_extract(value, '$.threshold') AS threshold
  FROM answer, json_each(report, '$.checks');

.mode list
SELECT 'not checked: ' || value FROM answer, json_each(report, '$.not_checked');
