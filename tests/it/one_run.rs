//! What commands once said falsely, because each had a run of its own. What they share is held by `agreement`.

use crate::common;

use std::path::Path;

use common::{Fixture, evidences, of_kind, records, run_in, text};
use serde_json::Value;

/// The first segment of a fixture's log, by its name within `dir`.
fn first_segment(dir: &Path, name: &str) -> String {
    let wal = dir.join(name).join("member/wal");
    let names = std::fs::read_dir(wal).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let first = names.filter(|name| name.ends_with(".wal")).min().unwrap();
    format!("{name}/member/wal/{first}")
}

/// A segment by itself is no part of the directory that is given with it, so no raft snapshot there says what was agreed on here.
#[test]
fn nothing_is_committed_by_the_raft_snapshot_of_another_member() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["killed", "segments"] {
        common::unpack_directory(name, dir.path());
    }
    let segment = first_segment(dir.path(), "segments");
    std::fs::write(dir.path().join("nobody.yaml"), common::NOBODY).unwrap();
    let fates = |args: &[&str]| -> Vec<(String, String)> {
        let all = records(&run_in(dir.path(), &[args, &["--format", "jsonl", "--resources", "all"]].concat()));
        let number = evidences(&all).into_iter().rev().find(|evidence| evidence["path"] == segment.as_str()).unwrap()["evidence"].clone();
        let of_segment = of_kind(&all, "value").into_iter().filter(|value| value["evidence"] == number);
        of_segment.map(|value| (value["committed"].to_string(), value["applied"].to_string())).collect()
    };
    let alone = fates(&["scan", &segment]);
    for args in [
        &["scan", "killed", &segment][..],
        &["scan", &segment, "killed"],
        &["verify", &segment, "--encryption-config", "nobody.yaml"],
        &["verify", "killed", &segment, "--encryption-config", "nobody.yaml"],
        &["verify", &segment, "killed", "--encryption-config", "nobody.yaml"],
    ] {
        assert_eq!(fates(args), alone, "{args:?}");
    }
}

/// What can be read without a key is counted by every command that writes the summary.
#[test]
fn every_summary_counts_the_secrets_that_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::named("migration");
    fixture.write_to(dir.path());
    let total = |args: &[&str]| {
        let all = records(&run_in(dir.path(), &[args, &["--format", "jsonl"]].concat()));
        of_kind(&all, "summary")[0]["secrets_readable"]["total"].as_u64().unwrap()
    };
    let truth = fixture.truth();
    let writes = truth["writes"].as_array().unwrap();
    let places = ["retained", "elsewhere"].into_iter().flat_map(|list| truth[list].as_array().unwrap());
    let readable: std::collections::BTreeSet<&str> = places
        .map(|place| (place, &writes[usize::try_from(place["w"].as_u64().unwrap()).unwrap()]))
        .filter(|(place, write)| place["length"] == write["value_len"])
        .map(|(_, write)| write)
        .filter(|write| write["form"] == "plaintext")
        .filter_map(|write| write["key"].as_str().filter(|key| key.starts_with("/registry/secrets/")))
        .collect();
    assert_eq!(total(&["scan", "migration.db"]), readable.len() as u64);
    for args in [&["keys", "migration.db"][..], &["verify", "migration.db", "--plan"], &["show", "migration.db", "/nothing"]] {
        assert_eq!(total(args), readable.len() as u64, "{args:?}");
    }
}

/// A plan is an answer like any other: it goes where it is to go, in the format that was asked for.
#[cfg(feature = "aws-kms")]
#[test]
fn a_plan_is_written_where_and_how_it_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    let plan = ["verify", "migration.db", "--aws-kms", "--plan"];
    let path = out.path().join("plan.txt");
    let output = run_in(dir.path(), &[&plan[..], &["-o", path.to_str().unwrap()]].concat());
    assert!(output.stdout.is_empty());
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written.contains("AWS KMS: 29 calls"), "{written}");
    let (_, printed) = text(&run_in(dir.path(), &plan));
    assert_eq!(printed, written);
    let lines = records(&run_in(dir.path(), &[&plan[..], &["--format", "jsonl"]].concat()));
    let calls: u64 = of_kind(&lines, "plan").iter().map(|plan| plan["calls"].as_u64().unwrap()).sum();
    assert_eq!(calls, 29);
    let document = run_in(dir.path(), &[&plan[..], &["--format", "json"]].concat());
    let document: Value = serde_json::from_slice(&document.stdout).unwrap();
    assert_eq!(document["plan"].as_array().unwrap().len(), of_kind(&lines, "plan").len());
}

