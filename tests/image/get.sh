#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Gets what checks the SBOM, once, and prints its directory: ${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/image-...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}
dir=$cache/image-$(sha256sum "$here/requirements.txt" | cut -c1-16)
mkdir -p "$cache"
exec 9>"$cache/image.lock"
flock 9
if [ ! -d "$dir" ]; then
	rm -rf "$dir.new"
	/usr/bin/python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir.new" -r "$here/requirements.txt" >&2
	mv "$dir.new" "$dir"
fi
echo "$dir"
