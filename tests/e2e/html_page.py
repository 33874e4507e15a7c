# SPDX-License-Identifier: Apache-2.0
"""html_page.py DIRECTORY: the pages there, story.html and so on, in a browser, against the records they are made of, story.jsonl.
Prints "ok NAME" and "not ok NAME: why"."""
import json
import os
import sys
import time
import unicodedata

sys.path.insert(0, os.path.dirname(__file__))
from browser import Browser  # noqa: E402

work = sys.argv[1]
failures = 0
READY = 'document.documentElement?.dataset.ready'
ROWS = '[...document.querySelectorAll("#list .row")]'
TREE = '[...document.querySelectorAll("#tree .row")]'


def check(name, is_so, why=''):
    global failures
    failures += not is_so
    print('ok html ' + name if is_so else 'not ok html %s: %s' % (name, why), flush=True)


def records(name):
    with open('%s/%s.jsonl' % (work, name)) as f:
        return [json.loads(line) for line in f]


def load(b, name, **how):
    b.open('%s/%s.html' % (work, name), **how)
    return int(b.wait(READY))


def count(b):
    """How many records the page says it shows."""
    return int(b.js('document.querySelector("#count").textContent').split()[0].replace(',', ''))


def search(b, words):
    b.js('document.querySelector("#query").select()')
    b.click('#query')
    b.js('document.querySelector("#query").select()')
    b.call('Input.dispatchKeyEvent', type='keyDown', key='Delete', windowsVirtualKeyCode=46, commands=['deleteBackward'])
    b.type(words)
    b.wait('[...document.querySelectorAll("#chips button")].some(c => c.textContent.includes(%s))' % json.dumps(words))


def clear(b):
    b.click('#clear')
    b.wait('!document.querySelector("#chips").children.length')


def leaves(value, key=''):
    if isinstance(value, dict):
        for k, v in value.items():
            yield from leaves(v, k)
    elif isinstance(value, list):
        for v in value:
            yield from leaves(v, key)
    else:
        yield key, 'true' if value is True else 'false' if value is False else str(value)


def quiet(b, name):
    check('%s: no complaint on the console' % name, not b.complaints(), b.complaints()[:3])
    own = 'file://%s/%s.html' % (os.path.abspath(work), name)
    check('%s: asks for nothing but itself' % name, b.requests() == [own], b.requests()[:5])


def test_story(b):
    want = records('story')
    check('story: all records are there', load(b, 'story') == len(want) == count(b))
    verdict = b.js('document.querySelector("#verdict").innerText')
    check('story: its verdict is COMPLETE', verdict.startswith('COMPLETE'), verdict)
    header = b.js('document.querySelector("header").innerText')
    check('story: says whose it is', 'default/web-7f9' in header and want[0]['container']['id'] in header and 'worker-1' in header, header)

    b.click('#collapse')
    roots = b.js(TREE + '.length')
    b.click('#tree .twisty')
    opened = b.js(TREE + '.length')
    check('story: a process opens and closes', opened > roots, '%s, then %s' % (roots, opened))
    b.click('#expand')
    text = b.js(TREE + '.map(r => r.innerText).join("\\n")')
    check('story: the tree has commands, sessions, dead parents, ends', all(w in text for w in (
        'wget -O /tmp/.x', 'session', 'outside, or before', 'upper layer', 'SIGTERM', '130', 'root', 'containerd-shim')), text)
    check('story: brothers that are the same stand in one row', text.count('/tmp/.x worker') == 12 + 1 and '× 12' in text, text)

    search(b, 'WGET')
    found = b.js(ROWS + '.map(r => r.innerText)')
    check('story: search finds, in any case', 0 < count(b) < 20 and any('wget' in line for line in found), found)
    check('story: what was found is marked', b.js('document.querySelectorAll("#list mark").length') > 0)
    search(b, 'nowhere to be found')
    check('story: search finds nothing where nothing is', count(b) == 0 and b.js(ROWS + '.length') == 0)
    clear(b)
    # Some field of the record that no line shows.
    search(b, '"sequence":"%s"' % want[-1]['sequence'])
    check('story: lines do not show all fields', count(b) == 0)
    b.click('#search-all')
    b.wait('document.querySelector("#count").textContent.startsWith("1 ")')
    check('story: all fields are searched', b.js('document.querySelector("#deep").checked'))
    clear(b)


