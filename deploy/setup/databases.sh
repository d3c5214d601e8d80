#!/usr/bin/env bash
# The database servers that the tests use, found or started.
#
#   databases.sh start         make sure that both answer
#   databases.sh exec CMD…     run CMD with RULEGATE_TEST_POSTGRES_URL and RULEGATE_TEST_MYSQL_URL set
#   databases.sh stop          stop the private servers that `start` made
#
# In this order: a URL given in the environment; a server on the default port that lets `postgres` / `root` in without a
# password; else a private server with a data folder and a port of its own. No system configuration is touched.
# RULEGATE_TEST_SERVERS=private skips the default ports.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PATH:/usr/sbin:/sbin"

# PostgreSQL refuses to run as root, and the user it then runs as may not be able to enter root's home.
if [ "$(id -u)" = 0 ]; then
    base=/var/tmp/rulegate-test-servers
else
    base=$PWD/target/test-servers
fi

private_only() { [ "${RULEGATE_TEST_SERVERS:-}" = private ]; }

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Runs a command as the given user when we are root, else as ourselves; from a folder that either may enter.
as_user() {
    local user=$1
    shift
    cd "$base"
    if [ "$(id -u)" = 0 ]; then runuser -u "$user" -- "$@"; else "$@"; fi
    cd "$OLDPWD"
}

make_folder() {
    mkdir -p "$base" "$2"
    if [ "$(id -u)" = 0 ]; then chown "$1" "$2"; fi
}

wait_for() {
    local tries
    for tries in $(seq 100); do
        "$@" && return
        sleep 0.2
    done
    echo "No answer after 20 s ($tries tries): $*" >&2
    return 1
}

postgres_answers() {
    PGCONNECT_TIMEOUT=3 psql -w -h 127.0.0.1 -p "$1" -U postgres -d postgres -qtAc 'select 1' >/dev/null 2>&1
}

# A certificate that nobody vouches for, as Debian's cluster has one: TLS works, its verification fails.
make_certificate() {
    as_user postgres openssl req -new -x509 -days 3650 -nodes -subj /CN=localhost \
        -keyout "$1/server.key" -out "$1/server.crt" 2>/dev/null
    as_user postgres chmod 600 "$1/server.key"
}

start_postgres() {
    local bin
    bin=$(dirname "$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n1)")
    make_folder postgres "$base/postgres"
    if [ ! -e "$base/postgres/data/PG_VERSION" ]; then
        as_user postgres "$bin/initdb" -A trust -U postgres -E UTF8 --locale=C.UTF-8 -D "$base/postgres/data" >/dev/null
        make_certificate "$base/postgres/data"
    fi
    free_port >"$base/postgres.port"
    echo "Starting a private PostgreSQL in $base/postgres, port $(cat "$base/postgres.port")."
    as_user postgres "$bin/pg_ctl" start -s -w -D "$base/postgres/data" -l "$base/postgres/log" -o \
        "-p $(cat "$base/postgres.port") -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
        -c max_connections=300 -c ssl=on"
}

stop_postgres() {
    [ -e "$base/postgres/data/postmaster.pid" ] || return 0
    local bin
    bin=$(dirname "$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n1)")
    as_user postgres "$bin/pg_ctl" stop -s -m fast -D "$base/postgres/data"
    echo "Stopped the private PostgreSQL."
}

mysql_answers() {
    mariadb --no-defaults --protocol=tcp --connect-timeout=3 -h 127.0.0.1 -P "$1" -u root -e 'select 1' >/dev/null 2>&1
}

start_mysql() {
    make_folder mysql "$base/mysql"
    if [ ! -d "$base/mysql/data/mysql" ]; then
        as_user mysql mariadb-install-db --no-defaults --auth-root-authentication-method=normal --skip-test-db \
            --datadir="$base/mysql/data" >/dev/null
    fi
    free_port >"$base/mysql.port"
    echo "Starting a private MariaDB in $base/mysql, port $(cat "$base/mysql.port")."
    # The socket's path is relative to the data folder: absolute ones are cut at 107 bytes.
    # The character set is Debian's; without its configuration file it would be latin1.
    as_user mysql setsid mariadbd --no-defaults --datadir="$base/mysql/data" --socket=private.sock \
        --bind-address=127.0.0.1 --port="$(cat "$base/mysql.port")" --max-connections=300 \
        --character-set-server=utf8mb4 --collation-server=utf8mb4_general_ci \
        </dev/null >"$base/mysql.log" 2>&1 &
    wait_for mysql_answers "$(cat "$base/mysql.port")"
}

stop_mysql() {
    local port
    port=$(cat "$base/mysql.port" 2>/dev/null) || return 0
    mysql_answers "$port" || return 0
    mariadb-admin --no-defaults --protocol=tcp -h 127.0.0.1 -P "$port" -u root shutdown
    echo "Stopped the private MariaDB."
}

# The port of a server that answers: the default one, or the private one that an earlier run started. Empty if neither.
port_of() {
    local server=$1 default=$2 private
    private=$(cat "$base/$server.port" 2>/dev/null || true)
    if ! private_only && "${server}_answers" "$default"; then
        echo "$default"
    elif [ -n "$private" ] && "${server}_answers" "$private"; then
        echo "$private"
    fi
}

ensure() {
    local server=$1 default=$2
    [ -n "$(port_of "$server" "$default")" ] || "start_$server"
}

start() {
    [ -n "${RULEGATE_TEST_POSTGRES_URL:-}" ] || ensure postgres 5432
    [ -n "${RULEGATE_TEST_MYSQL_URL:-}" ] || ensure mysql 3306
}

# Sets the two URLs; an empty port cannot get through, because `start` has made sure of an answer.
export_urls() {
    export RULEGATE_TEST_POSTGRES_URL=${RULEGATE_TEST_POSTGRES_URL:-postgres://postgres@127.0.0.1:$(port_of postgres 5432)/postgres}
    export RULEGATE_TEST_MYSQL_URL=${RULEGATE_TEST_MYSQL_URL:-mysql://root@127.0.0.1:$(port_of mysql 3306)/mysql}
}

case "${1:-}" in
    start) start ;;
    stop) stop_postgres; stop_mysql ;;
    exec) shift; start; export_urls; exec "$@" ;;
    *) echo "usage: databases.sh start|stop|exec CMD…" >&2; exit 2 ;;
esac
