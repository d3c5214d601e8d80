#!/usr/bin/env bash
# The chart's sidecar beside an application, in one Pod, run by podman: rendered by Helm, made playable by chart_pod.py. The application adds
# an item over the sidecar's API, and the order's total has followed. The Pod has no network but its own loopback, and a SQLite file.
#
# The image must be built (image.sh build), Helm must be there (deploy/setup/helm.sh).
set -euo pipefail
cd "$(dirname "$0")/../.."
source deploy/ci/containers.sh

POD=shop-rulegate-app
VOLUME=shop-data

application_image() {
    local busybox
    busybox=$(command -v busybox)
    ! ldd "$busybox" >/dev/null 2>&1 || die "$busybox is not static; Debian's package busybox-static brings one that is"
    rm -rf "$work/application"
    mkdir -p "$work/application"
    cp "$busybox" deploy/ci/pod/application.sh "$work/application/"
    build_image --file deploy/ci/pod/Dockerfile --tag localhost/rulegate-application:check "$work/application"
}

# The sample shop, on a volume for the user in the container.
make_volume() {
    local place
    podman "${store[@]}" volume create "$VOLUME" >/dev/null
    place=$(podman "${store[@]}" volume inspect --format '{{.Mountpoint}}' "$VOLUME")
    python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(open("proxy/demo/shop.sql").read())' "$place/shop.db"
    chown -R 65532:65532 "$place"
}

render() {
    local file rules=()
    rm -rf "$work/pod"
    for file in proxy/demo/rules/*.yaml; do
        rules+=(--set-file "rules.files.$(basename "$file" .yaml)\\.yaml=$file")
    done
    target/chart/helm4 template shop helm/rulegate --values deploy/ci/pod/values.yaml "${rules[@]}" \
        | target/chart/venv/bin/python deploy/ci/chart_pod.py "$work/pod" >"$work/pod.yaml"
}

said() { podman "${runtime[@]}" logs "$POD-$1" 2>&1; }

waited_for() {
    local tries
    for tries in $(seq 150); do
        said app | grep -q "$1" && return
        sleep 0.2
    done
    said app >&2; said rulegate >&2
    die "after $tries tries the application has not said: $1"
}

total() { said app | sed -nE "s/^$1: .*\"amount_total\":([0-9.]+).*/\1/p"; }

# Two of the product, whatever it costs.
followed() {
    local price
    price=$(python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("select unit_price from products where id = 1").fetchone()[0])' \
        "$(podman "${store[@]}" volume inspect --format '{{.Mountpoint}}' "$VOLUME")/shop.db")
    python3 -c 'import sys; from decimal import Decimal as D; b, a, p = map(D, sys.argv[1:]); sys.exit(a != b + 2 * p)' "$(total before)" "$(total after)" "$price" \
        || die "the order's total was $(total before) and is $(total after), with two more for $price each"
    say "the application added an item, and the order's total followed: $(total before), $(total after)"
}

# Both end by themselves, as a kubelet asks them to.
stopped() {
    local container code
    podman "${runtime[@]}" pod stop --time 40 "$POD" >/dev/null
    for container in app rulegate; do
        code=$(podman "${runtime[@]}" inspect --format '{{.State.ExitCode}}' "$POD-$container")
        [ "$code" = 0 ] || die "$container ended with $code"
    done
    say "both stopped with exit code 0"
}

clean_up() {
    podman "${runtime[@]}" pod rm --force --time 0 "$POD" >/dev/null 2>&1 || true
    podman "${runtime[@]}" volume rm --force "$VOLUME" >/dev/null 2>&1 || true
}

clean_up
trap clean_up EXIT
application_image
make_volume
render
podman "${runtime[@]}" play kube --network none "$work/pod.yaml" >"$work/pod.log" 2>&1 || { cat "$work/pod.log" >&2; no_containers; }
waited_for '^after: '
followed
stopped
