"""TPC-H for SQLite: the tables and the 22 queries of the specification
(https://www.tpc.org/tpch/), with data of our own making.

The distributions that the queries depend on follow section 4.2.3 of the
specification: keys, dates, prices, the words of part names, the share of
customers without orders. Comments are shorter. The data depend on the scale
alone. Dates are texts, prices are REAL, and queries use the substitution
values that the specification gives for validation.
"""

import datetime
import random

SCHEMA = """
CREATE TABLE region(
  r_regionkey INTEGER PRIMARY KEY, r_name TEXT NOT NULL, r_comment TEXT);
CREATE TABLE nation(
  n_nationkey INTEGER PRIMARY KEY, n_name TEXT NOT NULL,
  n_regionkey INTEGER NOT NULL REFERENCES region, n_comment TEXT);
CREATE TABLE part(
  p_partkey INTEGER PRIMARY KEY, p_name TEXT NOT NULL, p_mfgr TEXT NOT NULL,
  p_brand TEXT NOT NULL, p_type TEXT NOT NULL, p_size INTEGER NOT NULL,
  p_container TEXT NOT NULL, p_retailprice REAL NOT NULL, p_comment TEXT);
CREATE TABLE supplier(
  s_suppkey INTEGER PRIMARY KEY, s_name TEXT NOT NULL, s_address TEXT NOT NULL,
  s_nationkey INTEGER NOT NULL REFERENCES nation, s_phone TEXT NOT NULL,
  s_acctbal REAL NOT NULL, s_comment TEXT NOT NULL);
CREATE TABLE partsupp(
  ps_partkey INTEGER NOT NULL REFERENCES part,
  ps_suppkey INTEGER NOT NULL REFERENCES supplier,
  ps_availqty INTEGER NOT NULL, ps_supplycost REAL NOT NULL, ps_comment TEXT,
  PRIMARY KEY (ps_partkey, ps_suppkey));
CREATE TABLE customer(
  c_custkey INTEGER PRIMARY KEY, c_name TEXT NOT NULL, c_address TEXT NOT NULL,
  c_nationkey INTEGER NOT NULL REFERENCES nation, c_phone TEXT NOT NULL,
  c_acctbal REAL NOT NULL, c_mktsegment TEXT NOT NULL, c_comment TEXT NOT NULL);
CREATE TABLE orders(
  o_orderkey INTEGER PRIMARY KEY,
  o_custkey INTEGER NOT NULL REFERENCES customer,
  o_orderstatus TEXT NOT NULL, o_totalprice REAL NOT NULL,
  o_orderdate TEXT NOT NULL, o_orderpriority TEXT NOT NULL,
  o_clerk TEXT NOT NULL, o_shippriority INTEGER NOT NULL,
  o_comment TEXT NOT NULL);
CREATE TABLE lineitem(
  l_orderkey INTEGER NOT NULL REFERENCES orders,
  l_partkey INTEGER NOT NULL REFERENCES part,
  l_suppkey INTEGER NOT NULL REFERENCES supplier,
  l_linenumber INTEGER NOT NULL, l_quantity REAL NOT NULL,
  l_extendedprice REAL NOT NULL, l_discount REAL NOT NULL, l_tax REAL NOT NULL,
  l_returnflag TEXT NOT NULL, l_linestatus TEXT NOT NULL,
  l_shipdate TEXT NOT NULL, l_commitdate TEXT NOT NULL,
  l_receiptdate TEXT NOT NULL, l_shipinstruct TEXT NOT NULL,
  l_shipmode TEXT NOT NULL, l_comment TEXT NOT NULL,
  PRIMARY KEY (l_orderkey, l_linenumber));
"""

REGIONS = ["AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"]
NATIONS = [
    ("ALGERIA", 0), ("ARGENTINA", 1), ("BRAZIL", 1), ("CANADA", 1),
    ("EGYPT", 4), ("ETHIOPIA", 0), ("FRANCE", 3), ("GERMANY", 3),
    ("INDIA", 2), ("INDONESIA", 2), ("IRAN", 4), ("IRAQ", 4), ("JAPAN", 2),
    ("JORDAN", 4), ("KENYA", 0), ("MOROCCO", 0), ("MOZAMBIQUE", 0),
    ("PERU", 1), ("CHINA", 2), ("ROMANIA", 3), ("SAUDI ARABIA", 4),
    ("VIETNAM", 2), ("RUSSIA", 3), ("UNITED KINGDOM", 3),
    ("UNITED STATES", 1)]
