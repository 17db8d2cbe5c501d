//! `verify` holds a file to the configuration that was given, resource by resource, as the API server reads it. Every input is made
//! here: values in clear, values sealed as the API server seals them, values that are neither.

use crate::common;

use std::fs;
use std::path::Path;
use std::process::Output;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::pages::{self, Write};
use common::raft::{bytes, segment_from};
use common::sealed::{Stored, aes_cbc, aes_gcm as sealed};
use common::{of_kind, records, run_in, sleuth, stderr, text};
use serde_json::{Value, json};

pub(crate) const A: [u8; 32] = [b'A'; 32];
pub(crate) const B: [u8; 32] = [b'B'; 32];

fn object(api_version: &str, kind: &str, namespace: &str, name: &str) -> Vec<u8> {
    let metadata = match namespace {
        "" => json!({ "name": name }),
        namespace => json!({ "namespace": namespace, "name": name }),
    };
    serde_json::to_vec(&json!({ "apiVersion": api_version, "kind": kind, "metadata": metadata, "data": { "a": "YQ==" } })).unwrap()
}

/// An object under `/registry/PATH/NAMESPACE/NAME`, in clear.
pub(crate) fn plain(path: &str, api_version: &str, namespace: &str, name: &str) -> Stored {
    let parts: Vec<&str> = [path, namespace, name].into_iter().filter(|part| !part.is_empty()).collect();
    (format!("/registry/{}", parts.join("/")), object(api_version, if path == "secrets" { "Secret" } else { "Object" }, namespace, name))
}

pub(crate) fn secret(name: &str) -> Stored {
    plain("secrets", "v1", "prod", name)
}

fn database(values: &[Stored]) -> Vec<u8> {
    let entries: Vec<_> =
        (2..).zip(values).map(|(main, (key, value))| Write { main, key: key.clone().into_bytes(), value: value.clone() }.entry()).collect();
    pages::database(&[pages::root(3), pages::leaf(3, &entries)])
}

/// A rule for resources: `aesgcm` keys by name, in their order; an empty name is `identity`.
pub(crate) fn rule(resources: &[&str], keys: &[(&str, [u8; 32])]) -> Value {
    let providers = keys.iter().map(|(name, key)| match *name {
        "" => json!({ "identity": {} }),
        name => json!({ "aesgcm": { "keys": [{ "name": name, "secret": STANDARD.encode(key) }] } }),
    });
    json!({ "resources": resources, "providers": providers.collect::<Vec<_>>() })
}

pub(crate) fn config(rules: &[Value]) -> String {
    json!({ "apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration", "resources": rules }).to_string()
}

pub(crate) const CLEAR: (&str, [u8; 32]) = ("", [0; 32]);
pub(crate) const KEY1: (&str, [u8; 32]) = ("key1", A);

/// What `verify` answers.
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) shown: String,
    quiet: String,
    warned: String,
    summary: Value,
    pub(crate) values: Vec<Value>,
}

fn verify_in(dir: &Path, input: &str, configs: &[String], more: &[&str]) -> Answer {
    let names: Vec<String> = (0..configs.len()).map(|index| format!("enc{index}.yaml")).collect();
    names.iter().zip(configs).for_each(|(name, config)| fs::write(dir.join(name), config).unwrap());
    let given: Vec<&str> = names.iter().flat_map(|name| ["--encryption-config", name.as_str()]).collect();
    let run = |more_still: &[&str]| run_in(dir, &[&["verify", input, "--no-progress"][..], &given, more, more_still].concat());
    let first = run(&[]);
    let ((code, shown), (_, quiet), warned) = (text(&first), text(&run(&["-q"])), stderr(&first));
    let output = run(&["--format", "jsonl"]);
    assert_eq!(output.status.code(), Some(code), "{shown}");
    let all = records(&output);
    let summary = of_kind(&all, "summary").first().unwrap_or_else(|| panic!("{}", stderr(&output)))["verify"].clone();
    Answer { code, shown, quiet, warned, summary, values: of_kind(&all, "value").into_iter().cloned().collect() }
}

pub(crate) fn verify(values: &[Stored], configs: &[String], more: &[&str]) -> Answer {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.db"), database(values)).unwrap();
    verify_in(dir.path(), "a.db", configs, more)
}

