//! An object is its whole key, whatever the prefix; what is no API server's is none; a filter makes no verdict. Every input is made
//! here.

use crate::common;

use std::fs;
use std::path::Path;

use common::pages::{self, Write};
use common::sealed::aes_gcm;
use common::{Fixture, of_kind, records, run_in, stderr, text};
use etcd_sleuth::case::{Case, Holders, Plan, Question, Silent, VerifyQuestion};
use etcd_sleuth::kms::{EncryptionConfig, EncryptionContexts};
use serde_json::{Value, json};

const SEALED: &[u8] = b"k8s:enc:aescbc:v1:key1:\x01123456789abcdef0123456789abcdef0123456789abcdef";

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

/// The namespace whose UID names a cluster.
fn kube_system(uid: &str) -> Vec<u8> {
    let metadata = json!({ "name": "kube-system", "uid": uid }).to_string();
    format!(r#"{{"kind":"Namespace","apiVersion":"v1","metadata":{metadata}}}"#).into_bytes()
}

const CONFIG: &str = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: [{resources: [secrets], providers: [{aesgcm: {keys: \
                      [{name: key1, secret: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=}]}}]}]\n";

/// A Secret sealed for a storage key with the key of `CONFIG`.
fn sealed(storage_key: &str) -> Vec<u8> {
    let plain = secret(storage_key.rsplit('/').next().unwrap());
    aes_gcm([0; 32], "key1", (storage_key.to_owned(), plain)).1
}

/// What became of each value, and for which key it was sealed.
fn outcomes(dir: &Path, file: &str) -> Vec<(String, String, Value)> {
    fs::write(dir.join("enc.yaml"), CONFIG).unwrap();
    let all = records(&run_in(dir, &["verify", file, "--encryption-config", "enc.yaml", "--format", "jsonl"]));
    let of = |value: &&Value| {
        let text = |field: &str| value[field].as_str().unwrap().to_owned();
        (text("key"), text("outcome"), value["sealed_for"].clone())
    };
    of_kind(&all, "value").iter().filter(|value| value["provider"] == "aesgcm").map(of).collect()
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
        assert!(shown.contains("\n  3 of the 3 that exist") && shown.contains("\n prefix "), "{shown}");
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

/// What stands below other prefixes is foreign to a prefix that is named, also below one that continues it: no row, count, key or list
/// has it. A prefix under which nothing stands is an empty scope.
#[test]
fn a_named_prefix_holds_its_own_keys_alone() {
    let (dir, beside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (db, list) = (secret("db"), beside.path().join("rotate.csv"));
    let keys = ["/registry/secrets/prod/db", "/t/deep/secrets/prod/db", "/t/secrets/prod/db", "/t/secrets/prod/db2", "/copy/of/db"];
    let values: Vec<(&[u8], &[u8])> = keys.iter().map(|key| (key.as_bytes(), db.as_slice())).collect();
    let sealed_for_other = [(&b"/registry/secrets/prod/sealed"[..], SEALED)];
    database(dir.path(), "a.db", &[&values[..], &sealed_for_other].concat());
    for (named, own) in [("/registry", 1), ("/t/deep", 1), ("/t", 2), ("t/", 2)] {
        for resources in ["secrets", "all"] {
            let args = ["scan", "a.db", "--resources", resources, "--etcd-prefix", named];
            let more = ["--format", "jsonl", "--rotate-list", list.to_str().unwrap(), "--force"];
            let all = records(&run_in(dir.path(), &[&args[..], &more].concat()));
            let plaintext = |value: &&&Value| value["protection"] == "plaintext";
            let prefix = format!("/{}", named.trim_matches('/'));
            assert!(of_kind(&all, "value").iter().all(|value| value["prefix"] == prefix.as_str()), "{named}");
            assert_eq!(of_kind(&all, "value").iter().filter(plaintext).count(), own, "{named}");
            assert_eq!(of_kind(&all, "summary")[0]["secrets_readable"]["total"], own, "{named}");
            assert_eq!(of_kind(&all, "finding")[0]["count"], own, "{named}");
            assert_eq!(fs::read_to_string(&list).unwrap().lines().count(), 1 + own, "{named}");
        }
        let named_keys =
            of_kind(&records(&run_in(dir.path(), &["keys", "a.db", "--etcd-prefix", named, "--format", "jsonl"])), "key").len();
        assert_eq!(named_keys, usize::from(named == "/registry"), "{named}");
    }
    fs::write(dir.path().join("enc.yaml"), CONFIG).unwrap();
    for command in [&["scan"][..], &["keys"], &["check"], &["verify", "--encryption-config", "enc.yaml"]] {
        let args = [command, &["a.db", "--etcd-prefix", "/nope"]].concat();
        assert_eq!(conditions(dir.path(), &args), json!(["nothing-in-scope"]), "{command:?}");
        assert_eq!(run_in(dir.path(), &args).status.code(), Some(3), "{command:?}");
    }
}

/// Over the prefixes of a real etcd the counts add up, those of residue too.
#[test]
fn the_counts_of_the_prefixes_of_one_etcd_add_up() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.db"), Fixture::named("two-clusters").bytes).unwrap();
    let readable = |more: &[&str]| {
        let all = records(&run_in(dir.path(), &[&["scan", "a.db", "--format", "jsonl"], more].concat()));
        of_kind(&all, "summary")[0]["secrets_readable"]["total"].as_u64().unwrap()
    };
    let [registry, tenant] = ["/registry", "/tenant-b"].map(|prefix| readable(&["--etcd-prefix", prefix]));
    assert_eq!((registry, tenant), (19, 4));
    assert_eq!(registry + tenant, readable(&[]));
    assert_eq!(registry + tenant, readable(&["--etcd-prefix", "/tenant-b", "--etcd-prefix", "/registry"]));
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
    // What an API server encrypted is told of a key that is no object's, too.
    database(dir.path(), "sealed.db", &[(b"/other/thing", SEALED)]);
    let (_, shown) = text(&run_in(dir.path(), &["scan", "sealed.db"]));
    let unfolded = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(unfolded.contains("1 value is encrypted as an API server encrypts: --resources all looks at it"), "{shown}");
    // Beside a cluster they are keys that are no object's.
    let (code, shown) = text(&run_in(dir.path(), &["scan", "both.db"]));
    assert!(code == 0 && shown.contains("\n  1 Secret exists.\n"), "{shown}");
    // Kubernetes without Secrets was read, and that was asked.
    let (code, shown) = text(&run_in(dir.path(), &["scan", "none.db"]));
    assert!(code == 0 && shown.contains("\n  0 Secrets exist.\n"), "{shown}");
}

/// A prefix is bytes: where the keys have it as it is given, another spelling of it is not meant.
#[test]
fn a_prefix_that_ends_in_a_slash_is_looked_at_as_it_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let db = secret("db");
    database(dir.path(), "both.db", &[(b"/registry/secrets/prod/x", SEALED), (b"/registry//secrets/prod/db", &db)]);
    database(dir.path(), "one.db", &[(b"/registry//secrets/prod/db", &db)]);
    database(dir.path(), "usual.db", &[(b"/registry/secrets/prod/db", &db)]);
    for (file, prefix, code, readable) in [
        ("both.db", "/registry/", 2, 1),
        ("both.db", "/registry", 0, 0),
        ("both.db", "registry", 2, 1),
        ("one.db", "/registry/", 2, 1),
        ("one.db", "/registry", 2, 1),
        ("usual.db", "/registry", 2, 1),
        ("usual.db", "/registry/", 2, 1),
        ("usual.db", "registry", 2, 1),
    ] {
        let output = run_in(dir.path(), &["scan", file, "--etcd-prefix", prefix, "--format", "jsonl"]);
        let all = records(&output);
        let total = &of_kind(&all, "summary")[0]["secrets_readable"]["total"];
        assert_eq!((output.status.code(), total), (Some(code), &readable.into()), "{file} {prefix}");
    }
}

#[test]
fn what_exists_and_what_can_be_read_are_counted_over_the_same_keys() {
    let dir = tempfile::tempdir().unwrap();
    let db = secret("db");
    // A key that is no API server's held a Secret, and holds something else now.
    database(dir.path(), "a.db", &[(b"/registry/secrets/prod/x", SEALED), (b"/copy/of/db", &db), (b"/copy/of/db", b"gone")]);
    let (code, shown) = text(&run_in(dir.path(), &["scan", "a.db"]));
    // A revision before these is missing, so that the tree is not all there.
    let said = "\n  0 of the 1 that exists in what can be read of the tree, and 0 deleted; of 1 neither is known";
    assert!(code == 2 && shown.contains(said), "{shown}");
    // Where none can be read, what exists is counted over the same part.
    database(dir.path(), "b.db", &[(b"/registry/secrets/prod/x", SEALED), (b"/copy/of/db", b"1"), (b"/copy/of/db", b"gone")]);
    let (code, shown) = text(&run_in(dir.path(), &["scan", "b.db"]));
    assert!(code == 3 && shown.contains("\n  1 Secret exists in what can be read of the tree.\n"), "{shown}");
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
    assert!(code == 2 && shown.contains("WITHOUT ANY KEY, IN SCOPE: namespace prod\n  1 of the 1 in scope that exists"), "{shown}");
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

#[test]
fn a_value_is_of_the_cluster_below_its_own_prefix() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (kube_system("uid-1"), kube_system("uid-2"));
    let values: [(&[u8], &[u8]); 6] = [
        (b"/a/namespaces/kube-system", &one),
        (b"/b/namespaces/kube-system", &other),
        (b"/a/secrets/prod/x", SEALED),
        (b"/b/secrets/prod/x", SEALED),
        (b"/c/secrets/prod/x", SEALED),
        (b"/foreign", b"x"),
    ];
    database(dir.path(), "a.db", &values);
    let all = records(&run_in(dir.path(), &["scan", "a.db", "--resources", "all", "--format", "jsonl"]));
    let told: Vec<_> = of_kind(&all, "value").iter().map(|value| value["cluster"].clone()).collect();
    assert_eq!(told, [json!("uid-1"), json!("uid-2"), json!("uid-1"), json!("uid-2"), Value::Null, Value::Null]);
    let evidence = &of_kind(&all, "evidence")[0];
    let of = |prefix: &str, uid: Value| json!({ "prefix": prefix, "kube_system_uid": uid });
    assert_eq!(evidence["clusters"], json!([of("/a", json!("uid-1")), of("/b", json!("uid-2")), of("/c", Value::Null)]));
    assert_eq!(evidence["kube_system_uid"], Value::Null);
    assert!(text(&run_in(dir.path(), &["scan", "a.db"])).1.contains("3 CLUSTERS, each below a prefix of its own"));
}

/// Two databases are held against each other where both hold a cluster below one prefix, and not where a prefix of both names two.
#[test]
fn databases_are_compared_by_the_clusters_of_all_prefixes() {
    let dir = tempfile::tempdir().unwrap();
    let uids = ["uid-1", "uid-2", "uid-3"].map(kube_system);
    let database_of = |name: &str, second: &[u8], value: &[u8]| {
        let values: [(&[u8], &[u8]); 3] =
            [(b"/a/namespaces/kube-system", &uids[0]), (b"/b/namespaces/kube-system", second), (b"/a/secrets/prod/x", value)];
        database(dir.path(), name, &values);
    };
    database_of("first.db", &uids[1], SEALED);
    database_of("same.db", &uids[1], SEALED);
    database_of("diverged.db", &uids[1], b"k8s:enc:aescbc:v1:key1:\x01bcdef0123456789abcdef0123456789abcdef0123456789");
    database_of("other.db", &uids[2], SEALED);
    for (other, is_compared, is_divergent) in [("same.db", true, false), ("diverged.db", true, true), ("other.db", false, false)] {
        let all = records(&run_in(dir.path(), &["scan", "first.db", other, "--format", "jsonl"]));
        let compared = of_kind(&all, "evidence-end")[1]["compared"].as_array().unwrap().len();
        let divergent = of_kind(&all, "anomaly").iter().filter(|anomaly| anomaly["class"] == "member-divergence").count();
        assert_eq!((compared, divergent), (usize::from(is_compared), usize::from(is_divergent)), "{other}");
    }
}

/// What was sealed for a key of one cluster and stands under one of another is not told to be moved; within a cluster it is.
#[test]
fn ciphertext_is_looked_for_in_its_own_cluster_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (kube_system("uid-1"), kube_system("uid-2"));
    let (db, swapped) = (sealed("/registry/secrets/prod/db"), sealed("/tenant/secrets/prod/copy"));
    let values: [(&[u8], &[u8]); 6] = [
        (b"/registry/namespaces/kube-system", &one),
        (b"/tenant/namespaces/kube-system", &other),
        (b"/registry/secrets/prod/db", &db),
        // Of the other cluster, under the same name and another.
        (b"/tenant/secrets/prod/db", &db),
        (b"/tenant/secrets/prod/x", &db),
        // Of its own cluster.
        (b"/tenant/secrets/prod/y", &swapped),
    ];
    let copy = sealed("/tenant/secrets/prod/copy");
    database(dir.path(), "a.db", &[&values[..], &[(b"/tenant/secrets/prod/copy", &copy)]].concat());
    let damaged = |key: &str| (key.to_owned(), "other-key-or-damaged".to_owned(), Value::Null);
    let opened = |key: &str| (key.to_owned(), "opened".to_owned(), Value::Null);
    let moved = ("/tenant/secrets/prod/y".to_owned(), "moved-ciphertext".to_owned(), json!("/tenant/secrets/prod/copy"));
    let wanted = [
        opened("/registry/secrets/prod/db"),
        damaged("/tenant/secrets/prod/db"),
        damaged("/tenant/secrets/prod/x"),
        moved,
        opened("/tenant/secrets/prod/copy"),
    ];
    // A Secret of another name is no less an opening.
    let told: Vec<_> = outcomes(dir.path(), "a.db");
    assert_eq!(told, wanted);
    // The same below one prefix, which is one cluster, whether its UID can be read or not.
    let values: [(&[u8], &[u8]); 2] = [(b"/registry/secrets/prod/db", &db), (b"/registry/secrets/prod/x", &db)];
    database(dir.path(), "b.db", &values);
    assert_eq!(outcomes(dir.path(), "b.db")[1].2, json!("/registry/secrets/prod/db"));
}

