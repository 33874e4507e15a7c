#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check.py IMAGE SBOM ROOT: looks at the image (an OCI layout) as a registry and a node would, and at the SBOM beside it; unpacks it to ROOT.
Lines of ok and not ok. The SBOM is read by spdx-tools (PYTHONPATH), which is not ours."""
import gzip, hashlib, io, json, os, sys, tarfile
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
from spdx_tools.spdx.spdx_element_utils import calculate_package_verification_code

image, sbom_path, root = sys.argv[1:]
failed = 0
LABELS = ['title', 'description', 'version', 'revision', 'created', 'licenses', 'vendor']
PROGRAMS = {'usr/local/sbin/varve-sensor', 'usr/local/sbin/varve-kubewatch', 'usr/local/bin/varve'}
SBOM = 'usr/local/share/varve/varve.spdx.json'


def check(name, wrong):
    global failed
    failed += bool(wrong)
    print(f'not ok {name}: {wrong}'[:1000] if wrong else f'ok {name}', flush=True)


def blob(descriptor):
    kind, _, name = descriptor['digest'].partition(':')
    with open(f'{image}/blobs/{kind}/{name}', 'rb') as f:
        data = f.read()
    if hashlib.new(kind, data).hexdigest() != name or len(data) != descriptor['size']:
        wrong.append(name)
    return data


wrong, layers = [], []
index = json.load(open(f'{image}/index.json'))
manifest = json.loads(blob(index['manifests'][0]))
config = json.loads(blob(manifest['config']))
for layer, diff_id in zip(manifest['layers'], config['rootfs']['diff_ids'], strict=True):
    tar = gzip.decompress(blob(layer))
    if 'sha256:' + hashlib.sha256(tar).hexdigest() != diff_id:
        wrong.append(diff_id)
    layers.append(tarfile.open(fileobj=io.BytesIO(tar)))
check('each blob is what its digest says', wrong)
sizes = [manifest['config']['size'], *(layer['size'] for layer in manifest['layers'])]
print(f'# {sum(sizes) / (1 << 20):.1f} MiB compressed')
check('less than 30 MiB to pull', sum(sizes) if sum(sizes) >= 30 << 20 else 0)
labels = config['config']['Labels']
check('labels', [k for k in LABELS if not labels.get('org.opencontainers.image.' + k)])

entries = [e for layer in layers for e in layer.getmembers()]
names = [e.name for e in entries]
check('entries are sorted, of root, of one time', [layer.getnames() for layer in layers if layer.getnames() != sorted(layer.getnames())] +
      [e.name for e in entries if e.uid or e.gid] + [e.mtime for e in entries if e.mtime != entries[0].mtime])
check('nothing is set-user-ID or for all to write but /tmp', [e.name for e in entries if e.mode & 0o6000 or
                                                              (e.mode & 2 and not e.issym() and e.name != 'tmp')])
os.makedirs(root, 0o755)
files = {}
for layer in layers:
    layer.extractall(root, filter='fully_trusted') if hasattr(tarfile, 'fully_trusted_filter') else layer.extractall(root)
    files |= {e.name: layer.extractfile(e).read() for e in layer.getmembers() if e.isfile()}
os.chmod(root, 0o755)
executable = {e.name for e in entries if e.isfile() and e.mode & 0o111 and '.so' not in os.path.basename(e.name)}
check('nothing can be executed but our programs: no shell', executable ^ PROGRAMS)
check('no link leads nowhere', [e.name for e in entries if e.issym() and not
                                os.path.exists(os.path.join(root, os.path.dirname(e.name), e.linkname))])

doc = parse_file(sbom_path)
check('the SBOM is valid SPDX', [m.validation_message for m in validate_full_spdx_document(doc)])
check('the image has it', files.pop(SBOM) != open(sbom_path, 'rb').read())
listed = {f.name[2:]: {c.algorithm.name: c.value for c in f.checksums} for f in doc.files}
check('it has each file of the image and no other', sorted(set(listed) ^ set(files)))
check('with its checksum', [p for p in files if listed[p]['SHA256'] != hashlib.sha256(files[p]).hexdigest()])
by_id = {f.spdx_id: f for f in doc.files}
of_package, needed = {}, set()
for r in doc.relationships:
    if r.relationship_type.name == 'CONTAINS' and r.related_spdx_element_id in by_id:
        of_package.setdefault(r.spdx_element_id, []).append(by_id[r.related_spdx_element_id])
    if r.relationship_type.name == 'DEPENDS_ON':
        needed.add(r.related_spdx_element_id)
packages = {p.spdx_id: p for p in doc.packages if p.files_analyzed}
check('each file is of one package', len(by_id) - sum(map(len, of_package.values())))
check('verification codes', [p.name for p in packages.values() if p.verification_code.value !=
                             calculate_package_verification_code(of_package[p.spdx_id]).value])
libraries = {i for i, fs in of_package.items() if any('.so' in os.path.basename(f.name) for f in fs)}
check('what has a library is needed', libraries ^ needed)
debian = [p for p in packages.values() if p.external_references]
check('each package is Debian\'s or ours', len(packages) - len(debian) - 1)
check('each package of Debian has its licence and dpkg\'s data here', [p.name for p in debian if not
      files.get(f'usr/share/doc/{p.name}/copyright') or f'\nVersion: {p.version}\n'.encode() not in files[f'var/lib/dpkg/status.d/{p.name}']])
check('ours have theirs', [n for n in ('LICENSE', 'LICENSE.GPL-2.0', 'LICENSE.BSD-2-Clause')
                           if not files.get('usr/local/share/doc/varve/' + n)])
sys.exit(failed != 0)