/// Counts of what is left, by resource and reason.
pub(crate) fn left(answer: &Answer) -> Vec<(String, String, u64)> {
    let left = answer.summary["left"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    left.map(|left| (text(&left["group_resource"]), text(&left["why"]), left["count"].as_u64().unwrap())).collect()
}

pub(crate) fn one(resource: &str, why: &str, count: u64) -> (String, String, u64) {
    (resource.to_owned(), why.to_owned(), count)
}

#[test]
fn a_resource_that_the_configuration_names_and_nobody_encrypted_is_not_complete() {
    let values = [
        sealed(A, "key1", secret("s")),
        plain("configmaps", "v1", "prod", "c"),
        plain("management.cattle.io/tokens", "management.cattle.io/v3", "", "t1"),
        plain("management.cattle.io/tokens", "management.cattle.io/v3", "", "t2"),
        plain("pods", "v1", "prod", "p"),
        plain("deployments", "apps/v1", "prod", "d"),
        plain("routes", "route.openshift.io/v1", "prod", "r"),
        plain("scheduling.k8s.io/odd", "scheduling.k8s.io/v1", "prod", "o"),
        plain("workloads", "scheduling.k8s.io/v1alpha2", "prod", "w"),
    ];
    let keys = [KEY1, CLEAR];
    for (what, resources, wanted) in [
        ("a ConfigMap", &["configmaps"][..], vec![one("configmaps", "plaintext", 1)]),
        ("a custom resource", &["tokens.management.cattle.io"], vec![one("tokens.management.cattle.io", "plaintext", 2)]),
        ("the core group", &["*."], vec![one("configmaps", "plaintext", 1), one("pods", "plaintext", 1)]),
        ("a group", &["*.apps"], vec![one("deployments.apps", "plaintext", 1)]),
        ("a group that only the object names", &["*.route.openshift.io"], vec![one("routes.route.openshift.io", "plaintext", 1)]),
        ("a group whose table is new", &["*.scheduling.k8s.io"], {
            vec![one("odd.scheduling.k8s.io", "plaintext", 1), one("workloads.scheduling.k8s.io", "plaintext", 1)]
        }),
        ("what nobody has", &["widgets.example.com"], vec![]),
    ] {
        let answer = verify(&values, &[config(&[rule(&["secrets"], &keys), rule(resources, &keys)])], &[]);
        assert_eq!(left(&answer), wanted, "{what}: {}", answer.shown);
        let is_complete = wanted.is_empty();
        assert_eq!(answer.code, if is_complete { 0 } else { 2 }, "{what}");
        assert_eq!(answer.shown.contains("Re-encryption COMPLETE"), is_complete, "{what}: {}", answer.shown);
        assert_eq!(answer.shown.contains("NOT COMPLETE"), !is_complete, "{what}: {}", answer.shown);
    }
    let everything = verify(&values, &[config(&[rule(&["*.*"], &keys)])], &[]);
    assert_eq!((everything.code, everything.summary["not_under_required"].as_u64()), (2, Some(8)));
}

/// No API server writes below such a key, so nothing is required of it; what is in clear there is no proof of completeness all the same.
#[test]
fn a_secret_in_clear_under_a_foreign_key_is_named_and_proves_nothing() {
    let encrypted = sealed(A, "key1", secret("s"));
    let config = [config(&[rule(&["secrets"], &[KEY1, CLEAR])])];
    let plaintext = [self::config(&[rule(&["secrets"], &[CLEAR])])];
    for key in ["/backup/copy1", "/registry/secrets/s", "/app/secrets/prod/s"] {
        let foreign = (key.to_owned(), secret("copy").1);
        let answer = verify(&[encrypted.clone(), foreign.clone()], &config, &[]);
        assert_eq!((answer.code, left(&answer)), (3, vec![one("secrets", "out-of-reach", 1)]), "{key}: {}", answer.shown);
        assert_eq!(answer.summary["out_of_reach"], 1, "{key}");
        assert!(
            answer.shown.contains("NOT KNOWN: 1 is in plaintext under a key that no API server writes, 1 is"),
            "{key}: {}",
            answer.shown
        );
        assert!(!answer.shown.contains("kubectl"), "{key}: {}", answer.shown);
        assert!(answer.quiet.contains("1 is in plaintext under a key that no API server writes"), "{key}: {}", answer.quiet);
        // Plaintext is what is required, or it is no Secret, or it is not in clear.
        assert_eq!(left(&verify(&[secret("s"), foreign], &plaintext, &[])), [], "{key}");
        for harmless in [(key.to_owned(), b"no object".to_vec()), sealed(A, "key1", (key.to_owned(), secret("copy").1))] {
            assert_eq!(left(&verify(&[encrypted.clone(), harmless], &config, &[])), [], "{key}");
        }
    }
}

#[test]
fn lists_are_taken_in_the_order_of_the_api_server() {
    let event = plain("events", "v1", "prod", "e");
    let values = [sealed(A, "key1", secret("s")), event.clone(), plain("pods", "v1", "prod", "p")];
    // `identity` for events alone: they are as they are to be, and the pod is not.
    let rules = [rule(&["events"], &[CLEAR]), rule(&["*.*"], &[KEY1, CLEAR])];
    let answer = verify(&values, &[config(&rules)], &[]);
    assert_eq!(left(&answer), [one("pods", "plaintext", 1)]);
    assert!(answer.shown.contains("THE REQUIRED STATE IS PLAINTEXT") && answer.shown.contains("unencrypted: events\n"), "{}", answer.shown);
    // A list that names the resource goes before one of its group, and this before one of everything.
    let rules = [rule(&["secrets", "pods"], &[KEY1]), rule(&["*."], &[CLEAR]), rule(&["*.*"], &[("key2", B)])];
    assert_eq!(left(&verify(&values, &[config(&rules)], &[])), [one("pods", "plaintext", 1)]);
    // Several lists of one resource are one: the first writes.
    let rules = [rule(&["secrets"], &[("key2", B)]), rule(&["secrets"], &[KEY1])];
    let answer = verify(&values, &[config(&rules)], &[]);
    assert_eq!(left(&answer), [one("secrets", "other-key", 1)]);
    assert_eq!(answer.summary["current_opened"], json!(1));
}

#[test]
fn what_the_api_server_never_encrypts_is_not_accused() {
    let lease = |path: &str, name: &str| (format!("/registry/{path}/{name}"), object("v1", "Endpoints", "default", name));
    let values = [
        sealed(A, "key1", secret("s")),
        lease("masterleases", "10.0.0.1"),
        ("/registry/peerserverleases/apiserver-x".to_owned(), object("coordination.k8s.io/v1", "Lease", "kube-system", "apiserver-x")),
        lease("ranges", "serviceips"),
        lease("ranges", "servicenodeports"),
    ];
    for resources in [&["*.*"][..], &["*.", "*.apps"]] {
        let answer = verify(&values, &[config(&[rule(resources, &[KEY1, CLEAR])])], &[]);
        assert_eq!((answer.code, left(&answer)), (0, vec![]), "{}", answer.shown);
    }
}

#[test]
fn a_first_provider_identity_requires_plaintext_and_says_so() {
    let clear_first = config(&[rule(&["secrets"], &[CLEAR, KEY1])]);
    let answer = verify(&[secret("a"), secret("b")], std::slice::from_ref(&clear_first), &[]);
    assert_eq!((answer.code, &answer.summary["required"]), (0, &json!(["plaintext"])), "{}", answer.shown);
    assert!(answer.shown.contains("THE REQUIRED STATE IS PLAINTEXT") && answer.quiet.contains("plaintext"), "{}", answer.shown);
    // What is still encrypted the API server would write anew.
    let answer = verify(&[secret("a"), sealed(A, "key1", secret("b"))], &[clear_first], &[]);
    assert_eq!((answer.code, left(&answer)), (2, vec![one("secrets", "other-key", 1)]));
    // A key in the place behind does not require anything.
    let answer = verify(&[sealed(A, "key1", secret("b"))], &[config(&[rule(&["secrets"], &[KEY1, CLEAR])])], &[]);
    assert!(answer.code == 0 && !answer.shown.contains("PLAINTEXT"), "{}", answer.shown);
}

/// Of one resource among several too, in the only line of a quiet run.
#[test]
fn plaintext_is_said_to_be_required_of_whatever_resource() {
    let values = [sealed(A, "key1", secret("a")), plain("configmaps", "v1", "prod", "c")];
    let answer = verify(&values, &[config(&[rule(&["configmaps"], &[CLEAR, KEY1]), rule(&["secrets"], &[KEY1])])], &["--resources", "all"]);
    assert!(answer.quiet.contains("the required state of configmaps is plaintext") && answer.code == 0, "{}", answer.quiet);
}

/// An API server does not start with a configuration of which one part is wrong: nothing is complete by it, wherever that part stands.
#[test]
fn by_a_configuration_that_no_api_server_takes_nothing_is_complete() {
    let value = [sealed(A, "key1", secret("a"))];
    let sound = rule(&["secrets"], &[KEY1]);
    let key = |name: &str, secret: &str| json!({ "name": name, "secret": secret });
    let of = |resources: Value, providers: Value| json!({ "resources": resources, "providers": providers });
    let with = |providers: Value| config(&[of(json!(["secrets"]), providers)]);
    let behind = |provider: Value| with(json!([sound["providers"][0], provider]));
    let listed = |resources: &[&str]| config(&[rule(resources, &[KEY1])]);
    let clear = |resources: &[&str]| rule(resources, &[CLEAR]);
    let kms = |more: Value| {
        let mut body = json!({ "apiVersion": "v2", "name": "a", "endpoint": "unix:///a.sock" });
        more.as_object().unwrap().iter().for_each(|(field, value)| body[field] = value.clone());
        json!({ "kms": body })
    };
    let mut misspelled = sound.clone();
    misspelled["provider"] = json!([]);
    for (what, config, at) in [
        ("a key of three bytes first", with(json!([{ "aesgcm": { "keys": [key("key1", "YWJj")] } }])), "providers[0].aesgcm.keys[0]"),
        ("a key that is no base64 behind it", behind(json!({ "aescbc": { "keys": [key("key2", "*")] } })), "providers[1].aescbc.keys[0]"),
        ("a provider that no API server has", behind(json!({ "rot13": {} })), "providers[1].rot13"),
        ("a provider of null", behind(json!({ "identity": null })), "providers[1]"),
        ("no provider", with(json!([])), "resources[0]"),
        ("no resource", config(&[of(json!([]), sound["providers"].clone()), sound.clone()]), "resources[0]"),
        ("a resource that is none", config(&[sound.clone(), clear(&["*"])]), "resources[1].resources[0]"),
        ("a resource twice", listed(&["secrets", "secrets."]), "resources[0].resources[1]"),
        ("a resource beside its group", listed(&["*.", "secrets"]), "resources[0].resources[1]"),
        ("a resource beside everything", listed(&["secrets", "*.*"]), "resources[0].resources[0]"),
        ("a group that is gone", listed(&["secrets", "deployments.extensions"]), "resources[0].resources[1]"),
        ("events in the group that serves them", listed(&["secrets", "events.events.k8s.io"]), "resources[0].resources[1]"),
        ("what has no API", listed(&["secrets", "apiserveripinfo"]), "resources[0].resources[1]"),
        ("one resource of every group", listed(&["secrets", "pods.*"]), "resources[0].resources[1]"),
        ("masked by its group", config(&[rule(&["*."], &[KEY1]), clear(&["configmaps"])]), "resources[1].resources[0]"),
        ("a group masked by everything", config(&[rule(&["*.*"], &[KEY1]), clear(&["*.apps"])]), "resources[1].resources[0]"),
        ("an address of the network", behind(kms(json!({ "endpoint": "http://a" }))), "providers[1].kms"),
        ("no address", behind(kms(json!({ "endpoint": "" }))), "providers[1].kms"),
        ("a time before now", behind(kms(json!({ "timeout": "-1s" }))), "providers[1].kms"),
        ("no time", behind(kms(json!({ "timeout": "0s" }))), "providers[1].kms"),
        ("a cache of v2", behind(kms(json!({ "cachesize": 100 }))), "providers[1].kms"),
        ("an empty cache of v1", behind(kms(json!({ "apiVersion": "v1", "cachesize": 0 }))), "providers[1].kms"),
        ("a KMS twice", with(json!([sound["providers"][0], kms(json!({})), kms(json!({}))])), "providers[2].kms"),
        ("a field that there is not", config(&[misspelled]), "resources[0]"),
        ("a field of another provider", behind(kms(json!({ "keys": [] }))), "providers[1].kms"),
        ("a version that there never was", config(std::slice::from_ref(&sound)).replace("io/v1", "io/v1beta1"), "apiVersion"),
        ("an old kind of a new version", config(std::slice::from_ref(&sound)).replace("Configuration", "Config"), "apiVersion"),
        ("a new kind of an old version", config(std::slice::from_ref(&sound)).replace("apiserver.config.k8s.io/v1", "v1"), "apiVersion"),
    ] {
        let answer = verify(&value, &[config], &[]);
        assert!(answer.warned.contains(&format!("{at}: ")), "{what}: {}", answer.warned);
        assert!(
            !answer.shown.contains("COMPLETE") && answer.shown.contains("no API server takes this configuration"),
            "{what}: {}",
            answer.shown
        );
        assert!(answer.quiet.contains("configuration-refused"), "{what}: {}", answer.quiet);
        assert_eq!(answer.code, 3, "{what}: {}", answer.shown);
    }
    // What API servers take, if only some of them: a wildcard behind the resource, a KMS v1 provider of a name twice, null beside another.
    let twice = kms(json!({ "apiVersion": "v1", "timeout": "1m0.5s", "cachesize": -1 }));
    for config in [
        config(std::slice::from_ref(&sound)),
        config(&[sound.clone(), clear(&["*."]), clear(&["*.*"])]),
        with(json!([sound["providers"][0], twice, twice])),
        behind(json!({ "aescbc": null, "identity": {} })),
        config(std::slice::from_ref(&sound))
            .replace("EncryptionConfiguration", "EncryptionConfig")
            .replace("apiserver.config.k8s.io/v1", "v1"),
    ] {
        let answer = verify(&value, &[config], &[]);
        assert_eq!((answer.code, answer.warned.as_str()), (0, ""), "{}", answer.shown);
    }
}

/// An API server does not mind two keys of one name in a provider: it writes with the first, and tries each.
#[test]
fn two_keys_of_one_name_in_one_provider_are_both_tried() {
    let values = [sealed(B, "key1", secret("old")), sealed(A, "key1", secret("new"))];
    let keys = |first: [u8; 32], second: [u8; 32]| {
        let keys = [first, second].map(|key| json!({ "name": "key1", "secret": STANDARD.encode(key) }));
        config(&[json!({ "resources": ["secrets"], "providers": [{ "aesgcm": { "keys": keys } }] })])
    };
    for (config, values, opened) in [(keys(A, B), &values[..], 2), (keys(B, A), &values[1..], 1)] {
        let answer = verify(values, &[config], &[]);
        assert_eq!((answer.warned.as_str(), &answer.summary["current_opened"]), ("", &json!(opened)), "{}", answer.shown);
        assert_eq!((answer.code, left(&answer)), (2, vec![one("secrets", "other-key-of-this-name", 1)]), "{}", answer.shown);
    }
}

/// Of several configurations nobody knows here which is in force: what they disagree about is not known, in either order, and
/// whichever it is, what all of them leave is left.
#[test]
fn configurations_that_disagree_complete_nothing_in_either_order() {
    let under = |name, key, objects: &[&str]| objects.iter().map(|object| sealed(key, name, secret(object))).collect::<Vec<_>>();
    let (key1, key2) = (config(&[rule(&["secrets"], &[KEY1, CLEAR])]), config(&[rule(&["secrets"], &[("key2", B), KEY1])]));
    let (clear_first, same) = (config(&[rule(&["secrets"], &[CLEAR, KEY1])]), config(&[rule(&["secrets"], &[KEY1])]));
    let not_known = [one("secrets", "disputed", 1)];
    for (values, configs, code, why) in [
        (under("key1", A, &["a"]), [&key1, &clear_first], 3, &not_known[..]),
        (under("key1", A, &["a"]), [&key1, &key2], 3, &not_known),
        (vec![secret("a")], [&key1, &clear_first], 3, &not_known),
        (under("key1", A, &["a"]), [&key1, &same], 0, &[]),
        ([under("key1", A, &["a"]), under("key2", B, &["b"])].concat(), [&key1, &key2], 2, &[one("secrets", "disputed", 2)]),
        (
            [under("key1", A, &["a"]), under("key1", B, &["b"])].concat(),
            [&key1, &config(&[rule(&["secrets"], &[("key1", B)])])],
            2,
            &[one("secrets", "disputed", 2)],
        ),
    ] {
        for configs in [[configs[0].clone(), configs[1].clone()], [configs[1].clone(), configs[0].clone()]] {
            let answer = verify(&values, &configs, &[]);
            assert_eq!((answer.code, left(&answer)), (code, why.to_vec()), "{}", answer.shown);
            assert_eq!(answer.shown.contains("Re-encryption COMPLETE"), code == 0, "{}", answer.shown);
            assert_eq!(answer.quiet.contains("configurations-differ"), code != 0, "{}", answer.quiet);
        }
    }
    let answer = verify(&under("key1", A, &["a"]), &[key2, key1], &["--require-key", "aesgcm/key1"]);
    assert!(answer.code == 0 && answer.shown.contains("Re-encryption COMPLETE"), "{}", answer.shown);
}

/// A name that stands for several local keys requires none of them for certain: the rule of the one configuration says which, else it is not
/// known, and what is under neither is left.
#[test]
fn a_required_name_of_several_local_keys_completes_nothing() {
    let of = |key| config(&[rule(&["secrets"], &[("key1", key), CLEAR])]);
    let under = |key, objects: &[&str]| objects.iter().map(|object| sealed(key, "key1", secret(object))).collect::<Vec<_>>();
    let disputed = |count| vec![one("secrets", "disputed", count)];
    let both = [under(A, &["a"]), under(B, &["b"])].concat();
    let elsewhere = config(&[rule(&["configmaps"], &[("key1", B)]), rule(&["secrets"], &[("key1", A)])]);
    let nowhere = config(&[rule(&["configmaps"], &[("key1", B)]), rule(&["pods"], &[("key1", A)])]);
    for (what, values, configs, code, why) in [
        ("some under each", both.clone(), vec![of(A), of(B)], 2, disputed(2)),
        ("all under the second", under(B, &["a", "b"]), vec![of(A), of(B)], 3, disputed(2)),
        ("all under the first", under(A, &["a", "b"]), vec![of(A), of(B)], 3, disputed(2)),
        ("the one rule says it", both, vec![elsewhere.clone()], 2, vec![one("secrets", "other-key-of-this-name", 1)]),
        ("the one rule says it, and all are so", under(A, &["a"]), vec![elsewhere], 0, vec![]),
        ("no rule says it", under(A, &["a"]), vec![nowhere], 3, disputed(1)),
        ("the same key twice", under(A, &["a"]), vec![of(A), of(A)], 0, vec![]),
    ] {
        let answer = verify(&values, &configs, &["--require-key", "aesgcm/key1"]);
        assert_eq!((answer.code, left(&answer)), (code, why), "{what}: {}", answer.shown);
        assert_eq!(answer.shown.contains("Re-encryption COMPLETE"), code == 0, "{what}: {}", answer.shown);
        assert_eq!(answer.quiet.contains("configurations-differ"), left(&answer).iter().any(|left| left.1 == "disputed"), "{what}");
    }
}

/// An API server whose configuration names no rule of a resource writes it in plaintext, and reads nothing of it that is encrypted.
#[test]
fn a_configuration_that_names_a_resource_differs_from_one_that_does_not() {
    let named = config(&[rule(&["secrets"], &[KEY1, CLEAR])]);
    let not_named = config(&[rule(&["configmaps"], &[KEY1, CLEAR])]);
    for configs in [[named.clone(), not_named.clone()], [not_named, named]] {
        for values in [vec![sealed(A, "key1", secret("a"))], vec![secret("a")]] {
            let answer = verify(&values, &configs, &[]);
            assert_eq!((answer.code, left(&answer)), (3, vec![one("secrets", "disputed", 1)]), "{}", answer.shown);
            assert!(!answer.shown.contains("Re-encryption COMPLETE"), "{}", answer.shown);
            assert!(answer.quiet.contains("configurations-differ"), "{}", answer.quiet);
        }
        let decided = verify(&[sealed(A, "key1", secret("a"))], &configs, &["--require-key", "aesgcm/key1"]);
        assert_eq!((decided.code, left(&decided)), (0, vec![]), "{}", decided.shown);
    }
}

/// A key that binds no value to its place opens what was moved: the object in it says of itself that it is another one, in kind or in name, also
/// in YAML.
#[test]
fn an_object_of_another_kind_or_name_was_moved_there() {
    let in_yaml = |kind: &str, name: &str| {
        format!("apiVersion: v1\ndata:\n  a: YQ==\nkind: {kind}\nmetadata:\n  name: {name}\n  namespace: prod\n").into_bytes()
    };
    let under = |key: &str, value: Vec<u8>| aes_cbc(A, "key1", (key.to_owned(), value));
    let config = json!({ "apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration", "resources": [{
        "resources": ["secrets"], "providers": [{ "aescbc": { "keys": [{ "name": "key1", "secret": STANDARD.encode(A) }] } }],
    }] });
    for (what, value, sealed_for) in [
        ("its own", secret("s").1, None),
        ("its own, in YAML", in_yaml("Secret", "s"), None),
        ("a ConfigMap", object("v1", "ConfigMap", "prod", "s"), Some("/registry/configmaps/prod/s")),
        ("a custom resource", object("example.com/v1", "Thing", "prod", "s"), Some("/registry/example.com/things/prod/s")),
        ("a ConfigMap in YAML", in_yaml("ConfigMap", "s"), Some("/registry/configmaps/prod/s")),
        ("another Secret", secret("t").1, Some("/registry/secrets/prod/t")),
        ("another Secret in YAML", in_yaml("Secret", "t"), Some("/registry/secrets/prod/t")),
    ] {
        let answer = verify(&[under("/registry/secrets/prod/s", value)], &[config.to_string()], &[]);
        let moved = u64::from(sealed_for.is_some());
        assert_eq!((answer.code, &answer.summary["moved"]), (if moved > 0 { 2 } else { 0 }, &json!(moved)), "{what}: {}", answer.shown);
        assert_eq!(answer.values[0]["sealed_for"].as_str(), sealed_for, "{what}");
        assert_eq!(answer.shown.contains("COMPLETE in"), moved == 0, "{what}: {}", answer.shown);
    }
}

/// An API server refuses to read what is encrypted of a resource that no rule of its configuration names.
#[test]
fn what_is_encrypted_though_no_rule_names_it_is_left() {
    let values =
        [sealed(A, "key1", secret("s")), sealed(A, "key1", plain("configmaps", "v1", "prod", "c")), plain("pods", "v1", "prod", "p")];
    let answer = verify(&values, &[config(&[rule(&["secrets"], &[KEY1])])], &[]);
    assert_eq!((answer.code, left(&answer)), (2, vec![one("configmaps", "not-named", 1)]), "{}", answer.shown);
    assert!(answer.shown.contains("no rule names the resource") && !answer.shown.contains("kubectl"), "{}", answer.shown);
    let answer = verify(&values[..1], &[config(&[rule(&["secrets"], &[KEY1])])], &[]);
    assert_eq!((answer.code, left(&answer)), (0, vec![]), "{}", answer.shown);
}

#[test]
fn a_secret_without_a_value_is_not_known() {
    let values = [sealed(A, "key1", secret("s")), ("/registry/secrets/prod/empty".to_owned(), Vec::new())];
    let answer = verify(&values, &[config(&[rule(&["secrets"], &[KEY1])])], &[]);
    assert_eq!((answer.code, left(&answer)), (3, vec![one("secrets", "not-known", 1)]), "{}", answer.shown);
}

/// What begins as a stored object does is no ciphertext, whatever prefix stands before it.
#[test]
fn an_object_in_clear_behind_a_prefix_is_plaintext_to_every_command() {
    let (storage_key, json) = secret("bare");
    let message = |fields: &[(u8, &[u8])]| {
        fields
            .iter()
            .flat_map(|(number, bytes)| [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], *bytes].concat())
            .collect::<Vec<u8>>()
    };
    let metadata = message(&[(1, b"bare"), (3, b"prod"), (5, b"u")]);
    let raw = message(&[(1, &metadata), (2, &message(&[(1, b"password"), (2, b"clear")])), (3, b"Opaque")]);
    let unknown = message(&[(1, &message(&[(1, b"v1"), (2, b"Secret")])), (2, &raw), (3, b""), (4, b"")]);
    let protobuf = [&b"k8s\0"[..], &unknown].concat();
    for prefix in
        ["k8s:enc:aescbc:v1:key1:", "k8s:enc:aesgcm:v1:a:b:", "k8s:enc:secretbox:v1:", "k8s:enc:kms:v2:aws:", "k8s:enc:xchacha:v9:"]
    {
        for object in [&json, &protobuf] {
            let values = [sealed(A, "key1", secret("s")), (storage_key.clone(), [prefix.as_bytes(), object].concat())];
            let answer = verify(&values, &[config(&[rule(&["secrets"], &[KEY1])])], &[]);
            assert_eq!((answer.code, left(&answer)), (2, vec![one("secrets", "plaintext", 1)]), "{prefix}: {}", answer.shown);
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("a.db"), database(&values)).unwrap();
            for command in ["scan", "carve"] {
                let (code, shown) = text(&run_in(dir.path(), &[command, "a.db"]));
                assert!(code == 2 && shown.contains("1 SECRET CAN BE READ"), "{prefix} {command}: {shown}");
            }
            let shown = run_in(dir.path(), &["show", "a.db", "prod/bare", "--reveal"]);
            assert!(String::from_utf8_lossy(&shown.stdout).contains("\"data\""), "{prefix}: {}", stderr(&shown));
        }
    }
}

