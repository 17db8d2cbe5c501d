//! Damage of every class that the field has seen, made from real fixtures: what is broken is said with its place, and
//! everything else is read.
//!
//! [`Mutant::read`] runs everything up to the text that is printed, and holds the work to the number of pages.

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

use std::collections::BTreeSet;

use common::mutate::{Identity, Mutant, Reading, header, meta, read};
use common::pages;
use etcd_sleuth::analysis::{Database, Place};
use etcd_sleuth::etcd::{Revision, RevisionKey};
use etcd_sleuth::evidence::anomaly::Class;
use etcd_sleuth::evidence::{Evidence, limit};
use proptest::prelude::*;

/// A fixture whose trailer is cut off, so that only what a test changes is wrong.
fn bare(name: &str) -> Mutant {
    Mutant::of(name).without_trailer()
}

/// The tree has these values and no others, and an anomaly of this class is about this page.
fn assert_tree(mutant: &Mutant, class: Class, pgid: u64, wanted: &BTreeSet<Identity>) -> Reading {
    let reading = mutant.read();
    assert!(reading.has(class, pgid, mutant.page_size), "{class:?} of page {pgid} is not in {:#?}", reading.anomalies);
    assert_eq!(reading.tree.len(), wanted.len(), "{class:?} of page {pgid}: values in the tree");
    assert!(reading.tree == *wanted, "{class:?} of page {pgid}: other values");
    reading
}

/// The same, and what is missing from the tree is found outside of it.
fn assert_rest(mutant: &Mutant, class: Class, pgid: u64, lost: &[u64]) -> Reading {
    let reading = assert_tree(mutant, class, pgid, &mutant.retained(|page| !lost.contains(&page)));
    let all = mutant.retained(|_| true);
    assert!(all.is_subset(&reading.all), "{class:?} of page {pgid}: {} values are lost", all.difference(&reading.all).count());
    reading
}

#[test]
fn class_1_a_freelist_that_is_another_page() {
    let mut mutant = bare("synced-freelist");
    let leaf = mutant.unique_leaves()[1];
    mutant.set_metas(meta::FREELIST, leaf);
    assert_rest(&mutant, Class::PageType, leaf, &[]);
    let past = mutant.pages() + 7;
    mutant.set_metas(meta::FREELIST, past);
    assert_rest(&mutant, Class::PgidOutOfBounds, past, &[]);
}

#[test]
fn classes_2_to_4_a_freelist_that_names_a_page_twice_names_one_in_use_or_misses_one() {
    let sound = bare("synced-freelist");
    let list = sound.get(1, meta::FREELIST, 8).max(sound.get(0, meta::FREELIST, 8));
    let freed = |index: usize| sound.get(list, 16 + 8 * index, 8);
    // The second is forgotten, the first named twice.
    let mut mutant = bare("synced-freelist");
    mutant.set(list, 24, 8, freed(0));
    let reading = assert_rest(&mutant, Class::FreedTwice, list, &[]);
    assert!(reading.has(Class::UnreachableUnfreed, freed(1), mutant.page_size), "{:?}", reading.anomalies);
    let forgotten = mutant.elsewhere(|page| page == freed(1));
    assert!(forgotten.is_subset(&reading.all));
    // One in use is named: it stays in use, and is no residue.
    let mut mutant = bare("synced-freelist");
    let leaf = mutant.unique_leaves()[2];
    mutant.set(list, 16, 8, leaf);
    let reading = assert_rest(&mutant, Class::ReachableFreed, leaf, &[]);
    assert!(reading.has(Class::UnreachableUnfreed, freed(0), mutant.page_size));
}

#[test]
fn class_5_a_page_with_two_parents_is_entered_once() {
    let mut mutant = bare("migration");
    let (twice, lost) = (mutant.leaves[2], mutant.leaves[9]);
    mutant.set_child(9, twice);
    assert_rest(&mutant, Class::PageReferencedTwice, twice, &[lost]);
}

