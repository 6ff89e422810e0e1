#!/usr/bin/env bash
# Compiles every feature combination that exists, with all lints as errors: a feature without a job is fiction.
#
# Features only add codecs, TLS, Extended JSON, log messages and mongodb+srv, each in files of its own, so "none", "each alone" and "all" cover what can break.
set -euo pipefail
cd "$(dirname "$0")/.."

check() {
    echo "features: stator-client [$1]"
    cargo clippy --quiet -p stator-client --lib --no-default-features --features "$1" -- -D warnings
}

check ""
for feature in extjson snappy srv tls tls-encrypted-keys tracing zlib zstd; do check "$feature"; done
check "extjson snappy srv tls tls-encrypted-keys tracing zlib zstd"

# The adapters have TLS and mongodb+srv by default.
for crate in tokio smol async-std blocking; do
    echo "features: stator-$crate without TLS and mongodb+srv"
    cargo clippy --quiet -p "stator-$crate" --lib --no-default-features -- -D warnings
done

# The features above are all there are: whoever adds one adds it here.
known="extjson snappy srv tls tls-encrypted-keys tracing zlib zstd"
found=$(cargo metadata --quiet --no-deps --format-version 1 |
    python3 -c 'import json, sys
packages = json.load(sys.stdin)["packages"]
print(" ".join(sorted({f for p in packages for f in p["features"] if p["name"] == "stator-client" and f != "default"})))')
if [ "$found" != "$known" ]; then
    echo "features: stator-client has [$found], this script knows [$known]" >&2
    exit 1
fi