/// What a search for moved ciphertext takes is bounded by the number of values and keys, and finds what is likely.
#[test]
fn the_search_for_moved_ciphertext_is_linear_in_values_and_keys() {
    struct Nobody;
    impl etcd_sleuth::report::Render for Nobody {
        fn end(&mut self, _: &etcd_sleuth::report::Report, _: &etcd_sleuth::finding::Outcome) -> std::io::Result<()> {
            Ok(())
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let configs = [EncryptionConfig::read(CONFIG.as_bytes()).unwrap()];
    // Each value of the first `moved` keys stands under the next one's key; what is damaged is searched for in vain.
    let search = |keys: usize, moved: usize, is_damaged: bool| {
        let name = |index: usize| format!("/registry/secrets/prod/s{index:05}");
        let value = |index: usize| match index < moved {
            true if is_damaged => [sealed(&name(index)), vec![0]].concat(),
            true => sealed(&name((index + 1) % moved)),
            false => sealed(&name(index)),
        };
        let write = |index: usize| Write { main: index as u64 + 2, key: name(index).into_bytes(), value: value(index) };
        let path = dir.path().join("a.db");
        fs::write(&path, pages::database_of(&(0..keys).map(write).collect::<Vec<_>>())).unwrap();
        let holders = Holders {
            configs: &configs,
            unwrappers: &mut [],
            named: Vec::new(),
            kms_keys: Vec::new(),
            contexts: EncryptionContexts::default(),
            rate: 0.0,
            max_calls: None,
            ledger: None,
        };
        let question = Question::Verify(VerifyQuestion { holders, require_key: None, plan_only: false });
        let inputs = [path];
        let answer =
            Case::new(&inputs, etcd_sleuth::evidence::Limits::default(), &Silent).run(&Plan::default(), question, &mut Nobody).unwrap();
        let proof = answer.report.verification.unwrap().result.unwrap().proof;
        (proof.moves.len(), proof.tries())
    };
    for (keys, moved) in [(400, 2), (400, 200), (800, 790)] {
        let (found, tries) = search(keys, moved, false);
        assert_eq!(found, moved, "of {keys}");
        assert!(tries <= (16 * keys + 128 * moved) as u64, "{tries} for {moved} of {keys}");
    }
    for (keys, moved) in [(400, 1), (400, 390), (800, 790)] {
        let (found, tries) = search(keys, moved, true);
        assert_eq!(found, 0);
        assert!(tries > keys as u64 / 2 && tries <= (16 * keys + 128 * moved) as u64, "{tries} for {moved} of {keys}");
    }
}

/// Whether the required key is in use is told for each cluster: that one writes under it says nothing of the other.
#[test]
fn one_clusters_new_key_makes_no_late_write_of_anothers() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("enc.yaml"), CONFIG).unwrap();
    let of = |prefix: &str| sealed(&format!("{prefix}/secrets/prod/new"));
    for (prefix, is_late) in [("/registry", true), ("/tenant", false)] {
        let (new, key) = (of(prefix), format!("{prefix}/secrets/prod/new"));
        database(dir.path(), "a.db", &[(key.as_bytes(), &new), (b"/registry/secrets/prod/old", SEALED)]);
        let (_, shown) = text(&run_in(dir.path(), &["verify", "a.db", "--encryption-config", "enc.yaml"]));
        assert_eq!(shown.contains("after the required key began"), is_late, "{shown}");
    }
}

