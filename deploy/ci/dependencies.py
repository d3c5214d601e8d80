#!/usr/bin/env python3
"""Checks every dependency against deny.toml: licence, banned crates, sources. Lists crates present in two versions.

It reads what `cargo metadata` says about the locked graph for Linux, needs nothing beyond Python 3.11, and takes a
second. Exit codes: 0 fine, 1 problems found.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"


def metadata(target):
    """The locked dependency graph as cargo resolves it for one target."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def third_party(graph):
    """The packages that are compiled and are not ours."""
    used = {node["id"] for node in graph["resolve"]["nodes"]} - set(graph["workspace_members"])
    return [package for package in graph["packages"] if package["id"] in used]


def permitted(expression, allowed):
    """Whether an SPDX expression can be satisfied with allowed licences. `/` is the old spelling of OR."""
    tokens = re.findall(r"[()]|[^\s()]+(?:\s+WITH\s+[^\s()]+)?", expression.replace("/", " OR "))
    value, rest = alternatives(tokens, allowed)
    return value and not rest


def alternatives(tokens, allowed):
    value, tokens = conjunction(tokens, allowed)
    while tokens[:1] == ["OR"]:
        other, tokens = conjunction(tokens[1:], allowed)
        value = value or other
    return value, tokens


def conjunction(tokens, allowed):
    value, tokens = licence(tokens, allowed)
    while tokens[:1] == ["AND"]:
        other, tokens = licence(tokens[1:], allowed)
        value = value and other
    return value, tokens


def licence(tokens, allowed):
    if tokens[:1] == ["("]:
        value, rest = alternatives(tokens[1:], allowed)
        return value, rest[1:]
    return tokens[:1] != [] and tokens[0] in allowed, tokens[1:]


def problems(packages, rules):
    """One line per package that breaks a rule."""
    allowed = set(rules["licenses"]["allow"])
    banned = {entry["crate"] for entry in rules["bans"]["deny"]}
    for package in packages:
        name = f"{package['name']} {package['version']}"
        if package["name"] in banned:
            yield f"{name}: banned by deny.toml"
        if package["source"] != CRATES_IO:
            yield f"{name}: comes from {package['source']}, not from crates.io"
        if not permitted(package["license"] or "", allowed):
            yield f"{name}: licence {package['license']!r} is not on the list in deny.toml"


def duplicates(packages):
    """Names that are compiled in more than one version, with the versions."""
    versions = defaultdict(set)
    for package in packages:
        versions[package["name"]].add(package["version"])
    return {name: sorted(found) for name, found in sorted(versions.items()) if len(found) > 1}


def main():
    rules = tomllib.loads((ROOT / "deny.toml").read_text())
    packages = {p["id"]: p for target in rules["graph"]["targets"] for p in third_party(metadata(target))}.values()
    found = list(problems(packages, rules))
    twice = duplicates(packages)
    for problem in found:
        print(f"problem: {problem}", file=sys.stderr)
    if twice:
        print("in several versions: " + ", ".join(f"{name} ({', '.join(v)})" for name, v in twice.items()))
    print(f"{len(packages)} dependencies, {len(found)} problems, {len(twice)} in several versions")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