#[test]
fn class_6_cycles_end() {
    // To itself.
    let mut mutant = bare("migration");
    let (branch, lost) = (mutant.branch, mutant.leaves[4]);
    mutant.set_child(4, branch);
    assert_rest(&mutant, Class::PageReferencedTwice, branch, &[lost]);
    // A branch page over its own descendant: it leads to all leaves again, itself among them.
    let mut mutant = bare("migration");
    mutant.copy(branch, lost).set(lost, header::ID, 8, lost);
    let reading = assert_tree(&mutant, Class::PageReferencedTwice, lost, &mutant.retained(|page| page != lost));
    assert!(reading.verdict.contains("DAMAGED"), "{}", reading.verdict);
    // The root of the bucket is the page that names it.
    let mut mutant = bare("migration");
    let root = mutant.root;
    let at = mutant
        .bytes
        .chunks(mutant.page_size)
        .nth(usize::try_from(root).unwrap())
        .unwrap()
        .windows(11)
        .position(|bytes| bytes[..3] == *b"key" && bytes[3..] == branch.to_le_bytes());
    mutant.set(root, at.unwrap() + 3, 8, root);
    let reading = mutant.read();
    assert!(reading.has(Class::PageReferencedTwice, root, mutant.page_size), "{:?}", reading.anomalies);
    assert!(reading.tree.is_empty() && mutant.retained(|_| true).is_subset(&reading.all));
}

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
fn class_8_pages_that_cannot_be() {
    for (child, class) in [
        (8_314_893_338_927_566_090, Class::PgidOutOfBounds),
        (u64::MAX, Class::PgidOutOfBounds),
        (0, Class::PgidOutOfBounds),
        (1, Class::PgidOutOfBounds),
        (bare("migration").pages(), Class::PgidOutOfBounds),
        (bare("migration").pages() - 1, Class::PageReferencedTwice),
    ] {
        let mut mutant = bare("migration");
        let (branch, lost) = (mutant.branch, mutant.leaves[7]);
        mutant.set_child(7, child);
        let about = if class == Class::PgidOutOfBounds { branch } else { child };
        if class == Class::PgidOutOfBounds {
            assert_rest(&mutant, class, about, &[lost]);
        } else {
            assert!(mutant.read().tree.is_superset(&mutant.retained(|page| page != lost)));
        }
    }
}

#[test]
fn class_9_a_file_cut_anywhere_is_read_up_to_its_end() {
    for name in ["migration", "page16k"] {
        let whole = Mutant::of(name);
        let size = whole.page_size;
        let step = if name == "migration" { 9 } else { 2 };
        for pages in (3..whole.pages()).step_by(step) {
            for cut in [-1i64, 0, 1, 31, 512] {
                let mut mutant = Mutant::of(name);
                let len = usize::try_from(i64::try_from(mutant.offset(pages)).unwrap() + cut).unwrap();
                mutant.bytes.truncate(len);
                let reading = mutant.read();
                assert!(reading.classes().contains("file-truncated"), "{name} {len}: {:?}", reading.anomalies);
                assert!(reading.verdict.contains("INCOMPLETE"), "{}", reading.verdict);
                let left = (len / size) as u64;
                assert!(mutant.retained(|page| page < left).is_subset(&reading.all), "{name} cut to {len} bytes");
            }
        }
    }
    // A high-water mark beyond the end of the file, and nothing of the tree missing.
    let mut mutant = bare("migration");
    mutant.set_metas(meta::HIGH_WATER_MARK, 1706);
    let reading = mutant.read();
    assert_eq!(reading.classes(), BTreeSet::from(["file-truncated"]));
    assert_eq!(reading.tree, mutant.retained(|_| true));
}

