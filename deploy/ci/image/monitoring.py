#!/usr/bin/env python3
"""Evaluates every query of the dashboard and of the alerts in a running Prometheus that has scraped some traffic.

    monitoring.py PROMETHEUS_URL DASHBOARD.json

Each must evaluate without an error. Those of the dashboard, and what the alerts compare with their limits, must find something: a query that
finds nothing has the wrong name in it. What does not come about in this traffic is named below, and then only its metric must be known.
"""

import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

PROMETHEUS, DASHBOARD = sys.argv[1:]
ROOT = Path(__file__).parents[3]
METRICS = ROOT / "proxy/src/observe/metrics.rs"
# Metrics without a series until something happens that this traffic cannot bring about.
RARE = ("rulegate_exports_cut_total", 'outcome=~"failed|unknown"')
# What an alert does to the number that it is about: `… > 0.9`, `absent(…)`.
LIMIT = re.compile(r"\s+(==|!=|<=|>=|<|>)\s+[0-9.]+\s*$|^absent(?=\()")
VARIABLES = {"$namespace": ".*", "$job": ".*rulegate.*", "$instance": ".*", "$__rate_interval": "1m"}


def get(path, **query):
    with urllib.request.urlopen(f"{PROMETHEUS}{path}?{urllib.parse.urlencode(query)}", timeout=20) as answer:
        return json.load(answer)["data"]


def found(expression):
    """How many series an expression gives now. An error of the expression ends the program."""
    try:
        return len(get("/api/v1/query", query=expression)["result"])
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{expression}: {error.read().decode()}")


def filled(expression):
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def queries():
    """What is asked, by where it stands."""
    for panel in json.loads(Path(DASHBOARD).read_text())["panels"]:
        for target in panel.get("targets", []):
            yield f"panel `{panel['title']}`", filled(target["expr"])
    for rule in alerts():
        yield f"alert {rule['name']}", rule["query"]


def known_metrics():
    """The names after `rulegate_` that the code registers."""
    return set(re.findall(r'"([a-z_]+)",?\s+"[A-Z]', METRICS.read_text()))


def unknown(expression, known):
    names = re.findall(r"\brulegate_([a-z_]+)", expression)
    return [name for name in names if re.sub(r"_(bucket|count|sum)$", "", name) not in known and name not in known]


def trouble(place, expression, known):
    """What is wrong with a query, or nothing."""
    if strange := unknown(expression, known):
        return f"{place}: there is no metric rulegate_{strange[0]}"
    count = found(expression)
    if place.startswith("alert") and not LIMIT.search(expression):
        return f"{place}: compares with no limit at its end"
    if not (count or found(LIMIT.sub("", expression)) or any(rare in expression for rare in RARE)):
        return f"{place}: finds nothing: {expression}"
    return None


def alerts():
    return [rule for group in get("/api/v1/rules")["groups"] for rule in group["rules"]]


def unhealthy():
    """Rules that Prometheus itself could not evaluate."""
    return [f"alert {rule['name']}: {rule['health']} {rule.get('lastError', '')}" for rule in alerts() if rule["health"] != "ok"]


def main():
    known = known_metrics()
    asked = list(queries())
    problems = [problem for place, query in asked if (problem := trouble(place, query, known))] + unhealthy()
    for problem in problems:
        print(f"problem: {problem}", file=sys.stderr)
    print(f"  {len(asked)} queries of dashboard and alerts, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
