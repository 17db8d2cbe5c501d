//! The page parser against a small page writer, and a test for each kind of damage.

use proptest::prelude::*;

use super::meta::fnv1a;
use super::*;
use crate::evidence::anomaly::{Anomalies, Class};

const PAGE: usize = 1024;

/// A database of 1 KiB pages, written by the format's own rules: metas at 0 and 1, then whatever a test puts.
struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn new(pages: usize) -> Self {
        Self { bytes: vec![0; pages * PAGE] }
    }

    fn put(&mut self, pgid: u64, offset: usize, bytes: &[u8]) -> &mut Self {
        let at = usize::try_from(pgid).unwrap() * PAGE + offset;
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    fn header(&mut self, pgid: u64, flags: u16, count: u16, overflow: u32) -> &mut Self {
        let header = [&pgid.to_le_bytes()[..], &flags.to_le_bytes(), &count.to_le_bytes(), &overflow.to_le_bytes()].concat();
        self.put(pgid, 0, &header)
    }

    fn meta(&mut self, slot: u64, root: u64, freelist: u64, high_water_mark: u64, txid: u64) -> &mut Self {
        let mut body = [0xED0C_DAEDu32, 2, u32::try_from(PAGE).unwrap(), 0].map(u32::to_le_bytes).concat();
        body.extend([root, 0, freelist, high_water_mark, txid].map(u64::to_le_bytes).concat());
        body.extend(fnv1a(&body).to_le_bytes());
        self.header(slot, 4, 0, 0).put(slot, 16, &body)
    }

    fn leaf(&mut self, pgid: u64, overflow: u32, elements: &[(u32, &[u8], &[u8])]) -> &mut Self {
        let body = leaf_body(elements);
        self.header(pgid, 2, u16::try_from(elements.len()).unwrap(), overflow).put(pgid, 16, &body)
    }

    fn branch(&mut self, pgid: u64, elements: &[(&[u8], u64)]) -> &mut Self {
        let (mut table, mut data) = (Vec::new(), Vec::new());
        for (index, (key, child)) in elements.iter().enumerate() {
            let pos = u32::try_from((elements.len() - index) * 16 + data.len()).unwrap();
            table.extend([pos, u32::try_from(key.len()).unwrap()].map(u32::to_le_bytes).concat());
            table.extend(child.to_le_bytes());
            data.extend_from_slice(key);
        }
        table.extend(data);
        self.header(pgid, 1, u16::try_from(elements.len()).unwrap(), 0).put(pgid, 16, &table)
    }
}

fn leaf_body(elements: &[(u32, &[u8], &[u8])]) -> Vec<u8> {
    let (mut table, mut data) = (Vec::new(), Vec::new());
    for (index, (flags, key, value)) in elements.iter().enumerate() {
        let pos = u32::try_from((elements.len() - index) * 16 + data.len()).unwrap();
        let sizes = [*flags, pos, u32::try_from(key.len()).unwrap(), u32::try_from(value.len()).unwrap()];
        table.extend(sizes.map(u32::to_le_bytes).concat());
        data.extend_from_slice(key);
        data.extend_from_slice(value);
    }
    table.extend(data);
    table
}

fn bucket_at(root: u64) -> Vec<u8> {
    [root, 0].map(u64::to_le_bytes).concat()
}

/// Root leaf 2 with bucket `b` at branch 3, whose leaves are 4 and 5 (with one overflow page, 6); page 7 is free.
fn sound() -> Writer {
    let mut db = Writer::new(8);
    db.meta(0, 2, u64::MAX, 8, 10)
        .meta(1, 2, u64::MAX, 8, 9)
        .leaf(2, 0, &[(1, b"b", &bucket_at(3))])
        .branch(3, &[(b"a", 4), (b"m", 5)])
        .leaf(4, 0, &[(0, b"a", b"1"), (0, b"c", b"2")])
        .leaf(5, 1, &[(0, b"m", &[9; 1500]), (0, b"z", b"4")]);
    db
}

struct Walked {
    keys: Vec<Vec<u8>>,
    counts: PageCounts,
    anomalies: Anomalies,
}

