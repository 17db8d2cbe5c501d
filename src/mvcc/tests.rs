use prost::Message;

use super::framing::around;
use super::{KeyValue, Keyspace, Retention, Revision, RevisionKey};
use crate::etcd::pb::mvccpb;

fn key(main: u64, sub: u64, is_tombstone: bool) -> RevisionKey {
    RevisionKey { revision: Revision { main, sub }, is_tombstone }
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
        let mut keyspace = Keyspace::default();
        left.iter().for_each(|(at, key)| keyspace.observe(*at, key));
        let mut other = Keyspace::default();
        right.iter().for_each(|(at, key)| other.observe(*at, key));
        keyspace.merge(other);
        assert_eq!(keyspace.retention(key(9, 1, false), b"a"), Retention::Current);
        assert_eq!(keyspace.retention(key(9, 0, false), b"a"), Retention::Superseded);
        assert_eq!(keyspace.retention(key(4, 0, false), b"b"), Retention::Deleted);
        assert_eq!((keyspace.keys_current(), keyspace.revisions(), keyspace.tombstones()), (1, 5, 1));
        assert_eq!(keyspace.last(), Some(Revision { main: 9, sub: 1 }));
    }
}

#[test]
fn a_key_written_again_after_its_deletion_exists() {
    let mut keyspace = Keyspace::default();
    for at in [key(2, 0, false), key(3, 0, true), key(4, 0, false)] {
        keyspace.observe(at, b"k");
    }
    assert!(keyspace.exists(b"k"));
    assert_eq!(keyspace.retention(key(2, 0, false), b"k"), Retention::Superseded);
}

#[test]
fn the_marker_of_a_bumped_restore_is_no_key_but_etcdutl_counts_it() {
    let mut keyspace = Keyspace::default();
    keyspace.observe(key(2, 0, false), b"k");
    keyspace.observe(key(1_000_002, 0, false), b"");
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
    assert_eq!(super::CutKeyValue::read(message).map(|cut| (cut.kv.value, cut.missing)), Some((&b"vv"[..], 0)));
    assert_eq!(super::CutKeyValue::read(&message[..11]).map(|cut| (cut.kv.value, cut.missing)), Some((&b""[..], 2)));
    assert_eq!(super::CutKeyValue::read(&message[..9]), None);
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
    let found = around(&memory, at).unwrap();
    assert_eq!((found.kv.key, found.kv.mod_revision, found.kv.value), (&kv.key[..], 700, &kv.value[..]));
    assert_eq!(found.message, kv.encode_to_vec());

    let put = [b"\x0a\x15/registry/secrets/a/b\x12\x24".as_slice(), &kv.value].concat();
    let memory = [b"xx\x0a".as_slice(), &put, b"\x18\x00"].concat();
    let at = memchr::memmem::find(&memory, b"k8s:enc").unwrap();
    let found = around(&memory, at).unwrap();
    assert_eq!((found.kv.key, found.kv.mod_revision, found.kv.value, found.message), (&kv.key[..], 0, &kv.value[..], &put[..]));
    // Cut short by the end of what there is.
    let cut = around(&memory[..at + 10], at).unwrap();
    assert_eq!((cut.kv.value.len(), cut.missing), (10, 26));
    assert_eq!(around(b"k8s:enc:", 0), None);
    assert_eq!(around(&b"k8s:enc:".repeat(100), 80), None);
}
