//! A Secret in clear that stands within a value that is told as something else: within another object, or where ciphertext should be.
//! `scan` and `carve` say of it alike that it was not read.

use std::collections::BTreeMap;
use std::io::Write as _;

use crate::common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::pages::{self, Write};
use common::raft::{bytes, number, segment};
use common::{of_kind, records, run_in};
use etcd_sleuth::envelope::pb::EncryptedObject;
use prost::Message;
use serde_json::json;

const JSON: &str =
    r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x","namespace":"ns"},"type":"Opaque","data":{"a":"TUFSS0VS"}}"#;
/// As `kubectl` keeps what was applied: sorted, so that the kind stands behind the data.
const SORTED: &str =
    r#"{"apiVersion":"v1","data":{"a":"TUFSS0VS"},"kind":"Secret","metadata":{"name":"x","namespace":"ns"},"type":"Opaque"}"#;
const YAML: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\n  namespace: ns\nstringData:\n  a: MARKER\n";

/// An object as the API server stores it in protobuf; `fields` stand behind its metadata.
fn object(kind: &str, annotation: &str, fields: &[u8]) -> Vec<u8> {
    let kind = [bytes(1, b"v1"), bytes(2, kind.as_bytes())].concat();
    let annotation = [bytes(1, b"kubectl.kubernetes.io/last-applied-configuration"), bytes(2, annotation.as_bytes())].concat();
    let metadata = [bytes(1, b"x"), bytes(3, b"ns"), bytes(12, &annotation)].concat();
    let object = [bytes(1, &metadata), fields.to_vec()].concat();
    [b"k8s\0".to_vec(), bytes(1, &kind), bytes(2, &object), bytes(3, b""), bytes(4, b"")].concat()
}

/// An item of a ConfigMap, or of a Secret.
fn item(field: u64, value: &[u8]) -> Vec<u8> {
    bytes(field, &[bytes(1, b"item"), bytes(2, value)].concat())
}

fn secret() -> Vec<u8> {
    object("Secret", "", &[item(2, b"MARKER"), bytes(3, b"Opaque")].concat())
}

/// The exit code where plaintext is no reason, and what was not read.
fn unread(name: &str, content: &[u8], command: &str) -> (Option<i32>, Vec<(String, String)>) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(name), content).unwrap();
    let all = run_in(dir.path(), &[command, name, "--fail-on", "never", "--format", "jsonl"]);
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let told = of_kind(&records(&all), "unread").into_iter().map(|one| (word(&one["reason"]), word(&one["of"]))).collect();
    (all.status.code(), told)
}

fn database(key: &str, value: &[u8]) -> Vec<u8> {
    pages::database_of(&[Write { main: 3, key: key.as_bytes().to_vec(), value: value.to_vec() }])
}

fn log(key: &str, value: &[u8]) -> Vec<u8> {
    segment(&[[number(1, 9), bytes(4, &[bytes(1, key.as_bytes()), bytes(2, value)].concat())].concat()])
}

fn is_told(key: &str, value: &[u8]) {
    let told = (Some(3), vec![("within".to_owned(), "secret".to_owned())]);
    for command in ["scan", "carve"] {
        assert_eq!(unread("a.db", &database(key, value), command), told, "{command} {}", value.escape_ascii());
    }
    assert_eq!(unread("0000000000000000-0000000000000000.wal", &log(key, value), "scan"), told, "{}", value.escape_ascii());
}

fn is_nothing(key: &str, value: &[u8]) {
    for command in ["scan", "carve"] {
        assert_eq!(unread("a.db", &database(key, value), command).1, [], "{command} {}", value.escape_ascii());
    }
}