/// What the text sends its reader to is there: a record, and a line of the table, for each key in each file.
#[test]
fn every_use_of_a_key_has_its_record_and_its_line() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["migration", "killed", "etcd35"] {
        Fixture::named(name).write_to(dir.path());
    }
    let files = ["migration.db", "killed.db", "etcd35.db"];
    let keys = |format: &str| run_in(dir.path(), &[&["keys"], &files[..], &["--format", format]].concat());
    let lines = records(&keys("jsonl"));
    let uses = of_kind(&lines, "key-use");
    let named: std::collections::BTreeSet<String> = of_kind(&lines, "value").iter().map(|value| value["key_id"].to_string()).collect();
    assert!(named.is_empty(), "keys writes no value unasked");
    assert!(uses.len() > of_kind(&lines, "key").len(), "{}", uses.len());
    let table = keys("csv").stdout;
    let table = String::from_utf8(table).unwrap();
    assert_eq!(table.lines().count(), uses.len() + 1, "{table}");
    let (_, screen) = text(&keys("text"));
    let rows = screen.lines().filter(|line| files.iter().any(|file| line.contains(&format!(" {file} ")))).count();
    assert_eq!(rows, uses.len(), "{screen}");
}

/// One screen says one figure of one thing.
#[test]
fn no_screen_contradicts_itself() {
    let dir = tempfile::tempdir().unwrap();
    for fixture in Fixture::all() {
        fixture.write_to(dir.path());
        let file = format!("{}.db", fixture.name);
        for resources in ["secrets", "all"] {
            let (_, screen) = text(&run_in(dir.path(), &["scan", &file, "--resources", resources]));
            let number = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>().parse::<u64>().unwrap_or(0);
            // What the title of the keys says is the sum of its rows.
            if let Some(at) = screen.lines().position(|line| line.contains("encrypted now need")) {
                let title = screen.lines().nth(at).unwrap();
                let rows = screen.lines().skip(at + 1).take_while(|line| line.starts_with("  "));
                let current = |row: &str| number(row.split_whitespace().rev().nth(row_columns(title) - 1).unwrap());
                let sum: u64 = rows.map(current).sum();
                assert_eq!(number(title.split("encrypted now need").next().unwrap()), sum, "{file} {resources}: {screen}");
            }
            // What the findings count, but for what can be read in a newer place, is what the last line says.
            let last = screen.lines().last().unwrap();
            let said = |what: &str| {
                let parts = last.split([',', ';', '(', ':']).map(str::trim);
                parts.filter_map(|part| part.strip_suffix(what)).map(number).sum::<u64>()
            };
            let found = |titles: &[&str]| -> u64 {
                let counts =
                    titles.iter().filter_map(|title| screen.lines().find_map(|line| line.trim().split_once(&format!("{title} ("))));
                let once = |count: &str| {
                    let (all, newer) = count.split_once("; ").unwrap_or((count, "0 "));
                    number(all) - number(newer.split(' ').next().unwrap())
                };
                counts.map(|(_, count)| once(count)).sum()
            };
            assert_eq!(found(&["Secrets are stored in plaintext"]), said(" now"), "{file} {resources}: {screen}");
            let older = ["Older revisions of Secrets are in plaintext", "Deleted Secrets are retained in plaintext"];
            assert_eq!(found(&older), said(" in history"), "{file} {resources}: {screen}");
            assert_eq!(
                found(&["Secrets in plaintext stand where etcd no longer shows them"]),
                said(" only in free pages"),
                "{file} {resources}: {screen}"
            );
        }
    }
}

/// How many columns of figures stand under a title.
fn row_columns(title: &str) -> usize {
    ["current", "older", "residue", "log"].into_iter().filter(|column| title.split_whitespace().any(|word| word == *column)).count()
}

/// Numbers of evidences and places in a list are different things: an input that fails shifts nothing.
#[test]
fn an_input_that_fails_gives_its_name_to_no_other() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    std::fs::write(dir.path().join("no.db"), b"no database").unwrap();
    let require = ["--require-key", "kms/aws-b", "--encryption-config", "nobody.yaml"];
    std::fs::write(dir.path().join("nobody.yaml"), common::NOBODY).unwrap();
    let (_, alone) = text(&run_in(dir.path(), &[&["verify", "migration.db"], &require[..]].concat()));
    let late: Vec<&str> = alone.lines().filter(|line| line.contains("after the required key began")).collect();
    assert!(!late.is_empty() && late.iter().all(|line| line.contains("migration.db")), "{alone}");
    for inputs in [["no.db", "migration.db"], ["migration.db", "no.db"]] {
        let (_, screen) = text(&run_in(dir.path(), &[&["verify"], &inputs[..], &require[..]].concat()));
        let same: Vec<&str> = screen.lines().filter(|line| line.contains("after the required key began")).collect();
        assert_eq!(same, late, "{inputs:?}: {screen}");
        let lines = records(&run_in(dir.path(), &[&["verify"], &inputs[..], &require[..], &["--format", "jsonl"]].concat()));
        let numbers: Vec<Value> = evidences(&lines).iter().map(|evidence| evidence["evidence"].clone()).collect();
        let of_findings = of_kind(&lines, "finding").into_iter().all(|finding| numbers.contains(&finding["evidence"]));
        assert!(of_findings && numbers.len() == 1, "{inputs:?}");
    }
}