/// What says of itself that it is a Secret is one, wherever it stands below the cluster's prefix.
#[test]
fn a_secret_under_another_resources_key_is_told_with_its_key() {
    let (_, object) = secret("s");
    for key in ["/registry/configmaps/prod/s", "/registry/masterleases/s", "/registry/example.com/widgets/prod/s"] {
        let dir = tempfile::tempdir().unwrap();
        let values = [plain("configmaps", "v1", "prod", "c"), sealed(A, "key1", secret("o")), (key.to_owned(), object.clone())];
        fs::write(dir.path().join("a.db"), database(&values)).unwrap();
        let (code, shown) = text(&run_in(dir.path(), &["scan", "a.db"]));
        assert!(code == 2 && shown.contains("1 SECRET CAN BE READ") && shown.contains(key), "{key}: {shown}");
        let all = records(&run_in(dir.path(), &["scan", "a.db", "--format", "jsonl"]));
        let value = *of_kind(&all, "value").iter().find(|value| value["key"] == key).unwrap();
        assert_eq!((&value["group_resource"], &value["protection"]), (&json!("secrets"), &json!("plaintext")));
        let anomalies = of_kind(&all, "anomaly");
        assert!(anomalies.iter().any(|anomaly| anomaly["class"] == "object-misplaced"), "{anomalies:?}");
    }
    // A custom resource of that kind is none.
    let dir = tempfile::tempdir().unwrap();
    let custom = ("/registry/example.com/secrets/prod/a".to_owned(), self::object("example.com/v1", "Secret", "prod", "a"));
    fs::write(dir.path().join("a.db"), database(&[sealed(A, "key1", secret("o")), custom])).unwrap();
    let (code, shown) = text(&run_in(dir.path(), &["scan", "a.db"]));
    assert_eq!(code, 0, "{shown}");
}

