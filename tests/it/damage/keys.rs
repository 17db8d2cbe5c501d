//! Keys that stand where they cannot: classes 19 to 21.

use std::collections::BTreeSet;

use etcd_sleuth::evidence::anomaly::Class;

use super::common::mutate::{Identity, Mutant, header, meta, read};
use super::common::pages::{self, Entry, Write};
use super::{assert_nothing_foreign, assert_tree, bare};

/// Where these bytes stand, which stand nowhere else.
fn only_place_of(bytes: &[u8], part: &[u8]) -> u64 {
    let places: Vec<_> = bytes.windows(part.len()).enumerate().filter(|(_, found)| *found == part).map(|(at, _)| at as u64).collect();
    assert_eq!(places.len(), 1, "{places:?}");
    places[0]
}

/// Where the first and the last copy of these bytes stand.
fn two_places_of(bytes: &[u8], part: &[u8]) -> [u64; 2] {
    let places: Vec<_> = bytes.windows(part.len()).enumerate().filter(|(_, found)| *found == part).map(|(at, _)| at as u64).collect();
    places.try_into().unwrap()
}

fn identities(writes: &[&Write]) -> BTreeSet<Identity> {
    writes.iter().map(|write| write.identity()).collect()
}

#[test]
fn class_19_elements_whose_data_are_not_in_their_order() {
    // Two elements of a leaf change places; the data do not.
    let mut mutant = bare("migration");
    let page = mutant.unique_leaves()[2];
    let on_page = mutant.retained(|on| on == page);
    let element = |mutant: &Mutant, at: usize| [0, 4, 8, 12].map(|field| mutant.get(page, at + field, 4));
    let (a, b) = (element(&mutant, 16), element(&mutant, 32));
    for (at, from, shift) in [(16, b, 16), (32, a, -16i64)] {
        for (field, value) in [0, 4, 8, 12].into_iter().zip(from) {
            let value = if field == 4 { u64::try_from(i64::try_from(value).unwrap() + shift).unwrap() } else { value };
            mutant.set(page, at + field, 4, value);
        }
    }
    let reading = mutant.read();
    // What lies before the end of what precedes it is passed over, and found outside the tree.
    assert!(reading.has(Class::ElementOutOfBounds, page), "{:?}", reading.anomalies);
    assert!(mutant.retained(|on| on != page).is_subset(&reading.tree));
    assert_eq!(on_page.difference(&reading.tree).count(), 1);
    assert_nothing_foreign(&mutant, &reading);
}

#[test]
fn class_19_keys_out_of_order() {
    let [a, b, c, d] = [2, 3, 4, 5].map(Write::at);
    // Within a leaf.
    let leaf = pages::leaf(3, &[a.entry(), c.entry(), b.entry(), d.entry()]);
    let bytes = pages::database(&[pages::root(3), leaf]);
    let reading = read(&bytes).unwrap();
    assert_eq!(reading.classes(), BTreeSet::from(["key-order"]), "{:?}", reading.anomalies);
    assert_eq!(reading.offsets(Class::KeyOrder), [Some(only_place_of(&bytes, &b.stored_under()))]);
    assert_eq!(reading.tree, identities(&[&a, &b, &c, &d]));
    // Two leaves change places below their parent.
    let mut mutant = bare("migration");
    let (one, other) = (mutant.child(5), mutant.child(20));
    mutant.set_child(5, other).set_child(20, one);
    let reading = assert_tree(&mutant, Class::KeyOrder, one, &mutant.retained(|_| true));
    assert!(reading.has_on(Class::KeyOrder, other));
    assert_eq!(reading.classes(), BTreeSet::from(["key-order"]), "{:?}", reading.anomalies);
}

