#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A netmap program that knows nothing of us, over libnetmap-user.so: every
# request and error of the API, as test_nmapi checks them in process.
cd "$(dirname "$0")/../.." || exit 1
CMOCKA_MESSAGE_OUTPUT=TAP
export CMOCKA_MESSAGE_OUTPUT
exec timeout 120 "${KIPFW_BIN:-./bin}/netmap-run" \
    build/release/test/foreign/test_nmapi
