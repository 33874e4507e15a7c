#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing on Debian 12 (root): for building and the demo; --kafka: a broker too; --check: all that the
# tests need; --bench: for make bench. Does nothing, and asks no server, when everything is there.
set -eu

build="clang llvm libbpf-dev bpftool libelf-dev zlib1g-dev gcc libc6-dev make pkg-config
protobuf-compiler protobuf-c-compiler libprotobuf-c-dev librdkafka-dev libjansson-dev libcurl4-openssl-dev libseccomp-dev libssl-dev libzip-dev libmicrohttpd-dev python3 ca-certificates"
demo="runc busybox-static procps iproute2 mount util-linux"
kafka="default-jre-headless maven kcat openssl"
check="qemu-system-x86 cpio e2fsprogs libcmocka-dev libclang-rt-14-dev python3-protobuf containerd strace valgrind mandoc clang-format git python3-pip
containernetworking-plugins curl graphviz chromium-headless-shell zsh fish less python3-venv ruby-google-protobuf prometheus g++ debhelper lintian"

bench="nginx-light apache2-utils curl"

# Other runtimes: where they cannot be had beside what is there, their tests say so and skip.
runtimes="docker.io podman"
# For consumers of ours (tests/consumers); the same.
scripts="nodejs npm"

want="$build $demo" maybe=
for arg; do
	case $arg in
	--kafka) want="$want $kafka" ;;
	--bench) want="$want $bench" ;;
	--check) want="$want $kafka $check" maybe="$runtimes $scripts" ;;
	*) echo "usage: deps.sh [--kafka] [--check] [--bench]" >&2; exit 2 ;;
	esac
done

# What did not come from the package serves as well; Docker's own containerd.io, say, conflicts with Debian's runc.
have() {
	case $1 in
	default-jre-headless) command -v java >/dev/null ;;
	maven) command -v mvn >/dev/null ;;
	runc | containerd | podman) command -v "$1" >/dev/null ;;
	chromium-headless-shell) command -v "$1" >/dev/null || command -v chromium >/dev/null ;;
	docker.io) command -v dockerd >/dev/null ;;
	nginx-light) command -v nginx >/dev/null ;;
	nodejs) command -v node >/dev/null ;;
	npm) command -v npm >/dev/null ;;
	busybox-static) busybox true 2>/dev/null && ! ldd "$(command -v busybox)" >/dev/null 2>&1 ;;
	*) [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ;;
	esac
}
missing= missing_maybe=
for p in $want; do have "$p" || missing="$missing $p"; done
for p in $maybe; do have "$p" || missing_maybe="$missing_maybe $p"; done
[ -n "$missing$missing_maybe" ] || exit 0

[ -n "$missing" ] || [ "$(id -u)" = 0 ] || exit 0
[ "$(id -u)" = 0 ] || { echo "deps: missing:$missing; run this as root, or install them" >&2; exit 1; }
command -v apt-get >/dev/null || { echo "deps: missing:$missing; this is no Debian: install their like" >&2; [ -z "$missing" ]; exit; }
echo "installing:$missing$missing_maybe"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Services that a package would start (containerd) are none of ours: policy-rc.d refuses them while we install.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
	trap 'rm -f "$log" '$policy EXIT
fi
install() { apt-get install -q -y --no-install-recommends --no-remove "$@" >>"$log" 2>&1; }
# shellcheck disable=SC2086
if ! { apt-get update -q >"$log" 2>&1 && { [ -z "$missing" ] || install $missing; }; } && [ -n "$missing" ]; then
	tail -n 20 "$log" >&2
	echo "deps: apt-get could not install:$missing (nothing was removed to make room for them)" >&2
	exit 1
fi
for p in $missing_maybe; do install "$p" || echo "deps: apt-get could not install $p; its tests skip" >&2; done
