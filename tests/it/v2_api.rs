//! Keys of the v2 API: in raft snapshots, in their last changes, and in the log.

use crate::common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::pages::{self, Write};
use common::raft::{bytes, number, raft_snapshot, segment};
use common::{Fixture, of_kind, records, run_in, text};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const SNAP: &str = "0000000000000002-000000000000000a.snap";
const SEGMENT: &str = "0000000000000000-0000000000000000.wal";

fn secret(name: &str) -> String {
    json!({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": name, "namespace": "old"}, "data": {"k<>": "bWFya2Vy"}, "type": "Opaque"})
        .to_string()
}

/// A store in which `kept` exist under `/registry/secrets/old`, and of which `gone` was deleted; other software has a key too.
fn store(kept: &[&str], gone: &str) -> String {
    let leaf = |path: String, value: &str| json!({"Path": path, "Value": value, "Children": null});
    let secrets: serde_json::Map<String, Value> =
        kept.iter().map(|name| ((*name).to_owned(), leaf(format!("/1/registry/secrets/old/{name}"), &secret(name)))).collect();
    let tree = json!({"Root": {"Path": "/", "Value": "", "Children": {
        "0": {"Path": "/0", "Value": "", "Children": {"version": leaf("/0/version".to_owned(), "3.4.0")}},
        "1": {"Path": "/1", "Value": "", "Children": {
            "other": leaf("/1/other".to_owned(), "{\"a\":1}"),
            "registry": {"Path": "/1/registry", "Children": {"secrets": {"Path": "/1/registry/secrets", "Children": {
                "old": {"Path": "/1/registry/secrets/old", "Children": secrets}}}}}}}}},
        "WatcherHub": {"EventHistory": {"Queue": {"Events": [
            {"action": "set", "node": {"key": format!("/1/registry/secrets/old/{}", kept[0]), "value": secret(kept[0])}},
            {"action": "delete", "node": {"key": format!("/1/registry/secrets/old/{gone}")},
             "prevNode": {"key": format!("/1/registry/secrets/old/{gone}"), "value": secret(gone)}},
            null]}}}, "CurrentVersion": 2});
    // As Go writes it.
    tree.to_string().replace('<', "\\u003c").replace('>', "\\u003e")
}

fn scanned(dir: &Path, path: &str) -> (Option<i32>, Vec<Value>) {
    let output = run_in(dir, &["scan", path, "--format", "jsonl"]);
    (output.status.code(), records(&output))
}

/// The Secrets among the values: key, whose key, place, whether it is a copy.
fn secrets(all: &[Value]) -> Vec<(String, u64, String, bool)> {
    let of = |v: &&Value| {
        (
            v["key"].as_str().unwrap().to_owned(),
            v["api"].as_u64().unwrap(),
            v["place"].as_str().unwrap().to_owned(),
            v["duplicate"] == json!(true),
        )
    };
    let mut told: Vec<_> = of_kind(all, "value").iter().filter(|v| v["group_resource"] == "secrets").map(of).collect();
    told.sort();
    told
}

/// What a raft snapshot holds of the v2 API is read, what was deleted among it, at the place where it stands in the file.
#[test]
fn secrets_in_a_raft_snapshot_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let file = raft_snapshot(&store(&["a", "b\""], "gone"), 10);
    fs::write(dir.path().join(SNAP), &file).unwrap();
    let (code, all) = scanned(dir.path(), SNAP);
    let told = |name: &str, is_copy| (format!("/registry/secrets/old/{name}"), 2, "raft-snapshot".to_owned(), is_copy);
    assert_eq!((code, secrets(&all)), (Some(2), vec![told("a", false), told("a", true), told("b\"", false), told("gone", false)]));
    for value in of_kind(&all, "value") {
        let range =
            value["offset"].as_u64().unwrap() as usize..(value["offset"].as_u64().unwrap() + value["length"].as_u64().unwrap()) as usize;
        let escaped = std::str::from_utf8(&file[range]).unwrap();
        let plain: String = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
        assert!(plain.contains(value["name"].as_str().unwrap()) || plain.contains("b\\\""), "{plain}");
        assert_eq!((&value["mod_revision"], &value["retention"]), (&Value::Null, &json!("log")));
    }
    let shown = text(&run_in(dir.path(), &["scan", SNAP])).1;
    assert!(shown.starts_with("3 SECRETS CAN BE READ") && !shown.contains("bWFya2Vy") && !shown.contains("free pages"), "{shown}");
}

/// What stands in a raft snapshot and is no value of a key is told where it begins like one.
#[test]
fn secrets_elsewhere_in_a_raft_snapshot_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let sound: Value = serde_json::from_str(&store(&["a"], "gone")).unwrap();
    fs::write(dir.path().join(SNAP), raft_snapshot(&sound.to_string(), 10)).unwrap();
    assert_eq!(of_kind(&scanned(dir.path(), SNAP).1, "unread"), [] as [&Value; 0]);
    for (place, value) in [
        ("/Extra", json!(secret("x"))),
        ("/Root/Children/1/Children/registry/Value", json!(secret("x"))),
        ("/Root/Children/0/Children/version/Value", json!(secret("x"))),
        ("/WatcherHub/EventHistory/Queue/Events/0/node/nodes", json!([{"key": "/1/registry/secrets/old/x", "value": secret("x")}])),
    ] {
        let mut more = sound.clone();
        let (parent, field) = place.rsplit_once('/').unwrap();
        more.pointer_mut(parent).unwrap()[field] = value;
        fs::write(dir.path().join(SNAP), raft_snapshot(&more.to_string(), 10)).unwrap();
        let all = scanned(dir.path(), SNAP).1;
        let unread = of_kind(&all, "unread");
        assert_eq!((unread.len(), &unread[0]["reason"], &unread[0]["count"]), (1, &json!("escaped"), &json!(1)), "{place}");
    }
}

