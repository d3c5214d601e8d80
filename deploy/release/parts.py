#!/usr/bin/env python3
"""What the binary is made of, from the locked graph of its crates and their sources.

    parts.py sbom        a CycloneDX document: every crate that is compiled into it, with licence, checksum and what it depends on, and the works
                         of others that crates bring along, with their versions as they stand in the crates' sources
    parts.py licences    the texts of their licences, equal ones once

Crates that only build others are left out: nothing of them is in the binary. Needs nothing beyond Python 3.11.
"""

import json
import re
import subprocess
import sys
import tomllib
import uuid
import zipfile
from collections import defaultdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ("license", "licence", "copying", "notice", "copyright", "unlicense")
# What is in a static binary besides crates: `(name, licence, a command, and which word of its first line is the version)`.
PLATFORM = [
    ("rust-std", "MIT OR Apache-2.0", ["rustc", "--version"], 1),
    ("glibc", "LGPL-2.1-or-later", ["ldd", "--version"], -1),
]
# What crates bring along and compile: crate → name, licence, address, the file that tells the version, and how. ring's C and assembler, which is
# BoringSSL's, has no version but that of the crate.
BROUGHT = {
    "libsqlite3-sys": ("SQLite", "blessing", "pkg:generic/sqlite", "sqlite3/sqlite3.h", r'#define SQLITE_VERSION +"([\d.]+)"'),
    "libz-ng-sys": ("zlib-ng", "Zlib", "pkg:generic/zlib-ng", "src/zlib-ng/zlib-ng.h.in", r'#define ZLIBNG_VERSION "([\d.]+)"'),
    "zstd-sys": ("zstd", "BSD-3-Clause", "pkg:generic/zstd", "zstd/lib/zstd.h", r"#define ZSTD_VERSION_(?:MAJOR|MINOR|RELEASE) +(\d+)"),
}
# Pages in the binary, which come out of an archive in a crate that only builds another.
PAGES = ("utoipa-swagger-ui", "utoipa-swagger-ui-vendored", "Swagger UI", "Apache-2.0", "pkg:npm/swagger-ui-dist")
RULE = "=" * 100


@cache
def metadata():
    """What cargo says of the locked graph on this machine."""
    target = subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True).stdout.split("host: ")[1].split()[0]
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def graph():
    """`(packages, dependencies, root)`: by id, what is linked into the binary."""
    found = metadata()
    packages = {package["id"]: package for package in found["packages"]}
    macros = {id for id, package in packages.items() if any("proc-macro" in target["kind"] for target in package["targets"])}
    edges = {
        node["id"]: [dep["pkg"] for dep in node["deps"] if dep["pkg"] not in macros and any(kind["kind"] is None for kind in dep["dep_kinds"])]
        for node in found["resolve"]["nodes"]
    }
    root = next(id for id in found["workspace_members"] if packages[id]["name"] == "rulegate")
    linked, waiting = set(), [root]
    while waiting:
        id = waiting.pop()
        if id not in linked:
            linked.add(id)
            waiting += edges[id]
    return {id: packages[id] for id in linked}, {id: edges[id] for id in linked}, root