fn walk(bytes: &[u8]) -> Walked {
    let db = Db::open(bytes).unwrap();
    let mut anomalies = Anomalies::default();
    db.note_anomalies(&mut anomalies);
    let mut map = PageMap::new(db.pages_in_file(), db.high_water_mark());
    let visit = |keys: &mut Vec<Vec<u8>>, _: &Bucket<'_>, _, element: Element<'_>| keys.push(element.key.to_vec());
    let (_, mut keys) =
        Tree::walk(&db, db.active().unwrap().root, PageState::Reachable, &mut map, &mut anomalies, visit, |all, more| all.extend(more));
    check(&db, &mut map, &mut anomalies);
    keys.sort();
    Walked { keys, counts: map.counts(), anomalies }
}

/// The anomalies' classes in a damaged copy of the sound database, and the keys that were still read.
fn damaged(damage: impl FnOnce(&mut Writer)) -> (Vec<Class>, Vec<Vec<u8>>) {
    let mut db = sound();
    damage(&mut db);
    let walked = walk(&db.bytes);
    (walked.anomalies.counts().keys().copied().collect(), walked.keys)
}

fn keys(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| name.as_bytes().to_vec()).collect()
}

#[test]
fn a_sound_database_gives_every_key_and_one_state_a_page() {
    let walked = walk(&sound().bytes);
    assert_eq!(walked.keys, keys(&["a", "c", "m", "z"]));
    assert!(walked.anomalies.is_empty(), "{:?}", walked.anomalies);
    let expected = PageCounts { meta: 2, reachable: 5, free: 1, ..PageCounts::default() };
    assert_eq!(walked.counts, expected);
    assert_eq!(walked.counts.total(), 8);
}

#[test]
fn the_higher_transaction_is_active_only_while_it_is_valid() {
    let db = sound();
    assert_eq!(Db::open(&db.bytes).unwrap().active_slot(), Some(0));
    assert!(Db::open(&db.bytes).unwrap().has_twin_metas());
    let mut torn = sound();
    torn.put(0, 64, &[99]);
    let opened = Db::open(&torn.bytes).unwrap();
    assert_eq!((opened.active_slot(), opened.active().unwrap().txid), (Some(1), 9));
    assert!(matches!(opened.metas()[0], Err(MetaFault::Checksum { .. })));
    torn.put(1, 64, &[99]);
    assert!(matches!(Db::open(&torn.bytes), Err(OpenError::NoValidMeta { .. })));
}

#[test]
fn without_a_valid_meta_the_page_size_is_the_one_with_which_leaf_pages_bear_the_numbers_of_their_places() {
    let mut torn = sound();
    torn.put(0, 0, &[0; 2 * PAGE]);
    assert!(Db::open(&torn.bytes).is_err());
    let db = Db::of_pages(&torn.bytes).unwrap();
    assert_eq!((db.page_size(), db.active_slot(), db.high_water_mark()), (1024, None, 8));
    let mut anomalies = Anomalies::default();
    db.note_anomalies(&mut anomalies);
    assert_eq!((anomalies.count(Class::NoValidMeta), anomalies.count(Class::MetaInvalid)), (1, 2));
    // Pages that stand elsewhere are none of this file's.
    assert!(Db::of_pages(&torn.bytes[512..]).is_none());
    assert!(Db::of_pages(&torn.bytes[..2 * PAGE]).is_none());
    assert!(Db::of_pages(&vec![0; 1 << 20]).is_none());
}

#[test]
fn metas_that_name_another_page_size_than_the_pages_have_are_not_believed() {
    let mut db = sound();
    for slot in [0, 1] {
        let mut body = [0xED0C_DAEDu32, 2, 2048, 0].map(u32::to_le_bytes).concat();
        body.extend([2, 0, u64::MAX, 4, 10].map(u64::to_le_bytes).concat());
        body.extend(fnv1a(&body).to_le_bytes());
        db.put(slot * 2, 16, &body);
    }
    let fault = MetaFault::OtherPageSize { stored: 2048, pages: 1024 };
    assert_eq!(Db::open(&db.bytes).unwrap_err(), OpenError::NoValidMeta { meta0: fault.clone(), meta1: fault });
    assert_eq!(Db::of_pages(&db.bytes).unwrap().page_size(), 1024);
}

