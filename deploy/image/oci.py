# SPDX-License-Identifier: Apache-2.0
"""An OCI image layout without a container engine, the same bytes each time: entries sorted, one time for all, owned by root, modes as
they are said here and not as a umask left them."""
import gzip, hashlib, io, json, os, tarfile

TYPE = 'application/vnd.oci.image.'


class Tree:
    """What will be in a layer, by path without the first slash."""

    def __init__(self):
        self.entries = {}

    def directory(self, path, mode=0o755):
        self.entries[path] = (tarfile.DIRTYPE, mode, b'', '')

    def file(self, path, data, mode=0o644):
        self._parents(path)
        self.entries[path] = (tarfile.REGTYPE, mode, data, '')

    def link(self, path, target):
        self._parents(path)
        self.entries[path] = (tarfile.SYMTYPE, 0o777, b'', target)

    def files(self):
        return {p: e[2] for p, e in sorted(self.entries.items()) if e[0] == tarfile.REGTYPE}

    def _parents(self, path):
        while path := os.path.dirname(path):
            self.entries.setdefault(path, (tarfile.DIRTYPE, 0o755, b'', ''))

    def tar(self, epoch):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode='w', format=tarfile.USTAR_FORMAT) as tar:
            for path, (kind, mode, data, target) in sorted(self.entries.items()):
                add(tar, path, data, epoch, mode=mode, type=kind, linkname=target)
        return out.getvalue()


def add(tar, path, data, epoch, **what):
    info = tarfile.TarInfo(path)
    info.size, info.mtime, info.uname, info.gname = len(data), epoch, 'root', 'root'
    for key, value in what.items():
        setattr(info, key, value)
    tar.addfile(info, io.BytesIO(data))


def digest(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def as_json(value):
    return json.dumps(value, sort_keys=True, separators=(',', ':')).encode()


class Image:
    """Layers and configuration; layout() writes it."""

    def __init__(self, config, created, epoch):
        self.config = dict(config, created=created)
        self.epoch = epoch
        self.layers, self.diff_ids, self.blobs = [], [], {}

    def layer(self, tree):
        tar = tree.tar(self.epoch)
        self.diff_ids.append(digest(tar))
        self.layers.append(self._blob(gzip.compress(tar, 6, mtime=0), 'layer.v1.tar+gzip'))

    def _blob(self, data, media):
        self.blobs[digest(data)] = data
        return {'mediaType': TYPE + media, 'digest': digest(data), 'size': len(data)}

    def layout(self, out, name):
        """The directory `out`, and `out`.tar with the same; returns the manifest's digest and what a registry sends of it."""
        config = self._blob(as_json(dict(self.config, rootfs={'type': 'layers', 'diff_ids': self.diff_ids})), 'config.v1+json')
        manifest = self._blob(as_json({'schemaVersion': 2, 'mediaType': TYPE + 'manifest.v1+json', 'config': config,
                                       'layers': self.layers}), 'manifest.v1+json')
        manifest['platform'] = {'architecture': self.config['architecture'], 'os': self.config['os']}
        manifest['annotations'] = {'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name.rpartition(':')[2]}
        files = {'oci-layout': b'{"imageLayoutVersion":"1.0.0"}',
                 'index.json': as_json({'schemaVersion': 2, 'mediaType': TYPE + 'index.v1+json', 'manifests': [manifest]})}
        files |= {'blobs/sha256/' + d.partition(':')[2]: data for d, data in self.blobs.items()}
        with tarfile.open(out + '.tar', 'w', format=tarfile.USTAR_FORMAT) as tar:
            for path, data in sorted(files.items()):
                add(tar, path, data, self.epoch)
                os.makedirs(os.path.dirname(os.path.join(out, path)), exist_ok=True)
                with open(os.path.join(out, path), 'wb') as f:
                    f.write(data)
        return manifest['digest'], sum(len(b) for b in self.blobs.values())
