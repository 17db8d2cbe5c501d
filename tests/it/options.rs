//! Options: each acts, or is refused in one sentence; and every one that shapes an answer stands in its first record.

use crate::common;

use std::fs;

use common::{Fixture, of_kind, records, run_in, stderr, text, unpack_directory};
use serde_json::json;

#[test]
fn an_option_that_cannot_act_is_wrong_usage() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    let file = "migration.db";
    for args in [
        &["check", "--limits", "--format", "json"][..],
        &["check", "--limits", "-o", "out"],
        &["check", "--limits", "-q"],
        &["check", file, "--format", "csv"],
        &["show", file, "default/x", "--reveal", "-q"],
        &["show", file, "default/x", "--rate", "1"],
        &["show", file, "default/x", "--ledger", "calls"],
        &["pages", file, "--page", "1", "-q"],
        &["pages", file, "--list", "--format", "jsonl"],
        &["pages", file, "--page", "1", "--format", "json"],
    ] {
        let output = run_in(dir.path(), args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?} began an answer: {}", String::from_utf8_lossy(&output.stdout));
        let error = stderr(&output);
        assert!(error.starts_with("error: "), "{args:?}: {error}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn one_page_is_told_of_each_file_that_has_it() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["migration", "fresh"] {
        Fixture::named(name).write_to(dir.path());
    }
    let (code, both) = text(&run_in(dir.path(), &["pages", "migration.db", "fresh.db", "--page", "2"]));
    assert_eq!(code, 0);
    assert!(both.contains("migration.db: page 2: ") && both.contains("fresh.db: page 2: "), "{both}");
    let output = run_in(dir.path(), &["pages", "fresh.db", "migration.db", "--page", "30"]);
    let (said, error) = (String::from_utf8_lossy(&output.stdout).into_owned(), stderr(&output));
    assert_eq!(output.status.code(), Some(3), "{said}{error}");
    assert!(error.contains("fresh.db: no page 30; pages are 0 to ") && said.contains("migration.db: page 30: "), "{said}{error}");
    assert_eq!(run_in(dir.path(), &["pages", "fresh.db", "--page", "99999"]).status.code(), Some(1));
}

#[test]
fn a_key_that_a_filter_leaves_out_is_not_said_to_be_unknown_without_the_filter() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    for args in [["--opens", "aescbc/none"], ["--retire", "aescbc/none"]] {
        let error = stderr(&run_in(dir.path(), &[&["keys", "migration.db", "--namespace", "zzz"], &args[..]].concat()));
        assert!(
            error.contains("no value in these inputs names this key") && error.contains("of those that were looked at: namespace zzz"),
            "{error}"
        );
        assert_eq!(error.contains("--confirm-unseen"), args[0] == "--retire", "{error}");
    }
}

#[test]
fn the_first_record_has_the_options_that_shape_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    fs::write(dir.path().join("nobody.yaml"), common::NOBODY).unwrap();
    let options = |args: &[&str]| {
        let all = records(&run_in(dir.path(), &[args, &["--format", "jsonl"]].concat()));
        of_kind(&all, "run")[0]["options"].clone()
    };
    let of_scan = options(&["scan", "migration.db", "--max-size", "1M"]);
    assert_eq!(of_scan["max-size"], json!(1 << 20));
    let of_verify = options(&["verify", "migration.db", "--encryption-config", "nobody.yaml", "--timeout", "2.5", "--max-calls", "7"]);
    assert_eq!([&of_verify["timeout"], &of_verify["rate"], &of_verify["max-calls"]], [&json!(2.5), &json!(20.0), &json!(7)]);
    assert_eq!(of_verify["max-size"], json!(8u64 << 30));
}

#[test]
fn a_plan_is_a_table_of_its_calls() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    let run = |format| run_in(dir.path(), &["verify", "migration.db", "--plan", "--format", format]);
    let plans = records(&run("jsonl"));
    let rows = of_kind(&plans, "plan")
        .into_iter()
        .map(|plan| [plan["asked"].as_str(), plan["key_id"].as_str()].map(|cell| cell.unwrap_or("").to_owned()));
    let table = run("csv").stdout;
    let mut reader = csv::Reader::from_reader(&table[..]);
    assert_eq!(reader.headers().unwrap(), vec!["asked", "key_id", "values", "current", "calls", "further_calls", "key_calls"]);
    let read: Vec<_> = reader.records().map(|row| row.unwrap()).map(|row| [row[0].to_owned(), row[1].to_owned()]).collect();
    assert!(!read.is_empty() && read == rows.collect::<Vec<_>>(), "{read:?}");
}

