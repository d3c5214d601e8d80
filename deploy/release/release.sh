#!/usr/bin/env bash
# A release, in target/dist: an archive with the static binary, the licences and what it is made of; that list and the chart by themselves;
# and SHA256SUMS of all. The same commit gives the same archive on the same machine.
#
# PROFILE=dev tries it with a binary that is quicker to have. A real one is made of a commit: nothing may be changed and not committed.
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { echo "release: $*"; }
die() { echo "release: $*" >&2; exit 1; }

[ "${PROFILE:-release}" != release ] || [ -z "$(git status --porcelain)" ] || die "there are changes that are not committed"

version=$(sed -nE '/^\[workspace.package\]/,/^\[/s/^version = "(.*)"/\1/p' Cargo.toml)
grep -q "^appVersion: \"\?$version\"\?$" helm/rulegate/Chart.yaml || die "helm/rulegate/Chart.yaml is for another version than $version"
name=rulegate-$version-$(uname -m)-linux
dist=target/dist
moment=$(git log -1 --format=%ct)

rm -rf "$dist"
mkdir -p "$dist/$name/licences"
binary=$(deploy/release/binary.sh)
install -m 755 "$binary" "$dist/$name/rulegate"
[ "$("$dist/$name/rulegate" --version)" = "rulegate $version" ] || die "the binary is not version $version"

deploy/release/parts.py sbom >"$dist/rulegate-$version.cdx.json"
deploy/release/parts.py licences >"$dist/$name/licences/THIRD-PARTY.txt"
target/chart/venv/bin/python deploy/release/valid.py "$dist/rulegate-$version.cdx.json"
cp "$dist/rulegate-$version.cdx.json" README.md CHANGELOG.md SECURITY.md "$dist/$name/"
cp LICENSE-APACHE LICENSE-MIT "$dist/$name/licences/"
tar --directory "$dist" --sort=name --mtime="@$moment" --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw --create "$name" | gzip -9n >"$dist/$name.tar.gz"
rm -r "${dist:?}/$name"

target/chart/helm4 package helm/rulegate --destination "$dist" >/dev/null
chart=$(basename "$dist"/rulegate-*.tgz)
mv "$dist/$chart" "$dist/chart-$chart"

(cd "$dist" && sha256sum -- * >SHA256SUMS && sha256sum --check --quiet SHA256SUMS)
say "$dist"
ls -l "$dist"
