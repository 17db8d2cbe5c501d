//! What a reader at a terminal sees: lines that fit, colours, completion; and what a file, a pipe or a full disk gets.

use crate::common;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Fixture, run_in, sleuth, stderr, text};

const BINARY: &str = env!("CARGO_BIN_EXE_etcd-sleuth");

/// What a run shows on a terminal of this width, without the terminal's own line ends. It sees this environment and nothing of the
/// test's: on a machine that builds changes, `CI` alone would bring colours to a dumb terminal.
fn on_terminal(dir: &Path, width: usize, environment: &str, args: &str) -> String {
    let command = format!("stty cols {width} rows 50; exec env -i {environment} {BINARY} --no-progress {args}");
    let output = Command::new("script").args(["-qec", &command, "/dev/null"]).current_dir(dir).stdin(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap().replace('\r', "")
}

fn without_colour(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |out, part| out + part.split_once('m').unwrap().1)
}

/// Text is wrapped between words, tables fit or are folded: a line is longer only where one word of it is.
#[test]
#[ignore = "needs script and stty"]
fn text_fits_the_width_of_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    for command in ["scan", "check", "keys", "carve", "pages", "keys --retire kms/aws-b", "scan --resources all", "verify --plan"] {
        let (name, more) = command.split_once(' ').unwrap_or((command, ""));
        let (_, file) = text(&run_in(dir.path(), &[&[name, "migration.db"][..], &more.split_whitespace().collect::<Vec<_>>()].concat()));
        for width in [60, 80, 200] {
            let shown = on_terminal(dir.path(), width, "TERM=xterm", &format!("{name} migration.db {more}"));
            // A map of pages is no verdict.
            assert_eq!(shown.contains("\u{1b}[1"), name != "pages", "{command}: {shown}");
            let plain = without_colour(&shown);
            for line in plain.lines() {
                let is_one_word = line.split_whitespace().count() == 1;
                assert!(line.chars().count() <= width || is_one_word || line.contains("arn:"), "{command} {width}: {line}");
                assert_eq!(line.trim_end(), line, "{command} {width}");
            }
            let words = |text: &str| {
                let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
                words.sort();
                words
            };
            if name != "pages" {
                assert!(words(&file).iter().all(|word| plain.contains(word)), "{command} {width}: a word is lost: {plain}");
                assert_eq!(words(&file).len(), words(&plain).len() - announced(&plain), "{command} {width}: {plain}");
            }
        }
    }
}

/// Words that only standard error has, which a terminal shows too.
fn announced(shown: &str) -> usize {
    let lines =
        shown.lines().filter(|line| line.contains("DEK sources to unwrap, one call each") || line.starts_with("nobody to ask about"));
    lines.map(|line| line.split_whitespace().count()).sum()
}

#[test]
#[ignore = "needs script and stty"]
fn colours_are_the_terminals_unless_they_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    let has_colour = |environment: &str, args: &str| on_terminal(dir.path(), 80, environment, args).contains('\u{1b}');
    assert!(has_colour("TERM=xterm", "scan migration.db"));
    assert!(!has_colour("TERM=xterm NO_COLOR=1", "scan migration.db"));
    assert!(!has_colour("TERM=dumb", "scan migration.db"));
    assert!(!has_colour("TERM=xterm", "--color never scan migration.db"));
    assert!(has_colour("TERM=xterm NO_COLOR=1", "scan migration.db --color always"));
    assert!(has_colour("TERM=xterm", "scan nothing.db") && !has_colour("TERM=xterm NO_COLOR=1", "scan nothing.db"));
    // The verdict is the first line, and the last.
    let shown = on_terminal(dir.path(), 200, "TERM=xterm", "scan migration.db");
    assert!(shown.starts_with("\u{1b}[1;31m68 SECRETS CAN BE READ"), "{shown}");
    assert!(shown.lines().last().unwrap().starts_with("\u{1b}[1;31mmigration.db: 68 Secrets readable without a key: "), "{shown}");
    assert!(shown.contains("  \u{1b}[1;31merror\u{1b}[0m: ") && shown.contains("  \u{1b}[1;33mwarning\u{1b}[0m: "), "{shown}");
}

#[test]
fn a_file_and_a_pipe_get_no_colours_and_whole_lines() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    let (_, piped) = text(&run_in(dir.path(), &["scan", "migration.db"]));
    assert!(!piped.contains(['\u{1b}', '\u{1f}', '\u{1e}', '\u{1d}', '\u{1c}']), "{piped}");
    let written = tempfile::tempdir().unwrap();
    let path = written.path().join("out.txt");
    let output = sleuth().args(["scan", "migration.db", "--color", "always", "-o"]).arg(&path).current_dir(dir.path()).output().unwrap();
    assert_eq!((output.status.code(), fs::read_to_string(path).unwrap()), (Some(2), piped.clone()));
    let (_, coloured) = text(&run_in(dir.path(), &["scan", "migration.db", "--color", "always"]));
    assert_eq!(without_colour(&coloured), piped);
}

