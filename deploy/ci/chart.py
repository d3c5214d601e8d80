#!/usr/bin/env python3
"""Checks the chart: helm lint and template with Helm 3 and 4 over every file in helm/rulegate/ci and the example, the schemas of three
versions of Kubernetes, what must hold beyond them (chart_rules.py), yamllint, checkov, promtool. The plain manifests are checked, too.

    chart.py [--rulegate PATH]     with the binary, `rulegate check` judges each rendered project; else the JSON Schema does

Run by `make chart`, which brings what it needs (deploy/setup/helm.sh). Exit codes: 0 fine, 1 problems found.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import kubernetes_validate
import kubernetes_validate.utils
import yaml

import chart_fields
import chart_plain
import chart_project
import chart_rules
import chart_values
from chart_rules import Manifests, label

ROOT = Path(__file__).resolve().parents[2]
CHART, EXAMPLE = ROOT / "helm/rulegate", ROOT / "helm/examples/shop"
ALERTS_TEST = ROOT / "deploy/monitoring/alerts_test.yaml"
TOOLS = ROOT / "target/chart"
HELMS = ("helm3", "helm4")
KUBERNETES = ("1.29", "1.33", "1.37")
EXTERNAL = ("existingSecret", "existingConfigMap", "existingConfigMaps", "existingClaim", "secretName")
YAMLLINT = """{extends: default, rules: {line-length: {max: 180}, document-start: disable, braces: disable, brackets: disable,
  comments-indentation: disable, indentation: {indent-sequences: whatever}}}"""
# What checkov wants and this chart does not do, and why.
CHECKOV_SKIPPED = {
    "CKV_K8S_8": "the Pod of `helm test` ends by itself; chart_rules.py looks at the probes of Rulegate",
    "CKV_K8S_9": "the same",
    "CKV_K8S_11": "a CPU limit makes a waiting database wait longer",
    "CKV_K8S_15": "the policy is the user's",
    "CKV_K8S_35": "a URL as a file is `database.asFile`",
    "CKV_K8S_40": "the user of an application is its own affair; chart_rules.py looks at that of Rulegate",
    "CKV_K8S_43": "`image.digest` is the user's",
    "CKV2_K8S_6": "`networkPolicy.enabled` is the user's: which namespaces there are is not known here",
}
# What is refused, and a word of why.
REFUSED = [
    ({}, "database: name the Secret"),
    ({"database.existingSecret": "a"}, "config.auth"),
    ({"database.existingSecret": "Not_A_Name", "allowOpen": "true"}, "existingSecret"),
    ({"config.database.url": "postgres://a:b@c/d"}, "url"),
    ({"config.auth.jwt.secret_file": "/a"}, "secret_file"),
    ({"config.limits.body_byte": "1"}, "body_byte"),
    ({"replicas": "3"}, "replicas"),
    ({"rules.files.a\\.txt": "x"}, "a.txt"),
    ({"mode": "proxy"}, "mode"),
    ({"database.existingSecret": "a", "allowOpen": "true", "shutdown.terminationGracePeriodSeconds": "30"}, "shorter than a stop"),
    ({"database.sqlite.existingClaim": "a", "allowOpen": "true"}, "replicaCount: 1"),
    ({"database.sqlite.existingClaim": "a", "mode": "sidecar", "sidecar.app.enabled": "true", "sidecar.app.image": "b", "sidecar.app.replicaCount": "2"},
     "sidecar.app.replicaCount: 1"),
    ({"database.sqlite.existingClaim": "a", "allowOpen": "true", "replicaCount": "1", "setup.enabled": "true"}, "/rulegate setup"),
    ({"database.existingSecret": "a", "mode": "sidecar", "ingress.enabled": "true", "ingress.hosts[0].host": "a"}, "gateway alone"),
    ({"database.existingSecret": "a", "mode": "sidecar", "sidecar.exposed": "true"}, "config.auth"),
    ({"database.existingSecret": "a", "mode": "sidecar", "sidecar.app.enabled": "true"}, "sidecar.app.image"),
    ({"database.existingSecret": "a", "allowOpen": "true", "jwt.secret.existingSecret": "b"}, "config.auth.jwt.algorithms"),
    ({"database.existingSecret": "a", "allowOpen": "true", "access.existingConfigMaps[0]": "b"}, "nobody for whom"),
    ({"database.existingSecret": "a", "allowOpen": "true", "config.upstream.url": "http://b", "networkPolicy.enabled": "true"}, "in extraEgress"),
    ({"database.existingSecret": "a", "allowOpen": "true", "networkPolicy.enabled": "true",
      "config.database.replicas[0]": r"postgres://a:5432\,b:6432/c"}, "to port 6432 of config.database.replicas"),
    ({"database.existingSecret": "a", "allowOpen": "true", "podMonitor.enabled": "true", "serviceMonitor.enabled": "true"}, "counted twice"),
]


def run(*command):
    """Exit code and output."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    return done.returncode, done.stdout


