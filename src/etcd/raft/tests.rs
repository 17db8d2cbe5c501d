use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::etcd::pb::etcdserverpb::{self as pb, request_op};
use crate::etcd::pb::{raftpb, snappb};

fn put(key: &[u8], value: &[u8]) -> pb::PutRequest {
    pb::PutRequest { key: key.to_vec(), value: value.to_vec(), lease: 7, ..Default::default() }
}

fn op(request: request_op::Request) -> pb::RequestOp {
    pb::RequestOp { request: Some(request) }
}

fn put_op(key: &[u8], value: &[u8]) -> pb::RequestOp {
    op(request_op::Request::RequestPut(put(key, value)))
}

/// The operations of a request in words.
fn operations(data: &[u8]) -> Vec<String> {
    let word = |branch: Option<Branch>| branch.map_or("-", Branch::name);
    Request::parse(data)
        .unwrap()
        .operations()
        .map(|operation| match operation.unwrap() {
            Operation::Put(put, branch) => {
                format!("put {} {} {}", put.key.escape_ascii(), put.value.escape_ascii(), word(branch))
            }
            Operation::DeleteRange { key, range_end, branch } => {
                format!("delete {} {} {}", key.escape_ascii(), range_end.escape_ascii(), word(branch))
            }
            Operation::RevokeLease(lease) => format!("revoke {lease}"),
        })
        .collect()
}

#[test]
fn a_transaction_gives_the_operations_of_both_its_branches_at_any_depth_in_their_order() {
    let inner = pb::TxnRequest {
        compare: vec![],
        success: vec![put_op(b"c", b"3")],
        failure: vec![
            put_op(b"d", b"4"),
            op(request_op::Request::RequestDeleteRange(pb::DeleteRangeRequest {
                key: b"e".to_vec(),
                range_end: b"f".to_vec(),
                prev_kv: true,
            })),
        ],
    };
    let txn = pb::TxnRequest {
        compare: vec![pb::Compare { result: 0, target: 2, key: b"a".to_vec(), mod_revision: 9 }],
        success: vec![put_op(b"a", b"1"), op(request_op::Request::RequestTxn(inner)), put_op(b"g", b"")],
        failure: vec![
            op(request_op::Request::RequestRange(pb::RangeRequest { key: b"a".to_vec(), range_end: vec![] })),
            put_op(b"b", b"2"),
        ],
    };
    let header = Some(pb::RequestHeader { id: 5, username: "alice".into(), auth_revision: 3 });
    let data = pb::InternalRaftRequest { header, txn: Some(txn), ..Default::default() }.encode_to_vec();
    let request = Request::parse(&data).unwrap();
    assert_eq!((request.kind, request.username), (RequestKind::Txn, &b"alice"[..]));
    assert_eq!(
        operations(&data),
        ["put a 1 success", "put c 3 success", "put d 4 failure", "delete e f failure", "put g  success", "put b 2 failure"]
    );
}

#[test]
fn a_put_and_a_deletion_by_themselves_have_no_branch() {
    let data = pb::InternalRaftRequest { id: 1, put: Some(put(b"k", b"v")), ..Default::default() }.encode_to_vec();
    assert_eq!(operations(&data), ["put k v -"]);
    let delete = pb::DeleteRangeRequest { key: b"k".to_vec(), ..Default::default() };
    let data = pb::InternalRaftRequest { id: 1, delete_range: Some(delete), ..Default::default() }.encode_to_vec();
    assert_eq!(operations(&data), ["delete k  -"]);
    let compaction = pb::CompactionRequest { revision: 5, physical: true };
    let data = pb::InternalRaftRequest { compaction: Some(compaction), ..Default::default() }.encode_to_vec();
    assert_eq!((Request::parse(&data).unwrap().kind, operations(&data)), (RequestKind::Compaction, vec![]));
}

