# SPDX-License-Identifier: Apache-2.0
"""What is in the image, as SPDX 2.3: our programs, Debian's packages, each file with its checksums, who needs what."""
import hashlib, json, re

NONE = 'NOASSERTION'
OURS = 'SPDXRef-varve'
IMAGE = 'SPDXRef-image'


def sha(name, data):
    return hashlib.new(name, data).hexdigest()


def spdx_id(kind, name):
    return f'SPDXRef-{kind}-' + re.sub(r'[^A-Za-z0-9.-]', lambda c: f'-{ord(c[0]):02x}-', name)


def file_entry(path, data):
    return {'SPDXID': spdx_id('file', path), 'fileName': './' + path,
            'checksums': [{'algorithm': 'SHA1', 'checksumValue': sha('sha1', data)},
                          {'algorithm': 'SHA256', 'checksumValue': sha('sha256', data)}],
            'licenseConcluded': NONE, 'licenseInfoInFiles': [NONE], 'copyrightText': NONE}


def verification(paths, files):
    """SPDX 2.3, 7.9: of those of its files that are here."""
    return {'packageVerificationCodeValue': sha('sha1', ''.join(sorted(sha('sha1', files[p]) for p in paths)).encode())}


def purl(p, os_release):
    quoted = p.version.replace(':', '%3A').replace('+', '%2B').replace('~', '~')
    return f"pkg:deb/debian/{p.name}@{quoted}?arch={p.arch}&distro=debian-{os_release.get('VERSION_ID', 'sid')}"


def debian_entry(p, files, os_release):
    supplier = re.fullmatch(r'(.*?) *<(.*)>', p.maintainer)
    licences = sorted(set(re.findall(r'^License: *(\S.*?) *$', p.copyright().decode('utf-8', 'replace'), re.M)))
    entry = {'SPDXID': spdx_id('debian', p.name), 'name': p.name, 'versionInfo': p.version, 'downloadLocation': NONE,
             'supplier': f'Organization: {supplier[1]} ({supplier[2]})' if supplier else NONE, 'summary': p.summary,
             'filesAnalyzed': True, 'packageVerificationCode': verification(p.files, files), 'licenseInfoFromFiles': [NONE],
             'licenseConcluded': NONE, 'licenseDeclared': NONE, 'copyrightText': NONE, 'primaryPackagePurpose': 'LIBRARY',
             'licenseComments': f'/usr/share/doc/{p.name}/copyright' + (', which names: ' + '; '.join(licences) if licences else ''),
             'sourceInfo': f'built from {p.source} {p.source_version}',
             'externalRefs': [{'referenceCategory': 'PACKAGE-MANAGER', 'referenceType': 'purl', 'referenceLocator': purl(p, os_release)}]}
    if p.homepage:
        entry['homepage'] = p.homepage
    return entry


def ours_entry(version, revision, licence, paths, files):
    return {'SPDXID': OURS, 'name': 'varve', 'versionInfo': version, 'downloadLocation': NONE, 'supplier': 'Organization: The Varve authors',
            'filesAnalyzed': True, 'packageVerificationCode': verification(paths, files), 'licenseInfoFromFiles': [NONE],
            'licenseConcluded': licence, 'licenseDeclared': licence, 'copyrightText': 'Copyright 2026 The Varve authors',
            'sourceInfo': f'built from revision {revision}', 'primaryPackagePurpose': 'APPLICATION'}


def relation(a, kind, b):
    return {'spdxElementId': a, 'relationshipType': kind, 'relatedSpdxElement': b}


def document(name, version, revision, licence, created, files, packages):
    """`files`: all of the image, by path; those that no package in `packages` (Packages) has are ours."""
    os_release = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', files['usr/lib/os-release'].decode(), re.M))
    debian = sorted(packages.by_id.values(), key=lambda p: p.name)
    theirs = {path for p in debian for path in p.files}
    ours = sorted(set(files) - theirs)
    relations = [relation('SPDXRef-DOCUMENT', 'DESCRIBES', IMAGE), relation(IMAGE, 'CONTAINS', OURS)]
    relations += [relation(OURS, 'CONTAINS', spdx_id('file', path)) for path in ours]
    for p in debian:
        relations.append(relation(IMAGE, 'CONTAINS', spdx_id('debian', p.name)))
        relations += [relation(spdx_id('debian', p.name), 'CONTAINS', spdx_id('file', path)) for path in sorted(p.files)]
        if p.id in packages.needed:
            relations.append(relation(OURS, 'DEPENDS_ON', spdx_id('debian', p.name)))
    content = sha('sha256', ''.join(f"{sha('sha256', d)}  {p}\n" for p, d in sorted(files.items())).encode())
    image = {'SPDXID': IMAGE, 'name': name, 'versionInfo': version, 'downloadLocation': NONE, 'filesAnalyzed': False,
             'supplier': 'Organization: The Varve authors', 'licenseConcluded': NONE, 'licenseDeclared': NONE, 'copyrightText': NONE,
             'primaryPackagePurpose': 'CONTAINER'}
    return json.dumps({
        'spdxVersion': 'SPDX-2.3', 'dataLicense': 'CC0-1.0', 'SPDXID': 'SPDXRef-DOCUMENT', 'name': f'{name}:{version}',
        'documentNamespace': f'https://spdx.org/spdxdocs/{name.replace("/", "-")}-{version}-{content}',
        'creationInfo': {'created': created, 'creators': ['Tool: varve-make-image', 'Organization: The Varve authors']},
        'documentDescribes': [IMAGE],
        'packages': [image, ours_entry(version, revision, licence, ours, files)] + [debian_entry(p, files, os_release) for p in debian],
        'files': [file_entry(p, d) for p, d in sorted(files.items())], 'relationships': relations}, indent=1, sort_keys=True).encode() + b'\n'
