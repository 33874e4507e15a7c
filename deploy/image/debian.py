# SPDX-License-Identifier: Apache-2.0
"""What the machine's Debian packages give the image: shared libraries as ldd finds them, certificates, licences; each file is the one that
its package had, by the package's own checksum, so that what the image says of its contents is true."""
import glob, hashlib, os, re, subprocess, sys


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=dict(os.environ, LC_ALL='C')).stdout


def merged(path):
    """Where a file is on a system whose /lib is /usr/lib."""
    return '/usr' + path if re.match(r'/(lib|lib64|bin|sbin)/', path) else path


class Package:
    FIELDS = {'name': 'Package', 'version': 'Version', 'arch': 'Architecture', 'maintainer': 'Maintainer', 'source': 'source:Package',
              'source_version': 'source:Version', 'homepage': 'Homepage', 'summary': 'binary:Synopsis'}

    def __init__(self, name):
        values = run('dpkg-query', '-W', '-f', '\n'.join('${%s}' % f for f in self.FIELDS.values()), name).split('\n')
        for field, value in zip(self.FIELDS, values):
            setattr(self, field, value)
        self.id = name
        self.md5sums = dict(reversed(line.split('  ', 1)) for line in run('dpkg-query', '--control-show', name, 'md5sums').splitlines())
        self.files = []  # in the image

    def read(self, path):
        """The file's bytes, which must be the package's."""
        with open(path, 'rb') as f:
            data = f.read()
        known = [self.md5sums[p] for p in (merged(path)[1:], merged(path)[len('/usr/'):]) if p in self.md5sums]
        if hashlib.md5(data).hexdigest() not in known:
            sys.exit(f'image: {path} is not what the package {self.id} has: install it anew')
        return data

    def status(self):
        lines, skip = [], False
        for line in run('dpkg-query', '-s', self.id).splitlines():
            if line[:1] != ' ':
                skip = line.startswith(('Status:', 'Conffiles:'))
            if not skip:
                lines.append(line)
        return '\n'.join(lines).encode() + b'\n'

    def copyright(self):
        with open(os.path.realpath(f'/usr/share/doc/{self.name}/copyright'), 'rb') as f:
            return f.read()


class Packages:
    """Those that the image has something of."""

    def __init__(self, tree):
        self.tree = tree
        self.by_id = {}
        self.needed = set()  # ids: by our programs

    def owners(self, paths):
        """The package of each; asked for at once, since dpkg reads all its lists for it."""
        names = {n: p for p in paths for n in (p, merged(p), merged(p)[len('/usr'):])}
        found = subprocess.run(['dpkg-query', '-S', *names], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        of = {}
        for line in found.splitlines():
            package, _, name = line.rpartition(': ')
            if name in names and not line.startswith('diversion '):
                of[names[name]] = self.package(package.split(', ')[0])
        for path in set(paths) - set(of):
            sys.exit(f'image: no package has {path}')
        return of

    def package(self, name):
        if name not in self.by_id:
            self.by_id[name] = Package(name)
        return self.by_id[name]

    def put(self, package, path, data):
        self.tree.file(path.lstrip('/'), data, 0o755 if '.so' in os.path.basename(path) else 0o644)
        package.files.append(path.lstrip('/'))

    def libraries(self, programs):
        """The shared libraries that these load, and what loads them."""
        loaded = run('ldd', *programs)
        if 'not found' in loaded:
            sys.exit('image: a library is missing')
        found = sorted(set(re.findall(r'(?:=> |^\t)(/\S+) \(0x', loaded, re.M)))
        owners = self.owners([os.path.realpath(p) for p in found])
        for path in found:
            real = os.path.realpath(path)
            package = owners[real]
            self.needed.add(package.id)
            self.put(package, merged(real), package.read(real))
            asked = merged(os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path)))
            for name in {asked, merged(path)} - {merged(real)}:
                self.tree.link(name[1:], os.path.relpath(merged(real), os.path.dirname(name)))

    def certificates(self):
        """Mozilla's, as the package brings them: not those that this machine trusts besides."""
        package = self.package('ca-certificates')
        data = [package.read(p) for p in sorted(glob.glob('/usr/share/ca-certificates/mozilla/*.crt'))]
        if not data:
            sys.exit('image: ca-certificates has no certificates')
        self.put(package, 'etc/ssl/certs/ca-certificates.crt', b''.join(d.rstrip(b'\n') + b'\n' for d in data))
        self.tree.link('usr/lib/ssl/cert.pem', '../../../etc/ssl/certs/ca-certificates.crt')  # OpenSSL's own default
        self.tree.link('usr/lib/ssl/certs', '../../../etc/ssl/certs')

    def system(self):
        """Which Debian it is (scanners ask), and the licences that copyright files only name."""
        package = self.package('base-files')
        self.put(package, 'usr/lib/os-release', package.read('/usr/lib/os-release'))
        self.tree.link('etc/os-release', '../usr/lib/os-release')
        for path in sorted(glob.glob('/usr/share/common-licenses/*')):
            if os.path.islink(path):
                self.tree.link(path[1:], os.readlink(path))
            else:
                self.put(package, path, package.read(path))

    def records(self):
        """Licences, and dpkg's data where scanners for images without dpkg look for it."""
        for package in self.by_id.values():
            self.put(package, f'usr/share/doc/{package.name}/copyright', package.copyright())
            self.put(package, f'var/lib/dpkg/status.d/{package.name}', package.status())
