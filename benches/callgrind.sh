#!/bin/sh
# User-space instructions for each operation, without memcpy, memmove and memset, into instructions.txt beside this script.
# usage: benches/callgrind.sh [RUNNER...]            counts and writes the file
#        benches/callgrind.sh --check [RUNNER...]    counts and fails if anything takes over 5 % more than the file says
# Only runners that work on the calling thread can be counted: floor, stator-ct, stator-blocking, official-ct.
# Keep the profiles with CALLGRIND_OUT=folder; then callgrind_annotate shows them function by function. TASKS="a b" counts only these.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
file=$here/instructions.txt
check=
if [ "${1:-}" = --check ]; then
    check=yes
    shift
fi
runners=${*:-"floor stator-ct stator-blocking"}
features=
case "$runners" in *official*) features="--features official" ;; esac
cd "$here/.."
# shellcheck disable=SC2086
cargo build --release -p stator-benches --bin callgrind --bin replay $features
target=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release
# Generated documents, so that the counts are the same wherever they are made.
export STATOR_BENCH_DATA=/nonexistent
tasks=${TASKS:-$("$target/callgrind" --list)}

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
    echo "# Instructions per operation in user space, without memcpy, memmove and memset; of find-many and bulk-insert, per document."
    echo "# Written by callgrind.sh: $(rustc --version | cut -d' ' -f1,2), $(uname -m), generated documents."
    printf '%-20s %-17s %12s\n' '# task' runner instructions
    for task in $tasks; do
        # Batches are of a thousand.
        case "$task" in find-many* | bulk*) operations=5000 ;; *) operations=500 ;; esac
        for runner in $runners; do
            out="$keep/$runner.$task.callgrind"
            done=$(valgrind -q --tool=callgrind --callgrind-out-file="$out" --toggle-collect='callgrind::measured*' \
                --compress-strings=yes "$target/callgrind" "$address" "$runner" "$task" "$operations")
            [ "$done" = 0 ] || printf '%-20s %-17s %12s\n' "$task" "$runner" "$(per_operation "$out" "$done")"
        done
    done
} >"$work/table"

if [ -z "$check" ]; then
    cp "$work/table" "$file"
    cat "$file"
    exit
fi
# Of what is counted per operation a hundred instructions more are always allowed, per document five: so far they differ by themselves.
# A line of the file that was asked for and not counted is a failure.
awk -v runners=" $runners " -v tasks=" $(echo $tasks) " '
    /^#/ { next }
    NR == FNR { old[$1 " " $2] = $3; if (index(runners, " " $2 " ") && index(tasks, " " $1 " ")) left[$1 " " $2] = 1; next }
    { delete left[$1 " " $2] }
    !(($1 " " $2) in old) { printf "%-20s %-17s %12s           new\n", $1, $2, $3; next }
    {
        was = old[$1 " " $2]
        bad = $3 > was * 1.05 && $3 > was + ($1 ~ /^(find-many|bulk)/ ? 5 : 100)
        failed += bad
        printf "%-20s %-17s %12s %+9.1f %%%s\n", $1, $2, $3, was ? ($3 / was - 1) * 100 : 0, bad ? "  FAILED: was " was : ""
    }
    END {
        for (line in left) { print line, "was not counted"; failed++ }
        exit failed > 0
    }
' "$file" "$work/table"
