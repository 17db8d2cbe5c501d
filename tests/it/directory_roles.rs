//! What a file of a data directory is, is told by its bytes; its name says only which role it may have. A database beside the member's
//! own one is held to it only where it is proven to be a past of it.

use crate::common;

use std::fs;

use common::pages::{self, Write};
use common::raft::{bytes, raft_snapshot, segment};
use etcd_sleuth::etcd::pb::mvccpb::KeyValue;
use etcd_sleuth::mvcc::{Revision, RevisionKey};
use prost::Message;

use common::{Fixture, of_kind, records, run_in, text, unpack_directory};
use serde_json::Value;

const STORE: &str = r#"{"Root":{"Path":"/","Value":"","Children":{}},"CurrentVersion":2}"#;

/// The directory of a server that was killed, with a file more, or another one in its place.
fn scan(name: &str, content: &[u8]) -> (Option<i32>, Vec<Value>, String) {
    let dir = tempfile::tempdir().unwrap();
    unpack_directory("killed", dir.path());
    let path = dir.path().join("killed").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    let output = run_in(dir.path(), &["scan", "killed", "--fail-on", "never", "--format", "jsonl"]);
    let checked = run_in(dir.path(), &["check", "killed"]);
    assert_eq!(output.status.code(), checked.status.code(), "{name}: scan and check say the same");
    (output.status.code(), records(&output), text(&run_in(dir.path(), &["scan", "killed"])).1)
}

fn reasons(all: &[Value]) -> Vec<(&str, &str)> {
    of_kind(all, "unread").into_iter().map(|one| (one["reason"].as_str().unwrap(), one["path"].as_str().unwrap())).collect()
}

fn kind_and_role<'a>(all: &'a [Value], name: &str) -> Option<(&'a str, &'a str)> {
    let is_it = |evidence: &&Value| evidence["path"].as_str().unwrap().ends_with(name);
    of_kind(all, "evidence").into_iter().find(is_it).map(|one| (one["kind"].as_str().unwrap(), one["role"].as_str().unwrap()))
}

#[test]
fn a_file_is_what_its_bytes_are_whatever_its_name() {
    let database = Fixture::named("etcd35").bytes;
    let log = segment(&[bytes(3, &bytes(1, b"/read"))]);
    let snapshot = raft_snapshot(STORE, 1);
    for (name, content, kind) in [
        ("member/wal/7.tmp", database, "snapshot"),
        ("member/wal/0000000000000000-0000000000000000.wal.broken", database, "snapshot"),
        ("member/wal/notes.wal", &snapshot[..], "raft-snapshot"),
        ("member/snap/x.snap", &log[..], "wal"),
        ("member/snap/db.tmp.1", &log[..], "wal"),
        ("member/snap/y.snap.broken", database, "snapshot"),
    ] {
        let (_, all, shown) = scan(name, content);
        let (found, role) = kind_and_role(&all, name).unwrap();
        assert_eq!((found, role == "member", reasons(&all)), (kind, false, vec![]), "{name}: {shown}");
        assert!(!shown.contains("DAMAGED"), "{name}: {shown}");
    }
    // What they are not told to be is not looked at.
    for name in ["member/wal/7.tmp", "member/wal/x.wal", "member/wal/a.broken", "member/snap/x.snap", "member/snap/db.tmp.1"] {
        let (code, all, shown) = scan(name, b"of somebody else");
        let path = format!("killed/{name}");
        assert_eq!((code, reasons(&all), kind_and_role(&all, name)), (Some(3), vec![("foreign", path.as_str())], None), "{shown}");
    }
}

#[test]
fn an_empty_file_holds_nothing() {
    for name in [
        "member/wal/7.tmp",
        "member/wal/x.wal",
        "member/snap/x.snap",
        "member/snap/0000000000000002-0000000000000001.snap",
        "member/snap/a.broken",
    ] {
        let (code, all, shown) = scan(name, b"");
        assert_eq!((code, reasons(&all), kind_and_role(&all, name)), (Some(0), vec![], None), "{name}: {shown}");
    }
}

