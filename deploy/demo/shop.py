#!/usr/bin/env python3
"""Writes proxy/demo/shop.sql, the demo's sample shop: a wholesale house for tea, bicycles and harbour goods.

Deterministic: the same script gives the same file, byte for byte. Every derived amount is computed here as the rules in
proxy/demo/rules would, so that the shop is consistent from its first request.

    deploy/demo/shop.py > proxy/demo/shop.sql
"""

import random
from datetime import date, timedelta
from decimal import Decimal

SEED = 1903
FIRST_DAY = date(2025, 9, 1)
LAST_DAY = date(2026, 8, 31)
PRICES_ROSE_ON = date(2026, 3, 1)
CENT = Decimal("0.01")

SCHEMA = """\
-- The sample shop of `rulegate demo`: a wholesale house for tea, bicycles and harbour goods. All names are invented.
-- Written by deploy/demo/shop.py; change that and run it again.

CREATE TABLE employees (
    id          INTEGER PRIMARY KEY,
    name        VARCHAR(80)   NOT NULL,
    title       VARCHAR(80)   NOT NULL,
    salary      DECIMAL(12,2) NOT NULL,
    hired_on    DATE          NOT NULL,
    manager_id  INTEGER       REFERENCES employees (id) ON DELETE RESTRICT
);
CREATE INDEX employees_manager ON employees (manager_id);

CREATE TABLE customers (
    id            INTEGER PRIMARY KEY,
    name          VARCHAR(80)   NOT NULL UNIQUE,
    region        VARCHAR(40)   NOT NULL,
    contact_name  VARCHAR(80),
    balance       DECIMAL(12,2) NOT NULL DEFAULT 0,
    credit_limit  DECIMAL(12,2) NOT NULL,
    order_count   INTEGER       NOT NULL DEFAULT 0
);
CREATE INDEX customers_region ON customers (region);

CREATE TABLE products (
    id            INTEGER PRIMARY KEY,
    name          VARCHAR(80)   NOT NULL UNIQUE,
    category      VARCHAR(40)   NOT NULL,
    unit_price    DECIMAL(12,2) NOT NULL,
    discontinued  BOOLEAN       NOT NULL DEFAULT FALSE
);

CREATE TABLE orders (
    id            INTEGER PRIMARY KEY,
    customer_id   INTEGER       NOT NULL REFERENCES customers (id) ON DELETE RESTRICT,
    sales_rep_id  INTEGER       REFERENCES employees (id) ON DELETE RESTRICT,
    order_date    DATE          NOT NULL,
    date_shipped  DATE,
    amount_total  DECIMAL(12,2) NOT NULL DEFAULT 0,
    item_count    INTEGER       NOT NULL DEFAULT 0,
    notes         TEXT
);
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX orders_sales_rep ON orders (sales_rep_id);
CREATE INDEX orders_date ON orders (order_date);

CREATE TABLE items (
    id          INTEGER PRIMARY KEY,
    order_id    INTEGER       NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    product_id  INTEGER       NOT NULL REFERENCES products (id) ON DELETE RESTRICT,
    quantity    INTEGER       NOT NULL,
    unit_price  DECIMAL(12,2) NOT NULL DEFAULT 0,
    amount      DECIMAL(12,2) NOT NULL DEFAULT 0
);
CREATE INDEX items_order ON items (order_id);
CREATE INDEX items_product ON items (product_id);
"""

# name, title, salary, manager's position in this list (from 1)
EMPLOYEES = [
    ("Ottilie Brandvold", "Managing director", "9800.00", None),
    ("Casimir Hale", "Head of sales", "7200.00", 1),
    ("Perpetua Lindqvist", "Head of the warehouse", "6900.00", 1),
    ("Ignace Thorne", "Sales, coast and islands", "4650.00", 2),
    ("Mirela Quayle", "Sales, river towns", "4720.00", 2),
    ("Tobiah Fenn", "Sales, uplands", "4580.00", 2),
    ("Saskia Umber", "Junior sales", "3450.00", 5),
    ("Anselm Rook", "Packing", "3300.00", 3),
    ("Delphine Marsh", "Goods in", "3550.00", 3),
    ("Corin Aldous", "Bookkeeping", "5100.00", 1),
]

