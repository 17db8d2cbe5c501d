//! The fast lane: all tests but those that `tests/it/slow.txt` names.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::program::{cargo, root, succeed};

/// Compiles, then runs and says what the run took.
pub(crate) fn run() -> Result<(), String> {
    let targets = ["test", "--locked", "--lib", "--bins", "--test", "it"];
    succeed(cargo(&[&targets[..], &["--no-run"]].concat()))?;
    let slow = slow()?;
    let skip = slow.iter().flat_map(|name| ["--skip", name]);
    let args: Vec<&str> = targets.into_iter().chain(["--", "--exact"]).chain(skip).collect();
    let started = Instant::now();
    succeed(cargo(&args))?;
    println!("==> the fast lane took {} s, compiling not counted; {} slow tests were left out", started.elapsed().as_secs(), slow.len());
    Ok(())
}

/// The paths of slow tests. Each must be that of a test, so that the list does not outlive a name.
fn slow() -> Result<Vec<String>, String> {
    let listed = cargo(&["test", "--locked", "--test", "it", "--", "--list"]).output().map_err(|error| error.to_string())?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let tests: BTreeSet<&str> = listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let list = std::fs::read_to_string(root().join("tests/it/slow.txt")).map_err(|error| format!("tests/it/slow.txt: {error}"))?;
    let slow: Vec<String> = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect();
    match slow.iter().find(|name| !tests.contains(name.as_str())) {
        None => Ok(slow),
        Some(name) => Err(format!("tests/it/slow.txt names {name}, which is no test")),
    }
}