/// A raft snapshot of which the end is not there is incomplete, and was not looked at.
#[test]
fn a_cut_raft_snapshot_is_incomplete() {
    let whole = raft_snapshot(STORE, 1);
    let name = "member/snap/0000000000000002-0000000000000001.snap";
    let (code, all, shown) = scan(name, &whole[..whole.len() - 20]);
    let classes: Vec<&Value> = of_kind(&all, "anomaly").iter().map(|anomaly| &anomaly["class"]).collect();
    assert_eq!((code, classes), (Some(3), vec![&"file-truncated".into()]), "{shown}");
    assert!(shown.contains("INCOMPLETE") && !shown.contains("DAMAGED"), "{shown}");
    let quiet = |shown: &str| shown.lines().find(|line| line.contains("found in")).map(str::to_owned);
    assert!(quiet(&shown).is_none_or(|line| !line.contains("raft snapshot")), "{shown}");
}

/// Of a database in a member's directory that is not proven to be a past of the member's own one nothing is said to be deleted: it may be
/// of another cluster, or newer.
#[test]
fn what_only_a_strange_database_has_is_not_called_deleted() {
    let secret = |name: &str| format!(r#"{{"kind":"Secret","apiVersion":"v1","metadata":{{"name":"{name}","namespace":"p","uid":"u"}}}}"#);
    let namespace = |uid: &str| format!(r#"{{"kind":"Namespace","apiVersion":"v1","metadata":{{"name":"kube-system","uid":"{uid}"}}}}"#);
    // Writes from revision 2 on: a cluster, a Secret, or the deletion of one.
    let database = |writes: &[&str]| {
        let entry = |(main, write): (u64, &&str)| match (write.strip_prefix("cluster "), write.strip_prefix("no ")) {
            (Some(uid), _) => Write { main, key: b"/registry/namespaces/kube-system".to_vec(), value: namespace(uid).into_bytes() }.entry(),
            (_, Some(name)) => {
                let revision = RevisionKey { revision: Revision { main, sub: 0 }, is_tombstone: true };
                let deleted = KeyValue { key: format!("/registry/secrets/p/{name}").into_bytes(), ..KeyValue::default() };
                pages::Entry::value(&revision.to_bytes(), &deleted.encode_to_vec())
            }
            _ => {
                let key = format!("/registry/secrets/p/{write}").into_bytes();
                Write { main, key, value: secret(write).into_bytes() }.entry()
            }
        };
        let entries: Vec<_> = (2..).zip(writes).map(entry).collect();
        pages::database(&[pages::root_at(3, 10), pages::leaf(3, &entries)])
    };
    for (what, own, other, is_past, total) in [
        ("another cluster", &["cluster 1", "mine"][..], &["cluster 2", "theirs"][..], false, 2),
        ("no cluster that is known", &["mine"], &["theirs"], false, 2),
        ("newer", &["cluster 1", "mine"], &["cluster 1", "mine", "theirs"], false, 3),
        ("a past", &["cluster 1", "theirs", "no theirs", "mine"], &["cluster 1", "theirs"], true, 2),
    ] {
        for name in ["data/member/snap/db.bak", "data/old/other.db"] {
            let dir = tempfile::tempdir().unwrap();
            let put = |name: &str, bytes: &[u8]| {
                let path = dir.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            };
            put("data/member/snap/db", &database(own));
            put(name, &database(other));
            put("data/member/wal/0000000000000000-0000000000000000.wal", &segment(&vec![bytes(3, &bytes(1, b"/read")); 10]));
            let all = records(&run_in(dir.path(), &["scan", "data", "--format", "jsonl"]));
            let role = kind_and_role(&all, name).unwrap().1;
            let summary = of_kind(&all, "summary")[0];
            let readable = &summary["secrets_readable"];
            let deleted = readable["deleted"].as_u64().unwrap();
            let wanted = if is_past { ("leftover", 1, 1) } else { ("file", 2, 0) };
            assert_eq!((role, summary["members"].as_u64().unwrap(), deleted), wanted, "{what}: {readable}");
            assert_eq!(readable["total"], total, "{what}");
        }
    }
}
