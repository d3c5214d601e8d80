#!/usr/bin/env bash
# Installs the Debian packages that a target needs, and only those that are missing.
#
#   packages.sh build    what compiling needs
#   packages.sh book     what the book is made with
#   packages.sh chart    what the checks of the Helm chart need
#   packages.sh test     database servers, promtool, and what the clients of others run on, for the tests
#   packages.sh image    what builds the container image and runs it
#
# Services of freshly installed packages are not started: the tests run servers of their own (databases.sh).
set -euo pipefail

# One line per requirement: a command that shows it is there, and the package that brings it.
BUILD="cc:build-essential c++:build-essential cmake:cmake pkg-config:pkg-config curl:curl git:git python3:python3
       update-ca-certificates:ca-certificates"
TEST="initdb:postgresql psql:postgresql-client pgbouncer:pgbouncer mariadbd:mariadb-server mariadb-install-db:mariadb-server
      mariadb:mariadb-client promtool:prometheus openssl:openssl setsid:util-linux
      node:nodejs npm:npm chromium:chromium pip3:python3-pip sqlite3:sqlite3"
IMAGE="buildah:buildah podman:podman runc:runc catatonit:catatonit busybox:busybox-static
       prometheus:prometheus promtool:prometheus psql:postgresql-client initdb:postgresql mariadbd:mariadb-server
       mariadb:mariadb-client curl:curl openssl:openssl python3:python3"
BOOK="python3:python3 pip3:python3-pip npm:npm"
CHART="python3:python3 pip3:python3-pip promtool:prometheus openssl:openssl"
POLICY=/usr/sbin/policy-rc.d

# Debian keeps initdb in a folder per version, and servers in sbin, which is not on everyone's PATH.
present() {
    PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null || compgen -G "/usr/lib/postgresql/*/bin/$1" >/dev/null
}

missing() {
    local pair
    for pair in $1; do
        present "${pair%%:*}" || echo "${pair#*:}"
    done | sort -u
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian asks this file before a package starts its service; 101 means no.
hold_services() {
    [ -e "$POLICY" ] && return
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
    as_root chmod 755 "$POLICY"
    trap 'as_root rm -f "$POLICY"' EXIT
}

install() {
    if ! command -v apt-get >/dev/null; then
        echo "Needed here, and apt-get is not there to install it (Debian's package names): $*" >&2
        exit 1
    fi
    echo "Installing with apt-get, services not started: $*"
    hold_services
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$@" >/dev/null
}

case "${1:-}" in
    build) wanted=$(missing "$BUILD") ;;
    book) wanted=$(missing "$BOOK") ;;
    chart) wanted=$(missing "$CHART") ;;
    test) wanted=$(missing "$TEST") ;;
    image) wanted=$(missing "$IMAGE") ;;
    *) echo "usage: packages.sh build|book|chart|test|image" >&2; exit 2 ;;
esac
# Word splitting is meant: one argument per package.
# shellcheck disable=SC2086
[ -z "$wanted" ] || install $wanted