# region, its customers with the person one asks for
CUSTOMERS = {
    "Coast": [
        ("Lantern Quay Provisions", "Edda Moorcroft"), ("Saltmarsh Chandlery", "Hob Trelease"),
        ("The Tarred Rope", "Wenna Pascoe"), ("Gull & Anchor Stores", "Piet Vasser"),
        ("Breakwater Cycles", "Nadia Strand"), ("Low Tide Tea Room", None),
        ("Foghorn Supply Co-operative", "Lorcan Maye"),
    ],
    "Islands": [
        ("Far Skerry General Store", "Inga Halvard"), ("Ferry Steps Kiosk", "Magnus Orr"),
        ("Kelp Row Traders", "Una Sinclair-Voe"), ("Puffin Post Bicycles", "Rasmus Dyer"),
        ("Three Bells Boatyard", "Aud Kettering"), ("Windward Wares", None),
    ],
    "River towns": [
        ("Three Herons Tea House", "Lucasta Wray"), ("Millrace Velo", "Bram Ostler"),
        ("Weir & Daughters", "Henrietta Weir"), ("Osier Basket Grocers", "Jory Penhale"),
        ("Tollbridge Teas", "Amabel Finch"), ("The Slow Pedal", "Gideon Locke"),
        ("Barge & Bramble", "Rosalind Tew"), ("Ninepin Corner Shop", None),
    ],
    "Uplands": [
        ("Cairn Foot Outfitters", "Alasdair Muir"), ("High Fell Wheelworks", "Sunniva Crag"),
        ("Sheepfold Tea Garden", "Elspeth Dunmore"), ("Packhorse Provisions", "Odo Hargreave"),
        ("Snowline Cycles", "Vesna Tarn"), ("The Kettle on the Pass", "Bertil Hogg"),
    ],
    "Old town": [
        ("Copper Samovar", "Yelena Marchbanks"), ("Lamplighter Row Cycles", "Felix Underhill"),
        ("Quill & Caddy", "Marguerite Ashdown"), ("Cobblestone Couriers", "Dmitri Vale"),
        ("Second Gear Cafe", "Philippa Noon"), ("Saffron Door Imports", "Arash Tavana"),
        ("The Brass Bell", "Cordelia Penn"), ("Almanac Stationers", None),
    ],
}

# category, its products with today's price
PRODUCTS = {
    "Tea": [
        ("Black tea, smoked, 1 kg", "18.40"), ("Black tea, hill garden, 1 kg", "22.75"),
        ("Green tea, pan-fired, 1 kg", "26.10"), ("White tea, silver bud, 250 g", "31.90"),
        ("Mint and nettle, 500 g", "7.85"), ("Rosehip, 500 g", "6.40"),
        ("Cast-iron teapot", "42.00"), ("Tea caddy, tin", "5.95"),
    ],
    "Bicycles": [
        ("Delivery bicycle, long frame", "865.00"), ("Town bicycle, three gears", "540.00"),
        ("Inner tube, 28 inch", "4.35"), ("Tyre, puncture-proof", "27.60"),
        ("Brass bell", "11.25"), ("Front carrier, oak", "58.90"),
        ("Chain, rust-proof", "16.80"), ("Dynamo lamp", "33.45"),
    ],
    "Harbour": [
        ("Mooring rope, 20 m", "39.50"), ("Storm lantern", "28.95"),
        ("Deck brush", "9.70"), ("Oilskin coat", "74.00"),
        ("Marine varnish, 2.5 l", "46.20"), ("Fender, medium", "21.30"),
        ("Signal flags, full set", "128.00"), ("Tide clock", "64.75"),
    ],
}
DISCONTINUED = {"Tide clock", "White tea, silver bud, 250 g"}
NOTES = [
    "Deliver to the back gate.", "Ring before noon, closed on Mondays.", "Combine with the next ferry.",
    "Gift wrapping for the teapots.", "Please no plastic.", "Leave with the harbour master if nobody is in.",
    "Customer collects.", "Invoice by post.",
]


