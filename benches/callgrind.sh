#!/bin/sh
# User-space instructions for each operation, without memcpy, memmove and memset, into instructions.txt beside this script.
# usage: benches/callgrind.sh [RUNNER...]
# Keep the profiles with CALLGRIND_OUT=folder; then callgrind_annotate shows them function by function.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
runners=${*:-"stator-ct stator-blocking"}
features=
case "$runners" in *official*) features="--features official" ;; esac
cd "$here/.."
# shellcheck disable=SC2086
cargo build --release -p stator-benches --bins $features
target=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release

work=$(mktemp -d)
keep=${CALLGRIND_OUT:-$work}
mkdir -p "$keep"
mkfifo "$work/hold"
"$target/replay" <"$work/hold" >"$work/address" &
# The server ends when this script, and with it the other end of the pipe, does.
exec 3>"$work/hold"
trap 'exec 3>&-; rm -rf "$work"' EXIT
while [ ! -s "$work/address" ]; do sleep 0.05; done
address=$(cat "$work/address")

# callgrind's file: "fn=(id) name" begins a function, whose name may also have been given in "cfn=" before; its own lines
# are "position cost"; the line after "calls=" is
# inclusive cost of somebody else. "%d" would end at 2^31 in some awks.
per_operation() {
    awk -v operations="$2" '
        /^c?fn=/ {
            id = $1; sub(/^c?fn=/, "", id)
            if (NF > 1) { name = $0; sub(/^c?fn=\([0-9]+\) /, "", name); names[id] = name }
            if (/^fn=/) fn = names[id]
            next
        }
        /^calls=/ { skip = 1; next }
        /^[0-9+*-]/ {
            if (skip) { skip = 0; next }
            if (fn !~ /mem(cpy|move|set)/) total += $2
        }
        END { printf "%.0f\n", total / operations }
    ' "$1"
}

{
    echo "# Instructions per operation in user space, without memcpy, memmove and memset; an operation of find-many is one document."
    echo "# Written by callgrind.sh: $(rustc --version | cut -d' ' -f1,2), $(uname -m), tweets of benches/src/data.rs or the specification."
    printf '%-20s %-17s %12s\n' '# task' runner instructions
    for task in $("$target/driverbench" --list); do
        case "$task" in find-many*) operations=5000 ;; *) operations=500 ;; esac
        for runner in $runners; do
            out="$keep/$runner.$task.callgrind"
            done=$(valgrind -q --tool=callgrind --callgrind-out-file="$out" --toggle-collect='callgrind::measured*' \
                --compress-strings=yes "$target/callgrind" "$address" "$runner" "$task" "$operations")
            printf '%-20s %-17s %12s\n' "$task" "$runner" "$(per_operation "$out" "$done")"
        done
    done
} >"$work/table"
cp "$work/table" "$here/instructions.txt"
cat "$here/instructions.txt"
