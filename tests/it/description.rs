//! What a database is said to be: figures that people compare with those of etcd's tools, its version, and what its cluster is called.
//! Every input is made here.

use crate::common;

use std::fs;
use std::path::Path;

use common::pages::{self, Entry, Write};
use common::{of_kind, records, run_in, text};
use serde_json::{Value, json};

/// A database with these values, one a revision, and these entries of etcd's own buckets.
fn database(dir: &Path, values: &[(&str, &[u8])], meta: &[(&str, &str)], cluster: &[(&str, &str)]) {
    let entries: Vec<_> =
        (2..).zip(values).map(|(main, (key, value))| Write { main, key: key.as_bytes().to_vec(), value: value.to_vec() }.entry()).collect();
    let small = |entries: &[(&str, &str)]| -> Vec<Entry> {
        entries.iter().map(|(key, value)| Entry::value(key.as_bytes(), value.as_bytes())).collect()
    };
    let root = [Entry::inline_bucket(b"cluster", &small(cluster)), Entry::bucket(b"key", 3), Entry::inline_bucket(b"meta", &small(meta))];
    fs::write(dir.join("a.db"), pages::database(&[pages::leaf(2, &root), pages::leaf(3, &entries)])).unwrap();
}

/// What `check` prints of it, its record, and the record of its end.
fn check(dir: &Path) -> (String, Value, Value) {
    let (_, shown) = text(&run_in(dir, &["check", "a.db"]));
    let all = records(&run_in(dir, &["check", "a.db", "--format", "jsonl"]));
    (shown, of_kind(&all, "evidence")[0].clone(), of_kind(&all, "evidence-end")[0].clone())
}

/// `etcdutl` of 3.6 and later counts keys that exist, the tools before it every entry of every bucket.
#[test]
fn both_counts_of_total_keys_are_told_with_their_versions() {
    let dir = tempfile::tempdir().unwrap();
    database(dir.path(), &[("/a", b"1"), ("/b", b"2"), ("/c", b"3")], &[("storageVersion", "3.6.0")], &[("clusterVersion", "3.6.0")]);
    let (shown, _, end) = check(dir.path());
    assert!(shown.contains("total keys 3 (etcdutl of 3.6 and later) or 5 (etcdctl and etcdutl up to 3.5), total size "), "{shown}");
    let status = &end["snapshot_status"];
    assert_eq!((&status["total_keys"], &status["total_keys_up_to_3_5"], &status["revision"]), (&json!(3), &json!(5), &json!(4)));
    assert_eq!(status["total_size"], json!(4096));
    // It is told where it is asked for, and of a whole file alone.
    let all = records(&run_in(dir.path(), &["scan", "a.db", "--format", "jsonl"]));
    assert_eq!(of_kind(&all, "evidence-end")[0]["snapshot_status"], Value::Null);
}

/// A database without a storage version is of 3.5 at most, whatever version the cluster had.
#[test]
fn the_version_is_that_of_the_storage_and_not_only_of_the_cluster() {
    let dir = tempfile::tempdir().unwrap();
    for (storage, cluster, said) in [
        (Some("3.7.0"), "3.7.0", "Cluster  etcd 3.7, "),
        (None, "3.7.0", "Cluster  storage of etcd 3.5, cluster version 3.7, "),
        (None, "3.5.0", "Cluster  etcd 3.5, "),
        (None, "3.4.0", "Cluster  etcd 3.4, "),
        (Some("3.6.0"), "3.7.0", "Cluster  storage of etcd 3.6, cluster version 3.7, "),
    ] {
        let meta: Vec<_> = storage.map(|version| ("storageVersion", version)).into_iter().collect();
        database(dir.path(), &[("/a", b"1")], &meta, &[("clusterVersion", cluster)]);
        let (shown, evidence, _) = check(dir.path());
        assert!(shown.contains(said), "{said}: {shown}");
        assert_eq!((&evidence["storage_version"], &evidence["cluster_version"]), (&json!(storage), &json!(cluster)));
    }
}

