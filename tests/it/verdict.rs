//! One verdict: what is said of a file is about the file, and a value that cannot be decoded is told by its key, its revision and its
//! place, by every command alike.

use crate::common;

use std::fs;

use common::mutate::Mutant;
use common::pages::{self, Write};
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
        assert!(!shown.contains("DAMAGED") && !shown.contains("NOT AS WRITTEN"), "{shown}");
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
    assert!(checked.contains("NOT AS WRITTEN: something stands in it that no writer leaves so"), "{checked}");
    assert!(text(&run_in(dir.path(), &["scan", "a.db"])).1.contains("compaction-contradiction"));
}

#[test]
fn a_compaction_finished_where_none_was_scheduled_is_told() {
    let finished = pages::Entry::value(b"finishedCompactRev", &[&2u64.to_be_bytes()[..], b"_", &[0; 8]].concat());
    let scheduled = pages::Entry::value(b"scheduledCompactRev", &finished.value);
    let write = Write { main: 3, key: b"/registry/configmaps/a/b".to_vec(), value: b"k8s\0\n\0\x12\0".to_vec() };
    for (meta, told) in [(vec![finished], true), (vec![scheduled], false)] {
        let root = [pages::Entry::bucket(b"key", 3), pages::Entry::inline_bucket(b"meta", &meta)];
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.db"), pages::database(&[pages::leaf(2, &root), pages::leaf(3, &[write.entry()])])).unwrap();
        let (code, checked) = text(&run_in(dir.path(), &["check", "a.db"]));
        assert_eq!((code == 2, checked.contains("none was scheduled")), (told, told), "{checked}");
    }
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

/// A small database as the snapshot API sends it: Secrets in plaintext and encrypted, a freed page that still holds one, a freelist.
fn small_snapshot() -> Vec<u8> {
    let secret = |name: u64| format!(r#"{{"kind":"Secret","apiVersion":"v1","metadata":{{"name":"s{name}","namespace":"ns","uid":"u"}}}}"#);
    let sealed = |name: u64| format!("k8s:enc:aescbc:v1:key{}:{:048}", name % 2, name);
    let write =
        |main: u64| Write { value: if main.is_multiple_of(2) { secret(main) } else { sealed(main) }.into_bytes(), ..Write::at(main) };
    let leaf_of = |pgid, revisions: std::ops::Range<u64>| pages::leaf(pgid, &revisions.map(|main| write(main).entry()).collect::<Vec<_>>());
    let first = |main: u64| write(main).stored_under();
    let all = [
        pages::root(3),
        pages::branch(3, &[(first(2), 4), (first(6), 5), (first(10), 6)]),
        leaf_of(4, 2..6),
        leaf_of(5, 6..10),
        leaf_of(6, 10..13),
        pages::freelist(7, &[8]),
        leaf_of(8, 4..7),
    ];
    pages::snapshot_with_freelist(&all, 7)
}

/// What `scan` and `check` say of one file: the anomalies, what of them decides, and the words.
fn said(dir: &std::path::Path, command: &[&str]) -> (Vec<String>, Vec<String>, Vec<&'static str>, Option<i32>) {
    let output = run_in(dir, &[command, &["a.db", "--format", "jsonl"]].concat());
    let all = records(&output);
    let mut anomalies: Vec<String> = of_kind(&all, "anomaly")
        .iter()
        .map(|one| format!("{} {} {} {}", one["class"], one["offset"], one["pgid"], one["detail"]))
        .collect();
    anomalies.sort();
    let of_the_file = ["altered", "damaged", "incomplete", "value-undecoded", "divergent", "nothing-analysed"];
    let held = of_kind(&all, "summary")[0]["conditions"].as_array().unwrap().clone();
    let held = held.iter().map(|held| held.as_str().unwrap().to_owned()).filter(|held| of_the_file.contains(&held.as_str()));
    let (_, shown) = text(&run_in(dir, &[command, &["a.db"]].concat()));
    let words = ["DAMAGED", "NOT AS WRITTEN", "INCOMPLETE", "CANNOT BE DECODED", "DOES NOT MATCH ITS TRAILER", "structure sound"];
    (anomalies, held.collect(), words.into_iter().filter(|word| shown.contains(word)).collect(), output.status.code())
}

/// Whatever is done to a file, `scan` and `check` say the same of it: the same anomalies, conditions and words, and never that all is
/// well where the other does not.
#[test]
fn scan_and_check_say_the_same_of_any_change() {
    let dir = tempfile::tempdir().unwrap();
    let sound = small_snapshot();
    let page = |pgid: usize| pgid * pages::PAGE;
    let flips = |at: usize, bits: u8| {
        let mut bytes = sound.clone();
        bytes[at] ^= bits;
        bytes
    };
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let trailer = sound.len() - 32;
    let mut changed: Vec<(String, Vec<u8>)> =
        vec![("nothing".to_owned(), sound.clone()), ("no trailer".to_owned(), sound[..trailer].to_vec())];
    // Headers, metas, the freelist, the trailer, and anywhere.
    let places =
        [(page(0), 80), (page(1), 80), (page(2), 60), (page(3), 120), (page(4), 16), (page(7), 24), (trailer, 32), (0, sound.len())];
    for (start, length) in places {
        for _ in 0..6 {
            let at = start + random(length);
            let bits = 1u8 << random(8);
            changed.push((format!("bits {bits:#x} of byte {at}"), flips(at, bits)));
        }
    }
    for _ in 0..6 {
        let end = 2 * pages::PAGE + random(sound.len() - 2 * pages::PAGE);
        changed.push((format!("cut at {end}"), sound[..end].to_vec()));
        // Without a trailer nothing but the structure speaks.
        let at = random(trailer);
        changed.push((format!("byte {at} without a trailer"), flips(at, 0x10)[..trailer].to_vec()));
    }
    let mut told = std::collections::BTreeSet::new();
    for (what, bytes) in changed {
        fs::write(dir.path().join("a.db"), bytes).unwrap();
        let (scan, check) = (said(dir.path(), &["scan", "--fail-on", "never"]), said(dir.path(), &["check"]));
        assert_eq!((&scan.0, &scan.1, &scan.2), (&check.0, &check.1, &check.2), "{what}");
        assert_eq!(scan.3 == Some(0), check.3 == Some(0), "{what}: {scan:?} {check:?}");
        told.extend(scan.2);
    }
    assert!(["DAMAGED", "NOT AS WRITTEN", "INCOMPLETE"].iter().all(|word| told.contains(word)), "{told:?}");
}

/// Of what is lost with the root of the tree nothing is said to be absent: no lease, no user, no compaction, no key.
#[test]
fn what_is_lost_is_not_told_as_absent() {
    let dir = tempfile::tempdir().unwrap();
    let mut mutant = Mutant::of("migration").without_trailer();
    let (offset, size) = (usize::try_from(mutant.offset(mutant.root)).unwrap(), mutant.page_size);
    fs::write(dir.path().join("sound.db"), &mutant.bytes).unwrap();
    mutant.bytes[offset..offset + size].fill(0);
    fs::write(dir.path().join("a.db"), &mutant.bytes).unwrap();
    let evidence = |name: &str| of_kind(&records(&run_in(dir.path(), &["check", name, "--format", "jsonl"])), "evidence")[0].clone();
    let (sound, lost) = (evidence("sound.db"), evidence("a.db"));
    assert_eq!((&sound["buckets_whole"], &lost["buckets_whole"]), (&json!(true), &json!(false)));
    for field in [
        "keys_current",
        "revisions",
        "tombstones",
        "leases",
        "users",
        "password_hashes",
        "alarms",
        "members",
        "scheduled_compact_revision",
        "consistent_index",
        "term",
        "revision",
    ] {
        assert_eq!(lost[field], json!(null), "{field}");
        assert_ne!(sound[field], json!(null), "{field}");
    }
    let (code, shown) = text(&run_in(dir.path(), &["check", "a.db"]));
    for absent in ["never compacted", "not stored", "leases: 0", "none", "auth off", "no revision"] {
        assert!(!shown.contains(absent) && code == 2, "{absent}: {shown}");
    }
    assert!(shown.contains("leases: not known; auth: not known; users: not known; alarms: not known"), "{shown}");
}

/// Which cluster a file is of, and that it was not taken before some time, is told of a part of it, too.
#[test]
fn the_cluster_and_the_newest_time_of_a_cut_file_are_those_of_what_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let sound = Fixture::named("migration").bytes;
    let evidence = |length: usize| {
        fs::write(dir.path().join("a.db"), &sound[..length]).unwrap();
        of_kind(&records(&run_in(dir.path(), &["check", "a.db", "--format", "jsonl"])), "evidence")[0].clone()
    };
    let whole = evidence(sound.len());
    assert!(whole["kube_system_uid"].is_string() && whole["newest_object_time"].is_string());
    for length in [100_000, 200_000, 300_000, 400_000] {
        let cut = evidence(length);
        assert_eq!(cut["kube_system_uid"], whole["kube_system_uid"], "{length}");
        let time = cut["newest_object_time"].as_str().unwrap();
        assert!(Some(time) <= whole["newest_object_time"].as_str(), "{length}: {time}");
    }
}

/// Nothing is said to be without plaintext of which the form is not known.
#[test]
fn a_secret_in_a_form_that_is_not_known_leaves_the_answer_open() {
    let dir = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..96u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (prefix, conditions, code) in [
        ("k8s:enc:aesgcm:v1:key1:", json!([]), 0),
        ("k8s:enc:tomorrow:v9:key1:", json!(["unknown-storage"]), 3),
        ("k8s:enc:aesgcm:v9:key1:", json!(["unknown-storage"]), 3),
    ] {
        let value = [prefix.as_bytes(), &bytes].concat();
        let write = Write { main: 2, key: b"/registry/secrets/prod/db".to_vec(), value };
        fs::write(dir.path().join("a.db"), pages::database_of(&[write])).unwrap();
        for fail_on in ["any", "never"] {
            let output = run_in(dir.path(), &["scan", "a.db", "--fail-on", fail_on, "--format", "jsonl"]);
            let all = records(&output);
            let summary = of_kind(&all, "summary")[0];
            assert_eq!((output.status.code(), &summary["conditions"]), (Some(code), &conditions), "{prefix} {fail_on}");
            let is_found = of_kind(&all, "finding").iter().any(|finding| finding["rule"] == "unknown-storage");
            assert_eq!(is_found, code == 3, "{prefix} {fail_on}");
        }
        let (_, shown) = text(&run_in(dir.path(), &["scan", "a.db"]));
        assert_eq!(shown.contains("in a form not known here"), code == 3, "{shown}");
    }
}