#[test]
fn a_recovery_says_what_of_the_log_it_did_not_apply() {
    let dir = tempfile::tempdir().unwrap();
    unpack_directory("killed", dir.path());
    let output = run_in(dir.path(), &["recover", "killed", "-o", "-"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("NOT LOOKED AT: killed/member/wal/") && said.contains("are newer than the database, and were not applied"),
        "{said}"
    );
}

/// Of a directory every file is one of the bytes that are searched.
#[test]
fn carve_counts_what_it_found_in_every_file_of_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    unpack_directory("killed", dir.path());
    let (_, screen) = text(&run_in(dir.path(), &["carve", "killed", "--resources", "all"]));
    let all = records(&run_in(dir.path(), &["carve", "killed", "--resources", "all", "--format", "jsonl"]));
    assert!(screen.matches("killed/member/").count() >= of_kind(&all, "evidence").len(), "{screen}");
    let plaintext = of_kind(&all, "value").iter().filter(|value| value["protection"] == "plaintext" && value["duplicate"] == false).count();
    assert!(screen.contains(&format!("Values   {plaintext} in plaintext")), "{plaintext}: {screen}");
}

#[test]
fn what_is_like_a_name_that_is_not_there_is_offered() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    for (resources, meant) in [("secret", "secrets"), ("configmap,secrets", "configmaps"), ("Secrets", "secrets")] {
        let (_, shown) = text(&run_in(dir.path(), &["scan", "migration.db", "--resources", resources]));
        let asked = resources.split(',').next().unwrap();
        assert!(shown.contains(&format!("\n  No object of {asked}: did you mean {meant}?\n")), "{shown}");
    }
    let (_, shown) = text(&run_in(dir.path(), &["scan", "migration.db", "--resources", "pods,secrets"]));
    assert!(!shown.contains("did you mean"), "{shown}");
    for (object, meant) in [
        ("ci/tapir-vole-54", "ci/tapir-vole-53"),
        ("prod/tapir-vole-53", "ci/tapir-vole-53"),
        ("secret/ci/tapir-vole-53", "ci/tapir-vole-53"),
        ("/registry/secrets/ci/tapir-vole-5", "/registry/secrets/ci/tapir-vole-53"),
    ] {
        for more in [&[][..], &["--reveal"]] {
            let output = run_in(dir.path(), &[&["show", "migration.db", object][..], more].concat());
            let said = stderr(&output);
            assert!(output.status.code() == Some(2) && said.contains(&format!("\n  did you mean: {meant}")), "{object}: {said}");
        }
    }
    let said = stderr(&run_in(dir.path(), &["show", "migration.db", "nowhere/nothing"]));
    assert!(said.contains("looked for: ") && !said.contains("did you mean"), "{said}");
}

/// What NEXT asks for can be done for each file: no list is written over another, and a path is one word.
#[test]
fn next_names_a_list_of_its_own_for_each_input() {
    let dir = tempfile::tempdir().unwrap();
    let migration = Fixture::named("migration").write_to(dir.path());
    fs::copy(&migration, dir.path().join("-x.db")).unwrap();
    let (_, shown) = text(&run_in(dir.path(), &["scan", "--", "-x.db"]));
    assert!(shown.contains("NEXT  etcd-sleuth scan ./-x.db --rotate-list"), "{shown}");
    fs::copy(&migration, dir.path().join("it's a copy.db")).unwrap();
    let (_, shown) = text(&run_in(dir.path(), &["scan", "migration.db", "it's a copy.db"]));
    let next: Vec<&str> = shown.lines().filter(|line| line.starts_with("NEXT  ")).collect();
    assert_eq!(
        next,
        [
            "NEXT  etcd-sleuth scan migration.db --rotate-list rotate.csv",
            "NEXT  etcd-sleuth scan 'it'\\''s a copy.db' --rotate-list rotate-2.csv"
        ]
    );
}

/// Whoever has read the help of one command finds the options in the next one where they stood.
#[test]
fn options_that_several_commands_have_stand_in_one_order() {
    let commands = ["scan", "carve", "check", "keys", "verify", "show", "recover", "pages"];
    let options = |command: &str| -> Vec<String> {
        let help = text(&common::sleuth().args([command, "--help"]).output().unwrap()).1;
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{command}: {help}");
        let lines = help.lines().map(str::trim).filter(|line| line.starts_with('-'));
        lines.filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--"))).map(str::to_owned).collect()
    };
    let all: Vec<Vec<String>> = commands.into_iter().map(options).collect();
    assert!(all.iter().all(|options| options.contains(&"--quiet".to_owned())), "{all:?}");
    for (one, other) in all.iter().flat_map(|one| all.iter().map(move |other| (one, other))) {
        let shared =
            |of: &[String], with: &[String]| -> Vec<String> { of.iter().filter(|option| with.contains(option)).cloned().collect() };
        assert_eq!(shared(one, other), shared(other, one));
    }
}

/// A new database has the revisions of one old one, so that `recover` says why it takes one input alone.
#[test]
fn recover_takes_one_input_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let path = Fixture::named("migration").write_to(dir.path());
    let output = run_in(dir.path(), &["recover", path.to_str().unwrap(), path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty() && stderr(&output).contains("brings back one database"), "{}", stderr(&output));
}
