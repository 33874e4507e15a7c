# SPDX-License-Identifier: Apache-2.0
# Sourced by what makes an overlay for a virtual machine.

# copy_libraries ROOT PROGRAM...: the libraries that the programs need, where they look for them.
copy_libraries() {
	local root=$1 lib
	for lib in $(ldd "${@:2}" | grep -o '/[^ ]*\.so[^ ]*' | sort -u); do
		mkdir -p "$root$(dirname "$lib")"
		cp -L "$lib" "$root$lib"
	done
}