/// A store that cannot be read is said to be damaged; nothing is said not to be in it.
#[test]
fn a_store_that_cannot_be_read_is_no_all_clear() {
    let dir = tempfile::tempdir().unwrap();
    for broken in ["{\"Root\":", "", &"{\"Root\":{\"Children\":{\"1\":".repeat(300)] {
        fs::write(dir.path().join(SNAP), raft_snapshot(broken, 10)).unwrap();
        let (code, text) = text(&run_in(dir.path(), &["scan", SNAP]));
        assert_eq!(code, 3, "{text}");
        assert!(text.starts_with("NO PLAINTEXT SECRET FOUND IN WHAT COULD BE READ OF THIS FILE"), "{text}");
    }
}

/// Requests of the v2 API in the log are read, both as etcd 3.4 writes them and within another request, with what they compare with.
#[test]
fn secrets_in_requests_of_the_v2_api_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let request = |method: &str, path: &str, value: &str, more: Vec<u8>| {
        [number(1, 9), bytes(2, method.as_bytes()), bytes(3, path.as_bytes()), bytes(4, value.as_bytes()), more].concat()
    };
    let requests = [
        request("PUT", "/0/version", "3.4.0", vec![]),
        request("PUT", "/1/registry/secrets/old/put", &secret("put"), vec![]),
        bytes(2, &request("PUT", "/1/registry/secrets/old/inner", &secret("inner"), vec![])),
        request("PUT", "/1/registry/secrets/old/swap", &secret("swap"), bytes(6, secret("swap").replace("bWFya2Vy", "b2xk").as_bytes())),
        request("DELETE", "/1/registry/secrets/old/deleted", "", bytes(6, secret("deleted").as_bytes())),
        request("PUT", "/1/registry/secrets/old/put", "", number(17, 1)),
        // Beside a put of the v3 API in one request.
        [
            bytes(2, &request("PUT", "/1/registry/secrets/old/beside", &secret("beside"), vec![])),
            bytes(
                4,
                &[bytes(1, b"/registry/secrets/old/v3"), bytes(2, b"k8s:enc:aescbc:v1:a:\x01123456789abcdef0123456789abcdef")].concat(),
            ),
        ]
        .concat(),
    ];
    fs::write(dir.path().join(SEGMENT), segment(&requests)).unwrap();
    let (code, all) = scanned(dir.path(), SEGMENT);
    let told = |name: &str| (format!("/registry/secrets/old/{name}"), 2, "wal".to_owned(), false);
    let mut wanted = ["beside", "deleted", "inner", "put", "swap", "swap"].map(told).to_vec();
    wanted.push(("/registry/secrets/old/v3".to_owned(), 3, "wal".to_owned(), false));
    assert_eq!((code, secrets(&all)), (Some(2), wanted));
    assert!(of_kind(&all, "value").iter().all(|value| value["applied"] == Value::Null));
}