#[test]
fn a_secret_within_another_object_is_told_in_whatever_form() {
    let text = |text: &str| text.to_owned();
    let hex: String = JSON.bytes().map(|byte| format!("{byte:02x}")).collect();
    for written in [text(JSON), text(SORTED), text(YAML), STANDARD.encode(JSON), STANDARD.encode(YAML), STANDARD.encode(secret()), hex] {
        is_told("/registry/configmaps/ns/x", &object("ConfigMap", "", &item(2, written.as_bytes())));
        is_told("/registry/configmaps/ns/x", &object("ConfigMap", "", &item(3, written.as_bytes())));
        is_told("/registry/configmaps/ns/x", &object("ConfigMap", &written, b""));
        let custom = json!({ "apiVersion": "addons.example.com/v1", "kind": "Set", "metadata": { "name": "x" }, "spec": written });
        is_told("/registry/addons.example.com/sets/ns/x", custom.to_string().as_bytes());
        is_told("/registry/addons.example.com/sets/ns/x", serde_json::to_string_pretty(&custom).unwrap().as_bytes());
    }
    let list = [b"k8s\0".to_vec(), bytes(1, &[bytes(1, b"v1"), bytes(2, b"SecretList")].concat())];
    let of_secret = [bytes(1, &[bytes(1, b"x"), bytes(3, b"ns")].concat()), item(2, b"MARKER"), bytes(3, b"Opaque")].concat();
    let list = [list.concat(), bytes(2, &[bytes(1, b""), bytes(2, &of_secret)].concat()), bytes(3, b""), bytes(4, b"")].concat();
    // As the API server writes it in CBOR.
    let cbor =
        b"\xd9\xd9\xf7\xa4\x44data\xa1\x41a\xd6\x46MARKER\x44kind\x46Secret\x48metadata\xa1\x44name\x41x\x4aapiVersion\x42v1".to_vec();
    is_told("/registry/configmaps/ns/x", &object("ConfigMap", "", &item(3, &cbor)));
    for inner in [secret(), list] {
        is_told("/registry/configmaps/ns/x", &object("ConfigMap", "", &item(3, &inner)));
        is_told("/registry/configmaps/ns/x", &object("ConfigMap", "", &item(2, STANDARD.encode(&inner).as_bytes())));
    }
    // As an object, in either order of its fields.
    for inner in [JSON, SORTED] {
        for custom in [
            format!(r#"{{"apiVersion":"e.com/v1","kind":"Object","metadata":{{"name":"x"}},"spec":{{"manifest":{inner}}}}}"#),
            // Of a field that stands twice a reader takes the last one.
            format!(r#"{{"apiVersion":"e.com/v1","kind":"Object","metadata":{{"name":"x"}},"spec":{inner},"spec":{{}}}}"#),
            format!(r#"{{"apiVersion":"e.com/v1","kind":"Object","spec":[{{"apiVersion":"v1","kind":"List","items":[{inner}]}}]}}"#),
        ] {
            is_told("/registry/e.com/objects/ns/x", custom.as_bytes());
        }
    }
}

/// Where a manifest is packed, as Helm packs it, or written twice, or as the numbers of its bytes.
#[test]
fn a_secret_within_another_object_is_told_however_often_it_is_written() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let release = |manifest: &str| json!({ "name": "x", "chart": { "files": [] }, "manifest": manifest, "version": 1 }).to_string();
    let each = |format: fn(u8) -> String, between: &str| JSON.bytes().map(format).collect::<Vec<_>>().join(between);
    let written = [
        STANDARD.encode(gzip(JSON.as_bytes())),
        STANDARD.encode(gzip(&secret())),
        STANDARD.encode(gzip(release(YAML).as_bytes())),
        STANDARD.encode(STANDARD.encode(JSON)),
        STANDARD.encode(STANDARD.encode(YAML)),
        each(|byte| format!("{byte:02x}"), " "),
        each(|byte| format!("{byte:02X}"), ":"),
        each(|byte| format!("0x{byte:02x}"), ", "),
        each(|byte| format!("\\x{byte:02x}"), ""),
        each(|byte| byte.to_string(), ","),
    ];
    for written in written {
        is_told("/registry/configmaps/ns/x", &object("ConfigMap", "", &item(2, written.as_bytes())));
        let custom = json!({ "apiVersion": "addons.example.com/v1", "kind": "Set", "metadata": { "name": "x" }, "spec": written });
        is_told("/registry/addons.example.com/sets/ns/x", custom.to_string().as_bytes());
    }
    is_told("/registry/configmaps/ns/x", &object("ConfigMap", "", &item(3, &gzip(JSON.as_bytes()))));
    // What is packed and holds no Secret is none.
    for other in ["a text that says Secret", &release("kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: Secret\n")] {
        is_nothing("/registry/configmaps/ns/x", &object("ConfigMap", "", &item(2, STANDARD.encode(gzip(other.as_bytes())).as_bytes())));
        is_nothing("/registry/configmaps/ns/x", &object("ConfigMap", "", &item(3, &gzip(other.as_bytes()))));
    }
}

#[test]
fn what_refers_to_secrets_or_repeats_other_objects_holds_none() {
    let applied = r#"{"apiVersion":"v1","data":{"a":"a Secret is read by kind: Secret"},"kind":"ConfigMap","metadata":{"name":"x"}}"#;
    is_nothing("/registry/configmaps/ns/x", &object("ConfigMap", applied, &item(2, b"a Secret is read by kind: Secret")));
    let refers = json!({
        "apiVersion": "helm.example.com/v2", "kind": "Release", "metadata": { "name": "x" },
        "spec": { "valuesFrom": [{ "kind": "Secret", "name": "values" }], "secretRef": { "apiVersion": "v1", "kind": "Secret", "name": "x" } },
    });
    is_nothing("/registry/helm.example.com/releases/ns/x", refers.to_string().as_bytes());
    is_nothing("/registry/configmaps/ns/x", &object("ConfigMap", "", &item(2, STANDARD.encode("Secret words").as_bytes())));
    // Another group may have a kind of this name.
    let other = json!({ "apiVersion": "example.com/v1", "kind": "Secret", "metadata": { "name": "x" }, "spec": { "a": "b" } });
    let with_data = json!({ "apiVersion": "example.com/v1", "data": { "a": "b" }, "kind": "Secret", "metadata": { "name": "x" } });
    for other in [&other, &with_data] {
        is_nothing("/registry/example.com/secrets/ns/x", other.to_string().as_bytes());
        is_nothing("/registry/example.com/secrets/ns/x", serde_json::to_string_pretty(other).unwrap().as_bytes());
    }
    is_nothing(
        "/registry/configmaps/ns/x",
        &object("ConfigMap", &other.to_string(), &item(2, serde_json::to_string_pretty(&other).unwrap().as_bytes())),
    );
    // A Secret that holds another one is told as what it is.
    is_nothing("/registry/secrets/ns/x", &object("Secret", SORTED, &[item(2, YAML.as_bytes()), bytes(3, b"Opaque")].concat()));
}

#[test]
fn a_secret_where_ciphertext_should_be_is_told_in_whatever_field() {
    let sealed = |change: fn(&mut EncryptedObject, Vec<u8>), inner: Vec<u8>| {
        let mut object = EncryptedObject {
            encrypted_data: (7..67).collect(),
            key_id: "key".into(),
            encrypted_dek_source: vec![7; 40],
            annotations: BTreeMap::new(),
            encrypted_dek_source_type: 0,
        };
        change(&mut object, inner);
        [&b"k8s:enc:kms:v2:name:"[..], &object.encode_to_vec()].concat()
    };
    let in_data: fn(&mut EncryptedObject, Vec<u8>) = |object, inner| object.encrypted_data = inner;
    let in_annotation: fn(&mut EncryptedObject, Vec<u8>) = |object, inner| {
        object.annotations.insert("a.example.com".into(), inner);
    };
    let in_dek_source: fn(&mut EncryptedObject, Vec<u8>) = |object, inner| object.encrypted_dek_source = inner;
    is_nothing("/registry/secrets/ns/x", &sealed(in_data, vec![0x33; 80]));
    for inner in [JSON.as_bytes().to_vec(), YAML.as_bytes().to_vec(), secret(), STANDARD.encode(JSON).into_bytes()] {
        for change in [in_data, in_annotation, in_dek_source] {
            is_told("/registry/secrets/ns/x", &sealed(change, inner.clone()));
        }
        is_told("/registry/secrets/ns/x", &[sealed(in_data, vec![0x33; 80]), bytes(15, &inner)].concat());
        for prefix in ["aesgcm:v1:key1", "secretbox:v1:key1", "aescbc:v1:key1", "kms:v1:name", "new:v9:x"] {
            let value = [format!("k8s:enc:{prefix}:").as_bytes(), &[0x6b; 24], &inner, &[0x2b; 16]].concat();
            is_told("/registry/secrets/ns/x", &value);
        }
    }
}

/// Text behind a prefix is no ciphertext, and nothing of it is shown as a key's name.
#[test]
fn text_behind_a_prefix_is_told_and_not_shown() {
    let data = r#"{"data":{"password":"aHVudGVyMg==:MARKER"},"metadata":{"name":"x"},"type":"Opaque"}"#;
    let dsn = "password=MARKER and dsn=postgres://app:MARKER:5432/db with more behind it";
    let colons = "user:MARKER:5432:and more of it that is long enough to be one";
    for text in [data, dsn, colons] {
        for provider in ["aesgcm", "secretbox", "aescbc"] {
            let value = format!("k8s:enc:{provider}:v1:key1:{text}");
            let filled = value + &"x".repeat(16 - text.len() % 16);
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("a.db"), database("/registry/secrets/ns/x", filled.as_bytes())).unwrap();
            for args in [
                &["scan", "a.db"][..],
                &["scan", "a.db", "--format", "jsonl"],
                &["keys", "a.db"],
                &["show", "a.db", "ns/x"],
                &["carve", "a.db"],
            ] {
                let output = run_in(dir.path(), args);
                let shown = [output.stdout, output.stderr].concat();
                assert!(!shown.windows(6).any(|part| part == b"MARKER"), "{args:?} {}", String::from_utf8_lossy(&shown));
            }
            assert_eq!(run_in(dir.path(), &["scan", "a.db"]).status.code(), Some(3), "{filled}");
        }
    }
}

/// Of a value whose end is lost the beginning is searched too.
#[test]
fn a_secret_within_the_beginning_of_another_object_is_told() {
    let value = object("ConfigMap", "", &[item(2, YAML.as_bytes()), item(2, &[b'x'; 4000])].concat());
    let write = Write { main: 3, key: b"/registry/configmaps/ns/x".to_vec(), value };
    let cut = pages::leaf(3, &[pages::Entry::value(&write.stored_under(), &write.stored()[..900])]);
    let bytes = pages::database(&[pages::root(4), cut, pages::leaf(4, &[Write::at(2).entry()])]);
    assert_eq!(unread("a.db", &bytes, "scan").0, Some(3));
}
