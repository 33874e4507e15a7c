#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No API server answers, and no runtime's files are there: names are missing, nothing else.
. "$(dirname "$0")/lib.bash"
mkdir "$work/empty"
begin --kube-api https://127.0.0.1:1 --kube-token-file "" --kube-ca-file tests/kafka/pom.xml --host-root "$work/empty"
sleep 2
end
judge runs=1 lost=0
finish
