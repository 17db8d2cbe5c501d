#!/usr/bin/env bash
# Fuzzes each target for some seconds: fuzz/run.sh [SECONDS] [TARGET …]. Needs a nightly toolchain and cargo-fuzz.
#
# What it finds on the way goes to fuzz/corpus.live, which is not committed; crashes go to fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."
export RAYON_NUM_THREADS=1
seconds=${1:-30}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list)
for target in "${targets[@]}"; do
    echo "== $target: $seconds s"
    mkdir -p "fuzz/corpus.live/$target"
    code=0
    cargo +nightly fuzz run "$target" "fuzz/corpus.live/$target" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 > "fuzz/corpus.live/$target.log" 2>&1 || code=$?
    grep -E 'stat::number|stat::peak|stat::slowest|ERROR|SUMMARY|panicked' "fuzz/corpus.live/$target.log" || true
    [ $code = 0 ] || { tail -n 40 "fuzz/corpus.live/$target.log"; exit 1; }
done
