# SPDX-License-Identifier: Apache-2.0
# Is there anything in these files that a terminal would act on, or hide? Control characters (C0 but newline and tab, DEL, C1), invisible
# and direction-changing ones, and what is not UTF-8.
import sys


def is_bad(c):
    n = ord(c)
    return ((n < 0x20 and c not in '\n\t') or 0x7f <= n <= 0x9f or 0x200b <= n <= 0x200f or 0x202a <= n <= 0x202e
            or 0x2066 <= n <= 0x2069 or n == 0xfeff)


failed = False
for path in sys.argv[1:]:
    try:
        text = open(path, 'rb').read().decode('utf-8')
    except UnicodeDecodeError as e:
        print(f'{path}: not UTF-8: {e}')
        failed = True
        continue
    bad = sorted({f'U+{ord(c):04X}' for c in text if is_bad(c)})
    if bad:
        print(f'{path}: has {" ".join(bad)}')
        failed = True
sys.exit(failed)
