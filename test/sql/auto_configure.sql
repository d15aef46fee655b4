-- prod_auto_configure: the connections that are opened after it. Those of other
-- threads and processes are in test/test_auto_configure.py.

.print == off, to begin with
SELECT profile, options, outcome, reason, connections FROM prod_auto_configure;
SELECT name, value, recommended, status, scope, reason FROM prod_settings WHERE name = 'auto_configure';

.print == switched on; this connection stays as it is
SELECT prod_auto_configure('web', '{"cache_size":-4096, "busy_timeout":250}');
PRAGMA busy_timeout;
SELECT name, value, reason FROM prod_settings WHERE name = 'auto_configure';

.print == the next connection is configured, and has the functions
.open app.db
CREATE TABLE t(x);
SELECT name, value, status FROM prod_settings WHERE part = 'settings';
SELECT profile, options, outcome, connections FROM prod_auto_configure WHERE connections > 0;

.print == the settings are SQLite's own
PRAGMA journal_mode;
PRAGMA auto_vacuum;
PRAGMA foreign_keys;

.print == loading again is harmless
.load prodkit
SELECT sum(connections) FROM prod_auto_configure;

.print == prodkit's own connections are not counted
SELECT count(*) FROM prod_explain('SELECT 1');
SELECT count(*) FROM prod_index_advice('SELECT * FROM t');
SELECT json_extract(prod_backup_to('copy.db', 0, '{"verify":"full"}'), '$.verified');
SELECT sum(connections) FROM prod_auto_configure;

.print == another profile begins to count anew
SELECT prod_auto_configure('durable');
SELECT sum(connections) FROM prod_auto_configure;
.open app.db
PRAGMA synchronous;
SELECT json_extract(prod_auto_configure('web'), '$.profile_before');

.print == in memory and temporary: counted, and as SQLite has them
.open :memory:
PRAGMA foreign_keys;
.open ''
PRAGMA foreign_keys;
.load prodkit
SELECT outcome, reason, connections FROM prod_auto_configure WHERE connections > 0;

.print == a read-only database that is no WAL database keeps its journal mode
SELECT json_extract(prod_auto_configure('off'), '$.profile_before');
.open old.db
CREATE TABLE t(x);
.load prodkit
SELECT json_extract(prod_auto_configure('web'), '$.profile_before');
.open --readonly old.db
PRAGMA journal_mode;
PRAGMA foreign_keys;
PRAGMA busy_timeout;
SELECT outcome, reason, connections, last_error FROM prod_auto_configure WHERE connections > 0;

.print == a read-only WAL database is configured
.open --readonly app.db
PRAGMA foreign_keys;
SELECT outcome, reason, connections FROM prod_auto_configure WHERE connections > 0;

.print == a locked database keeps its journal mode, and the open does not wait
.open old.db
PRAGMA journal_mode = delete;
BEGIN;
SELECT count(*) FROM t;
.connection 1
.open old.db
PRAGMA journal_mode;
PRAGMA foreign_keys;
SELECT outcome, reason, connections, last_error FROM prod_auto_configure WHERE reason = 'locked' AND connections > 0;
.connection 0
ROLLBACK;

.print == a database that another connection has for itself is skipped
SELECT json_extract(prod_auto_configure('web', '{"busy_timeout":30}'), '$.options');
BEGIN EXCLUSIVE;
.connection 2
.open old.db
PRAGMA foreign_keys;
.connection 0
ROLLBACK;
SELECT outcome, reason, connections, last_error FROM prod_auto_configure WHERE connections > 0;

.print == what is no database is opened as ever, and says so when it is used
.system printf 'not a database, but long enough to be looked at: %0600d' 0 > text.db
.connection 3
.open text.db
SELECT 1;
SELECT * FROM sqlite_schema;
.connection 0
SELECT outcome, reason, connections, last_error FROM prod_auto_configure WHERE reason = 'error';

.print == another VFS
.connection 0
SELECT json_extract(prod_backup_to('old.db.gz', 6), '$.compression');
.connection 4
.open file:old.db.gz?vfs=prodgz
SELECT count(*) FROM t;
.connection 0
SELECT outcome, reason, connections FROM prod_auto_configure WHERE reason = 'another VFS';

.print == the sum, in prod_settings
SELECT value, reason FROM prod_settings WHERE name = 'auto_configure';

.print == off again, and the counts stay
SELECT prod_auto_configure('off');
.open later.db
PRAGMA foreign_keys;
.load prodkit
SELECT profile, outcome, connections FROM prod_auto_configure WHERE outcome = 'configured';
SELECT prod_auto_configure('off');

.print == options of the wrong kind
SELECT prod_auto_configure('web', '{"cache_size":"large"}');
SELECT prod_auto_configure('web', '{"speed":1}');
SELECT prod_auto_configure('web', '{}}');
SELECT prod_auto_configure('web', '[]');
SELECT prod_auto_configure('web', '');
SELECT prod_auto_configure('web', 7);

.print == options that an open connection cannot take
SELECT prod_auto_configure('web', '{"wal_autocheckpoint":2000}');
SELECT prod_auto_configure('web', '{"schema":"main"}');
SELECT prod_auto_configure('web', '{"dry_run":true}');
SELECT prod_auto_configure('off', '{"cache_size":-4096}');

.print == profiles of the wrong kind
SELECT prod_auto_configure('fast');
SELECT prod_auto_configure('');
SELECT prod_auto_configure(NULL);
SELECT prod_auto_configure();
SELECT prod_auto_configure(1);
SELECT prod_auto_configure('web', '{}', 1);

.print == after all these it is off
SELECT DISTINCT profile FROM prod_auto_configure;

.print == not from a view
CREATE VIEW v AS SELECT prod_auto_configure('web');
SELECT * FROM v;
