# shellcheck shell=bash disable=SC2034
# Sourced by what builds and runs containers here: where they are kept, and how they run.
# Everything stays in target/image.

IMAGE=localhost/rulegate:check
work=$PWD/target/image
# As plain folders (vfs): works where file systems cannot be stacked.
store=(--root "$work/storage" --runroot "$work/run" --storage-driver vfs)
export CONTAINERS_CONF=$PWD/deploy/ci/containers.conf
# runc knows cgroups of version 1 too.
runtime=("${store[@]}" --runtime runc --cgroup-manager cgroupfs)

say() { echo "${0##*/}: $*"; }
die() { echo "${0##*/}: $*" >&2; exit 1; }

# Builds an image by the options that follow.
build_image() {
    buildah "${store[@]}" build --quiet --isolation chroot "$@" >/dev/null || no_containers
}

# A machine without the rights that containers need (namespaces, mounts, cgroups) shows it at the first one: nothing is left out silently.
no_containers() {
    die "this machine does not build or run containers; what it lacks stands above. It needs root, or user namespaces, and mounts."
}
