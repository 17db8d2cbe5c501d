//! Freelists: classes 1 to 4 and 18.

use std::collections::BTreeSet;

use etcd_sleuth::evidence::anomaly::Class;

use super::common::mutate::{Mutant, Reading, header, meta, read};
use super::common::pages;
use super::{assert_rest, bare};

/// The page of the freelist.
fn list_of(mutant: &Mutant) -> u64 {
    mutant.get(mutant.active(), meta::FREELIST, 8)
}

/// A freelist that cannot be read costs no value, and pages are what they are where none is kept.
fn assert_rebuilt(mutant: &Mutant, class: Class, pgid: u64) -> Reading {
    let reading = assert_rest(mutant, class, pgid, &[]);
    assert_eq!(reading.classes(), BTreeSet::from([class.name()]), "{:?}", reading.anomalies);
    let mut without = bare("synced-freelist");
    without.set_metas(meta::FREELIST, u64::MAX);
    let without = without.read();
    assert!(without.anomalies.is_empty() && without.counts.freelist == 0);
    assert_eq!(reading.counts, without.counts, "{class:?} of page {pgid}");
    let freed = mutant.elsewhere(|_| true);
    assert!(!freed.is_empty() && freed.is_subset(&reading.outside), "{class:?} of page {pgid}");
    reading
}

#[test]
fn class_1_a_freelist_that_is_another_page() {
    let mut mutant = bare("synced-freelist");
    let leaf = mutant.unique_leaves()[1];
    mutant.set_metas(meta::FREELIST, leaf);
    assert_rebuilt(&mutant, Class::PageType, leaf);
    let branch = mutant.branch;
    mutant.set_metas(meta::FREELIST, branch);
    assert_rebuilt(&mutant, Class::PageType, branch);
    // Of no page that can be a list: it is the meta that says so which is wrong.
    for page in [0, 1, mutant.pages(), mutant.pages() + 7, 1 << 60] {
        mutant.set_metas(meta::FREELIST, page);
        let reading = assert_rebuilt(&mutant, Class::PgidOutOfBounds, mutant.active());
        assert!(reading.anomalies[0].detail.contains(&format!("page {page} is referred to")), "{:?}", reading.anomalies);
    }
    // Of no known type: the list itself, so that nothing else on it is lost.
    for flags in [0, 0x8000, 0x12] {
        let mut mutant = bare("synced-freelist");
        let list = list_of(&mutant);
        mutant.set(list, header::FLAGS, 2, flags);
        assert_rebuilt(&mutant, Class::PageType, list);
    }
}

/// Classes 2 to 4: a freelist that names a page twice, names one in use or misses one.
#[test]
fn classes_2_to_4_freelist_names_wrong_pages() {
    let sound = bare("synced-freelist");
    let list = list_of(&sound);
    let freed = |index: usize| sound.get(list, 16 + 8 * index, 8);
    // The second is forgotten, the first named twice.
    let mut mutant = bare("synced-freelist");
    mutant.set(list, 24, 8, freed(0));
    let reading = assert_rest(&mutant, Class::FreedTwice, list, &[]);
    assert!(reading.has(Class::UnreachableUnfreed, freed(1)), "{:?}", reading.anomalies);
    let forgotten = mutant.elsewhere(|page| page == freed(1));
    assert!(!forgotten.is_empty() && forgotten.is_subset(&reading.outside));
    // One in use is named: it stays in use, and is no residue.
    let mut mutant = bare("synced-freelist");
    let leaf = mutant.unique_leaves()[2];
    mutant.set(list, 16, 8, leaf);
    let reading = assert_rest(&mutant, Class::ReachableFreed, leaf, &[]);
    assert!(reading.has(Class::UnreachableUnfreed, freed(0)), "{:?}", reading.anomalies);
    let in_use = mutant.retained(|page| page == leaf);
    assert!(!in_use.is_empty() && in_use.is_disjoint(&reading.outside));
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
        let unlisted: Vec<u64> = (3 + run as u64..600).collect();
        assert_eq!(reading.classes(), BTreeSet::from(["unreachable-unfreed"]), "{count}: {:?}", reading.anomalies.first());
        let offsets: Vec<_> = unlisted.iter().map(|page| Some(page * pages::PAGE as u64)).collect();
        assert_eq!(reading.offsets(Class::UnreachableUnfreed), offsets, "{count}");
    }
    // More than its pages hold.
    for (count, first) in [(5000, 0), (0xffff, u64::MAX), (0xffff, 1 << 40)] {
        let mut mutant = bare("synced-freelist");
        let list = list_of(&mutant);
        mutant.set(list, header::COUNT, 2, count).set(list, 16, 8, first);
        assert_rebuilt(&mutant, Class::FreelistInvalid, list);
    }
}