/// A database beside it does not say that a Secret of the v2 API was deleted, nor that it is written last.
#[test]
fn a_database_says_nothing_of_keys_of_the_v2_api() {
    let dir = tempfile::tempdir().unwrap();
    let snap = dir.path().join("data/member/snap");
    fs::create_dir_all(&snap).unwrap();
    fs::write(snap.join("db"), Fixture::named("fresh").bytes).unwrap();
    fs::write(snap.join(SNAP), raft_snapshot(&store(&["a"], "gone"), 1)).unwrap();
    let shown = text(&run_in(dir.path(), &["scan", "data"])).1;
    assert!(shown.contains("2 SECRETS CAN BE READ") && shown.contains("of 2 neither is known"), "{shown}");
    assert!(!shown.contains("not in the database yet") && shown.contains("and 0 deleted"), "{shown}");
}

/// A key that the v2 API names itself, as `POST` has it, is a key all the same: a Secret in clear behind it leaves `verify` open.
#[test]
fn a_secret_whose_name_etcd_chooses_is_no_proof_of_completeness() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("nobody.yaml"), common::NOBODY).unwrap();
    let folder = dir.path().join("data/member");
    fs::create_dir_all(folder.join("snap")).unwrap();
    fs::create_dir_all(folder.join("wal")).unwrap();
    let database = pages::database_of(&[Write { main: 2, key: b"/registry/namespaces/a".to_vec(), value: b"{}".to_vec() }]);
    fs::write(folder.join("snap/db"), database).unwrap();
    let post = [number(1, 9), bytes(2, b"POST"), bytes(3, b"/1/registry/secrets/old"), bytes(4, secret("a").as_bytes())].concat();
    fs::write(folder.join("wal").join(SEGMENT), segment(&[post])).unwrap();
    let (code, shown) = text(&run_in(dir.path(), &["verify", "data", "--encryption-config", "nobody.yaml", "--require-key", "aescbc/a"]));
    assert!(code == 3 && shown.contains("Re-encryption NOT KNOWN: of 1 it is not known"), "{shown}");
}

