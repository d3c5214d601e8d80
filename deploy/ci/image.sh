#!/usr/bin/env bash
# The container image, built from a binary of this machine and tried as an operator would run it.
#
#   image.sh build          the static binary, and the last stage of deploy/Dockerfile around it (needs no registry)
#   image.sh check [IMAGE]  runs it: no root, no capability, nothing to write to, 64 MiB; the sample shop on PostgreSQL
#                           (RULEGATE_TEST_POSTGRES_URL), a Prometheus that scrapes it, and a stop with a request under way
#
# Everything stays in target/image; the database of the check has a name of its own and is dropped. RULEGATE_IMAGE_BINARY
# names a static binary that is there already; PROFILE=dev makes one that is quicker to have and slower to run. Without root,
# podman cannot limit memory everywhere: then that is not required.
set -euo pipefail
cd "$(dirname "$0")/../.."

source deploy/ci/containers.sh

NAME=rulegate-check-$$
BYTES_MAX=25000000
MEMORY=64m
confined=(--network host --read-only --read-only-tmpfs=false --cap-drop all --user 65532 --security-opt no-new-privileges --memory "$MEMORY")

build() {
    local binary=${RULEGATE_IMAGE_BINARY:-}
    [ -n "$binary" ] || binary=$(deploy/release/binary.sh)
    rm -rf "$work/context"
    install -D "$binary" "$work/context/out/rulegate"
    install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$work/context/out/etc/ssl/certs/ca-certificates.crt"
    install -D -m 644 -t "$work/context/out/licenses" LICENSE-APACHE LICENSE-MIT
    # What the first stage would have made comes from the folder in its name. The format is Docker's: OCI knows no HEALTHCHECK.
    build_image --format docker --target image --build-context "build=$work/context" --build-arg "REVISION=$(git rev-parse HEAD)" \
        --file deploy/Dockerfile --tag "$IMAGE" "$work/context"
    say "built $IMAGE"
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

wait_for() {
    local tries
    for tries in $(seq 100); do
        curl -fsS --max-time 5 -o /dev/null "$1" 2>/dev/null && return
        sleep 0.2
    done
    podman "${runtime[@]}" logs "$NAME" >&2 || true
    die "no answer after $tries tries: $1"
}

small_enough() {
    local bytes
    bytes=$(podman "${store[@]}" save "$image" | gzip | wc -c)
    [ "$bytes" -lt "$BYTES_MAX" ] || die "the image has $bytes bytes compressed, more than $BYTES_MAX"
    say "$bytes bytes compressed"
}

labelled() {
    local title
    title=$(podman "${store[@]}" image inspect --format '{{index .Labels "org.opencontainers.image.title"}}' "$image")
    [ "$title" = Rulegate ] || die "it has no OCI labels"
}

# The project: rules of the demo, tokens, a limit of requests that traffic.py can reach.
make_project() {
    mkdir -p "$folder/project/rules" "$folder/project/access"
    cp proxy/demo/rules/*.yaml "$folder/project/rules/"
    openssl rand -base64 48 >"$folder/project/secret"
    cat >"$folder/project/rulegate.yaml" <<'YAML'
database: {pool: {lock_timeout_ms: 500}}
auth: {jwt: {algorithms: [HS256], secret_file: secret}}
limits: {requests_per_second: 30}
YAML
    cat >"$folder/project/access/all.yaml" <<'YAML'
access:
  - {role: clerk, resource: "*", all: true}
  - {role: visitor, resource: products, read: true}
YAML
    # The user in the container is nobody here, and must be able to read it. There is nothing to protect in it.
    chmod -R a+rX "$folder"
}

make_database() {
    psql -qX -v ON_ERROR_STOP=1 -d "$RULEGATE_TEST_POSTGRES_URL" -c "create database $database"
    psql -qX -v ON_ERROR_STOP=1 -1 -d "$database_url" -f proxy/demo/shop.sql -f deploy/demo/postgres.sql
}

# As Kubernetes would: settings from the environment, the project from a volume that is not to be written to.
start() {
    podman "${runtime[@]}" run --detach --name "$NAME" --no-healthcheck "${confined[@]}" --add-host database.internal:127.0.0.1 \
        --volume "$folder/project:/project:ro" --env RULEGATE_DATABASE_URL="${database_url/127.0.0.1/database.internal}" \
        --env RULEGATE_LISTEN="127.0.0.1:$api" --env RULEGATE_ADMIN_LISTEN="127.0.0.1:$admin" "$image" >/dev/null || no_containers
    wait_for "http://127.0.0.1:$admin/readyz"
    podman "${runtime[@]}" exec "$NAME" /rulegate healthcheck >/dev/null || die "rulegate healthcheck fails"
    say "ready, and its health check says so"
}

token() {
    podman "${runtime[@]}" exec "$NAME" /rulegate token --sub "$1" --role "$2"
}

status_of() { awk -v key="$1:" '$1 == key { print $2; exit }' "/proc/$pid/status"; }

confined_well() {
    local limit
    pid=$(podman "${runtime[@]}" inspect --format '{{.State.Pid}}' "$NAME")
    [ "$(status_of Uid)" = 65532 ] || die "it runs as user $(status_of Uid)"
    [ "$(status_of CapEff)" = 0000000000000000 ] || die "it has capabilities: $(status_of CapEff)"
    [ "$(status_of NoNewPrivs)" = 1 ] || die "it may gain privileges"
    awk '$2 == "/" && $4 ~ /^ro/ { found = 1 } END { exit !found }' "/proc/$pid/mounts" || die "its root is not read-only"
    limit=$(memory_limit)
    [ "$limit" = 67108864 ] || [ "$(id -u)" != 0 ] || die "its memory is not limited: $limit"
    say "user 65532, no capability, root read-only, memory limit $limit"
}

# In cgroups of version 1 and 2.
memory_limit() {
    local group
    group=$(sed -nE 's/^[0-9]+:memory:(.*)/\1/p' "/proc/$pid/cgroup")
    if [ -n "$group" ]; then cat "/sys/fs/cgroup/memory$group/memory.limit_in_bytes" 2>/dev/null || echo unknown
    else cat "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup")/memory.max" 2>/dev/null || echo unknown; fi
}

start_prometheus() {
    mkdir -p "$folder/prometheus"
    cp helm/rulegate/files/alerts.yaml "$folder/prometheus/"
    sed -e "s/rulegate:9090/127.0.0.1:$admin/" -e 's/interval: 15s/interval: 1s/' deploy/monitoring/prometheus.yml >"$folder/prometheus/prometheus.yml"
    promtool check config "$folder/prometheus/prometheus.yml" >/dev/null
    PATH="$PATH:/usr/sbin" prometheus --config.file="$folder/prometheus/prometheus.yml" --storage.tsdb.path="$folder/prometheus/data" \
        --web.listen-address="127.0.0.1:$prometheus" --log.level=warn &
    prometheus_pid=$!
    wait_for "http://127.0.0.1:$prometheus/-/ready"
}

traffic() {
    local clerks="" number
    for number in $(seq 8); do clerks+=" $(token "clerk$number" clerk)"; done
    CLERK=$clerks HASTY=$(token hasty clerk) VISITOR=$(token visitor visitor) \
        deploy/ci/image/traffic.py "http://127.0.0.1:$api" "http://127.0.0.1:$admin" "$folder/project" "$database_url"
    say "resident memory: $(curl -fsS "http://127.0.0.1:$admin/metrics" | awk '/^process_resident_memory_bytes/ { print $2 }') bytes"
}

# SIGTERM while a write waits for a lock: the write is answered, and the process ends with 0.
stop() {
    local began=$SECONDS clerk code
    clerk=$(token clerk clerk)
    psql -qX -d "$database_url" -c "begin; select from customers where id = 13 for update; select pg_sleep(1.2); commit" >/dev/null &
    sleep 0.3
    curl -sS -o /dev/null -w '%{http_code}' -X PATCH "http://127.0.0.1:$api/api/customers/13" -H "Authorization: Bearer $clerk" \
        -H 'Content-Type: application/vnd.api+json' \
        -d '{"data": {"type": "customers", "id": "13", "attributes": {"contact_name": "Last one"}}}' >"$folder/last" &
    local last=$!
    sleep 0.3
    podman "${runtime[@]}" stop --time 40 "$NAME" >/dev/null
    wait "$last" || die "the last request broke off"
    [ "$(cat "$folder/last")" = 200 ] || die "the last request was answered with $(cat "$folder/last")"
    code=$(podman "${runtime[@]}" inspect --format '{{.State.ExitCode}}' "$NAME")
    [ "$code" = 0 ] || die "it ended with $code"
    say "stopped after $((SECONDS - began)) s with exit code 0, the write under way answered"
}

clean_up() {
    podman "${runtime[@]}" rm --force --time 0 "$NAME" >/dev/null 2>&1 || true
    [ -z "${prometheus_pid:-}" ] || kill "$prometheus_pid" 2>/dev/null || true
    psql -qX -d "$RULEGATE_TEST_POSTGRES_URL" -c "drop database if exists $database with (force)" 2>/dev/null || true
    rm -rf "$folder"
}

check() {
    image=${1:-$IMAGE}
    [ -n "${RULEGATE_TEST_POSTGRES_URL:-}" ] || die "RULEGATE_TEST_POSTGRES_URL is not set: deploy/setup/databases.sh exec sets it"
    small_enough
    labelled
    api=$(free_port) admin=$(free_port) prometheus=$(free_port)
    database=rulegate_image_$$
    database_url=${RULEGATE_TEST_POSTGRES_URL%/*}/$database
    folder=$(mktemp -d /tmp/rulegate-image-XXXXXX)
    trap clean_up EXIT
    make_project
    make_database
    start
    confined_well
    start_prometheus
    traffic
    deploy/ci/image/monitoring.py "http://127.0.0.1:$prometheus" helm/rulegate/files/dashboard.json
    stop
    say "all is as it should be"
}

case "${1:-}" in
    build) build ;;
    check) shift; check "$@" ;;
    *) echo "usage: image.sh build|check [IMAGE]" >&2; exit 2 ;;
esac
