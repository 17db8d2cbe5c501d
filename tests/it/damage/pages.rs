//! Pages whose header is wrong: classes 7, 15 and 16.

use std::collections::BTreeSet;

use etcd_sleuth::evidence::anomaly::Class;

use super::common::mutate::header;
use super::{assert_nothing_foreign, assert_rest, assert_tree, bare};

#[test]
fn class_7_pages_that_bear_another_number() {
    for (name, index) in [("migration", 3), ("killed", 2), ("page16k", 0)] {
        let mutant = || bare(name);
        let (page, other) = (mutant().unique_leaves()[index], mutant().unique_leaves()[index + 1]);
        // Zeros: its values are gone.
        let mut zeroed = mutant();
        let size = zeroed.page_size;
        zeroed.put(page, 0, &vec![0; size]);
        assert_tree(&zeroed, Class::PageIdMismatch, page, &zeroed.retained(|p| p != page));
        // Another page.
        let mut foreign = mutant();
        foreign.copy(other, page);
        assert_tree(&foreign, Class::PageIdMismatch, page, &foreign.retained(|p| p != page));
        // Text over the header: what stands behind it is found by its content.
        let mut text = mutant();
        text.put(page, 0, b"some log line\n  ");
        assert_rest(&text, Class::PageIdMismatch, page, &[page]);
    }
}

#[test]
fn class_15_pages_of_no_known_type() {
    for flags in [0, 3, 4, 0x10, 0x8000, 0xffff] {
        let mut mutant = bare("migration");
        let page = mutant.unique_leaves()[2];
        mutant.set(page, header::FLAGS, 2, flags);
        assert_rest(&mutant, Class::PageType, page, &[page]);
    }
    let mut mutant = bare("migration");
    let root = mutant.root;
    mutant.set(root, header::FLAGS, 2, 0);
    let reading = assert_tree(&mutant, Class::PageType, root, &BTreeSet::new());
    assert!(mutant.retained(|_| true).is_subset(&reading.all));
}

#[test]
fn class_16_overflow_counts_that_cannot_be() {
    let pages = bare("migration").pages();
    for overflow in [u64::from(u32::MAX), pages, 1 << 20] {
        let mut mutant = bare("migration");
        let page = mutant.unique_leaves()[2];
        mutant.set(page, header::OVERFLOW, 4, overflow);
        assert_rest(&mutant, Class::OverflowPastEnd, page, &[page]);
    }
    // Every leaf's run reaches over the next pages: nothing is read twice, and nothing is lost.
    for overflow in [1, 8, 9, 40] {
        let mut mutant = bare("migration");
        let leaves: Vec<u64> = mutant.leaves.iter().copied().filter(|page| page + overflow < pages).collect();
        for page in &leaves {
            mutant.set(*page, header::OVERFLOW, 4, overflow);
        }
        let reading = mutant.read();
        // Where a run meets a page with an owner, that page is said; every such page lies in a run that was made longer.
        let met: BTreeSet<u64> =
            reading.anomalies.iter().filter(|a| a.class == Class::PageReferencedTwice).filter_map(|a| a.pgid).collect();
        assert!(!met.is_empty(), "{:?}", reading.classes());
        for page in &met {
            assert!(reading.has(Class::PageReferencedTwice, *page), "{page}");
            assert!(leaves.iter().any(|leaf| (leaf + 1..=leaf + overflow).contains(page)), "{page} is in no run that was made longer");
        }
        // A leaf right behind another is met by its run.
        let next = leaves.iter().filter(|leaf| mutant.leaves.contains(&(*leaf + 1))).map(|leaf| leaf + 1);
        assert!(next.into_iter().all(|page| met.contains(&page)), "{overflow}: {met:?}");
        let wanted = mutant.retained(|_| true);
        assert!(wanted.is_subset(&reading.all), "{overflow}: {} of {}", wanted.intersection(&reading.all).count(), wanted.len());
        assert_nothing_foreign(&mutant, &reading);
    }
}