/// What the v2 API wrote may be what its key has now: no verdict calls it past, in a log, in a raft snapshot, beside a database or without.
#[test]
fn what_the_v2_api_wrote_may_be_current_in_every_verdict() {
    let dir = tempfile::tempdir().unwrap();
    let (snap, wal) = (dir.path().join("data/member/snap"), dir.path().join("log/member/wal"));
    fs::create_dir_all(&snap).unwrap();
    fs::create_dir_all(&wal).unwrap();
    let sealed = "k8s:enc:aescbc:v1:old:\x01123456789abcdef0123456789abcdef";
    let database =
        pages::database_of(&[Write { main: 2, key: b"/registry/secrets/p/a".to_vec(), value: sealed.replace("old", "new").into() }]);
    fs::write(snap.join("db"), database).unwrap();
    let put = |name: &str, value: &str| {
        [number(1, 9), bytes(2, b"PUT"), bytes(3, format!("/1/registry/secrets/old/{name}").as_bytes()), bytes(4, value.as_bytes())]
            .concat()
    };
    fs::write(snap.join(SNAP), raft_snapshot(&store(&["a"], "gone"), 1)).unwrap();
    fs::write(wal.join(SEGMENT), segment(&[put("a", &secret("a")), put("b", sealed)])).unwrap();
    fs::write(dir.path().join("nobody.yaml"), common::NOBODY).unwrap();
    let log = format!("log/member/wal/{SEGMENT}");
    let files = ["data".to_owned(), format!("data/member/snap/{SNAP}"), log.clone()];
    for input in &files {
        let code = |args: &[&str]| run_in(dir.path(), args).status.code();
        assert_eq!(["current", "retained"].map(|fail_on| code(&["scan", input, "--fail-on", fail_on])), [Some(3); 2], "{input}");
        let (_, shown) = text(&run_in(dir.path(), &["verify", input, "--encryption-config", "nobody.yaml", "--require-key", "aescbc/new"]));
        assert!(shown.contains("Re-encryption NOT KNOWN") && shown.contains("v2 API"), "{input}: {shown}");
        let all = records(&run_in(
            dir.path(),
            &["verify", input, "--encryption-config", "nobody.yaml", "--require-key", "aescbc/new", "--format", "jsonl"],
        ));
        let summary = of_kind(&all, "summary")[0];
        assert!(summary["conditions"].as_array().unwrap().contains(&json!("current-not-known")), "{summary}");
    }
    let all = records(&run_in(dir.path(), &["keys", "data/member/snap/db", &log, "--retire", "aescbc/old", "--format", "jsonl"]));
    let retire = &of_kind(&all, "summary")[0]["retire"];
    assert_eq!((&retire["verdict"], &retire["log"]), (&json!("cannot-say"), &json!(1)));
    assert!(retire["doubts"][0].as_str().unwrap().contains("may be current"), "{retire}");
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What clients wrote through the v2 API of a real etcd 3.4 is read, every value and nothing else, where it stands.
#[test]
fn what_etcd_34_wrote_through_the_v2_api_is_read() {
    let dir = tempfile::tempdir().unwrap();
    common::unpack_directory("etcd34", dir.path());
    let (code, all) = scanned(dir.path(), "etcd34");
    assert_eq!((code, of_kind(&all, "anomaly").len()), (Some(2), 0));
    let files: Vec<Vec<u8>> =
        of_kind(&all, "evidence").iter().map(|evidence| fs::read(dir.path().join(evidence["path"].as_str().unwrap())).unwrap()).collect();
    let mut told = BTreeSet::new();
    for value in of_kind(&all, "value").into_iter().filter(|value| value["api"] == 2) {
        let at = |name: &str| usize::try_from(value[name].as_u64().unwrap()).unwrap();
        let bytes = &files[at("evidence")][at("offset")..at("offset") + at("length")];
        // A raft snapshot holds it as a string of JSON, the log as it is.
        let plain = match value["place"].as_str().unwrap() {
            "raft-snapshot" => serde_json::from_str::<String>(&format!("\"{}\"", std::str::from_utf8(bytes).unwrap())).unwrap(),
            _ => String::from_utf8(bytes.to_vec()).unwrap(),
        };
        told.insert((value["key"].as_str().unwrap().to_owned(), hex(&Sha256::digest(plain))));
    }
    let truth = common::truth_of("etcd34");
    let text = |write: &Value, name: &str| write[name].as_str().unwrap().to_owned();
    let puts = truth["v2"].as_array().unwrap().iter().filter(|write| write["delete"] != true);
    let written: BTreeSet<_> = puts.map(|write| (text(write, "key"), text(write, "sha256"))).collect();
    assert_eq!((written.len(), told), (70, written));
}

/// A key has one current value, however many writes of it a log and raft snapshots hold: by the key it is counted.
#[test]
fn a_key_of_the_v2_api_is_counted_once_however_often_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    common::unpack_directory("etcd34", dir.path());
    fs::write(dir.path().join("nobody.yaml"), common::NOBODY).unwrap();
    let truth = common::truth_of("etcd34");
    let writes = || truth["v2"].as_array().unwrap().iter().filter(|write| write["delete"] != true);
    let keys: BTreeSet<&str> = writes().map(|write| write["key"].as_str().unwrap()).collect();
    assert!(writes().count() > keys.len());
    let verify = |more: &[&str]| {
        let options = ["verify", "etcd34", "--encryption-config", "nobody.yaml", "--require-key", "aescbc/new"];
        run_in(dir.path(), &[&options[..], more].concat())
    };
    let all = records(&verify(&["--format", "jsonl"]));
    let proof = &of_kind(&all, "summary")[0]["verify"];
    assert_eq!(proof["not_known_under_required"], json!(keys.len()));
    let not_applied = proof["left"].as_array().unwrap().iter().filter(|left| left["why"] == "not-applied");
    assert_eq!(not_applied.map(|left| left["count"].as_u64().unwrap()).sum::<u64>(), keys.len() as u64);
    // What the headline counts and what the requirement counts are not the same values, and neither calls them so.
    let (_, shown) = text(&verify(&[]));
    let is_current = |value: &&&Value| value["retention"] == "current" && value["group_resource"] == "secrets";
    let counts = |form: &str| of_kind(&all, "value").iter().filter(is_current).filter(|value| value["protection"] == form).count();
    let (encrypted, plaintext) = (counts("encrypted"), counts("plaintext"));
    assert!(plaintext > 0);
    assert!(shown.starts_with(&format!("0 of {encrypted} encrypted current values open")), "{shown}");
    assert!(shown.contains(&format!(": {} current values are not under aescbc/new, of {}", encrypted + plaintext, keys.len())), "{shown}");
}

