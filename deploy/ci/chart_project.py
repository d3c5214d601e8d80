"""Rendered ConfigMaps → project folders as a kubelet would make them, judged by `rulegate check` on the sample shop, or, without a binary, by
the JSON Schema of rulegate.yaml.

Secrets are made up. What stands in ConfigMaps of others is not there.
"""

import json
import os
import sqlite3
import subprocess
from pathlib import Path

import jsonschema
import yaml

from chart_rules import Manifests, containers, settings

ROOT = Path(__file__).resolve().parents[2]
SECRETS = "/run/secrets/rulegate"
SECRET = "0123456789abcdef" * 5
KEYS = {"EdDSA": ["ED25519"], "RS256": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]}


def problems(rendered, folder, binary):
    """A sentence for each project that is not sound."""
    database = shop(folder) if binary else None
    seen = set()
    for (subject, _), items in rendered.items():
        if subject not in seen:
            seen.add(subject)
            said = checked(Manifests(items), folder / f"project-{subject.name}", binary, database) if binary else fits(Manifests(items))
            yield from (f"{subject.name}: {words}" for words in said)


def fits(manifests):
    schema = json.loads((ROOT / "proxy/src/config/schema.json").read_text())
    for config in settings(manifests):
        for error in jsonschema.Draft7Validator(schema).iter_errors(config):
            yield f"rulegate.yaml: {'.'.join(str(step) for step in error.path)}: {error.message}"


def shop(folder):
    """The sample shop in a file."""
    path = folder / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((ROOT / "proxy/demo/shop.sql").read_text())
    return path


def checked(manifests, folder, binary, database):
    folder.mkdir()
    placed(manifests, folder)
    return judged(manifests, folder, binary, database)


def judged(manifests, folder, binary, database):
    """What `rulegate check` says of a project folder, if anything."""
    secrets = made_up(folder / "secrets", settings(manifests)[0])
    config = folder / "rulegate.yaml"
    config.write_text(config.read_text().replace(SECRETS, str(secrets)))
    environment = {**os.environ, "RULEGATE_DATABASE_URL": f"sqlite://{database}", "JWT_SECRET": SECRET}
    done = subprocess.run([binary.resolve(), "check", "--project", folder], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return [f"rulegate check: {done.stdout}"] if done.returncode else []


def placed(manifests, folder):
    """The files of the chart's own ConfigMaps, where the container mounts them. Where another chart mounts them, by their names."""
    for spec in [spec for _, _, spec in manifests.pods()] or [None]:
        for name, place in mounted(manifests, spec):
            (folder / place).mkdir(exist_ok=True)
            for file, text in manifests.by_name[("ConfigMap", name)]["data"].items():
                (folder / place / file).write_text(text)


def mounted(manifests, spec):
    """`(ConfigMap, folder in the project)`."""
    if spec is None:
        for (kind, name), item in manifests.by_name.items():
            if kind == "ConfigMap" and "rulegate.yaml" in item["data"]:
                yield name, "."
        return
    volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
    for container in containers(spec):
        for mount in container.get("volumeMounts", []):
            path = Path(mount["mountPath"])
            if path.is_relative_to("/etc/rulegate"):
                for source in volumes[mount["name"]]["projected"]["sources"]:
                    if ("ConfigMap", source["configMap"]["name"]) in manifests.by_name:
                        yield source["configMap"]["name"], path.relative_to("/etc/rulegate")


def made_up(folder, config):
    """Secrets in the folders in which the chart mounts them."""
    files = {"database/url": "sqlite::memory:", "jwt-secret/secret": SECRET, "upstream/secret": SECRET, "reload/token": SECRET}
    algorithms = ((config.get("auth") or {}).get("jwt") or {}).get("algorithms", [])
    for algorithm in set(algorithms) & set(KEYS):
        files["jwt-public-key/public.pem"] = public_key(KEYS[algorithm])
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def public_key(kind):
    private = subprocess.run(["openssl", "genpkey", "-algorithm", *kind], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return subprocess.run(["openssl", "pkey", "-pubout"], input=private, check=True, stdout=subprocess.PIPE).stdout.decode()
