//! No command shows a value: every marker that stands in a fixture in clear is looked for in all that is printed.

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

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{Fixture, of_kind, records, run_in, stderr, text, unpack_directory};
use serde_json::Value;

/// Markers of a fixture that stand in it in clear.
fn markers(truth: &Value) -> Vec<String> {
    let mut markers: Vec<String> = truth["markers"].as_array().unwrap().iter().map(|m| m["marker"].as_str().unwrap().to_owned()).collect();
    markers.sort();
    markers.dedup();
    markers
}

/// Fails where a marker, or its base64, occurs in the output of a command.
fn assert_silent(what: &str, output: &[u8], markers: &[String]) {
    let shown = String::from_utf8_lossy(output);
    // All markers begin alike, so one search tells the common case.
    if !shown.contains("CANARY-") && !shown.contains(&STANDARD.encode("CANARY-")[..8]) {
        return;
    }
    for marker in markers {
        assert!(!shown.contains(marker), "{what} shows {marker}");
        assert!(!shown.contains(&STANDARD.encode(marker)[..20]), "{what} shows {marker} in base64");
    }
    panic!("{what} shows a marker that the truth does not list");
}

#[test]
fn no_command_prints_a_value_unasked() {
    for fixture in Fixture::all() {
        let dir = tempfile::tempdir().unwrap();
        fixture.write_to(dir.path());
        let file = format!("{}.db", fixture.name);
        let markers = markers(&fixture.truth());
        let mut commands: Vec<Vec<String>> = Vec::new();
        for format in ["text", "jsonl", "json", "csv"] {
            for resources in ["secrets", "all"] {
                commands.push(["scan", &file, "--resources", resources, "--format", format].map(str::to_owned).to_vec());
            }
        }
        commands.push(["check", &file].map(str::to_owned).to_vec());
        commands.push(["pages", &file, "--list"].map(str::to_owned).to_vec());
        let all = records(&run_in(dir.path(), &["scan", &file, "--resources", "all", "--format", "jsonl"]));
        let mut keys: Vec<&str> = of_kind(&all, "value")
            .into_iter()
            .filter_map(|v| v["key"].as_str())
            .filter(|k| k.starts_with('/') && !k.contains('\0'))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        commands.extend(keys.iter().map(|key| ["show", &file, key].map(str::to_owned).to_vec()));
        for command in commands {
            let args: Vec<&str> = command.iter().map(String::as_str).collect();
            let output = run_in(dir.path(), &args);
            assert!(output.status.code().is_some_and(|code| code != 1), "{args:?}: {}", stderr(&output));
            assert_silent(&format!("{args:?}"), &output.stdout, &markers);
            assert_silent(&format!("{args:?} (stderr)"), &output.stderr, &markers);
        }
    }
}

#[test]
fn a_data_directory_is_as_silent_as_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = unpack_directory("killed", dir.path());
    let truth = Fixture::named("killed").truth();
    let mut markers = markers(&truth);
    // What only the log holds: the marker of every write.
    markers.extend(truth["writes"].as_array().unwrap().iter().filter_map(|write| write["marker"].as_str().map(str::to_owned)));
    let wal = path.join("member/wal/0000000000000000-0000000000000000.wal");
    let snap = path.join("member/snap/0000000000000002-000000000000007a.snap");
    for format in ["text", "jsonl", "json", "csv"] {
        for input in [path.as_path(), &wal, &snap] {
            let output = run_in(dir.path(), &["scan", input.to_str().unwrap(), "--resources", "all", "--format", format]);
            assert!(matches!(output.status.code(), Some(0 | 2)), "{}", stderr(&output));
            assert_silent(&format!("{} as {format}", input.display()), &[output.stdout, output.stderr].concat(), &markers);
        }
    }
}