/// A trailer makes a snapshot, or twin metas of a file that ends before its high-water mark; else it may as well be a database.
#[test]
fn a_database_that_etcdutl_opened_last_is_not_called_a_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let kind = |bytes: &[u8]| {
        std::fs::write(dir.path().join("a.db"), bytes).unwrap();
        evidences(&records(&run_in(dir.path(), &["scan", "a.db", "--format", "jsonl"])))[0]["kind"].as_str().unwrap().to_owned()
    };
    let sound = Fixture::named("migration").bytes;
    let without_trailer = &sound[..sound.len() / 4096 * 4096];
    assert_eq!(without_trailer.len() + 32, sound.len());
    assert_eq!(kind(sound), "snapshot");
    assert_eq!(kind(without_trailer), "database");
    let (_, said) = text(&run_in(dir.path(), &["check", "a.db"]));
    assert!(said.contains("a snapshot that lost its trailer, or a database that etcdutl opened last"), "{said}");
    assert_eq!(kind(&without_trailer[..without_trailer.len() - 8192]), "snapshot");
}

/// That nothing names a key is said only where everything was looked at.
#[test]
fn a_key_is_not_called_unneeded_by_what_was_not_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::named("migration");
    fixture.write_to(dir.path());
    for name in ["killed", "segments"] {
        common::unpack_directory(name, dir.path());
    }
    let mut altered = fixture.bytes.to_vec();
    altered[200_000] ^= 1;
    std::fs::write(dir.path().join("altered.db"), altered).unwrap();
    let verdict = |input: &str, key: &str, more: &[&str]| {
        let args = [&["keys", input, "--retire", key, "--confirm-unseen", "--format", "jsonl"], more].concat();
        let output = run_in(dir.path(), &args);
        let all = records(&output);
        let retire = of_kind(&all, "summary")[0]["retire"].clone();
        if retire["verdict"] != "still-needed" {
            assert_eq!(retire["verdict"] == "cannot-say", !retire["doubts"].as_array().unwrap().is_empty(), "{args:?}: {retire}");
        }
        (retire["verdict"].as_str().unwrap().to_owned(), output.status.code().unwrap())
    };
    let cannot_say = ("cannot-say".to_owned(), 3);
    assert_eq!(verdict("migration.db", "aescbc/none", &[]), ("nothing-names-it".to_owned(), 0));
    for filter in [&["--resources", "configmaps"][..], &["--resources", "secrets"], &["--namespace", "zzz"], &["--name", "zzz"]] {
        for key in ["aescbc/none", "aescbc/aescbckey"] {
            let said = verdict("migration.db", key, filter);
            let is_seen = key == "aescbc/aescbckey" && filter[1] == "secrets";
            assert_eq!(said, if is_seen { ("still-needed".to_owned(), 2) } else { cannot_say.clone() }, "{key} {filter:?}");
        }
    }
    assert_eq!(verdict("altered.db", "aescbc/none", &[]), cannot_say);
    // A log by itself says of no value whether it is current.
    let segment = first_segment(dir.path(), "killed");
    for input in [segment.as_str(), "segments/member/wal"] {
        assert_eq!(verdict(input, "aescbc/none", &[]), cannot_say, "{input}");
    }
    // What stands in a directory and was not read may need it.
    assert_eq!(verdict("killed", "aescbc/none", &[]), ("nothing-names-it".to_owned(), 0));
    std::fs::write(dir.path().join("killed/member/snap/notes"), b"of somebody").unwrap();
    assert_eq!(verdict("killed", "aescbc/none", &[]), cannot_say);
    for command in [&["check", "killed"][..], &["show", "killed", "/nothing"]] {
        let output = run_in(dir.path(), command);
        let said = [output.stdout, output.stderr].concat();
        assert!(String::from_utf8_lossy(&said).contains("NOT LOOKED AT: killed/member/snap/notes"), "{command:?}");
    }
}

