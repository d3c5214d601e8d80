"""What must hold of the manifests that the chart makes, beyond their schemas: `problems(manifests, outside)`.

Names of Secrets, ConfigMaps and others that the values name as existing are `outside`: they resolve.
"""

import json
import re
from itertools import chain
from urllib.parse import urlsplit

import yaml

DRAIN_MARGIN = 7  # of the server: 5 s for the last answers, 2 s for what is cut
SECRETS = re.compile(r"://[^/\s:@]+:[^@\s]+@|-----BEGIN [A-Z ]*PRIVATE KEY-----|(?i:password)\s*[:=]")


class Manifests:
    """The objects of one rendering, and how they are found."""

    def __init__(self, items):
        self.items = items
        self.by_name = {(item["kind"], item["metadata"]["name"]): item for item in items}

    def of(self, *kinds):
        return [item for item in self.items if item["kind"] in kinds]

    def pods(self):
        """Pod templates of Deployments and Jobs, and Pods: `(what, metadata, spec)`."""
        for item in self.of("Deployment", "Job"):
            yield label(item), item["spec"]["template"]["metadata"], item["spec"]["template"]["spec"]
        for item in self.of("Pod"):
            yield label(item), item["metadata"], item["spec"]

    def selected(self, selector):
        """Specs of Pods that these labels select, but not those of tests."""
        return [spec for what, metadata, spec in self.pods()
                if what.startswith("Deployment") and selector.items() <= metadata["labels"].items()]


def label(item):
    return f"{item['kind']} {item['metadata']['name']}"


def containers(spec):
    return [*spec.get("initContainers", []), *spec["containers"]]


def ports(spec):
    return [port for container in containers(spec) for port in container.get("ports", [])]


def settings(manifests):
    """The rendered rulegate.yaml, not what a hook has of it."""
    return [yaml.safe_load(item["data"]["rulegate.yaml"]) for item in manifests.of("ConfigMap")
            if "rulegate.yaml" in item["data"] and "helm.sh/hook" not in item["metadata"].get("annotations", {})]


def problems(manifests, outside, mode):
    """A sentence for everything that does not hold."""
    return list(chain(
        twice(manifests), *(pod(manifests, outside, *it) for it in manifests.pods()),
        selectors(manifests, mode), services(manifests), routes(manifests, outside), monitors(manifests, mode), policies(manifests),
        grace(manifests), secrecy(manifests), sidecar(manifests, mode), probed(manifests, mode), addresses(manifests)))


def twice(manifests):
    seen = set()
    for item in manifests.items:
        key = (item["apiVersion"], item["kind"], item["metadata"]["name"])
        if key in seen:
            yield f"{label(item)} is there twice"
        seen.add(key)


def pod(manifests, outside, what, metadata, spec):
    """References, volumes, names of ports, and what a Pod of ours may do."""
    yield from references(manifests, outside, what, spec)
    yield from mounts(what, spec)
    names = [port["name"] for port in ports(spec)]
    if len(set(names)) != len(names):
        yield f"{what}: two ports have one name"
    for container in containers(spec):
        own = [port["name"] for port in container.get("ports", [])]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            port = container.get(probe, {}).get("httpGet", {}).get("port")
            if port is not None and port not in own:
                yield f"{what}: {probe} asks at {port}, which is no port of it"
        yield from confined(what, container)
    if any("persistentVolumeClaim" in volume for volume in spec.get("volumes", [])) and spec.get("securityContext", {}).get("fsGroup") != 65532:
        yield f"{what}: the volume of the database belongs to another group"
    if spec.get("automountServiceAccountToken") is not False:
        yield f"{what}: a token of the ServiceAccount is mounted"


def references(manifests, outside, what, spec):
    def there(kind, name, key=None):
        found = manifests.by_name.get((kind, name))
        if found is None and name not in outside:
            return [f"{what}: {kind} {name} is nowhere"]
        if found is not None and key is not None and key not in found.get("data", {}):
            return [f"{what}: {kind} {name} has no {key}"]
        return []

    account = spec.get("serviceAccountName", "default")
    if account != "default":
        yield from there("ServiceAccount", account)
    for secret in spec.get("imagePullSecrets", []):
        yield from there("Secret", secret["name"])
    for volume in spec.get("volumes", []):
        for source in volume.get("projected", {}).get("sources", [volume]):
            yield from (said for kind, name, keys in sources(source) for key in keys or [None] for said in there(kind, name, key))
    for container in containers(spec):
        for variable in container.get("env", []):
            for kind, ref in (("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")):
                if place := variable.get("valueFrom", {}).get(ref):
                    yield from there(kind, place["name"], place["key"])
        for variables in container.get("envFrom", []):
            for kind, ref in (("Secret", "secretRef"), ("ConfigMap", "configMapRef")):
                if ref in variables:
                    yield from there(kind, variables[ref]["name"])


