-- prod_settings: the profiles, the databases it is asked about, the findings,
-- bad arguments.

.print == a fresh database: what differs from the profile web
.open app.db
.load prodkit
CREATE TABLE t(x);
SELECT name, value, recommended, scope FROM prod_settings WHERE status = 'differs';

.print == and what is as it should be
SELECT name, value, recommended, scope FROM prod_settings
 WHERE part = 'settings' AND status = 'ok';

.print == what only a VACUUM could change is advice
SELECT name, value, recommended, scope, fix FROM prod_settings
 WHERE part = 'settings' AND status = 'advice';

.print == the SQL that mends it
SELECT fix FROM prod_settings WHERE part = 'settings' AND fix IS NOT NULL;

.print == that SQL mends it
PRAGMA "main".auto_vacuum = incremental; VACUUM "main";
PRAGMA busy_timeout = 5000;
PRAGMA "main".journal_mode = wal;
PRAGMA "main".synchronous = normal;
PRAGMA foreign_keys = on;
PRAGMA "main".cache_size = -65536;
PRAGMA temp_store = memory;
PRAGMA "main".journal_size_limit = 67108864;
SELECT status, count(*), count(fix) FROM prod_settings('web', 'main', 'settings') GROUP BY status;

.print == every setting has a reason
SELECT name, length(reason) > 20 FROM prod_settings('web', 'main', 'all');

.print == the profile durable
SELECT name, value, recommended, fix FROM prod_settings('durable') WHERE status = 'differs';

.print == the profile small
SELECT name, value, recommended, fix FROM prod_settings WHERE profile = 'small' AND status = 'differs';

.print == values have the pragma's type
SELECT name, typeof(value), typeof(recommended) FROM prod_settings WHERE part = 'settings';

.print == a pragma changed behind it is seen
PRAGMA synchronous = extra;
PRAGMA wal_autocheckpoint = 0;
PRAGMA temp_store = file;
SELECT name, value, recommended, status FROM prod_settings
 WHERE name IN ('synchronous', 'wal_autocheckpoint', 'temp_store');

.print == an attached database with a quote and a snowman in its name
ATTACH 'other.db' AS "it's ""☃""";
SELECT name, value, fix FROM prod_settings('web', 'it''s "☃"')
 WHERE status = 'differs' AND name IN ('journal_mode', 'synchronous', 'cache_size');

.print == the settings of the connection are the same for every schema
SELECT name, value, status FROM prod_settings('web', 'it''s "☃"')
 WHERE name IN ('busy_timeout', 'foreign_keys');

.print == every attached database by a join
SELECT d.name, s.value FROM pragma_database_list AS d, prod_settings('web', d.name) AS s
 WHERE s.name = 'journal_mode' ORDER BY d.seq;

.print == an in-memory database cannot be in WAL mode
ATTACH ':memory:' AS memory;
SELECT name, value, recommended, status, reason, fix FROM prod_settings('web', 'memory') WHERE status = 'unknown';

.print == the temporary database, once it has a table
CREATE TEMP TABLE t2(x);
SELECT name, value, status, reason FROM prod_settings('web', 'temp') WHERE name = 'journal_mode';

.print == a read-only database can be asked
.open --readonly app.db
.load prodkit
SELECT name, value, status FROM prod_settings WHERE name = 'journal_mode';

.print == an empty database can still have another page size and auto_vacuum
.open --new empty.db
.load prodkit
PRAGMA page_size = 1024;
SELECT name, value, recommended, status, fix FROM prod_settings WHERE scope = 'creation';

.print == and no longer when it has content
CREATE TABLE t(x INTEGER PRIMARY KEY) STRICT;
SELECT name, value, recommended, status, fix FROM prod_settings WHERE scope = 'creation';

.print == the SQL of the advice mends it, in WAL mode too
PRAGMA journal_mode = wal;
.once fix.sql
SELECT group_concat(fix, ';' || char(10)) || ';' FROM prod_settings WHERE scope = 'creation';
.read fix.sql
SELECT name, value, status, fix FROM prod_settings WHERE scope = 'creation';

.print == page sizes up to 16384 are fine
.open --new large.db
.load prodkit
PRAGMA page_size = 16384;
CREATE TABLE t(x);
SELECT value, recommended, status FROM prod_settings WHERE name = 'page_size';
.open --new larger.db
.load prodkit
PRAGMA page_size = 32768;
CREATE TABLE t(x);
SELECT value, recommended, status FROM prod_settings WHERE name = 'page_size';

.print == UTF-16 is a finding
.open --new wide.db
.load prodkit
PRAGMA encoding = 'UTF-16le';
CREATE TABLE t(x);
SELECT name, value, recommended, status, fix FROM prod_settings WHERE name = 'encoding';

