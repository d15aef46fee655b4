.print == a dump is SQL text: tables with their rows, then indexes, views and triggers
.open app.db
.load prodkit
CREATE TABLE city(id INTEGER PRIMARY KEY, name TEXT NOT NULL, "area km²" REAL);
CREATE TABLE note(about, body);
CREATE INDEX note_about ON note(about);
CREATE VIEW large AS SELECT name FROM city WHERE "area km²" > 500; -- a comment
CREATE TRIGGER no_empty BEFORE INSERT ON note WHEN new.body = '' BEGIN SELECT raise(ABORT, 'empty'); END;
INSERT INTO city VALUES (1, 'Zürich', 87.88), (2, 'Berlin', 891.0), (5, 'it''s', 1e999);
INSERT INTO note VALUES (1, 'two' || char(10) || 'lines'), (2.0, x'00ff'), (NULL, 'a\b');
SELECT json_remove(prod_dump_to('app.sql'), '$.seconds');
SELECT CAST(readfile('app.sql') AS TEXT);
.print == it loads back equal
.open again.db
.read app.sql
.load prodkit
SELECT id, name, "area km²" FROM city;
SELECT typeof(about), quote(about), hex(body) FROM note;
SELECT group_concat(name, ' ') FROM sqlite_schema;
PRAGMA integrity_check;
.print == values that need care
CREATE TABLE v(n INTEGER PRIMARY KEY, x);
INSERT INTO v(x) VALUES (0.1), (5.0), (-0.0), (1e22), (-1e999), (9223372036854775807), (-9223372036854775808), ('5'), ('it''s'), (''), (x''), (NULL), ('a' || char(0) || 'b'), ('a' || char(13, 10) || '\n'), (CAST(x'ff' AS TEXT)), (1/3.0);
SELECT json_extract(prod_dump_to('values.sql'), '$.rows');
SELECT line.value FROM json_each('["' || replace(replace(replace(CAST(readfile('values.sql') AS TEXT), '\', '\\'), '"', '\"'), char(10), '","') || '"]') line WHERE line.value LIKE 'INSERT INTO "v" %';
.print == rowids are written where loading would not give them by itself
.open rowids.db
.load prodkit
CREATE TABLE t(x);
INSERT INTO t VALUES ('one'), ('two'), ('three'), ('four');
DELETE FROM t WHERE rowid = 2;
CREATE TABLE hidden(rowid, x);
INSERT INTO hidden(_rowid_, rowid, x) VALUES (7, 'a', 'b');
SELECT prod_dump_to('rowids.sql') IS NOT NULL;
SELECT CAST(readfile('rowids.sql') AS TEXT);
.print == generated columns, WITHOUT ROWID, AUTOINCREMENT, statistics, virtual tables, header fields
.open kinds.db
.load prodkit
PRAGMA application_id = 7;
PRAGMA user_version = 12;
CREATE TABLE g(id INTEGER PRIMARY KEY AUTOINCREMENT, v, twice AS (v * 2), more AS (v + 1) STORED, last);
INSERT INTO g(v, last) VALUES (1, 'a'), (2, 'b');
DELETE FROM g WHERE id = 2;
CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID;
INSERT INTO w VALUES ('b', 1), ('a', 2);
CREATE INDEX w_v ON w(v);
ANALYZE;
CREATE VIRTUAL TABLE box USING rtree(id, x0, x1);
SELECT json_extract(prod_dump_to('kinds.sql'), '$.tables');
SELECT CAST(readfile('kinds.sql') AS TEXT);
.open kinds2.db
.read kinds.sql
INSERT INTO box VALUES (1, 2, 3);
SELECT * FROM box;
SELECT * FROM g;
INSERT INTO g(v) VALUES (9);
SELECT max(id) FROM g;
PRAGMA application_id;
PRAGMA user_version;
.print == names and statements that need care
.open names.db
.load prodkit
CREATE TABLE "a ""b"" 'c'; --"("select" TEXT, "x""y", "größe ☃");
INSERT INTO "a ""b"" 'c'; --" VALUES ('a', 'b', 'c');
CREATE TABLE pragma_table_xinfo(trap);
CREATE TABLE pragma_index_list(trap);
CREATE VIEW broken AS SELECT missing FROM nowhere;
CREATE TABLE strict_one(a ANY, b REAL) STRICT;
INSERT INTO strict_one VALUES (5.0, 5), ('5', NULL);
CREATE TABLE parent(id INTEGER PRIMARY KEY, child REFERENCES child);
CREATE TABLE child(id INTEGER PRIMARY KEY, parent REFERENCES parent);
INSERT INTO parent VALUES (1, 7);
SELECT json_extract(prod_dump_to('names.sql'), '$.rows');
SELECT CAST(readfile('names.sql') AS TEXT);
.open names2.db
.read names.sql
.shell sqldiff names.db names2.db && sqldiff --schema names.db names2.db && echo no difference
.print == an attached database, compressed, with every option
.open app.db
.load prodkit
ATTACH 'rowids.db' AS "the ""other""";
SELECT json_extract(prod_dump_to('other.sql.gz', 9, '{"schema":"the \"other\"","overwrite":false,"threads":2,"max_seconds":60,"rate_mb_per_second":100,"progress":true}'), '$.schema', '$.compression', '$.rows', '$.sql_bytes');
.shell zcat other.sql.gz | cmp - rowids.sql && echo the same text
.print == an empty database, one in memory, a temporary one
.open :memory:
.load prodkit
SELECT json_extract(prod_dump_to('empty.sql'), '$.tables', '$.rows', '$.sql_bytes');
SELECT CAST(readfile('empty.sql') AS TEXT);
CREATE TEMP TABLE t(x);
INSERT INTO t VALUES ('temporary');
SELECT prod_dump_to('temp.sql', NULL, '{"schema":"temp"}') IS NOT NULL;
SELECT CAST(readfile('temp.sql') AS TEXT);
.print == a read-only database, and within a read transaction of the caller's
.open -readonly app.db
.load prodkit
BEGIN;
SELECT count(*) FROM city;
SELECT json_extract(prod_dump_to('readonly.sql'), '$.rows');
COMMIT;
.shell cmp readonly.sql app.sql && echo the same text
.print == the target exists: refused, replaced when that is asked for
.open app.db
.load prodkit
SELECT prod_dump_to('app.sql');
SELECT json_extract(prod_dump_to('app.sql', 0, '{"overwrite":true}'), '$.path', '$.rows');
.print == the target is the live database, or beside it
SELECT prod_dump_to('app.db', 0, '{"overwrite":true}');
SELECT prod_dump_to('app.db-wal');
SELECT prod_dump_to('./app.db-journal');
.shell ln -s app.db link.db
SELECT prod_dump_to('link.db', 0, '{"overwrite":true}');
SELECT count(*) FROM city;
.print == the target is a folder, in a missing folder, or no file
SELECT prod_dump_to('.');
SELECT prod_dump_to('missing/app.sql');
SELECT prod_dump_to('/dev/null', 0, '{"overwrite":true}');
.print == arguments of the wrong kind
SELECT prod_dump_to();
SELECT prod_dump_to(NULL);
SELECT prod_dump_to('');
SELECT prod_dump_to(7);
SELECT prod_dump_to('a' || char(0) || 'b');
SELECT prod_dump_to('x.sql', 13);
SELECT prod_dump_to('x.sql', 'zip');
SELECT prod_dump_to('x.sql', 0, '{}', 1);
.print == options of the wrong kind
SELECT prod_dump_to('x.sql', 0, 'schema');
SELECT prod_dump_to('x.sql', 0, '{"table":"x"}');
SELECT prod_dump_to('x.sql', 0, '{"schema":7}');
SELECT prod_dump_to('x.sql', 0, '{"schema":"nowhere"}');
SELECT prod_dump_to('x.sql', 0, '{"threads":65}');
SELECT prod_dump_to('x.sql', 0, '{"max_seconds":-1}');
SELECT prod_dump_to('x.sql', 0, '{"overwrite":1}');
.print == within a write transaction: refused
BEGIN IMMEDIATE;
SELECT prod_dump_to('x.sql');
ROLLBACK;
.print == out of time: an error, and nothing is left
SELECT prod_dump_to('x.sql', 0, '{"max_seconds":0.000001}');
.shell ls -A | grep -F x.sql || echo nothing is left
.print == a view of the database cannot call it
.open :memory:
.load prodkit
CREATE VIEW sly AS SELECT prod_dump_to('sly.sql');
SELECT * FROM sly;
.print == a file that is no database
.shell echo 'this is not a database, and long enough to be seen as none of the kind' > text.db
.open text.db
.load prodkit
SELECT prod_dump_to('x.sql');
.print == a schema that cannot be read
.open broken.db
.load prodkit
CREATE TABLE t(x);
INSERT INTO t VALUES (1);
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET rootpage = 99 WHERE name = 't';
PRAGMA writable_schema = OFF;
.open broken.db
.load prodkit
SELECT prod_dump_to('x.sql');
.shell ls -A | grep -F x.sql || echo nothing is left
