#!/usr/bin/env bash
# Budgets that erode unseen: packages in the tree of each crate, runtimes that must not meet, lines of an adapter.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

packages() {
    cargo tree -p "$1" --edges normal --prefix none --no-dedupe | sort -u | wc -l
}

at_most() { # what, number, limit
    if [ "$2" -gt "$3" ]; then
        echo "FAILED: $1: $2, at most $3"
        failed=1
    else
        echo "$1: $2 (at most $3)"
    fi
}

absent() { # crate, pattern: package names that must not be in its tree, development dependencies included
    if found=$(cargo tree -p "$1" --edges all --prefix none --no-dedupe | cut -d' ' -f1 | sort -u | grep -xE "$2"); then
        echo "FAILED: the tree of $1 contains: $found"
        failed=1
    else
        echo "$1: none of $2"
    fi
}

at_most "packages of stator-tokio" "$(packages stator-tokio)" 81
at_most "packages of stator-proto" "$(packages stator-proto)" 24
for crate in smol async-std blocking; do
    absent "stator-$crate" 'tokio|tokio-.*'
done
absent stator-blocking 'async-.*|smol|futures-executor|futures-lite|pollster'
absent stator-proto 'std|bson|serde'
for crate in tokio smol async-std blocking; do
    at_most "lines of adapters/$crate" "$(cat adapters/$crate/src/*.rs | wc -l)" 200
done
exit $failed
