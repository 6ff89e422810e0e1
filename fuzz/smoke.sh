#!/usr/bin/env bash
# Builds every fuzz target once and runs each for some seconds, from its seeds and whatever corpus is there.
#
#   fuzz/smoke.sh [seconds per target, default 10] [target ...]
#
# Prints one line per target; the exit code is 1 if any has failed, and what failed stays in fuzz/artifacts.
# Needs a nightly toolchain (FUZZ_TOOLCHAIN, default "nightly") and a C++ compiler.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-10}
shift || true
toolchain=${FUZZ_TOOLCHAIN:-nightly}

if ! cargo "+$toolchain" --version >/dev/null 2>&1; then
    echo "smoke: no toolchain '$toolchain': rustup toolchain install $toolchain --profile minimal" >&2
    exit 2
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "smoke: installing cargo-fuzz" >&2
    cargo install cargo-fuzz --locked
fi

if [ $# -gt 0 ]; then targets=("$@"); else mapfile -t targets < <(cargo "+$toolchain" fuzz list); fi
cargo "+$toolchain" fuzz build

failed=0
for target in "${targets[@]}"; do
    # The first folder takes what is found, the others are only read.
    mkdir -p "corpus/$target" artifacts
    corpus=("corpus/$target")
    [ -d "seeds/$target" ] && corpus+=("seeds/$target")
    log="artifacts/$target.log"
    if cargo "+$toolchain" fuzz run "$target" "${corpus[@]}" -- \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 >"$log" 2>&1
    then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        speed=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
        memory=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
        printf '%-14s ok      %9s runs  %7s/s  %5s MB\n' "$target" "$runs" "$speed" "$memory"
        rm -f "$log"
    else
        failed=1
        printf '%-14s FAILED  %s\n' "$target" "$(grep -m1 -E 'panicked at|ERROR: |error: ' "$log" || true)"
        # What a reader of a CI log needs: the panic, and the input that causes it.
        tail -n 40 "$log" >&2
    fi
done
exit "$failed"
