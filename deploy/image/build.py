#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""build.py INSTALLED OUT NAME:TAG: the image of both programs, from what `make install DESTDIR=INSTALLED` put there and the shared libraries
of this Debian machine: OUT (an OCI layout), OUT.tar (the same for `ctr images import`), OUT.spdx.json. Asks no server, runs no container
engine; the same input gives the same digest. SOURCE_DATE_EPOCH is the time of all in it: the commit's, if it is not set."""
import datetime, os, shutil, subprocess, sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import debian, oci, spdx

MAX = 30 << 20  # bytes that a node has to pull
LICENCE = 'Apache-2.0 AND (GPL-2.0-only OR BSD-2-Clause)'
SENSOR = 'usr/local/sbin/varve-sensor'
PROGRAMS = [SENSOR, 'usr/local/sbin/varve-kubewatch', 'usr/local/bin/varve']
DATA = ['usr/local/share/varve/varve.desc', 'usr/local/share/varve/varve.proto']
LICENCES = ['LICENSE', 'bpf/LICENSE.GPL-2.0', 'bpf/LICENSE.BSD-2-Clause']
# The sensor is root; varve-kubewatch becomes nobody; whoever runs varve has a user for it.
USERS = [('root', 0), ('varve', 65532), ('nobody', 65534)]
ETC = {
    'etc/passwd': ''.join(f'{u}:x:{i}:{i}:{u}:/:/nonexistent\n' for u, i in USERS),
    'etc/group': ''.join(f'{u}:x:{i}:\n' for u, i in USERS),
    'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
}
# Where things are mounted; a root file system that is read-only cannot make them.
DIRECTORIES = {'dev': 0o755, 'etc/varve': 0o755, 'host': 0o755, 'proc': 0o755, 'run': 0o755, 'sys': 0o755, 'var/lib/varve': 0o700,
               'tmp': 0o1777}


def git(*command):
    return subprocess.run(['git', *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()


def source():
    """Time and revision of what was built."""
    epoch = os.environ.get('SOURCE_DATE_EPOCH') or git('log', '-1', '--format=%ct')
    if not epoch.isdigit():
        sys.exit('image: no git here: set SOURCE_DATE_EPOCH to the time of the source, in seconds')
    return int(epoch), os.environ.get('REVISION') or git('describe', '--always', '--abbrev=40', '--exclude=*', '--dirty') or 'unknown'


def programs(installed, tree):
    """Without what debuggers read."""
    stripped = os.path.join(installed, 'stripped')
    for path in PROGRAMS:
        subprocess.run(['strip', '--strip-unneeded', '-R', '.comment', '-o', stripped, os.path.join(installed, path)], check=True)
        with open(stripped, 'rb') as f:
            tree.file(path, f.read(), 0o755)
    os.unlink(stripped)


def ours(installed):
    tree = oci.Tree()
    programs(installed, tree)
    for path in DATA + LICENCES:
        with open(path if path in LICENCES else os.path.join(installed, path), 'rb') as f:
            tree.file(path if path in DATA else 'usr/local/share/doc/varve/' + os.path.basename(path), f.read())
    return tree


def system(installed):
    tree = oci.Tree()
    for path, mode in DIRECTORIES.items():
        tree.directory(path, mode)
    for path in ('lib', 'lib64', 'bin', 'sbin'):
        tree.directory('usr/' + path)
        tree.link(path, 'usr/' + path)
    for path, text in ETC.items():
        tree.file(path, text.encode())
    packages = debian.Packages(tree)
    packages.libraries([os.path.join(installed, p) for p in PROGRAMS])
    packages.certificates()
    packages.system()
    packages.records()
    return tree, packages


def config(version, revision, created):
    label = 'org.opencontainers.image.'
    return {'architecture': debian.run('dpkg', '--print-architecture').strip(), 'os': 'linux', 'config': {
        'Entrypoint': ['/' + SENSOR], 'Env': ['PATH=/usr/local/sbin:/usr/local/bin'], 'User': '0:0', 'WorkingDir': '/',
        'StopSignal': 'SIGTERM', 'Labels': {
            label + 'title': 'varve-sensor', label + 'description': 'Records what containers do, as evidence; and varve, which reads it',
            label + 'version': version, label + 'revision': revision, label + 'created': created, label + 'licenses': LICENCE,
            label + 'vendor': 'The Varve authors', label + 'documentation': 'man:varve-sensor(8)'}}}


def main(installed, out, name):
    epoch, revision = source()
    created = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')
    version = subprocess.run([os.path.join(installed, SENSOR), '--version'], check=True, stdout=subprocess.PIPE, text=True).stdout.split()[1]
    if ':' not in name.rpartition('/')[2]:
        name += ':' + version
    base, packages = system(installed)
    own = ours(installed)
    sbom = spdx.document(name.rpartition(':')[0].rpartition('/')[2], version, revision, LICENCE, created, base.files() | own.files(), packages)
    own.file('usr/local/share/varve/varve.spdx.json', sbom)
    shutil.rmtree(out, ignore_errors=True)
    image = oci.Image(config(version, revision, created), created, epoch)
    image.layer(base)  # changes with Debian only
    image.layer(own)
    digest, size = image.layout(out, name)
    with open(out + '.spdx.json', 'wb') as f:
        f.write(sbom)
    print(f'{digest} {name}: {size / (1 << 20):.1f} MiB compressed, {len(packages.by_id)} packages of Debian')
    if size > MAX:
        sys.exit(f'image: more than {MAX >> 20} MiB')


if __name__ == '__main__':
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