.print == pragmas of which no profile is sure
PRAGMA secure_delete = 0;
SELECT name, value, recommended, status, fix FROM prod_settings WHERE name IN ('secure_delete', 'trusted_schema');
PRAGMA secure_delete = fast;
PRAGMA trusted_schema = off;
SELECT name, value, status, fix FROM prod_settings WHERE name IN ('secure_delete', 'trusted_schema');
PRAGMA secure_delete = on;
SELECT name, value, status, fix FROM prod_settings WHERE name = 'secure_delete';

.print == an empty schema has no faults
.open --new faults.db
.load prodkit
SELECT name, value, recommended, status, reason, fix FROM prod_settings WHERE scope = 'schema';

.print == the faults of a schema
CREATE TABLE parent(id INTEGER PRIMARY KEY, code TEXT UNIQUE) STRICT;
CREATE TABLE "it's ""☃""" ("a ""b""" INTEGER REFERENCES parent, c TEXT);
CREATE TABLE auto(id INTEGER PRIMARY KEY AUTOINCREMENT) STRICT;
SELECT name, value, recommended, status, fix FROM prod_settings WHERE scope = 'schema';

.print == the SQL mends what it can
.once fix.sql
SELECT group_concat(fix, ';' || char(10)) || ';' FROM prod_settings WHERE scope = 'schema';
.read fix.sql
SELECT name, status FROM prod_settings WHERE name LIKE 'foreign_key%';
SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql NOT NULL;

.print == foreign keys that something serves: a rowid, a key, the head of an index
CREATE TABLE same_id(id INTEGER PRIMARY KEY REFERENCES parent) STRICT;
CREATE TABLE clustered(p INT REFERENCES parent, n INT, PRIMARY KEY(p, n)) STRICT, WITHOUT ROWID;
CREATE TABLE pair(p INT, q TEXT, id INTEGER PRIMARY KEY, FOREIGN KEY(p, q) REFERENCES parent(id, code)) STRICT;
CREATE INDEX pair_q ON pair(Q);
SELECT name, status FROM prod_settings WHERE name LIKE 'foreign_key_index%';

.print == and some that nothing serves: a later column, a partial index
CREATE TABLE later(x INT, p INT REFERENCES parent, PRIMARY KEY(x, p)) STRICT, WITHOUT ROWID;
CREATE TABLE partly(id INTEGER PRIMARY KEY, p INT REFERENCES parent, q INT REFERENCES parent) STRICT;
CREATE INDEX partly_p ON partly(p) WHERE q > 1;
CREATE TABLE three(id INTEGER PRIMARY KEY, a INT, b INT, c INT,
 FOREIGN KEY(a, b, c) REFERENCES parent(x, y, z)) STRICT;
SELECT name, fix FROM prod_settings WHERE name LIKE 'foreign_key_index%';

.print == the name of a proposed index is free
CREATE TABLE partly_q(id INTEGER PRIMARY KEY) STRICT;
SELECT fix FROM prod_settings WHERE name = 'foreign_key_index: partly(q)';

.print == virtual tables and their shadows are left out, and so is what nobody created
.open --new virtual.db
.load prodkit
CREATE VIRTUAL TABLE papers USING fts5(title);
CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT) STRICT;
CREATE VIEW broken AS SELECT * FROM nowhere;
ANALYZE;
SELECT name, status FROM prod_settings WHERE scope = 'schema';

.print == the faults of an attached database, and of the temporary one
ATTACH 'faults.db' AS other;
SELECT name, fix FROM prod_settings('web', 'other') WHERE scope = 'schema' AND fix NOT NULL;
CREATE TEMP TABLE scratch(x);
SELECT name, fix FROM prod_settings('web', 'temp') WHERE scope = 'schema' AND status = 'advice';

.print == findings can be asked for alone
SELECT DISTINCT scope FROM prod_settings WHERE part = 'findings';

.print == NULL arguments are the defaults
SELECT count(*) FROM prod_settings(NULL, NULL, NULL) WHERE scope <> 'schema';

.print == an unknown profile
SELECT * FROM prod_settings('prod');

.print == an empty profile
SELECT * FROM prod_settings('');

.print == a profile that is no text
SELECT * FROM prod_settings(1);

.print == a schema that is not attached
SELECT * FROM prod_settings('web', 'nowhere');

.print == an empty schema
SELECT * FROM prod_settings('web', '');

.print == a schema that is no text
SELECT * FROM prod_settings('web', x'00');

.print == an unknown part, an empty one, and one that is no text
SELECT * FROM prod_settings('web', 'main', 'schema');
SELECT * FROM prod_settings('web', 'main', '');
SELECT * FROM prod_settings('web', 'main', 2);

.print == too many arguments
SELECT * FROM prod_settings('web', 'main', 'all', 1);

.print == the table is read-only
DELETE FROM prod_settings;

.print == a file that is not a database
.system printf 'not a database, but long enough to be looked at: %0600d' 0 > text.db
.open text.db
.load prodkit
SELECT * FROM prod_settings;