#[test]
fn class_19_the_same_key_below_two_branch_pages() {
    let [a, b, c, d] = [2, 3, 4, 5].map(Write::at);
    let under = |write: &Write, page| (write.stored_under(), page);
    // Branch 3 leads to branches 4 and 5, they to leaves 6, 7 and 8, 9.
    let tree = |below: [[(Vec<u8>, u64); 2]; 3], leaves: [&[Entry]; 4]| {
        let [top, left, right] = below;
        let branches = [(3, top), (4, left), (5, right)].map(|(page, below)| pages::branch(page, &below));
        let leaves = [6, 7, 8, 9].into_iter().zip(leaves).map(|(page, entries)| pages::leaf(page, entries));
        let all: Vec<_> = [pages::root(3)].into_iter().chain(branches).chain(leaves).collect();
        pages::database(&all)
    };
    // The first key below the second branch is the last one below the first, too: it is not smaller than the separator.
    let bytes = tree(
        [[under(&a, 4), under(&c, 5)], [under(&a, 6), under(&b, 7)], [under(&c, 8), under(&d, 9)]],
        [&[a.entry()], &[b.entry(), c.entry()], &[c.entry()], &[d.entry()]],
    );
    let reading = read(&bytes).unwrap();
    assert_eq!(reading.classes(), BTreeSet::from(["key-order"]), "{:?}", reading.anomalies);
    assert!(reading.has_on(Class::KeyOrder, 7) && reading.anomalies.len() == 1, "{:?}", reading.anomalies);
    assert_eq!(reading.tree, identities(&[&a, &b, &c, &d]));
    // The key itself stands twice in leaves and twice in branches: that in leaf 7 is meant.
    let keys: Vec<u64> = (0u64..).zip(bytes.windows(17)).filter(|(_, found)| *found == c.stored_under()).map(|(at, _)| at).collect();
    let in_leaf: Vec<_> = keys.into_iter().filter(|at| at / pages::PAGE as u64 == 7).map(Some).collect();
    assert_eq!(reading.offsets(Class::KeyOrder), in_leaf);
    // Two children with one separator: the second is not larger than the first.
    let bytes = tree(
        [[under(&a, 4), under(&c, 5)], [under(&a, 6), under(&a, 7)], [under(&c, 8), under(&d, 9)]],
        [&[a.entry()], &[b.entry()], &[c.entry()], &[d.entry()]],
    );
    let reading = read(&bytes).unwrap();
    assert!(reading.has_on(Class::KeyOrder, 4), "{:?}", reading.anomalies);
    let [_, second] = two_places_of(&bytes[4 * pages::PAGE..5 * pages::PAGE], &a.stored_under());
    assert!(reading.offsets(Class::KeyOrder).contains(&Some(4 * pages::PAGE as u64 + second)));
    assert_eq!(reading.tree, identities(&[&a, &b, &c, &d]));
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
fn class_20_keys_of_every_length_among_the_revisions() {
    let [before, behind] = [2, 4].map(Write::at);
    let tombstone = [&Write::at(3).stored_under()[..], b"t"].concat();
    for len in 0..=40 {
        // The beginning of a revision, or one with more behind it.
        let key: Vec<u8> = tombstone.iter().copied().chain(std::iter::repeat(b't')).take(len).collect();
        let entries = [Entry::value(&key, &Write::at(3).stored()), before.entry(), behind.entry()];
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        let bytes = pages::database(&[pages::root(3), pages::leaf(3, &entries)]);
        let reading = read(&bytes).unwrap();
        let what = format!("{len} bytes: {:?}", reading.anomalies);
        let classes: &[&str] = match len {
            0 => &["empty-key", "revision-gap", "revision-invalid"],
            17 => &[],
            // A deletion of what was never there.
            18 => &["succession-broken"],
            // The third revision is not there any more.
            _ => &["revision-gap", "revision-invalid"],
        };
        assert_eq!(reading.classes(), classes.iter().copied().collect(), "{what}");
        if classes.contains(&"revision-invalid") {
            assert!(reading.has_on(Class::RevisionInvalid, 3) && reading.offsets(Class::RevisionInvalid).len() == 1, "{what}");
            // The key stands right before its KeyValue; one of no bytes is said to be where its page is.
            let at = only_place_of(&bytes, &[&key[..], &Write::at(3).stored()].concat());
            let at = if len == 0 { 3 * pages::PAGE as u64 } else { at };
            assert_eq!(reading.offsets(Class::RevisionInvalid), [Some(at)], "{what}");
        }
        let third = Write::at(3);
        let wanted = if len == 17 { identities(&[&before, &third, &behind]) } else { identities(&[&before, &behind]) };
        assert_eq!(reading.tree, wanted, "{what}");
    }
}

#[test]
fn class_21_a_root_that_is_a_page_of_revisions() {
    let mut mutant = bare("migration");
    let branch = mutant.branch;
    mutant.set_metas(meta::ROOT, branch);
    let reading = mutant.read();
    assert_eq!(reading.classes(), BTreeSet::from(["bucket-missing", "revision-misplaced"]), "{:?}", reading.anomalies);
    // Each where its key stands, on every leaf.
    for leaf in &mutant.leaves {
        assert!(reading.has_on(Class::RevisionMisplaced, *leaf), "{leaf}");
    }
    assert_eq!(reading.tree, mutant.retained(|_| true));
    assert_nothing_foreign(&mutant, &reading);
}
