-- prod_configure: the profiles, options, and everything it refuses.

.print == the profile web is the default
.open app.db
.load prodkit
CREATE TABLE t(x);
SELECT prod_configure();

.print == it took
SELECT name, value FROM prod_settings WHERE part = 'settings' AND status = 'ok';

.print == SQLite's own pragmas say so too
PRAGMA journal_mode;
PRAGMA synchronous;
PRAGMA foreign_keys;
PRAGMA busy_timeout;
PRAGMA cache_size;
PRAGMA temp_store;

.print == a second call changes nothing
.once answer.json
SELECT prod_configure();
SELECT json_extract(value, '$.name'), json_extract(value, '$.changed')
  FROM json_each(CAST(readfile('answer.json') AS TEXT), '$.settings');

.print == durable, after web
.once answer.json
SELECT prod_configure('durable');
SELECT json_extract(value, '$.name'), json_extract(value, '$.before'), json_extract(value, '$.after')
  FROM json_each(CAST(readfile('answer.json') AS TEXT), '$.settings')
 WHERE json_extract(value, '$.changed');

.print == small, with options
.once answer.json
SELECT prod_configure('small', '{"foreign_keys":false, "mmap_size":4096, "busy_timeout":250}');
SELECT json_extract(value, '$.name'), json_extract(value, '$.before'), json_extract(value, '$.after')
  FROM json_each(CAST(readfile('answer.json') AS TEXT), '$.settings')
 WHERE json_extract(value, '$.changed');

.print == every option
SELECT json_extract(prod_configure('web', '{"busy_timeout":1, "journal_mode":"truncate", "synchronous":"extra", "foreign_keys":true, "cache_size":500, "temp_store":"default", "journal_size_limit":-1, "mmap_size":0, "wal_autocheckpoint":0}'), '$.profile');
SELECT name, value, status FROM prod_settings WHERE part = 'settings' AND scope <> 'creation';

.print == the file keeps its scope, the connection does not
SELECT json_extract(prod_configure(), '$.schema');
.open app.db
.load prodkit
SELECT name, value, status FROM prod_settings WHERE scope = 'file' OR name = 'busy_timeout';

.print == an attached database with a quote and a snowman in its name
ATTACH 'other.db' AS "it's ""☃""";
CREATE TABLE "it's ""☃""".t(x);
SELECT json_extract(prod_configure('web', json_object('schema', 'it''s "☃"')), '$.schema', '$.settings[1].name', '$.settings[1].after');

.print == an in-memory database: what cannot be set is said
.open :memory:
.load prodkit
SELECT json_extract(prod_configure(), '$.not_set');

.print == unless it is asked for
SELECT prod_configure('web', '{"journal_mode":"wal"}');

.print == within a transaction
.open app.db
.load prodkit
BEGIN;
SELECT prod_configure();
ROLLBACK;
PRAGMA busy_timeout;

.print == called while a statement reads
INSERT INTO t VALUES (1);
SELECT prod_configure() FROM t;

.print == temporary tables are not lost
CREATE TEMP TABLE basket(x);
INSERT INTO basket VALUES ('apple');
SELECT prod_configure();
SELECT x FROM basket;
PRAGMA busy_timeout;

.print == and the advice helps
SELECT json_extract(prod_configure('web', '{"temp_store":"default"}'), '$.settings[5].after');
SELECT x FROM basket;

.print == a read-only database that would have to change
.open old.db
CREATE TABLE t(x);
.open --readonly old.db
.load prodkit
SELECT prod_configure();
PRAGMA busy_timeout;

.print == and the advice helps again
SELECT json_extract(prod_configure('web', '{"journal_mode":"delete"}'), '$.settings[0].after');

.print == the journal mode can be kept whatever it is
SELECT json_extract(prod_configure('web', '{"journal_mode":"keep", "cache_size":-100}'), '$.not_set', '$.settings[0].name', '$.settings[1].name');
PRAGMA journal_mode;

.print == a read-only database in WAL mode needs no change
.open --readonly app.db
.load prodkit
SELECT json_extract(prod_configure(), '$.settings[1].after');

.print == another connection reads: the switch to WAL has to wait, and says so
.open old.db
BEGIN;
SELECT count(*) FROM t;
.connection 1
.open old.db
.load prodkit
SELECT prod_configure('web', '{"busy_timeout":30}');
PRAGMA journal_mode;
PRAGMA synchronous;

