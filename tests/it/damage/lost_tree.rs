//! Trees that lead to next to nothing, or to another generation's pages: classes 22 and 25.

use std::collections::BTreeSet;

use etcd_sleuth::bbolt::Writer;
use etcd_sleuth::evidence::anomaly::Class;

use super::bare;
use super::common::mutate::{Identity, meta, read};
use super::common::pages::{self, Write};

/// Of a hundred values of a lost tree, as many have to be found.
const RECALL: usize = 99;

fn assert_recall(name: &str, wanted: &BTreeSet<Identity>, found: &BTreeSet<Identity>) {
    let count = wanted.intersection(found).count();
    assert!(!wanted.is_empty() && count * 100 >= wanted.len() * RECALL, "{name}: {count} of {}", wanted.len());
}

/// Class 22: a tree that is nearly empty leaves all else to be found.
#[test]
fn class_22_a_nearly_empty_tree() {
    for name in ["migration", "big-values", "plaintext", "page16k", "compacted", "killed"] {
        let mut mutant = bare(name);
        let (wanted, known) = (mutant.retained(|_| true), mutant.known());
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
        assert_recall(name, &wanted, &reading.all);
        assert!(reading.all.is_subset(&known), "{name}");
    }
}

/// After a power loss the live tree held next to nothing: 27,446 pages, 27,212 of them free, 4,033 of these with 37,521 keys
/// (bbolt#1033).
#[test]
fn class_22_as_many_pages_and_keys_as_in_the_field() {
    const PAGES: u64 = 27_446;
    const KEYS: u64 = 37_521;
    let writes = (2..2 + KEYS).map(Write::at);
    let mut writer = Writer::new(std::io::Cursor::new(Vec::new()), u32::try_from(pages::PAGE).unwrap()).unwrap();
    let mut bucket = writer.bucket(b"key");
    writes.clone().for_each(|write| bucket.put(&write.stored_under(), &write.stored()).unwrap());
    bucket.finish().unwrap();
    let mut bytes = writer.finish(9).unwrap().into_inner();
    // The rest of the free pages was never written to, up to the root of a tree with one write.
    let (root, page) = (PAGES - 2, pages::PAGE);
    bytes.resize(usize::try_from(root).unwrap() * page, 0);
    let left = Write::at(2 + KEYS);
    bytes.extend(pages::leaf(root, &[pages::Entry::bucket(b"key", root + 1), pages::Entry::inline_bucket(b"meta", &[])]));
    bytes.extend(pages::leaf(root + 1, &[left.entry()]));
    let meta = pages::Meta { root, freelist: None, high_water_mark: PAGES, txid: 20 };
    bytes[..page].copy_from_slice(&pages::Meta { txid: 21, ..meta }.page(0));
    bytes[page..2 * page].copy_from_slice(&meta.page(1));
    let reading = read(&bytes).unwrap();
    // Every page of the tree is sound. But it was never compacted, and lacks what stands before its one revision.
    assert_eq!(reading.classes(), BTreeSet::from(["revision-gap"]), "{:?}", reading.anomalies);
    assert!(reading.has_on(Class::RevisionGap, root + 1) && reading.verdict.contains("INCOMPLETE"), "{}", reading.verdict);
    assert_eq!((reading.counts.total(), reading.counts.free), (PAGES, PAGES - 4));
    let wanted = writes.map(|write| write.identity()).collect();
    assert_eq!(reading.tree, BTreeSet::from([left.identity()]));
    assert_recall("as in the field", &wanted, &reading.outside);
    assert!(reading.outside.is_subset(&wanted));
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
    let known: BTreeSet<_> = mutant.known().union(&other.known()).cloned().collect();
    let reading = mutant.read();
    // On each leaf that the one tree refers to and the other has other keys on.
    let replaced: Vec<u64> = mutant.leaves.iter().copied().filter(|leaf| (from..to).contains(leaf)).collect();
    let told: Vec<u64> = reading.anomalies.iter().filter(|a| a.class == Class::KeyOrder).filter_map(|a| a.pgid).collect();
    assert!(!told.is_empty() && told.iter().all(|page| (from..to).contains(page)), "{:?}", reading.anomalies);
    for leaf in replaced.into_iter().filter(|leaf| other.leaves.contains(leaf)) {
        assert!(reading.has_on(Class::KeyOrder, leaf), "page {leaf}: {:?}", reading.anomalies);
    }
    assert!(mutant.retained(|page| !(from..to).contains(&page)).is_subset(&reading.all));
    assert!(other.retained(|page| (from..to).contains(&page)).is_subset(&reading.all));
    assert!(reading.all.is_subset(&known));
}