#[test]
fn a_file_of_less_than_its_meta_pages_is_too_short() {
    assert_eq!(Db::open(&sound().bytes[..2 * PAGE - 1]).unwrap_err(), OpenError::TooShort { have: 2047, need: 2048 });
    assert!(Db::open(&sound().bytes[..2 * PAGE]).is_ok());
}

#[test]
fn foreign_bytes_and_foreign_byte_order_are_told_apart() {
    assert_eq!(Db::open(&[]).unwrap_err(), OpenError::NotBbolt);
    assert_eq!(Db::open(&[0xff; 5000]).unwrap_err(), OpenError::NotBbolt);
    let mut swapped = sound();
    swapped.put(0, 16, &0xED0C_DAEDu32.to_be_bytes()).put(1, 16, &0xED0C_DAEDu32.to_be_bytes());
    assert_eq!(Db::open(&swapped.bytes).unwrap_err(), OpenError::BigEndian);
}

#[test]
fn a_cycle_is_noted_and_ends() {
    let (classes, read) = damaged(|db| {
        db.branch(3, &[(b"a", 4), (b"m", 3)]);
    });
    assert_eq!(classes, [Class::PageReferencedTwice]);
    assert_eq!(read, keys(&["a", "c"]));
}

#[test]
fn two_buckets_may_not_share_a_page() {
    let (classes, read) = damaged(|db| {
        db.leaf(2, 0, &[(1, b"b", &bucket_at(3)), (1, b"c", &bucket_at(4))]);
    });
    assert_eq!(classes, [Class::PageReferencedTwice]);
    assert_eq!(read.len(), 4);
}

#[test]
fn references_to_the_metas_past_the_high_water_mark_and_past_the_end_are_noted() {
    for child in [0, 1, 8, u64::MAX] {
        let (classes, read) = damaged(|db| {
            db.branch(3, &[(b"a", 4), (b"m", child)]);
        });
        assert_eq!(classes, [Class::PgidOutOfBounds], "{child}");
        assert_eq!(read, keys(&["a", "c"]));
    }
    let mut short = sound();
    short.bytes.truncate(5 * PAGE);
    let walked = walk(&short.bytes);
    assert_eq!(walked.keys, keys(&["a", "c"]));
    assert_eq!(walked.anomalies.counts().keys().collect::<Vec<_>>(), [&Class::FileTruncated]);
    assert_eq!(walked.counts.total(), 5);
}

#[test]
fn a_page_with_another_number_or_another_type_is_noted() {
    let (classes, read) = damaged(|db| {
        db.put(4, 0, &77u64.to_le_bytes());
    });
    assert_eq!((classes, read), (vec![Class::PageIdMismatch], keys(&["m", "z"])));
    for flags in [0u16, 3, 0x10, 0x8000] {
        let (classes, read) = damaged(|db| {
            db.put(4, 8, &flags.to_le_bytes());
        });
        assert_eq!((classes, read), (vec![Class::PageType], keys(&["m", "z"])), "{flags:#x}");
    }
}

#[test]
fn an_absurd_overflow_count_is_noted() {
    for overflow in [3u32, 1_000_000, u32::MAX] {
        let (classes, read) = damaged(|db| {
            db.put(5, 12, &overflow.to_le_bytes());
        });
        assert_eq!((classes, read), (vec![Class::OverflowPastEnd], keys(&["a", "c"])), "{overflow}");
    }
}

#[test]
fn overlapping_runs_are_noted_and_both_are_read() {
    let (classes, read) = damaged(|db| {
        db.put(4, 12, &1u32.to_le_bytes());
    });
    assert!(classes.contains(&Class::PageReferencedTwice), "{classes:?}");
    assert_eq!(read.len(), 4);
}

#[test]
fn elements_outside_their_page_or_in_each_other_are_passed_over_one_by_one() {
    // pos, ksize, vsize of the second element of page 4.
    for (field, value) in [(4u64, u32::MAX), (8, u32::MAX), (12, u32::MAX), (12, 2000), (4, 0)] {
        let (classes, read) = damaged(|db| {
            db.put(4, 16 + 16 + usize::try_from(field).unwrap(), &value.to_le_bytes());
        });
        assert_eq!(classes, [Class::ElementOutOfBounds], "{field} {value}");
        assert_eq!(read, keys(&["a", "m", "z"]));
    }
    let (classes, read) = damaged(|db| {
        db.put(4, 10, &u16::MAX.to_le_bytes());
    });
    assert!(classes.contains(&Class::ElementOutOfBounds), "{classes:?}");
    assert!(read.contains(&b"m".to_vec()));
}

