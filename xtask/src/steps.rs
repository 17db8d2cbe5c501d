//! The steps, in the order in which `cargo xtask ci` runs them.

use std::process::Command;

use crate::heavy::{OPENBAO, RANDOM_LIVES};
use crate::program::{cargo, end_with, first_line, program, root, succeed};

/// One thing that a change is held to.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn() -> Result<Done, String>,
}

/// How a step ended that did not fail.
pub(crate) enum Done {
    Passed,
    /// With the reason.
    Skipped(String),
}

pub(crate) const STEPS: &[Step] = &[
    Step { name: "tools", about: "says which programs are there, who needs those that are missing, and what room there is", run: tools },
    Step { name: "format", about: "cargo fmt --check", run: format },
    Step { name: "clippy", about: "no warning, with each set of features", run: clippy },
    Step { name: "main-job", about: "the first command of README.md", run: main_job },
    Step { name: "test", about: "the second command of README.md: every test that needs no other program", run: test },
    Step {
        name: "ignored",
        about: "those that need strace, Go, gdb, e2fsprogs, script, zsh, fish, moto; none of half an hour",
        run: ignored,
    },
    Step {
        name: "instructions",
        about: "the hot paths cost no more than what benches/instructions.tsv has, where valgrind is",
        run: instructions,
    },
    Step { name: "docs", about: "the documentation of the crate, without a warning", run: docs },
    Step { name: "deny", about: "licences, sources and duplicates of dependencies; where CHECK_DENY is set", run: deny },
    Step { name: "machete", about: "no dependency that no source file names", run: machete },
    Step { name: "fuzz", about: "each fuzz target for FUZZ_SECONDS (10), on a nightly toolchain", run: fuzz },
    Step { name: "unchanged", about: "the run has left nothing in the work tree", run: unchanged },
];

/// The sets of features that are built and linted: all; the library alone; the program without a network, and with either half of
/// it. The tests are linted with all and with the fewest that they are built with.
const FEATURES: &[(&[&str], Targets)] = &[
    (&[], Targets::All),
    (&["--no-default-features"], Targets::Shipped),
    (&["--no-default-features", "--features", "cli"], Targets::All),
    (&["--no-default-features", "--features", "cli,aws-kms"], Targets::Shipped),
    (&["--no-default-features", "--features", "cli,kms-plugin"], Targets::Shipped),
];

/// What of the package is linted.
enum Targets {
    /// Tests and benches, too.
    All,
    /// What users build.
    Shipped,
}

/// Programs: how each is asked whether it is there, and which step needs it.
const PROGRAMS: &[(&str, &[&str], &str)] = &[
    ("cc", &["--version"], "everything"),
    ("rustc", &["--version"], "everything"),
    ("go", &["version"], "ignored"),
    ("strace", &["--version"], "ignored"),
    ("zstd", &["--version"], "ignored"),
    ("gdb", &["--version"], "ignored"),
    ("mke2fs", &["-V"], "ignored (package e2fsprogs)"),
    ("script", &["--version"], "ignored (package bsdutils)"),
    ("bash", &["--version"], "ignored"),
    ("zsh", &["--version"], "ignored"),
    ("fish", &["--version"], "ignored"),
    ("valgrind", &["--version"], "instructions"),
    ("cargo-deny", &["--version"], "deny"),
    ("cargo-machete", &["--version"], "machete"),
    ("cargo-fuzz", &["--version"], "fuzz"),
];

fn tools() -> Result<Done, String> {
    let moto = std::env::var("MOTO_SERVER").unwrap_or_else(|_| "moto_server".to_owned());
    let mut missing = 0;
    for (name, args, needed_by) in PROGRAMS.iter().copied().chain([(moto.as_str(), &["--version"][..], "ignored")]) {
        let said = first_line(name, args);
        missing += usize::from(said.is_none());
        println!("    {name}: {}", said.unwrap_or_else(|| format!("MISSING, needed by: {needed_by}")));
    }
    let nightly = first_line("cargo", &["+nightly", "--version"]);
    missing += usize::from(nightly.is_none());
    println!("    nightly: {}", nightly.unwrap_or_else(|| "MISSING, needed by: fuzz".to_owned()));
    // A build and its tests take several gigabytes; a full disk looks like a failed test.
    let temporary = std::env::temp_dir();
    succeed(program("df", &["-h", ".", &temporary.to_string_lossy()]))?;
    if missing > 0 {
        println!("    {missing} are missing; bash .ci/run installs them, as root in a container");
    }
    Ok(Done::Passed)
}

fn format() -> Result<Done, String> {
    succeed(cargo(&["fmt", "--all", "--check"]))?;
    Ok(Done::Passed)
}

fn clippy() -> Result<Done, String> {
    let deny = ["--", "-D", "warnings"];
    for (features, targets) in FEATURES {
        let targets: &[&str] = match targets {
            Targets::All => &["--all-targets"],
            Targets::Shipped => &["--lib", "--bins", "--examples"],
        };
        succeed(cargo(&[&["clippy", "--locked"], *features, targets, &deny].concat()))?;
    }
    succeed(cargo(&[&["clippy", "--locked", "--package", "xtask", "--all-targets"][..], &deny].concat()))?;
    Ok(Done::Passed)
}

