//! One verdict: what is said of a file is about the file, and a value that cannot be decoded is told by its key, its revision and its
//! place, by every command alike.

use crate::common;

use std::fs;

use common::{Fixture, of_kind, records, run_in, text};
use serde_json::{Value, json};

/// A fixture without its trailer, so that nothing but its structure speaks for or against it.
fn without_trailer(name: &str) -> Vec<u8> {
    let bytes = Fixture::named(name).bytes;
    bytes[..bytes.len() - bytes.len() % 4096].to_vec()
}

/// The first current Secret that is stored so: its offset, its key, its revision.
fn current(dir: &std::path::Path, is_wanted: impl Fn(&Value) -> bool) -> (usize, String, u64) {
    let all = records(&run_in(dir, &["scan", "a.db", "--format", "jsonl"]));
    let value = *of_kind(&all, "value")
        .iter()
        .find(|v| v["group_resource"] == "secrets" && v["retention"] == "current" && v["place"] == "tree" && is_wanted(v))
        .unwrap();
    (value["offset"].as_u64().unwrap() as usize, value["key"].as_str().unwrap().to_owned(), value["mod_revision"].as_u64().unwrap())
}

/// `scan` and `check` say the same of a value that was broken: the structure is sound, and which value it is.
fn assert_one_value_is_told(dir: &std::path::Path, key: &str, revision: u64) {
    let (code, checked) = text(&run_in(dir, &["check", "a.db"]));
    let scanned = text(&run_in(dir, &["scan", "a.db"])).1;
    assert_eq!(code, 3, "{checked}");
    for shown in [&checked, &scanned] {
        assert!(shown.contains("structure sound; 1 value CANNOT BE DECODED"), "{shown}");
        assert!(shown.contains(&format!("{key}, revision {revision}: ")), "{shown}");
        assert!(!shown.contains("DAMAGED") && !shown.contains("ALTERED"), "{shown}");
    }
    let all = records(&run_in(dir, &["scan", "a.db", "--format", "jsonl"]));
    let conditions = of_kind(&all, "summary")[0]["conditions"].as_array().unwrap().clone();
    assert!(conditions.contains(&json!("value-undecoded")) && !conditions.contains(&json!("damaged")), "{conditions:?}");
}

#[test]
fn an_object_that_cannot_be_decoded_is_no_damage_to_the_structure() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = without_trailer("migration");
    fs::write(dir.path().join("a.db"), &bytes).unwrap();
    let (offset, key, revision) = current(dir.path(), |v| v["encoding"] == "protobuf");
    // The tag of the first field behind the magic bytes.
    bytes[offset + 4] = 0xff;
    fs::write(dir.path().join("a.db"), &bytes).unwrap();
    assert_one_value_is_told(dir.path(), &key, revision);
}

#[test]
fn an_envelope_that_cannot_be_read_is_no_damage_to_the_structure() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = without_trailer("migration");
    fs::write(dir.path().join("a.db"), &bytes).unwrap();
    let (offset, key, revision) = current(dir.path(), |v| v["provider"] == "kms" && v["provider_version"] == "v2");
    let name = bytes[offset..].iter().enumerate().filter(|(_, byte)| **byte == b':').nth(4).unwrap().0;
    bytes[offset + name + 1] = 0xff;
    fs::write(dir.path().join("a.db"), &bytes).unwrap();
    assert_one_value_is_told(dir.path(), &key, revision);
}

/// A compaction is scheduled before it is finished, by every writer.
#[test]
fn a_compaction_finished_past_the_scheduled_one_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = without_trailer("compacted");
    let name = b"finishedCompactRev";
    let places: Vec<usize> = (0..bytes.len() - name.len()).filter(|at| bytes[*at..].starts_with(name)).collect();
    assert!(!places.is_empty());
    for at in places {
        // The low byte of the revision behind the name.
        bytes[at + name.len() + 7] = bytes[at + name.len() + 7].wrapping_add(1);
    }
    fs::write(dir.path().join("a.db"), &bytes).unwrap();
    let (code, checked) = text(&run_in(dir.path(), &["check", "a.db"]));
    assert!(code == 2 && checked.contains("compaction-contradiction"), "{checked}");
    assert!(checked.contains("ALTERED: bytes stand in it that no writer leaves so"), "{checked}");
    assert!(text(&run_in(dir.path(), &["scan", "a.db"])).1.contains("compaction-contradiction"));
}

/// Of two files of one cluster that contradict each other, the one that fails its own trailer is the accused, in either order.
#[test]
fn a_file_that_fails_its_trailer_does_not_accuse_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let sound = Fixture::named("migration").bytes;
    fs::write(dir.path().join("a.db"), sound).unwrap();
    let (offset, ..) = current(dir.path(), |v| v["encoding"] == "protobuf");
    let mut altered = sound.to_vec();
    altered[offset + 12] ^= 1;
    fs::write(dir.path().join("b.db"), &altered).unwrap();
    for order in [["a.db", "b.db"], ["b.db", "a.db"]] {
        let all = records(&run_in(dir.path(), &[&["scan", "--format", "jsonl"][..], &order].concat()));
        let number = |name: &str| of_kind(&all, "evidence").iter().find(|e| e["path"] == name).unwrap()["evidence"].clone();
        let accused = |of: Value| of_kind(&all, "anomaly").iter().filter(|a| a["evidence"] == of).count();
        assert_eq!(accused(number("a.db")), 0, "{order:?}");
        assert!(accused(number("b.db")) > 0, "{order:?}");
    }
}
