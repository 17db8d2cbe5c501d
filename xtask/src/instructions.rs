//! How many instructions the hot paths take on fixed files: what no other work on a machine changes.
//!
//! `benches/instructions.tsv` has what was accepted, a line for each kind of machine and command; git has its history. They are counted by
//! callgrind on the program as the tests build it, with one thread, and without a digest where there is a choice.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{cargo, first_line, program, root, succeed};

/// More than so many thousandths above what was accepted fail.
const MOST_MORE: u64 = 30;

const FIGURES: &str = "benches/instructions.tsv";

/// What is counted: which fixture, packed as it lies in `testdata` where its name ends so, and the command.
const COUNTED: &[(&str, &str, &[&str])] = &[
    ("scan", "busy.db.zst", &["scan", "--digest", "none"]),
    ("scan of large values", "big-values.db.zst", &["scan", "--digest", "none"]),
    ("records of everything", "migration.db", &["scan", "--digest", "none", "--resources", "all", "--format", "jsonl"]),
    ("check", "busy.db.zst", &["check", "--digest", "none"]),
    ("keys", "migration.db", &["keys", "--digest", "none"]),
    ("carve", "migration.db", &["carve", "--digest", "none"]),
    ("recover", "migration.db", &["recover"]),
];

/// Why nothing can be counted here, if nothing can.
pub(crate) fn cannot_count() -> Option<String> {
    first_line("valgrind", &["--version"]).is_none().then(|| "valgrind is missing (package valgrind)".to_owned())
}

/// Counts, and holds each figure to the one that was accepted; `accept`: writes them down instead.
pub(crate) fn run(accept: bool) -> Result<(), String> {
    if let Some(why) = cannot_count() {
        return Err(why);
    }
    succeed(cargo(&["build", "--locked"]))?;
    let machine = machine()?;
    let folder = root().join("target/instructions");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut known = read()?;
    let mut too_many = Vec::new();
    for (name, fixture, args) in COUNTED {
        let file = unpacked(&folder, fixture)?;
        let count = count(&folder, &file, args)?;
        let key = (machine.clone(), (*name).to_owned());
        let before = known.get(&key).copied();
        let change = before.map_or_else(|| "not counted on such a machine before".to_owned(), |before| change(before, count));
        println!("    {name:24} {count:>12}  {change}");
        if before.is_some_and(|before| count > limit(before)) {
            too_many.push(*name);
        }
        if accept {
            known.insert(key, count);
        }
    }
    if accept {
        return write(&known);
    }
    match too_many.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "more instructions than were accepted: {}. If that is on purpose, say why in benches/README.md, and: cargo xtask instructions --accept",
            too_many.join(", ")
        )),
    }
}

/// What a count depends on beside the source: the compiler, the instructions that libraries choose by, and the C library.
fn machine() -> Result<String, String> {
    let compiler = first_line("rustc", &["--version"]).ok_or("rustc does not say its version")?;
    let libc = first_line("getconf", &["GNU_LIBC_VERSION"]).unwrap_or_else(|| "another C library".to_owned());
    Ok(format!("{compiler}, {}{}, {libc}", std::env::consts::ARCH, wide()))
}

#[cfg(target_arch = "x86_64")]
fn wide() -> &'static str {
    if std::arch::is_x86_feature_detected!("avx2") { " with AVX2" } else { "" }
}

#[cfg(not(target_arch = "x86_64"))]
fn wide() -> &'static str {
    ""
}

fn limit(accepted: u64) -> u64 {
    accepted.saturating_add(accepted / 1000 * MOST_MORE)
}

fn change(before: u64, now: u64) -> String {
    let thousandths = |part: u64| part.saturating_mul(1000) / before.max(1);
    let (sign, of) = if now < before { ('-', before - now) } else { ('+', now - before) };
    let of = thousandths(of);
    format!("{sign}{}.{} %", of / 10, of % 10)
}

/// A fixture as a file; one that is packed is unpacked, so that the container has no part in the count.
fn unpacked(folder: &Path, fixture: &str) -> Result<PathBuf, String> {
    let packed = root().join("testdata").join(fixture);
    let Some(name) = fixture.strip_suffix(".zst") else { return Ok(packed) };
    let file = folder.join(name);
    succeed(program("zstd", &["-dqf", &packed.to_string_lossy(), "-o", &file.to_string_lossy()]))?;
    Ok(file)
}

fn count(folder: &Path, file: &Path, args: &[&str]) -> Result<u64, String> {
    let out = folder.join("callgrind.out");
    let tool = ["--tool=callgrind".to_owned(), format!("--callgrind-out-file={}", out.display())];
    let binary = root().join(std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from)).join("debug/etcd-sleuth");
    let mut command = program("valgrind", &[]);
    command.args(tool).arg(binary).args(args).args(["--threads", "1", "--no-progress"]).arg(file);
    if args.first() == Some(&"recover") {
        command.args(["--force", "-o"]).arg(folder.join("recovered.db"));
    }
    let ran = command.output().map_err(|error| format!("valgrind: {error}"))?;
    // 2: it found something; 3: not everything could be said.
    if !matches!(ran.status.code(), Some(0 | 2 | 3)) {
        return Err(format!("{}: {}\n{}", args.join(" "), ran.status, String::from_utf8_lossy(&ran.stderr)));
    }
    let text = fs::read_to_string(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    total(&text).ok_or_else(|| "callgrind wrote no sum".to_owned())
}

/// The sum that callgrind writes: `summary: N`, or `totals: N`.
fn total(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("summary: ").or_else(|| line.strip_prefix("totals: ")))?.trim().parse().ok()
}

/// By machine and command.
type Figures = BTreeMap<(String, String), u64>;

fn read() -> Result<Figures, String> {
    let text = fs::read_to_string(root().join(FIGURES)).map_err(|error| format!("{FIGURES}: {error}"))?;
    let line = |line: &str| {
        let mut fields = line.split('\t');
        let (machine, name, count) = (fields.next()?, fields.next()?, fields.next()?.parse().ok()?);
        Some(((machine.to_owned(), name.to_owned()), count))
    };
    text.lines().skip(1).map(|text| line(text).ok_or_else(|| format!("{FIGURES}: {text}"))).collect()
}

fn write(figures: &Figures) -> Result<(), String> {
    let lines = figures.iter().map(|((machine, name), count)| format!("{machine}\t{name}\t{count}\n"));
    let text = std::iter::once("machine\tcommand\tinstructions\n".to_owned()).chain(lines).collect::<String>();
    fs::write(root().join(FIGURES), text).map_err(|error| format!("{FIGURES}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_three_in_a_hundred_is_too_many() {
        assert_eq!(limit(1_000_000), 1_030_000);
        assert_eq!((change(1000, 1040), change(1000, 990)), ("+4.0 %".to_owned(), "-1.0 %".to_owned()));
        assert_eq!(total("events: Ir\nsummary: 4711\n"), Some(4711));
    }
}
