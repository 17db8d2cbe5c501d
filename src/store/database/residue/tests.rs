//! Pages in which runs were written over each other, against a model that remembers who wrote each page last.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::bbolt::PageState;
use crate::etcd::pb::mvccpb;
use crate::evidence::anomaly::Anomalies;
use crate::evidence::range;
use crate::mvcc::{Revision, RevisionKey};

const PAGE: usize = 4096;
/// Pages of the file; runs stand on those from `FIRST` on.
const PAGES: usize = 64;
const FIRST: usize = 4;

/// A run to be written: where, and the lengths of its values.
type Plan = (usize, Vec<usize>);

/// Places of values, with the revisions that are known.
type Places = BTreeMap<(u64, u64), Option<u64>>;

/// A value of a run: its range, and the last page that it needs.
struct Placed {
    offset: usize,
    length: usize,
}

/// The file, and for each page the run that it was written by last.
struct Model {
    bytes: Vec<u8>,
    owner: Vec<Option<usize>>,
    runs: Vec<(usize, usize, Vec<Placed>)>,
}

fn noise(seed: usize, length: usize) -> Vec<u8> {
    let mut state = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3] | 1
    };
    (0..length).map(next).collect()
}

fn leaf(id: usize, elements: &[(u32, Vec<u8>, Vec<u8>)]) -> (Vec<u8>, Vec<usize>) {
    let (mut heads, mut data, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (index, (flags, key, value)) in elements.iter().enumerate() {
        let pos = (elements.len() - index) * 16 + data.len();
        for number in [*flags as usize, pos, key.len(), value.len()] {
            heads.extend(u32::try_from(number).unwrap().to_le_bytes());
        }
        data.extend([&key[..], value].concat());
        values.push(16 + elements.len() * 16 + data.len() - value.len());
    }
    let pages = (16 + heads.len() + data.len()).div_ceil(PAGE);
    let mut run = (id as u64).to_le_bytes().to_vec();
    run.extend(2u16.to_le_bytes());
    run.extend(u16::try_from(elements.len()).unwrap().to_le_bytes());
    run.extend(u32::try_from(pages - 1).unwrap().to_le_bytes());
    run.extend([heads, data].concat());
    run.resize(pages * PAGE, 0);
    (run, values)
}

fn meta(slot: u64) -> Vec<u8> {
    let mut body = [0xED0C_DAEDu32, 2, u32::try_from(PAGE).unwrap(), 0].map(u32::to_le_bytes).concat();
    body.extend([2, 0, u64::MAX, PAGES as u64, 9 + slot].map(u64::to_le_bytes).concat());
    let fnv = body.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    [&slot.to_le_bytes()[..], &4u16.to_le_bytes(), &[0; 6], &body, &fnv.to_le_bytes()].concat()
}

fn element(main: u64, value: Vec<u8>) -> (u32, Vec<u8>, Vec<u8>) {
    let revision = i64::try_from(main).unwrap();
    let key = format!("/registry/secrets/default/name-{main}").into_bytes();
    let kv = mvccpb::KeyValue { key, create_revision: revision, mod_revision: revision, version: 1, value, lease: 0 };
    let at = RevisionKey { revision: Revision { main, sub: 0 }, is_tombstone: false };
    (0, at.to_bytes().to_vec(), kv.encode_to_vec())
}

impl Model {
    /// A database of one key, newer than all that the runs hold, and then the runs, each over what was there.
    fn new(plans: &[Plan]) -> Self {
        let mut model = Self { bytes: vec![0; PAGES * PAGE], owner: vec![None; PAGES], runs: Vec::new() };
        model.put(0, &meta(0));
        model.put(1, &meta(1));
        model.put(2, &leaf(2, &[(1, b"key".to_vec(), [3u64, 0].map(u64::to_le_bytes).concat())]).0);
        model.put(3, &leaf(3, &[element(1_000_000, b"newest".to_vec())]).0);
        for (run, (page, lengths)) in plans.iter().enumerate() {
            let value = |at: usize, length: usize| [b"k8s:enc:aescbc:v1:key:".to_vec(), noise(run * 100 + at, length)].concat();
            let elements: Vec<_> =
                lengths.iter().enumerate().map(|(at, length)| element((run * 100 + at + 2) as u64, value(at, *length))).collect();
            let (bytes, messages) = leaf(*page, &elements);
            let pages = bytes.len() / PAGE;
            if page + pages > PAGES {
                continue;
            }
            let placed = elements.iter().zip(messages).zip(lengths).map(|(((_, _, message), at), length)| {
                let length = length + 22;
                Placed { offset: page * PAGE + at + message.len() - length, length }
            });
            model.runs.push((*page, pages, placed.collect()));
            model.put(*page, &bytes);
            model.owner[*page..page + pages].fill(Some(model.runs.len() - 1));
        }
        model
    }

    fn put(&mut self, page: usize, bytes: &[u8]) {
        self.bytes[page * PAGE..page * PAGE + bytes.len()].copy_from_slice(bytes);
    }

    /// Values all of whose pages are still of their run; and whether its header stands and all pages up to the value do.
    fn intact(&self) -> BTreeMap<(u64, u64), bool> {
        let mut intact = BTreeMap::new();
        for (run, (first, _, values)) in self.runs.iter().enumerate() {
            for value in values {
                let pages = |from: usize| (from..=(value.offset + value.length - 1) / PAGE).all(|page| self.owner[page] == Some(run));
                if pages(value.offset / PAGE) {
                    intact.insert((value.offset as u64, value.length as u64), pages(*first));
                }
            }
        }
        intact
    }

    /// Values that are called whole, and where all of those begin of which at least the beginning was found.
    fn found(&self) -> (Places, BTreeSet<u64>) {
        let db = Db::open(&self.bytes).unwrap();
        let mut pages = PageMap::new(db.pages_in_file(), db.active().unwrap().high_water_mark);
        let mut anomalies = Anomalies::default();
        let (tree, ()) = Tree::walk(&db, 2, PageState::Reachable, &mut pages, &mut anomalies, |(), _, _, _| (), |(), ()| ());
        crate::bbolt::check(&db, &mut pages, &mut anomalies);
        let ground = Ground {
            db: &db,
            tree: &tree,
            pages: &pages,
            surplus: &[],
            trailer: None,
            has_slack: false,
            revision: Some(1_000_000),
            large: &[],
        };
        let (residue, _) = find(ground, ResidueMode::Full);
        let in_use = 4 * PAGE as u64;
        assert_eq!(residue.account.total() + in_use, self.bytes.len() as u64, "every byte is exactly one thing");
        let (mut whole, mut begun) = (BTreeMap::new(), BTreeSet::new());
        for entry in &residue.entries {
            let (value, is_whole) = match entry.content {
                Content::Value => (entry.read(&db).unwrap().kv.value, true),
                Content::Cut => (entry.read(&db).unwrap().kv.value, false),
                Content::Headless(Kind::Value) => (entry.bytes(&db), true),
                Content::Headless(Kind::Beginning) => (entry.bytes(&db), false),
                _ => continue,
            };
            let offset = range::offset_within(&self.bytes, value).unwrap();
            begun.insert(offset);
            if is_whole {
                whole.insert((offset, value.len() as u64), entry.main());
            }
        }
        (whole, begun)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn what_is_called_whole_is_intact_and_all_that_is_intact_in_a_standing_image_is_found(
        plans in prop::collection::vec(
            (FIRST..PAGES - 1, prop::collection::vec(prop_oneof![24usize..900, 900usize..20_000], 1..6)),
            1..14,
        ),
    ) {
        let model = Model::new(&plans);
        let (intact, (found, begun)) = (model.intact(), model.found());
        for place in found.keys() {
            prop_assert!(intact.contains_key(place), "{:?} is called whole and is not", place);
        }
        for (place, is_standing) in &intact {
            prop_assert!(!is_standing || found.contains_key(place), "{:?} is missed", place);
        }
        // Of what has lost its page's header, and with it what frames it, the beginning at least is found.
        for (offset, _) in intact.keys() {
            prop_assert!(begun.contains(offset), "the value at {} is missed", offset);
        }
    }
}