/// Nothing tells that what the v2 API wrote is older than what the database has under the same name, nor is what it encrypted in clear.
#[test]
fn what_the_v2_api_wrote_is_not_called_older_nor_what_is_encrypted_in_clear() {
    let dir = tempfile::tempdir().unwrap();
    let snap = dir.path().join("data/member/snap");
    fs::create_dir_all(&snap).unwrap();
    let sealed = "k8s:enc:aescbc:v1:old:\x01123456789abcdef0123456789abcdef";
    let database = pages::database_of(&[Write { main: 2, key: b"/registry/secrets/old/a".to_vec(), value: sealed.into() }]);
    fs::write(snap.join("db"), database).unwrap();
    fs::write(snap.join(SNAP), raft_snapshot(&store(&["a"], "gone"), 1)).unwrap();
    let shown = text(&run_in(dir.path(), &["scan", "data"])).1;
    assert!(shown.contains("by the v2 API (may be current)") && !shown.contains("older plaintext"), "{shown}");
    let clear = |snapshot: &str| {
        fs::write(dir.path().join(SNAP), raft_snapshot(snapshot, 1)).unwrap();
        let all = scanned(dir.path(), SNAP).1;
        of_kind(&all, "finding").iter().find(|finding| finding["rule"] == "v2-values").map(|finding| finding["count"].as_u64().unwrap())
    };
    let all = clear(&store(&["a", "b"], "gone")).unwrap();
    let of_b = serde_json::to_string(&secret("b")).unwrap().replace('<', "\\u003c").replace('>', "\\u003e");
    let one_sealed = store(&["a", "b"], "gone").replace(&of_b, &serde_json::to_string(sealed).unwrap());
    assert_eq!(clear(&one_sealed), Some(all - 1));
}
