#!/bin/sh
# Makes the fixtures again: make.sh [--seed N] [--out DIR] [--only NAME]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
seed=1 out=$here/.. only=
while [ $# -gt 0 ]; do
    case $1 in
        --seed) seed=$2 ;;
        --out) out=$2 ;;
        --only) only=$2 ;;
        *) echo "usage: make.sh [--seed N] [--out DIR] [--only NAME]" >&2; exit 2 ;;
    esac
    shift 2
done
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$here/etcd36" && go build -p 2 -o "$work/etcd36" .)
for version in etcd34 etcd35 etcd36 etcd37; do
    mkdir -p "$work/servers/$version"
    (cd "$here/servers/$version" && go build -p 2 -o "$work/servers/$version/" tool)
done
"$work/etcd36" make -seed "$seed" -out "$work/made" -servers "$work/servers" -only "$only"

# migration.db is also stored plain: it is the file of the first example. Everything else is compressed.
cd "$work/made"
for f in *.db *.json *.tar; do
    if [ -e "$f" ] && [ "$f" != migration.db ]; then
        zstd -q -19 --rm "$f"
    fi
done
cp -R . "$out"
