-- shop.sql: makes the demo shop, about 200,000 rows in WAL mode.
--
--     sqlite3 demo.db < test/demo/shop.sql
--
-- The same rows come out on every run: what looks random is arithmetic on the
-- row's number. The shop has three faults that prodkit finds:
--   * no index on orders(customer_id), which every customer's page needs;
--   * customers_email_2, a second index on the same column;
--   * free pages, left by the tenth of the rows that was deleted.

PRAGMA journal_mode = WAL;
BEGIN;

CREATE TABLE customers(
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL,
  email      TEXT NOT NULL,
  city       TEXT,
  created_at TEXT NOT NULL
);
CREATE INDEX customers_email ON customers(email);
CREATE INDEX customers_email_2 ON customers(email);

CREATE TABLE products(
  id          INTEGER PRIMARY KEY,
  sku         TEXT NOT NULL UNIQUE,
  name        TEXT NOT NULL,
  price_cents INTEGER NOT NULL
);

CREATE TABLE orders(
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers(id),
  status      TEXT NOT NULL,
  total_cents INTEGER NOT NULL,
  created_at  TEXT NOT NULL
);

CREATE TABLE items(
  id          INTEGER PRIMARY KEY,
  order_id    INTEGER NOT NULL REFERENCES orders(id),
  product_id  INTEGER NOT NULL REFERENCES products(id),
  quantity    INTEGER NOT NULL,
  price_cents INTEGER NOT NULL
);
CREATE INDEX items_order_id ON items(order_id);

-- ---- words, and numbers that look random ----

CREATE TEMP TABLE words(kind TEXT, n INTEGER, word TEXT, PRIMARY KEY(kind, n));
INSERT INTO words
  SELECT lists.column1, each.key, each.value
  FROM (VALUES
    ('given', '["Amina","Beatriz","Carlos","Dana","Elif","Farid","Greta",
      "Hiro","Ines","Jonas","Kaja","Liam","Maya","Nikos","Olga","Pavel",
      "Quentin","Rosa","Samir","Tove","Uma","Viktor","Wanda","Yusuf","Zoë"]'),
    ('family', '["Andersen","Bauer","Costa","Dubois","Evans","Fischer",
      "García","Haddad","Ivanova","Jansen","Kowalski","Lindqvist","Moreau",
      "Nakamura","O''Brien","Papadakis","Quist","Rossi","Silva","Tanaka",
      "Ueda","Varga","Weber","Yılmaz","Zeman"]'),
    ('city', '["Amsterdam","Barcelona","Berlin","Bruges","Copenhagen","Dublin",
      "Gdańsk","Geneva","Helsinki","İzmir","Kraków","Lisbon","Lyon","Málaga",
      "Milan","Oslo","Porto","Prague","Riga","Vienna","Zürich"]'),
    ('make', '["Oak","Steel","Linen","Copper","Walnut","Wool","Glass","Cork",
      "Bamboo","Slate"]'),
    ('look', '["plain","round","tall","folding","compact","striped","matt",
      "hand-made","child''s","outdoor"]'),
    ('thing', '["chair","desk lamp","kettle","bookshelf","blanket","teapot",
      "clock","mirror","basket","stool"]')
  ) AS lists, json_each(lists.column2) AS each;

-- Row n gets four numbers below 2147483647 that share no visible pattern:
-- squares modulo a prime, each made from the one before.
CREATE TEMP TABLE dice(
  n INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c INTEGER, d INTEGER);
WITH RECURSIVE
  one(n, a) AS (
    SELECT 1, 48271
    UNION ALL
    SELECT n + 1, (n + 1) * 48271 % 2147483647 FROM one WHERE n < 56000),
  two(n, a) AS (SELECT n, (a * a + n) % 2147483647 FROM one),
  three(n, a, b) AS (SELECT n, a, (a * a + 11) % 2147483647 FROM two),
  four(n, a, b, c) AS (SELECT n, a, b, (b * b + 13) % 2147483647 FROM three)
INSERT INTO dice
  SELECT n, a, b, c, (c * c + 17) % 2147483647 FROM four;

-- ---- rows ----

INSERT INTO customers
  SELECT dice.n,
         given.word || ' ' || family.word,
         printf('c%06d.%d@example.com', a % 1000000, dice.n),
         CASE WHEN d % 12 > 0 THEN city.word END,
         strftime('%Y-%m-%dT%H:%M:%SZ',
                  1735689600 + dice.n * 3150 + a % 3000, 'unixepoch')
  FROM dice
  JOIN words AS given ON given.kind = 'given' AND given.n = a % 25
  JOIN words AS family ON family.kind = 'family' AND family.n = b % 25
  JOIN words AS city
    ON city.kind = 'city' AND city.n = (c % 21) * (d % 21) / 21
  WHERE dice.n <= 10000;

INSERT INTO products
  SELECT dice.n,
         printf('%s-%04d', upper(substr(thing.word, 1, 3)), dice.n),
         make.word || ' ' || thing.word || ', ' || look.word,
         500 + 5 * (a % 100) * (b % 60)
  FROM dice
  JOIN words AS make ON make.kind = 'make' AND make.n = dice.n % 10
  JOIN words AS thing ON thing.kind = 'thing' AND thing.n = dice.n / 10 % 10
  JOIN words AS look ON look.kind = 'look' AND look.n = dice.n / 100 % 10
  WHERE dice.n <= 1000;

-- Through the whole of 2025 in the order of their times. A few customers order
-- often and most of them seldom.
INSERT INTO orders
  SELECT n,
         1 + (a % 100) * (b % 100) * (c % 100) / 100 * 7919 % 10000,
         CASE
           WHEN n > 55000 THEN 'new'
           WHEN d % 20 = 0 THEN 'cancelled'
           WHEN d % 20 = 1 THEN 'returned'
           WHEN n > 54000 THEN 'paid'
           ELSE 'shipped'
         END,
         0,
         strftime('%Y-%m-%dT%H:%M:%SZ',
                  1735689600 + n * 563 + a % 560, 'unixepoch')
  FROM dice;

-- One to five items in an order; a few products sell most.
WITH RECURSIVE place(i) AS (
  SELECT 1 UNION ALL SELECT i + 1 FROM place WHERE i < 5)
INSERT INTO items(order_id, product_id, quantity, price_cents)
  SELECT orders.id, products.id,
         1 + (dice.c + place.i) % 7 / 4 + (dice.d % 25 = place.i),
         products.price_cents
  FROM orders
  JOIN dice ON dice.n = orders.id
  JOIN place ON place.i <= 1 + dice.b % 9 / 2
  JOIN products
    ON products.id = 1 + (dice.a + place.i * 373) % 1000 * (dice.d % 100) / 99;

UPDATE orders SET total_cents = (
  SELECT sum(quantity * price_cents) FROM items WHERE order_id = orders.id);

-- ---- what was deleted since ----

-- Orders of the first weeks went to an archive, cancelled ones were cleared.
CREATE TEMP TABLE gone AS
  SELECT id FROM orders
  WHERE created_at < '2025-01-21' OR (status = 'cancelled' AND id % 100 < 95);
DELETE FROM items WHERE order_id IN (SELECT id FROM gone);
DELETE FROM orders WHERE id IN (SELECT id FROM gone);

DROP TABLE gone;
DROP TABLE dice;
DROP TABLE words;
COMMIT;
