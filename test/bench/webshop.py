"""A web shop: eight tables, sixty statements, each with how often it runs.

The data depend on the scale alone; at scale 1 there are 200,000 orders. The
statements are those of a shop's pages, its back office and its nightly jobs;
a fifth of them write.
"""

import random

SCHEMA = """
CREATE TABLE customers(
  id INTEGER PRIMARY KEY, email TEXT NOT NULL, name TEXT NOT NULL,
  city TEXT, country TEXT NOT NULL, newsletter INTEGER NOT NULL,
  created_at TEXT NOT NULL, deleted_at TEXT);
CREATE TABLE categories(
  id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES categories,
  slug TEXT NOT NULL, name TEXT NOT NULL);
CREATE TABLE products(
  id INTEGER PRIMARY KEY, category_id INTEGER NOT NULL REFERENCES categories,
  sku TEXT NOT NULL UNIQUE, name TEXT NOT NULL, price_cents INTEGER NOT NULL,
  stock INTEGER NOT NULL, active INTEGER NOT NULL, details TEXT NOT NULL);
CREATE TABLE orders(
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers,
  status TEXT NOT NULL, total_cents INTEGER NOT NULL, coupon TEXT,
  created_at TEXT NOT NULL, shipped_at TEXT);
CREATE TABLE items(
  order_id INTEGER NOT NULL REFERENCES orders, line INTEGER NOT NULL,
  product_id INTEGER NOT NULL REFERENCES products, quantity INTEGER NOT NULL,
  price_cents INTEGER NOT NULL, PRIMARY KEY (order_id, line)) WITHOUT ROWID;
CREATE TABLE payments(
  id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders,
  provider TEXT NOT NULL, reference TEXT NOT NULL, amount_cents INTEGER NOT NULL,
  paid_at TEXT);
CREATE TABLE reviews(
  id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL REFERENCES products,
  customer_id INTEGER NOT NULL REFERENCES customers, stars INTEGER NOT NULL,
  body TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE sessions(
  token TEXT PRIMARY KEY, customer_id INTEGER, data TEXT NOT NULL,
  expires_at INTEGER NOT NULL);
"""


