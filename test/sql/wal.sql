-- prod_wal and prod_checkpoint from one process: figures, databases that have no
-- log, bad arguments. test/test_wal.py has what needs several.

.print == a database in WAL mode
.open app.db
.load prodkit
PRAGMA journal_mode = wal;
CREATE TABLE t(x);
INSERT INTO t VALUES (1);
SELECT schema_name, journal_mode, wal_bytes, frames, backfilled_frames, page_size, autocheckpoint, journal_size_limit, pinned, held_back_frames, reader_marks, last_commit_pages, note FROM prod_wal;

.print == the size is that of the frames and the header
SELECT wal_bytes = 32 + frames * (24 + page_size) FROM prod_wal;

.print == the salts are those in the header of the file
SELECT lower(hex(substr(readfile('app.db-wal'), 17, 8))) = salts, length(salts) FROM prod_wal;

.print == settings show
PRAGMA wal_autocheckpoint = 250;
PRAGMA journal_size_limit = 1000000;
SELECT autocheckpoint, journal_size_limit FROM prod_wal;

.print == a passive checkpoint
SELECT prod_checkpoint();
SELECT frames, backfilled_frames, pinned FROM prod_wal;

.print == the same again, by name
SELECT json_extract(prod_checkpoint('passive', NULL), '$.mode', '$.checkpointed_frames');

.print == full
INSERT INTO t VALUES (2);
SELECT json_remove(prod_checkpoint('full'), '$.seconds');

.print == restart: the next commit begins the log anew
SELECT json_remove(prod_checkpoint('restart'), '$.seconds', '$.message');
INSERT INTO t VALUES (3);
SELECT frames, backfilled_frames FROM prod_wal;

.print == truncate
SELECT json_remove(prod_checkpoint('truncate'), '$.seconds', '$.message');
SELECT wal_bytes, frames, backfilled_frames, last_commit_pages, salts FROM prod_wal;

.print == on a host with the WAL-reset bug, the modes that reset the log say so
SELECT iif(sqlite_version() IN ('3.34.0', '3.40.1'), 'SQLite ' || sqlite_version() || ' has the WAL-reset bug, unless the distribution has mended it: use passive as a rule', NULL) IS json_extract(prod_checkpoint('truncate'), '$.message') OR sqlite_version() NOT IN ('3.34.0', '3.40.1');

.print == an attached database with a quote and a snowman in its name
ATTACH 'other "☃".db' AS "it's ""☃""";
PRAGMA "it's ""☃""".journal_mode = wal;
CREATE TABLE "it's ""☃""".u(x);
SELECT schema_name, frames, note FROM prod_wal;
SELECT schema_name, frames FROM prod_wal('it''s "☃"');
SELECT schema_name, frames FROM prod_wal WHERE schema = 'it''s "☃"';
SELECT json_extract(prod_checkpoint('passive', json_object('schema', 'it''s "☃"')), '$.schema', '$.log_frames');

.print == a schema that is not in WAL mode has a row when it is asked for
ATTACH 'plain.db' AS plain;
CREATE TABLE plain.v(x);
ATTACH ':memory:' AS memory;
SELECT schema_name FROM prod_wal;
SELECT schema_name, journal_mode, wal_bytes, frames, page_size, autocheckpoint, pinned, reader_marks, note FROM prod_wal('plain');
SELECT schema_name, journal_mode, frames, note FROM prod_wal('memory');
CREATE TEMP TABLE w(x);
SELECT schema_name, journal_mode, frames, note FROM prod_wal('temp');

.print == each database by a join
SELECT d.name, w.journal_mode, w.frames, w.note FROM pragma_database_list AS d, prod_wal(d.name) AS w;

.print == a checkpoint has nothing to do there
SELECT json_remove(prod_checkpoint('truncate', '{"schema":"plain"}'), '$.seconds');
SELECT json_extract(prod_checkpoint('passive', '{"schema":"memory"}'), '$.message');
SELECT json_extract(prod_checkpoint('passive', '{"schema":"temp"}'), '$.message');

.print == not inside a transaction
BEGIN;
SELECT prod_checkpoint();
COMMIT;

.print == not from a statement that reads the database
SELECT prod_checkpoint() FROM t;
SELECT prod_checkpoint() FROM pragma_database_list LIMIT 1;

SELECT prod_checkpoint('passive', json_object('schema', 'it''s "☃"')) FROM t LIMIT 1;

.print == the busy timeout is as before
PRAGMA busy_timeout = 321;
SELECT json_extract(prod_checkpoint('full', '{"max_wait_ms":10}'), '$.busy');
PRAGMA busy_timeout;

.print == another connection sees the same
INSERT INTO t VALUES (4);
.connection 1
.open app.db
.load prodkit
SELECT frames, backfilled_frames, pinned, held_back_frames FROM prod_wal;

.print == a locked database has a row that says so
ATTACH 'locked.db' AS locked;
CREATE TABLE locked.t(x);
.connection 2
.open locked.db
BEGIN EXCLUSIVE;
.connection 1
SELECT schema_name, journal_mode, frames, note FROM prod_wal;
SELECT prod_checkpoint('passive', '{"schema":"locked"}');
.connection 2
ROLLBACK;
.connection 1

.print == so has a file that is no database any more
.system printf 'not a database, but long enough to be looked at: %04000d' 0 > locked.db
SELECT schema_name, note FROM prod_wal('locked');
SELECT prod_checkpoint('passive', '{"schema":"locked"}');

.print == in main SQLite itself says so
.open locked.db
.load prodkit
SELECT * FROM prod_wal;
SELECT prod_checkpoint();

.print == a read-only connection sees the log, and cannot checkpoint
.open --readonly app.db
.load prodkit
SELECT schema_name, journal_mode, frames, backfilled_frames, pinned, note FROM prod_wal;
SELECT prod_checkpoint();
.connection 0

.print == an empty database
.open empty.db
.load prodkit
SELECT count(*) FROM prod_wal;
SELECT journal_mode, note FROM prod_wal('main');
SELECT json_extract(prod_checkpoint(), '$.message');

.print == unknown mode
SELECT prod_checkpoint('fast');
SELECT prod_checkpoint('PASSIVE');

.print == a mode that is no text
SELECT prod_checkpoint('');
SELECT prod_checkpoint(1);

.print == unknown option
SELECT prod_checkpoint('passive', '{"wait":1}');

.print == options that are no object
SELECT prod_checkpoint('passive', 'schema=main');
SELECT prod_checkpoint('passive', x'00');

.print == values of the wrong type or out of range
SELECT prod_checkpoint('full', '{"max_wait_ms":-1}');
SELECT prod_checkpoint('full', '{"max_wait_ms":"1 s"}');
SELECT prod_checkpoint('full', '{"max_wait_ms":3600001}');
SELECT prod_checkpoint('full', '{"schema":""}');

.print == a schema that is not attached
SELECT prod_checkpoint('passive', '{"schema":"nowhere"}');
SELECT * FROM prod_wal('nowhere');

.print == a schema that is no name
SELECT * FROM prod_wal('');
SELECT * FROM prod_wal(1);

.print == too many arguments
SELECT prod_checkpoint('passive', '{}', 1);

.print == not from a view
CREATE VIEW v AS SELECT prod_checkpoint();
SELECT * FROM v;
CREATE VIEW w AS SELECT * FROM prod_wal;
SELECT * FROM w;
