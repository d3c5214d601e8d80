#!/usr/bin/env bash
# Compiles the static binary and prints where it is. PROFILE=dev makes one that is quicker to have and slower to run.
#
# Only the program itself is compiled for a static C library: the crates are those of any build of that profile, which may be there already.
# The linker warns of getaddrinfo: glibc 2.34 and later has files and DNS built in, which is all that is asked for.
set -euo pipefail
cd "$(dirname "$0")/../.."

profile=${PROFILE:-release}
echo "Compiling the static binary (profile $profile; release takes some minutes)." >&2
cargo rustc --locked --profile "$profile" -p rulegate --bin rulegate -- -C target-feature=+crt-static -C strip=symbols
binary=${CARGO_TARGET_DIR:-target}/${profile/#dev/debug}/rulegate
if ldd "$binary" 2>/dev/null | grep -q '=>'; then
    echo "$binary needs shared libraries" >&2
    exit 1
fi
echo "$binary"