def checksums():
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, checksum):
    item = {
        "type": "library",
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(package),
        # `/` is the old spelling of OR.
        "licenses": [{"expression": " OR ".join(part.strip() for part in package["license"].split("/"))}],
    }
    if package["description"]:
        item["description"] = " ".join(package["description"].split())
    if checksum:
        item["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        item["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return item


def platform():
    """The standard library of Rust, and the C library, which are linked in."""
    for name, licence, command, place in PLATFORM:
        line = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[0]
        version = line.split()[place]
        yield {"type": "library", "bom-ref": f"{name}@{version}", "name": name, "version": version, "licenses": [{"expression": licence}]}


def brought(packages):
    """`(id of the crate, component)` of what is not Rust's: each crate that has C for the linker must be known here."""
    for id, package in sorted(packages.items(), key=lambda pair: reference(pair[1])):
        folder = Path(package["manifest_path"]).parent
        if package["name"] in BROUGHT:
            name, licence, address, file, pattern = BROUGHT[package["name"]]
            yield id, work(name, licence, address, ".".join(re.findall(pattern, (folder / file).read_text())))
        elif package["name"] == PAGES[0]:
            archive = next(other for other in metadata()["packages"] if other["name"] == PAGES[1])
            [file] = (Path(archive["manifest_path"]).parent / "res").glob("*.zip")
            yield id, work(*PAGES[2:], zipfile.ZipFile(file).namelist()[0].strip("/").rpartition("-")[2])
        elif package["links"] and package["name"] != "ring":
            sys.exit(f"{package['name']} links {package['links']}: say in BROUGHT what it brings along")


def work(name, licence, address, version):
    if not re.fullmatch(r"\d+(\.\d+)+", version):
        sys.exit(f"{name}: `{version}` is no version: its source has changed")
    purl = f"{address}@{version}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl, "licenses": [{"expression": licence}]}


def made_at():
    """When the commit was made, so that the same commit gives the same document."""
    seconds = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sbom():
    packages, edges, root = graph()
    sums = checksums()
    ordered = sorted(packages.items(), key=lambda pair: reference(pair[1]))
    items = {id: component(package, sums.get((package["name"], package["version"]))) for id, package in ordered}
    others = list(platform())
    depends = [{"ref": reference(package), "dependsOn": sorted({reference(packages[dep]) for dep in edges[id]})} for id, package in ordered]
    next(item for item in depends if item["ref"] == reference(packages[root]))["dependsOn"] += [item["bom-ref"] for item in others]
    for id, item in brought(packages):
        next(it for it in depends if it["ref"] == reference(packages[id]))["dependsOn"].append(item["bom-ref"])
        others.append(item)
    name = json.dumps(depends) + made_at()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}",
        "version": 1,
        "metadata": {"timestamp": made_at(), "component": {**items[root], "type": "application"}},
        "components": [*(item for id, item in items.items() if id != root), *others],
        "dependencies": depends,
    }


def licences():
    """The texts, each with the crates that it is for. A crate without one is told: its expression must do."""
    packages, _, _ = graph()
    works = sorted(f"{item['name']} {item['version']} ({item['licenses'][0]['expression']})" for _, item in brought(packages))
    holders, without = defaultdict(list), []
    for package in sorted((package for package in packages.values() if package["source"]), key=reference):
        name = f"{package['name']} {package['version']} ({package['license']})"
        texts = texts_of(Path(package["manifest_path"]).parent)
        for text in texts:
            holders[text].append(name)
        if not texts:
            without.append(name)
    yield "Rulegate is MIT or Apache 2.0. It is made with these crates, each under the licence in brackets."
    yield "Brought along by them: " + "; ".join(works) + "."
    yield "Linked in statically: " + "; ".join(f"{item['name']} {item['version']} ({item['licenses'][0]['expression']})" for item in platform()) + ".\n" + (
        "Rulegate's source is all that is needed to link it with another version of the GNU C Library: `make release` does it.")
    for text, names in holders.items():
        yield f"{RULE}\n" + "\n".join(names) + f"\n{RULE}\n\n{text}"
    yield f"{RULE}\nThese crates name their licence and bring no text of it:\n" + "\n".join(without)


def texts_of(folder):
    """Those of the crate, and of what it carries in folders below."""
    files = sorted(file for file in folder.rglob("*") if file.name.lower().startswith(TEXTS) and file.suffix in ("", ".md", ".txt") and file.is_file())
    return [file.read_text(errors="replace").strip() for file in files]


def main():
    match sys.argv[1:]:
        case ["sbom"]:
            print(json.dumps(sbom(), indent=2, ensure_ascii=False))
        case ["licences"]:
            print("\n\n".join(licences()))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
