//! Whole text answers, as people see them: a change to a screen shows as a change to a file in `snapshots/`.
//!
//! ```text
//! INSTA_UPDATE=always cargo test golden     # accepts what is printed now; look at the diff
//! ```
//! Each command runs in the folder of its fixture, so that no path of this machine is in an answer.

use std::path::Path;

use crate::common::{Fixture, run_in, stderr, text, unpack_directory};

/// What a run says: its arguments, exit code, standard output, and standard error where there is any.
fn answer(dir: &Path, args: &[&str]) -> String {
    let output = run_in(dir, args);
    let (code, stdout) = text(&output);
    let error = stderr(&output);
    let error = if error.is_empty() { String::new() } else { format!("--- standard error\n{error}") };
    format!("$ etcd-sleuth {}\n{stdout}{error}--- exit code {code}\n", args.join(" "))
}

/// The answer over `testdata/migration.db`.
fn of_migration(args: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    answer(dir.path(), args)
}

/// Holds an answer to the file of this name in `snapshots/`.
fn assert_golden(name: &str, answer: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, answer));
}

#[test]
fn scan() {
    assert_golden("scan", &of_migration(&["scan", "migration.db"]));
}

#[test]
fn check() {
    assert_golden("check", &of_migration(&["check", "migration.db"]));
}

#[test]
fn keys() {
    assert_golden("keys", &of_migration(&["keys", "migration.db"]));
}

#[test]
fn retire() {
    assert_golden("retire", &of_migration(&["keys", "migration.db", "--retire", "kms/aws-a"]));
}

#[test]
fn pages() {
    assert_golden("pages", &of_migration(&["pages", "migration.db"]));
}

#[test]
fn scan_of_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    unpack_directory("killed", dir.path());
    assert_golden("scan-directory", &answer(dir.path(), &["scan", "killed"]));
}
