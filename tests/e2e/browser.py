# SPDX-License-Identifier: Apache-2.0
"""Headless Chromium, told what to do over a pipe by the DevTools protocol: what a page asks for and complains of is kept."""
import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

PROGRAMS = ('chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome')


def program():
    return os.environ.get('CHROMIUM') or next((p for p in PROGRAMS if shutil.which(p)), None)


class Browser:
    def __init__(self, width=1500, height=950):
        self.profile = tempfile.mkdtemp(prefix='varve-browser.')
        to_browser, self.write = os.pipe()
        self.read, from_browser = os.pipe()
        # It reads from descriptor 3 and writes to 4.
        self.process = subprocess.Popen(
            ['bash', '-c', 'exec "$@" 3<&%d 4>&%d' % (to_browser, from_browser), 'bash', program(), '--headless', '--remote-debugging-pipe',
             '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking',
             '--disable-component-update', '--hide-scrollbars', '--window-size=%d,%d' % (width, height), '--user-data-dir=' + self.profile,
             'about:blank'], pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.last_id, self.session, self.events = b'', 0, None, []
        self.width, self.height = width, height

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Its children write to the profile until the last of them is gone.
        try:
            self.session = None
            self.call('Browser.close', 10)
            self.process.wait(10)
        except (OSError, EOFError, TimeoutError, RuntimeError, subprocess.TimeoutExpired):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for _ in range(100):
            shutil.rmtree(self.profile, ignore_errors=True)
            if not os.path.exists(self.profile):
                break
            time.sleep(0.05)

    def message(self, seconds):
        end = time.monotonic() + seconds
        while b'\0' not in self.buffer:
            if not select.select([self.read], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError('the browser says nothing')
            data = os.read(self.read, 1 << 20)
            if not data:
                raise EOFError('the browser ended')
            self.buffer += data
        line, self.buffer = self.buffer.split(b'\0', 1)
        return json.loads(line)

    def call(self, method, seconds=120, **params):
        self.last_id += 1
        message = {'id': self.last_id, 'method': method, 'params': params}
        if self.session:
            message['sessionId'] = self.session
        os.write(self.write, json.dumps(message).encode() + b'\0')
        while True:
            answer = self.message(seconds)
            if answer.get('id') == self.last_id:
                if 'error' in answer:
                    raise RuntimeError('%s: %s' % (method, answer['error']))
                return answer['result']
            self.events.append(answer)

    def open(self, path, dark=False):
        """A new page, with this file in it."""
        self.session, self.events = None, []
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.call(domain + '.enable')
        self.call('Emulation.setDeviceMetricsOverride', width=self.width, height=self.height, deviceScaleFactor=1, mobile=False)
        self.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}])
        self.call('Page.navigate', url='file://' + os.path.abspath(path))

    def js(self, expression):
        r = self.call('Runtime.evaluate', expression=expression, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in r:
            raise RuntimeError('%s: %s' % (expression, r['exceptionDetails'].get('exception', {}).get('description')))
        return r['result'].get('value')

    def wait(self, expression, seconds=60):
        end = time.monotonic() + seconds
        while not (value := self.js(expression)):
            if time.monotonic() > end:
                raise TimeoutError('never so: ' + expression)
            time.sleep(0.02)
        return value

    def mouse(self, what, x, y, **more):
        self.call('Input.dispatchMouseEvent', type='mouse' + what, x=x, y=y, button='left', buttons=0 if what == 'Released' else 1, clickCount=1, **more)

    def place(self, selector):
        return self.js('(r => [r.x, r.y, r.width, r.height])(document.querySelector(%s).getBoundingClientRect())' % json.dumps(selector))

    def click(self, selector):
        x, y, w, h = self.place(selector)
        self.mouse('Pressed', x + w / 2, y + h / 2)
        self.mouse('Released', x + w / 2, y + h / 2)

    def drag(self, selector, start, end):
        """From one part of its width to another."""
        x, y, w, h = self.place(selector)
        self.mouse('Pressed', x + w * start, y + h / 2)
        self.mouse('Moved', x + w * (start + end) / 2, y + h / 2)
        self.mouse('Moved', x + w * end, y + h / 2)
        self.mouse('Released', x + w * end, y + h / 2)

    KEYS = {'ArrowDown': 40, 'ArrowUp': 38, 'ArrowLeft': 37, 'ArrowRight': 39, 'Enter': 13, 'Escape': 27, 'Home': 36, 'End': 35, 'Tab': 9}

    def key(self, name):
        more = {'text': name} if len(name) == 1 else {'windowsVirtualKeyCode': self.KEYS[name]}
        self.call('Input.dispatchKeyEvent', type='keyDown', key=name, **more)
        self.call('Input.dispatchKeyEvent', type='keyUp', key=name, **more)

    def type(self, text):
        self.call('Input.insertText', text=text)

    def screenshot(self, path):
        with open(path, 'wb') as f:
            f.write(base64.b64decode(self.call('Page.captureScreenshot', format='png')['data']))

    def pdf(self):
        return base64.b64decode(self.call('Page.printToPDF')['data'])

    def complaints(self):
        """What would be on the console."""
        self.js('0')
        found = []
        for e in self.events:
            p = e.get('params', {})
            if e['method'] == 'Runtime.exceptionThrown':
                found.append(str(p['exceptionDetails'].get('exception', {}).get('description') or p['exceptionDetails']['text']))
            elif e['method'] == 'Runtime.consoleAPICalled':
                found.append('%s: %s' % (p['type'], p['args']))
            elif e['method'] == 'Log.entryAdded':
                found.append('%s: %s' % (p['entry']['level'], p['entry']['text']))
        return found

    def requests(self):
        self.js('0')
        return [e['params']['request']['url'] for e in self.events if e['method'] == 'Network.requestWillBeSent']
