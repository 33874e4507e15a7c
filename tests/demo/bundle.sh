#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bundle.sh DIR CONTAINER_ID CGROUPS_PATH COMMAND...: makes an OCI bundle in DIR: busybox as the image, config.json as containerd's
# CRI plugin writes it for a pod's container. Environment: POD, NAMESPACE, POD_UID, CONTAINER, IMAGE; ROOTFS (default DIR/rootfs).
set -eu
dir=$1 id=$2 cgroups_path=$3
shift 3

rootfs=${ROOTFS:-$dir/rootfs}
image=$dir/image
mkdir -p "$image/bin" "$image/tmp" "$image/proc" "$image/dev" "$image/etc" "$image/var/run/secrets/kubernetes.io/serviceaccount" "$rootfs"
cp "$(command -v busybox)" "$image/bin/busybox"
for applet in sh cat cp mv rm mkdir sleep true ls id printf seq; do ln -sf busybox "$image/bin/$applet"; done
echo 'root:x:0:0:root:/:/bin/sh' >"$image/etc/passwd"
echo 'eyJhbGciOiJSUzI1NiJ9.a-service-account-token' >"$image/var/run/secrets/kubernetes.io/serviceaccount/token"

python3 - "$dir/config.json" "$id" "$cgroups_path" "$rootfs" "$@" <<'PY'
import json, os, sys
out, cid, cgroups_path, rootfs, *args = sys.argv[1:]
e = os.environ.get
cri = 'io.kubernetes.cri.'
config = {
    'ociVersion': '1.0.2',
    'process': {'terminal': False, 'user': {'uid': 0, 'gid': 0}, 'args': args, 'cwd': '/', 'env': ['PATH=/bin'],
                'capabilities': {k: ['CAP_NET_BIND_SERVICE', 'CAP_KILL', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER']
                                 for k in ('bounding', 'effective', 'permitted')}},
    'root': {'path': rootfs},
    'hostname': e('POD', 'pod'),
    'mounts': [{'destination': '/proc', 'type': 'proc', 'source': 'proc'},
               {'destination': '/dev', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['nosuid', 'mode=755']}],
    'annotations': {cri + 'container-type': 'container', cri + 'container-name': e('CONTAINER', 'app'),
                    cri + 'image-name': e('IMAGE', 'docker.io/library/busybox:1.35'), cri + 'sandbox-id': cid[::-1],
                    cri + 'sandbox-name': e('POD', 'pod'), cri + 'sandbox-namespace': e('NAMESPACE', 'default'),
                    cri + 'sandbox-uid': e('POD_UID', '')},
    'linux': {'cgroupsPath': cgroups_path,
              'namespaces': [{'type': t} for t in ('pid', 'ipc', 'uts', 'mount')]},
}
json.dump(config, open(out, 'w'))
PY
