#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# certs.sh DIR URL ADDRESS...: a certificate authority, the API server's certificate for these addresses, each component's and the
# administrator's, as kubeconfig files NAME.conf for URL, and the key that signs service accounts' tokens.
set -euo pipefail
dir=$1 url=$2
shift 2
mkdir -p "$dir"
cd "$dir"
q() { openssl "$@" 2>>openssl.log; }
key() { q req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "$@"; }
cert() { # NAME SUBJECT EXTENSION
	key -subj "$2" -keyout "$1.key" -out "$1.csr"
	q x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile <(echo "$3") -out "$1.crt"
}
client() { # NAME SUBJECT
	cert "$1" "$2" extendedKeyUsage=clientAuth
	cat >"$1.conf" <<C
{"apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
 "clusters": [{"name": "c", "cluster": {"server": "$url", "certificate-authority": "$dir/ca.crt"}}],
 "users": [{"name": "u", "user": {"client-certificate": "$dir/$1.crt", "client-key": "$dir/$1.key"}}]}
C
}
key -x509 -days 30 -subj /CN=test-ca -keyout ca.key -out ca.crt
cert apiserver /CN=kube-apiserver "subjectAltName=$(printf 'IP:%s,' "$@")DNS:kubernetes.default.svc"
client admin /O=system:masters/CN=admin
client kube-controller-manager /CN=system:kube-controller-manager
client kube-scheduler /CN=system:kube-scheduler
client kubelet "/O=system:nodes/CN=system:node:$NODE"
q genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out tokens.key
