-- prod_metrics, prod_metrics_text and prod_metrics_write: figures, formats,
-- collectors that are off or fail, bad arguments. test/test_metrics.py has what
-- promtool and Prometheus make of it.

.print == what there is, without options
.open app.db
.load prodkit
PRAGMA journal_mode = wal;
CREATE TABLE t(a);
INSERT INTO t VALUES (zeroblob(50000));
DELETE FROM t;
SELECT name, type, unit, collector FROM prod_metrics GROUP BY name ORDER BY min(rowid);

.print == sizes are those of the pragmas
SELECT name, value FROM prod_metrics WHERE collector = 'database' AND name LIKE 'prodkit_database%';
PRAGMA page_count;
PRAGMA freelist_count;

.print == the log is that of prod_wal
SELECT m.name, m.value = CASE m.name WHEN 'prodkit_wal_bytes' THEN w.wal_bytes WHEN 'prodkit_wal_frames' THEN w.frames ELSE 0 END AS same, m.value > 0 AS some FROM prod_wal AS w, prod_metrics AS m WHERE m.name LIKE 'prodkit_wal%';

.print == one status of health is 1
SELECT json_extract(labels, '$.status'), value FROM prod_metrics WHERE name = 'prodkit_health_status';
SELECT json_extract(labels, '$.status') FROM prod_metrics WHERE name = 'prodkit_health_check_status' AND value = 1 AND json_extract(labels, '$.check') = 'free_pages';
SELECT count(DISTINCT json_extract(labels, '$.check')) = sum(value), count(*) = 3 * sum(value) FROM prod_metrics WHERE name = 'prodkit_health_check_status';

.print == whose files they are, the option access says
.system chmod 644 app.db
SELECT json_extract(labels, '$.status') FROM prod_metrics WHERE value = 1 AND json_extract(labels, '$.check') = 'permissions';
SELECT json_extract(labels, '$.status') FROM prod_metrics('{"access":"everyone"}') WHERE value = 1 AND json_extract(labels, '$.check') = 'permissions';
SELECT * FROM prod_metrics('{"access":"nobody"}');

.print == the counters of the cache only grow
SELECT (SELECT value FROM prod_metrics WHERE name = 'prodkit_cache_hits_total') > 0 AS some;
CREATE TEMP TABLE before AS SELECT name, value FROM prod_metrics WHERE type = 'counter';
SELECT count(*) FROM t;
SELECT b.name, m.value >= b.value AS grown FROM before AS b JOIN prod_metrics AS m USING (name);
DROP TABLE before;

.print == collectors that are off say why
SELECT collector, value, note FROM prod_metrics WHERE name = 'prodkit_collector_enabled' AND collector NOT IN ('queries');
SELECT note IN ('no such table: prod_query_stats', 'no statement is recorded: prod_stats_start() begins') FROM prod_metrics WHERE note IS NOT NULL AND collector = 'queries';

.print == every collector that ran has a success and a duration
SELECT count(DISTINCT collector), min(value), sum(note IS NOT NULL) FROM prod_metrics WHERE name = 'prodkit_collector_success';
SELECT count(*), min(value) > 0, max(value) < 5 FROM prod_metrics WHERE name = 'prodkit_collector_duration_seconds';

.print == the label database is the path of the file, or what it is called
SELECT DISTINCT json_extract(labels, '$.database') LIKE '/%/app.db' FROM prod_metrics;
SELECT DISTINCT json_extract(labels, '$.database') FROM prod_metrics('{"database":"the shop"}');

.print == the text, in the format of Prometheus
.mode list
SELECT prod_metrics_text('prometheus', '{"database":"app"}');

.print == the same in OpenMetrics
SELECT prod_metrics_text('openmetrics', '{"database":"app"}');

.print == escapes in labels
SELECT substr(t, instr(t, 'prodkit_database_pages{'), 70) FROM (SELECT prod_metrics_text(NULL, json_object('database', 'a"b\c' || char(10) || 'd ☃')) AS t);
SELECT json_extract(labels, '$.database') FROM prod_metrics(json_object('database', 'a"b\c ☃')) WHERE name = 'prodkit_info';

.print == space, when asked for
DELETE FROM t;
INSERT INTO t VALUES (zeroblob(100));
SELECT name, value > 0, unit FROM prod_metrics('{"space":true}') WHERE collector = 'space' AND name LIKE '%bytes';

