#!/usr/bin/env bash
# Holds the binary against what any reader of the file must do: hash it (openssl), read it (dd).
# All of them in the same run, in alternating rounds, so that other work on the machine meets all alike.
#
#   cargo build --release && benches/ratios.sh big.db [rounds]
#
# Cold rounds empty the page cache first: all of it as root, else this file's part of it.
set -euo pipefail
file=${1:?usage: benches/ratios.sh FILE [ROUNDS]}
rounds=${2:-5}
sleuth=${ETCD_SLEUTH:-$(dirname "$0")/../target/release/etcd-sleuth}
[ -x "$sleuth" ] || { echo "no $sleuth: cargo build --release" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
size=$(stat -c %s "$file")

drop() {
    sync "$file"
    if [ "$(id -u)" = 0 ] && [ -w /proc/sys/vm/drop_caches ]; then
        echo 3 > /proc/sys/vm/drop_caches
    else
        dd if="$file" iflag=nocache count=0 status=none
    fi
}

# seconds NAME COMMAND…: adds the wall time of one run to NAME's list. scan exits with 2 when it finds something.
seconds() {
    local name=$1 start end code=0
    shift
    start=$(date +%s%N)
    "$@" > /dev/null 2>> "$work/errors" || code=$?
    end=$(date +%s%N)
    case $code in 0 | 2) ;; *) echo "$*: exit $code" >&2; cat "$work/errors" >&2; exit 1 ;; esac
    echo $((end - start)) >> "$work/$name"
}

# peak COMMAND…: largest anonymous memory of a run, in KiB, looked at every 10 ms. Mapped pages of the file are not in it.
peak() {
    local peak=0 now pid
    "$@" > /dev/null 2>&1 &
    pid=$!
    while now=$(awk '/^RssAnon/ { print $2 }' "/proc/$pid/status" 2> /dev/null) && [ -n "$now" ]; do
        [ "$now" -gt "$peak" ] && peak=$now
        sleep 0.01
    done
    wait "$pid" || true
    echo "$peak"
}

median() { sort -n "$work/$1" | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
least() { sort -n "$work/$1" | head -n 1; }
line() { # name, against
    awk -v name="$1" -v t="$(median "$1")" -v low="$(least "$1")" -v u="$(median "$2")" -v size="$size" -v against="$2" \
        'BEGIN { printf "%-22s median %6.2f s  least %6.2f s  %6.2f GB/s   %.2f x %s\n", name, t / 1e9, low / 1e9, size / t, t / u, against }'
}

cat "$file" > /dev/null
for _ in $(seq "$rounds"); do
    seconds openssl-warm openssl dgst -sha256 "$file"
    seconds scan-warm "$sleuth" scan --no-progress "$file"
    seconds dd-warm dd if="$file" of=/dev/null bs=4M status=none
    seconds scan-nodigest-warm "$sleuth" scan --no-progress --digest none "$file"
done
for _ in $(seq "$rounds"); do
    drop
    seconds dd-cold dd if="$file" of=/dev/null bs=4M status=none
    drop
    seconds scan-cold "$sleuth" scan --no-progress "$file"
done

echo "$file: $size bytes; $rounds rounds; $(nproc) cores; load $(cut -d' ' -f1 /proc/loadavg)"
line openssl-warm openssl-warm
line dd-warm openssl-warm
line scan-warm openssl-warm
line scan-nodigest-warm openssl-warm
line dd-cold dd-cold
line scan-cold dd-cold
echo "peak anonymous memory: scan $(peak "$sleuth" scan --no-progress "$file") KiB, --format jsonl $(peak "$sleuth" scan --no-progress --format jsonl --resources all "$file") KiB"
