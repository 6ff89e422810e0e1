#!/usr/bin/env bash
# Every feature compiles alone, with the others and without any: a cfg without a job is fiction.
set -euo pipefail
cd "$(dirname "$0")/.."
for features in "" snappy zlib zstd snappy,zlib,zstd; do
    echo "stator-client: ${features:-none}"
    cargo clippy --quiet -p stator-client --no-default-features --features "$features" -- -D warnings
done
