"""The plain manifests of deploy/kubernetes/gateway: what kustomize would make of them, and what must hold of it. Resources and generated
ConfigMaps are all that the folder uses.
"""

from itertools import chain
from pathlib import Path

import yaml

import chart_project
import chart_rules
from chart_rules import Manifests, label

FOLDER = Path(__file__).resolve().parents[2] / "deploy/kubernetes/gateway"
SECRETS = {"rulegate-database", "rulegate-jwt"}


def made(folder):
    """The objects of a kustomization. What it generates is put over what those below it do."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    below = [folder / name for name in kustomization.get("resources", [])]
    items = list(chain.from_iterable(made(path) if path.is_dir() else yaml.safe_load_all(path.read_text()) for path in below))
    for wanted in kustomization.get("configMapGenerator", []):
        data = {key: (folder / place).read_text() for key, _, place in (named(file) for file in wanted["files"])}
        there = [item for item in items if item["kind"] == "ConfigMap" and item["metadata"]["name"] == wanted["name"]]
        if there:
            there[0]["data"] |= data
        else:
            items.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": wanted["name"]}, "data": data})
    return items


def named(file):
    """`key=path`, or a path whose name is the key."""
    return file.partition("=") if "=" in file else (Path(file).name, "=", file)


def problems(folder, binary, misfits, versions):
    """A sentence for everything that does not hold; `misfits(item, version)` are those of schemas."""
    items = made(FOLDER)
    manifests = Manifests(items)
    found = [f"Kubernetes {version}: {label(item)}: {said}" for version in versions for item in items for said in misfits(item, version)]
    for what, metadata, spec in manifests.pods():
        found += chart_rules.pod(manifests, SECRETS, what, metadata, spec)
    found += [*chart_rules.selectors(manifests, "gateway"), *chart_rules.services(manifests), *chart_rules.grace(manifests), *chart_rules.secrecy(manifests)]
    found += [f"{path} is not mounted" for config in chart_rules.settings(manifests) for path in unmounted(manifests, config)]
    if not all(config.get("auth") for config in chart_rules.settings(manifests)):
        found.append("rulegate.yaml: without auth everything is open to whoever reaches the Service")
    if "sleep" in repr(items):
        found.append("a preStop that sleeps is not known to Kubernetes 1.29")
    found += chart_project.fits(manifests)
    if binary and not found:
        project = placed(manifests, folder / "project-plain")
        found += chart_project.judged(manifests, project, binary, folder / "shop.db")
    return [f"deploy/kubernetes/gateway: {said}" for said in found]


def unmounted(manifests, config):
    """Files of secrets that `rulegate.yaml` names and no volume has."""
    wanted = [value for key, value in config.get("auth", {}).get("jwt", {}).items() if key.endswith("_file")]
    places = {f"{mount['mountPath']}/{item['path']}" for _, _, spec in manifests.pods() for volume in spec["volumes"] if "secret" in volume
              for container in spec["containers"] for mount in container["volumeMounts"] if mount["name"] == volume["name"]
              for item in volume["secret"]["items"]}
    return [path for path in wanted if path not in places]


def placed(manifests, project):
    """The project folder that the Pod has."""
    for _, _, spec in manifests.pods():
        for source in (volume["configMap"] for volume in spec["volumes"] if "configMap" in volume):
            for item in source["items"]:
                path = project / item["path"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(manifests.by_name[("ConfigMap", source["name"])]["data"][item["key"]])
    return project