/// It finds plaintext Secrets in the example, and says so by its exit code. The program is built without optimisation, which takes
/// longer than the rest of the build and has no part in what is shown: that the command is written as it works.
fn main_job() -> Result<Done, String> {
    let mut command = readme_command("main job")?;
    let fast = [("LTO", "off"), ("CODEGEN_UNITS", "16"), ("OPT_LEVEL", "0"), ("STRIP", "none")];
    command.envs(fast.map(|(option, value)| (format!("CARGO_PROFILE_RELEASE_{option}"), value)));
    end_with(command, 2)?;
    Ok(Done::Passed)
}

fn test() -> Result<Done, String> {
    succeed(readme_command("tests")?)?;
    Ok(Done::Passed)
}

fn ignored() -> Result<Done, String> {
    succeed(cargo(&["test", "--locked", "--no-fail-fast", "--", "--ignored", "--skip", RANDOM_LIVES, "--skip", OPENBAO]))?;
    Ok(Done::Passed)
}

fn instructions() -> Result<Done, String> {
    if let Some(why) = crate::instructions::cannot_count() {
        return Ok(Done::Skipped(why));
    }
    crate::instructions::run(false)?;
    Ok(Done::Passed)
}

fn docs() -> Result<Done, String> {
    let mut command = cargo(&["doc", "--locked", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    succeed(command)?;
    Ok(Done::Passed)
}

/// What it says changes with the world outside, so it holds up a release and not every change: CHECK_DENY asks for it.
fn deny() -> Result<Done, String> {
    if std::env::var_os("CHECK_DENY").is_none() {
        return Ok(Done::Skipped("CHECK_DENY is not set".to_owned()));
    }
    if first_line("cargo-deny", &["--version"]).is_none() {
        return Err("cargo-deny is missing: cargo install --locked cargo-deny".to_owned());
    }
    succeed(cargo(&["deny", "check", "licenses", "bans", "sources"]))?;
    // The database of advisories lies on GitHub. What it says is held to; that it cannot be had is said.
    if succeed(program("timeout", &["60", "cargo", "deny", "fetch", "db"])).is_err() {
        return Ok(Done::Skipped("advisories alone, since their database could not be fetched".to_owned()));
    }
    succeed(cargo(&["deny", "--offline", "check", "advisories"]))?;
    Ok(Done::Passed)
}

fn machete() -> Result<Done, String> {
    if first_line("cargo-machete", &["--version"]).is_none() {
        return Ok(Done::Skipped("cargo-machete is missing: cargo install --locked cargo-machete".to_owned()));
    }
    succeed(cargo(&["machete", "--skip-target-dir"]))?;
    Ok(Done::Passed)
}

/// Why targets cannot be fuzzed here, if they cannot.
pub(crate) fn cannot_fuzz() -> Option<String> {
    if first_line("cargo", &["+nightly", "--version"]).is_none() {
        return Some("there is no nightly toolchain".to_owned());
    }
    let missing = first_line("cargo-fuzz", &["--version"]).is_none();
    missing.then(|| "cargo-fuzz is missing: cargo +nightly install --locked cargo-fuzz".to_owned())
}

/// Beyond the corpora, which the tests replay. What is tried follows from the tree, so that a run can be repeated and another
/// change tries something else.
fn fuzz() -> Result<Done, String> {
    let seconds = std::env::var("FUZZ_SECONDS").unwrap_or_else(|_| "10".to_owned());
    if seconds == "0" {
        return Ok(Done::Skipped("FUZZ_SECONDS is 0".to_owned()));
    }
    if let Some(why) = cannot_fuzz() {
        return Ok(Done::Skipped(why));
    }
    let tree = first_line("git", &["rev-parse", "HEAD^{tree}"]).ok_or("git does not know HEAD")?;
    let seed = tree.get(..7).and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or("git names no tree")?;
    let mut command = program("fuzz/run.sh", &[&seconds]);
    command.env("FUZZ_SEED", seed.to_string());
    succeed(command)?;
    Ok(Done::Passed)
}

fn unchanged() -> Result<Done, String> {
    let output = program("git", &["status", "--porcelain"]).output().map_err(|error| error.to_string())?;
    let changed = String::from_utf8_lossy(&output.stdout).into_owned();
    if changed.is_empty() { Ok(Done::Passed) } else { Err(format!("the work tree is not as committed:\n{changed}")) }
}

/// The command that README.md marks with this name, so that what is documented is what is run.
fn readme_command(name: &str) -> Result<Command, String> {
    let readme = std::fs::read_to_string(root().join("README.md")).map_err(|error| error.to_string())?;
    let command = readme
        .split_once(&format!("<!-- command: {name} -->\n```sh\n"))
        .and_then(|(_, rest)| rest.split_once("\n```"))
        .map(|(command, _)| command)
        .ok_or_else(|| format!("README.md marks no command: {name}"))?;
    Ok(program("bash", &["-c", command]))
}