#[test]
fn damage_does_not_make_it_talk() {
    let fixture = Fixture::named("plaintext");
    let markers = markers(&fixture.truth());
    assert!(!markers.is_empty());
    for step in 0..40usize {
        let mut bytes = fixture.bytes.clone();
        let at = 8192 + step * (bytes.len() - 8192 - 200) / 40;
        bytes[at..at + 64].iter_mut().for_each(|byte| *byte ^= 0x55);
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("damaged.db"), &bytes).unwrap();
        for args in [
            &["scan", "damaged.db", "--resources", "all", "--format", "jsonl"][..],
            &["check", "damaged.db"],
            &["pages", "damaged.db", "--list"],
        ] {
            let output = run_in(dir.path(), args);
            // `pages` does not hash, so it cannot see a change in a free page or in a value.
            let seen = matches!(output.status.code(), Some(2 | 3)) || args[0] == "pages" && output.status.code() == Some(0);
            assert!(seen, "{args:?} {at}: {:?} {}", output.status, stderr(&output));
            assert_silent(&format!("{args:?} with damage at {at}"), &[output.stdout, output.stderr].concat(), &markers);
        }
    }
}

#[test]
fn one_object_is_revealed_when_asked_for_and_into_a_private_file() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::named("plaintext");
    fixture.write_to(dir.path());
    let all = records(&run_in(dir.path(), &["scan", "plaintext.db", "--format", "jsonl"]));
    let current = |v: &&&Value| v["retention"] == "current" && v["protection"] == "plaintext";
    let value = of_kind(&all, "value").iter().find(current).copied().unwrap().clone();
    let object = format!("{}/{}", value["namespace"].as_str().unwrap(), value["name"].as_str().unwrap());

    let shown = run_in(dir.path(), &["show", "plaintext.db", &object, "--reveal"]);
    let json: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!((&json["kind"], &json["metadata"]["name"]), (&"Secret".into(), &value["name"]));
    assert!(stderr(&shown).contains("revealing revision"), "{}", stderr(&shown));
    let data = json["data"].as_object().unwrap();
    let items = value["secret"]["data"].as_array().unwrap();
    assert_eq!(data.len(), items.len());
    for item in items {
        let bytes = STANDARD.decode(data[item["name"].as_str().unwrap()].as_str().unwrap()).unwrap();
        assert_eq!(bytes.len() as u64, item["length"].as_u64().unwrap());
    }

    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("secret.json");
    let written = run_in(dir.path(), &["show", "plaintext.db", &object, "--reveal", "-o", target.to_str().unwrap()]);
    assert_eq!(written.status.code(), Some(0));
    assert_eq!(std::fs::read(&target).unwrap(), shown.stdout);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn show_gives_every_revision_and_says_when_there_is_no_such_object() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::named("migration");
    fixture.write_to(dir.path());
    let all = records(&run_in(dir.path(), &["scan", "migration.db", "--format", "jsonl"]));
    let values = of_kind(&all, "value");
    let superseded = values.iter().find(|v| v["retention"] == "superseded").unwrap();
    let revisions: Vec<u64> =
        values.iter().filter(|v| v["key"] == superseded["key"]).map(|v| v["mod_revision"].as_u64().unwrap()).collect();
    assert!(revisions.len() > 1);
    let (code, stdout) = text(&run_in(dir.path(), &["show", "migration.db", superseded["key"].as_str().unwrap()]));
    assert_eq!(code, 0);
    for revision in revisions {
        assert!(stdout.contains(&format!("revision {revision} ")), "{stdout}");
    }
    let missing = run_in(dir.path(), &["show", "migration.db", "no-such/object"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).contains("no object no-such/object"), "{}", stderr(&missing));
}

#[test]
fn hostile_names_do_not_reach_a_terminal_or_a_spreadsheet() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("kinds").write_to(dir.path());
    let bidi = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    for format in ["text", "jsonl", "json", "csv"] {
        let (_, shown) = text(&run_in(dir.path(), &["scan", "kinds.db", "--resources", "all", "--format", format]));
        let obeyed = shown.chars().find(|c| (c.is_control() && *c != '\n') || bidi(*c));
        assert_eq!(obeyed, None, "{format}");
        if format == "csv" {
            let mut reader = csv::Reader::from_reader(shown.as_bytes());
            for row in reader.records() {
                for cell in row.unwrap().iter() {
                    let number = cell.parse::<f64>().is_ok();
                    assert!(number || !cell.starts_with(['=', '+', '-', '@']), "{cell}");
                }
            }
        }
    }
}