/// Whoever stops listening has not heard the answer: exit code 3, and no error. What was found is said by the code all the same.
#[test]
fn a_closed_pipe_is_no_answer_whatever_was_asked() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    for (args, code) in [
        (&["scan", "migration.db"][..], 2),
        (&["keys", "migration.db"], 3),
        (&["completions", "bash"], 3),
        (&["completions", "zsh"], 3),
        (&["man"], 3),
        (&["--help"], 3),
        (&["check", "--limits"], 3),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = sleuth().args(args).current_dir(dir.path()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(code), ""), "{args:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_with_the_name_of_what_did_not_fit() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    for format in ["text", "jsonl"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = sleuth().args(["scan", "migration.db", "--format", format]).current_dir(dir.path()).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stderr(&output), "error: standard output: No space left on device (os error 28)\n");
    }
    // A file may be as long as the shell allows.
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 1; exec \"$0\" scan migration.db --format jsonl -o out.jsonl", BINARY])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(stderr(&output), "error: out.jsonl: File too large (os error 27)\n");
    assert!(!dir.path().join("out.jsonl").exists());
}

#[test]
fn two_forced_runs_on_one_output_both_end_whole() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    let args = ["scan", "migration.db", "--format", "jsonl", "-o", "out.jsonl", "--force"];
    for _ in 0..3 {
        let mut runs: Vec<_> = (0..3).map(|_| sleuth().args(args).current_dir(dir.path()).spawn().unwrap()).collect();
        assert!(runs.iter_mut().all(|run| run.wait().unwrap().code() == Some(2)));
        let written = fs::read_to_string(dir.path().join("out.jsonl")).unwrap();
        assert!(written.lines().last().unwrap().contains(r#""record":"summary""#));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        fs::remove_file(dir.path().join("out.jsonl")).unwrap();
    }
}

#[test]
fn an_input_that_is_given_twice_is_read_once() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    std::os::unix::fs::symlink("migration.db", dir.path().join("link.db")).unwrap();
    fs::hard_link(dir.path().join("migration.db"), dir.path().join("hard.db")).unwrap();
    let (_, once) = text(&run_in(dir.path(), &["scan", "migration.db"]));
    for twice in ["migration.db", "./migration.db", "link.db", "hard.db"] {
        let output = run_in(dir.path(), &["scan", "migration.db", twice]);
        assert_eq!(text(&output).1, once);
        assert_eq!(stderr(&output), format!("note: {twice} is migration.db, which was given before: it is read once\n"));
    }
}

#[test]
fn man_has_a_page_for_each_command() {
    let dir = tempfile::tempdir().unwrap();
    let (code, page) = text(&run_in(dir.path(), &["man"]));
    assert!(code == 0 && page.contains(".TH etcd-sleuth 1"), "{page}");
    assert_eq!(sleuth().args(["man", "man1"]).current_dir(dir.path()).status().unwrap().code(), Some(0));
    let help = text(&run_in(dir.path(), &["--help"])).1;
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let commands: Vec<&str> = commands.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(commands.contains(&"man") && commands.contains(&"scan"), "{commands:?}");
    for name in commands {
        let page = fs::read_to_string(dir.path().join(format!("man1/etcd-sleuth-{name}.1"))).unwrap();
        assert!(page.contains(".TH etcd-sleuth-") && page.contains("DESCRIPTION"), "{name}: {page}");
    }
    assert!(dir.path().join("man1/etcd-sleuth.1").exists());
}

/// What a shell offers behind a beginning, by its own script.
fn completed(shell: &str, line: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("script");
    fs::write(&script, run_in(dir.path(), &["completions", shell]).stdout).unwrap();
    let program = match shell {
        "bash" => format!(
            "source {script}; COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _etcd__sleuth etcd-sleuth \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script = script.display()
        ),
        "fish" => format!("source {}; complete --do-complete '{line}'", script.display()),
        _ => format!(
            "zmodload zsh/zpty; zpty -b z zsh -f -i; \
             zpty -w z 'PS1=; autoload -U compinit; compinit -u; source {}; compdef _etcd-sleuth etcd-sleuth; stty cols 200'; \
             sleep 2; while zpty -r -t z piece; do :; done; zpty -n -w z $'{line}\\t\\t'; \
             sleep 2; while zpty -r -t z piece; do seen+=$piece; done; print -r -- $seen; zpty -d z",
            script.display()
        ),
    };
    let output = Command::new(shell).args(if shell == "bash" { &["--norc", "-c"][..] } else { &["-c"] }).arg(program).output();
    let output = output.unwrap_or_else(|error| panic!("{shell}: {error}; bash .ci/run installs it"));
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// In each shell a command, an option, and a value of an option are completed.
#[test]
#[ignore = "needs bash, zsh and fish"]
fn completion_works_in_bash_zsh_and_fish() {
    for shell in ["bash", "zsh", "fish"] {
        for (line, offered) in [
            ("etcd-sleuth sc", "scan"),
            ("etcd-sleuth scan --rotate-l", "--rotate-list"),
            ("etcd-sleuth keys --reti", "--retire"),
            ("etcd-sleuth check --format js", "jsonl"),
            // bash makes three words of it.
            (if shell == "bash" { "etcd-sleuth scan --residue = pa" } else { "etcd-sleuth scan --residue=pa" }, "pages"),
            ("etcd-sleuth scan --residue=pa", "--residue=pages"),
        ] {
            let found = completed(shell, line);
            assert!(found.contains(offered), "{shell}: {line}: {found}");
        }
    }
}
