#!/usr/bin/env python3
"""Holds the program against what any reader of a file must do, and against the programs of etcd and bbolt.

    cargo build --release && benches/compare.py            # what the goals are about: two files, a quarter of an hour
    benches/compare.py --large                             # and 8 GB with ten million keys: an hour, 40 GB of disk
    benches/compare.py --file big.db                       # another file instead

Everything is measured in one run, in alternating rounds, so that other work on the machine meets all alike, and a figure is a ratio
of medians. The files are made by testdata/recipe, etcdutl and bbolt are built from their modules, unless they are there already: both
need Go. Before a cold run the file's pages are dropped from the page cache: those of all files as root.

Written are benches/compare.md and benches/compare.svg, or where --out says.
"""

import argparse
import datetime
import html
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RECIPE = ROOT / "testdata/recipe/etcd36"
PEERS = {"etcdutl": ("go.etcd.io/etcd/etcdutl/v3", "v3.6.16"), "bbolt": ("go.etcd.io/bbolt/cmd/bbolt", "v1.4.3")}
# What testdata/recipe lays down, by name.
LAID = {
    "typical.db": ["-keys", "560000", "-writes", "672000", "-value-size", "150"],
    "secrets.db": ["-keys", "150000", "-writes", "180000", "-value-size", "1500", "-secrets", "85"],
    "helm.db": ["-keys", "1800", "-writes", "3600", "-compacted", "1200", "-value-size", "200000", "-random", "-secrets", "60"],
}
LARGE = {"huge.db": ["-keys", "10000000", "-writes", "12000000", "-compacted", "1000000", "-value-size", "150"]}


class Measured:
    """Every run of one command on one file."""

    def __init__(self):
        self.wall, self.cpu, self.faults, self.anonymous, self.resident = [], [], [], [], []

    def run(self, argv, fine=(0,)):
        started = time.perf_counter()
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        anonymous = 0
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            anonymous = max(anonymous, anonymous_of(process.pid))
            time.sleep(0.002)
        self.wall.append(time.perf_counter() - started)
        code = os.waitstatus_to_exitcode(status)
        if code not in fine:
            sys.exit(f"{' '.join(map(str, argv))}: exit {code}\n{process.stderr.read().decode()}")
        process.stderr.close()
        process.returncode = code
        self.cpu.append(used.ru_utime + used.ru_stime)
        self.faults.append(used.ru_majflt)
        self.anonymous.append(anonymous)
        self.resident.append(used.ru_maxrss)


def anonymous_of(pid):
    """KiB of memory that is no mapped file, now."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def drop(path):
    """Takes the file out of the page cache."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if os.geteuid() == 0 and os.access("/proc/sys/vm/drop_caches", os.W_OK):
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3\n")


def warm(path):
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 22):
            pass


def peers(folder):
    """The programs of etcd and bbolt; those that cannot be had are left out."""
    found = {}
    for name, (path, version) in PEERS.items():
        program = (folder / "bin" / name).resolve()
        if not program.exists() and shutil.which("go"):
            # Its own replacements would keep it from being installed as it is; a module that requires it does not see them.
            within = folder / f"{name}.module"
            shutil.rmtree(within, ignore_errors=True)
            within.mkdir()
            for args in (["mod", "init", "peers.invalid"], ["get", f"{path}@{version}"], ["build", "-o", program, path]):
                subprocess.run(["go", *args], check=False, cwd=within)
        if program.exists():
            found[name] = program
    return found


def lay(folder, name, flags):
    """A file of this shape, made where it is not there yet."""
    file = folder / name
    if not file.exists():
        made = folder / f"{name}.part"
        subprocess.run(["go", "run", ".", "lay", "-out", made.resolve(), *flags], check=True, cwd=RECIPE)
        made.rename(file)
        (folder / f"{name}.part.yaml").rename(folder / f"{name}.yaml")
    return file


def objects_in(sleuth, file):
    """A Secret of the file, to be shown, and a page to be looked at."""
    rows = subprocess.run([sleuth, "scan", "--format", "csv", "--resources", "secrets", "--digest", "none", file], capture_output=True, text=True)
    header, first = rows.stdout.splitlines()[:2]
    row = dict(zip(header.split(","), first.split(",")))
    return f"{row['namespace']}/{row['name']}"


