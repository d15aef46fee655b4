-- prod_secure_files, as far as one user can see it. Other users and the folders
-- above are in test/test_permissions.py.

.print == a database, its sidecars and its folder
.system mkdir -m 755 app && umask 022
.open app/app.db
.load prodkit
.system chmod 644 app/app.db
PRAGMA journal_mode = wal;
CREATE TABLE t(x);
.system chmod 664 app/app.db-wal
.once answer.json
SELECT prod_secure_files();
SELECT replace(json_extract(value, '$.path'), rtrim(json_extract(value, '$.path'), replace(json_extract(value, '$.path'), '/', '')), '…/'),
       json_extract(value, '$.kind'), json_extract(value, '$.mode_before'), json_extract(value, '$.mode_after'), json_extract(value, '$.changed')
  FROM json_each(CAST(readfile('answer.json') AS TEXT), '$.paths');

.print == the system says so too
.system stat -c '%a %n' app app/*

.print == a second call changes nothing
.once answer.json
SELECT prod_secure_files();
SELECT json_extract(value, '$.kind'), json_extract(value, '$.mode_after'), json_extract(value, '$.changed')
  FROM json_each(CAST(readfile('answer.json') AS TEXT), '$.paths');

.print == SQLite makes new sidecars with the mode of the database
PRAGMA journal_mode = delete;
PRAGMA journal_mode = wal;
INSERT INTO t VALUES (1);
.system stat -c '%a %n' app/app.db-wal

.print == a dry run changes nothing
.system chmod 755 app && chmod 644 app/app.db
.once answer.json
SELECT prod_secure_files('{"dry_run":true}');
SELECT json_extract(value, '$.kind'), json_extract(value, '$.mode_before'), json_extract(value, '$.mode_after'), json_extract(value, '$.changed')
  FROM json_each(CAST(readfile('answer.json') AS TEXT), '$.paths');
.system stat -c '%a %n' app app/app.db

.print == without the folder
.once answer.json
SELECT prod_secure_files('{"folder":false}');
SELECT json_extract(value, '$.kind'), json_extract(value, '$.mode_after')
  FROM json_each(CAST(readfile('answer.json') AS TEXT), '$.paths');
.system stat -c '%a %n' app

.print == no permission is given that was not there
.system chmod 2770 app && chmod 440 app/app.db
.once answer.json
SELECT prod_secure_files();
.system stat -c '%a %n' app app/app.db

.print == an attached database with a quote and a snowman in its name
.system mkdir -m 755 other
ATTACH 'other/it''s ☃.db' AS "it's ""☃""";
CREATE TABLE "it's ""☃""".t(x);
.once answer.json
SELECT prod_secure_files(json_object('schema', 'it''s "☃"'));
SELECT json_extract(CAST(readfile('answer.json') AS TEXT), '$.schema');
.system stat -c '%a %n' other other/*

.print == a sticky folder is left, with a finding
.system mkdir -m 1777 shared && chmod 1777 shared
ATTACH 'shared/app.db' AS shared;
CREATE TABLE shared.t(x);
.once answer.json
SELECT prod_secure_files('{"schema":"shared"}');
SELECT substr(value, instr(value, 'was left')) FROM json_each(CAST(readfile('answer.json') AS TEXT), '$.findings') WHERE value LIKE '%was left%';
.system stat -c '%a %n' shared shared/*

.print == a sidecar that is a symbolic link is not followed, and nothing is changed
.system mkdir -m 755 linked
ATTACH 'linked/app.db' AS linked;
CREATE TABLE linked.t(x);
.system chmod 644 linked/app.db && touch elsewhere && chmod 644 elsewhere && ln -s ../elsewhere linked/app.db-wal
SELECT prod_secure_files('{"schema":"linked"}');
.system stat -c '%a %n' linked linked/app.db elsewhere

.print == a database that is reached through a link: what is secured is the file
.system ln -s app/app.db link.db
ATTACH 'link.db' AS by_link;
.system chmod 644 app/app.db
.once answer.json
SELECT prod_secure_files('{"schema":"by_link"}');
SELECT json_extract(value, '$.path') LIKE '%/app/app.db', json_extract(value, '$.mode_after')
  FROM json_each(CAST(readfile('answer.json') AS TEXT), '$.paths') WHERE json_extract(value, '$.kind') = 'database';

.print == a database whose file was removed
.system mkdir gone
ATTACH 'gone/app.db' AS gone;
CREATE TABLE gone.t(x);
.system rm gone/app.db
SELECT prod_secure_files('{"schema":"gone"}');

.print == in memory, and temporary
.open :memory:
.load prodkit
SELECT prod_secure_files();
CREATE TEMP TABLE t(x);
SELECT prod_secure_files('{"schema":"temp"}');

.print == what is no database has permissions all the same
.system mkdir -m 755 text && printf 'not a database: %0600d' 0 > text/text.db && chmod 644 text/text.db
.open text/text.db
.load prodkit
.once answer.json
SELECT prod_secure_files();
.system stat -c '%a %n' text text/text.db
.open :memory:
.load prodkit

.print == options of the wrong kind
SELECT prod_secure_files('{"mode":"0640"}');
SELECT prod_secure_files('{"folder":1}');
SELECT prod_secure_files('{"dry_run":"yes"}');
SELECT prod_secure_files('{"schema":"nowhere"}');
SELECT prod_secure_files('{"schema":""}');
SELECT prod_secure_files('{"schema":null}');
SELECT prod_secure_files('dry_run');
SELECT prod_secure_files('');
SELECT prod_secure_files(1);
SELECT prod_secure_files('{}', 1);

.print == not from a view
CREATE VIEW v AS SELECT prod_secure_files();
SELECT * FROM v;
