# SPDX-License-Identifier: Apache-2.0
"""Where in a process's memory bytes are: PID, then private keys' files (signed note form). Prints for each key and mapping that has its
32 bytes: FILE locked|swappable nodump|dumped MAPPING."""
import base64
import re
import sys


def mappings(pid):
    """Of what can be read: first, last address, name, flags."""
    span = None
    with open(f"/proc/{pid}/smaps") as f:
        for line in f:
            head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (r?)\S* \S+ \S+ \S+ *(.*)", line)
            if head:
                span = (int(head[1], 16), int(head[2], 16), head[4].strip(), head[3])
            elif line.startswith("VmFlags:") and span[3] and span[2] not in ("[vvar]", "[vvar_vclock]", "[vsyscall]"):
                yield *span[:3], line.split()[1:]


def main():
    seeds = {}
    for name in sys.argv[2:]:
        with open(name) as f:
            text = f.read().strip("\0\n")
        seeds[name] = base64.b64decode(text.split("+", 4)[4])[-32:]
    with open(f"/proc/{sys.argv[1]}/mem", "rb", 0) as mem:
        for first, last, name, flags in mappings(sys.argv[1]):
            try:
                mem.seek(first)
                data = mem.read(last - first)
            except OSError:  # of a device, or a ring's page that is not to be read
                continue
            for key, seed in seeds.items():
                if seed in data:
                    print(key, "locked" if "lo" in flags else "swappable", "nodump" if "dd" in flags else "dumped", name or "anonymous")


main()