#[test]
fn class_10_what_stands_behind_the_pages_is_said() {
    let sound = bare("migration");
    let (everything, end) = (sound.retained(|_| true), sound.bytes.len() as u64);
    for (tail, class) in [
        (vec![], None),
        (vec![7; 1], Some("trailing-bytes")),
        (vec![7; 31], Some("trailing-bytes")),
        (vec![7; 32], Some("trailer-mismatch")),
        (vec![0; 32], Some("trailer-mismatch")),
        (vec![7; 33], Some("trailing-bytes")),
        (vec![7; 511], Some("trailing-bytes")),
        (vec![7; 512], Some("trailing-bytes")),
        // Preallocated, as a member's own file.
        (vec![0; 4096], None),
    ] {
        let mut mutant = bare("migration");
        mutant.bytes.extend(&tail);
        let reading = mutant.read();
        assert_eq!(reading.classes(), class.into_iter().collect(), "{} bytes", tail.len());
        assert!(reading.anomalies.iter().all(|anomaly| anomaly.offset == Some(end)), "{:?}", reading.anomalies);
        assert_eq!(reading.tree, everything);
    }
}

#[test]
fn class_11_of_two_metas_one_is_enough() {
    for slot in [0, 1] {
        for field in [meta::MAGIC, meta::VERSION, meta::PAGE_SIZE, meta::ROOT, meta::FREELIST, meta::HIGH_WATER_MARK, meta::CHECKSUM] {
            let mut mutant = bare("migration");
            let found = mutant.get(slot, field, 1);
            mutant.set(slot, field, 1, found ^ 0x40);
            let reading = assert_rest(&mutant, Class::MetaInvalid, slot, &[]);
            assert_eq!(reading.classes(), BTreeSet::from(["meta-invalid"]));
        }
    }
}

#[test]
fn classes_12_and_23_without_a_valid_meta_the_pages_are_read() {
    for name in ["migration", "killed", "page16k", "plaintext", "big-values", "synced-freelist", "etcd35", "compacted"] {
        let size = bare(name).page_size;
        let wrong_checksum = |mutant: &mut Mutant| {
            mutant.set(0, meta::CHECKSUM, 1, 3).set(1, meta::CHECKSUM, 1, 3);
        };
        let written_over = |mutant: &mut Mutant| {
            mutant.put(0, 0, &vec![0; size]).put(1, 0, &vec![0xff; size]);
        };
        for both in [&wrong_checksum as &dyn Fn(&mut Mutant), &written_over] {
            let mut mutant = bare(name);
            both(&mut mutant);
            let reading = mutant.read();
            assert!(reading.has(Class::NoValidMeta, 0, mutant.page_size), "{name}: {:?}", reading.anomalies);
            let wanted = mutant.retained(|_| true);
            assert!(wanted.is_subset(&reading.all), "{name}: {} of {} values", wanted.intersection(&reading.all).count(), wanted.len());
            assert!(reading.places.iter().all(|place| matches!(place, Place::FreePage | Place::OverflowTail)), "{:?}", reading.places);
        }
        // Meta 0 alone is lost: meta 1 says the page size.
        let mut mutant = bare(name);
        let wanted = mutant.retained(|_| true);
        mutant.put(0, 0, &vec![0; size]);
        assert!(wanted.is_subset(&mutant.read().all), "{name}");
    }
}