SEGMENTS = ["AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY"]
PRIORITIES = ["1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"]
INSTRUCTIONS = ["COLLECT COD", "DELIVER IN PERSON", "NONE", "TAKE BACK RETURN"]
MODES = ["AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK"]
SIZES = ["STANDARD", "SMALL", "MEDIUM", "LARGE", "ECONOMY", "PROMO"]
COATINGS = ["ANODIZED", "BURNISHED", "PLATED", "POLISHED", "BRUSHED"]
METALS = ["TIN", "NICKEL", "BRASS", "STEEL", "COPPER"]
BOXES = ["SM", "LG", "MED", "JUMBO", "WRAP"]
FORMS = ["CASE", "BOX", "BAG", "JAR", "PKG", "PACK", "CAN", "DRUM"]
COLOURS = """almond antique aquamarine azure beige bisque black blanched blue
    blush brown burlywood burnished chartreuse chiffon chocolate coral
    cornflower cornsilk cream cyan dark deep dim dodger drab firebrick floral
    forest frosted gainsboro ghost goldenrod green grey honeydew hot indian
    ivory khaki lace lavender lawn lemon light lime linen magenta maroon medium
    metallic midnight mint misty moccasin navajo navy olive orange orchid pale
    papaya peach peru pink plum powder puff purple red rose rosy royal saddle
    salmon sandy seashell sienna sky slate smoke snow spring steel tan thistle
    tomato turquoise violet wheat white yellow""".split()
WORDS = """furiously sly careful blithe quick fluffy slow quiet ruthless thin
    close dogged daring brave stealthy permanent enticing idle busy regular
    final ironic even bold silent packages requests accounts deposits foxes
    ideas theodolites instructions dependencies excuses platelets asymptotes
    courts dolphins sleep wake haggle nag use boost affix detect integrate"""\
    .split()
FIRST_DAY = datetime.date(1992, 1, 1)
DAYS = [(FIRST_DAY + datetime.timedelta(days=i)).isoformat()
        for i in range(2700)]
LAST_ORDER_DAY = 2405       # 1998-08-02
CURRENT_DATE = "1995-06-17"


