use proptest::prelude::*;
use prost::Message;

use super::framing::find_enclosing_message;
use super::{KeyValue, Retention, Revision, RevisionKey, StoredWrite, StoredWrites, Writes, continuity, succession};
use crate::etcd::pb::mvccpb;

fn key(main: u64, sub: u64, is_tombstone: bool) -> RevisionKey {
    RevisionKey { revision: Revision { main, sub }, is_tombstone }
}

/// What a pass that saw these writes has of them.
fn written(writes: &[(RevisionKey, &[u8])]) -> Writes {
    let mut seen = Writes::default();
    writes.iter().for_each(|(at, key)| seen.observe(*at, &KeyValue { key, version: 1, create_revision: 1, ..KeyValue::default() }));
    seen
}

#[test]
fn a_revision_key_has_17_bytes_and_a_tombstone_18() {
    let mut bytes = [0, 0, 0, 0, 0, 0, 1, 2, b'_', 0, 0, 0, 0, 0, 0, 0, 3].to_vec();
    assert_eq!(RevisionKey::parse(&bytes), Some(key(0x102, 3, false)));
    bytes.push(b't');
    assert_eq!(RevisionKey::parse(&bytes), Some(key(0x102, 3, true)));
    for broken in [&bytes[..16], b"alarm", b"", &[&bytes[..], b"t"].concat(), &[&bytes[..17], b"x"].concat()] {
        assert_eq!(RevisionKey::parse(broken), None);
    }
    bytes[8] = b'-';
    assert_eq!(RevisionKey::parse(&bytes), None);
}

#[test]
fn the_newest_revision_decides_what_the_others_are_in_any_order_of_arrival() {
    let seen = [
        (key(5, 0, false), &b"a"[..]),
        (key(9, 1, false), b"a"),
        (key(9, 0, false), b"a"),
        (key(4, 0, false), b"b"),
        (key(6, 0, true), b"b"),
    ];
    for rotation in 0..seen.len() {
        let mut order = seen.to_vec();
        order.rotate_left(rotation);
        let (left, right) = order.split_at(2);
        let mut writes = written(left);
        writes.merge(written(right));
        let keyspace = writes.sort().keyspace();
        assert_eq!(keyspace.retention(key(9, 1, false), b"a"), Retention::Current);
        assert_eq!(keyspace.retention(key(9, 0, false), b"a"), Retention::Superseded);
        assert_eq!(keyspace.retention(key(4, 0, false), b"b"), Retention::Deleted);
        assert_eq!((keyspace.keys_current(), keyspace.revisions(), keyspace.tombstones()), (1, 5, 1));
        assert_eq!(keyspace.last(), Some(Revision { main: 9, sub: 1 }));
    }
}

#[test]
fn a_key_written_again_after_its_deletion_exists() {
    let keyspace = written(&[2, 3, 4].map(|main| (key(main, 0, main == 3), &b"k"[..]))).sort().keyspace();
    assert!(keyspace.exists(b"k"));
    assert_eq!(keyspace.retention(key(2, 0, false), b"k"), Retention::Superseded);
}

#[test]
fn the_marker_of_a_bumped_restore_is_no_key_but_etcdutl_counts_it() {
    let keyspace = written(&[(key(2, 0, false), &b"k"[..]), (key(1_000_002, 0, false), b"")]).sort().keyspace();
    assert_eq!((keyspace.keys_current(), keyspace.keys_as_etcdutl_counts()), (1, 2));
}

#[test]
fn a_key_value_with_a_field_of_the_wrong_type_is_damage() {
    assert!(KeyValue::parse(&[0x08, 1]).is_err());
    assert_eq!(KeyValue::parse(&[]), Ok(KeyValue::default()));
}

#[test]
fn a_message_that_ends_where_its_value_would_begin_is_not_taken_for_one_without_a_value() {
    let message = b"\x0a\x01k\x10\x02\x18\x03\x20\x01\x2a\x02vv";
    assert_eq!(super::key_value::PartialKeyValue::read(message).map(|cut| (cut.kv.value, cut.missing)), Some((&b"vv"[..], 0)));
    assert_eq!(super::key_value::PartialKeyValue::read(&message[..11]).map(|cut| (cut.kv.value, cut.missing)), Some((&b""[..], 2)));
    assert_eq!(super::key_value::PartialKeyValue::read(&message[..9]), None);
}

