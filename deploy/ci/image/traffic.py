#!/usr/bin/env python3
"""Asks a running Rulegate in front of the sample shop for everything that its metrics tell of, and checks the answers.

    traffic.py API ADMIN PROJECT DATABASE_URL

API and ADMIN are base URLs, PROJECT is its project folder, DATABASE_URL a superuser's, for locks and an outage that psql makes. Tokens
are in CLERK (of several who may do everything, so that none of them asks too often), HASTY (too, and does) and VISITOR (reads products). It lasts some twenty seconds, so that a scrape every second sees rates.
"""

import itertools
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from decimal import Decimal
from pathlib import Path

API, ADMIN, PROJECT, DATABASE = sys.argv[1:]
MEDIA = "application/vnd.api+json"
TOKENS = {name: itertools.cycle(os.environ[name].split()) for name in ("CLERK", "HASTY", "VISITOR")}
BROKEN = "derive:\n  orders.amount_total: sum(items.nothing)\n"


def ask(path, token="CLERK", body=None, method=None, accept=MEDIA, base=API):
    """Status and body of an answer, whatever its status."""
    headers = {"Accept": accept, "Content-Type": MEDIA}
    if token:
        headers["Authorization"] = "Bearer " + next(TOKENS[token])
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def expect(status, path, **how):
    found, text = ask(path, **how)
    if found != status:
        raise SystemExit(f"{path}: {found} instead of {status}: {text[:400]}")
    return text


def attributes(path):
    return json.loads(expect(200, path))["data"]["attributes"]


def until(what, holds, seconds=20):
    """Waits for something that is bound to happen."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"after {seconds} s still not: {what}")
        time.sleep(0.1)


def reads():
    assert json.loads(expect(200, "/api/customers?page[size]=5"))["data"], "no customers"
    expect(200, "/api/orders/115?include=customer,items")
    expect(200, "/api/items?filter[quantity][gt]=5&sort=-amount")
    expect(200, "/api/orders?aggregateOf=sum(amount_total)&groupBy=customer_id")
    assert expect(200, "/api/orders", accept="text/csv").count("\n") > 100, "an export without rows"
    assert json.loads(expect(200, "/openapi.json"))["openapi"].startswith("3."), "no OpenAPI document"


def item(quantity):
    order = {"data": {"type": "orders", "id": "115"}}
    product = {"data": {"type": "products", "id": "7"}}
    return {"data": {"type": "items", "attributes": {"quantity": quantity}, "relationships": {"order": order, "product": product}}}


def a_write_that_rules_derive():
    """Price and amount of an item, the order's total and the customer's balance follow."""
    before, owed = attributes("/api/orders/115"), attributes("/api/customers/13")
    made = json.loads(expect(201, "/api/items", body=item(2)))["data"]
    amount = Decimal(made["attributes"]["amount"])
    assert amount == 2 * Decimal(made["attributes"]["unit_price"]) > 0, made
    after, owes = attributes("/api/orders/115"), attributes("/api/customers/13")
    assert Decimal(after["amount_total"]) == Decimal(before["amount_total"]) + amount, (before, after)
    assert Decimal(owes["balance"]) == Decimal(owed["balance"]) + amount, (owed, owes)
    expect(204, f"/api/items/{made['id']}", method="DELETE")


def refusals():
    assert "constraint-violated" in expect(422, "/api/items", body=item(100000))
    expect(404, "/api/orders/987654")
    expect(401, "/api/orders", token=None)
    expect(403, "/api/orders", token="VISITOR")
    expect(200, "/api/products", token="VISITOR")


def too_many():
    """Asks until it is too much."""
    for _ in range(5000):
        if ask("/api/products/1", token="HASTY")[0] == 429:
            return
    raise SystemExit("5000 requests in a row, and none was 429")


def psql(statement):
    return subprocess.Popen(["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", DATABASE, "-c", statement], stdout=subprocess.DEVNULL)


def a_lock_that_lasts():
    """A write waits longer for a row than lock_timeout_ms, is tried again, and succeeds."""
    holder = psql("begin; select from customers where id = 13 for update; select pg_sleep(2); commit")
    time.sleep(0.5)
    a_write_that_rules_derive()
    assert holder.wait() == 0, "psql failed"


def an_outage():
    """Nobody gets into the database for a while: 503, not ready, and then everything is as before."""
    name = DATABASE.rsplit("/", 1)[1]
    server = DATABASE.removesuffix(name) + "postgres"
    close = f"alter database {name} allow_connections false"
    end = f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
    subprocess.run(["psql", "-qX", "-d", server, "-c", close, "-c", end], check=True, stdout=subprocess.DEVNULL)
    until("503", lambda: ask("/api/orders")[0] == 503)
    expect(200, "/livez", base=ADMIN, token=None)
    until("not ready", lambda: ask("/readyz", base=ADMIN, token=None)[0] == 503)
    time.sleep(2)
    subprocess.run(["psql", "-qX", "-d", server, "-c", f"alter database {name} allow_connections true"], check=True)
    until("ready again", lambda: ask("/readyz", base=ADMIN, token=None)[0] == 200)
    until("200 again", lambda: ask("/api/orders")[0] == 200)


def reloaded(well):
    return f"\nrulegate_snapshot_last_reload_successful {int(well)}\n" in expect(200, "/metrics", base=ADMIN, token=None)


def a_broken_file():
    """Rules that make no sense are refused, what was served is served on, and mended files count at once."""
    file = Path(PROJECT) / "rules" / "zz_broken.yaml"
    file.write_text(BROKEN)
    until("the broken rules are refused", lambda: reloaded(False))
    reads()
    file.unlink()
    until("the mended rules are served", lambda: reloaded(True))


def steady(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        reads()
        a_write_that_rules_derive()
        refusals()
        time.sleep(0.1)


def main():
    for part in (reads, a_write_that_rules_derive, refusals, a_lock_that_lasts, too_many, an_outage, a_broken_file):
        part()
        print(f"  {part.__name__.replace('_', ' ')}: as it should be")
        steady(2)


if __name__ == "__main__":
    main()