def price_on(day, today):
    """What a product cost when it was ordered: older items keep the price from before the rise."""
    return today if day >= PRICES_ROSE_ON else (today * Decimal("0.94")).quantize(CENT)


def make_orders(rng, customers, products):
    """Orders by date, and their items, with every amount as the rules derive it."""
    orders, items = [], []
    days = sorted(FIRST_DAY + timedelta(days=rng.randrange((LAST_DAY - FIRST_DAY).days + 1)) for _ in range(140))
    for order_id, day in enumerate(days, start=1):
        lines = [make_item(rng, day, product) for product in rng.sample(products, rng.choice([1, 1, 2, 2, 3, 3, 4, 5]))]
        items += [(len(items) + n, order_id, *line) for n, line in enumerate(lines, start=1)]
        total = sum(line[3] for line in lines)
        note = rng.choice(NOTES) if rng.random() < 0.3 else None
        customer, rep = rng.choice(customers)[0], rng.choice([4, 5, 6, 7])
        orders.append((order_id, customer, rep, day, shipped_on(rng, day), total, len(lines), note))
    return orders, items


def make_item(rng, day, product):
    """(product, quantity, unit price, amount); dear things are bought in ones and twos."""
    price = price_on(day, product[3])
    quantity = rng.randint(1, 2) if price > 200 else rng.randint(1, 24)
    return product[0], quantity, price, quantity * price


def shipped_on(rng, day):
    """Old orders are shipped, of the newest some are still open."""
    shipped = day + timedelta(days=rng.randint(1, 12))
    open_still = day > LAST_DAY - timedelta(days=110) and rng.random() < 0.85
    return None if open_still or shipped > LAST_DAY else shipped


def make_customers(rng, bare, orders):
    """Customers with their derived balance, and a limit that leaves headroom."""
    for key, name, region, contact in bare:
        own = [order for order in orders if order[1] == key]
        balance = sum((order[5] for order in own if order[4] is None), Decimal("0.00"))
        limit = (balance // 1000 + rng.choice([2, 3, 5])) * 1000
        yield key, name, region, contact, balance, limit.quantize(CENT), len(own)


def numbered(groups):
    """Flattens {group: [row, …]} into (id, group, *row) rows."""
    rows = [(group, *row) for group, members in groups.items() for row in members]
    return [(key, *row) for key, row in enumerate(rows, start=1)]


def literal(value):
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | Decimal():
            return str(value)
        case _:
            return "'" + str(value).replace("'", "''") + "'"


def insert(table, columns, rows):
    print(f"\nINSERT INTO {table} ({columns}) VALUES")
    print(",\n".join("    (" + ", ".join(map(literal, row)) + ")" for row in rows) + ";")


def main():
    rng = random.Random(SEED)
    products = [
        (key, name, category, Decimal(price), name in DISCONTINUED)
        for key, category, name, price in numbered(PRODUCTS)
    ]
    bare = [(key, name, region, contact) for key, region, name, contact in numbered(CUSTOMERS)]
    orders, items = make_orders(rng, bare, products)
    hired = [FIRST_DAY - timedelta(days=rng.randrange(300, 6000)) for _ in EMPLOYEES]
    employees = [
        (key, name, title, Decimal(salary), day, manager)
        for key, ((name, title, salary, manager), day) in enumerate(zip(EMPLOYEES, hired), start=1)
    ]
    print(SCHEMA, end="")
    insert("employees", "id, name, title, salary, hired_on, manager_id", employees)
    insert(
        "customers", "id, name, region, contact_name, balance, credit_limit, order_count",
        make_customers(rng, bare, orders),
    )
    insert("products", "id, name, category, unit_price, discontinued", products)
    insert("orders", "id, customer_id, sales_rep_id, order_date, date_shipped, amount_total, item_count, notes", orders)
    insert("items", "id, order_id, product_id, quantity, unit_price, amount", items)


if __name__ == "__main__":
    main()
