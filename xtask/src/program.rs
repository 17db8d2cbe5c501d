//! Programs that steps run: found, started as from a shell, and held to success.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_owned)
}

/// A program with its arguments, in the root of the repository. What `cargo run` has set for this one is taken away again: build
/// scripts that look at it would run anew, and everything behind them would be built twice.
pub(crate) fn program(name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(args).current_dir(root());
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name == "CARGO" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&variable);
        }
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    // Everything is built once: what would make the next build faster takes as much room again as the build.
    command.env("CARGO_INCREMENTAL", "0");
    command
}

/// Cargo, of the toolchain that `rust-toolchain.toml` names.
pub(crate) fn cargo(args: &[&str]) -> Command {
    program("cargo", args)
}

/// Shows a command, runs it, and fails where it fails.
pub(crate) fn succeed(command: Command) -> Result<(), String> {
    end_with(command, 0)
}

/// The same where another exit code is the right one.
pub(crate) fn end_with(mut command: Command, code: i32) -> Result<(), String> {
    show(&command);
    let name = command.get_program().display().to_string();
    let status = command.status().map_err(|error| format!("{name}: {error}"))?;
    if status.code() == Some(code) { Ok(()) } else { Err(format!("{name} ended with {status}, and not with exit code {code}")) }
}

/// The same, and returns what it wrote to standard output. It is shown when the program has ended.
pub(crate) fn output(mut command: Command) -> Result<String, String> {
    show(&command);
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    print!("{text}");
    if output.status.success() { Ok(text) } else { Err(format!("{} ended with {}", command.get_program().display(), output.status)) }
}

/// What a program says in its first line, where it is there and succeeds.
pub(crate) fn first_line(name: &str, args: &[&str]) -> Option<String> {
    let output = program(name, args).stdin(Stdio::null()).output().ok().filter(|output| output.status.success())?;
    let said = [output.stdout, output.stderr].concat();
    Some(String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned())
}

fn show(command: &Command) {
    let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
    println!("+ {} {}", command.get_program().display(), args.join(" "));
}
