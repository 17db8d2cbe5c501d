//! What a change is held to, each step by its name: `cargo xtask`.
//!
//! No step needs root, and none installs anything: what is missing is said. `.ci/run` installs it first, on a fresh machine.

mod fast;
mod heavy;
mod instructions;
mod mutants;
mod program;
mod steps;

use std::process::ExitCode;
use std::time::Instant;

use steps::{Done, STEPS, Step};

const USAGE: &str = "\
Usage: cargo xtask STEP…            runs these steps, in this order
       cargo xtask ci               runs all of them
       cargo xtask test --fast      runs the tests but those in tests/it/slow.txt
       cargo xtask instructions --accept  takes what the hot paths cost now for what they may cost
       cargo xtask heavy            runs what is run before an issue is called resolved; adds a row to docs/heavy.md
       cargo xtask mutants          changes what judges, function by function, and names each change that no test notices

Steps:";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args[..] {
        ["ci"] => run(STEPS.iter().collect()),
        ["test", "--fast"] => fast::run(),
        ["instructions", "--accept"] => instructions::run(true),
        ["heavy"] => heavy::run(),
        ["mutants"] => mutants::run(),
        [] | ["help" | "-h" | "--help"] => {
            println!("{USAGE}");
            STEPS.iter().for_each(|step| println!("  {:10} {}", step.name, step.about));
            return ExitCode::SUCCESS;
        }
        _ => named(&args).and_then(run),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The steps of these names.
fn named(names: &[&str]) -> Result<Vec<&'static Step>, String> {
    let find =
        |name: &&str| STEPS.iter().find(|step| step.name == *name).ok_or_else(|| format!("no step {name}: cargo xtask help lists them"));
    names.iter().map(find).collect()
}

/// Runs steps one after the other up to the first that fails, and says what each of them took.
fn run(steps: Vec<&Step>) -> Result<(), String> {
    std::env::set_current_dir(program::root()).map_err(|e| e.to_string())?;
    let began = Instant::now();
    let mut skipped = Vec::new();
    for step in &steps {
        println!("==> {}", step.name);
        let started = Instant::now();
        let done = (step.run)().map_err(|error| format!("{}: {error} (after {} s)", step.name, started.elapsed().as_secs()))?;
        if let Done::Skipped(why) = done {
            println!("    SKIPPED: {why}");
            skipped.push(step.name);
        }
        println!("    {}: {} s", step.name, started.elapsed().as_secs());
    }
    let without =
        if skipped.is_empty() { String::new() } else { format!(", of which {} were skipped: {}", skipped.len(), skipped.join(", ")) };
    println!("==> all {} steps passed in {} s{without}", steps.len(), began.elapsed().as_secs());
    Ok(())
}
