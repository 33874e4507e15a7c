# SPDX-License-Identifier: Apache-2.0
"""image.py DIRECTORY OUT.tar NAME:TAG [COMMAND...]: an OCI image layout with one layer, the directory's files, without a container engine. It is
stopped by STOP_SIGNAL (SIGKILL: nothing in a test has to be waited for)."""
import hashlib, io, json, os, sys, tarfile

tree, out, ref, *command = sys.argv[1:]


def blob(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def add(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode='w') as t:
    t.add(tree, arcname='.')
layer = layer.getvalue()
oci = 'application/vnd.oci.image.'
config = json.dumps({'architecture': 'amd64', 'os': 'linux', 'config': {'Env': ['PATH=/bin'], 'Entrypoint': command,
                                'StopSignal': os.environ.get('STOP_SIGNAL', 'SIGKILL'),
                                # Images with the same bytes would be one image with two names.
                                'Labels': {'org.opencontainers.image.ref.name': ref}},
                     'rootfs': {'type': 'layers', 'diff_ids': [blob(layer)]}}).encode()
manifest = json.dumps({'schemaVersion': 2, 'mediaType': oci + 'manifest.v1+json',
                       'config': {'mediaType': oci + 'config.v1+json', 'digest': blob(config), 'size': len(config)},
                       'layers': [{'mediaType': oci + 'layer.v1.tar', 'digest': blob(layer), 'size': len(layer)}]}).encode()
index = json.dumps({'schemaVersion': 2, 'manifests': [
    {'mediaType': oci + 'manifest.v1+json', 'digest': blob(manifest), 'size': len(manifest),
     'annotations': {'io.containerd.image.name': ref, 'org.opencontainers.image.ref.name': ref.split(':')[-1]}}]}).encode()
with tarfile.open(out, 'w') as t:
    add(t, 'oci-layout', b'{"imageLayoutVersion":"1.0.0"}')
    add(t, 'index.json', index)
    for data in (config, manifest, layer):
        add(t, 'blobs/sha256/' + blob(data)[7:], data)
