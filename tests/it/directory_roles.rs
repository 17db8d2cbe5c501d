//! What a file of a data directory is, is told by its bytes; its name says only which role it may have. A database beside the member's
//! own one is held to it only where it is proven to be a past of it.

use crate::common;

use std::fs;
use std::path::Path;

use common::pages::{self, Write};
use common::raft::{bytes, raft_snapshot, segment, segment_of};
use etcd_sleuth::etcd::pb::mvccpb::KeyValue;
use etcd_sleuth::mvcc::{Revision, RevisionKey};
use prost::Message;

use common::{Fixture, of_kind, records, run_in, sleuth, stderr, text, unpack_directory};
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

/// Writes from revision 2 on, by a database that has applied all entries up to an index: a cluster, a Secret, or the deletion of one.
fn database(applied: u64, writes: &[&str]) -> Vec<u8> {
    let secret = |name: &str| {
        format!(r#"{{"kind":"Secret","apiVersion":"v1","metadata":{{"name":"{name}","namespace":"p","uid":"u"}},"data":{{"a":"YQ=="}}}}"#)
    };
    let namespace = |uid: &str| format!(r#"{{"kind":"Namespace","apiVersion":"v1","metadata":{{"name":"kube-system","uid":"{uid}"}}}}"#);
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
    pages::database(&[pages::root_at(3, applied), pages::leaf(3, &entries)])
}

fn put(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A member's directory with a database that has applied all ten entries of its log, and one more file.
fn directory(own: &[u8], name: &str, other: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "data/member/snap/db", own);
    put(dir.path(), "data/member/wal/0000000000000000-0000000000000000.wal", &segment(&vec![bytes(3, &bytes(1, b"/read")); 10]));
    put(dir.path(), name, other);
    dir
}

/// Of a database in a member's directory that is not proven to be a past of the member's own one nothing is said to be deleted: it may be
/// of another cluster, or newer.
#[test]
fn what_only_a_strange_database_has_is_not_called_deleted() {
    for (what, own, other, is_past, total) in [
        ("another cluster", &["cluster 1", "mine"][..], &["cluster 2", "theirs"][..], false, 2),
        ("no cluster that is known", &["mine"], &["theirs"], false, 2),
        ("newer", &["cluster 1", "mine"], &["cluster 1", "mine", "theirs"], false, 3),
        ("a past", &["cluster 1", "theirs", "no theirs", "mine"], &["cluster 1", "theirs"], true, 2),
    ] {
        for name in ["data/member/snap/db.bak", "data/old/other.db"] {
            let dir = directory(&database(10, own), name, &database(10, other));
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

fn tar(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o600);
    tar.append_data(&mut header, name, bytes).unwrap();
    tar.into_inner().unwrap()
}

/// What is newer than the member's database is no past of it, whatever it is called and wherever it stands: every command says that it
/// is there now, and nobody says that it may go.
#[test]
fn a_newer_database_is_no_past_by_any_name() {
    let own = database(10, &["cluster 1", "mine"]);
    let newer = database(10, &["cluster 1", "mine", "theirs"]);
    // An entry that writes nothing leaves the revision as it is.
    let later = database(11, &["cluster 1", "mine"]);
    let packed = tar("member/snap/db", &newer);
    let rotate = |dir: &Path| {
        sleuth().current_dir(dir).args(["scan", "data", "--rotate-list", "rotate.csv"]).output().unwrap();
        fs::read_to_string(dir.join("rotate.csv")).unwrap()
    };
    for (name, other, total) in [
        ("data/member/snap/0000000000000014.snap.db", &newer, 3),
        ("data/member/snap/db.tmp.1", &newer, 3),
        ("data/member/snap/0000000000000014.snap.db", &later, 2),
        ("data/member/snap/db.bak", &newer, 3),
        ("data/backup.tar", &packed, 3),
    ] {
        let dir = directory(&own, name, other);
        let all = records(&run_in(dir.path(), &["scan", "data", "--format", "jsonl"]));
        let summary = of_kind(&all, "summary")[0];
        let readable = &summary["secrets_readable"];
        assert_eq!((&summary["members"], &readable["total"], &readable["existing"]), (&2.into(), &total.into(), &total.into()), "{name}");
        let (_, quiet) = text(&run_in(dir.path(), &["scan", "-q", "data"]));
        assert!(quiet.contains(&format!("{total} now")) && !quiet.contains("history"), "{name}: {quiet}");
        let rules: Vec<&Value> = of_kind(&all, "finding").iter().map(|finding| &finding["rule"]).collect();
        assert_eq!(rules.iter().filter(|rule| **rule == "plaintext-current").count(), 2, "{name}: {rules:?}");
        let listed = rotate(dir.path());
        assert!(!listed.contains("deleted") && !listed.contains("history"), "{name}: {listed}");
        let key = format!(r#"{{"name":"k","secret":"{}="}}"#, "A".repeat(43));
        let provider = format!(r#"{{"resources":["secrets"],"providers":[{{"aescbc":{{"keys":[{key}]}}}}]}}"#);
        let config = format!(r#"{{"apiVersion":"apiserver.config.k8s.io/v1","kind":"EncryptionConfiguration","resources":[{provider}]}}"#);
        fs::write(dir.path().join("enc.yaml"), config).unwrap();
        let (code, verified) = text(&run_in(dir.path(), &["verify", "data", "--encryption-config", "enc.yaml", "--no-progress"]));
        assert!(code == 2 && verified.contains(&format!("{total} current values are not")), "{name}: {verified}");
        assert!(!verified.contains("removed") && !verified.contains("LEFT BEHIND"), "{name}: {verified}");
        let output = run_in(dir.path(), &["recover", "data", "-o", "-"]);
        let (code, recovered) = (output.status.code().unwrap(), stderr(&output));
        let told = recovered.lines().any(|line| line.starts_with("NOT LOOKED AT: ") && line.contains(name));
        assert!(code == 3 && told, "{name}: {recovered}");
    }
}

/// What a past of the member holds is older than what the member has, or was deleted since: in the rows, the findings and the text alike.
#[test]
fn nothing_in_a_past_of_the_member_is_current() {
    let own = database(10, &["cluster 1", "old", "kept", "no old", "new"]);
    for name in ["data/member/snap/0000000000000004.snap.db", "data/member/snap/db.tmp.1", "data/member/snap/db.bak"] {
        let dir = directory(&own, name, &database(7, &["cluster 1", "old", "kept"]));
        let all = records(&run_in(dir.path(), &["scan", "data", "--format", "jsonl"]));
        let (_, role) = kind_and_role(&all, name).unwrap();
        let id = &of_kind(&all, "evidence").into_iter().find(|one| one["role"] == "leftover").unwrap()["evidence"];
        let of = |kind: &str| of_kind(&all, kind).into_iter().filter(|one| &one["evidence"] == id).collect::<Vec<_>>();
        let retentions: Vec<(&str, &str)> =
            of("value").iter().map(|value| (value["name"].as_str().unwrap(), value["retention"].as_str().unwrap())).collect();
        assert_eq!((role, retentions), ("leftover", vec![("old", "deleted"), ("kept", "superseded")]), "{name}");
        let rules: Vec<&str> = of("finding").iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
        let of_the_tree = ["plaintext-current", "plaintext-superseded", "plaintext-deleted"];
        assert!(rules.contains(&"plaintext-left-behind") && !rules.iter().any(|rule| of_the_tree.contains(rule)), "{name}: {rules:?}");
        let (_, shown) = text(&run_in(dir.path(), &["show", "data", "p/old"]));
        assert!(!shown.contains("current"), "{name}: {shown}");
    }
}

/// A put that stands only in a segment with another log's IDs was never the member's: nothing says that it was deleted.
#[test]
fn what_only_a_strange_segment_has_is_not_called_deleted() {
    let value = br#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x","namespace":"p","uid":"u"}}"#;
    let request = bytes(4, &[bytes(1, b"/registry/secrets/p/x"), bytes(2, value)].concat());
    for (ids, wanted) in [((7, 8), ("deleted", 1)), ((7, 9), ("not-known", 0)), ((6, 8), ("not-known", 0))] {
        let strange = segment_of(ids, 1, std::slice::from_ref(&request), 1);
        let dir = directory(&database(10, &["cluster 1"]), "data/member/wal/1.tmp", &strange);
        let scan = ["scan", "data", "--format", "jsonl", "--rotate-list", "rotate.csv"];
        let all = records(&sleuth().current_dir(dir.path()).args(scan).output().unwrap());
        let listed = fs::read_to_string(dir.path().join("rotate.csv")).unwrap();
        let deleted = of_kind(&all, "summary")[0]["secrets_readable"]["deleted"].as_u64().unwrap();
        assert!(listed.lines().nth(1).unwrap().ends_with(wanted.0), "{ids:?}: {listed}");
        assert_eq!(deleted, wanted.1, "{ids:?}");
    }
}

/// What removes a Secret from the tree does not remove it from a file that was left behind.
#[test]
fn a_file_that_was_left_behind_has_a_remedy_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let snap = dir.path().join("data/member/snap");
    fs::create_dir_all(&snap).unwrap();
    let write = |main, value: &str| Write { main, key: b"/registry/secrets/p/a".to_vec(), value: value.into() };
    let plain = r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a","namespace":"p","uid":"u"}}"#;
    let sealed = "k8s:enc:aescbc:v1:old:\x01123456789abcdef0123456789abcdef";
    fs::write(snap.join("db"), pages::database_of(&[write(3, sealed)])).unwrap();
    fs::write(snap.join("db.tmp.1"), pages::database_of(&[write(2, plain)])).unwrap();
    let all = records(&run_in(dir.path(), &["scan", "data", "--format", "jsonl"]));
    let rules: Vec<_> = of_kind(&all, "finding").iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
    let of_plaintext: Vec<_> = rules.into_iter().filter(|rule| rule.starts_with("plaintext-")).collect();
    assert_eq!(of_plaintext, ["plaintext-left-behind"]);
    let (code, shown) = text(&run_in(dir.path(), &["scan", "data"]));
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(code == 2 && shown.contains("have the file removed from the member") && !shown.contains("efragment every member"), "{shown}");
}

/// A database in the directory that contradicts the one that is recovered is named: which of the two is right is not known. One that agrees
/// with it is a past that nobody needs.
#[test]
fn a_database_that_contradicts_the_recovered_one_is_named() {
    let own = database(10, &["cluster 1", "mine", "new"]);
    for (name, writes, contradicts) in [
        ("data/member/snap/db.bak", &["cluster 1", "theirs"][..], true),
        ("data/member/snap/db.tmp.1", &["cluster 1", "theirs"], true),
        ("data/member/snap/a\nb", &["cluster 1", "theirs", "new"], true),
        ("data/member/snap/db.bak", &["cluster 1", "mine"], false),
    ] {
        let dir = directory(&own, name, &database(7, writes));
        let checked = run_in(dir.path(), &["check", "data"]).status.code();
        let output = run_in(dir.path(), &["recover", "data", "-o", "-"]);
        let shown = stderr(&output);
        let line = shown.lines().find(|line| line.starts_with("NOT LOOKED AT: ") && line.contains("contradicts the database"));
        let wanted = if contradicts { (Some(2), Some(3)) } else { (Some(0), Some(0)) };
        assert_eq!((checked, output.status.code()), wanted, "{name}: {shown}");
        assert_eq!(line.is_some(), contradicts, "{name}: {shown}");
        let shown_name = name.rsplit('/').next().unwrap().replace('\n', "\\u{a}");
        assert!(line.is_none_or(|line| line.contains(&shown_name)), "{shown_name}: {shown}");
    }
}
