#!/usr/bin/env bash
# Fuzzes each target for some seconds, one target a core: fuzz/run.sh [SECONDS] [TARGET …]. Needs a nightly toolchain and
# cargo-fuzz.
#
# SANITIZER=address asks for one. Without it more is tried: the code that reads evidence is free of `unsafe`, and overflow and
# debug assertions are on. FUZZ_SEED repeats a search. FUZZ_RUNS ends it after so many executions; with 0 SECONDS there is no other end.
# What it finds on the way goes to fuzz/corpus.live, which is not committed; crashes go to fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."
export RAYON_NUM_THREADS=1 seconds=${1:-30} sanitizer=${SANITIZER:-none} seed=${FUZZ_SEED:-0} runs=${FUZZ_RUNS:--1}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list)

fuzz() {
    local target=$1 code=0 live=fuzz/corpus.live/$1
    mkdir -p "$live"
    cargo +nightly fuzz run -s "$sanitizer" "$target" "$live" "fuzz/corpus/$target" -- -max_total_time="$seconds" -runs="$runs" -seed="$seed" \
        -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 > "$live.log" 2>&1 || code=$?
    if [ "$runs" = -1 ]; then echo "== $target: $seconds s"; else echo "== $target: $runs executions"; fi
    grep -E 'stat::number|stat::peak|stat::slowest|ERROR|SUMMARY|panicked' "$live.log" || true
    [ $code = 0 ] || { tail -n 40 "$live.log"; return 1; }
}
export -f fuzz

cargo +nightly fuzz build -s "$sanitizer" 2>&1 | tail -n 1
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I {} bash -c 'fuzz {}'