#[test]
fn class_13_metas_whose_checksum_is_right_and_whose_numbers_are_not() {
    let everything = bare("migration").retained(|_| true);
    for (field, value, class) in [
        (meta::ROOT, u64::MAX - 1, "pgid-out-of-bounds"),
        (meta::ROOT, 0, "pgid-out-of-bounds"),
        (meta::ROOT, bare("migration").leaves[3], "bucket-missing"),
        (meta::FREELIST, 1 << 60, "pgid-out-of-bounds"),
        (meta::HIGH_WATER_MARK, 0, "pgid-out-of-bounds"),
        (meta::HIGH_WATER_MARK, 20, "pgid-out-of-bounds"),
        (meta::HIGH_WATER_MARK, u64::MAX, "file-truncated"),
        (meta::PAGE_SIZE, 8192, "no-valid-meta"),
        (meta::PAGE_SIZE, 1 << 24, "no-valid-meta"),
        (meta::PAGE_SIZE, 3, "no-valid-meta"),
    ] {
        let mut mutant = bare("migration");
        mutant.set_metas(field, value);
        let reading = mutant.read();
        assert!(reading.classes().contains(class), "{field} {value}: {:?}", reading.anomalies);
        assert!(everything.is_subset(&reading.all), "{field} {value}");
    }
    // The other meta of a raw file names the tree of the commit before.
    let mut mutant = bare("killed");
    let active = u64::from(mutant.get(1, meta::TXID, 8) > mutant.get(0, meta::TXID, 8));
    mutant.set_meta(active, meta::ROOT, 1 << 40);
    let reading = mutant.read();
    assert!(reading.places.contains(&Place::OtherRoot), "{:?}", reading.places);
    assert!(mutant.retained(|_| true).is_subset(&reading.all));
}

#[test]
fn class_14_files_that_are_too_short_are_none() {
    let mutant = Mutant::of("migration");
    for len in [0, 1, 15, 16, 79, 80, 4095, 4096, 8191] {
        assert!(read(&mutant.bytes[..len]).is_none(), "{len}");
    }
    assert!(read(&mutant.bytes[..8192]).is_some());
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
        assert!(reading.classes().contains("page-referenced-twice"), "{:?}", reading.classes());
        let wanted = mutant.retained(|_| true);
        assert!(wanted.is_subset(&reading.all), "{overflow}: {} of {}", wanted.intersection(&reading.all).count(), wanted.len());
    }
}

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
        assert!(reading.has(Class::ElementOutOfBounds, page, mutant.page_size), "{field} {value}: {:?}", reading.anomalies);
        assert!(mutant.retained(|p| p != page).is_subset(&reading.tree));
        assert_eq!(on_page.difference(&reading.tree).count(), 1, "{field} {value}: the others on its page are read");
    }
    // More elements than there are.
    let mut mutant = bare("migration");
    let page = mutant.unique_leaves()[2];
    mutant.set(page, header::COUNT, 2, 0xffff);
    let reading = mutant.read();
    assert!(reading.has(Class::ElementOutOfBounds, page, mutant.page_size));
    assert!(mutant.retained(|p| p != page).is_subset(&reading.tree));
    // A key of no bytes.
    let mut mutant = bare("migration");
    mutant.set(page, 16 + 8, 4, 0);
    assert!(mutant.read().has(Class::EmptyKey, page, mutant.page_size));
}

#[test]
fn class_18_freelists_of_any_length() {
    // As many as fit the header, and more: then the first number is the count.
    for count in [65_534usize, 65_535, 65_536] {
        let (root, list) = (2, 3);
        let ids: Vec<u64> = (0..count as u64).map(|free| free + 600).collect();
        let numbers: Vec<u64> = if count < 65_535 { ids.clone() } else { [&[count as u64], &ids[..]].concat() };
        let mut freelist = pages::freelist(list, &[]);
        freelist.truncate(16);
        freelist.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        let run = freelist.len().div_ceil(pages::PAGE);
        freelist.resize(run * pages::PAGE, 0);
        freelist[header::COUNT..header::COUNT + 2].copy_from_slice(&u16::try_from(count.min(0xffff)).unwrap().to_le_bytes());
        freelist[header::OVERFLOW..header::OVERFLOW + 4].copy_from_slice(&u32::try_from(run - 1).unwrap().to_le_bytes());
        let meta = pages::Meta { root, freelist: Some(list), high_water_mark: 600 + count as u64, txid: 5 };
        let buckets = [b"key".as_slice(), b"meta"].map(|name| pages::Entry::inline_bucket(name, &[]));
        let mut bytes = [pages::Meta { txid: 6, ..meta }.page(0), meta.page(1), pages::leaf(root, &buckets), freelist].concat();
        bytes.resize((600 + count) * pages::PAGE, 0);
        let reading = read(&bytes).unwrap();
        // What stands between the freelist and the pages it names is on no list.
        let unlisted = 600 - 3 - run;
        assert_eq!(reading.classes(), BTreeSet::from(["unreachable-unfreed"]), "{count}: {:?}", reading.anomalies.first());
        assert_eq!(reading.anomalies.len(), unlisted, "{count}");
    }
    // More than its pages hold.
    let mut mutant = bare("synced-freelist");
    let list = mutant.get(1, meta::FREELIST, 8).max(mutant.get(0, meta::FREELIST, 8));
    for (count, first) in [(5000, 0), (0xffff, u64::MAX), (0xffff, 1 << 40)] {
        mutant.set(list, header::COUNT, 2, count).set(list, 16, 8, first);
        assert_rest(&mutant, Class::FreelistInvalid, list, &[]);
    }
}