/// Two objects of one name, each of an API server of its own, are two rows and two commands.
#[test]
fn what_is_left_names_the_prefix_where_there_are_several() {
    let (one, other) = (sealed(A, "key1", secret("a")), secret("b"));
    let below = |prefix: &str, (key, value): &Stored| (key.replacen("/registry", prefix, 1), value.clone());
    let values = [one.clone(), other.clone(), below("/t", &one), below("/t", &other)];
    let answer = verify(&values, &[config(&[rule(&["secrets"], &[KEY1])])], &[]);
    let left: Vec<(&Value, &Value)> =
        answer.summary["left"].as_array().unwrap().iter().map(|left| (&left["prefix"], &left["count"])).collect();
    assert!(left.contains(&(&json!("/registry"), &json!(1))) && left.contains(&(&json!("/t"), &json!(1))), "{left:?}");
    let mut lines: Vec<&str> = answer.shown.lines().filter(|line| line.contains("kubectl") || line.contains("aesgcm/key1")).collect();
    assert!(
        answer.shown.contains("# at the API server of /t\n") && answer.shown.contains("# at the API server of /registry\n"),
        "{}",
        answer.shown
    );
    let all = lines.len();
    lines.sort_unstable();
    lines.dedup();
    assert!(all > 3 && lines.len() == all, "{}", answer.shown);
}

