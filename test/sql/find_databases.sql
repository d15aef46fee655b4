-- prod_find_databases: what is a database and what is not, what is entered and
-- what is not. Other users and file systems are in test/test_find_databases.py.

.print == a tree of files
.system mkdir -p root/a/b/c root/empty "root/it's ☃"
.open root/app.db
.load prodkit
PRAGMA user_version = 7;
PRAGMA application_id = -2;
CREATE TABLE t(x);
.open root/a/wide.sqlite
.load prodkit
PRAGMA page_size = 1024;
PRAGMA encoding = 'UTF-16be';
CREATE TABLE t(x);
CREATE TABLE u(x);
.open "root/it's ☃/no-suffix"
.load prodkit
PRAGMA page_size = 65536;
CREATE TABLE t(x);
.open root/a/b/c/live.db
.load prodkit
PRAGMA journal_mode = wal;
CREATE TABLE t(x);
.system printf 'not a database, but long enough to be looked at: %0600d' 0 > root/text.db
.system touch root/empty.db && printf 'SQLite format 3' > root/short.db
.system ln -s ../root root/a/loop && ln -s /etc root/a/out && ln -s app.db root/link.db && mkfifo root/pipe
SELECT path, bytes, page_size, page_count, encoding, user_version, application_id, journal_mode, has_wal, problem
  FROM prod_find_databases('root') ORDER BY path;

.print == who wrote them, and when
SELECT DISTINCT written_by_version = sqlite_version(), modified_at LIKE '2___-__-__T__:__:__Z', modified_at > datetime('now', '-1 hour')
  FROM prod_find_databases('root');

.print == the database that is open here is one of them, and still works
INSERT INTO t VALUES (1);
SELECT has_wal FROM prod_find_databases('root/a/b') WHERE path LIKE '%/live.db';
SELECT count(*) FROM t;

.print == a depth limit says what it left out
SELECT path, problem FROM prod_find_databases('root', '{"max_depth":1}') ORDER BY path;
SELECT path, problem FROM prod_find_databases('root', '{"max_depth":0}') WHERE problem IS NULL ORDER BY path;

.print == paths begin with root as it was given
SELECT path FROM prod_find_databases('root/a/') WHERE path LIKE '%wide%';
SELECT path FROM prod_find_databases('./root') WHERE path LIKE '%app.db';
SELECT count(*) FROM prod_find_databases WHERE root = 'root' AND options = '{}';

.print == root can be a symbolic link
.system ln -s root/a through
SELECT path FROM prod_find_databases('through') ORDER BY path;

.print == a LIMIT ends the search, and a second search can begin meanwhile
SELECT count(*) FROM (SELECT * FROM prod_find_databases('root') LIMIT 1);
SELECT count(*) FROM prod_find_databases('root') AS one, prod_find_databases('root') AS other WHERE one.path = other.path;

.print == a header that is damaged
SELECT writefile('root/damaged.db', CAST(substr(data, 1, 16) || x'0303' || substr(data, 19) AS BLOB))
  FROM (SELECT readfile('root/app.db') AS data);
SELECT path, bytes > 0, page_size, journal_mode, modified_at NOT NULL, problem FROM prod_find_databases('root') WHERE problem NOT NULL;

.print == a page count that the header does not know is the file's
SELECT writefile('root/legacy.db', CAST(substr(data, 1, 28) || x'00000009' || substr(data, 33, 60) || x'000000ff' || substr(data, 97) AS BLOB))
  FROM (SELECT readfile('root/app.db') AS data);
SELECT page_count FROM prod_find_databases('root') WHERE path = 'root/legacy.db';

.print == an empty folder has none, and so has a file's sidecar
SELECT count(*) FROM prod_find_databases('root/empty');
.system cp root/app.db root/empty/x.db-wal && cp root/app.db root/empty/x.db-shm && cp root/app.db root/empty/x.db-journal
SELECT count(*) FROM prod_find_databases('root/empty');

.print == roots that cannot be searched
SELECT * FROM prod_find_databases('nowhere');
SELECT * FROM prod_find_databases('root/app.db');
SELECT * FROM prod_find_databases('');
SELECT * FROM prod_find_databases(NULL);
SELECT * FROM prod_find_databases;
SELECT * FROM prod_find_databases(1);

.print == options of the wrong kind
SELECT * FROM prod_find_databases('root', '{"max_depth":-1}');
SELECT * FROM prod_find_databases('root', '{"max_depth":1000}');
SELECT * FROM prod_find_databases('root', '{"max_depth":"all"}');
SELECT * FROM prod_find_databases('root', '{"cross_filesystems":1}');
SELECT * FROM prod_find_databases('root', '{"follow":true}');
SELECT * FROM prod_find_databases('root', 'all');
SELECT * FROM prod_find_databases('root', '{}', 1);

.print == not from a view
CREATE VIEW v AS SELECT * FROM prod_find_databases('root');
SELECT * FROM v;