#[test]
fn class_19_keys_out_of_order() {
    // Two elements of a leaf change places.
    let mut mutant = bare("migration");
    let page = mutant.unique_leaves()[2];
    let (first, second) = ([16, 0], [32, 0]);
    let element = |mutant: &Mutant, at: usize| [0, 4, 8, 12].map(|field| mutant.get(page, at + field, 4));
    let (a, b) = (element(&mutant, first[0]), element(&mutant, second[0]));
    for (at, from, shift) in [(16, b, 16), (32, a, -16i64)] {
        for (field, value) in [0, 4, 8, 12].into_iter().zip(from) {
            let value = if field == 4 { u64::try_from(i64::try_from(value).unwrap() + shift).unwrap() } else { value };
            mutant.set(page, at + field, 4, value);
        }
    }
    let reading = mutant.read();
    assert!(reading.has(Class::KeyOrder, page, mutant.page_size) || reading.has(Class::ElementOutOfBounds, page, mutant.page_size));
    assert!(mutant.retained(|on| on != page).is_subset(&reading.tree));
    // Two leaves change places below their parent.
    let mut mutant = bare("migration");
    let (one, other) = (mutant.child(5), mutant.child(20));
    mutant.set_child(5, other).set_child(20, one);
    let reading = assert_tree(&mutant, Class::KeyOrder, one, &mutant.retained(|_| true));
    assert!(reading.has(Class::KeyOrder, other, mutant.page_size));
}

#[test]
fn class_20_another_buckets_page_among_the_revisions() {
    let mut mutant = bare("migration");
    let (root, page) = (mutant.root, mutant.unique_leaves()[2]);
    mutant.copy(root, page).set(page, header::ID, 8, page);
    let reading = assert_tree(&mutant, Class::KeyOrder, page, &mutant.retained(|on| on != page));
    assert!(reading.verdict.contains("DAMAGED"));
    // Without the mark of a bucket they are keys such as `alarm`.
    for index in 0..usize::try_from(mutant.get(page, header::COUNT, 2)).unwrap() {
        mutant.set(page, 16 + 16 * index, 4, 0);
    }
    assert_tree(&mutant, Class::RevisionInvalid, page, &mutant.retained(|on| on != page));
}

#[test]
fn class_21_a_root_that_is_a_page_of_revisions() {
    let mut mutant = bare("migration");
    let branch = mutant.branch;
    mutant.set_metas(meta::ROOT, branch);
    let reading = mutant.read();
    let classes = reading.classes();
    assert!(classes.contains("bucket-missing") && classes.contains("revision-misplaced"), "{classes:?}");
    assert!(reading.has(Class::RevisionMisplaced, mutant.leaves[0], mutant.page_size));
    assert_eq!(reading.tree, mutant.retained(|_| true));
}