def test_filters(b):
    want = records('story')
    b.click('#legend button[data-class=file]')
    check('filters: a class goes', count(b) == sum(r['kind'] not in ('OPEN',) for r in want), count(b))
    clear(b)
    b.js('document.querySelector("#kinds").open = true')
    b.click('#kinds-none')
    kind = b.js('[...document.querySelectorAll("#kinds-list label")].findIndex(l => l.textContent.includes("EXEC ")) && '
                '[...document.querySelectorAll("#kinds-list label")].find(l => l.textContent.includes(" EXEC ")).firstChild.value')
    b.click('#kinds-list input[value="%s"]' % kind)
    check('filters: by kind', count(b) == sum(r['kind'] == 'EXEC' for r in want), count(b))
    clear(b)
    b.click('#failed')
    failed = [r for r in want if r.get('open', {}).get('call_errno') or r.get('connect', {}).get('outcome') == 'failed']
    check('filters: by failure', count(b) == len(failed) == 2, count(b))
    clear(b)
    b.click('#expand')
    at = b.js(TREE + '.findIndex(r => r.innerText.includes("sh -c"))')
    pids = {4300, 4301, 4302, 4303} | set(range(4310, 4322))
    b.click('#tree .row:nth-child(%d) .command' % (at + 1))
    check('filters: by process, with descendants', count(b) == sum(r.get('process', {}).get('pid') in pids for r in want), count(b))
    b.click('#descendants')
    check('filters: by process alone', count(b) == sum(r.get('process', {}).get('pid') == 4300 for r in want), count(b))
    b.click('#descendants')
    clear(b)
    b.drag('#chart', 0.25, 0.5)
    chosen = count(b)
    check('filters: the timeline zooms', 0 < chosen < len(want), chosen)
    b.js('document.querySelector("#chart").focus()')
    b.key('-')
    check('filters: and by keys', count(b) > chosen, count(b))
    b.click('#zoom-all')
    check('filters: and back', count(b) == len(want), count(b))
    b.js('(s => { s.value = 0; s.dispatchEvent(new Event("change")); })(document.querySelector("#container"))')
    check('filters: by container', count(b) == sum(r['container']['name'] == 'proxy' for r in want), count(b))
    clear(b)


def test_details(b):
    want = records('story')
    b.js('document.querySelector("#list").focus()')
    b.key('Home')
    b.wait('!document.querySelector("#details").hidden')
    for _ in range(4):
        b.key('ArrowDown')
    record = want[4]
    b.wait('document.querySelector("#details").innerText.includes("%s")' % record['time_unix_nano'])
    text = b.js('document.querySelector("#details .fields").innerText')
    missing = [(k, v) for k, v in leaves(record) if k not in text or v not in text]
    check('details: each field of the record is there', not missing, missing[:5])
    b.key('Escape')
    check('details: close by a key', b.js('document.querySelector("#details").hidden'))
    b.js('document.activeElement.blur()')
    b.key('/')
    check('details: a key leads to the search', b.js('document.activeElement.id') == 'query')
    pdf = b.pdf()
    check('details: the page prints', pdf.startswith(b'%PDF') and len(pdf) > 10000, len(pdf))
    quiet(b, 'story')


def test_hostile(b):
    want = records('hostile')
    check('hostile: all records are there', load(b, 'hostile') == len(want))
    check('hostile: its verdict is not COMPLETE', not b.js('document.querySelector("#verdict").innerText').startswith('COMPLETE'))
    texts = [b.js('document.documentElement.textContent + document.title')]
    for i in range(len(want)):
        b.js('document.querySelector("#list").focus()')
        b.key('Home' if not i else 'ArrowDown')
        b.wait('document.querySelector("#details").textContent.includes("%s")' % want[i]['time_unix_nano'])
        texts.append(b.js('document.body.textContent'))
    b.js('dispatchEvent(new Event("beforeprint"))')
    texts.append(b.js('document.body.textContent'))
    bad = {'U+%04X' % ord(c) for t in texts for c in t if unicodedata.category(c) in ('Cc', 'Cf', 'Zl', 'Zp', 'Cs') and c not in '\n\t'}
    check('hostile: nothing invisible, nothing that turns the writing', not bad, bad)
    check('hostile: it is all there as text', all(w in ''.join(texts) for w in (
        '</script><script>window.pwned=1</script>', '<img src=x onerror="window.pwned=2">', '\\u{202e}gnp.exe', 'not UTF-8: \\xff', '__proto__')))
    check('hostile: nothing ran', b.js('window.pwned === undefined && ({}).parentId === undefined'))
    elements = b.js('document.querySelectorAll("img, svg, iframe, object, embed, a, link, base, [onerror], [onload], [style*=url]").length')
    scripts = b.js('[...document.querySelectorAll("script")].filter(s => s.type !== "module" && s.type !== "text/plain").length')
    check('hostile: no element came of it', elements == 0 and scripts == 0, (elements, scripts))
    check('hostile: the end of time is shown', '2262-04-11' in texts[-1])
    quiet(b, 'hostile')


