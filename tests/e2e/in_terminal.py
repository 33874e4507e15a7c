# SPDX-License-Identifier: Apache-2.0
# Runs a program in a terminal of its own, types what it is told, and prints all that came out of it, as it is.
#   in_terminal.py [--type TEXT]... [--rows N] COMMAND...
# Each TEXT is typed when nothing came for a while; escapes as in Python. Ends as the program did.
import argparse, os, pty, select, struct, sys, termios, fcntl, time

args = argparse.ArgumentParser()
args.add_argument('--type', action='append', default=[])
args.add_argument('--rows', type=int, default=24)
args.add_argument('--quiet', type=float, default=0.4)
args.add_argument('command', nargs=argparse.REMAINDER)
a = args.parse_args()

pid, fd = pty.fork()
if not pid:
    os.execvp(a.command[0], a.command)
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', a.rows, 80, 0, 0))
out, typed, deadline = b'', list(a.type), time.time() + 30
while time.time() < deadline:
    if not select.select([fd], [], [], a.quiet)[0]:
        if typed:
            os.write(fd, typed.pop(0).encode().decode('unicode_escape').encode('latin-1'))
        continue
    try:
        piece = os.read(fd, 65536)
    except OSError:
        break
    if not piece:
        break
    out += piece
else:
    os.kill(pid, 9)
sys.stdout.buffer.write(out)
sys.stdout.flush()
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) & 255)
