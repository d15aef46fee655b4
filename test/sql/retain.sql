-- prod_backup_rotate and prod_backup_prune: names, options passed on, each rule
-- on two years of backups, what is never removed, bad arguments.

.print == rotate: a backup with a manifest, and what it says
.open app.db
.load prodkit
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 1000) INSERT INTO t SELECT i, 'row number ' || i FROM n;
.shell mkdir -m 700 backups
CREATE TEMP TABLE answer AS SELECT prod_backup_rotate('backups') AS j;
SELECT key, type FROM answer, json_each(j);
SELECT key, value FROM answer, json_each(j, '$.backup') WHERE key NOT IN ('path', 'taken_at', 'bytes');
SELECT json_extract(j, '$.backup.path') GLOB 'backups/app-20[0-9][0-9][01][0-9][0-3][0-9]T[0-2][0-9][0-5][0-9][0-5][0-9]Z.db.gz' FROM answer;
SELECT json_extract(prod_backup_verify(path, 'full'), '$.pages') = pages FROM prod_backups('backups');
.shell stat -c %a backups/*; ls backups | grep -c .

.print == two within one second: the second has the next one
SELECT count(prod_backup_rotate('backups', '{"compress":0}')), count(prod_backup_rotate('backups', '{"compress":1,"verify":"none"}'));
SELECT count(*), count(DISTINCT taken_at), group_concat(verified) FROM (SELECT * FROM prod_backups('backups'));

.print == rotate prunes by what it is told
SELECT json_array_length(j, '$.pruned'), json_extract(j, '$.pruned[0].reason'), json_extract(j, '$.kept') FROM (SELECT prod_backup_rotate('backups', '{"keep_last":2,"keep_days":0.5}') AS j);
SELECT json_array_length(j, '$.pruned'), json_extract(j, '$.pruned[0].reason'), json_extract(j, '$.kept') FROM (SELECT prod_backup_rotate('backups', '{"keep_last":2}') AS j);
SELECT count(*) FROM prod_backups('backups');

.print == the name: the database's own, made fit for a file name
.shell mkdir names
ATTACH 'it''s a "big", ünïcode.v2.sqlite3' AS odd;
CREATE TABLE odd.u(x);
SELECT json_extract(prod_backup_rotate('names', '{"schema":"odd"}'), '$.backup.database');
ATTACH '.hidden' AS hidden;
CREATE TABLE hidden.u(x);
SELECT json_extract(prod_backup_rotate('names', '{"schema":"hidden"}'), '$.backup.database');
ATTACH ':memory:' AS scratch;
CREATE TABLE scratch.u(x);
SELECT json_extract(prod_backup_rotate('names', '{"schema":"scratch"}'), '$.backup.database');
SELECT json_extract(prod_backup_rotate('names', '{"name":"shop/../etc"}'), '$.backup.database');
SELECT length(json_extract(prod_backup_rotate('names', json_object('name', 'x' || hex(zeroblob(500)))), '$.backup.database'));
SELECT count(*) FROM prod_backups('names') WHERE verified = 'quick';

.print == rotate: what cannot be
SELECT prod_backup_rotate('nowhere');
SELECT prod_backup_rotate('app.db');
SELECT prod_backup_rotate('');
SELECT prod_backup_rotate(NULL);
SELECT prod_backup_rotate();
SELECT prod_backup_rotate(1);
SELECT prod_backup_rotate('backups', '{"schema":"none"}');
SELECT prod_backup_rotate('backups', '{"compress":13}');
SELECT prod_backup_rotate('backups', '{"compress":"gzip"}');
SELECT prod_backup_rotate('backups', '{"verify":"slow"}');
SELECT prod_backup_rotate('backups', '{"keep":3}');
SELECT prod_backup_rotate('backups', '{"keep_last":0}');
SELECT prod_backup_rotate('backups', '{"name":""}');
SELECT prod_backup_rotate('backups', 'soon');
ATTACH 'big.db' AS big;
CREATE TABLE big.b AS SELECT zeroblob(3000000);
SELECT prod_backup_rotate('backups', '{"schema":"big","rate_mb_per_second":0.01,"max_seconds":0.1}');
BEGIN;
DELETE FROM t WHERE a = 1;
SELECT prod_backup_rotate('backups');
ROLLBACK;
ATTACH ':memory:' AS pageless;
SELECT prod_backup_rotate('backups', '{"schema":"pageless"}');
.shell ls -A backups | grep part || echo no part
SELECT count(*) FROM prod_backups('backups');

-- A backup and a manifest for each day, as a rotate of long ago left them.
CREATE TEMP TABLE day(dir, database, taken_at, verified, held DEFAULT false, content DEFAULT 'a backup');
CREATE TEMP VIEW made AS
  SELECT count(writefile(path, content)), count(writefile(path || '.manifest.json',
    json_object('format', 'prodkit backup', 'version', 1, 'database', database,
      'taken_at', strftime('%Y-%m-%dT%H:%M:%SZ', taken_at), 'bytes', length(content),
      'source_bytes', 4096, 'pages', 1, 'page_size', 4096, 'compression', 'none',
      'verified', verified, 'held', held))) AS made
  FROM (SELECT *, dir || '/' || database || strftime('-%Y%m%dT%H%M%SZ.db', taken_at) AS path FROM day);
CREATE TEMP VIEW every_day AS
  WITH RECURSIVE d(t) AS (SELECT '2024-01-01 03:00' UNION ALL SELECT datetime(t, '+1 day') FROM d WHERE t < '2025-12-31')
  SELECT t FROM d;

.print == two years of daily backups, and what each rule keeps of them
.shell mkdir years
INSERT INTO day(dir, database, taken_at, verified) SELECT 'years', 'app', t, 'quick' FROM every_day;
SELECT made FROM made;
CREATE TEMP TABLE plan(rule, j);
INSERT INTO plan SELECT value, prod_backup_prune('years', json_set(value, '$.dry_run', json('true'))) FROM json_each('[{"keep_last":3},{"keep_days":3},{"keep_daily":3},{"keep_weekly":3},{"keep_monthly":3},{"keep_daily":2,"keep_weekly":2,"keep_monthly":2},{"keep_monthly":100}]');
SELECT rule, json_array_length(j, '$.kept') AS kept, json_array_length(j, '$.removed') AS removed FROM plan;
SELECT rule, substr(json_extract(value, '$.path'), 7), json_extract(value, '$.reason') FROM plan, json_each(j, '$.kept') WHERE rule <> '{"keep_monthly":100}';
SELECT json_extract(j, '$.removed[0]'), json_extract(j, '$.removed_bytes'), json_extract(j, '$.kept_bytes') FROM plan LIMIT 1;
SELECT count(*) FROM prod_backups('years');

.print == a week begins on Monday: Sunday is the newest of its week
SELECT strftime('%w', taken_at) AS weekday, count(*) FROM plan, json_each(j, '$.kept') k, prod_backups('years') b WHERE rule = '{"keep_weekly":3}' AND b.path = json_extract(k.value, '$.path') GROUP BY 1;

.print == for good, and again: there is nothing more to remove
SELECT json_array_length(j, '$.removed'), json_extract(j, '$.dry_run') FROM (SELECT prod_backup_prune('years', '{"keep_daily":7,"keep_weekly":4,"keep_monthly":12}') AS j);
SELECT json_array_length(j, '$.removed'), json_array_length(j, '$.kept') FROM (SELECT prod_backup_prune('years', '{"keep_daily":7,"keep_weekly":4,"keep_monthly":12}') AS j);
SELECT count(*), min(taken_at), max(taken_at) FROM prod_backups('years');
.shell ls -A years | grep -c .

.print == a backup that was not verified takes no place of one that was
.shell mkdir mixed
DELETE FROM day;
INSERT INTO day(dir, database, taken_at, verified) VALUES
  ('mixed', 'app', '2025-01-01 03:00', 'full'), ('mixed', 'app', '2025-01-02 03:00', 'quick'), ('mixed', 'app', '2025-01-03 03:00', 'quick'),
  ('mixed', 'app', '2025-01-04 03:00', 'none'), ('mixed', 'app', '2025-01-05 03:00', 'none'), ('mixed', 'app', '2025-01-06 03:00', 'none');
SELECT made FROM made;
SELECT substr(json_extract(value, '$.path'), 7), json_extract(value, '$.reason') FROM json_each(prod_backup_prune('mixed', '{"keep_last":2,"dry_run":true}'), '$.kept');
SELECT substr(json_extract(value, '$.path'), 7), json_extract(value, '$.reason') FROM json_each(prod_backup_prune('mixed', '{"keep_days":1,"dry_run":true}'), '$.kept');

.print == several databases in one folder are counted by themselves
.shell mkdir several
DELETE FROM day;
INSERT INTO day(dir, database, taken_at, verified) SELECT 'several', d.value, t, 'quick' FROM every_day, json_each('["app","users","app-eu"]') d WHERE t LIKE '2025-06-0%';
SELECT made FROM made;
SELECT json_extract(value, '$.path'), json_extract(value, '$.reason') FROM json_each(prod_backup_prune('several', '{"keep_last":2,"dry_run":true}'), '$.kept');
SELECT json_array_length(prod_backup_prune('several', '{"keep_last":1,"database":"users"}'), '$.removed');
SELECT json_array_length(prod_backup_prune('several', '{"keep_last":1,"database":"nobody"}'), '$.removed');
SELECT database, count(*) FROM prod_backups('several') GROUP BY 1;

.print == what is never removed: held, foreign, damaged, changed, of the future
.shell mkdir safe
DELETE FROM day;
INSERT INTO day(dir, database, taken_at, verified, held) VALUES
  ('safe', 'app', '2025-01-01 03:00', 'quick', true), ('safe', 'app', '2025-01-02 03:00', 'quick', false), ('safe', 'app', '2025-01-03 03:00', 'quick', false),
  ('safe', 'app', '2025-01-04 03:00', 'quick', false), ('safe', 'app', '2025-01-05 03:00', 'quick', false), ('safe', 'app', '2999-01-01 03:00', 'quick', false);
SELECT made FROM made;
SELECT json_extract(prod_backup_to('safe/by-hand.db'), '$.verified');
.shell cd safe && echo more >> app-20250102T030000Z.db && echo '{}' > app-20250103T030000Z.db.manifest.json && rm app-20250104T030000Z.db && echo notes > notes.txt
SELECT json_extract(value, '$.path'), json_extract(value, '$.reason') FROM json_each(prod_backup_prune('safe', '{"keep_last":1}'), '$.kept');
SELECT count(*) FROM prod_backups('safe');
.shell ls -A safe

.print == the newest verified is kept, and a lone manifest is removed
.shell mkdir lone
DELETE FROM day;
INSERT INTO day(dir, database, taken_at, verified) SELECT 'lone', 'app', t, CASE WHEN t < '2025-06-05' THEN 'quick' ELSE 'none' END FROM every_day WHERE t LIKE '2025-06-0%';
SELECT made FROM made;
.shell rm lone/app-20250609T030000Z.db
CREATE TEMP TABLE last AS SELECT prod_backup_prune('lone', '{"keep_last":1}') AS j;
SELECT 'kept', json_extract(value, '$.path'), json_extract(value, '$.reason') FROM last, json_each(j, '$.kept')
 UNION ALL SELECT 'removed', json_extract(value, '$.path'), json_extract(value, '$.reason') FROM last, json_each(j, '$.removed');
.shell ls -A lone

.print == prune: what cannot be
SELECT prod_backup_prune('years');
SELECT prod_backup_prune('years', '{}');
SELECT prod_backup_prune('years', '{"dry_run":true}');
SELECT prod_backup_prune('years', NULL);
SELECT prod_backup_prune('nowhere', '{"keep_last":1}');
SELECT prod_backup_prune('nowhere', '{"keep_last":1,"dry_run":true}');
SELECT prod_backup_prune('app.db', '{"keep_last":1}');
SELECT prod_backup_prune('', '{"keep_last":1}');
SELECT prod_backup_prune(NULL, '{"keep_last":1}');
SELECT prod_backup_prune('years', '{"keep_last":0}');
SELECT prod_backup_prune('years', '{"keep_last":-1}');
SELECT prod_backup_prune('years', '{"keep_last":1.5}');
SELECT prod_backup_prune('years', '{"keep_hourly":1}');
SELECT prod_backup_prune('years', '{"keep_last":1,"database":7}');

.print == no view or trigger of a database can call them
CREATE VIEW trap AS SELECT prod_backup_rotate('backups');
SELECT * FROM trap;
CREATE VIEW trap2 AS SELECT prod_backup_prune('backups', '{"keep_last":1}');
SELECT * FROM trap2;