#[test]
fn class_22_a_tree_that_is_nearly_empty_leaves_all_else_to_be_found() {
    // After a power loss the live tree held next to nothing, and all but a few of 27,446 pages were free.
    let (mut found, mut all) = (0, 0);
    for name in ["migration", "big-values", "plaintext", "page16k", "compacted", "killed"] {
        let mut mutant = bare(name);
        let wanted = mutant.retained(|_| true);
        let root = mutant.get(0, meta::HIGH_WATER_MARK, 8);
        let size = mutant.page_size;
        let buckets = [b"key".as_slice(), b"meta"].map(|bucket| pages::Entry::inline_bucket(bucket, &[]));
        let mut leaf = pages::leaf(root, &buckets);
        leaf.resize(size, 0);
        mutant.bytes.truncate(usize::try_from(mutant.offset(root)).unwrap());
        mutant.bytes.extend(leaf);
        mutant.set_metas(meta::ROOT, root).set_metas(meta::FREELIST, u64::MAX).set_metas(meta::HIGH_WATER_MARK, root + 1);
        let reading = mutant.read();
        assert!(reading.tree.is_empty() && reading.anomalies.is_empty(), "{name}: {:?}", reading.anomalies);
        all += wanted.len();
        found += wanted.intersection(&reading.all).count();
    }
    println!("{found} of {all}");
    assert!(all > 400 && found * 100 >= all * 99, "{found} of {all}");
}

#[test]
fn class_24_a_big_endian_file_is_an_error_that_says_so() {
    for slots in [&[0u64, 1][..], &[1]] {
        let mut mutant = bare("migration");
        let size = mutant.page_size;
        mutant.put(0, 0, &vec![0; size]);
        for slot in slots {
            mutant.put(*slot, meta::MAGIC, &[0xed, 0x0c, 0xda, 0xed]);
        }
        // No page bears its number in our byte order.
        for pgid in 2..mutant.pages() {
            let id = mutant.get(pgid, header::ID, 8);
            mutant.put(pgid, header::ID, &id.to_be_bytes());
        }
        let evidence = Evidence::from_bytes("be.db", mutant.bytes);
        let error = Database::open(&evidence).unwrap_err().to_string();
        assert!(error.contains("big-endian"), "{error}");
    }
}

#[test]
fn class_25_two_generations_in_one_file() {
    let (mut mutant, other) = (bare("migration"), bare("plaintext"));
    // Leaves of both, up to the root.
    let (from, to) = (15, mutant.root);
    for pgid in from..to {
        let at = usize::try_from(pgid).unwrap() * other.page_size;
        mutant.put(pgid, 0, &other.bytes[at..at + other.page_size]);
    }
    let reading = mutant.read();
    assert!(reading.classes().contains("key-order"), "{:?}", reading.classes());
    assert!(mutant.retained(|page| !(from..to).contains(&page)).is_subset(&reading.all));
    assert!(other.retained(|page| (from..to).contains(&page)).is_subset(&reading.all));
}

#[test]
fn class_26_trailers() {
    let sound = Mutant::of("migration");
    let everything = sound.retained(|_| true);
    for (trailer, class) in [(None, None), (Some([0; 32]), Some("trailer-mismatch")), (Some([9; 32]), Some("trailer-mismatch"))] {
        let mut mutant = bare("migration");
        mutant.bytes.extend(trailer.into_iter().flatten());
        let reading = mutant.read();
        assert_eq!(reading.classes(), class.into_iter().collect());
        assert_eq!(reading.tree, everything);
        let verdict = if class.is_some() { "ALTERED" } else { "whole, no trailer" };
        assert!(reading.verdict.contains(verdict), "{}", reading.verdict);
    }
    // Damage that the trailer vouches for is damage all the same.
    let mut mutant = Mutant::of("migration");
    let page = mutant.unique_leaves()[2];
    mutant.set(page, header::ID, 8, 5).with_right_trailer();
    assert!(mutant.read().has(Class::PageIdMismatch, page, mutant.page_size));
    assert!(read(&sound.bytes).unwrap().verdict.contains("matches its own trailer"));
}

