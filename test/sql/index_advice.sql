.nullvalue NULL
.open shop.db
.load prodkit
CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT);
CREATE TABLE orders(
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers(id),
  status TEXT NOT NULL,
  total_cents INTEGER NOT NULL,
  created_at TEXT NOT NULL);
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
INSERT INTO customers SELECT i, 'name ' || i, 'city ' || (i % 40) FROM n;
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO orders
SELECT i, 1 + i * 7919 % 1000, iif(i % 3, 'paid', 'open'), i * 31 % 4999,
       datetime(1.7e9 + i * 60, 'unixepoch') FROM n;

.print == all columns of a row
.mode line
SELECT * FROM prod_index_advice('SELECT * FROM orders WHERE customer_id = 5 ORDER BY created_at');
.mode list

.print == the sql can also be given as a column
SELECT ddl FROM prod_index_advice WHERE sql = 'SELECT * FROM orders WHERE customer_id = 5';

.print == no row for a query that is served, or that no index serves
SELECT 'rows', count(*) FROM prod_index_advice('SELECT * FROM orders WHERE id = 5');
SELECT 'rows', count(*) FROM prod_index_advice('SELECT * FROM orders WHERE id > 5 ORDER BY id');
SELECT 'rows', count(*) FROM prod_index_advice('SELECT * FROM orders');
SELECT 'rows', count(*) FROM prod_index_advice('SELECT count(*) FROM orders');
SELECT 'rows', count(*) FROM prod_index_advice('SELECT * FROM customers WHERE name LIKE ''%x%''');
SELECT 'rows', count(*) FROM prod_index_advice('INSERT INTO customers VALUES (0, ''x'', ''y'')');

.print == no row for a column with few different values, except where the order serves a LIMIT
SELECT 'rows', count(*) FROM prod_index_advice('SELECT * FROM orders WHERE status = ''paid''');
SELECT ddl FROM prod_index_advice('SELECT * FROM orders WHERE status = ''paid'' ORDER BY created_at DESC LIMIT 20');

.print == equality columns, the most selective first, and only as far as needed
SELECT ddl FROM prod_index_advice('SELECT * FROM customers WHERE city = ? AND name = ?');
SELECT ddl FROM prod_index_advice('SELECT * FROM orders WHERE status = ? AND customer_id IS ?');
SELECT ddl FROM prod_index_advice('SELECT * FROM customers WHERE city IS NULL');
SELECT ddl FROM prod_index_advice('SELECT * FROM orders WHERE customer_id IN (1, 2, 3)');

.print == ranges and patterns
SELECT ddl, warnings FROM prod_index_advice('SELECT * FROM orders WHERE created_at > ?', '{"proof":"none"}');
SELECT ddl, warnings FROM prod_index_advice('SELECT * FROM orders WHERE customer_id = ? AND created_at > ?');
SELECT ddl FROM prod_index_advice('SELECT * FROM customers WHERE name LIKE ''name 1%''');
SELECT ddl FROM prod_index_advice('SELECT * FROM customers WHERE name GLOB ''name 1*''');

.print == order and direction
SELECT ddl FROM prod_index_advice('SELECT * FROM orders ORDER BY created_at DESC, total_cents DESC LIMIT 5');
SELECT ddl FROM prod_index_advice('SELECT * FROM orders ORDER BY created_at DESC, total_cents LIMIT 5');
SELECT ddl FROM prod_index_advice('SELECT max(created_at) FROM orders');

.print == a covering index where rows fetched one by one would not pay
SELECT ddl, kind, reason FROM prod_index_advice('SELECT status, sum(total_cents) FROM orders GROUP BY status');
SELECT ddl, kind FROM prod_index_advice('SELECT sum(total_cents) FROM orders WHERE created_at > ?');
SELECT ddl, kind FROM prod_index_advice('SELECT DISTINCT city FROM customers');

.print == OR takes two indexes
SELECT rank, ddl FROM prod_index_advice('SELECT * FROM orders WHERE customer_id = 1 OR total_cents = 7');

.print == joins, views, subqueries, common tables
CREATE VIEW open_orders AS SELECT * FROM orders WHERE status = 'open';
SELECT ddl FROM prod_index_advice('SELECT c.name, o.id FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.id = 7');
SELECT ddl FROM prod_index_advice('SELECT * FROM open_orders WHERE total_cents = 9');
SELECT ddl FROM prod_index_advice('SELECT name, (SELECT max(o.total_cents) FROM orders o WHERE o.customer_id = c.id) FROM customers c', '{"proof":"none"}');
SELECT ddl FROM prod_index_advice('WITH o AS (SELECT * FROM orders) SELECT * FROM o WHERE total_cents = 9');

.print == UPDATE and DELETE are planned, not run
SELECT ddl FROM prod_index_advice('DELETE FROM orders WHERE total_cents = 9');
SELECT ddl FROM prod_index_advice('UPDATE orders SET status = ''x'' WHERE total_cents = 9');
SELECT count(*), sum(status = 'x') FROM orders;