def helm(name, *words):
    return run(TOOLS / name, *words)


class Subject:
    """A chart with values."""

    def __init__(self, name, chart, files, values):
        self.name, self.chart, self.files, self.values = name, chart, files, values
        self.mode = values.get("mode", "gateway")
        account = values.get("serviceAccount", {})
        self.outside = set(outside(values)) | ({account.get("name")} if account.get("create") is False else set())

    def arguments(self):
        return [self.chart, "--namespace", "shop", *(word for file in self.files for word in ("--values", file))]

    def render(self, tool, version):
        """The manifests, or what went wrong."""
        code, text = helm(tool, "template", "shop", *self.arguments(), "--kube-version", f"{version}.0")
        return (text, None) if code == 0 else (None, f"{self.name}: {tool} template, Kubernetes {version}: {text}")


def outside(values, below=None):
    """Names that the values give of what is there already."""
    if isinstance(values, dict):
        for key, value in values.items():
            inside = key if key in (*EXTERNAL, "imagePullSecrets", "extraEnv", "extraEnvFrom") else below
            yield from outside(value, inside) if key != "name" or below else ()
    elif isinstance(values, list):
        for value in values:
            yield from outside(value, below)
    elif below and isinstance(values, str):
        yield values


def subjects(folder):
    """Every values file, and the example with the chart put into it."""
    for file in sorted(CHART.glob("ci/*-values.yaml")):
        yield Subject(file.stem, CHART, [file], yaml.safe_load(file.read_text()))
    example = folder / "helm/examples/shop"
    shutil.copytree(ROOT / "helm", folder / "helm")
    code, text = helm("helm3", "dependency", "update", example)
    if code:
        sys.exit(f"helm dependency update: {text}")
    yield Subject("example", example, [], yaml.safe_load((EXAMPLE / "values.yaml").read_text())["rulegate"])


def lint(every):
    jobs = [(tool, subject) for tool in HELMS for subject in [*every, Subject("no values", CHART, [], {})]]
    answers = pool().map(lambda job: helm(job[0], "lint", "--strict", *job[1].arguments()), jobs)
    return [f"{subject.name}: {tool} lint: {text}" for (tool, subject), (code, text) in zip(jobs, answers) if code]


@cache
def pool():
    return ThreadPoolExecutor(2)


def template(every):
    """All renderings: what went wrong, and `(subject, version) → objects`, with both Helms the same."""
    jobs = [(subject, version, tool) for subject in every for version in KUBERNETES for tool in HELMS]
    found, rendered = [], {}
    for (subject, version, tool), (text, problem) in zip(jobs, pool().map(lambda job: job[0].render(job[2], job[1]), jobs)):
        if problem:
            found.append(problem)
            continue
        items = [item for item in yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if item]
        if rendered.setdefault((subject, version), items) != items:
            found.append(f"{subject.name}: Helm 3 and 4 differ for Kubernetes {version}")
    return found, rendered


def valid(rendered):
    """The schemas of Kubernetes, and fields of the resources of others."""
    seen = set()
    kubernetes_validate.utils.schema_contents = cache(kubernetes_validate.utils.schema_contents)
    for (subject, version), items in rendered.items():
        for item in items:
            key = (version, repr(item))
            if key not in seen:
                seen.add(key)
                yield from (f"{subject.name}: Kubernetes {version}: {label(item)}: {said}" for said in misfits(item, version))


