#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's packages, from the build that is there ($O), or with --full from nothing, with the unit tests, as a builder of Debian's does it. What
# lintian says; and what installing, upgrading, removing and purging them does, in a copy of this machine's root (an overlay) with a
# systemctl that only takes notes.
. "$(dirname "$0")/../e2e/lib.sh"
lib=$(dpkg-architecture -q DEB_HOST_MULTIARCH)
tree_=$work/varve options=(-us -uc -b) profiles="nocheck noautodbgsym"
if [ "${1:-}" = --full ]; then
	profiles=${DEB_BUILD_OPTIONS:-}
	mkdir "$tree_" && git archive HEAD | tar -x -C "$tree_"
else
	make --no-print-directory -s O="$O" all || exit 1
	mkdir "$tree_" && git ls-files -z | tar --null -c -T - | tar -x -C "$tree_"
	(cd "$O" && tar -c --exclude=./check --exclude=./san --exclude=./fuzz --exclude=./tests --exclude='./image*' --exclude=./matrix .) | (mkdir "$tree_/build" && tar -x -C "$tree_/build")
	export BUILD_DIR=build
	options+=(-nc -d)
fi
version=$(dpkg-parsechangelog -S Version)
[ "$version" = "$("$VARVE" --version | cut -d' ' -f2)" ] && pass "the changelog's version is ours" || fail "the changelog's version is ours: $version"
for p in $(sed -n '/^build="/,/"$/p' tests/deps.sh | sed 's/^build="//; s/"$//'); do
	case $p in gcc | libc6-dev | make | python3 | ca-certificates) continue ;; pkg-config) p=pkgconf ;; esac
	sed -n '/^Build-Depends:/,/^[A-Z]/p' debian/control | grep -q "^ $p\(,\|\$\)" || fail "debian/control has not what the build needs: $p"
done
build() { (cd "$tree_" && DEB_BUILD_OPTIONS=$profiles dpkg-buildpackage "${options[@]}") >"$work/build.log" 2>&1; }
build && pass "dpkg-buildpackage" || { tail -n 20 "$work/build.log"; fail "dpkg-buildpackage"; finish; }
lintian --allow-root --fail-on error,warning --tag-display-limit 0 "$work"/varve_*.changes >"$work/lintian" 2>&1 && pass "lintian is content" ||
	fail "lintian: $(grep -E '^[EW]:' "$work/lintian" | tr '\n' ' ')"

deb() { echo "$work/$1_${version}_amd64.deb"; }
has() { # PACKAGE FILES...: and no others, but for what Debian has of each
	local deb
	deb=$(deb "$1")
	shift
	diff <(printf '%s\n' "$@" | sort) <(dpkg-deb -c "$deb" | awk '$1 !~ /^d/ { print $6 }' | grep -v '^./usr/share/\(doc\|lintian\)/' | sort)
}
check "varve-sensor has its files" has varve-sensor ./etc/varve/sensor.conf ./lib/systemd/system/varve-sensor.service ./usr/sbin/varve-{sensor,kubewatch} \
	./usr/share/man/man8/varve-{sensor,kubewatch}.8.gz
check "varve has its files" has varve ./usr/bin/varve ./usr/share/bash-completion/completions/varve ./usr/share/fish/vendor_completions.d/varve.fish \
	./usr/share/zsh/vendor-completions/_varve ./usr/share/man/man1/varve.1.gz ./usr/share/varve/varve.{desc,proto}
check "libvarve-evidence-dev has its files" has libvarve-evidence-dev ./usr/include/varve/{evidence,varve.pb-c}.h "./usr/lib/$lib/libvarve-evidence.a" \
	"./usr/lib/$lib/pkgconfig/varve-evidence.pc"
