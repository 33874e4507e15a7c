#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clickhouse.py SQL-DIRECTORY SCHEMA OURS RECORDS: the tables, views and hunts of deploy/consumers/clickhouse, run by chdb (ClickHouse as a
library) on files that hold one record each, as Kafka's do. chdb has no Kafka engine: a Memory table of the same columns stands for the queue,
with the virtual columns that the engine would have, and is filled through ProtobufSingle; the views are as they are."""
import json
import re
import sys
import tempfile
from unittest.mock import MagicMock

sys.modules["pyarrow"] = MagicMock()  # chdb wants it at import for conversions that nobody asks for here
from chdb import session  # noqa: E402

sql_dir, schema, ours_file, records = sys.argv[1:]
HERE_QUEUE = "ENGINE = Memory"
VIRTUAL = ", _error String, _raw_message String, _topic String, _partition UInt64, _offset UInt64"


def statements(name):
    """Each statement and the last comment before it."""
    comment, out, text = "", [], []
    for line in open(f"{sql_dir}/{name}"):
        if line.startswith("--") and not text:
            comment = line[2:].strip()
        elif line.strip():
            text.append(line)
            if line.rstrip().endswith(";"):
                out.append((comment, "".join(text).rstrip().rstrip(";")))
                text = []
    assert not text, f"{name}: a statement without an end"
    return out


db = session.Session(tempfile.mkdtemp(dir=records + "/.."))


def rows(query):
    text = str(db.query(query, "JSONEachRow"))
    return [json.loads(line) for line in text.splitlines()]


def same(what, got, want):
    if got != want:
        sys.exit(f"{what}: {got}, want {want}")


for _, statement in statements("tables.sql"):
    db.query(statement)
columns = None
for _, statement in statements("kafka.sql"):
    if "ENGINE = Kafka" in statement:
        try:  # it parses, and only the engine is not there
            db.query(statement)
            sys.exit("chdb has a Kafka engine by now: use it")
        except RuntimeError as e:
            if "Unknown table engine Kafka" not in str(e):
                raise
        columns = re.search(r"\n\((.*?)\n\)\nENGINE = Kafka", statement, re.S).group(1)
        statement = f"CREATE TABLE varve.queue ({columns}{VIRTUAL}) {HERE_QUEUE}"
    db.query(statement)
names = ", ".join(c.split()[0] for c in columns.strip().split(",\n"))
structure = columns.strip().replace("\n", " ").replace("'", "\\'")
db.query(f"INSERT INTO varve.queue ({names}) SELECT {names} FROM file('{records}/*.bin', ProtobufSingle, '{structure}') "
         f"SETTINGS format_schema='{schema}:Event'")
db.query("INSERT INTO varve.queue (_error, _raw_message, _topic, _offset) VALUES ('cannot parse', 'x', 'varve.events', 7)")

ours = [json.loads(line) for line in open(ours_file)]
same("rows", rows("SELECT count() AS n FROM varve.events FINAL"), [{"n": len(ours)}])
same("rows before they are merged or made one", rows(f"SELECT count() >= {len(ours)} AS n FROM varve.events"), [{"n": 1}])
same("kinds", {r["kind"] for r in rows("SELECT DISTINCT kind FROM varve.events")}, {e["kind"] for e in ours})
same("unreadable", rows("SELECT topic, offset, error FROM varve.unreadable"), [{"topic": "varve.events", "offset": 7, "error": "cannot parse"}])

# Every column holds in each row what the record has in that field; absent is NULL, zero is zero.
SPECIAL = {"time", "dns_names", "dns_answers"}
checked = 0


def value_of(event, column):
    def walk(node, rest):
        if not rest:
            return [node]
        found = []
        for n in range(1, len(rest) + 1):
            name = "_".join(rest[:n])
            if isinstance(node, dict) and name in node:
                found += walk(node[name], rest[n:])
        return found
    found = walk(event, column.split("_"))
    return found[0] if found else None


table = rows("SELECT * FROM varve.events FINAL ORDER BY node_name, run_id, sequence")
for row, event in zip(table, sorted(ours, key=lambda e: (e["node_name"], e["run_id"], int(e["sequence"])))):
    for column, got in row.items():
        if column in SPECIAL or column.startswith("account_"):
            continue
        want = value_of(event, column)
        if isinstance(got, list) or isinstance(want, list):
            same(f"{event['kind']} {column}", got or None, want or None)
        else:
            same(f"{event['kind']} {column}", None if got is None else str(got).lower(), None if want is None else str(want).lower())
        checked += want is not None
filled = [c for c in table[0] if any(r[c] not in (None, [], "") for r in table)]
empty = sorted(set(table[0]) - set(filled))
print(f"# {checked} values of {len(table)} records compared, in {len(filled)} of {len(table[0])} columns; not in these records: {', '.join(empty)}")

hunts = statements("hunts.sql")
for name, hunt in hunts:
    got = rows(hunt)
    print(f"# {len(got):3} rows: {name}")


def declared(kind, why):
    sums = {}
    for e in ours:
        if e["kind"] == kind.upper():
            key = (kind.upper(), e[kind].get("event_class"), e[kind][why])
            sums[key] = sums.get(key, 0) + int(e[kind]["count"])
    return [(*key, n) for key, n in sums.items()]


lost = {}
for r in rows([h for n, h in hunts if n.startswith("what is missing: declared")][0]):
    key = (r["kind"], r["class"], r["why"])
    lost[key] = lost.get(key, 0) + int(r["events"])
same("declared losses", sorted((*key, n) for key, n in lost.items()), sorted(declared("loss", "cause") + declared("suppression", "reason")))
gaps = [h for n, h in hunts if n.startswith("what is missing: which")][0]
same("gaps before one is made", rows(gaps), [])
account = [h for n, h in hunts if n.startswith("the account")][0]
same("account", sorted((r["container_id"], r["class"], *(int(r[n]) for n in ("generated", "recorded", "lost", "suppressed"))) for r in rows(account)),
     sorted((e["container"]["id"], c["event_class"], *(int(c[n]) for n in ("generated", "recorded", "lost", "suppressed")))
            for e in ours if e["kind"] == "ACCOUNT" for c in e["account"]["counts"] if int(c["generated"])))
same("pod", len(rows([h for n, h in hunts if n == "all that a pod did"][0])), sum(e.get("pod", {}).get("name") == "web-7f9" for e in ours))
# A gap is found, and the right one.
db.query("CREATE TABLE varve.copy AS varve.events")
db.query("INSERT INTO varve.copy SELECT * FROM varve.events FINAL WHERE sequence NOT IN (5, 6)")
same("the gap", [(int(r["missing_from"]), int(r["missing_to"])) for r in rows(gaps.replace("varve.events", "varve.copy"))], [(5, 6)])
first = [h for n, h in hunts if n.startswith("what is missing: numbers")][0]
same("missing numbers", [int(r["missing"]) for r in rows(first.replace("varve.events", "varve.copy"))], [2])
db.close()
