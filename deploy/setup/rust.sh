#!/usr/bin/env bash
# Makes sure that a cargo new enough for this workspace is there; rust-toolchain.toml names the exact version, which
# rustup fetches by itself. Debian's own rustc is too old, so rustup comes from its official address.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

wanted=$(sed -nE 's/^channel = "(.*)"/\1/p' rust-toolchain.toml)

# Quick when rustup or the right version is there. A cargo that is not rustup's ignores rust-toolchain.toml.
new_enough() {
    command -v cargo >/dev/null || return 1
    command -v rustup >/dev/null && return 0
    local found
    found=$(cargo --version | cut -d' ' -f2)
    [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n1)" = "$wanted" ]
}

new_enough && exit 0

address=https://static.rust-lang.org/rustup/dist/$(uname -m)-unknown-linux-gnu
download=$(mktemp -d)
trap 'rm -rf "$download"' EXIT
echo "Installing Rust $wanted with rustup from $address (no shell profile is changed)."
cd "$download"
curl --proto '=https' --tlsv1.2 -sSf --remote-name-all "$address/rustup-init" "$address/rustup-init.sha256"
# The checksum file names the path on the build machine: only its digest is ours to use.
echo "$(cut -d' ' -f1 rustup-init.sha256)  rustup-init" | sha256sum --check --quiet
chmod +x rustup-init
# rustup stops at an older Rust in /usr/bin; ours comes first on the PATH of the make targets.
RUSTUP_INIT_SKIP_PATH_CHECK=yes ./rustup-init -y --quiet --no-modify-path --profile minimal --default-toolchain "$wanted" --component rustfmt,clippy