check "the configuration is a conffile" [ "$(dpkg-deb -I "$(deb varve-sensor)" conffiles)" = /etc/varve/sensor.conf ]
check "and root's alone to read" bash -c "dpkg-deb -c '$(deb varve-sensor)' | grep -q '^-rw------- root/root .* ./etc/varve/sensor.conf'"
needs() { dpkg-deb -f "$(deb "$1")" Depends | grep -q "$2"; }
check "needs what it is linked with" needs varve-sensor 'libbpf1.*librdkafka1'

# --- in a root of its own
mkdir -p "$work"/{upper,overlay,root}
cat >"$work/systemctl" <<'S'
#!/bin/sh
# Takes notes. The state of the unit is in /tmp/unit: "enabled", "running".
echo "$*" >>/tmp/systemctl.log
case " $* " in
*" is-enabled "*) grep -q enabled /tmp/unit && echo enabled || { echo disabled; exit 1; } ;;
*" is-active "*) grep -q running /tmp/unit ;;
esac
S
cat >"$work/inside" <<'S'
set -e
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/overlay" overlay "$1/root"
mount -t tmpfs tmpfs "$1/root/tmp"
mount -t tmpfs tmpfs "$1/root/run"
mount -t proc proc "$1/root/proc"
mkdir -p "$1/root/run/systemd/system" "$1/root/tmp/debs"
cp "$1"/*.deb "$1/root/tmp/debs"
install -m 755 "$1/systemctl" "$1/root/usr/bin/systemctl"
rm -f "$1/root/usr/sbin/policy-rc.d"
: >"$1/root/tmp/unit"
rm -f "$1/root/var/lib/man-db/auto-update" # takes time
exec chroot "$1/root" /bin/bash -c "$2"
S
inside() { timeout 120 unshare --mount --propagation private bash "$work/inside" "$work" "
	export DEBIAN_FRONTEND=noninteractive
	said() { grep -E ' (re)?start | stop |^(re)?start |^stop |enable|try-restart' /tmp/systemctl.log | grep varve || true; }
	install() { : >/tmp/systemctl.log; dpkg -i /tmp/debs/*.deb; }
	fail() { echo \"FAILED: \$*\"; tail -n 20 /tmp/systemctl.log; exit 1; }
	$1" >"$work/inside.out" 2>&1; }
step() { inside "$2" && pass "$1" || fail "$1: $(tail -n 4 "$work/inside.out" | tr '\n' ' ')"; }
fresh='install; said | grep -Ew "start|restart|enable" && fail started; [ ! -e /etc/systemd/system/multi-user.target.wants/varve-sensor.service ] || fail enabled'
step "installed, it is neither enabled nor started" "$fresh"
step "its programs run" 'install && varve-sensor --version && varve --version && varve-sensor --print-config | grep -q log-dir && [ -x /usr/sbin/varve-kubewatch ]'
step "installed anew while enabled and running, it is restarted" "$fresh"'; echo enabled running >/tmp/unit; install; said | grep -Eq "restart" || fail "not restarted"'
step "while stopped it stays so" "$fresh"'; install; said | grep -Ew "start|restart" && fail started; true'
step "configuration that was changed stays" 'install; echo log-limit = 2G >>/etc/varve/sensor.conf; install </dev/null; varve-sensor --print-config | grep -q "2G\|2147483648"'
step "purged, it leaves the evidence and nothing else" 'install; echo enabled running >/tmp/unit; mkdir -p /var/lib/varve; touch /var/lib/varve/format; : >/tmp/systemctl.log
	dpkg --purge $(for d in /tmp/debs/*.deb; do dpkg-deb -f $d Package; done) >/tmp/purge 2>&1 || { cat /tmp/purge; fail purge; }
	said | grep -qw stop || fail "not stopped"; grep -q "evidence in /var/lib/varve stays" /tmp/purge || fail "does not say so"
	[ -e /var/lib/varve/format ] && [ ! -e /etc/varve ] && [ ! -e /usr/sbin/varve-sensor ] || fail "what is left: $(ls /etc/varve)"'
finish
