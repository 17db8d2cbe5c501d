//! README.md shows what is: its example is run, its commands are those of `.ci/run`, its links lead somewhere.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that panics fails"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{sleuth, text};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The command that README marks with this name.
fn command(name: &str) -> String {
    let readme = readme();
    let marked = readme.split_once(&format!("<!-- command: {name} -->\n```sh\n")).unwrap_or_else(|| panic!("no command {name}")).1;
    marked.split_once("\n```").unwrap().0.to_owned()
}

/// Before, within and after the block of output below the example.
fn example(readme: &str) -> (&str, &str, &str) {
    let at = readme.find("```text\n").unwrap() + "```text\n".len();
    let end = at + readme[at..].find("```\n").unwrap();
    (&readme[..at], &readme[at..end], &readme[end..])
}

/// The first screen, a sign of omission for the tables, and the last line. Spaces at the ends of lines are not compared.
fn shown(output: &str) -> String {
    let lines: Vec<&str> = output.lines().map(str::trim_end).collect();
    let first_screen = lines.iter().take_while(|line| !line.is_empty());
    let mut shown: Vec<&str> = first_screen.copied().collect();
    shown.extend(["…", lines.last().copied().unwrap()]);
    shown.join("\n") + "\n"
}

#[test]
fn the_example_is_a_real_run() {
    let command = command("main job");
    let args: Vec<&str> = command.strip_prefix("cargo run --release -- ").expect("a run of this crate").split(' ').collect();
    let (code, stdout) = text(&sleuth().current_dir(root()).args(&args).output().unwrap());
    let real = shown(&stdout);
    let mut readme = readme();
    if std::env::var_os("ETCD_SLEUTH_UPDATE").is_some() {
        let (before, _, after) = example(&readme);
        readme = format!("{before}{real}{after}");
        fs::write(root().join("README.md"), &readme).unwrap();
    }
    let (_, block, after) = example(&readme);
    assert_eq!(block, real, "README.md shows an old output; ETCD_SLEUTH_UPDATE=1 cargo test --test readme puts in the real one");
    assert!(after.contains(&format!("It exits with {code},")), "README.md names another exit code than {code}");
}

#[test]
fn two_commands_are_marked_and_continuous_integration_runs_both() {
    let readme = readme();
    assert_eq!((readme.matches("<!-- command: ").count(), readme.matches("```sh").count()), (2, 2));
    assert_eq!(command("tests"), "cargo test");
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    for name in ["main job", "tests"] {
        assert!(ci.contains(&format!("readme_command '{name}'")), ".ci/run does not take {name} out of README.md");
    }
}

#[test]
fn links_and_named_files_of_the_documents_are_there() {
    for document in ["README.md", "CONTRIBUTING.md", "docs/records.md", "fuzz/README.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        let here = root().join(document).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            if file.starts_with("https://") {
                continue;
            }
            let target = if file.is_empty() { root().join(document) } else { here.join(file) };
            assert!(target.exists(), "{document} links to {link}");
            if !heading.is_empty() {
                let headings = fs::read_to_string(&target).unwrap();
                let slug = |line: &str| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
                assert!(headings.lines().any(|line| line.starts_with('#') && slug(line) == heading), "{document} links to {link}");
            }
        }
        for named in text.split('`').skip(1).step_by(2).filter(|code| code.starts_with("tests/") || code.starts_with("benches/")) {
            assert!(root().join(named.split(' ').next().unwrap()).exists(), "{document} names {named}");
        }
    }
}

#[test]
fn the_exit_codes_and_commands_are_those_of_the_binary() {
    let readme = readme();
    let help = text(&sleuth().arg("--help").output().unwrap()).1;
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    for name in commands.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
        assert!(readme.contains(&format!("| `{name} ")), "README.md does not mention {name}");
    }
    for code in 0..=3 {
        assert!(readme.lines().any(|line| line.starts_with(&format!("| {code} | "))), "{code}");
    }
}