def commands(sleuth, file, found):
    """What is run: its name, its arguments, exit codes that are fine, and what it is held to: a goal in times another row's time."""
    config = pathlib.Path(f"{file}.yaml")
    scan = [sleuth, "scan", "--no-progress"]
    rows = [
        ("openssl dgst -sha256", ["openssl", "dgst", "-sha256", file], (0,), None),
        ("dd bs=4M", ["dd", f"if={file}", "of=/dev/null", "bs=4M", "status=none"], (0,), None),
        ("scan", [*scan, file], (0, 2), ("openssl dgst -sha256", 0.95)),
        ("scan --digest none", [*scan, "--digest", "none", file], (0, 2), None),
        ("scan --threads 1 --digest none", [*scan, "--threads", "1", "--digest", "none", file], (0, 2), None),
        ("check", [sleuth, "check", "--no-progress", file], (0,), ("scan", 1.0)),
        ("keys", [sleuth, "keys", "--no-progress", file], (0, 2), ("scan", 1.1)),
        ("carve", [sleuth, "carve", "--no-progress", file], (0, 2, 3), ("scan", 1.1)),
        ("recover", [sleuth, "recover", "--no-progress", "--force", file, "-o", f"{file}.recovered"], (0, 2), ("scan", 2.0)),
        ("show", [sleuth, "show", "--no-progress", file, objects_in(sleuth, file)], (0, 2, 3), ("scan", 0.25)),
        ("pages --page 2", [sleuth, "pages", "--no-progress", "--page", "2", file], (0, 2), ("scan", 0.25)),
        ("scan --resources all --format jsonl", [*scan, "--resources", "all", "--format", "jsonl", file], (0, 2), ("scan", 2.0)),
    ]
    if config.exists():
        rows.insert(8, ("verify", [sleuth, "verify", "--no-progress", "--encryption-config", config, file], (0, 2, 3), ("scan", 1.5)))
    if "etcdutl" in found:
        rows.append(("etcdutl snapshot status", [found["etcdutl"], "snapshot", "status", file], (0,), None))
    if "bbolt" in found:
        rows.append(("bbolt check", [found["bbolt"], "check", file], (0,), None))
    return rows


COLD = {"dd bs=4M": None, "openssl dgst -sha256": None, "scan": 1.10, "scan --digest none": 1.05, "check": None, "etcdutl snapshot status": None}


def measure(sleuth, file, found, rounds):
    rows = commands(sleuth, file, found)
    all_warm = {name: Measured() for name, *_ in rows}
    all_cold = {name: Measured() for name, *_ in rows if name in COLD}
    warm(file)
    for _ in range(rounds):
        for name, argv, fine, _ in rows:
            all_warm[name].run(argv, fine)
    for _ in range(rounds):
        for name, argv, fine, _ in rows:
            if name in COLD:
                drop(file)
                all_cold[name].run(argv, fine)
    pathlib.Path(f"{file}.recovered").unlink(missing_ok=True)
    return rows, all_warm, all_cold


