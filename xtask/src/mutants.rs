//! Whether a test fails when what judges is changed: `cargo mutants` on the files that decide what is said and with which exit code. It takes
//! hours. What survives is killed by a test or explained in `docs/heavy.md`.

use crate::program::{cargo, first_line, succeed};

/// The files whose every function and operator is changed.
const FILES: [&str; 3] = ["src/finding/judge.rs", "src/finding/outcome.rs", "src/verify/proof.rs"];

/// The integration tests that see what these files decide.
const TESTS: [&str; 8] = ["golden::", "verdict::", "divergence::", "verify::", "requirement::", "migration::", "options::", "story::"];

pub(crate) fn run() -> Result<(), String> {
    if first_line("cargo", &["mutants", "--version"]).is_none() {
        return Err("cargo-mutants is missing: cargo install --locked cargo-mutants".to_owned());
    }
    let files = FILES.iter().flat_map(|file| ["--file", file]);
    let args: Vec<&str> = ["mutants", "--output", "target", "--no-shuffle"].into_iter().chain(files).collect();
    succeed(cargo(&[&args[..], &["--", "--locked", "--lib", "--test", "it", "--"], &TESTS[..], &["finding::"]].concat()))
}