def sources(volume):
    """`(kind, name, keys)` of what a volume holds."""
    for kind, field, name in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName"),
                              ("PersistentVolumeClaim", "persistentVolumeClaim", "claimName")):
        if source := volume.get(field):
            yield kind, source.get(name) or source["name"], [item["key"] for item in source.get("items", [])]


def mounts(what, spec):
    volumes = [volume["name"] for volume in spec.get("volumes", [])]
    mounted = [mount for container in containers(spec) for mount in container.get("volumeMounts", [])]
    yield from (f"{what}: volume {name} is there twice" for name in set(volumes) if volumes.count(name) > 1)
    yield from (f"{what}: volume {name} is not mounted" for name in set(volumes) - {mount["name"] for mount in mounted})
    yield from (f"{what}: {mount['name']} is no volume" for mount in mounted if mount["name"] not in volumes)
    yield from (f"{what}: {mount['mountPath']} has a subPath, which is never exchanged" for mount in mounted if "subPath" in mount)
    for container in containers(spec):
        paths = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
        if len(set(paths)) != len(paths):
            yield f"{what}: two volumes are mounted at one place"


def confined(what, container):
    context = container.get("securityContext", {})
    wanted = {"runAsNonRoot": True, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
              "seccompProfile": {"type": "RuntimeDefault"}}
    if container["name"] in ("rulegate", "ready", "setup"):
        wanted |= {"runAsUser": 65532, "runAsGroup": 65532}
    for key, value in wanted.items():
        if context.get(key) != value:
            yield f"{what}: container {container['name']} has {key} {context.get(key)}"
    if "memory" not in container.get("resources", {}).get("limits", {}):
        yield f"{what}: container {container['name']} has no memory limit"


def selectors(manifests, mode):
    """Whether each selects a Pod of this rendering. Where the workload is another chart's there are none."""
    for item in manifests.of("Deployment"):
        chosen, labels = item["spec"]["selector"]["matchLabels"], item["spec"]["template"]["metadata"]["labels"]
        if not chosen.items() <= labels.items():
            yield f"{label(item)} does not select its own Pods"
        for spread in item["spec"]["template"]["spec"].get("topologySpreadConstraints", []):
            if not spread["labelSelector"]["matchLabels"].items() <= labels.items():
                yield f"{label(item)}: a spread does not select its own Pods"
    if not manifests.of("Deployment"):
        return
    for item in manifests.of("Service", "PodDisruptionBudget", "NetworkPolicy", "PodMonitor"):
        spec = item["spec"]
        chosen = spec["podSelector"] if "podSelector" in spec else spec["selector"]
        if not manifests.selected(chosen.get("matchLabels", chosen)):
            yield f"{label(item)} selects no Pod"
    for item in manifests.of("HorizontalPodAutoscaler"):
        target = item["spec"]["scaleTargetRef"]
        scaled = manifests.by_name.get((target["kind"], target["name"]))
        if scaled is None or "replicas" in scaled["spec"]:
            yield f"{label(item)}: what it scales is not there, or says itself how many"


def services(manifests):
    for item in manifests.of("Service"):
        for spec in manifests.selected(item["spec"]["selector"]):
            known = {port["name"] for port in ports(spec)} | {port["containerPort"] for port in ports(spec)}
            for port in item["spec"]["ports"]:
                if port["targetPort"] not in known:
                    yield f"{label(item)}: {port['targetPort']} is no port of its Pods"
                if isinstance(port["targetPort"], str) and "initContainers" in spec:
                    yield f"{label(item)}: a sidecar's port by its name, which not every version knows"