def misfits(item, version):
    theirs = chart_fields.problems(item)
    if theirs is not None:
        return theirs
    try:
        kubernetes_validate.validate(item, version, strict=True)
    except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
        return [f"{'.'.join(str(step) for step in getattr(error, 'path', []))}: {error.message}"]
    return []


def sound(rendered):
    """What must hold beyond schemas."""
    for (subject, version), items in rendered.items():
        found = chart_rules.problems(Manifests(items), subject.outside, subject.mode)
        yield from (f"{subject.name}: Kubernetes {version}: {said}" for said in found)
        sleeps = "'preStop': {'sleep'" in repr(items)
        drains = any((config.get("server") or {}).get("drain_ms") for config in chart_rules.settings(Manifests(items)))
        if subject.mode == "gateway" and (sleeps, drains) != (version != "1.29", version == "1.29"):
            yield f"{subject.name}: Kubernetes {version}: the kubelet sleeps before the stop: {sleeps}, Rulegate serves on: {drains}"


def refusals():
    """What must not be rendered is not, and the words say why."""
    def ask(job):
        tool, (values, _) = job
        return helm(tool, "template", "shop", CHART, *(word for key, value in values.items() for word in ("--set", f"{key}={value}")))

    jobs = [(tool, refused) for tool in HELMS for refused in REFUSED]
    for (tool, (values, word)), (code, text) in zip(jobs, pool().map(ask, jobs)):
        if code == 0 or word not in text:
            yield f"{tool} with {values} should be refused with `{word}`: {text[:300]}"


def rollouts():
    """Rules are taken over where they are; the settings that only a start reads, as the code says which, and no others, exchange the Pods."""
    def pods(*more):
        code, text = helm("helm4", "template", "shop", CHART, "--values", CHART / "ci/full-values.yaml", "--show-only", "templates/deployment.yaml",
                          "--set", "networkPolicy.enabled=false", *more)
        # What cannot be rendered is told with its words, and equals nothing.
        return text if code == 0 else f"cannot be rendered: {text}"

    before, at_start = pods(), started()
    jobs = [(f"rules.files.{name}\\.yaml", "derive: {}", False) for name in ("check_credit", "more")]
    for path, shape in chart_values.leaves(chart_values.config_schema()):
        jobs.append((f"config.{path}", other(shape), any(path == key or path.startswith(f"{key}.") for key in at_start)))
    for (path, value, wanted), after in zip(jobs, pool().map(lambda job: pods("--set-json", f"{job[0]}={json.dumps(job[1])}"), jobs)):
        if after.startswith("cannot"):
            yield f"{path}={value}: {after}"
        elif (after != before) != wanted:
            yield f"{path}: the Pods would {'not ' if wanted else ''}be exchanged, though {'only a start reads it' if wanted else 'it is read again where it is'}"


def started():
    """The keys that only a start reads, from the code that compares them."""
    source = (ROOT / "proxy/src/config/project.rs").read_text()
    keys = re.findall(r'^ +\("([\w.]+)", ', source.split("fn changed(")[1], re.MULTILINE)
    assert len(keys) > 10, "proxy/src/config/project.rs compares settings in another way"
    return keys


def other(shape):
    """A value that ci/full-values.yaml does not have."""
    if "enum" in shape:
        return shape["enum"][-1]
    kind = shape["type"] if isinstance(shape["type"], str) else shape["type"][0]
    return [other(shape["items"])] if kind == "array" else {"string": "https://other.example", "integer": 77, "number": 0.77, "boolean": True}[kind]