#[test]
fn a_whole_key_is_one_whatever_it_looks_like() {
    let dir = tempfile::tempdir().unwrap();
    let db = secret("db");
    // Below a prefix without a slash in front a whole key has two or three parts.
    let values: [(&[u8], &[u8]); 3] =
        [(b"x/secrets/prod/db", &db), (b"x/namespaces/prod", br#"{"kind":"Namespace"}"#), (b"team/one", br#"{"kind":"A"}"#)];
    database(dir.path(), "a.db", &values);
    for key in ["x/secrets/prod/db", "x/namespaces/prod", "team/one", "prod/db", "secrets/prod/db", "namespaces/prod"] {
        let (code, shown) = text(&run_in(dir.path(), &["show", "a.db", key]));
        assert!(code == 0 && shown.lines().next().is_some_and(|line| line.ends_with(key)), "{key}: {shown}");
    }
    let revealed = run_in(dir.path(), &["show", "a.db", "team/one", "--reveal"]);
    assert_eq!(text(&revealed).1.trim_end(), r#"{"kind":"A"}"#);
}

/// Every answer to a filter names it, and the command that it leads to asks for the same.
/// An object is a key of one cluster: where two clusters have the key, or may have, none of their values is revealed for the other's.
#[test]
fn an_object_of_another_cluster_is_another_object() {
    let dir = tempfile::tempdir().unwrap();
    let (key, namespace): (&[u8], &[u8]) = (b"/registry/secrets/prod/db", b"/registry/namespaces/kube-system");
    let of =
        |cluster: &str, word: &str| (kube_system(cluster), String::from_utf8(secret("db")).unwrap().replace("YQ==", word).into_bytes());
    let ((one, first), (two, second)) = (of("11", "Zmlyc3Q="), of("22", "c2Vjb25k"));
    database(dir.path(), "one.db", &[(namespace, &one), (key, &first)]);
    database(dir.path(), "two.db", &[(namespace, &two), (b"/x", b"y"), (key, &second)]);
    database(dir.path(), "none.db", &[(key, &second)]);
    let backup = fs::read(dir.path().join("one.db")).unwrap();
    fs::write(dir.path().join("one-again.db"), &backup).unwrap();
    fs::create_dir(dir.path().join("both")).unwrap();
    for (name, at) in [("one.db", "both/a/snap/db"), ("two.db", "both/b/snap/db")] {
        fs::create_dir_all(dir.path().join(at).parent().unwrap()).unwrap();
        fs::copy(dir.path().join(name), dir.path().join(at)).unwrap();
    }
    for (inputs, clusters) in [
        (&["one.db", "two.db"][..], ["in one.db, cluster 11", "in two.db, cluster 22"]),
        (&["two.db", "one.db"], ["in one.db, cluster 11", "in two.db, cluster 22"]),
        (&["one.db", "none.db"], ["in one.db, cluster 11", "in none.db, cluster not known"]),
        (&["both"], ["in both/a/snap/db, cluster 11", "in both/b/snap/db, cluster 22"]),
    ] {
        for object in ["prod/db", "/registry/secrets/prod/db"] {
            let revealed = run_in(dir.path(), &[&["show"][..], inputs, &[object, "--reveal"]].concat());
            let (code, shown) = text(&revealed);
            assert!(code == 2 && !shown.contains("Zmlyc3Q=") && !shown.contains("c2Vjb25k"), "{inputs:?}: {shown}");
            assert!(clusters.iter().all(|cluster| stderr(&revealed).contains(cluster)), "{}", stderr(&revealed));
            let (_, listed) = text(&run_in(dir.path(), &[&["show"][..], inputs, &[object]].concat()));
            assert!(clusters.iter().all(|cluster| listed.contains(cluster.strip_prefix("in ").unwrap())), "{listed}");
        }
    }
    // Two members in one input are one input.
    assert!(text(&run_in(dir.path(), &["scan", "both", "-q"])).1.starts_with("both: "));
    let (code, shown) = text(&run_in(dir.path(), &["show", "one.db", "one-again.db", "prod/db", "--reveal"]));
    assert!(code == 0 && shown.contains("Zmlyc3Q="), "{shown}");
}

/// The first line and the last one say the same of a scope without a Secret, and of inputs that cannot be read.
#[test]
fn no_first_line_says_more_than_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let config = br#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"c","namespace":"p","uid":"u"},"data":{"a":"b"}}"#;
    database(dir.path(), "a.db", &[(b"/registry/configmaps/p/c", config)]);
    for command in ["scan", "carve"] {
        let (code, shown) = text(&run_in(dir.path(), &[command, "a.db", "--resources", "configmaps"]));
        assert!(
            code == 3 && shown.starts_with("NO SECRET AMONG THE OBJECTS") && shown.contains("no Secret in scope"),
            "{command}: {shown}"
        );
    }
    let (code, shown) = text(&run_in(dir.path(), &["keys", "nothing.db"]));
    assert!(code == 1 && shown.starts_with("NOTHING COULD BE READ\n"), "{shown}");
    fs::create_dir_all(dir.path().join("data/snap")).unwrap();
    fs::copy(dir.path().join("a.db"), dir.path().join("data/snap/db")).unwrap();
    for args in [&["keys", "data"][..], &["check", "data"], &["keys", "data", "--retire", "aescbc/a", "--confirm-unseen"]] {
        let (code, shown) = text(&run_in(dir.path(), args));
        assert!(code == 3 && shown.contains("  NOT ALL OF IT IS THERE (1): the write-ahead log of data\n"), "{args:?}: {shown}");
    }
}

#[test]
fn the_scope_stands_in_every_answer_and_in_what_to_do_next() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("enc.yaml"), CONFIG).unwrap();
    let (db, key) = (secret("db"), sealed("/registry/secrets/prod/x"));
    database(dir.path(), "a.db", &[(b"/registry/secrets/prod/db", &db), (b"/registry/secrets/prod/x", &key)]);
    let filter = ["--namespace", "pr*", "--etcd-prefix", "/registry"];
    for (command, of_command) in [
        (&["scan"][..], "options"),
        (&["keys"], "options"),
        (&["verify", "--encryption-config", "enc.yaml"], "options"),
        (&["verify", "--plan"], "options"),
    ] {
        let args = [command, &["a.db"], &filter].concat();
        let (_, shown) = text(&run_in(dir.path(), &args));
        assert!(shown.contains("namespace pr*, prefix /registry"), "{args:?}: {shown}");
        let (_, quiet) = text(&run_in(dir.path(), &[&args[..], &["-q"]].concat()));
        assert!(quiet.contains("in scope (namespace pr*, prefix /registry)"), "{args:?}: {quiet}");
        let all = records(&run_in(dir.path(), &[&args[..], &["--format", "jsonl"]].concat()));
        assert_eq!(all[0]["scope"], "namespace pr*, prefix /registry");
        assert_eq!(all[0][of_command]["namespace"], "pr*");
        let all = records(&run_in(dir.path(), &[command, &["a.db", "--format", "jsonl"]].concat()));
        assert_eq!(all[0]["scope"], Value::Null);
    }
    let (_, shown) = text(&run_in(dir.path(), &[&["scan", "a.db"][..], &filter].concat()));
    assert!(shown.contains("scan a.db --namespace 'pr*' --etcd-prefix /registry --rotate-list"), "{shown}");
}

