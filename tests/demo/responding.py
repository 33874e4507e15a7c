# SPDX-License-Identifier: Apache-2.0
"""The commands of docs/RESPONDING.md: DOC LOG VARVE runs each `$ ` line of its console blocks against the log directory, and says whether it
ended as the page has it and printed something where the page has something. --write: puts what they print into the page."""
import os
import re
import subprocess
import sys
import tempfile

LINE_MAX, LINES_MAX = 160, 120


def run(command, log, varve, cwd):
    names = {"/var/lib/varve": log}
    if os.environ.get("work"):
        names["/run/case"] = os.environ["work"]
    env = dict(os.environ, PATH=os.path.dirname(os.path.abspath(varve)) + ":" + os.environ["PATH"])
    for name, path in names.items():
        command = command.replace(name, path)
    done = subprocess.run(["bash", "-c", command], cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode("utf-8", "replace")
    for name, path in names.items():
        text = text.replace(path, name)
    return done.returncode, text


def shown(status, text):
    lines = [line if len(line) <= LINE_MAX else line[: LINE_MAX - 1] + "…" for line in text.rstrip("\n").split("\n")] if text else []
    if len(lines) > LINES_MAX:
        lines = lines[: LINES_MAX - 1] + [f"... and {len(lines) - LINES_MAX + 1} lines more"]
    return lines + ([f"(exit status {status})"] if status else [])


def block(text, log, varve, cwd, write):
    """A console block: its text anew, and what was wrong."""
    out, wrong = [], []
    parts = re.split(r"(?m)^\$ ", text)
    for part in parts[1:]:
        command, _, was = part.partition("\n")
        status, printed = run(command, log, varve, cwd)
        out += ["$ " + command] + shown(status, printed)
        expected = re.search(r"\(exit status (\d+)\)\n*\Z", was)
        expected = int(expected[1]) if expected else 0
        if not write and (status != expected or bool(was.strip()) != bool(printed or status)):
            wrong.append(f"{command}: exit status {status}, not {expected}: {printed[:200]!r}")
        elif not write:
            print(f"ok {command[:100]}")
    return "\n".join(out) + "\n", wrong


def main():
    write = "--write" in sys.argv
    doc, log, varve = [a for a in sys.argv[1:] if a != "--write"]
    wrong = []
    with tempfile.TemporaryDirectory() as cwd, open(doc) as f:
        text = f.read()
        os.symlink(os.path.join(os.path.abspath(log), "sensor.pub"), os.path.join(cwd, "sensor.pub"))

        def one(m):
            new, w = block(m[1], os.path.abspath(log), varve, cwd, write)
            wrong.extend(w)
            return f"```console\n{new}```\n"

        text = re.sub(r"(?ms)^```console\n(.*?)^```\n", one, text)
    if write:
        with open(doc, "w") as f:
            f.write(text)
    for line in wrong:
        print(f"not ok {line}")
    return bool(wrong)


sys.exit(main())