#[test]
fn a_message_is_found_from_its_value_wherever_it_lies() {
    let kv = mvccpb::KeyValue {
        key: b"/registry/secrets/a/b".to_vec(),
        create_revision: 5,
        mod_revision: 700,
        version: 3,
        value: b"k8s:enc:aescbc:v1:k:................".to_vec(),
        lease: 9,
    };
    let mut memory = b"noise \x0a\x03 more noise\x0a".to_vec();
    memory.extend(kv.encode_to_vec());
    memory.extend(b"\x2a\x12 noise");
    let at = memchr::memmem::find(&memory, b"k8s:enc").unwrap();
    let found = find_enclosing_message(&memory, at).unwrap();
    assert_eq!((found.kv.key, found.kv.mod_revision, found.kv.value), (&kv.key[..], 700, &kv.value[..]));
    assert_eq!(found.message, kv.encode_to_vec());

    let put = [b"\x0a\x15/registry/secrets/a/b\x12\x24".as_slice(), &kv.value].concat();
    let memory = [b"xx\x0a".as_slice(), &put, b"\x18\x00"].concat();
    let at = memchr::memmem::find(&memory, b"k8s:enc").unwrap();
    let found = find_enclosing_message(&memory, at).unwrap();
    assert_eq!((found.kv.key, found.kv.mod_revision, found.kv.value, found.message), (&kv.key[..], 0, &kv.value[..], &put[..]));
    // Cut short by the end of what there is.
    let cut = find_enclosing_message(&memory[..at + 10], at).unwrap();
    assert_eq!((cut.kv.value.len(), cut.missing), (10, 26));
    assert_eq!(find_enclosing_message(b"k8s:enc:", 0), None);
    assert_eq!(find_enclosing_message(&b"k8s:enc:".repeat(100), 80), None);
}

/// A write of a table, as a store that is no bbolt file would have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct TableRow {
    at: RevisionKey,
    key: &'static [u8],
    version: i64,
    created: i64,
}

/// A table, and how many rows are read at once.
struct Table(Vec<TableRow>, usize);

impl StoredWrite<'static> for TableRow {
    fn at(&self) -> RevisionKey {
        self.at
    }

    fn key_value(&self) -> Option<KeyValue<'static>> {
        Some(KeyValue { key: self.key, version: self.version, create_revision: self.created, ..KeyValue::default() })
    }
}

impl StoredWrites<'static> for Table {
    type Write = TableRow;
    type Chunk = Vec<TableRow>;

    fn chunks(&self, from: Option<RevisionKey>) -> Vec<Vec<TableRow>> {
        let rows: Vec<TableRow> = self.0.iter().copied().filter(|row| from.is_none_or(|from| row.at >= from)).collect();
        rows.chunks(self.1).map(<[TableRow]>::to_vec).collect()
    }

    fn read(&self, chunk: &Vec<TableRow>) -> impl Iterator<Item = TableRow> {
        chunk.clone().into_iter()
    }
}

#[test]
fn gaps_and_breaks_are_found_in_any_store_however_it_is_divided_into_chunks() {
    let row = |main, is_tombstone, key, version, created| TableRow { at: self::key(main, 0, is_tombstone), key, version, created };
    let rows = vec![
        row(3, false, &b"a"[..], 2, 2),
        row(4, false, b"b", 1, 4),
        row(6, false, b"a", 3, 2),
        row(7, true, b"b", 0, 0),
        row(8, false, b"b", 2, 4),
        row(12, false, b"", 0, 0),
    ];
    for chunk in 1..=rows.len() {
        let store = Table(rows.clone(), chunk);
        let gaps = continuity::gaps(&store, 2);
        let found: Vec<_> = gaps.iter().map(|gap| (gap.after.main, gap.before.main, gap.is_bump())).collect();
        assert_eq!(found, [(4, 6, false), (8, 12, true)]);
        assert_eq!(gaps[0].to_string(), "behind revision 4 stands 6; each transaction takes the next one");
        // Behind a deletion no version goes on.
        let breaks = succession::breaks(&store, 3);
        let found: Vec<_> = breaks.iter().map(|found| (found.write.at.revision.main, found.expected)).collect();
        assert_eq!(found, [(8, succession::Expected::VersionBefore)]);
        // The one finished at 6 has not removed the first write of `a`. The one at 7 may not have come so far as that of `b`.
        let removed = |finished, scheduled| -> Vec<u64> {
            succession::not_removed(&store, finished, scheduled).iter().map(|found| found.write.at.revision.main).collect()
        };
        assert_eq!((removed(6, 8), removed(2, 7)), (vec![3], vec![]));
    }
}