.print == backups, when the folder is given: none yet
.shell mkdir backups "other folder"
SELECT name, json_extract(labels, '$.state'), value FROM prod_metrics('{"backup_dir":"backups"}') WHERE name LIKE 'prodkit_backup%';

.print == one, verified, and one damaged
SELECT length(prod_backup_rotate('backups')) > 0;
SELECT length(prod_backup_to('backups/bad.db.gz', 6)) > 0;
SELECT writefile('backups/bad.db.gz', substr(readfile('backups/bad.db.gz'), 1, 300)) FROM (SELECT 1);
SELECT name, json_extract(labels, '$.source'), json_extract(labels, '$.state'), CASE WHEN name LIKE '%timestamp%' THEN abs(strftime('%s', 'now') - value) < 60 WHEN name LIKE '%bytes' THEN value > 100 ELSE value END FROM prod_metrics('{"backup_dir":"backups"}') WHERE name LIKE 'prodkit_backup%';

.print == one that was not verified
SELECT length(prod_backup_rotate('other folder', '{"verify":"none"}')) > 0;
SELECT name, value FROM prod_metrics('{"backup_dir":"other folder"}') WHERE name LIKE '%verified';

.print == a folder that is missing fails two collectors, and not the call
SELECT collector, value, note FROM prod_metrics('{"backup_dir":"nowhere"}') WHERE name = 'prodkit_collector_success' AND value = 0;
SELECT count(*) FROM prod_metrics('{"backup_dir":"nowhere"}') WHERE name LIKE 'prodkit_backup%';

.print == statements, as many as asked for
CREATE TEMP TABLE prod_query_stats AS SELECT printf('f%03d', value) AS fingerprint, 'SELECT ' || value || ' ' || printf('%.*c', 300, 'x') AS query, file AS database_file, value AS calls, value * 1.5 AS total_ms, value * 2 AS rows, value * 3 AS vm_steps, 0 AS fullscan_steps FROM pragma_database_list, json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]') WHERE name = 'main';
SELECT name, type, count(*), sum(value) FROM prod_metrics WHERE collector = 'queries' AND type = 'counter' GROUP BY name;
SELECT json_extract(labels, '$.fingerprint', '$.query'), value FROM prod_metrics('{"queries":2}') WHERE name = 'prodkit_query_seconds_total';

.print == none, when asked for none
SELECT name, note FROM prod_metrics('{"queries":0}') WHERE collector = 'queries';

.print == statements of other databases are not there
UPDATE prod_query_stats SET database_file = '/other.db' WHERE calls < 25;
SELECT json_extract(labels, '$.fingerprint') FROM prod_metrics WHERE name = 'prodkit_query_calls_total';

.print == a label set that would stand twice fails its collector
UPDATE prod_query_stats SET fingerprint = 'f', query = 'q', database_file = (SELECT file FROM pragma_database_list WHERE name = 'main');
SELECT name, value, note FROM prod_metrics WHERE collector = 'queries' AND name <> 'prodkit_collector_duration_seconds';

.print == no statistics: the collector is off
DELETE FROM prod_query_stats;
SELECT name, value, note FROM prod_metrics WHERE collector = 'queries';
DROP TABLE temp.prod_query_stats;

.print == a file
CREATE TEMP TABLE written AS SELECT prod_metrics_write('prodkit.prom') AS answer;
SELECT json_remove(answer, '$.bytes', '$.samples', '$.seconds', '$.off') FROM written;
SELECT json_extract(answer, '$.bytes') = length(readfile('prodkit.prom')) FROM written;
SELECT json_extract(answer, '$.samples') > 40, json_extract(answer, '$.seconds') < 5 FROM written;
DROP TABLE written;
SELECT substr(CAST(readfile('prodkit.prom') AS TEXT), 1, 80);
SELECT mode & 511 = 420 AS is_0644 FROM fsdir('prodkit.prom');

.print == a file says what failed and what is off
SELECT json_extract(prod_metrics_write('prodkit.prom', '{"backup_dir":"nowhere"}'), '$.failed');
SELECT json_extract(prod_metrics_write('prodkit.prom'), '$.off[0]', '$.off[1]');

