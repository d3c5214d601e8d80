#!/usr/bin/env python3
"""Keeps what is written down twice about the chart's values together: comments in values.yaml → the table in README.md and in
docs/reference/chart.md, and the descriptions in values.schema.json; the JSON Schema of rulegate.yaml → `config` in values.schema.json.

    chart_values.py           tells what differs; exit code 1 if anything does
    chart_values.py --write   writes it

Needs PyYAML, which `make chart` brings.
"""

import copy
import json
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm/rulegate"
SERVER = ROOT / "proxy/src/config/schema.json"
BEGIN, END = "<!-- values: made by deploy/ci/chart_values.py -->\n", "<!-- end of values -->\n"

# Keys of rulegate.yaml that the chart sets itself, from Secrets and ports.
OURS = ["database.url", "database.url_file", "server.listen", "server.admin_listen", "server.reload_token_file", "server.tls",
        "auth.jwt.secret_file", "auth.jwt.public_key_file", "upstream.secret_file"]


def keys(text):
    """Every key of values.yaml with its value and the comment above it, in their order: `(path, value, comment, is_leaf)`."""
    lines = text.splitlines()

    def walk(node, path):
        for key, value in node.value:
            here = [*path, key.value]
            comment = above(lines, key.start_mark.line)
            inner = isinstance(value, yaml.MappingNode) and not value.flow_style and not comment
            yield ".".join(here), yaml.safe_load(yaml.serialize(value)), comment, not inner
            if inner:
                yield from walk(value, here)

    return list(walk(yaml.compose(text), []))


def above(lines, line):
    """The comment directly above a line."""
    found = []
    while line > 0 and lines[line - 1].lstrip().startswith("# "):
        line -= 1
        found.insert(0, lines[line].lstrip()[2:])
    return " ".join(found)


def table(values):
    """The table of the README."""
    rows = ["| value | default | |", "| --- | --- | --- |"]
    for path, value, comment, leaf in values:
        if leaf:
            default = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value or '""'
            rows.append(f"| `{path}` | `{default}` | {comment.replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def readme(text, values):
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table(values)}\n{END}{tail}"


def page(text, values):
    head, _, _ = text.partition(BEGIN)
    return f"{head}{BEGIN}\n{table(values)}"


def config_schema():
    """The schema of rulegate.yaml without what the chart sets."""
    schema = json.loads(SERVER.read_text())
    for path in OURS:
        *parents, last = path.split(".")
        section = schema
        for name in parents:
            section = section["properties"][name]
        del section["properties"][last]
    return {key: value for key, value in schema.items() if key not in ("$schema", "title")} | {"type": "object"}


def leaves(node, path=()):
    """Each key of a schema that is no section: its path and its shape."""
    for name, inner in node["properties"].items():
        here = (*path, name)
        if "properties" in inner:
            yield from leaves(inner, here)
        else:
            yield ".".join(here), inner


def schema(text, values):
    """values.schema.json with the server's part and with descriptions."""
    whole = json.loads(text)
    whole["properties"]["config"] = config_schema()
    for path, _, comment, _ in values:
        place = at(whole, path)
        if place is not None and comment:
            # What stands beside `$ref` is not looked at in draft 7.
            place.pop("$ref", None) and place.update(allOf=[{"$ref": at(json.loads(text), path)["$ref"]}])
            place["description"] = comment
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def at(whole, path):
    place = whole
    for name in path.split("."):
        place = place.get("properties", {}).get(name)
        if place is None:
            return None
    return place


def gaps(values, whole):
    """Values without a comment, values that the schema lacks, and the other way round."""
    for path, _, comment, leaf in values:
        if leaf and not comment:
            yield f"values.yaml: {path} has no comment"
        if at(whole, path) is None:
            yield f"values.schema.json: {path} is missing"
    known = {path for path, *_ in values}
    yield from (f"values.yaml: {path} is missing" for path in closed(whole, known) if path not in known)


def closed(node, known, path=()):
    """Paths of the schema's properties, not below what is one value in values.yaml."""
    for name, inner in node.get("properties", {}).items():
        here = ".".join([*path, name])
        if here == "global":
            continue
        yield here
        if any(other.startswith(here + ".") for other in known):
            yield from closed(inner, known, (*path, name))


def main():
    values = keys((CHART / "values.yaml").read_text())
    made = {CHART / "README.md": readme, CHART / "values.schema.json": schema, ROOT / "docs/reference/chart.md": page}
    differing = []
    for path, make in made.items():
        text = path.read_text()
        fresh = make(text, copy.deepcopy(values))
        if fresh != text:
            differing.append(f"{path.relative_to(ROOT)} is not up to date: run deploy/ci/chart_values.py --write")
            if "--write" in sys.argv:
                path.write_text(fresh)
    found = list(gaps(values, json.loads((CHART / "values.schema.json").read_text())))
    if "--write" not in sys.argv:
        found += differing
    for problem in found:
        print(f"problem: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
