-- prod_settings: the profiles, the databases it is asked about, bad arguments.

.print == a fresh database: what differs from the profile web
.open app.db
.load prodkit
CREATE TABLE t(x);
SELECT name, value, recommended, scope FROM prod_settings WHERE status = 'differs';

.print == and what is as it should be
SELECT name, value, recommended, scope FROM prod_settings WHERE status = 'ok';

.print == the SQL that mends it
SELECT fix FROM prod_settings WHERE fix IS NOT NULL;

.print == that SQL mends it
PRAGMA busy_timeout = 5000;
PRAGMA "main".journal_mode = wal;
PRAGMA "main".synchronous = normal;
PRAGMA foreign_keys = on;
PRAGMA "main".cache_size = -65536;
PRAGMA temp_store = memory;
PRAGMA "main".journal_size_limit = 67108864;
SELECT status, count(*), count(fix) FROM prod_settings GROUP BY status;

.print == every setting has a reason
SELECT name, length(reason) > 20 FROM prod_settings;

.print == the profile durable
SELECT name, value, recommended, fix FROM prod_settings('durable') WHERE status = 'differs';

.print == the profile small
SELECT name, value, recommended, fix FROM prod_settings WHERE profile = 'small' AND status = 'differs';

.print == values have the pragma's type
SELECT name, typeof(value), typeof(recommended) FROM prod_settings;

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

.print == NULL arguments are the defaults
SELECT count(*) FROM prod_settings(NULL, NULL);

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

.print == too many arguments
SELECT * FROM prod_settings('web', 'main', 1);

.print == the table is read-only
DELETE FROM prod_settings;

.print == a file that is not a database
.system printf 'not a database, but long enough to be looked at: %0600d' 0 > text.db
.open text.db
.load prodkit
SELECT * FROM prod_settings;
