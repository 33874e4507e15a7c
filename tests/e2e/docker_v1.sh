#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real Docker on an old node, that has cgroup v1 alone.
V1_ONLY=1 exec "$(dirname "$0")/docker.sh"
