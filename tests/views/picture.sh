#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# [PAGE=DIRECTORY] picture.sh [PNG]: the page of a real case, as docs/html.png shows it: a web server with a CGI program that runs what it is asked for,
# somebody who asks, and somebody who comes in to look. Root, runc, Chromium; not a test.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/demo/case.bash
png=${1:-docs/html.png}

sensor_start || exit 1
case_make || exit 1
sensor_stop

"$VARVE" replay "$work/log" --pod "shop/${case_pods[0]}" --key "$work/log/sensor.pub" --format html >"$work/page.html"
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
