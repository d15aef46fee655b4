-- prod_checklist: each item in each of its states.

.print == a database as nobody should have it
.system umask 022; mkdir open backups; chmod 777 open; : > open/app.db; chmod 666 open/app.db
.open open/app.db
.load prodkit
CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id REFERENCES customers(id));
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
INSERT INTO customers SELECT i, 'customer ' || i FROM n;
INSERT INTO orders SELECT id, id FROM customers;
PRAGMA synchronous = off;
SELECT item, status, detail, fix FROM prod_checklist;

.print == as it should be
.system chmod 755 open; chmod 600 open/app.db
PRAGMA journal_mode = wal;
PRAGMA busy_timeout = 5000;
PRAGMA foreign_keys = on;
PRAGMA synchronous = normal;
CREATE INDEX orders_customer_id ON orders(customer_id);
SELECT json_extract(prod_maintain(), '$.complete');
SELECT json_extract(prod_backup_rotate('backups'), '$.backup.database');
.system : > metrics.prom
SELECT item, status, detail, fix FROM prod_checklist('{"backup_dir":"backups", "restore":true, "metrics_file":"metrics.prom"}');

.print == what was restored for a try is gone, and nothing else
.system ls -A backups | sed 's/[0-9T]*Z/TIME/'
PRAGMA integrity_check;

.print == a restore that was not asked for
SELECT status, detail FROM prod_checklist('{"backup_dir":"backups"}') WHERE item = 'backup_restorable';

.print == too old
SELECT item, status, detail FROM prod_checklist('{"backup_dir":"backups", "backup_max_hours":0, "metrics_file":"metrics.prom", "metrics_max_minutes":0, "maintain_max_days":0, "integrity_max_days":0}') WHERE item IN ('backup_present', 'maintenance', 'integrity') ORDER BY item;
.system touch -d '2 days ago' metrics.prom
SELECT status, detail FROM prod_checklist('{"metrics_file":"metrics.prom"}') WHERE item = 'metrics_fresh';

.print == a metrics file that is not there
SELECT status, detail FROM prod_checklist('{"metrics_file":"nowhere.prom"}') WHERE item = 'metrics_fresh';

.print == a backup that is damaged
.system for f in backups/*.gz; do head -c 2000 "$f" > t && cat t > "$f"; done
SELECT item, status, detail FROM prod_checklist('{"backup_dir":"backups", "restore":true}') WHERE item LIKE 'backup%';
.system ls -A backups | sed 's/[0-9T]*Z/TIME/'

.print == an empty folder of backups
.system mkdir none
SELECT item, status, detail, fix FROM prod_checklist('{"backup_dir":"none", "restore":true}') WHERE item LIKE 'backup%';

.print == none at all
SELECT item, status, detail FROM prod_checklist('{"backup_dir":"/nowhere"}') WHERE item LIKE 'backup%';

.print == a run that did not end, and states elsewhere
SELECT writefile('m.json', json_object('prodkit_maintain', 1, 'last', json_object('schema', 'main', 'started_at', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 'complete', json('false')))) > 0;
SELECT status, detail, fix FROM prod_checklist('{"maintain_state":"m.json"}') WHERE item = 'maintenance';
SELECT status, detail, fix FROM prod_checklist('{"integrity_state":"i.json"}') WHERE item = 'integrity';
SELECT status, detail, fix FROM prod_checklist('{"maintain_state":"metrics.prom", "integrity_state":"open/app.db"}') WHERE item IN ('maintenance', 'integrity');

.print == permissions of a group, of the sidecars, and of a folder as /tmp
.system chmod 640 open/app.db; chmod 644 open/app.db-wal; chmod 1777 open
SELECT item, status, detail, fix FROM prod_checklist LIMIT 3;

.print == a name that a shell would trip over
.system mkdir "it's ü"; : > "it's ü/app.db"; chmod 644 "it's ü/app.db"; chmod 777 "it's ü"
ATTACH 'it''s ü/app.db' AS odd;
CREATE TABLE odd.t(x);
SELECT item, status, fix FROM prod_checklist('{"schema":"odd"}') WHERE item IN ('database_file', 'folder', 'journal_mode', 'foreign_key_indexes');

.print == an integrity failure on record
SELECT writefile('i.json', '{"prodkit_integrity":1,"objects":[{"name":"orders","whole":0,"checked_at":"2026-01-01T00:00:00Z","seconds":1,"status":"failed","message":"row 7 missing from index","found_at":"2026-01-01T00:00:00Z"}]}') > 0;
SELECT status, detail, fix FROM prod_checklist('{"integrity_state":"i.json"}') WHERE item = 'integrity';

.print == a table that this connection cannot check is no checked one
.open klingon.db
CREATE TABLE t(x);
PRAGMA writable_schema = on;
UPDATE sqlite_schema SET sql = 'CREATE TABLE t(x COLLATE klingon, CHECK (x > ''a''))' WHERE name = 't';
.open klingon.db
.load prodkit
SELECT json_extract(prod_maintain(), '$.complete');
SELECT json_extract(prod_maintain('{"run":false}'), '$.last.steps[3].status', '$.last.steps[3].message');
SELECT status, detail, fix FROM prod_checklist WHERE item IN ('maintenance', 'integrity');

.print == in memory
.open :memory:
.load prodkit
SELECT item, status, detail FROM prod_checklist;

.print == read-only, and within a transaction
.open --readonly open/app.db
.load prodkit
BEGIN;
SELECT count(*), sum(status = 'unknown') FROM prod_checklist;
COMMIT;

.print == bad arguments
SELECT * FROM prod_checklist('{"restore":true}');
SELECT * FROM prod_checklist('{"backup_dir":""}');
SELECT * FROM prod_checklist('{"backup_dir":7}');
SELECT * FROM prod_checklist('{"backup_max_hours":-1}');
SELECT * FROM prod_checklist('{"folder":"backups"}');
SELECT * FROM prod_checklist('backups');
SELECT * FROM prod_checklist('{"schema":"nope"}');

.print == not for a view
.open open/app.db
.load prodkit
CREATE VIEW v AS SELECT * FROM prod_checklist;
SELECT * FROM v;

.print == not a database
.system printf 'this is no database, this is no database, this is no database, this is no database, this is no database' > text.db
.open text.db
.load prodkit
SELECT * FROM prod_checklist;