class Data:
    def __init__(self, scale):
        self.random = random.Random(f"tpch {scale}")
        self.suppliers = max(10, int(10_000 * scale))
        self.parts = max(200, int(200_000 * scale))
        self.customers = max(150, int(150_000 * scale))
        self.orders = self.customers * 10

    def text(self, least, most):
        return " ".join(self.random.choices(
            WORDS, k=self.random.randint(least, most)))

    def money(self, least, most):
        return self.random.randint(least, most) / 100

    def phone(self, nation):
        return "%d-%03d-%03d-%04d" % (
            nation + 10, self.random.randint(100, 999),
            self.random.randint(100, 999), self.random.randint(1000, 9999))

    @staticmethod
    def price(part):
        return (90000 + part // 10 % 20001 + 100 * (part % 1000)) / 100

    def supplier_of(self, part, i):
        s = self.suppliers
        return (part + i * (s // 4 + (part - 1) // s)) % s + 1

    def part(self):
        pick = self.random.choice
        for key in range(1, self.parts + 1):
            maker = self.random.randint(1, 5)
            yield (key, " ".join(self.random.sample(COLOURS, 5)),
                   f"Manufacturer#{maker}",
                   f"Brand#{maker}{self.random.randint(1, 5)}",
                   f"{pick(SIZES)} {pick(COATINGS)} {pick(METALS)}",
                   self.random.randint(1, 50), f"{pick(BOXES)} {pick(FORMS)}",
                   self.price(key), self.text(1, 3))

    def supplier(self):
        for key in range(1, self.suppliers + 1):
            nation = self.random.randrange(25)
            comment = self.text(5, 10)
            if key % 200 == 7:
                comment += " Customer slow Complaints"
            yield (key, f"Supplier#{key:09}", self.text(2, 4), nation,
                   self.phone(nation), self.money(-99999, 999999), comment)

    def partsupp(self):
        for part in range(1, self.parts + 1):
            for i in range(4):
                yield (part, self.supplier_of(part, i),
                       self.random.randint(1, 9999), self.money(100, 100000),
                       self.text(8, 18))

    def customer(self):
        for key in range(1, self.customers + 1):
            nation = self.random.randrange(25)
            yield (key, f"Customer#{key:09}", self.text(2, 4), nation,
                   self.phone(nation), self.money(-99999, 999999),
                   self.random.choice(SEGMENTS), self.text(6, 12))

    def orders_and_lines(self):
        """One order in eight keys is there, and two customers in three have
        orders, as in the specification."""
        number = self.random.randint
        for i in range(self.orders):
            key = i // 8 * 32 + i % 8 + 1
            customer = number(1, self.customers)
            while customer % 3 == 0:
                customer = number(1, self.customers)
            day = number(0, LAST_ORDER_DAY)
            lines = [self.line(key, n, day) for n in range(1, number(1, 7) + 1)]
            states = {line[9] for line in lines}
            comment = self.text(4, 8)
            if number(1, 100) == 1:
                comment += " special packages requests"
            yield (key, customer, states.pop() if len(states) == 1 else "P",
                   round(sum(line[5] * (1 + line[7]) * (1 - line[6])
                             for line in lines), 2),
                   DAYS[day], self.random.choice(PRIORITIES),
                   f"Clerk#{number(1, max(10, self.orders // 1500)):09}", 0,
                   comment), lines

    def line(self, order, number, day):
        pick, between = self.random.choice, self.random.randint
        part, quantity = between(1, self.parts), between(1, 50)
        ship = day + between(1, 121)
        receipt = ship + between(1, 30)
        back = pick("RA") if DAYS[receipt] <= CURRENT_DATE else "N"
        return (order, part, self.supplier_of(part, between(0, 3)), number,
                float(quantity), round(quantity * self.price(part), 2),
                between(0, 10) / 100, between(0, 8) / 100, back,
                "O" if DAYS[ship] > CURRENT_DATE else "F", DAYS[ship],
                DAYS[day + between(30, 90)], DAYS[receipt],
                pick(INSTRUCTIONS), pick(MODES), self.text(2, 5))


def insert(connection, table, rows):
    rows = list(rows)
    marks = ",".join("?" * len(rows[0]))
    connection.executemany(f"INSERT INTO {table} VALUES({marks})", rows)


def make(connection, scale):
    data = Data(scale)
    connection.executescript(SCHEMA)
    insert(connection, "region",
           [(i, name, "") for i, name in enumerate(REGIONS)])
    insert(connection, "nation",
           [(i, name, region, "") for i, (name, region) in enumerate(NATIONS)])
    for table in ("part", "supplier", "partsupp", "customer"):
        insert(connection, table, getattr(data, table)())
    for order, lines in data.orders_and_lines():
        insert(connection, "orders", [order])
        insert(connection, "lineitem", lines)
    connection.commit()


# Section 2.4 of the specification.
QUERIES = [
    """SELECT l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice),
  sum(l_extendedprice * (1 - l_discount)),
  sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)),
  avg(l_quantity), avg(l_extendedprice), avg(l_discount), count(*)
FROM lineitem WHERE l_shipdate <= '1998-09-02'
GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus""",
    """SELECT s_acctbal, s_name, n_name, p_partkey, p_mfgr, s_address, s_phone,
  s_comment
FROM part, supplier, partsupp, nation, region
WHERE p_partkey = ps_partkey AND s_suppkey = ps_suppkey AND p_size = 15
  AND p_type LIKE '%BRASS' AND s_nationkey = n_nationkey
  AND n_regionkey = r_regionkey AND r_name = 'EUROPE'
  AND ps_supplycost = (SELECT min(ps_supplycost)
    FROM partsupp, supplier, nation, region
    WHERE p_partkey = ps_partkey AND s_suppkey = ps_suppkey
      AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey
      AND r_name = 'EUROPE')
ORDER BY s_acctbal DESC, n_name, s_name, p_partkey LIMIT 100""",
    """SELECT l_orderkey, sum(l_extendedprice * (1 - l_discount)) AS revenue,
  o_orderdate, o_shippriority
FROM customer, orders, lineitem
WHERE c_mktsegment = 'BUILDING' AND c_custkey = o_custkey
  AND l_orderkey = o_orderkey AND o_orderdate < '1995-03-15'
  AND l_shipdate > '1995-03-15'
GROUP BY l_orderkey, o_orderdate, o_shippriority
ORDER BY revenue DESC, o_orderdate LIMIT 10""",
    """SELECT o_orderpriority, count(*) FROM orders
WHERE o_orderdate >= '1993-07-01' AND o_orderdate < '1993-10-01'
  AND EXISTS (SELECT * FROM lineitem
    WHERE l_orderkey = o_orderkey AND l_commitdate < l_receiptdate)
GROUP BY o_orderpriority ORDER BY o_orderpriority""",
    """SELECT n_name, sum(l_extendedprice * (1 - l_discount)) AS revenue
FROM customer, orders, lineitem, supplier, nation, region
WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey
  AND l_suppkey = s_suppkey AND c_nationkey = s_nationkey
  AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey
  AND r_name = 'ASIA' AND o_orderdate >= '1994-01-01'
  AND o_orderdate < '1995-01-01'
GROUP BY n_name ORDER BY revenue DESC""",
    """SELECT sum(l_extendedprice * l_discount) FROM lineitem
WHERE l_shipdate >= '1994-01-01' AND l_shipdate < '1995-01-01'
  AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24""",
    """SELECT supp_nation, cust_nation, l_year, sum(volume)
FROM (SELECT n1.n_name AS supp_nation, n2.n_name AS cust_nation,
        strftime('%Y', l_shipdate) AS l_year,
        l_extendedprice * (1 - l_discount) AS volume
      FROM supplier, lineitem, orders, customer, nation n1, nation n2
      WHERE s_suppkey = l_suppkey AND o_orderkey = l_orderkey
        AND c_custkey = o_custkey AND s_nationkey = n1.n_nationkey
        AND c_nationkey = n2.n_nationkey
        AND ((n1.n_name = 'FRANCE' AND n2.n_name = 'GERMANY')
          OR (n1.n_name = 'GERMANY' AND n2.n_name = 'FRANCE'))
        AND l_shipdate BETWEEN '1995-01-01' AND '1996-12-31') AS shipping
GROUP BY supp_nation, cust_nation, l_year
ORDER BY supp_nation, cust_nation, l_year""",
    """SELECT o_year, sum(CASE WHEN nation = 'BRAZIL' THEN volume ELSE 0 END)
  / sum(volume)
FROM (SELECT strftime('%Y', o_orderdate) AS o_year,
        l_extendedprice * (1 - l_discount) AS volume, n2.n_name AS nation
      FROM part, supplier, lineitem, orders, customer, nation n1, nation n2,
        region
      WHERE p_partkey = l_partkey AND s_suppkey = l_suppkey
        AND l_orderkey = o_orderkey AND o_custkey = c_custkey
        AND c_nationkey = n1.n_nationkey AND n1.n_regionkey = r_regionkey
        AND r_name = 'AMERICA' AND s_nationkey = n2.n_nationkey
        AND o_orderdate BETWEEN '1995-01-01' AND '1996-12-31'
        AND p_type = 'ECONOMY ANODIZED STEEL') AS all_nations
GROUP BY o_year ORDER BY o_year""",
    """SELECT nation, o_year, sum(amount)
FROM (SELECT n_name AS nation, strftime('%Y', o_orderdate) AS o_year,
        l_extendedprice * (1 - l_discount) - ps_supplycost * l_quantity
          AS amount
      FROM part, supplier, lineitem, partsupp, orders, nation
      WHERE s_suppkey = l_suppkey AND ps_suppkey = l_suppkey
        AND ps_partkey = l_partkey AND p_partkey = l_partkey
        AND o_orderkey = l_orderkey AND s_nationkey = n_nationkey
        AND p_name LIKE '%green%') AS profit
GROUP BY nation, o_year ORDER BY nation, o_year DESC""",
    """SELECT c_custkey, c_name, sum(l_extendedprice * (1 - l_discount))
  AS revenue, c_acctbal, n_name, c_address, c_phone, c_comment
FROM customer, orders, lineitem, nation
WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey
  AND o_orderdate >= '1993-10-01' AND o_orderdate < '1994-01-01'
  AND l_returnflag = 'R' AND c_nationkey = n_nationkey
GROUP BY c_custkey, c_name, c_acctbal, c_phone, n_name, c_address, c_comment
ORDER BY revenue DESC LIMIT 20""",
    """SELECT ps_partkey, sum(ps_supplycost * ps_availqty) AS value
FROM partsupp, supplier, nation
WHERE ps_suppkey = s_suppkey AND s_nationkey = n_nationkey
  AND n_name = 'GERMANY'
GROUP BY ps_partkey
HAVING sum(ps_supplycost * ps_availqty) >
  (SELECT sum(ps_supplycost * ps_availqty) * 0.001
   FROM partsupp, supplier, nation
   WHERE ps_suppkey = s_suppkey AND s_nationkey = n_nationkey
     AND n_name = 'GERMANY')
ORDER BY value DESC""",
    """SELECT l_shipmode,
  sum(CASE WHEN o_orderpriority = '1-URGENT' OR o_orderpriority = '2-HIGH'
      THEN 1 ELSE 0 END),
  sum(CASE WHEN o_orderpriority <> '1-URGENT' AND o_orderpriority <> '2-HIGH'
      THEN 1 ELSE 0 END)
FROM orders, lineitem
WHERE o_orderkey = l_orderkey AND l_shipmode IN ('MAIL', 'SHIP')
  AND l_commitdate < l_receiptdate AND l_shipdate < l_commitdate
  AND l_receiptdate >= '1994-01-01' AND l_receiptdate < '1995-01-01'
GROUP BY l_shipmode ORDER BY l_shipmode""",
    """SELECT c_count, count(*) AS custdist
FROM (SELECT c_custkey, count(o_orderkey) AS c_count
      FROM customer LEFT OUTER JOIN orders ON c_custkey = o_custkey
        AND o_comment NOT LIKE '%special%requests%'
      GROUP BY c_custkey) AS c_orders
GROUP BY c_count ORDER BY custdist DESC, c_count DESC""",
    """SELECT 100.00 * sum(CASE WHEN p_type LIKE 'PROMO%'
    THEN l_extendedprice * (1 - l_discount) ELSE 0 END)
  / sum(l_extendedprice * (1 - l_discount))
FROM lineitem, part
WHERE l_partkey = p_partkey AND l_shipdate >= '1995-09-01'
  AND l_shipdate < '1995-10-01'""",
    """WITH revenue(supplier_no, total_revenue) AS (
  SELECT l_suppkey, sum(l_extendedprice * (1 - l_discount)) FROM lineitem
  WHERE l_shipdate >= '1996-01-01' AND l_shipdate < '1996-04-01'
  GROUP BY l_suppkey)
SELECT s_suppkey, s_name, s_address, s_phone, total_revenue
FROM supplier, revenue
WHERE s_suppkey = supplier_no
  AND total_revenue = (SELECT max(total_revenue) FROM revenue)
ORDER BY s_suppkey""",
    """SELECT p_brand, p_type, p_size, count(DISTINCT ps_suppkey) AS supplier_cnt
FROM partsupp, part
WHERE p_partkey = ps_partkey AND p_brand <> 'Brand#45'
  AND p_type NOT LIKE 'MEDIUM POLISHED%'
  AND p_size IN (49, 14, 23, 45, 19, 3, 36, 9)
  AND ps_suppkey NOT IN (SELECT s_suppkey FROM supplier
    WHERE s_comment LIKE '%Customer%Complaints%')
GROUP BY p_brand, p_type, p_size
ORDER BY supplier_cnt DESC, p_brand, p_type, p_size""",
    """SELECT sum(l_extendedprice) / 7.0 FROM lineitem, part
WHERE p_partkey = l_partkey AND p_brand = 'Brand#23'
  AND p_container = 'MED BOX'
  AND l_quantity < (SELECT 0.2 * avg(l_quantity) FROM lineitem
    WHERE l_partkey = p_partkey)""",
    """SELECT c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice,
  sum(l_quantity)
FROM customer, orders, lineitem
WHERE o_orderkey IN (SELECT l_orderkey FROM lineitem GROUP BY l_orderkey
    HAVING sum(l_quantity) > 300)
  AND c_custkey = o_custkey AND o_orderkey = l_orderkey
GROUP BY c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice
ORDER BY o_totalprice DESC, o_orderdate LIMIT 100""",
    """SELECT sum(l_extendedprice * (1 - l_discount)) FROM lineitem, part
WHERE (p_partkey = l_partkey AND p_brand = 'Brand#12'
    AND p_container IN ('SM CASE', 'SM BOX', 'SM PACK', 'SM PKG')
    AND l_quantity >= 1 AND l_quantity <= 11 AND p_size BETWEEN 1 AND 5
    AND l_shipmode IN ('AIR', 'REG AIR')
    AND l_shipinstruct = 'DELIVER IN PERSON')
  OR (p_partkey = l_partkey AND p_brand = 'Brand#23'
    AND p_container IN ('MED BAG', 'MED BOX', 'MED PKG', 'MED PACK')
    AND l_quantity >= 10 AND l_quantity <= 20 AND p_size BETWEEN 1 AND 10
    AND l_shipmode IN ('AIR', 'REG AIR')
    AND l_shipinstruct = 'DELIVER IN PERSON')
  OR (p_partkey = l_partkey AND p_brand = 'Brand#34'
    AND p_container IN ('LG CASE', 'LG BOX', 'LG PACK', 'LG PKG')
    AND l_quantity >= 20 AND l_quantity <= 30 AND p_size BETWEEN 1 AND 15
    AND l_shipmode IN ('AIR', 'REG AIR')
    AND l_shipinstruct = 'DELIVER IN PERSON')""",
    """SELECT s_name, s_address FROM supplier, nation
WHERE s_suppkey IN (SELECT ps_suppkey FROM partsupp
    WHERE ps_partkey IN (SELECT p_partkey FROM part
        WHERE p_name LIKE 'forest%')
      AND ps_availqty > (SELECT 0.5 * sum(l_quantity) FROM lineitem
        WHERE l_partkey = ps_partkey AND l_suppkey = ps_suppkey
          AND l_shipdate >= '1994-01-01' AND l_shipdate < '1995-01-01'))
  AND s_nationkey = n_nationkey AND n_name = 'CANADA'
ORDER BY s_name""",
    """SELECT s_name, count(*) AS numwait
FROM supplier, lineitem l1, orders, nation
WHERE s_suppkey = l1.l_suppkey AND o_orderkey = l1.l_orderkey
  AND o_orderstatus = 'F' AND l1.l_receiptdate > l1.l_commitdate
  AND EXISTS (SELECT * FROM lineitem l2 WHERE l2.l_orderkey = l1.l_orderkey
    AND l2.l_suppkey <> l1.l_suppkey)
  AND NOT EXISTS (SELECT * FROM lineitem l3
    WHERE l3.l_orderkey = l1.l_orderkey AND l3.l_suppkey <> l1.l_suppkey
      AND l3.l_receiptdate > l3.l_commitdate)
  AND s_nationkey = n_nationkey AND n_name = 'SAUDI ARABIA'
GROUP BY s_name ORDER BY numwait DESC, s_name LIMIT 100""",
    """SELECT cntrycode, count(*), sum(c_acctbal)
FROM (SELECT substr(c_phone, 1, 2) AS cntrycode, c_acctbal FROM customer
      WHERE substr(c_phone, 1, 2) IN ('13', '31', '23', '29', '30', '18', '17')
        AND c_acctbal > (SELECT avg(c_acctbal) FROM customer
          WHERE c_acctbal > 0.00
            AND substr(c_phone, 1, 2) IN
              ('13', '31', '23', '29', '30', '18', '17'))
        AND NOT EXISTS (SELECT * FROM orders WHERE o_custkey = c_custkey))
GROUP BY cntrycode ORDER BY cntrycode""",
]
