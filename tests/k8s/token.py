# SPDX-License-Identifier: Apache-2.0
"""token.py KEY NAMESPACE NAME UID SECONDS: a token of that service account, signed by KEY as the API server would, which gives none that ends
before ten minutes. It is taken for SECONDS: the API server allows clocks to be a minute apart."""
import base64, json, subprocess, sys, time

key, namespace, name, uid, seconds = sys.argv[1:]


def part(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=')


now = int(time.time())
issuer = 'https://kubernetes.default.svc'
text = b'.'.join(part(json.dumps(o).encode()) for o in (
    {'alg': 'RS256', 'typ': 'JWT'},
    {'iss': issuer, 'aud': [issuer], 'sub': f'system:serviceaccount:{namespace}:{name}', 'iat': now - 600, 'nbf': now - 600, 'exp': now + int(seconds) - 60,
     'kubernetes.io': {'namespace': namespace, 'serviceaccount': {'name': name, 'uid': uid}}}))
signature = subprocess.run(['openssl', 'dgst', '-sha256', '-sign', key], input=text, stdout=subprocess.PIPE, check=True).stdout
print((text + b'.' + part(signature)).decode())
