#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
#
# Feeds the JSON parser and writer random documents: fuzz.sh [seconds, 60 unless told]
# A failing input is left in .build/fuzz/; give it to .build/fuzz/json-fuzz to see it fail again.
set -eu

seconds=${1:-60}
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/.build/fuzz
mkdir -p "$build/corpus"

find "$root/Sources/JSONCore" -name '*.swift' | sort > "$build/sources.txt"
swiftc -parse-as-library -swift-version 6 -O -wmo -module-name JSONFuzz -sanitize=fuzzer,address \
    -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault \
    -enable-upcoming-feature MemberImportVisibility \
    -o "$build/json-fuzz" @"$build/sources.txt" "$root/Tests/JSONFuzz/FuzzTarget.swift"

# New inputs go to the first folder; the seeds in the second are only read.
exec "$build/json-fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -max_len=4096 \
    -dict="$root/Tests/JSONFuzz/json.dict" -artifact_prefix="$build/" -print_final_stats=1 \
    "$build/corpus" "$root/Tests/JSONFuzz/corpus"
