#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fluent_bit.py CONFIG OURS: the Lua of deploy/consumers/fluent-bit on each line, by LuaJIT, which Fluent Bit has as well."""
import json
import sys

import yaml
from lupa.luajit21 import LuaRuntime

config = yaml.safe_load(open(sys.argv[1]))
lua = LuaRuntime()
code = next(f for f in config["pipeline"]["filters"] if f["name"] == "lua")
lua.execute(code["code"])
function = lua.globals()[code["call"]]
for line in open(sys.argv[2]):
    event = json.loads(line)
    flat = {k: v for k, v in event.items() if not isinstance(v, (dict, list))}
    status, time, record = function("varve", lua.table(sec=0, nsec=0), lua.table_from(flat))
    assert status == 1
    assert int(time["sec"]) * 10**9 + int(time["nsec"]) == int(event["time_unix_nano"]), (event["kind"], time["sec"], time["nsec"])
    assert record["varve_id"] == f"{event['run_id']}/{event['sequence']}"
    assert record["varve_gap"] == (event["kind"] in ("LOSS", "SUPPRESSION"))
