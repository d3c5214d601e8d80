"""Fields of the resources of others that kubernetes-validate has no schemas for, written down from their published definitions: those that
the chart can make, and no others.

- HTTPRoute: gateway.networking.k8s.io/v1, https://gateway-api.sigs.k8s.io/reference/spec/
- PodMonitor, ServiceMonitor, PrometheusRule: monitoring.coreos.com/v1, https://prometheus-operator.dev/docs/api-reference/api/

A type is a form of Python's: a dict of fields (`!` at the end: needed), a list of one type, `map` of texts, `any`, or a type.
"""

METADATA = {"name!": str, "namespace": str, "labels": "map", "annotations": "map"}
SELECTOR = {"matchLabels": "map"}
NAMESPACES = {"any": bool, "matchNames": [str]}
RELABELINGS = [{"sourceLabels": [str], "separator": str, "targetLabel": str, "regex": str, "modulus": int, "replacement": str, "action": str}]
ENDPOINT = {"port!": str, "path": str, "scheme": str, "interval": str, "scrapeTimeout": str, "honorLabels": bool, "relabelings": RELABELINGS,
            "metricRelabelings": RELABELINGS}
HEADER = {"name!": str, "value!": str}
HEADERS = {"set": [HEADER], "add": [HEADER], "remove": [str]}
PARENT = {"group": str, "kind": str, "namespace": str, "name!": str, "sectionName": str, "port": int}
MATCH = {"path": {"type": str, "value": str}, "headers": [{"type": str, **HEADER}], "queryParams": [{"type": str, **HEADER}], "method": str}
FILTER = {"type!": str, "requestHeaderModifier": HEADERS, "responseHeaderModifier": HEADERS, "requestRedirect": "any", "urlRewrite": "any",
          "requestMirror": "any", "extensionRef": "any"}
BACKEND = {"group": str, "kind": str, "namespace": str, "name!": str, "port": int, "weight": int}

KINDS = {
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): {
        "parentRefs": [PARENT],
        "hostnames": [str],
        "rules": [{"name": str, "matches": [MATCH], "filters": [FILTER], "backendRefs": [BACKEND],
                   "timeouts": {"request": str, "backendRequest": str}}],
    },
    ("monitoring.coreos.com/v1", "PodMonitor"): {
        "selector!": SELECTOR, "namespaceSelector": NAMESPACES, "jobLabel": str, "podTargetLabels": [str], "podMetricsEndpoints": [ENDPOINT],
    },
    ("monitoring.coreos.com/v1", "ServiceMonitor"): {
        "selector!": SELECTOR, "namespaceSelector": NAMESPACES, "jobLabel": str, "targetLabels": [str], "endpoints!": [ENDPOINT],
    },
    ("monitoring.coreos.com/v1", "PrometheusRule"): {
        "groups": [{"name!": str, "interval": str, "rules": [
            {"alert": str, "record": str, "expr!": str, "for": str, "keep_firing_for": str, "labels": "map", "annotations": "map"}]}],
    },
}


def problems(item):
    """What does not fit, with its place. Nothing: the kind is not one of these, or all is well."""
    spec = KINDS.get((item["apiVersion"], item["kind"]))
    if spec is None:
        return None
    whole = {"apiVersion!": str, "kind!": str, "metadata!": METADATA, "spec!": spec}
    return list(misfits(item, whole, item["kind"]))


def misfits(value, form, place):
    if form == "any":
        return
    if form == "map":
        form = {key: str for key in value} if isinstance(value, dict) else dict
    if isinstance(form, list):
        yield from ([f"{place} is no list"] if not isinstance(value, list) else
                    [said for at, one in enumerate(value) for said in misfits(one, form[0], f"{place}[{at}]")])
    elif isinstance(form, dict):
        yield from fields(value, form, place)
    elif type(value) is not form:
        yield f"{place} is {value!r}, not of the type {form.__name__}"


def fields(value, form, place):
    if not isinstance(value, dict):
        yield f"{place} is no object"
        return
    known = {name.rstrip("!"): inner for name, inner in form.items()}
    yield from (f"{place}.{name[:-1]} is missing" for name in form if name.endswith("!") and name[:-1] not in value)
    for name, inner in value.items():
        if name in known:
            yield from misfits(inner, known[name], f"{place}.{name}")
        else:
            yield f"{place}.{name} is not a field of it"
