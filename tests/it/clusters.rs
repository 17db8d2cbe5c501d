//! An object is its whole key, whatever the prefix; what is no API server's is none; a filter makes no verdict. Every input is made
//! here.

use crate::common;

use std::fs;
use std::path::Path;

use common::pages::{self, Write};
use common::{of_kind, records, run_in, stderr, text};
use serde_json::{Value, json};

const SEALED: &[u8] = b"k8s:enc:aescbc:v1:key1:0123456789abcdef0123456789abcdef0123456789abcdef";

/// A Secret as an API server writes it in JSON.
fn secret(name: &str) -> Vec<u8> {
    let metadata = json!({ "name": name, "namespace": "prod", "uid": "u-1" }).to_string();
    format!(r#"{{"kind":"Secret","apiVersion":"v1","metadata":{metadata},"data":{{"a":"YQ=="}}}}"#).into_bytes()
}

/// A database with these values, one a revision.
fn database(dir: &Path, name: &str, values: &[(&[u8], &[u8])]) {
    let entries: Vec<_> =
        (2..).zip(values).map(|(main, (key, value))| Write { main, key: key.to_vec(), value: value.to_vec() }.entry()).collect();
    fs::write(dir.join(name), pages::database(&[pages::root(3), pages::leaf(3, &entries)])).unwrap();
}

fn conditions(dir: &Path, args: &[&str]) -> Value {
    of_kind(&records(&run_in(dir, &[args, &["--format", "jsonl"]].concat())), "summary")[0]["conditions"].clone()
}

#[test]
fn each_cluster_of_one_etcd_keeps_its_prefix() {
    let (dir, beside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (db, list) = (secret("db"), beside.path().join("rotate.csv"));
    for prefixes in
        [["/registry", "/tenant-a", "/tenant-b"], ["team-a//registry", "team-b/registry", "/x"], ["/registry", "/registry/t", ""]]
    {
        let keys: Vec<String> = prefixes.iter().map(|prefix| format!("{prefix}/secrets/prod/db")).collect();
        let values: Vec<(&[u8], &[u8])> = keys.iter().map(|key| (key.as_bytes(), db.as_slice())).collect();
        database(dir.path(), "a.db", &values);
        let all = records(&run_in(dir.path(), &["scan", "a.db", "--format", "jsonl", "--rotate-list", list.to_str().unwrap(), "--force"]));
        let told: Vec<&str> = of_kind(&all, "value").iter().map(|value| value["prefix"].as_str().unwrap()).collect();
        assert_eq!(told, prefixes);
        let (_, shown) = text(&run_in(dir.path(), &["scan", "a.db"]));
        assert!(shown.contains("\n  3 of the 3 that exist now") && shown.contains("\n prefix "), "{shown}");
        let rotate = fs::read_to_string(&list).unwrap();
        assert!(prefixes.iter().all(|prefix| rotate.contains(&format!("a.db,{prefix},prod,db,"))), "{rotate}");
        // A name that several have is none; a whole key is one.
        for more in [&[][..], &["--reveal"]] {
            let output = run_in(dir.path(), &[&["show", "a.db", "prod/db"][..], more].concat());
            let (code, shown) = text(&output);
            assert!(code == 2 && !shown.contains("YQ=="), "{shown}");
            assert!(keys.iter().all(|key| stderr(&output).contains(&format!("  {key}\n"))), "{}", stderr(&output));
            let (code, shown) = text(&run_in(dir.path(), &[&["show", "a.db", &keys[1]][..], more].concat()));
            assert!(code == 0 && !shown.is_empty() && !shown.contains(&format!("{}\n", keys[0])), "{shown}");
        }
        assert_eq!(conditions(dir.path(), &["show", "a.db", "prod/db"]), json!(["ambiguous-name"]));
    }
}

#[test]
fn a_prefix_can_be_given_with_a_slash_in_front_and_without() {
    let dir = tempfile::tempdir().unwrap();
    database(dir.path(), "a.db", &[(b"team-a//registry/secrets/prod/a", SEALED), (b"/registry/secrets/prod/b", SEALED)]);
    for (given, count) in [("team-a//registry", 1), ("/team-a//registry/", 1), ("registry", 1), ("/registry", 1)] {
        let output = run_in(dir.path(), &["scan", "a.db", "--etcd-prefix", given, "--format", "jsonl"]);
        assert_eq!(of_kind(&records(&output), "value").len(), count, "{given}");
    }
}

#[test]
fn foreign_keys_are_no_secrets_of_a_cluster_and_no_kubernetes_objects() {
    let dir = tempfile::tempdir().unwrap();
    let foreign: [(&[u8], &[u8]); 3] = [
        (b"/myapp/secrets/prod/db", b"password=x"),
        (b"/apisix/secrets/vault/1", br#"{"uri":"https://vault","token":"x"}"#),
        (b"/vault/namespaces/prod", b"\x01\x02"),
    ];
    database(dir.path(), "foreign.db", &foreign);
    database(dir.path(), "both.db", &[&foreign[..], &[(b"/registry/secrets/prod/db", SEALED)]].concat());
    database(dir.path(), "none.db", &[(b"/registry/configmaps/prod/db", br#"{"kind":"ConfigMap","apiVersion":"v1"}"#)]);
    for command in ["scan", "keys"] {
        assert_eq!(conditions(dir.path(), &[command, "foreign.db"]), json!(["no-kubernetes-objects"]), "{command}");
    }
    let (code, shown) = text(&run_in(dir.path(), &["scan", "foreign.db"]));
    assert!(code == 3 && shown.starts_with("NO KUBERNETES OBJECTS IN THIS FILE\n  The 3 keys"), "{shown}");
    assert!(!shown.contains("no plaintext Secret"), "{shown}");
    // Beside a cluster they are keys that are no object's.
    let (code, shown) = text(&run_in(dir.path(), &["scan", "both.db"]));
    assert!(code == 0 && shown.contains("\n  1 Secret exists.\n"), "{shown}");
    // Kubernetes without Secrets was read, and that was asked.
    let (code, shown) = text(&run_in(dir.path(), &["scan", "none.db"]));
    assert!(code == 0 && shown.contains("\n  0 Secrets exist.\n"), "{shown}");
}

#[test]
fn what_exists_and_what_can_be_read_are_counted_over_the_same_keys() {
    let dir = tempfile::tempdir().unwrap();
    let db = secret("db");
    // A key that is no API server's held a Secret, and holds something else now.
    database(dir.path(), "a.db", &[(b"/registry/secrets/prod/x", SEALED), (b"/copy/of/db", &db), (b"/copy/of/db", b"gone")]);
    let (code, shown) = text(&run_in(dir.path(), &["scan", "a.db"]));
    assert!(code == 2 && shown.contains("\n  0 of the 1 that exist now, and 0 deleted; of 1 neither is known"), "{shown}");
}

#[test]
fn a_filter_names_its_scope_and_makes_no_verdict() {
    let dir = tempfile::tempdir().unwrap();
    let db = secret("db");
    let config = br#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"c","namespace":"prod"}}"#;
    database(
        dir.path(),
        "a.db",
        &[(b"/registry/secrets/prod/db", &db), (b"/registry/configmaps/prod/c", config), (b"/registry/secrets/ci/x", SEALED)],
    );
    for (filter, words) in [(["--namespace", "ci"], "namespace ci"), (["--name", "x*"], "name x*"), (["--namespace", "c?"], "namespace c?")]
    {
        let (code, shown) = text(&run_in(dir.path(), &[&["scan", "a.db"][..], &filter].concat()));
        let first = format!("NO PLAINTEXT SECRET FOUND IN THIS FILE, IN SCOPE: {words}\n  1 Secret in scope exists.\n");
        assert!(code == 0 && shown.starts_with(&first), "{shown}");
        let (_, quiet) = text(&run_in(dir.path(), &[&["scan", "-q", "a.db"][..], &filter].concat()));
        assert!(quiet.starts_with(&format!("a.db: no plaintext Secret found in scope ({words}) in: ")), "{quiet}");
    }
    let (code, shown) = text(&run_in(dir.path(), &["scan", "a.db", "--namespace", "prod"]));
    assert!(code == 2 && shown.contains("WITHOUT ANY KEY, IN SCOPE: namespace prod\n  1 of the 1 in scope that exist now"), "{shown}");
    assert!(shown.contains("\na.db: 1 Secret readable without a key: 1 now in scope (namespace prod)"), "{shown}");
    // Where no Secret is in scope, nothing is said of Secrets.
    for filter in
        [&["--resources", "configmaps"][..], &["--resources", "all", "--name", "c"], &["--resources", "configmaps", "--namespace", "p*"]]
    {
        assert_eq!(conditions(dir.path(), &[&["scan", "a.db"], filter].concat()), json!(["no-secret-in-scope"]));
        let (code, quiet) = text(&run_in(dir.path(), &[&["scan", "-q", "a.db"], filter].concat()));
        assert!(code == 3 && quiet.starts_with("a.db: no Secret in scope: "), "{quiet}");
    }
}
