//! Whether what can still be read of a Secret is its value of today: `verify` compares the two where it can open today's.

use crate::common;

use std::fs;

use common::pages::{self, Write};
use common::sealed::aes_gcm;
use common::{of_kind, records, run_in, text};
use serde_json::json;

const KEY: [u8; 32] = *b"0123456789abcdef0123456789abcdef";

/// A Secret as the API server stores it.
fn secret(name: &str, password: &str) -> (String, Vec<u8>) {
    let metadata = json!({ "namespace": "prod", "name": name });
    let object = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": { "password": password } });
    (format!("/registry/secrets/prod/{name}"), serde_json::to_vec(&object).unwrap())
}

#[test]
fn an_older_plaintext_is_held_against_todays_value_where_that_opens() {
    let mut writes = Vec::new();
    // The same, another one, and one that the key which is given does not open.
    for (name, before, now, key) in [("same", "b25l", "b25l", KEY), ("changed", "b25l", "dHdv", KEY), ("closed", "b25l", "b25l", [7; 32])] {
        writes.push(secret(name, before));
        writes.push(aes_gcm(key, if key == KEY { "key1" } else { "other" }, secret(name, now)));
    }
    let entries =
        (2..).zip(&writes).map(|(main, (key, value))| Write { main, key: key.clone().into_bytes(), value: value.clone() }.entry());
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.db"), pages::database(&[pages::root(3), pages::leaf(3, &entries.collect::<Vec<_>>())])).unwrap();
    let configuration = json!({ "kind": "EncryptionConfiguration", "apiVersion": "apiserver.config.k8s.io/v1", "resources": [{
        "resources": ["secrets"],
        "providers": [{ "aesgcm": { "keys": [{ "name": "key1", "secret": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" }] } }],
    }] });
    fs::write(dir.path().join("enc.yaml"), configuration.to_string()).unwrap();
    let args = ["verify", "a.db", "--encryption-config", "enc.yaml"];
    let all = records(&run_in(dir.path(), &[&args[..], &["--format", "jsonl"]].concat()));
    let verify = &of_kind(&all, "summary")[0]["verify"];
    let counts = ["same_value", "changed_value", "not_comparable"].map(|field| verify[field].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 1]);
    let said = text(&run_in(dir.path(), &args)).1;
    assert!(said.contains("1 the same (ROTATE THESE FIRST), 1 changed, 1 not comparable"), "{said}");
    assert!(said.contains("  /registry/secrets/prod/same: password\n"), "{said}");
}