/// The prefix is named also where nothing is left below the other one: without it the command reaches another API server.
#[test]
fn what_is_left_names_its_prefix_where_another_has_nothing_left() {
    let below = |(key, value): Stored| (key.replacen("/registry", "/t", 1), value);
    let values = [sealed(A, "key1", secret("a")), below(secret("b")), sealed(A, "key1", below(secret("c")))];
    let answer = verify(&values, &[config(&[rule(&["secrets"], &[KEY1])])], &[]);
    assert_eq!(left(&answer), [one("secrets", "plaintext", 1)]);
    assert!(answer.shown.contains("# at the API server of /t\n"), "{}", answer.shown);
}

#[test]
fn a_value_of_unknown_form_is_not_known_and_not_plaintext() {
    let (key, whole) = sealed(A, "key1", secret("bare"));
    let bare = whole["k8s:enc:aesgcm:v1:key1:".len()..].to_vec();
    let name = |name: &str| format!("/registry/secrets/prod/{name}");
    for (what, value) in [
        ("without its prefix", (key, bare)),
        ("of another provider", (name("x"), b"k8s:enc:xchacha:v9:a:0123456789012345678901234567890123456789".to_vec())),
        ("with a cut prefix", (name("y"), b"k8s:enc:\xff\xfe".to_vec())),
        ("of a zero", (name("v"), b"\0".to_vec())),
        ("of a prefix in capitals", (name("w"), [&b"K8S:ENC:aescbc:v1:key1:"[..], &[1; 32]].concat())),
        ("of random bytes", (name("z"), (0..200u8).map(|byte| byte.wrapping_mul(97) | 0x80).collect())),
    ] {
        let answer = verify(&[sealed(A, "key1", secret("s")), value], &[config(&[rule(&["secrets"], &[KEY1, CLEAR])])], &[]);
        assert_eq!(left(&answer), [one("secrets", "not-known", 1)], "{what}");
        assert_eq!(answer.code, 3, "{what}: {}", answer.shown);
        assert!(
            answer.shown.contains("Re-encryption NOT KNOWN") && answer.quiet.contains("of 1 it is not known"),
            "{what}: {}",
            answer.shown
        );
        assert!(!answer.shown.contains("kubectl") && !answer.shown.contains("in plaintext"), "{what}: {}", answer.shown);
    }
}

