# SPDX-License-Identifier: Apache-2.0
# Packages of any Debian suite, sourced: from the mirror that this machine's apt uses (TEST_DEBIAN_MIRROR: another), with an apt state of
# its own below $work: the machine's sources and lists stay as they are. Debian's signatures are checked. What fails is told in $work/err.
die() { echo "vm: $*" >&2; exit 125; }

# The mirror, as the machine's own sources name it: by its label if its lists are there, else by its path.
debian_mirror() { # LABEL PATH
	apt-get indextargets --format '$(REPO_URI)|$(LABEL)' 'Created-By: Packages' 2>/dev/null |
		awk -F'|' -v label="$1" -v path="/$2/?\$" '$2 == label || $2 !~ /^Debian/ && $1 ~ path { print $1; exit }'
}

debian_sources() { # SUITE...
	local archive security keys=/usr/share/keyrings/debian-archive-keyring.gpg s
	archive=${TEST_DEBIAN_MIRROR:-$(debian_mirror Debian debian)}
	security=$(debian_mirror Debian-Security debian-security)
	[ -n "$archive" ] || die "this machine's apt names no Debian mirror: say one by TEST_DEBIAN_MIRROR"
	[ -s $keys ] || die "no $keys: install debian-archive-keyring"
	for s; do
		case $s in
		*-security) [ -z "$security" ] || echo "deb [arch=amd64 signed-by=$keys] $security $s main" ;;
		*) echo "deb [arch=amd64 signed-by=$keys] $archive $s main" ;;
		esac
	done >"$work/sources"
	mkdir -p "$work"/{lists,archives}/partial
	# A suite that the mirror no longer has must not cost the others.
	debian apt-get update >/dev/null || true
}

debian() { # TOOL ARGUMENTS...
	local tool=$1
	shift
	"$tool" -q -o Dir::Etc::sourcelist="$work/sources" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$work/lists" \
		-o Dir::Cache="$work" -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none -o Acquire::Retries=3 \
		-o APT::Sandbox::User=root -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@" 2>>"$work/err"
}