def test_policy(b):
    """What the page may not do even if somebody found a way to make it: the browser refuses, and complains, so this comes last."""
    b.js('''window.refused = [];
        document.addEventListener("securitypolicyviolation", e => window.refused.push(e.effectiveDirective));
        const attempt = fn => { try { fn(); } catch { } };
        fetch("http://127.0.0.1:9/").catch(() => 0);
        attempt(() => { new Image().src = "http://127.0.0.1:9/x.png"; });
        attempt(() => { document.body.insertAdjacentHTML("beforeend", "<b>x</b>"); });
        attempt(() => { document.body.setAttribute("onclick", "window.pwned = 8"); });
        attempt(() => { document.body.append(Object.assign(document.createElement("style"), { textContent: "body { color: red }" })); });
        attempt(() => { document.body.append(Object.assign(document.createElement("iframe"), { src: "http://127.0.0.1:9/" })); });
        attempt(() => { const f = document.createElement("form"); f.action = "http://127.0.0.1:9/"; document.body.append(f); f.submit(); });
        0''')
    for directive in ('connect-src', 'img-src', 'require-trusted-types-for', 'style-src-elem', 'frame-src', 'form-action'):
        try:
            b.wait('window.refused.includes("%s")' % directive, 10)
            check('policy: %s refuses' % directive, True)
        except TimeoutError:
            check('policy: %s refuses' % directive, False, b.js('window.refused'))
    check('policy: no other script, no markup', b.js('window.pwned === undefined && !document.querySelector("body > b")'))


def test_many(b):
    start = time.monotonic()
    n = load(b, 'many')
    print('# %d records are ready after %.1f s, in %d rows of the document' % (n, time.monotonic() - start, b.js('document.querySelectorAll(".row").length')))
    check('many: 100,000 records load', n >= 100000 and count(b) == n, n)
    b.js('document.querySelector("#list").focus()')
    b.key('End')
    b.wait('document.querySelector("#list").scrollTop > 1e6')
    rows = b.js('document.querySelectorAll(".row").length')
    check('many: only what can be seen is in the document', rows < 300, rows)
    last = b.js(ROWS + '.at(-1).innerText')
    check('many: the last one is reached', 'part-' in last, last)
    start = time.monotonic()
    search(b, 'part-4711.o')
    b.wait('document.querySelector("#count").textContent.startsWith("1 ")')
    print('# one of them is found after %.1f s' % (time.monotonic() - start))
    check('many: search finds', count(b) == 1)
    clear(b)
    start = time.monotonic()
    b.click('#deep')
    search(b, '"sequence":"77777"')
    b.wait('document.querySelector("#count").textContent.startsWith("1 ")')
    print('# and by a field that is not shown after %.1f s' % (time.monotonic() - start))
    check('many: all fields are searched', count(b) == 1)
    quiet(b, 'many')


def test_cut(b):
    b.open(work + '/cut.html')
    text = b.wait('document.body?.innerText')
    check('cut: a page that was cut off says so', 'cut off' in text and 'COMPLETE' not in text, text[:200])


with Browser() as browser:
    for test in (test_story, test_filters, test_details, test_hostile, test_policy, test_many, test_cut):
        try:
            test(browser)
        except Exception as e:  # the rest goes on
            check(test.__name__, False, '%s: %s' % (type(e).__name__, e))
sys.exit(failures > 0)