#[test]
fn keys_of_one_name_are_all_tried_and_told_apart() {
    let values = [sealed(A, "key1", secret("a")), sealed(A, "key1", secret("c")), sealed(B, "key1", secret("b"))];
    let of = |key| config(&[rule(&["secrets"], &[("key1", key), CLEAR])]);
    for (what, configs, opened) in [("one key", vec![of(A)], 2), ("the other", vec![of(B)], 1)] {
        let answer = verify(&values, &configs, &[]);
        let outcomes: Vec<&str> = answer.values.iter().filter_map(|value| value["outcome"].as_str()).collect();
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == "opened").count(), opened, "{what}");
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == "other-key-or-damaged").count(), 3 - opened, "{what}: {outcomes:?}");
        assert_eq!((answer.code, &answer.summary["not_opened_by_required"]), (2, &json!(3 - opened)), "{what}");
        assert!(answer.shown.contains("another key of this name, or damaged"), "{what}: {}", answer.shown);
        assert!(answer.shown.contains("NOT COMPLETE") && !answer.shown.contains("Re-encryption COMPLETE"), "{what}: {}", answer.shown);
    }
    // Both open all. Which of two keys is to write is not known where each configuration has another; it leaves some either way.
    let both = config(&[rule(&["pods"], &[("key1", B)]), rule(&["secrets"], &[KEY1])]);
    for (configs, why) in [([of(A), of(B)], one("secrets", "disputed", 3)), ([of(A), both], one("secrets", "other-key-of-this-name", 1))] {
        let answer = verify(&values, &configs, &[]);
        assert!(answer.values.iter().all(|value| value["outcome"] == "opened"), "{}", answer.shown);
        assert!(answer.quiet.starts_with("all 3 encrypted current values open with the keys given"), "{}", answer.quiet);
        assert_eq!((answer.code, left(&answer)), (2, vec![why]));
    }
    // The same key twice is one key.
    let answer = verify(&values[..2], &[of(A), of(A)], &[]);
    assert_eq!((answer.code, left(&answer)), (0, vec![]), "{}", answer.shown);
    // A flipped bit is never opened, whatever keys there are.
    let (key, mut value) = values[0].clone();
    *value.last_mut().unwrap() ^= 1;
    let answer = verify(&[(key, value), values[1].clone()], &[of(A), of(B)], &[]);
    assert_eq!((answer.code, &answer.summary["current_opened"]), (2, &json!(1)));
    assert!(answer.shown.contains("NOT COMPLETE"), "{}", answer.shown);
}

