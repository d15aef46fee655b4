.print == the plan as SQLite words it, with the table behind the alias
CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT, city TEXT);
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id INTEGER, status TEXT, total_cents INTEGER);
CREATE INDEX orders_customer_id ON orders(customer_id);
CREATE TABLE stock(shop TEXT, sku TEXT, quantity INTEGER, PRIMARY KEY (shop, sku)) WITHOUT ROWID;
CREATE VIEW paid AS SELECT p.id, p.customer_id FROM orders AS p WHERE p.status = 'paid';
SELECT detail, table_name FROM prod_explain('SELECT * FROM orders o JOIN customers c ON c.id = o.customer_id');
SELECT id > 0, parent FROM prod_explain('SELECT * FROM orders');
.print == a full scan of a table, of an index, and of an index that covers
SELECT table_name, index_name, full_scan, covering FROM prod_explain('SELECT * FROM orders o WHERE status = ''paid''');
SELECT table_name, index_name, full_scan, covering FROM prod_explain('SELECT * FROM orders o ORDER BY customer_id LIMIT 3');
SELECT table_name, index_name, full_scan, covering FROM prod_explain('SELECT customer_id FROM orders o ORDER BY customer_id');
SELECT table_name, index_name, full_scan, covering FROM prod_explain('SELECT count(*) FROM customers');
SELECT table_name, index_name, full_scan, covering FROM prod_explain('SELECT count(*) FROM orders');
.print == a search by rowid, by index, by the key of a WITHOUT ROWID table, for an end
SELECT table_name, index_name, full_scan, covering FROM prod_explain('SELECT * FROM orders o WHERE id = 7');
SELECT table_name, index_name, full_scan, covering FROM prod_explain('SELECT * FROM orders o WHERE customer_id = ? AND status = :status');
SELECT table_name, index_name, full_scan, covering FROM prod_explain('SELECT id FROM orders o WHERE customer_id > 7');
SELECT table_name, index_name, full_scan, covering FROM prod_explain('SELECT * FROM stock s WHERE shop = ''north''');
SELECT table_name, index_name, full_scan, covering FROM prod_explain('SELECT max(id) FROM orders o');
.print == tables that trade names are told apart
SELECT table_name, full_scan FROM prod_explain('SELECT * FROM orders customers JOIN customers orders ON orders.id = customers.customer_id');
.print == sorting in a temporary b-tree
SELECT detail, temp_btree FROM prod_explain('SELECT * FROM orders ORDER BY total_cents') WHERE temp_btree;
SELECT detail, temp_btree FROM prod_explain('SELECT DISTINCT status FROM orders GROUP BY total_cents') WHERE temp_btree;
SELECT detail FROM prod_explain('SELECT * FROM orders ORDER BY customer_id') WHERE temp_btree;
.print == an automatic index is a missing one, on the table it is filled from
SELECT table_name, index_name, full_scan, auto_index, covering FROM prod_explain('SELECT * FROM customers c LEFT JOIN orders o ON o.total_cents = c.id') WHERE table_name IS NOT NULL;
.print == the branches of an OR
SELECT table_name, index_name, full_scan FROM prod_explain('SELECT * FROM orders o WHERE customer_id = 1 OR id = 3') WHERE table_name IS NOT NULL;
.print == subqueries: what they read, and what they are looked up in
SELECT table_name, index_name, full_scan FROM prod_explain('SELECT * FROM customers c WHERE id = (SELECT max(customer_id) FROM orders o)') WHERE table_name IS NOT NULL;
SELECT table_name, index_name, full_scan FROM prod_explain('SELECT * FROM orders o WHERE total_cents IN (SELECT customer_id FROM orders)') WHERE table_name IS NOT NULL;
SELECT table_name, index_name, full_scan FROM prod_explain('SELECT * FROM orders o WHERE total_cents IN (SELECT id FROM customers)') WHERE table_name IS NOT NULL;
.print == rows that read no table are no full scan
SELECT count(*) > 0, max(full_scan), max(table_name) FROM prod_explain('SELECT 1');
SELECT count(*) > 0, max(full_scan), max(table_name) FROM prod_explain('VALUES (1), (2)');
SELECT count(*) > 0, max(full_scan), max(table_name) FROM prod_explain('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT * FROM n');
SELECT count(*) > 0, max(full_scan), max(table_name) FROM prod_explain('SELECT * FROM pragma_table_info(''orders'') t');
SELECT table_name, full_scan FROM prod_explain('SELECT * FROM (SELECT customer_id FROM orders LIMIT 5) s JOIN customers c ON c.id = s.customer_id') WHERE table_name IS NOT NULL;
.print == views are seen through
SELECT table_name, full_scan FROM prod_explain('SELECT * FROM paid x WHERE x.customer_id > 3') WHERE table_name IS NOT NULL;
.print == statements that write are explained and not run
INSERT INTO orders VALUES (1, 1, 'new', 5);
SELECT table_name, full_scan FROM prod_explain('UPDATE orders SET total_cents = 0 WHERE status = ''new''');
SELECT table_name, index_name FROM prod_explain('DELETE FROM orders WHERE customer_id = 1');
SELECT table_name, full_scan FROM prod_explain('REPLACE INTO orders SELECT id, 1, name, 0 FROM customers AS c');
SELECT count(*) FROM prod_explain('INSERT INTO orders(id) VALUES (2)');
SELECT * FROM orders;
SELECT total_changes();
.print == other schemas, names to be quoted, the schema table itself
ATTACH ':memory:' AS "old ""one""";
CREATE TABLE "old ""one"""."my ""table"" é"(a, b);
CREATE INDEX "old ""one"""."USING COVERING INDEX" ON "my ""table"" é"(b);
CREATE TEMP TABLE orders(a);
SELECT table_name, index_name, full_scan, covering FROM prod_explain('SELECT * FROM "my ""table"" é" AS "x USING INDEX y" WHERE b = 1');
SELECT table_name, index_name, full_scan FROM prod_explain('SELECT * FROM orders o');
SELECT table_name, index_name, full_scan FROM prod_explain('SELECT * FROM main.orders o WHERE customer_id = 1');
SELECT table_name, full_scan FROM prod_explain('SELECT * FROM sqlite_schema s');
DROP TABLE temp.orders;
.print == comments and semicolons around one statement are fine
SELECT table_name FROM prod_explain(' ;; -- first
  /* then */ SELECT * FROM orders; -- done
  ; /* all');
.print == as a parameter of a join: the statements of a table
CREATE TABLE workload(statement TEXT);
INSERT INTO workload VALUES ('SELECT * FROM orders'), ('SELECT * FROM orders WHERE id = 1'), ('SELECT * FROM customers ORDER BY name');
SELECT w.statement, e.table_name FROM workload w JOIN prod_explain(w.statement) e WHERE e.full_scan;
.print == several statements
SELECT * FROM prod_explain('SELECT 1; SELECT 2');
SELECT * FROM prod_explain('SELECT 1; PRAGMA user_version = 5');
SELECT user_version FROM pragma_user_version;
.print == what is not a statement with a plan is not even compiled
SELECT * FROM prod_explain('PRAGMA case_sensitive_like = ON');
SELECT 'a' LIKE 'A';
SELECT * FROM prod_explain('BEGIN');
SELECT * FROM prod_explain('EXPLAIN QUERY PLAN SELECT 1');
SELECT * FROM prod_explain('CREATE TABLE x AS SELECT 1');
.print == what cannot be compiled is told in SQLite's words
SELECT * FROM prod_explain('SELECT FROM orders');
SELECT * FROM prod_explain('SELECT');
SELECT * FROM prod_explain('SELECT * FROM missing');
SELECT * FROM prod_explain('SELECT nosuch FROM orders');
SELECT * FROM prod_explain('SELECT no_function(1)');
.print == no statement
SELECT * FROM prod_explain('');
SELECT * FROM prod_explain('  -- only a comment');
SELECT * FROM prod_explain(NULL);
SELECT * FROM prod_explain;
SELECT * FROM prod_explain(42);
SELECT * FROM prod_explain(x'53454c454354');
SELECT * FROM prod_explain('SELECT 1' || char(0) || '; SELECT 2');
SELECT * FROM prod_explain('SELECT 1', 2);
.print == a view in the file cannot call it
CREATE VIEW curious AS SELECT * FROM prod_explain('SELECT * FROM orders');
SELECT * FROM curious;
.print == in a transaction, the schema as it is there
BEGIN;
CREATE INDEX orders_status ON orders(status);
SELECT table_name, index_name, full_scan FROM prod_explain('SELECT * FROM orders WHERE status = ''paid''');
ROLLBACK;
SELECT table_name, index_name, full_scan FROM prod_explain('SELECT * FROM orders WHERE status = ''paid''');