def make(connection, scale):
    rng = random.Random(f"webshop {scale}")
    customers, products = int(40_000 * scale), int(4_000 * scale)
    orders = int(200_000 * scale)
    cities = [f"city {i}" for i in range(300)]
    countries = ["DE"] * 6 + ["AT", "CH", "FR", "NL"]

    def at(i, of):
        return f"20{20 + 5 * i // of:02}-{1 + rng.randrange(12):02}-" \
               f"{1 + rng.randrange(28):02} {rng.randrange(24):02}:00:00"

    def insert(table, rows):
        rows = list(rows)
        marks = ",".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES({marks})", rows)

    connection.executescript(SCHEMA)
    insert("customers", (
        (i, f"User{i}@Example.org", f"name {i * 7919 % 9973}",
         rng.choice(cities), rng.choice(countries), i % 3 == 0,
         at(i, customers + 1), "2024-01-01" if i % 50 == 0 else None)
        for i in range(1, customers + 1)))
    insert("categories", ((i, i // 10 or None, f"category-{i}", f"Category {i}")
                          for i in range(1, 101)))
    insert("products", (
        (i, 1 + rng.randrange(100), f"SKU-{i:06}", f"product {i * 31 % 997} {i}",
         rng.randint(100, 50_000), rng.randint(0, 200), i % 20 != 0,
         '{"colour":"%s","weight":%d}' % (rng.choice("red green blue".split()),
                                          rng.randint(1, 5000)))
        for i in range(1, products + 1)))
    insert("orders", (
        (i, 1 + int(customers * rng.random() ** 2),
         "open" if i > orders * 0.99 else rng.choice(["paid"] * 8 + ["returned"]),
         rng.randint(500, 90_000), f"C{i % 500}" if i % 10 == 0 else None,
         at(i, orders + 1), None if i > orders * 0.98 else at(i, orders + 1))
        for i in range(1, orders + 1)))
    insert("items", (
        (order, line, 1 + int(products * rng.random() ** 2), rng.randint(1, 3),
         rng.randint(100, 50_000))
        for order in range(1, orders + 1)
        for line in range(1, rng.randint(2, 5))))
    insert("payments", ((i, i, rng.choice(["card", "paypal", "bank"]),
                         f"REF{i * 7919 % 999983:08}", rng.randint(500, 90_000),
                         at(i, orders + 1)) for i in range(1, orders + 1)))
    insert("reviews", ((i, 1 + int(products * rng.random() ** 2),
                        1 + rng.randrange(customers), rng.randint(1, 5),
                        "a review of some length " * 3, at(i, orders + 1))
                       for i in range(1, orders // 4)))
    insert("sessions", ((f"{rng.getrandbits(64):016x}",
                         1 + rng.randrange(customers), "{}",
                         1_700_000_000 + i * 30)
                        for i in range(orders // 4)))
    connection.commit()


# (calls, statement)
STATEMENTS = [
    (900, "SELECT * FROM customers WHERE id = 4711"),
    (400, "SELECT * FROM customers WHERE lower(email) = 'user77@example.org'"),
    (100, "SELECT id FROM customers WHERE email = 'User900@Example.org'"),
    (20, "SELECT * FROM customers WHERE name LIKE 'name 12%' LIMIT 20"),
    (30, "SELECT * FROM customers WHERE city = 'city 7' AND deleted_at IS NULL"),
    (5, "SELECT country, count(*) FROM customers GROUP BY country"),
    (5, "SELECT email FROM customers WHERE newsletter = 1 AND deleted_at IS NULL"),
    (10, "SELECT * FROM customers ORDER BY created_at DESC LIMIT 50"),
    (2, "SELECT count(DISTINCT city) FROM customers"),
    (800, "SELECT * FROM orders WHERE customer_id = 1234 ORDER BY created_at DESC LIMIT 10"),
    (300, "SELECT count(*) FROM orders WHERE customer_id = 1234"),
    (60, "SELECT * FROM orders WHERE status = 'open' ORDER BY created_at LIMIT 50"),
    (40, "SELECT count(*) FROM orders WHERE status = 'open'"),
    (20, "SELECT * FROM orders WHERE shipped_at IS NULL AND status = 'paid'"),
    (10, "SELECT sum(total_cents) FROM orders WHERE created_at >= '2024-06-01' AND created_at < '2024-07-01'"),
    (5, "SELECT status, count(*), sum(total_cents) FROM orders GROUP BY status"),
    (3, "SELECT substr(created_at, 1, 7) AS month, sum(total_cents) FROM orders GROUP BY month"),
    (30, "SELECT * FROM orders WHERE coupon = 'C120'"),
    (600, "SELECT * FROM orders WHERE id = 99"),
    (5, "SELECT * FROM orders WHERE total_cents > 89900 ORDER BY total_cents DESC LIMIT 20"),
    (500, "SELECT i.*, p.name FROM items i JOIN products p ON p.id = i.product_id WHERE i.order_id = 4242"),
    (30, "SELECT sum(quantity) FROM items WHERE product_id = 99"),
    (5, "SELECT product_id, sum(quantity) AS sold FROM items GROUP BY product_id ORDER BY sold DESC LIMIT 20"),
    (20, "SELECT o.id FROM orders o JOIN items i ON i.order_id = o.id WHERE i.product_id = 500 AND o.status = 'returned'"),
    (10, "SELECT c.name, sum(o.total_cents) AS spent FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.city = 'city 9' GROUP BY c.id ORDER BY spent DESC LIMIT 10"),
    (700, "SELECT * FROM products WHERE sku = 'SKU-000123'"),
    (500, "SELECT * FROM products WHERE category_id = 17 AND active = 1 ORDER BY price_cents LIMIT 24"),
    (100, "SELECT count(*) FROM products WHERE category_id = 17 AND active = 1"),
    (50, "SELECT * FROM products WHERE json_extract(details, '$.colour') = 'red' AND category_id = 3"),
    (20, "SELECT * FROM products WHERE stock < 3 AND active = 1"),
    (100, "SELECT * FROM products WHERE name LIKE 'product 12%' LIMIT 10"),
    (10, "SELECT category_id, min(price_cents), max(price_cents) FROM products GROUP BY category_id"),
    (200, "SELECT * FROM categories WHERE slug = 'category-50'"),
    (200, "SELECT * FROM categories WHERE parent_id = 3"),
    (50, "WITH RECURSIVE up(id) AS (SELECT 95 UNION ALL SELECT c.parent_id FROM categories c JOIN up ON c.id = up.id WHERE c.parent_id IS NOT NULL) SELECT * FROM up"),
    (400, "SELECT avg(stars), count(*) FROM reviews WHERE product_id = 77"),
    (300, "SELECT r.*, c.name FROM reviews r JOIN customers c ON c.id = r.customer_id WHERE r.product_id = 77 ORDER BY r.created_at DESC LIMIT 5"),
    (30, "SELECT * FROM reviews WHERE customer_id = 500"),
    (5, "SELECT product_id, avg(stars) AS average FROM reviews GROUP BY product_id HAVING count(*) > 10 ORDER BY average DESC LIMIT 10"),
    (900, "SELECT * FROM sessions WHERE token = '00ff00ff00ff00ff'"),
    (20, "SELECT count(*) FROM sessions WHERE customer_id = 77"),
    (200, "SELECT * FROM payments WHERE order_id = 1200"),
    (50, "SELECT * FROM payments WHERE provider = 'paypal' AND reference = 'REF00012345'"),
    (5, "SELECT provider, sum(amount_cents) FROM payments WHERE paid_at >= '2024-01-01' GROUP BY provider"),
    (10, "SELECT o.id FROM orders o LEFT JOIN payments p ON p.order_id = o.id WHERE p.id IS NULL AND o.status = 'open'"),
    (5, "SELECT c.email FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id) LIMIT 100"),
    (10, "SELECT * FROM orders WHERE customer_id = 88 OR coupon = 'C77'"),
    (5, "SELECT p.name, count(*) FROM products p JOIN reviews r ON r.product_id = p.id WHERE r.stars = 1 GROUP BY p.id ORDER BY 2 DESC LIMIT 10"),
    (100, "INSERT INTO orders(customer_id, status, total_cents, created_at) VALUES (5, 'open', 100, '2025-01-01')"),
    (300, "INSERT INTO items VALUES (200001, 1, 5, 1, 100)"),
    (100, "INSERT INTO payments(order_id, provider, reference, amount_cents) VALUES (5, 'card', 'REFX', 100)"),
    (300, "INSERT INTO sessions VALUES ('x', 5, '{}', 1800000000)"),
    (20, "INSERT INTO reviews(product_id, customer_id, stars, body, created_at) VALUES (1, 1, 5, '', '2025-01-01')"),
    (100, "UPDATE orders SET status = 'paid' WHERE id = 5"),
    (60, "UPDATE orders SET shipped_at = '2025-01-02' WHERE id = 6"),
    (300, "UPDATE products SET stock = stock - 1 WHERE id = 7"),
    (10, "UPDATE customers SET newsletter = 0 WHERE lower(email) = 'user8@example.org'"),
    (20, "DELETE FROM sessions WHERE expires_at < 1700000100"),
    (10, "DELETE FROM reviews WHERE product_id = 8 AND customer_id = 9"),
    (900, "UPDATE sessions SET expires_at = 1800000000 WHERE token = '00ff00ff00ff00ff'"),
]
