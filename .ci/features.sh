#!/usr/bin/env bash
# Every feature compiles alone, with the others and without any: a cfg without a job is fiction.
set -euo pipefail
cd "$(dirname "$0")/.."

# "crate feature feature ..." for each of our crates that has features, so that a new one cannot be forgotten here.
crates=$(cargo metadata --locked --no-deps --format-version 1 | python3 -c '
import json, sys
for package in json.load(sys.stdin)["packages"]:
    features = sorted(set(package["features"]) - {"default"})
    if features:
        print(package["name"], *features)')
[ -n "$crates" ]

while read -r crate features; do
    for combination in "" $features "$features"; do
        echo "$crate: ${combination:-none}"
        cargo clippy --quiet --locked -p "$crate" --no-default-features --features "$combination" -- -D warnings </dev/null
    done
done <<<"$crates"