/// A filter makes no verdict on what it hides: the answer is of its scope, and says so.
#[test]
fn what_is_complete_in_scope_is_not_complete_in_the_files() {
    let configs = [config(&[rule(&["secrets", "configmaps"], &[KEY1, CLEAR])])];
    let plain = plain("configmaps", "v1", "prod", "c");
    let values = [sealed(A, "key1", secret("s")), plain];
    assert_eq!(verify(&values, &configs, &[]).code, 2);
    for filter in [&["--resources", "secrets"][..], &["--name", "s"], &["--resources", "secrets,pods"]] {
        let answer = verify(&values, &configs, filter);
        assert!(!answer.shown.contains("COMPLETE") && answer.shown.contains("complete in scope ("), "{filter:?}: {}", answer.shown);
        let of_scope = answer.shown.lines().filter(|line| line.contains("in scope (")).count();
        assert!(of_scope >= 3, "headline, judgement and last line: {}", answer.shown);
    }
}

#[test]
fn what_was_left_behind_is_not_what_the_member_has() {
    let configs = [config(&[rule(&["secrets"], &[KEY1, CLEAR])])];
    let now = database(&[sealed(A, "key1", secret("s")), sealed(A, "key1", secret("t"))]);
    for (what, name, leftover, opened) in [
        ("plaintext", "0000000000000007.snap.db", database(&[secret("s"), secret("old")]), None),
        ("another key", "db.tmp.12", database(&[sealed(B, "key0", secret("s"))]), None),
        ("the same key", "tmp123456", database(&[sealed(A, "key1", secret("s"))]), Some(1)),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let snap = dir.path().join("etcd/member/snap");
        fs::create_dir_all(&snap).unwrap();
        fs::create_dir_all(dir.path().join("etcd/member/wal")).unwrap();
        fs::write(snap.join("db"), &now).unwrap();
        fs::write(snap.join(name), &leftover).unwrap();
        let answer = verify_in(dir.path(), "etcd", &configs, &[]);
        assert!(answer.shown.starts_with("all 2 encrypted current values open with the keys given\n"), "{what}: {}", answer.shown);
        assert!(answer.shown.contains("Re-encryption COMPLETE in these files: all 2 current values are"), "{what}: {}", answer.shown);
        assert_eq!((&answer.summary["not_under_required"], &answer.summary["current"]), (&json!(0), &json!(2)), "{what}");
        assert!(!answer.shown.contains("kubectl"), "{what}: {}", answer.shown);
        assert_eq!(answer.shown.contains("LEFT BEHIND, not what the member has now"), opened.is_none(), "{what}: {}", answer.shown);
        let leftover: Vec<&Value> = answer.summary["left"].as_array().unwrap().iter().filter(|left| left["leftover"] == true).collect();
        assert_eq!(leftover.is_empty(), opened.is_some(), "{what}");
    }
}