.print == collations
SELECT ddl FROM prod_index_advice('SELECT * FROM customers WHERE name = ''x'' COLLATE NOCASE');

.print == several statements: the index of one begins that of the other
SELECT rank, ddl, queries FROM prod_index_advice('
  SELECT * FROM orders WHERE customer_id = ?;
  SELECT * FROM orders WHERE customer_id = ? ORDER BY created_at; -- a comment; with a semicolon
  SELECT * FROM customers WHERE city = '';'';');

.print == several statements, some of them bad
SELECT rank, action, ddl, reason FROM prod_index_advice('
  SELECT * FROM nope;
  SELECT * FROM orders WHERE customer_id = ?;
  SELEC;
  DROP TABLE orders');

.print == an upsert
SELECT rank, action, table_name FROM prod_index_advice('
  INSERT INTO customers(id, name) SELECT id, status FROM orders WHERE customer_id = 1 ON CONFLICT DO NOTHING');

.print == a small table needs no index
CREATE TABLE small(a);
INSERT INTO small VALUES (1), (2);
SELECT 'rows', count(*) FROM prod_index_advice('SELECT * FROM small WHERE a = 1');

.print == bad arguments
SELECT * FROM prod_index_advice(5);
SELECT * FROM prod_index_advice(x'41');
SELECT * FROM prod_index_advice('');
SELECT * FROM prod_index_advice('  -- only a comment');
SELECT * FROM prod_index_advice('SELECT 1', 2);
SELECT * FROM prod_index_advice('SELECT 1', '{}', 3);

.print == one bad statement
SELECT * FROM prod_index_advice('SELEC 1');
SELECT * FROM prod_index_advice('SELECT * FROM nope');
SELECT * FROM prod_index_advice('SELECT nope FROM orders');
SELECT * FROM prod_index_advice('SELECT ''unfinished');
SELECT * FROM prod_index_advice('SELECT app_function(1)');
SELECT * FROM prod_index_advice('SELECT * FROM orders INDEXED BY nope');
SELECT * FROM prod_index_advice('EXPLAIN SELECT * FROM orders');

.print == what is no query is refused and has no effect
SELECT * FROM prod_index_advice('DROP TABLE orders');
SELECT * FROM prod_index_advice('PRAGMA user_version = 7');
SELECT * FROM prod_index_advice('ATTACH ''new.db'' AS new');
SELECT * FROM prod_index_advice('VACUUM INTO ''new.db''');
SELECT * FROM prod_index_advice('BEGIN');
SELECT user_version, (SELECT count(*) FROM orders) FROM pragma_user_version;

.print == only main is looked at
ATTACH ':memory:' AS extra;
CREATE TABLE extra.t(a);
CREATE TEMP TABLE u(a);
SELECT * FROM prod_index_advice('SELECT * FROM extra.t WHERE a = 1');
SELECT * FROM prod_index_advice('SELECT * FROM u WHERE a = 1');

.print == not from a view or trigger of the schema
CREATE VIEW sneaky AS SELECT * FROM prod_index_advice;
SELECT * FROM sneaky;

.print == the proposed index is used, and then no longer proposed
SELECT 'rows', count(*) FROM prod_index_advice('SELECT * FROM orders WHERE customer_id = 5 ORDER BY created_at');
CREATE INDEX orders_customer_id_created_at ON orders(customer_id, created_at);
SELECT 'rows', count(*) FROM prod_index_advice('SELECT * FROM orders WHERE customer_id = 5 ORDER BY created_at');
EXPLAIN QUERY PLAN SELECT * FROM orders WHERE customer_id = 5 ORDER BY created_at;

.print == statistics out of date are told
ANALYZE;
UPDATE sqlite_stat1 SET stat = '1 1' WHERE tbl = 'orders';
SELECT ddl, warnings FROM prod_index_advice('SELECT * FROM orders WHERE total_cents = 5');

.print == audit: a foreign key without an index, and one with
.open audit.db
.load prodkit
CREATE TABLE parent(id INTEGER PRIMARY KEY, a INT, b INT, UNIQUE(a, b));
CREATE TABLE child(
  id INTEGER PRIMARY KEY REFERENCES parent(id),
  one INT REFERENCES parent(id),
  two INT REFERENCES parent(id),
  a INT, b INT, FOREIGN KEY (a, b) REFERENCES parent(a, b));
CREATE TABLE few(one INT REFERENCES parent(id));
CREATE INDEX child_two ON child(two, a);
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 500)
INSERT INTO child SELECT i, i, i, i, i % 2 FROM n;
INSERT INTO few VALUES (1);
SELECT rank, action, ddl, kind, verified, reason FROM prod_index_advice;

.print == audit: NULL for sql is the same
SELECT ddl FROM prod_index_advice(NULL);

.print == audit: duplicates and prefixes, but nothing unique, partial or of an expression
DROP TABLE child;
CREATE TABLE t(a INT, b TEXT COLLATE NOCASE, c INT UNIQUE, d, e, PRIMARY KEY(d, e));
CREATE INDEX t_b ON t(b);
CREATE INDEX t_b_again ON t(b COLLATE NOCASE);
CREATE INDEX t_b_binary ON t(b COLLATE BINARY);
CREATE INDEX t_b_desc ON t(b DESC);
CREATE INDEX t_c ON t(c);
CREATE INDEX t_d ON t(d);
CREATE INDEX t_a ON t(a);
CREATE INDEX t_a_b ON t(a, b);
CREATE UNIQUE INDEX t_a_b_c ON t(a, b, c);
CREATE INDEX t_a_some ON t(a) WHERE a > 3;
CREATE INDEX t_sum ON t(a + c);
CREATE INDEX t_sum_again ON t(a + c);
CREATE UNIQUE INDEX t_e ON t(e);
CREATE UNIQUE INDEX t_e_d ON t(e, d);
SELECT ddl, kind, verified, reason FROM prod_index_advice;
SELECT undo_ddl FROM prod_index_advice WHERE ddl LIKE '%t_b_again';

.print == names with quotes, blanks, keywords, Unicode, and names that are taken
.open :memory:
.load prodkit
CREATE TABLE "an ""odd"" name"("select" INT, "größe" INT, "1x" INT, "it's" INT);
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 500)
INSERT INTO "an ""odd"" name" SELECT i, i, i, i FROM n;
SELECT ddl, undo_ddl FROM prod_index_advice('SELECT * FROM "an ""odd"" name" WHERE "select" = 1');
SELECT ddl, undo_ddl FROM prod_index_advice('SELECT * FROM "an ""odd"" name" WHERE größe = 1');
SELECT ddl, undo_ddl FROM prod_index_advice('SELECT * FROM "an ""odd"" name" WHERE "1x" = 1');
SELECT ddl, undo_ddl FROM prod_index_advice('SELECT * FROM "an ""odd"" name" WHERE "it''s" = 1');
CREATE TABLE t(a, b);
INSERT INTO t SELECT "1x", "1x" FROM "an ""odd"" name";
CREATE TABLE t_a(x);
CREATE INDEX t_a_2 ON t(b) WHERE b = 1;
SELECT ddl FROM prod_index_advice('SELECT * FROM t WHERE a = 1');

.print == WITHOUT ROWID, generated columns, text keys
CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
INSERT INTO w SELECT a, a FROM t;
SELECT 'rows', count(*) FROM prod_index_advice('SELECT * FROM w WHERE k = ''1''');
SELECT ddl FROM prod_index_advice('SELECT * FROM w WHERE v = 1');
CREATE TABLE g(a INT, doubled INT AS (a * 2), more INT AS (a + 1) STORED);
INSERT INTO g(a) SELECT a FROM t;
SELECT ddl FROM prod_index_advice('SELECT * FROM g WHERE doubled = 4; SELECT * FROM g WHERE more = 4');

.print == an empty database
.open empty.db
.load prodkit
SELECT 'rows', count(*) FROM prod_index_advice;
SELECT * FROM prod_index_advice('SELECT * FROM t');

.print == read-only: works, and the file is as it was
.shell cp shop.db before.db
.open --readonly shop.db
.load prodkit
SELECT ddl FROM prod_index_advice('SELECT * FROM orders WHERE total_cents = 5');
SELECT action, ddl FROM prod_index_advice;
.shell cmp shop.db before.db && echo unchanged

.print == the text of a hostile schema is not run
.open hostile.db
.load prodkit
CREATE TABLE t(a);
CREATE TABLE u(a);
CREATE TABLE v(a);
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 500)
INSERT INTO t SELECT i FROM n;
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = 'CREATE TABLE u AS SELECT abs(-9223372036854775808)' WHERE name = 'u';
UPDATE sqlite_schema SET sql = 'CREATE TABLE v(a); ATTACH ''new.db'' AS new' WHERE name = 'v';
SELECT ddl FROM prod_index_advice('SELECT * FROM t WHERE a = 1');
SELECT * FROM prod_index_advice('SELECT * FROM u');
SELECT action, reason FROM prod_index_advice;
.shell test -e new.db || echo not run

.print == a file that is no database
.shell printf '%%0600d' 7 > text.db
.open text.db
.load prodkit
SELECT * FROM prod_index_advice;

.print == a table that cannot be read
.shell cp shop.db broken.db
.shell head -c 4096 /dev/zero | dd of=broken.db bs=4096 seek=1 conv=notrunc 2>/dev/null
.open broken.db
.load prodkit
SELECT name FROM sqlite_schema WHERE rootpage = 2;
SELECT * FROM prod_index_advice;
SELECT * FROM prod_index_advice('SELECT * FROM customers WHERE city = 1');