/// A change that breaks no structure: every value is read, and the file is called altered, for this reason alone.
fn assert_altered(name: &str, class: Class, pgid: u64, reason: &str, change: impl FnOnce(&mut Mutant)) {
    let mut mutant = Mutant::of(name);
    change(&mut mutant);
    mutant.with_right_trailer();
    let reading = mutant.read();
    assert_eq!(reading.classes(), BTreeSet::from([class.name()]), "{:?}", reading.anomalies);
    assert!(reading.has(class, pgid, mutant.page_size), "{:?}", reading.anomalies);
    assert!(reading.anomalies[0].detail.contains(reason), "{:?}", reading.anomalies);
    assert!(reading.verdict.contains("ALTERED after it was taken") && !reading.verdict.contains("DAMAGED"), "{}", reading.verdict);
    assert_eq!(reading.tree, mutant.retained(|_| true), "{class:?}");
}

#[test]
fn what_no_writer_leaves_is_an_alteration_whatever_the_trailer_says() {
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

#[test]
fn an_empty_page_below_a_branch_and_a_run_that_is_too_long_are_said() {
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
    assert!(reading.has(Class::RevisionMismatch, page, mutant.page_size), "{:?}", reading.anomalies);
    assert!(reading.anomalies[0].detail.contains("is write 7 of a key created at"), "{:?}", reading.anomalies);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_change_to_a_fixture_is_read_within_the_bound(
        name in prop::sample::select(vec!["kinds", "killed", "synced-freelist", "page16k", "plaintext"]),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        in_headers in prop::collection::vec((any::<prop::sample::Index>(), 0usize..200, any::<u8>()), 0..40),
        swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..4),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
        right in any::<bool>(),
    ) {
        let mut mutant = Mutant::of(name);
        // What is preallocated behind the high-water mark is all the same.
        let used = usize::try_from(mutant.offset(mutant.truth["high_water_mark"].as_u64().unwrap())).unwrap() + mutant.page_size;
        mutant.bytes.truncate(used);
        let (len, pages) = (mutant.bytes.len(), usize::try_from(mutant.pages()).unwrap());
        for (at, bits) in flips {
            mutant.bytes[at.index(len)] ^= bits;
        }
        for (page, at, byte) in in_headers {
            mutant.put(page.index(pages) as u64, at, &[byte]);
        }
        for (one, other) in swaps {
            mutant.copy(one.index(pages) as u64, other.index(pages) as u64);
        }
        if right {
            mutant.refit(0).refit(1);
        }
        if let Some(cut) = cut {
            mutant.bytes.truncate(cut.index(len));
        }
        let _ = read(&mutant.bytes);
    }
}

#[test]
fn a_file_past_a_limit_is_told_which_one_and_all_of_them_are_listed() {
    // A write whose number within its revision no etcd reaches, on a free page.
    let revision = RevisionKey { revision: Revision { main: 5, sub: 1 << 33 }, is_tombstone: false }.to_bytes();
    let message = [&b"\x0a\x04/a/b\x10\x05\x18\x05\x20\x01\x2a\x05"[..], b"value"].concat();
    let buckets = [b"key".as_slice(), b"meta"].map(|name| pages::Entry::inline_bucket(name, &[]));
    let meta = pages::Meta { root: 2, freelist: None, high_water_mark: 4, txid: 5 };
    let free = pages::leaf(3, &[pages::Entry::value(&revision, &message)]);
    let bytes = [pages::Meta { txid: 6, ..meta }.page(0), meta.page(1), pages::leaf(2, &buckets), free].concat();
    let reading = read(&bytes).unwrap();
    assert_eq!(reading.classes(), BTreeSet::from(["limit-passed"]), "{:?}", reading.anomalies);
    let output = common::sleuth().args(["check", "--limits"]).output().unwrap();
    let (code, text) = common::text(&output);
    assert_eq!(code, 0);
    for limit in limit::ALL {
        assert!(text.contains(limit.what) && text.contains(limit.past_it), "{text}");
    }
}