/// What the log has behind the database and nobody is known to have agreed on may be carried out yet: it is not older than what the
/// database has, and where it is not as required nothing is complete. What a committed entry asks for that is not known may be anything.
#[test]
fn entries_behind_the_database_leave_it_open_whether_all_is_as_required() {
    let configs = [config(&[rule(&["secrets"], &[KEY1, CLEAR])])];
    let put = |(key, value): Stored| bytes(4, &[bytes(1, key.as_bytes()), bytes(2, &value)].concat());
    let now = sealed(A, "key1", secret("s"));
    for (what, request, is_committed, is_complete) in [
        ("a plaintext write", put(secret("s")), false, false),
        ("another key", put(sealed(B, "key0", secret("s"))), false, false),
        ("a write as required", put(sealed(A, "key1", secret("s"))), false, true),
        ("what is not known", bytes(2000, &bytes(1, b"x")), true, false),
        ("what is not known and not agreed on", bytes(2000, &bytes(1, b"x")), false, true),
        ("a read", bytes(3, &bytes(1, b"/read")), true, true),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("etcd/member/snap")).unwrap();
        fs::create_dir_all(dir.path().join("etcd/member/wal")).unwrap();
        let entry = Write { main: 2, key: now.0.clone().into_bytes(), value: now.1.clone() }.entry();
        let own = pages::database(&[pages::root_at(3, 2), pages::leaf(3, &[entry])]);
        fs::write(dir.path().join("etcd/member/snap/db"), own).unwrap();
        let requests = [bytes(3, &bytes(1, b"/read")), bytes(3, &bytes(1, b"/read")), request];
        let log = segment_from(1, &requests, 2 + u64::from(is_committed));
        fs::write(dir.path().join("etcd/member/wal/0000000000000000-0000000000000000.wal"), log).unwrap();
        let answer = verify_in(dir.path(), "etcd", &configs, &[]);
        assert_eq!(answer.shown.contains("Re-encryption COMPLETE"), is_complete, "{what}: {}", answer.shown);
        assert_eq!(answer.shown.contains("Re-encryption NOT KNOWN"), !is_complete, "{what}: {}", answer.shown);
        assert!(answer.code == 0 || !is_complete && answer.code == 3, "{what}: {} {}", answer.code, answer.shown);
        // What a log leaves open is no form of storage that is not known.
        let (of_log, of_form) = (answer.quiet.contains("current-not-known"), answer.quiet.contains("unknown-storage"));
        assert_eq!((of_log, of_form), (!is_complete, false), "{what}: {}", answer.quiet);
        assert!(!answer.shown.contains("Older plaintext"), "{what}: {}", answer.shown);
        let scanned = text(&run_in(dir.path(), &["scan", "etcd"])).1;
        assert!(!scanned.contains("older plaintext"), "{what}: {scanned}");
    }
}

#[test]
fn a_required_key_holds_for_what_the_configuration_encrypts() {
    let values = [sealed(A, "key1", secret("s")), plain("configmaps", "v1", "prod", "c"), plain("pods", "v1", "prod", "p")];
    let configs = [config(&[rule(&["secrets", "configmaps"], &[("key0", B), KEY1]), rule(&["pods"], &[CLEAR])])];
    let answer = verify(&values, &configs, &["--require-key", "aesgcm/key1"]);
    assert_eq!((answer.code, left(&answer)), (2, vec![one("configmaps", "plaintext", 1)]));
    // A first key that cannot be used is the required one all the same.
    let bad = config(&[rule(&["secrets"], &[KEY1])]).replacen(&STANDARD.encode(A), "!", 1);
    let answer = verify(&values[..1], &[bad], &[]);
    assert_eq!((answer.code, &answer.summary["required"]), (3, &json!(["aesgcm/key1"])), "{}", answer.shown);
    // Behind a provider that is not known `identity` is not the first.
    let odd = config(&[json!({ "resources": ["secrets"], "providers": [{ "rot13": {} }, { "identity": {} }] })]);
    let answer = verify(&[secret("a")], &[odd], &[]);
    assert_eq!((answer.code, left(&answer)), (3, vec![one("secrets", "not-known", 1)]), "{}", answer.shown);
}

/// A configuration is never read without end.
#[cfg(target_os = "linux")]
#[test]
fn an_endless_device_is_no_configuration() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.db"), database(&[secret("s")])).unwrap();
    let run = |args: &[&str]| -> Output { sleuth().current_dir(dir.path()).args(args).output().unwrap() };
    for args in [
        &["verify", "a.db", "--encryption-config", "/dev/zero"][..],
        &["keys", "a.db", "--encryption-config", "/dev/zero"],
        &["show", "a.db", "prod/s", "--reveal", "--encryption-config", "/dev/zero"],
    ] {
        let output = run(args);
        let said = stderr(&output);
        assert!(
            output.status.code() == Some(1) && said.contains("/dev/zero") && said.contains("more than 4194304 bytes"),
            "{args:?}: {said}"
        );
    }
}