/// A history of transactions, each of one to three puts and deletions of four keys, as etcd writes it.
fn history(transactions: &[Vec<(u8, bool)>]) -> Vec<TableRow> {
    const KEYS: [&[u8]; 4] = [b"a", b"b", b"c", b"d"];
    let (mut rows, mut state, mut main) = (Vec::new(), [(0, 0); 4], 1u64);
    for transaction in transactions {
        let mut sub = 0;
        for (which, is_deletion) in transaction {
            let index = usize::from(*which % 4);
            let (version, created): &mut (i64, i64) = &mut state[index];
            let at = key(main + 1, sub, *is_deletion);
            match is_deletion {
                true if *version == 0 => continue,
                true => (*version, *created) = (0, 0),
                false => (*version, *created) = (*version + 1, if *version == 0 { main.cast_signed() + 1 } else { *created }),
            }
            rows.push(TableRow { at, key: KEYS[index], version: *version, created: *created });
            sub += 1;
        }
        main += u64::from(sub > 0);
    }
    rows
}

proptest! {
    /// What the pass proves is what reading all again would show, also where writes are lost, there twice or altered.
    #[test]
    fn what_is_proven_of_writes_is_what_the_store_shows(
        transactions in prop::collection::vec(prop::collection::vec((0u8..4, prop::bool::weighted(0.2)), 1..4), 1..30),
        compacted in 0u64..40,
        change in 0u8..5,
        at in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
    ) {
        let mut rows = history(&transactions);
        if !rows.is_empty() {
            let (at, other) = (at.index(rows.len()), other.index(rows.len()));
            match change {
                0 => drop(rows.remove(at)),
                1 => rows.insert(at, rows[at]),
                2 => rows[at].at.revision = rows[other].at.revision,
                3 => rows[at].version += 1,
                _ => {}
            }
        }
        rows.sort_unstable();
        let mut seen = [Writes::default(), Writes::default()];
        for (number, row) in rows.iter().enumerate() {
            seen[number % 2].observe(row.at, &row.key_value().unwrap());
        }
        let [mut writes, others] = seen;
        writes.merge(others);
        let writes = writes.sort();
        let store = Table(rows.clone(), 3);
        let is_twice = rows.windows(2).any(|pair| pair[0].at.revision == pair[1].at.revision);
        let gaps = continuity::gaps(&store, compacted);
        prop_assert!(!writes.have_no_gap(compacted) || gaps.is_empty(), "{rows:?}");
        // Nothing that is whole is read again.
        prop_assert!(writes.have_no_gap(compacted) || !gaps.is_empty() || is_twice, "{rows:?}");
        let breaks = succession::breaks(&store, compacted);
        prop_assert!(!writes.follow_one_another(compacted) || breaks.is_empty(), "{rows:?}");
        prop_assert!(writes.follow_one_another(compacted) || !breaks.is_empty() || is_twice, "{rows:?}");
        for row in &rows {
            let newest = rows.iter().filter(|other| other.key == row.key).map(|other| other.at).max();
            let keyspace = writes.clone().keyspace();
            prop_assert_eq!(keyspace.newest(row.key), newest.map(|at| (at.revision, at.is_tombstone)));
        }
    }
}

#[test]
fn what_stands_where_it_does_not_belong_proves_nothing() {
    let mut writes = written(&[(key(2, 0, false), &b"k"[..])]);
    assert!(writes.clone().sort().have_no_gap(1) && writes.clone().sort().follow_one_another(1));
    writes.doubt();
    assert!(!writes.clone().sort().have_no_gap(1) && !writes.sort().follow_one_another(1));
}

#[test]
fn any_number_of_keys_is_found_again() {
    for count in [0u64, 1, 7, 8, 9, 5_000] {
        let names: Vec<String> = (0..count).map(|number| format!("/registry/secrets/default/{number}")).collect();
        let all: Vec<(RevisionKey, &[u8])> = names.iter().zip(2..).map(|(name, main)| (key(main, 0, false), name.as_bytes())).collect();
        let keyspace = written(&all).sort().keyspace();
        assert!(all.iter().all(|(at, name)| keyspace.newest(name) == Some((at.revision, false))));
        assert_eq!((keyspace.keys_current(), keyspace.newest(b"/registry")), (count, None));
    }
}

#[test]
fn a_message_of_an_encoder_is_as_long_as_its_fields_say() {
    let kv = |number: i64, length: usize| mvccpb::KeyValue {
        key: vec![b'k'; length],
        value: vec![b'v'; length.saturating_mul(3)],
        create_revision: number,
        mod_revision: number,
        version: number,
        lease: number,
    };
    for number in [0, 1, 127, 128, 1 << 21, i64::MAX, -1] {
        for length in [0, 1, 42, 43, 127, 128, 20_000] {
            let message = kv(number, length).encode_to_vec();
            assert_eq!(KeyValue::parse(&message).map(|kv| kv.encoded_len()), Ok(message.len()), "{number} {length}");
            assert_ne!(KeyValue::parse(&[&message[..], &[0x78, 0]].concat()).map(|kv| kv.encoded_len()), Ok(message.len() + 2));
        }
    }
}