/// A piece that has lost its name is of no namespace: whether it is in scope is said to be unknown.
#[test]
fn a_piece_without_a_name_is_neither_in_scope_nor_passed_over_in_silence() {
    let fixture = Fixture::named("interrupted");
    let dir = tempfile::tempdir().unwrap();
    fixture.write_to(dir.path());
    let summary = |filter: &[&str]| {
        let all = records(&run_in(dir.path(), &[&["scan", "interrupted.db", "--format", "jsonl"][..], filter].concat()));
        of_kind(&all, "summary")[0].clone()
    };
    let bare = summary(&[]);
    assert!(bare["nameless_secret_fragments"]["count"].as_u64().unwrap() > 0 && bare["not_placed_fragments"]["count"] == 0);
    for filter in [["--namespace", "kube-*"], ["--name", "a*"]] {
        let found = summary(&filter);
        assert_eq!(found["not_placed_fragments"], bare["nameless_secret_fragments"]);
        assert_eq!(found["nameless_secret_fragments"]["count"], 0);
        assert!(found["conditions"].as_array().unwrap().contains(&json!("scope-not-known")), "{found}");
        let (_, shown) = text(&run_in(dir.path(), &[&["scan", "interrupted.db"][..], &filter].concat()));
        assert!(shown.contains("have lost their names: whether they are in scope cannot be told"), "{shown}");
    }
    // Of another resource they are none.
    assert_eq!(summary(&["--namespace", "kube-*", "--resources", "configmaps"])["not_placed_fragments"]["count"], 0);
}

/// What `carve` finds under keys of several clusters is not one Secret, whatever its namespace and name.
#[test]
fn carved_secrets_of_several_clusters_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (secret("db"), [secret("db"), b" ".to_vec()].concat());
    database(dir.path(), "a.db", &[(b"/registry/secrets/prod/db", &one), (b"/tenant/secrets/prod/db", &other)]);
    let (_, shown) = text(&run_in(dir.path(), &["carve", "a.db"]));
    assert!(shown.starts_with("2 SECRETS CAN BE READ") && shown.contains("/tenant"), "{shown}");
    database(dir.path(), "b.db", &[(b"/registry/secrets/prod/db", &one), (b"/registry/secrets/prod/db", &other)]);
    let (_, shown) = text(&run_in(dir.path(), &["carve", "b.db"]));
    assert!(shown.starts_with("1 SECRET CAN BE READ"), "{shown}");
}
