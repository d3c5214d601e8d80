#!/usr/bin/env python3
"""A rendered Deployment → a Pod that `podman play kube` runs: sidecars stand among `containers`, since podman knows no native ones; what a
kubelet would bring into volumes is written into folders; probes and hooks, which a kubelet carries out, are left out, and ports, which podman would map to the host's.

    helm template shop helm/rulegate -f … | chart_pod.py FOLDER --secret shop-database/url=sqlite:///data/shop.db > pod.yaml

Security contexts, resources, environment and arguments stay as they are. Needs PyYAML, which `make chart` brings.
"""

import argparse
import sys
from pathlib import Path

import yaml

from chart_rules import Manifests, containers


def pod(manifests, folder, secrets):
    """The first Deployment's Pod."""
    name, metadata, spec = next(it for it in manifests.pods() if it[0].startswith("Deployment"))
    every = containers(spec)
    volumes = [brought(manifests, volume, folder, secrets) for volume in spec.get("volumes", [])]
    nested(every, volumes)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name.split()[1], "labels": metadata["labels"]},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": spec.get("securityContext", {}),
            "terminationGracePeriodSeconds": spec["terminationGracePeriodSeconds"],
            "containers": [plain(container, secrets) for container in every],
            "volumes": volumes,
        },
    }


def plain(container, secrets):
    """Without what a kubelet does, and with the secrets that its environment names."""
    left_out = ["restartPolicy", "startupProbe", "livenessProbe", "readinessProbe", "lifecycle", "ports"]
    kept = {key: value for key, value in container.items() if key not in left_out}
    kept["env"] = [told(variable, secrets) for variable in container.get("env", [])]
    return kept


def told(variable, secrets):
    place = variable.get("valueFrom", {}).get("secretKeyRef")
    return {"name": variable["name"], "value": secret(secrets, place["name"], place["key"])} if place else variable


def secret(secrets, name, key):
    if f"{name}/{key}" not in secrets:
        sys.exit(f"say what the Secret holds: --secret {name}/{key}=…")
    return secrets[f"{name}/{key}"]


def brought(manifests, volume, folder, secrets):
    """A folder with the files of a volume, for everybody to read. Others than of ConfigMaps and Secrets stay as they are."""
    files = {}
    for source in volume.get("projected", {}).get("sources", [volume]):
        files |= files_of(manifests, source, secrets)
    if not files and "projected" not in volume:
        return volume
    place = folder.resolve() / volume["name"]
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o755)
    for name, text in files.items():
        (place / name).write_text(text)
        (place / name).chmod(0o644)
    return {"name": volume["name"], "hostPath": {"path": str(place), "type": "Directory"}}


def files_of(manifests, source, secrets):
    """File name → text of a ConfigMap or a Secret."""
    if place := source.get("configMap"):
        data = manifests.by_name[("ConfigMap", place["name"])]["data"]
        items = place.get("items") or [{"key": key, "path": key} for key in data]
        return {item["path"]: data[item["key"]] for item in items}
    if place := source.get("secret"):
        name = place.get("secretName") or place["name"]
        keys = [key.split("/", 1)[1] for key in secrets if key.startswith(f"{name}/")]
        items = place.get("items") or [{"key": key, "path": key} for key in keys]
        return {item["path"]: secret(secrets, name, item["key"]) for item in items}
    return {}


def nested(every, volumes):
    """Folders on which others are mounted, which a kubelet makes, too."""
    places = {volume["name"]: Path(volume["hostPath"]["path"]) for volume in volumes if "hostPath" in volume}
    for container in every:
        mounts = container.get("volumeMounts", [])
        for outer in mounts:
            for inner in mounts:
                below = Path(inner["mountPath"])
                if outer is not inner and outer["name"] in places and below.is_relative_to(outer["mountPath"]):
                    (places[outer["name"]] / below.relative_to(outer["mountPath"])).mkdir(parents=True, exist_ok=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="where the files of volumes are written")
    parser.add_argument("--secret", action="append", default=[], metavar="NAME/KEY=VALUE", help="what a Secret holds")
    given = parser.parse_args()
    manifests = Manifests([item for item in yaml.safe_load_all(sys.stdin) if item])
    secrets = dict(pair.split("=", 1) for pair in given.secret)
    yaml.safe_dump(pod(manifests, given.folder, secrets), sys.stdout, sort_keys=False)


if __name__ == "__main__":
    main()