.print == a schema of its own
ATTACH 'it''s "☃".db' AS "it's ""☃""";
CREATE TABLE "it's ""☃""".u(x);
SELECT name, value FROM prod_metrics(json_object('schema', 'it''s "☃"')) WHERE name LIKE 'prodkit_database%' OR name LIKE 'prodkit_wal%' OR value = 0 AND name LIKE '%success';
SELECT DISTINCT json_extract(labels, '$.database') LIKE '%/it''s "☃".db' FROM prod_metrics(json_object('schema', 'it''s "☃"'));
SELECT collector, note FROM prod_metrics(json_object('schema', 'it''s "☃"')) WHERE collector = 'wal';

.print == in a transaction of one's own
BEGIN;
INSERT INTO t VALUES (1);
SELECT count(*) > 20 FROM prod_metrics;
SELECT length(prod_metrics_text()) > 1000;
ROLLBACK;

.print == in memory, and temporary
SELECT name, value FROM prod_metrics('{"schema":"temp"}') WHERE name LIKE 'prodkit_database%';
ATTACH ':memory:' AS memory;
SELECT DISTINCT json_extract(labels, '$.database') FROM prod_metrics('{"schema":"memory"}');
SELECT collector, note FROM prod_metrics('{"schema":"memory"}') WHERE collector = 'wal';

.print == bad options
SELECT * FROM prod_metrics('{"schema":"nowhere"}');
SELECT * FROM prod_metrics('{"quries":5}');
SELECT * FROM prod_metrics('{"queries":201}');
SELECT * FROM prod_metrics('{"queries":-1}');
SELECT * FROM prod_metrics('{"queries":"all"}');
SELECT * FROM prod_metrics('{"space":1}');
SELECT * FROM prod_metrics('{"backup_dir":""}');
SELECT * FROM prod_metrics('{"database":7}');
SELECT * FROM prod_metrics('backups');
SELECT * FROM prod_metrics(7);

.print == bad formats
SELECT prod_metrics_text('json');
SELECT prod_metrics_text('');
SELECT prod_metrics_text(7);
SELECT prod_metrics_text('prometheus', '{}', 3);
SELECT prod_metrics_text('openmetrics', '[]');

.print == NULL is the same as nothing
SELECT prod_metrics_text(NULL, NULL) LIKE '# HELP prodkit_info %';
SELECT count(*) > 20 FROM prod_metrics(NULL);

.print == bad paths
SELECT prod_metrics_write();
SELECT prod_metrics_write(NULL);
SELECT prod_metrics_write('');
SELECT prod_metrics_write('prom');
SELECT prod_metrics_write('metrics.txt');
SELECT prod_metrics_write('nowhere/a.prom');
SELECT prod_metrics_write(x'612e70726f6d');
.shell mkdir folder.prom
SELECT prod_metrics_write('folder.prom');
SELECT prod_metrics_write('a.prom', '{"overwrite":true}');

.print == no live database is replaced
ATTACH 'live.prom' AS live;
CREATE TABLE live.x(y);
SELECT prod_metrics_write('live.prom');
SELECT prod_metrics_write('./live.prom');
DETACH live;

.print == a symbolic link is replaced, and what it names is left
.shell echo mine > mine.txt; ln -s mine.txt link.prom
SELECT length(prod_metrics_write('link.prom')) > 0;
SELECT CAST(readfile('mine.txt') AS TEXT) = 'mine' || char(10);
.shell test -L link.prom && echo still a link || echo a file

.print == not from a view
CREATE VIEW v AS SELECT * FROM prod_metrics;
SELECT * FROM v;
CREATE VIEW w AS SELECT prod_metrics_write('hostile.prom');
SELECT * FROM w;
DROP VIEW v;
DROP VIEW w;

.print == an empty database
.open empty.db
.load prodkit
SELECT name, value FROM prod_metrics WHERE name LIKE 'prodkit_database%' OR name LIKE '%success' AND value = 0;

.print == read-only, and nothing is written
.open --readonly app.db
.load prodkit
SELECT name, value FROM prod_metrics WHERE name = 'prodkit_collector_success' AND value = 0;
SELECT length(prod_metrics_text()) > 1000;

.print == a damaged database: the text says so, the table is SQLite's error
SELECT writefile('no.db', replace(hex(zeroblob(4096)), '0', 'x'));
.open no.db
.load prodkit
SELECT * FROM prod_metrics;
SELECT json_extract(prod_metrics_write('no.prom', '{"database":"no"}'), '$.failed');
.shell grep -e 'health_status.* 1$' -e 'success.* 0$' no.prom
