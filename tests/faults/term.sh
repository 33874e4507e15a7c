#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# SIGTERM in mid-drain, and a start again, under load: as kill.sh, but that each run has its end.
HOW=stop CLEAN=1 TIMES=${TIMES:-$([ -n "${LONG:-}" ] && echo 50 || echo 3)} exec "$(dirname "$0")/kill.sh"