def notes():
    """The commands of NOTES speak of what is there."""
    for file in sorted(CHART.glob("ci/*-values.yaml")):
        code, text = helm("helm4", "install", "shop", CHART, "--namespace", "shop", "--values", file, "--dry-run=client")
        if code or "\nNOTES:" not in text:
            yield f"{file.stem}: no NOTES: {text[-300:]}"
            continue
        manifest, said = text.split("\nNOTES:", 1)
        if file.stem.startswith("hpa") and "117 must fit" not in said:
            yield f"{file.stem}: NOTES do not say that 13 Pods (12 and a surge) have up to 9 connections each"
        if file.stem == "httproute-tls-values" and "BackendTLSPolicy" not in said:
            yield f"{file.stem}: NOTES do not say that the Pods speak TLS"
        for kind, name in re.findall(r"\b(deployment|service)/(\S+)", said):
            if not re.search(rf"kind: {kind.title()}\nmetadata:\n  (?:.*\n  )*?name: {re.escape(name)}\n", manifest):
                yield f"{file.stem}: NOTES speak of {kind} {name}, which is not there"


def metrics():
    """Alerts and dashboard ask for metrics that there are."""
    source = (ROOT / "proxy/src/observe/metrics.rs").read_text().split("#[cfg(test)]")[0]
    names = {f"rulegate_{name}" for name in re.findall(r'(?:counters|gauges|gauge|durations|opts)\(\s*"(\w+)"', source)}
    for file in ("alerts.yaml", "dashboard.json"):
        asked = set(re.findall(r"\brulegate_\w+", (CHART / "files" / file).read_text()))
        asked = {re.sub(r"(?<=_seconds)_(bucket|sum|count)$", "", name) for name in asked}
        yield from (f"{file}: there is no metric {name}" for name in sorted(asked - names))
    for command in (("check", "rules", CHART / "files/alerts.yaml"), ("test", "rules", ALERTS_TEST)):
        code, text = run("promtool", *command)
        if code:
            yield text


def versions():
    """The chart names the version that is built, and its values are described."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    if chart["appVersion"] != version:
        yield f"Chart.yaml: appVersion is {chart['appVersion']}, and what is built is {version}"
    code, text = run(sys.executable, ROOT / "deploy/ci/chart_values.py")
    if code:
        yield text


def written(folder, rendered):
    """Every rendering as a file, for tools that read files."""
    for (subject, version), items in rendered.items():
        if version == KUBERNETES[-1]:
            (folder / f"{subject.name}.yaml").write_text(yaml.safe_dump_all(items))


def linted():
    code, text = run(TOOLS / "venv/bin/yamllint", "--strict", "-d", YAMLLINT, *CHART.glob("*.yaml"), CHART / "ci", CHART / "files", *EXAMPLE.glob("*.yaml"),
                     ALERTS_TEST)
    return [text] if code else []


def scanned(folder):
    code, text = run(TOOLS / "venv/bin/checkov", "--directory", folder, "--framework", "kubernetes", "--quiet", "--compact", "--skip-download",
                     "--skip-check", ",".join(CHECKOV_SKIPPED))
    return [text] if code else []


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rulegate", type=Path, help="the binary whose `check` judges rendered projects")
    binary = parser.parse_args().rulegate
    began, found = time.monotonic(), []

    def step(what, problems):
        problems, at = list(problems), time.monotonic() - began
        found.extend(problems)
        print(f"{at:6.1f} s  {what}: {len(problems) or 'no'} problem{'' if len(problems) == 1 else 's'}", flush=True)

    with tempfile.TemporaryDirectory() as name:
        folder, manifests = Path(name), Path(name) / "manifests"
        manifests.mkdir()
        every = list(subjects(folder))
        step("versions, and what is made from the values", versions())
        step("yamllint", linted())
        step(f"helm lint, {len(every)} subjects with Helm 3 and 4", lint(every))
        problems, rendered = template(every)
        step(f"helm template, for Kubernetes {', '.join(KUBERNETES)}", problems)
        step("schemas", valid(rendered))
        step("references, ports, selectors, grace, secrets", sound(rendered))
        step("what is refused", refusals())
        step("what exchanges Pods", rollouts())
        step("NOTES", notes())
        step("alerts and dashboard", metrics())
        step(f"rendered projects, by {'rulegate check' if binary else 'the JSON Schema of rulegate.yaml'}", chart_project.problems(rendered, folder, binary))
        step("plain manifests of the gateway", chart_plain.problems(folder, binary, misfits, KUBERNETES))
        written(manifests, rendered)
        step("checkov", scanned(manifests))
    for problem in found:
        print(f"problem: {problem.strip()}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
