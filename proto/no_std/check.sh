#!/usr/bin/env bash
# Builds and runs the freestanding binary in both profiles. See README.md for what that proves.
set -euo pipefail
cd "$(dirname "$0")"

for profile in dev release; do
    folder=$([ "$profile" = dev ] && echo debug || echo "$profile")
    cargo build --quiet --profile "$profile"
    binary=target/$folder/stator-no-std
    printf '%-8s ' "$profile"
    "$binary"
    # Without a library there is nothing to load at run time, and nothing is left undefined.
    if command -v nm >/dev/null && [ -n "$(nm --undefined-only "$binary")$(nm --dynamic "$binary" 2>/dev/null)" ]; then
        echo "$binary needs symbols from elsewhere" >&2
        exit 1
    fi
done
