//! Elements that leave their page, and pages that say fewer elements than they were written with: class 17.

use std::collections::BTreeSet;

use etcd_sleuth::evidence::anomaly::Class;

use super::common::mutate::{Mutant, header, read};
use super::common::pages::{self, Write};
use super::{assert_nothing_foreign, assert_rest, bare};

#[test]
fn class_17_elements_that_leave_their_page() {
    for (field, value) in [(4, u32::MAX), (8, u32::MAX), (12, u32::MAX), (4, 5000), (8, 5000), (12, 5000), (4, 0)] {
        let mut mutant = bare("migration");
        let page = mutant.unique_leaves()[2];
        let on_page = mutant.retained(|p| p == page);
        // The last element, so that the others can be read.
        let last = 16 * usize::try_from(mutant.get(page, header::COUNT, 2)).unwrap();
        mutant.set(page, last + field, 4, u64::from(value));
        let reading = mutant.read();
        assert!(reading.has(Class::ElementOutOfBounds, page), "{field} {value}: {:?}", reading.anomalies);
        assert_eq!(reading.offsets(Class::ElementOutOfBounds).len(), 1, "{field} {value}: {:?}", reading.anomalies);
        assert!(mutant.retained(|p| p != page).is_subset(&reading.tree));
        assert_eq!(on_page.difference(&reading.tree).count(), 1, "{field} {value}: the others on its page are read");
        // What it had stands where it stood.
        assert!(mutant.retained(|_| true).is_subset(&reading.all), "{field} {value}");
        assert_nothing_foreign(&mutant, &reading);
    }
    // More elements than there are.
    let mut mutant = bare("migration");
    let page = mutant.unique_leaves()[2];
    mutant.set(page, header::COUNT, 2, 0xffff);
    let reading = mutant.read();
    assert!(reading.has(Class::ElementOutOfBounds, page));
    assert!(mutant.retained(|p| p != page).is_subset(&reading.tree));
    assert!(mutant.retained(|_| true).is_subset(&reading.all));
    // A key of no bytes: its place is that of its page.
    let mut mutant = bare("migration");
    mutant.set(page, 16 + 8, 4, 0);
    assert!(mutant.read().has(Class::EmptyKey, page));
}

/// Class 17: a page that says fewer elements than it was written with shows it.
#[test]
fn class_17_fewer_elements_than_written() {
    for name in ["migration", "plaintext", "etcd35"] {
        let sound = bare(name);
        let count = sound.leaves.len() as u64;
        for left in [0, 1, 2, count / 2, count - 1] {
            // The branch page: what hangs from its last elements is missing.
            let mut mutant = bare(name);
            mutant.set(mutant.branch, header::COUNT, 2, left);
            let reading = mutant.read();
            let what = format!("{name}, {left} of {count}: {:?}", reading.anomalies);
            assert!(reading.has(if left == 0 { Class::EmptyPage } else { Class::ElementGap }, mutant.branch), "{what}");
            assert!(reading.has_on(Class::SlackNotZero, mutant.branch), "{what}");
            assert!(!reading.verdict.contains("whole"), "{what}");
            let there = &mutant.leaves[..usize::try_from(left).unwrap()];
            assert_eq!(reading.tree, mutant.retained(|page| there.contains(&page)), "{what}");
            assert!(mutant.retained(|_| true).is_subset(&reading.all), "{what}");
            assert_nothing_foreign(&mutant, &reading);
        }
        // A leaf.
        for page in sound.unique_leaves() {
            let mut mutant = bare(name);
            mutant.set(page, header::COUNT, 2, mutant.get(page, header::COUNT, 2) - 1);
            let reading = mutant.read();
            let class = if mutant.get(page, header::COUNT, 2) == 0 { Class::EmptyPage } else { Class::ElementGap };
            assert!(reading.has(class, page) && !reading.verdict.contains("whole"), "{name}, page {page}: {:?}", reading.anomalies);
        }
    }
    // A bucket within the page that names it.
    let root = pages::leaf(
        2,
        &[
            pages::Entry::bucket(b"key", 3),
            pages::Entry::inline_bucket(
                b"meta",
                &[pages::Entry::value(b"consistent_index", &[7; 8]), pages::Entry::value(b"term", &[1; 8])],
            ),
        ],
    );
    let mut bytes = pages::database(&[root, pages::leaf(3, &[Write::at(2).entry()])]);
    assert!(read(&bytes).unwrap().anomalies.is_empty());
    let page = bytes.windows(16).rposition(|bytes| bytes[..12] == [0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 0]).unwrap();
    bytes[page + 10] = 1;
    let reading = read(&bytes).unwrap();
    assert_eq!(reading.classes(), BTreeSet::from(["element-gap", "slack-not-zero"]), "{:?}", reading.anomalies);
}

#[test]
fn class_17_separators_that_leave_their_page_or_overlap() {
    for (field, value) in [(0, u32::MAX), (4, u32::MAX), (0, 5000), (4, 5000), (0, 0)] {
        let mut mutant = bare("migration");
        let (branch, index) = (mutant.branch, mutant.leaves.len() - 1);
        let lost = mutant.leaves[index];
        mutant.set(branch, Mutant::element(index as u64) + field, 4, u64::from(value));
        let reading = assert_rest(&mutant, Class::ElementOutOfBounds, branch, &[lost]);
        assert_eq!(reading.classes(), BTreeSet::from(["element-out-of-bounds"]), "{field} {value}");
    }
}
