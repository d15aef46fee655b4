.print == without statistics there is nothing to look at
CREATE TABLE customers(id INTEGER PRIMARY KEY, email TEXT, city TEXT);
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id INTEGER, status TEXT);
CREATE INDEX orders_customer_id ON orders(customer_id);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO customers SELECT i, i || '@example.com', 'Ulm' FROM n;
INSERT INTO orders SELECT id, id % 10, 'new' FROM customers WHERE id <= 20;
SELECT count(*) FROM prod_full_scans;
.print == a statement that finds its rows by key or index is none
SELECT json_extract(prod_stats_start(), '$.hook_active');
SELECT * FROM customers WHERE id = 7;
SELECT count(*) FROM orders WHERE customer_id = 7;
SELECT max(id) FROM orders;
SELECT 1;
SELECT count(*) FROM pragma_table_info('orders');
SELECT count(*) FROM prod_full_scans;
.print == a full scan of a table, of an index, of several tables
SELECT id FROM customers WHERE email = '9@example.com';
SELECT id FROM customers WHERE email = '8@example.com';
SELECT count(*) FROM orders;
SELECT count(*) FROM customers, orders WHERE customers.id > orders.id + 90;
UPDATE orders SET status = 'old' WHERE status = 'new';
SELECT query, table_name, index_name, table_rows, calls, most_scanned FROM prod_full_scans ORDER BY query, table_name;
.print == of tables of at least so many rows
SELECT query, table_name, table_rows FROM prod_full_scans(21) ORDER BY query;
SELECT count(*) FROM prod_full_scans(101);
SELECT count(*) = (SELECT count(*) FROM prod_full_scans(20)) FROM prod_full_scans WHERE min_rows = 20;
.print == a scan that a LIMIT ends is told by what was scanned
SELECT id FROM customers ORDER BY id LIMIT 3;
SELECT table_rows, most_scanned FROM prod_full_scans WHERE query LIKE '%limit%';
.print == the plan is of now
CREATE INDEX customers_email ON customers(email);
SELECT count(*) FROM prod_full_scans WHERE query LIKE '%email = ?';
.print == the plan is of the statement as it was run, not of its form
CREATE INDEX orders_open ON orders(id) WHERE status = 'open';
SELECT id FROM orders WHERE status = 'open';
SELECT table_name, index_name FROM prod_full_scans WHERE query = 'select id from orders where status = ?';
.print == what can no longer be compiled was not checked, and says so
CREATE TABLE gone(a);
SELECT * FROM gone;
DROP TABLE gone;
SELECT query, table_name, detail, table_rows, calls FROM prod_full_scans WHERE table_name IS NULL;
.print == names to be quoted, and statements of other databases
CREATE TABLE "my ""table"" é"(a);
SELECT * FROM "my ""table"" é";
SELECT query, table_name, table_rows FROM prod_full_scans WHERE table_name LIKE 'my%';
.open other.db
.load prodkit
SELECT count(*) FROM prod_full_scans;
.print == bad arguments
SELECT * FROM prod_full_scans(-1);
SELECT * FROM prod_full_scans('many');
SELECT * FROM prod_full_scans(1.5);
SELECT count(*) FROM prod_full_scans(NULL);
SELECT * FROM prod_full_scans(1, 2);
CREATE VIEW v AS SELECT * FROM prod_full_scans;
SELECT * FROM v;
