# SPDX-License-Identifier: Apache-2.0
"""proxy.py PKI URL DIR: a server that vouches for itself as the API server does, on 127.0.0.1:6444, and passes on what the one at URL says,
spoilt as DIR/mode says: `pass`, `slow` (a few bytes at a time), `cut` (each answer ends in the middle of an object), `garble` (JSON that is
none, bytes that are no UTF-8), `endless` (a string without an end). DIR/spoilt: a line for each answer spoilt."""
import http.server, os, ssl, sys, time, urllib.error, urllib.request

pki, url, work = sys.argv[1:]
upstream = ssl.create_default_context(cafile=pki + '/ca.crt')


def mode():
    with open(work + '/mode') as f:
        return f.read().strip()


class Proxy(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        request = urllib.request.Request(url + self.path, headers={k: v for k, v in self.headers.items() if k in ('Authorization', 'Accept')})
        try:
            answer = urllib.request.urlopen(request, context=upstream, timeout=600)
        except urllib.error.HTTPError as e:
            answer = e
        except OSError:
            return self.send_error(502)
        how = mode()
        self.send_response(answer.status)
        self.send_header('Content-Type', 'application/json')
        self.end_headers()
        with open(work + '/spoilt', 'a') as f:
            f.write(f'{how} {answer.status} {self.path}\n')
        try:
            self.answer(answer, how)
        except OSError:
            pass
        answer.close()
        self.close_connection = True

    def write(self, data):
        self.wfile.write(data)
        self.wfile.flush()

    def answer(self, answer, how):
        if how == 'endless':
            self.write(b'{"type": "ADDED", "object": {"metadata": {"name": "')
            for _ in range(40):
                self.write(b'x' * (1 << 20))
            return
        while mode() == how:
            data = answer.read1(1 << 16)  # what has come
            if not data:
                return
            if how == 'slow':
                for i in range(0, len(data), 16):
                    self.write(data[i:i + 16])
                    time.sleep(0.001)
            elif how == 'cut':
                return self.write(data[:len(data) * 2 // 3])
            elif how == 'garble':
                self.write(data.replace(b'":', b'"\xff').replace(b'{', b'[', 1))
            else:
                self.write(data)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(pki + '/apiserver.crt', pki + '/apiserver.key')
server = http.server.ThreadingHTTPServer(('127.0.0.1', 6444), Proxy)
server.daemon_threads = True
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