def table(file, rows, all_warm, all_cold):
    """Lines of the table of one file, and what of it is drawn: name, times openssl."""
    wall = {name: statistics.median(measured.wall) for name, measured in all_warm.items()}
    cold = {name: statistics.median(measured.wall) for name, measured in all_cold.items()}
    size = os.path.getsize(file)
    lines = [
        f"### {file.name}: {size:,} bytes",
        "",
        "| command | warm s | min to max | CPU s | GB/s | × openssl | goal | anonymous MiB | resident MiB | cold s | goal | major faults |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    slower_of_both = max(cold["dd bs=4M"], wall["openssl dgst -sha256"])
    for name, _, _, goal in rows:
        m, cells = all_warm[name], [f"`{name}`"]
        cells += [f"{wall[name]:.2f}", f"{min(m.wall):.2f} to {max(m.wall):.2f}", f"{statistics.median(m.cpu):.2f}", f"{size / wall[name] / 1e9:.2f}"]
        cells.append(f"{wall[name] / wall['openssl dgst -sha256']:.2f}")
        cells.append("" if goal is None else verdict(wall[name] / wall[goal[0]], goal[1], goal[0]))
        cells += [f"{max(m.anonymous) / 1024:.0f}", f"{max(m.resident) / 1024:.0f}"]
        if name in cold:
            against = cold["dd bs=4M"] if "none" in name else slower_of_both
            cells.append(f"{cold[name]:.2f}")
            cells.append("" if COLD[name] is None else verdict(cold[name] / against, COLD[name], "dd" if "none" in name else "the slower of dd cold and openssl warm"))
            cells.append(f"{statistics.median(all_cold[name].faults):.0f}")
        else:
            cells += ["", "", ""]
        lines.append("| " + " | ".join(cells) + " |")
    return lines + [""], [(name, wall[name] / wall["openssl dgst -sha256"]) for name, *_ in rows]


def verdict(ratio, goal, against):
    return f"{ratio:.2f} × {against}; goal {goal:.2f}: {'met' if ratio <= goal else '**missed**'}"


def svg(charts):
    """Bars, as long as a command takes in times openssl's, a chart a file."""
    left, width, row = 260, 420, 20
    longest = max(ratio for _, bars in charts for _, ratio in bars)
    height = sum(34 + row * len(bars) for _, bars in charts) + 10
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 60}" height="{height}" font-family="sans-serif" font-size="12" role="img">',
        "<title>Time of each command, in times that of openssl dgst -sha256 on the same file</title>",
        f'<rect width="{left + width + 60}" height="{height}" fill="#ffffff"/>',
    ]
    y = 20
    for name, bars in charts:
        out.append(f'<text x="8" y="{y}" font-weight="bold" fill="#1a1a1a">{html.escape(name)}: times openssl dgst -sha256</text>')
        y += 8
        for label, ratio in bars:
            of_peer = label.split()[0] in ("openssl", "dd", "etcdutl", "bbolt")
            length = max(1, width * ratio / longest)
            out.append(f'<text x="{left - 6}" y="{y + 13}" text-anchor="end" fill="#1a1a1a">{html.escape(label)}</text>')
            out.append(f'<rect x="{left}" y="{y + 3}" width="{length:.0f}" height="13" fill="{"#9aa0a6" if of_peer else "#1f6feb"}"/>')
            out.append(f'<text x="{left + length + 5:.0f}" y="{y + 14}" fill="#1a1a1a">{ratio:.2f}</text>')
            y += row
        y += 26
    return "\n".join([*out, "</svg>", ""])


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "an unknown processor"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", action="store_true", help="also a file of 8 GB")
    parser.add_argument("--file", type=pathlib.Path, action="append", help="this file, instead of those that are made")
    parser.add_argument("--evidence", type=pathlib.Path, default=ROOT / "target/compare", help="where files and programs are made")
    parser.add_argument("--sleuth", type=pathlib.Path, default=ROOT / "target/release/etcd-sleuth")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "benches", help="the folder of compare.md and compare.svg")
    given = parser.parse_args()
    if not given.sleuth.exists():
        sys.exit(f"no {given.sleuth}: cargo build --release")
    given.evidence.mkdir(parents=True, exist_ok=True)
    found = peers(given.evidence)
    files = given.file or [lay(given.evidence, name, flags) for name, flags in {**LAID, **(LARGE if given.large else {})}.items()]
    version = subprocess.run([given.sleuth, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    load = os.getloadavg()[0]
    lines, charts = [], []
    for file in files:
        of_file, bars = table(file, *measure(given.sleuth, file, found, given.rounds))
        lines += of_file
        charts.append((file.name, bars))
    head = [
        "# Measured",
        "",
        f"Written by `benches/compare.py`, {datetime.date.today()}: {version}; {processor()}, {os.cpu_count()} cores; load {load:.1f} at the beginning, "
        f"{os.getloadavg()[0]:.1f} at the end; medians of {given.rounds} alternating rounds. Anonymous memory is the largest that was seen in looks "
        "2 ms apart.",
        "",
    ]
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "compare.md").write_text("\n".join(head + lines))
    (given.out / "compare.svg").write_text(svg(charts))
    print("\n".join(head + lines))


main()