#[test]
fn transactions_are_followed_to_a_bound_without_recursion() {
    let nested = |depth: usize| {
        let mut txn = pb::TxnRequest { success: vec![put_op(b"deep", b"v")], ..Default::default() }.encode_to_vec();
        for _ in 0..depth {
            // TxnRequest.success = 2 { RequestOp.request_txn = 4 { … } }, assembled by hand: prost would recurse.
            let mut op = vec![0x22];
            prost::encoding::encode_varint(txn.len() as u64, &mut op);
            op.extend(&txn);
            txn = vec![0x12];
            prost::encoding::encode_varint(op.len() as u64, &mut txn);
            txn.extend(&op);
        }
        let mut data = vec![0x32];
        prost::encoding::encode_varint(txn.len() as u64, &mut data);
        data.extend(&txn);
        data
    };
    assert_eq!(operations(&nested(20)), ["put deep v success"]);
    assert!(Request::parse(&nested(5000)).is_err());
}

#[test]
fn of_a_request_of_the_v2_api_that_is_cut_anywhere_what_is_there_of_its_value_is_read() {
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let of_parts = |method: &[u8], path: &[u8], value: &[u8]| {
        [vec![0x08, 77], field(2, method), field(3, path), field(4, value), vec![0x28, 0], field(6, b"old value")].concat()
    };
    let alone = of_parts(b"PUT", b"/1/registry/x", b"a value of the v2 API");
    let within = [vec![0x08, 77], field(2, &alone)].concat();
    for request in [&alone, &within] {
        let entry = raftpb::Entry { r#type: Some(0), term: Some(2), index: Some(9), data: Some(request.clone()) }.encode_to_vec();
        let (mut longest, mut has_old) = (0, false);
        for end in 0..entry.len() {
            let Some(read) = CutEntry::parse(&entry[..end]) else { continue };
            let cut = read.cut.map(|cut| cut.put).into_iter();
            for put in read.whole.iter().map(|(put, _)| *put).chain(cut) {
                assert!(read.is_of_v2 && put.key == b"/registry/x");
                match b"a value of the v2 API".starts_with(put.value) {
                    true => longest = longest.max(put.value.len()),
                    false => has_old |= b"old value".starts_with(put.value),
                }
            }
        }
        assert_eq!((longest, has_old), (21, true));
    }
    // What etcd itself keeps there, and a request of the v3 API.
    let own = of_parts(b"PUT", b"/0/members/1", b"attributes");
    for (request, is_of_v2) in
        [(own, true), (pb::InternalRaftRequest { put: Some(put(b"k", b"v")), ..Default::default() }.encode_to_vec(), false)]
    {
        let entry = raftpb::Entry { r#type: Some(0), term: Some(2), index: Some(9), data: Some(request) }.encode_to_vec();
        for end in entry.len() - 3..entry.len() {
            let read = CutEntry::parse(&entry[..end]).unwrap();
            assert_eq!((read.is_of_v2, read.cut.is_some() && is_of_v2), (is_of_v2, false));
        }
    }
}

#[test]
fn of_an_entry_that_is_cut_anywhere_what_is_there_is_read() {
    let txn = pb::TxnRequest {
        success: vec![put_op(b"first", b"whole value"), put_op(b"second", b"a longer value that is cut")],
        failure: vec![put_op(b"third", b"never reached")],
        ..Default::default()
    };
    let request = pb::InternalRaftRequest { id: 77, txn: Some(txn), ..Default::default() }.encode_to_vec();
    let entry = raftpb::Entry { r#type: Some(0), term: Some(2), index: Some(9), data: Some(request) }.encode_to_vec();
    let mut seen = std::collections::BTreeSet::new();
    for end in 0..entry.len() {
        let Some(cut) = CutEntry::parse(&entry[..end]) else {
            assert!(end < 6, "term and index are there at {end}");
            continue;
        };
        assert_eq!((cut.term, cut.index), (2, 9));
        for (put, branch) in &cut.whole {
            assert!([(&b"first"[..], &b"whole value"[..]), (b"second", b"a longer value that is cut")].contains(&(put.key, put.value)));
            assert_eq!(*branch, Some(Branch::Success));
        }
        if let Some(cut::CutPut { put, branch, missing }) = cut.cut {
            let whole: &[u8] = match put.key {
                b"first" => b"whole value",
                b"second" => b"a longer value that is cut",
                b"third" => b"never reached",
                other => panic!("{}", other.escape_ascii()),
            };
            assert!(whole.starts_with(put.value) && whole.len() as u64 == put.value.len() as u64 + missing);
            assert_eq!(branch == Some(Branch::Failure), put.key == b"third");
            seen.insert(put.key.to_vec());
        }
    }
    assert_eq!(seen.len(), 3);
}

#[test]
fn users_are_named_and_what_is_beside_them_is_only_said_to_be_there() {
    let authenticate = pb::InternalAuthenticateRequest { name: "alice".into(), password: "hunter2".into(), simple_token: "tok.7".into() };
    let add = pb::AuthUserAddRequest { name: "bob".into(), password: String::new(), hashed_password: "JDJhJDEw".into() };
    let change = pb::AuthUserChangePasswordRequest { name: "carol".into(), password: "x".into(), hashed_password: String::new() };
    let requests = [
        pb::InternalRaftRequest { authenticate: Some(authenticate), ..Default::default() },
        pb::InternalRaftRequest { auth_user_add: Some(add), ..Default::default() },
        pb::InternalRaftRequest { auth_user_change_password: Some(change), ..Default::default() },
    ];
    let read = requests.map(|request| {
        let data = request.encode_to_vec();
        let credential = Request::parse(&data).unwrap().credential.unwrap();
        let user = String::from_utf8(credential.user.to_vec()).unwrap();
        (credential.kind, user, credential.has_password, credential.has_token, credential.has_hash)
    });
    assert_eq!(
        read,
        [
            (AuthKind::Authenticate, "alice".to_owned(), true, true, false),
            (AuthKind::UserAdd, "bob".to_owned(), false, false, true),
            (AuthKind::ChangePassword, "carol".to_owned(), true, false, false),
        ]
    );
}

#[test]
fn a_request_of_the_v2_api_is_told_from_the_others() {
    let v2 = pb::Request {
        id: 9,
        method: "PUT".into(),
        path: "/0/members/8e9e05c52164694d/attributes".into(),
        val: "{\"name\":\"default\"}".into(),
        dir: false,
        prev_value: String::new(),
    };
    let kind = |data: &[u8]| Request::parse(data).unwrap().kind;
    assert_eq!(kind(&v2.encode_to_vec()), RequestKind::OldV2);
    assert_eq!(kind(&pb::InternalRaftRequest { v2: Some(v2), ..Default::default() }.encode_to_vec()), RequestKind::V2);
    assert!(Request::parse(b"\x12\x03PUT\x1a\xff").is_err());
    assert!(Request::parse(&[0xff; 20]).is_err());
}

#[test]
fn a_snapshot_is_read_its_crc_judged_and_its_v2_values_told() {
    let store = br#"{"Root":{"Path":"/","Value":"","Children":{
        "0":{"Path":"/0","Children":{"members":{"Path":"/0/members","Children":{"a":{"Path":"/0/members/a","Value":"x","Children":null}}}}},
        "1":{"Path":"/1","Children":{"n":{"Path":"/1/n","Children":{"\u00e9":{"Path":"/1/n/\u00e9","Value":"y\n","Children":null},
        "empty":{"Path":"/1/n/empty","Children":{}}}},"k":{"Path":"/1/k","Value":"z"},"k":{"Path":"/1/k","Value":"twin"}}}}},
        "WatcherHub":{"EventHistory":{"Queue":{"Events":[{"action":"delete","node":{"key":"/1/k","value":null},
        "prevNode":{"key":"/1/k","value":"gone"}},{"action":"set","node":{"key":"/0/version","value":"3.4.0"}},null]}}},
        "CurrentVersion":2}"#;
    let metadata = raftpb::SnapshotMetadata { conf_state: None, index: Some(122), term: Some(2) };
    let data = raftpb::Snapshot { data: Some(store.to_vec()), metadata: Some(metadata) }.encode_to_vec();
    let file = |crc: u32| snappb::Snapshot { crc: Some(crc), data: Some(data.clone()) }.encode_to_vec();
    let good = file(crc32c::crc32c(&data));
    let snapshot = Snapshot::parse(&good).unwrap();
    assert_eq!((snapshot.index, snapshot.term, snapshot.crc_matches), (122, 2, true));
    let values = snapshot.v2_values().unwrap();
    let told: Vec<_> = values.iter().map(|v| (v.key.clone(), v.value().unwrap(), v.is_current)).collect();
    let value = |key: &str, value: &str, is_current| (key.as_bytes().to_vec(), value.as_bytes().to_vec(), is_current);
    assert_eq!(told, [value("/n/\u{e9}", "y\n", true), value("/k", "z", true), value("/k", "twin", true), value("/k", "gone", false)]);
    assert_eq!(values[0].escaped, "y\\n");
    assert!(!Snapshot::parse(&file(7)).unwrap().crc_matches);
    for broken in [&[][..], &[0xff; 30], &good[..good.len() - 1], &good[..6]] {
        assert!(Snapshot::parse(broken).is_err());
    }
    assert_eq!(SnapshotName::parse("0000000000000002-000000000000007a.snap"), Some(SnapshotName { term: 2, index: 122 }));
    assert_eq!(SnapshotName::parse("000000000000007a.snap.db"), None);
}