.print == another connection has the file for itself: nothing was set
.connection 0
ROLLBACK;
BEGIN EXCLUSIVE;
.connection 1
.open old.db
.load prodkit
SELECT prod_configure('web', '{"busy_timeout":30}');
PRAGMA busy_timeout;
.connection 0
ROLLBACK;

.print == a value that SQLite does not take
.connection 0
.open app.db
.load prodkit
SELECT prod_configure('web', '{"mmap_size":9007199254740991}');
PRAGMA cache_size;

.print == a dry run says what would change, and sets nothing
.open dry.db
.load prodkit
.once answer.json
SELECT prod_configure('web', '{"dry_run":true, "cache_size":-4096}');
SELECT json_extract(value, '$.name'), json_extract(value, '$.before'), json_extract(value, '$.after'), json_extract(value, '$.scope')
  FROM json_each(CAST(readfile('answer.json') AS TEXT), '$.settings')
 WHERE json_extract(value, '$.changed');
SELECT json_extract(CAST(readfile('answer.json') AS TEXT), '$.dry_run');
SELECT count(*) FROM prod_settings WHERE status = 'differs';
SELECT name, bytes FROM (SELECT 'dry.db' AS name, length(readfile('dry.db')) AS bytes);

.print == a dry run is refused as the run itself
BEGIN;
SELECT prod_configure('web', '{"dry_run":true}');
ROLLBACK;
SELECT prod_configure('web', '{"dry_run":1}');

.print == an empty database gets page size and auto_vacuum before its first page
PRAGMA page_size = 1024;
.once answer.json
SELECT prod_configure();
SELECT json_extract(value, '$.name'), json_extract(value, '$.before'), json_extract(value, '$.after'), json_extract(value, '$.scope')
  FROM json_each(CAST(readfile('answer.json') AS TEXT), '$.settings')
 WHERE json_extract(value, '$.scope') IN ('creation', 'file');
.open dry.db
PRAGMA page_size;
PRAGMA auto_vacuum;

.print == other values for an empty database
.open other-size.db
.load prodkit
SELECT json_extract(prod_configure('web', '{"page_size":8192, "auto_vacuum":"none"}'), '$.settings[1]', '$.settings[2]');
.open other-size.db
PRAGMA page_size;
PRAGMA auto_vacuum;

.print == a page size that SQLite does not take
.open odd.db
.load prodkit
SELECT prod_configure('web', '{"page_size":5000}');
SELECT prod_configure('web', '{"page_size":256}');

.print == a database with content keeps them
.open app.db
.load prodkit
SELECT prod_configure('web', '{"page_size":8192}');
SELECT prod_configure('web', '{"auto_vacuum":"incremental", "dry_run":true}');
SELECT json_extract(prod_configure('web', '{"page_size":4096}'), '$.settings[1]');

.print == an empty read-only database
.system touch empty.db
.open --readonly empty.db
.load prodkit
SELECT prod_configure();
.open app.db
.load prodkit

.print == NULL arguments are the defaults
SELECT json_extract(prod_configure(NULL, NULL), '$.profile');

.print == unknown profile
SELECT prod_configure('prod');

.print == empty profile
SELECT prod_configure('');

.print == a profile that is no text
SELECT prod_configure(1);

.print == unknown option
SELECT prod_configure('web', '{"encoding":"UTF-8"}');

.print == options that are no object
SELECT prod_configure('web', '[]');
SELECT prod_configure('web', 'journal_mode=wal');
SELECT prod_configure('web', 7);

.print == values of the wrong type or out of range
SELECT prod_configure('web', '{"journal_mode":"fast"}');
SELECT prod_configure('web', '{"journal_mode":1}');
SELECT prod_configure('web', '{"busy_timeout":-1}');
SELECT prod_configure('web', '{"busy_timeout":"5s"}');
SELECT prod_configure('web', '{"cache_size":1.5}');
SELECT prod_configure('web', '{"foreign_keys":1}');
SELECT prod_configure('web', '{"schema":""}');

.print == a schema that is not attached
SELECT prod_configure('web', '{"schema":"nowhere"}');

.print == too many arguments
SELECT prod_configure('web', '{}', 1);

.print == not from a view
CREATE VIEW v AS SELECT prod_configure();
SELECT * FROM v;

.print == a file that is not a database
.system printf 'not a database, but long enough to be looked at: %0600d' 0 > text.db
.open text.db
.load prodkit
SELECT prod_configure();
PRAGMA busy_timeout;
