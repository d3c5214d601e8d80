#!/usr/bin/env bash
# Installs the clients and tools of others that the tests turn loose on the API: from npm into tests/clients/node_modules, from PyPI into
# target/clients/python. Quick when nothing has changed.
set -euo pipefail
cd "$(dirname "$0")/../.."

clients=tests/clients
python=target/clients/python
wanted=$(cat "$clients/package-lock.json" "$clients/requirements.txt" | sha256sum)
stamp=$clients/node_modules/.installed

[ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && [ -d "$python" ] && exit 0

echo "Installing clients for the tests: npm packages into $clients/node_modules, Python packages into $python."
npm ci --prefix "$clients" --no-audit --no-fund --loglevel=error
rm -rf "$python"
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-warn-conflicts --target "$python" -r "$clients/requirements.txt"
echo "$wanted" >"$stamp"