#[test]
fn a_downgrade_in_progress_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let with = |downgrade: &str| {
        database(dir.path(), &[("/a", b"1")], &[("storageVersion", "3.7.0")], &[("clusterVersion", "3.7.0"), ("downgrade", downgrade)]);
        check(dir.path())
    };
    let (shown, evidence, _) = with(r#"{"target-version":"3.6.0","enabled":true}"#);
    assert!(shown.contains("etcd 3.7, A DOWNGRADE TO 3.6.0 IS IN PROGRESS, "), "{shown}");
    assert_eq!(evidence["downgrade_target"], json!("3.6.0"));
    let (shown, evidence, _) = with(r#"{"target-version":"","enabled":false}"#);
    assert!(!shown.contains("DOWNGRADE") && evidence["downgrade_target"].is_null(), "{shown}");
    let (shown, ..) = with("{");
    assert!(shown.contains("bucket \"cluster\": an entry of 1 bytes cannot be read"), "{shown}");
}

/// What a cluster calls itself is an attacker's text as any other: it is escaped.
#[test]
fn a_kubeadm_cluster_is_named_with_its_endpoint_and_nodes() {
    let dir = tempfile::tempdir().unwrap();
    let config = |yaml: &str| json!({"kind": "ConfigMap", "apiVersion": "v1", "data": {"ClusterConfiguration": yaml}}).to_string();
    let names = config("apiServer: {}\nclusterName: prod\u{1b}[2J\ncontrolPlaneEndpoint: api.example:6443\n");
    let node = b"k8s\0node";
    database(
        dir.path(),
        &[
            ("/registry/configmaps/kube-system/kubeadm-config", names.as_bytes()),
            ("/registry/minions/cp-1", node),
            ("/registry/minions/w-1", b"k8s:enc:aescbc:v1:key1:\x01123456789abcdef0123456789abcdef"),
            ("/other/minions/no-node", b"text"),
        ],
        &[],
        &[],
    );
    let (shown, evidence, _) = check(dir.path());
    assert!(shown.contains("\n         kubeadm cluster prod\\u{1b}[2J, endpoint api.example:6443, 2 nodes: cp-1, w-1\n"), "{shown}");
    assert_eq!(evidence["cluster_name"], json!("prod\u{1b}[2J"));
    assert_eq!(evidence["control_plane_endpoint"], json!("api.example:6443"));
    assert_eq!((&evidence["nodes"], &evidence["node_names"]), (&json!(2), &json!(["cp-1", "w-1"])));
    let (_, scanned) = text(&run_in(dir.path(), &["scan", "a.db"]));
    assert!(scanned.contains("kubeadm cluster prod"), "{scanned}");
}

/// Whoever looked at all objects sees which are in clear, as who did not sees which there are.
#[test]
fn objects_that_were_looked_at_are_listed_by_resource() {
    let dir = tempfile::tempdir().unwrap();
    let object = br#"{"kind":"Token","apiVersion":"example.org/v1","metadata":{"name":"a","namespace":"prod"}}"#;
    let sealed = b"k8s:enc:aescbc:v1:key1:\x01123456789abcdef0123456789abcdef0123456789abcdef";
    let tokens = ["/registry/example.org/tokens/prod/a", "/registry/example.org/tokens/prod/b"];
    database(dir.path(), &[("/registry/secrets/prod/x", sealed), (tokens[0], object), (tokens[1], object)], &[], &[]);
    for (resources, title) in [("secrets", "Other objects, not looked at (--resources all)"), ("all", "Objects looked at")] {
        let (_, shown) = text(&run_in(dir.path(), &["scan", "a.db", "--resources", resources]));
        let table: Vec<&str> = shown.lines().skip_while(|line| *line != title).skip(2).take_while(|line| !line.is_empty()).collect();
        let row: Vec<&str> = table.iter().find(|row| row.contains("tokens")).unwrap().split_whitespace().collect();
        assert_eq!(row, ["tokens.example.org", "2", "2", "0"], "{shown}");
    }
}