#[test]
fn keys_out_of_order_or_outside_their_parents_bounds_are_noted_and_read() {
    for elements in [
        [(0, &b"c"[..], &b"1"[..]), (0, b"a", b"2")],
        [(0, b"a", b"1"), (0, b"a", b"2")],
        [(0, b"a", b"1"), (0, b"n", b"2")],
        [(0, b"A", b"1"), (0, b"b", b"2")],
    ] {
        let (classes, read) = damaged(|db| {
            db.leaf(4, 0, &elements);
        });
        assert_eq!(classes, [Class::KeyOrder], "{elements:?}");
        assert_eq!(read.len(), 4);
    }
}

#[test]
fn bytes_in_the_slack_of_a_page_in_use_are_noted_with_their_place() {
    let mut db = sound();
    db.put(4, PAGE - 1, &[1]);
    let listed = walk(&db.bytes).anomalies.into_sorted();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].class, listed[0].pgid), (Class::SlackNotZero, Some(4)));
    assert!(listed[0].offset.is_some_and(|at| at > 4 * 1024 && at < 5 * 1024));
}

#[test]
fn a_leaf_beside_a_branch_is_read_though_the_tree_is_uneven() {
    let (_, read) = damaged(|db| {
        db.branch(3, &[(b"a", 4), (b"m", 7)]).branch(7, &[(b"m", 5)]);
    });
    assert_eq!(read, keys(&["a", "c", "m", "z"]));
    let (_, read) = damaged(|db| {
        db.branch(3, &[(b"a", 7), (b"m", 5)]).branch(7, &[(b"a", 4)]);
    });
    assert_eq!(read, keys(&["a", "c", "m", "z"]));
}

#[test]
fn nested_and_inline_buckets_are_entered_and_an_inline_one_holds_no_other() {
    let inline = |elements: &[(u32, &[u8], &[u8])]| {
        let count = u16::try_from(elements.len()).unwrap().to_le_bytes();
        [&bucket_at(0)[..], &0u64.to_le_bytes(), &2u16.to_le_bytes(), &count, &0u32.to_le_bytes(), &leaf_body(elements)].concat()
    };
    let value = inline(&[(0, b"x", b"1")]);
    let (classes, read) = damaged(|db| {
        db.leaf(4, 0, &[(0, b"a", b"1"), (1, b"d", &value)]);
    });
    assert_eq!((classes, read), (vec![], keys(&["a", "m", "x", "z"])));
    let value = inline(&[(1, b"x", &inline(&[]))]);
    let (classes, _) = damaged(|db| {
        db.leaf(4, 0, &[(0, b"a", b"1"), (1, b"d", &value)]);
    });
    assert_eq!(classes, [Class::NestedInlineBucket]);
    let (classes, _) = damaged(|db| {
        db.leaf(4, 0, &[(0, b"a", b"1"), (1, b"d", b"short")]);
    });
    assert_eq!(classes, [Class::BucketInvalid]);
}

#[test]
fn the_freelist_is_held_against_the_tree() {
    let with_freelist = |ids: &[u64]| {
        let mut db = Writer::new(9);
        db.bytes[..8 * PAGE].copy_from_slice(&sound().bytes);
        db.meta(0, 2, 8, 9, 10).meta(1, 2, 8, 9, 9);
        db.header(8, 0x10, u16::try_from(ids.len()).unwrap(), 0).put(
            8,
            16,
            &ids.iter().flat_map(|id| id.to_le_bytes()).collect::<Vec<_>>(),
        );
        walk(&db.bytes)
    };
    let sound = with_freelist(&[7]);
    assert!(sound.anomalies.is_empty());
    assert_eq!((sound.counts.freelist, sound.counts.free), (1, 1));
    for (ids, class) in [
        (&[7, 7][..], Class::FreedTwice),
        (&[7, 99], Class::FreedTwice),
        (&[4, 7], Class::ReachableFreed),
        (&[], Class::UnreachableUnfreed),
    ] {
        let classes: Vec<_> = with_freelist(ids).anomalies.counts().keys().copied().collect();
        assert_eq!(classes, [class], "{ids:?}");
    }
}