proptest! {
    #[test]
    fn any_entry_reads_as_prost_reads_it(kind in 0i32..3, term in 1u64.., index in 1u64.., data in prop::collection::vec(any::<u8>(), 1..300)) {
        let message = raftpb::Entry { r#type: Some(kind), term: Some(term), index: Some(index), data: Some(data.clone()) };
        let bytes = message.encode_to_vec();
        let entry = Entry::parse(&bytes).unwrap();
        prop_assert_eq!((entry.kind as i32, entry.term, entry.index, entry.data), (kind, term, index, &data[..]));
        // A record of one type is not read as another.
        prop_assert!(HardState::parse(&bytes).is_err());
    }

    #[test]
    fn any_request_reads_as_prost_reads_it(
        id in any::<u64>(),
        ops in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..30), prop::collection::vec(any::<u8>(), 0..90), any::<i64>()), 0..8),
    ) {
        let mut txn = pb::TxnRequest::default();
        for (success, key, value, lease) in &ops {
            let request = pb::PutRequest { key: key.clone(), value: value.clone(), lease: *lease, ..Default::default() };
            let list = if *success { &mut txn.success } else { &mut txn.failure };
            list.push(op(request_op::Request::RequestPut(request)));
        }
        let data = pb::InternalRaftRequest { id, txn: Some(txn), ..Default::default() }.encode_to_vec();
        let read: Vec<_> = Request::parse(&data).unwrap().operations().map(|operation| match operation.unwrap() {
            Operation::Put(put, branch) => (branch == Some(Branch::Success), put.key.to_vec(), put.value.to_vec(), put.lease),
            other => panic!("{other:?}"),
        }).collect();
        let expected: Vec<_> = [true, false].into_iter().flat_map(|branch| ops.iter().filter(move |op| op.0 == branch).cloned()).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn whatever_prost_takes_for_a_request_is_read_the_same(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let (Ok(message), Ok(request)) = (pb::InternalRaftRequest::decode(&bytes[..]), Request::parse(&bytes))
            && let (Some(put), RequestKind::Put) = (&message.put, request.kind)
        {
            let read = request.operations().next();
            prop_assert!(matches!(read, Some(Ok(Operation::Put(read, None))) if read.key == put.key && read.value == put.value));
        }
        let _ = Snapshot::parse(&bytes);
    }
}
