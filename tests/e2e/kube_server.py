# SPDX-License-Identifier: Apache-2.0
"""An API server that misbehaves on request: HTTPS, one list and watch of pods. DIR/mode says what the next answers are (see MODES below),
DIR/token which bearer token is good, DIR/pods.json the pods, and DIR/requests gets a line for each request. Arguments: DIR PORT-FILE"""
import http.server, json, os, ssl, sys, threading, time

work, port_file = sys.argv[1:]


def read(name):
    with open(os.path.join(work, name)) as f:
        return f.read().strip()


def line(kind, pod):
    return json.dumps({'type': kind, 'object': pod}).encode() + b'\n'


def version(pod, n):
    pod['metadata']['resourceVersion'] = str(n)
    return pod


class Server(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def send(self, status, body=b''):
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self):
        mode = read('mode')
        watch = 'watch=1' in self.path
        with open(os.path.join(work, 'requests'), 'a') as f:
            f.write(f'{"watch" if watch else "list"} {mode} {self.path}\n')
        while mode == 'silent':  # no word, until the mode changes
            time.sleep(0.05)
            mode = read('mode')
        if self.headers.get('Authorization') != 'Bearer ' + read('token'):
            return self.send(401)
        pods = json.loads(read('pods.json'))
        if mode == 'garbage':
            return self.send(200, b'{"items": [{"metadata"\n')
        if mode == 'forbidden':
            return self.send(403)
        if not watch:
            return self.send(200, json.dumps({'metadata': {'resourceVersion': '100'}, 'items': pods}).encode())
        if mode == 'gone':
            return self.send(200, line('ERROR', {'kind': 'Status', 'code': 410}))
        self.send(200)
        if mode == 'slow':  # a byte at a time
            for b in line('MODIFIED', version(pods[0], 101)):
                self.wfile.write(bytes([b]))
                self.wfile.flush()
                time.sleep(0.002)
        if mode == 'torn':
            return self.wfile.write(line('MODIFIED', version(pods[0], 101))[:-40] + b'\n')
        for _ in range(600):  # until the mode changes
            if read('mode') != mode:
                return
            time.sleep(0.05)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(os.path.join(work, 'server.crt'), os.path.join(work, 'server.key'))
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Server)
server.daemon_threads = True
server.socket = context.wrap_socket(server.socket, server_side=True)
with open(port_file + '.tmp', 'w') as f:
    f.write(str(server.server_address[1]))
os.rename(port_file + '.tmp', port_file)
server.serve_forever()
