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
echo "Installing Rust $wanted with rustup from https://sh.rustup.rs into ${CARGO_HOME:-$HOME/.cargo} (no shell profile is changed)."
curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
    sh -s -- -y --quiet --no-modify-path --profile minimal --default-toolchain "$wanted" --component rustfmt,clippy
cargo --version