#[test]
fn a_freelist_with_the_escape_count_is_read_at_its_edges() {
    for count in [65_534u64, 65_535, 65_536] {
        let ids: Vec<u64> = (0..count).collect();
        let pages = usize::try_from(count).unwrap() * 8 / PAGE + 2;
        let mut db = Writer::new(pages + 3);
        let high_water_mark = u64::try_from(pages + 3).unwrap();
        db.meta(0, 2, 3, high_water_mark, 1).meta(1, 2, 3, high_water_mark, 0).leaf(2, 0, &[]);
        let escape = count >= 65_535;
        db.header(3, 0x10, if escape { u16::MAX } else { u16::try_from(count).unwrap() }, u32::try_from(pages - 1).unwrap());
        let body: Vec<u8> = escape.then_some(count).into_iter().chain(ids.iter().copied()).flat_map(u64::to_le_bytes).collect();
        db.put(3, 16, &body);
        let opened = Db::open(&db.bytes).unwrap();
        let freelist = Freelist::read(&opened, 3).unwrap();
        assert_eq!(freelist.ids().collect::<Vec<_>>(), ids, "{count}");
    }
    let mut lying = sound();
    lying.meta(0, 2, 7, 8, 10).meta(1, 2, 7, 8, 9).header(7, 0x10, u16::MAX, 0).put(7, 16, &u64::MAX.to_le_bytes());
    let opened = Db::open(&lying.bytes).unwrap();
    assert_eq!(Freelist::read(&opened, 7).unwrap_err().class, Class::FreelistInvalid);
}

#[test]
fn pages_that_only_the_older_meta_reaches_are_of_the_other_root() {
    let mut db = sound();
    db.meta(1, 7, u64::MAX, 8, 9).leaf(7, 0, &[(1, b"b", &bucket_at(4))]);
    let walked = walk(&db.bytes);
    assert_eq!((walked.counts.reachable, walked.counts.other_root, walked.counts.free), (5, 1, 0));
    assert!(walked.anomalies.is_empty());
}

proptest! {
    #[test]
    fn any_elements_are_read_as_they_were_written(
        elements in prop::collection::btree_map(prop::collection::vec(any::<u8>(), 1..20), prop::collection::vec(any::<u8>(), 0..40), 0..12),
    ) {
        let list: Vec<(u32, &[u8], &[u8])> = elements.iter().map(|(k, v)| (0, &k[..], &v[..])).collect();
        let mut db = sound();
        db.leaf(2, 0, &[(1, b"b", &bucket_at(7))]).leaf(7, 0, &list);
        let opened = Db::open(&db.bytes).unwrap();
        let page = opened.page(7, Flags::LEAF).unwrap();
        let read: Vec<_> = LeafElements::new(page.bytes, page.header).map(|e| e.map(|e| (0, e.key, e.value)).unwrap()).collect();
        prop_assert_eq!(read, list);
        prop_assert!(walk(&db.bytes).anomalies.is_empty());
    }

    #[test]
    fn any_children_are_read_as_they_were_written(
        children in prop::collection::btree_map(prop::collection::vec(any::<u8>(), 1..20), any::<u64>(), 0..20),
    ) {
        let list: Vec<(&[u8], u64)> = children.iter().map(|(key, child)| (&key[..], *child)).collect();
        let mut db = sound();
        db.branch(7, &list);
        let opened = Db::open(&db.bytes).unwrap();
        let page = opened.page(7, Flags::BRANCH).unwrap();
        let read: Vec<_> = branch::BranchElements::new(page.bytes, page.header).map(|e| e.map(|e| (e.key, e.child)).unwrap()).collect();
        prop_assert_eq!(read, list);
    }

    #[test]
    fn any_change_to_any_page_is_walked_without_a_panic_and_every_page_keeps_one_state(
        changes in prop::collection::vec((2usize * PAGE..8 * PAGE, any::<u8>()), 1..30),
    ) {
        let mut db = sound();
        for (at, byte) in changes {
            db.bytes[at] = byte;
        }
        prop_assert_eq!(walk(&db.bytes).counts.total(), 8);
    }

    #[test]
    fn any_bytes_are_opened_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Db::open(&bytes);
    }
}
