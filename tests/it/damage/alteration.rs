//! Bytes that no writer leaves, in files whose structure is whole.

use std::collections::BTreeSet;

use etcd_sleuth::evidence::anomaly::Class;

use super::common::mutate::{Mutant, header, meta};
use super::{assert_nothing_foreign, assert_tree, bare};

/// A change that breaks no structure: every value is read, and the file is called altered, for this reason alone.
fn assert_altered(name: &str, class: Class, pgid: u64, reason: &str, change: impl FnOnce(&mut Mutant)) {
    let mut mutant = Mutant::of(name);
    change(&mut mutant);
    mutant.with_right_trailer();
    let reading = mutant.read();
    assert_eq!(reading.classes(), BTreeSet::from([class.name()]), "{:?}", reading.anomalies);
    assert!(reading.has_on(class, pgid), "{:?}", reading.anomalies);
    assert!(reading.anomalies[0].detail.contains(reason), "{:?}", reading.anomalies);
    assert!(
        reading.verdict.contains("NOT AS WRITTEN: something stands in it that no writer leaves so") && !reading.verdict.contains("DAMAGED"),
        "{}",
        reading.verdict
    );
    assert_eq!(reading.tree, mutant.retained(|_| true), "{class:?}");
    assert_nothing_foreign(&mutant, &reading);
}

/// What no writer leaves is an alteration, whatever the trailer says.
#[test]
fn what_no_writer_leaves_is_an_alteration() {
    let sound = Mutant::of("migration");
    let (page, size) = (sound.unique_leaves()[2], sound.page_size);
    let txid = sound.get(0, meta::TXID, 8);
    assert_altered("migration", Class::MetaContradiction, 0, "the trailer matches, but the metas", |mutant| {
        mutant.set_meta(0, meta::TXID, txid + 5);
    });
    assert_altered("migration", Class::MetaContradiction, 0, "gives each its own", |mutant| {
        mutant.set_meta(1, meta::TXID, txid);
        // One of the two reasons is enough here.
        mutant.bytes.truncate(mutant.bytes.len() - 32);
    });
    assert_altered("migration", Class::TrailingBytes, sound.pages(), "past the high-water mark", |mutant| {
        mutant.bytes.truncate(mutant.bytes.len() - 32);
        mutant.bytes.extend(vec![0; size]);
    });
    assert_altered("migration", Class::SlackNotZero, 1, "behind meta 1", |mutant| _ = mutant.set(1, 900, 1, 1));
    assert_altered("migration", Class::SlackNotZero, page, "behind the last element", |mutant| _ = mutant.set(page, size - 1, 1, 1));
    // The last element moves towards the end of its page.
    assert_altered("migration", Class::ElementGap, page, "between elements", |mutant| {
        let last = 16 * usize::try_from(mutant.get(page, header::COUNT, 2)).unwrap();
        let (pos, len) = (mutant.get(page, last + 4, 4), mutant.get(page, last + 8, 4) + mutant.get(page, last + 12, 4));
        let from = usize::try_from(mutant.offset(page)).unwrap() + last + usize::try_from(pos).unwrap();
        let element = mutant.bytes[from..from + usize::try_from(len).unwrap()].to_vec();
        mutant.bytes[from] = 0;
        mutant.bytes[from + 1..from + 1 + element.len()].copy_from_slice(&element);
        mutant.set(page, last + 4, 4, pos + 1);
    });
}

/// An empty page below a branch and a run that is too long are said.
#[test]
fn empty_pages_and_too_long_runs_are_said() {
    let mut mutant = bare("migration");
    let (page, size) = (mutant.unique_leaves()[2], mutant.page_size);
    mutant.put(page, header::COUNT, &vec![0; size - header::COUNT]);
    assert_tree(&mutant, Class::EmptyPage, page, &mutant.retained(|on| on != page));
    // Two free pages behind a leaf become its own.
    let mut mutant = bare("migration");
    let states: BTreeSet<u64> =
        mutant.truth["bbolt_pages"].as_array().unwrap().iter().filter(|p| p["type"] == "free").map(|p| p["id"].as_u64().unwrap()).collect();
    let page = mutant.leaves.iter().copied().find(|page| states.contains(&(page + 1)) && states.contains(&(page + 2))).unwrap();
    let zeros = vec![0; size];
    mutant.put(page + 1, 0, &zeros).put(page + 2, 0, &zeros).set(page, header::OVERFLOW, 4, 2);
    let reading = assert_tree(&mutant, Class::OverflowTooLong, page, &mutant.retained(|_| true));
    assert_eq!(reading.classes(), BTreeSet::from(["overflow-too-long"]));
}

#[test]
fn a_history_that_no_writer_counts_is_said() {
    let mut mutant = bare("plaintext");
    // A KeyValue of a first write: key, create, mod, version 1.
    let at = mutant.bytes.windows(4).position(|bytes| bytes == [0x20, 0x01, 0x2a, 0xe8] || bytes[..3] == [0x20, 0x01, 0x2a]).unwrap();
    mutant.bytes[at + 1] = 7;
    let page = (at / mutant.page_size) as u64;
    let reading = mutant.read();
    assert!(reading.has_on(Class::RevisionMismatch, page), "{:?}", reading.anomalies);
    assert!(reading.anomalies[0].detail.contains("is write 7 of a key created at"), "{:?}", reading.anomalies);
}
