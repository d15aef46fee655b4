.nullvalue NULL
.open app.db
.load prodkit
CREATE TABLE customers(id INTEGER PRIMARY KEY, email TEXT UNIQUE, city TEXT COLLATE NOCASE);
CREATE TABLE orders(a INT, b INT, c TEXT, PRIMARY KEY (a, b));
CREATE TABLE w(k TEXT PRIMARY KEY, v INT) WITHOUT ROWID;
CREATE TABLE bare(x);
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
INSERT INTO customers SELECT i, 'e' || i, 'city ' || (i % 10) FROM n;
INSERT INTO orders SELECT id, id % 3, city FROM customers;
CREATE INDEX customers_city ON customers(city);
CREATE INDEX customers_city_2 ON customers(city COLLATE NOCASE);
CREATE INDEX customers_city_binary ON customers(city COLLATE BINARY);
CREATE INDEX customers_city_desc ON customers(city DESC);
CREATE INDEX customers_lower ON customers(lower(city), id);
CREATE INDEX orders_a ON orders(a);
CREATE INDEX orders_c ON orders(c);
CREATE INDEX orders_c_b ON orders(c, b);
CREATE INDEX orders_c_some ON orders(c) WHERE b = 1;
CREATE UNIQUE INDEX w_v ON w(v);

.print == all columns of a row
.mode line
SELECT * FROM prod_indexes('customers') WHERE index_name = 'customers_city_2';
.mode list

.print == each index, who made it, and what it is worth
SELECT table_name, index_name, columns, is_unique, is_partial, origin, verdict FROM prod_indexes;

.print == one table, in whatever case; one without an index
SELECT index_name FROM prod_indexes('ORDERS');
SELECT index_name FROM prod_indexes WHERE of_table = 'w';
SELECT 'rows', count(*) FROM prod_indexes('bare');

.print == how to make it again and how to drop it; the index of a constraint has neither
SELECT index_name, ddl, drop_ddl FROM prod_indexes('orders');

.print == sizes and selectivity
SELECT index_name, pages > 0, bytes = pages * 4096, distinct_ratio FROM prod_indexes('customers');
ANALYZE;
SELECT index_name, round(distinct_ratio, 3) FROM prod_indexes('customers');

.print == uses, where statements were captured
CREATE TEMP TABLE prod_query_stats(query TEXT, calls INT);
INSERT INTO prod_query_stats VALUES ('SELECT * FROM orders WHERE c = ? AND b = ?', 7),
  ('SELECT * FROM orders WHERE a = ? AND b = ?', 5), ('SELECT * FROM gone', 3), ('BEGIN', 9), (NULL, 1);
CREATE INDEX orders_b ON orders(b);
SELECT index_name, calls, verdict FROM prod_indexes('orders');
SELECT index_name, calls, verdict FROM prod_indexes('customers') WHERE index_name = 'customers_city_desc';
DROP INDEX orders_b;
DROP TABLE temp.prod_query_stats;

.print == where a duplicate or a prefix is used, what would serve in its place is not unused
CREATE TABLE twice(a INT, b INT);
CREATE INDEX twice_a_b ON twice(a, b);
CREATE INDEX twice_a ON twice(a);
CREATE TEMP TABLE prod_query_stats AS SELECT 'SELECT * FROM twice INDEXED BY twice_a WHERE a = ?' AS query, 7 AS calls;
SELECT index_name, calls, verdict FROM prod_indexes('twice');
UPDATE prod_query_stats SET query = 'SELECT * FROM twice WHERE rowid = ?';
SELECT index_name, calls, verdict FROM prod_indexes('twice');
DROP TABLE temp.prod_query_stats;
DROP TABLE twice;

.print == one that begins with a column of a foreign key is not unused
CREATE TABLE child(id INTEGER PRIMARY KEY, Customer INT REFERENCES customers(id), a INT);
CREATE INDEX child_customer_a ON child(customer, a);
CREATE INDEX child_a_customer ON child(a, customer);
CREATE TEMP TABLE prod_query_stats AS SELECT 'SELECT * FROM child WHERE id = ?' AS query, 7 AS calls;
SELECT index_name, calls, verdict FROM prod_indexes('child');
DROP TABLE temp.prod_query_stats;
DROP TABLE child;

.print == an attached schema, and names with quotes and Unicode
ATTACH 'other.db' AS "an other";
CREATE TABLE "an other"."größe ""x"""("select" INT);
CREATE INDEX "an other"."i ""1""" ON "größe ""x"""("select");
SELECT * FROM prod_indexes('größe "x"', 'an other');
SELECT schema_name, index_name FROM prod_indexes WHERE schema = 'an other';

.print == bad arguments
SELECT * FROM prod_indexes(5);
SELECT * FROM prod_indexes('');
SELECT * FROM prod_indexes('nope');
SELECT * FROM prod_indexes('customers', 'nope');
SELECT * FROM prod_indexes('customers', 'main', 3);
SELECT 'rows', count(*) FROM prod_indexes(NULL, NULL);

.print == not from a view of the schema
CREATE VIEW sneaky AS SELECT * FROM prod_indexes;
SELECT * FROM sneaky;

.print == an empty database, a read-only one, and no database
.open empty.db
.load prodkit
SELECT 'rows', count(*) FROM prod_indexes;
.open --readonly app.db
.load prodkit
SELECT 'rows', count(*) FROM prod_indexes;
.shell printf '%0600d' 7 > text.db
.open text.db
.load prodkit
SELECT * FROM prod_indexes;