/// Without a tree nothing is called current, and nothing is called not current.
#[test]
fn without_a_tree_no_value_is_said_not_to_be_current() {
    let dir = tempfile::tempdir().unwrap();
    common::unpack_directory("killed", dir.path());
    let mut without_metas = Fixture::named("migration").bytes.to_vec();
    without_metas[..8192].fill(0);
    std::fs::write(dir.path().join("no-metas.db"), without_metas).unwrap();
    std::fs::write(dir.path().join("nobody.yaml"), common::NOBODY).unwrap();
    let segment = first_segment(dir.path(), "killed");
    let snapshot = "killed/member/snap/0000000000000002-000000000000007a.snap";
    for input in [segment.as_str(), snapshot, "no-metas.db"] {
        let (_, keys) = text(&run_in(dir.path(), &["keys", input]));
        // A raft snapshot without keys of the v2 API names none.
        let is_said = keys.lines().next().unwrap().contains("which values are current is not known");
        assert!(is_said || input == snapshot, "{keys}");
        let (code, verify) = text(&run_in(dir.path(), &["verify", input, "--encryption-config", "nobody.yaml"]));
        assert_eq!(code, 3, "{verify}");
        assert!(verify.lines().next().unwrap().contains("which values are current is not known"), "{verify}");
    }
}

/// That there is no object is said where everything was read alone: a page that is lost may have had it.
#[test]
fn an_object_of_a_lost_page_is_not_denied() {
    let dir = tempfile::tempdir().unwrap();
    let mut mutant = common::mutate::Mutant::of("migration").without_trailer();
    let size = mutant.page_size;
    let (page, lost) = mutant
        .unique_leaves()
        .into_iter()
        .find_map(|page| {
            let others: Vec<Vec<u8>> =
                mutant.retained(|of| of != page).into_iter().chain(mutant.elsewhere(|_| true)).map(|(key, ..)| key).collect();
            let elsewhere = |key: &Vec<u8>| others.contains(key);
            let on_page = mutant.retained(|of| of == page).into_iter().map(|(key, ..)| key);
            on_page.into_iter().find(|key| !elsewhere(key)).map(|key| (page, String::from_utf8(key).unwrap()))
        })
        .unwrap();
    mutant.put(page, 0, &vec![0; size]);
    std::fs::write(dir.path().join("lost.db"), &mutant.bytes).unwrap();
    Fixture::named("migration").write_to(dir.path());
    let ask = |file: &str, key: &str| {
        let output = run_in(dir.path(), &["show", file, key]);
        (output.status.code(), common::stderr(&output))
    };
    assert_eq!(ask("migration.db", &lost).0, Some(0));
    let (code, said) = ask("lost.db", &lost);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("was not found in what can be read") && !said.contains("no object"), "{said}");
    let (code, said) = ask("migration.db", "/registry/secrets/no/such");
    assert!(code == Some(2) && said.contains("no object"), "{said}");
}

/// Of several files a line claims of each no more than is said of it alone.
#[test]
fn of_several_files_each_is_called_what_it_is_called_alone() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    std::fs::write(dir.path().join("bare.db"), common::mutate::Mutant::of("migration").without_trailer().bytes).unwrap();
    let line = |command: &str| text(&run_in(dir.path(), &[command, "-q", "bare.db", "migration.db"])).1;
    let pages = line("pages");
    assert!(pages.contains("1 whole with the trailer not judged") && pages.contains("1 whole without a trailer"), "{pages}");
    let (_, checked) = text(&run_in(dir.path(), &["check", "bare.db", "migration.db"]));
    assert!(checked.ends_with("2 files: 1 whole, 1 whole without a trailer (exit 0)\n"), "{checked}");
}

/// Whoever writes to etcd chooses names: none of them gets into a command.
#[test]
fn a_name_that_no_api_server_takes_is_in_no_command() {
    let dir = tempfile::tempdir().unwrap();
    let write = |main: u64, namespace: &str| {
        let key = format!("/registry/secrets/{namespace}/name");
        let value = format!(r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"namespace":"{namespace}","name":"name"}}}}"#);
        common::pages::Write { main, key: key.into_bytes(), value: value.into_bytes() }
    };
    let writes: Vec<_> =
        ["sound", "", "-o", "a b", "a;id", "$(id)", "x'y", "`id`", "A"].iter().zip(2..).map(|(name, main)| write(main, name)).collect();
    std::fs::write(dir.path().join("names.db"), common::pages::database_of(&writes)).unwrap();
    std::fs::write(dir.path().join("nobody.yaml"), common::NOBODY).unwrap();
    let (_, said) = text(&run_in(dir.path(), &["verify", "names.db", "--encryption-config", "nobody.yaml"]));
    let commands: Vec<&str> = said.lines().filter(|line| line.contains("kubectl")).map(str::trim).collect();
    assert_eq!(commands, ["1  kubectl get secrets -n sound -o json | kubectl replace -f -"], "{said}");
}