def routes(manifests, outside):
    for item in manifests.of("Ingress"):
        for rule in item["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                yield from routed(manifests, item, backend["name"], "name", backend["port"]["name"])
        for tls in item["spec"].get("tls", []):
            if tls["secretName"] not in outside:
                yield f"{label(item)}: Secret {tls['secretName']} is nowhere"
    for item in manifests.of("HTTPRoute"):
        for backend in chain.from_iterable(rule["backendRefs"] for rule in item["spec"]["rules"]):
            yield from routed(manifests, item, backend["name"], "port", backend["port"])


def routed(manifests, item, name, field, port):
    service = manifests.by_name.get(("Service", name))
    if service is None or port not in [it[field] for it in service["spec"]["ports"]]:
        yield f"{label(item)}: Service {name} has no port {port}"
    elif name.endswith("-admin"):
        yield f"{label(item)} leads to the admin listener"


def monitors(manifests, mode):
    for item in manifests.of("PodMonitor"):
        for spec in manifests.selected(item["spec"]["selector"]["matchLabels"]):
            for endpoint in item["spec"]["podMetricsEndpoints"]:
                if endpoint["port"] not in [port["name"] for port in ports(spec)]:
                    yield f"{label(item)}: {endpoint['port']} is no port of its Pods"
    for item in manifests.of("ServiceMonitor"):
        chosen = item["spec"]["selector"]["matchLabels"].items()
        found = [service for service in manifests.of("Service") if chosen <= service["metadata"]["labels"].items()]
        wanted = {endpoint["port"] for endpoint in item["spec"]["endpoints"]}
        if len(found) != 1 or wanted != {port["name"] for port in found[0]["spec"]["ports"]}:
            yield f"{label(item)} selects not the one Service for metrics, or a port that it lacks"
    for item in manifests.of("ConfigMap"):
        if "rulegate.json" in item["data"] and not json.loads(item["data"]["rulegate.json"])["panels"]:
            yield f"{label(item)}: the dashboard is empty"


def policies(manifests):
    for item in manifests.of("NetworkPolicy"):
        known = {port["name"] for spec in manifests.selected(item["spec"]["podSelector"]["matchLabels"]) for port in ports(spec)}
        for rule in item["spec"]["ingress"]:
            asked = [port["port"] for port in rule.get("ports", []) if isinstance(port["port"], str)]
            yield from (f"{label(item)}: {port} is no port of its Pods" for port in asked if port not in known)
            if "rulegate-admin" in asked and not rule.get("from"):
                yield f"{label(item)}: everybody reaches the admin listener"
        open_ports = [port["port"] for rule in item["spec"]["egress"] for port in rule.get("ports", [])]
        if 53 not in open_ports:
            yield f"{label(item)}: names cannot be asked for"
        if any("ports" not in rule for rule in item["spec"]["egress"]):
            yield f"{label(item)}: everything may go out"
        for config in settings(manifests):
            for what, url in asked_urls(config):
                if url.port and url.port not in open_ports:
                    yield f"{label(item)}: nothing goes out to {what}"


def asked_urls(config):
    """What Rulegate asks beside the database."""
    for path in ("auth.jwt.jwks_url", "tracing.endpoint", "upstream.url"):
        value = config
        for key in path.split("."):
            value = (value or {}).get(key)
        if value:
            yield path, urlsplit(value)


def grace(manifests):
    """The grace period covers the sleep before, and all that a stop waits for."""
    for config in settings(manifests):
        timeout = (config.get("limits") or {}).get("request_timeout_ms", 30000) / 1000
        drain = (config.get("server") or {}).get("drain_ms", 0) / 1000
        for what, _, spec in manifests.pods():
            for container in containers(spec):
                if container["name"] == "rulegate":
                    sleep = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
                    if spec["terminationGracePeriodSeconds"] < sleep + drain + timeout + DRAIN_MARGIN + 1:
                        yield f"{what}: the grace period is too short"


def secrecy(manifests):
    for item in manifests.of("Secret"):
        yield f"{label(item)}: the chart makes Secrets"
    for item in manifests.of("ConfigMap"):
        yield from (f"{label(item)}: {key} looks as if it held a secret" for key, text in item["data"].items() if SECRETS.search(text))
    for config in settings(manifests):
        if "url" in (config.get("database") or {}):
            yield "rulegate.yaml holds the URL of the database"


def sidecar(manifests, mode):
    for what, _, spec in manifests.pods():
        first = [container for container in spec.get("initContainers", []) if container["name"] == "rulegate"]
        plain = [container for container in spec["containers"] if container["name"] == "rulegate"]
        if not what.startswith("Deployment "):
            continue
        if mode == "sidecar" and (len(first) != 1 or plain or first[0].get("restartPolicy") != "Always"):
            yield f"{what}: Rulegate is no native sidecar"
        if mode == "gateway" and (first or len(plain) != 1 or "restartPolicy" in plain[0]):
            yield f"{what}: Rulegate is no container"


def probed(manifests, mode):
    """A gateway is ready while it can answer; whether a sidecar's Pod is may be the application's to say."""
    for what, _, spec in manifests.pods():
        for container in containers(spec):
            if container["name"] == "rulegate":
                wanted = ["startupProbe", "livenessProbe", *(["readinessProbe"] if mode == "gateway" else [])]
                yield from (f"{what}: there is no {probe}" for probe in wanted if probe not in container)


def addresses(manifests):
    """What is listened on is what ports say, and in the environment, which beats that of the image. A sidecar is reached by what a Service says."""
    for what, _, spec in manifests.pods():
        for container in containers(spec):
            if container["name"] != "rulegate":
                continue
            said = {variable["name"]: variable.get("value", "") for variable in container["env"]}
            api, admin = said.get("RULEGATE_LISTEN", ":0"), said.get("RULEGATE_ADMIN_LISTEN", ":0")
            if [port["containerPort"] for port in container["ports"]] != [int(it.rsplit(":", 1)[1]) for it in (api, admin)]:
                yield f"{what}: its ports are not those that are listened on: {api}, {admin}"
            served = any(service["spec"]["ports"][0]["name"] != "admin" for service in manifests.of("Service"))
            if served == api.startswith("127.0.0.1:") or admin.startswith("127.0.0.1:"):
                yield f"{what} listens on {api} and {admin}, and a Service leads to the API: {served}"
