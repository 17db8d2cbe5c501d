//! Every value that the API server's own transformers sealed opens, and is what they were given.

use crate::common;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::Fixture;
use etcd_sleuth::envelope::open::{DataKey, DekSourceId, LocalKey, Opened, Proof, Unopened};
use etcd_sleuth::envelope::{Body, EncryptedObject, Provider, Sealed};
use etcd_sleuth::evidence::digest::Sha256Digest;
use serde_json::Value;

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

fn key_of(write: &Value) -> Vec<u8> {
    write["key"].as_str().map_or_else(|| bytes(&write["key_base64"]), |key| key.as_bytes().to_vec())
}

/// What a fixture's truth knows of keys.
struct Keys {
    local: BTreeMap<(String, String), LocalKey>,
    deks: BTreeMap<String, Vec<u8>>,
}

impl Keys {
    fn of(truth: &Value) -> Self {
        let local = truth["keys"]["local"].as_array().into_iter().flatten().map(|key| {
            let secret = bytes(&key["secret_base64"]);
            let provider = key["provider"].as_str().unwrap();
            let made = match provider {
                "aescbc" => LocalKey::aes_cbc(&secret),
                "aesgcm" => LocalKey::aes_gcm(&secret),
                "secretbox" => LocalKey::secretbox(&secret),
                other => panic!("{other}"),
            };
            ((provider.to_owned(), key["name"].as_str().unwrap().to_owned()), made.unwrap())
        });
        let deks = truth["keys"]["deks"].as_object().into_iter().flatten();
        let deks = deks.map(|(digest, dek)| (digest.clone(), bytes(&dek["plaintext_base64"])));
        Self { local: local.collect(), deks: deks.collect() }
    }

    fn open(&self, write: &Value, value: &[u8], storage_key: &[u8]) -> Result<Opened, Unopened> {
        let name = write["provider_name"].as_str().unwrap();
        let sealed = Sealed::parse(value).unwrap();
        let body = sealed.rest.strip_prefix(name.as_bytes()).unwrap().strip_prefix(b":").unwrap();
        let data_key = |id: DekSourceId| {
            assert_eq!(id.wrapped.to_string(), write["dek_source_sha256"].as_str().unwrap());
            DataKey::new(id.kind, &self.deks[&id.wrapped.to_string()]).unwrap()
        };
        match Body::parse(sealed.provider, body).unwrap() {
            Body::Kms(envelope) => data_key(DekSourceId::of(name, &envelope).unwrap()).open(envelope.sealed, storage_key),
            Body::Local(sealed) => self.local[&(write["provider"].as_str().unwrap().to_owned(), name.to_owned())].open(sealed, storage_key),
        }
    }
}

/// Encrypted values of known providers, each with its write and its bytes where the truth found them.
fn sealed_values<'a>(fixture: &'a Fixture, truth: &'a Value) -> Vec<(&'a Value, &'a [u8])> {
    let writes = truth["writes"].as_array().unwrap();
    let places = ["retained", "elsewhere"].iter().flat_map(|list| truth[*list].as_array().unwrap());
    let mut seen = BTreeSet::new();
    let values = places.filter_map(|place| {
        let write = &writes[usize::try_from(place["w"].as_u64()?).unwrap()];
        let known = ["aescbc", "aesgcm", "secretbox", "kms"].contains(&write["provider"].as_str()?) && write["provider_version"] != "v9";
        let at = usize::try_from(place["offset"].as_u64()?).unwrap();
        let length = usize::try_from(place["length"].as_u64()?).unwrap();
        (known && seen.insert(at)).then(|| (write, &fixture.bytes[at..at + length]))
    });
    values.collect()
}

#[test]
fn every_sealed_value_of_every_fixture_opens_to_what_was_sealed() {
    let mut forms = BTreeMap::<(String, String, Option<i64>, bool), usize>::new();
    for fixture in Fixture::all() {
        let truth = fixture.truth();
        let keys = Keys::of(&truth);
        for (write, value) in sealed_values(&fixture, &truth) {
            let what = format!("{} w {}", fixture.name, write["w"]);
            let opened = keys.open(write, value, &key_of(write)).unwrap_or_else(|error| panic!("{what}: {error}"));
            let plaintext = opened.plaintext.as_ref();
            assert_eq!(plaintext.len() as u64, write["plaintext_len"].as_u64().unwrap(), "{what}");
            assert_eq!(Sha256Digest::of(plaintext).to_string(), write["plaintext_sha256"].as_str().unwrap(), "{what}");
            let form = |field: &str| write[field].as_str().unwrap().to_owned();
            let form = (form("provider"), form("provider_version"), write["dek_source_type"].as_i64(), opened.proof == Proof::Tag);
            *forms.entry(form).or_default() += 1;
        }
    }
    let found: Vec<_> = forms.keys().map(|(provider, version, kind, tag)| (provider.as_str(), version.as_str(), *kind, *tag)).collect();
    let all = [
        ("aescbc", "v1", None, false),
        ("aesgcm", "v1", None, true),
        ("kms", "v1", None, false),
        ("kms", "v1", None, true),
        ("kms", "v2", Some(0), true),
        ("kms", "v2", Some(1), true),
        ("secretbox", "v1", None, true),
    ];
    assert_eq!(found, all, "every form that API servers have written is among them: {forms:?}");
}

/// Where the last byte of the ciphertext or its tag stands: at the end, but in KMS v2's message before its other fields.
fn last_sealed_byte(value: &[u8]) -> usize {
    let sealed = Sealed::parse(value).unwrap();
    if sealed.provider != Provider::KmsV2 {
        return value.len() - 1;
    }
    let body = &sealed.rest[sealed.rest.iter().position(|byte| *byte == b':').unwrap() + 1..];
    let data = EncryptedObject::parse(body).unwrap().encrypted_data;
    value.windows(data.len()).position(|window| window == data).unwrap() + data.len() - 1
}

/// A changed byte or another storage key never opens to what was sealed.
#[test]
fn a_changed_byte_or_storage_key_never_opens() {
    let fixture = Fixture::named("migration");
    let truth = fixture.truth();
    let keys = Keys::of(&truth);
    for (write, value) in sealed_values(&fixture, &truth) {
        let what = format!("w {}", write["w"]);
        let is_sealed_plaintext =
            |opened: &Opened| Sha256Digest::of(opened.plaintext.as_ref()).to_string() == write["plaintext_sha256"].as_str().unwrap();
        let mut changed = value.to_vec();
        changed[last_sealed_byte(value)] ^= 1;
        if let Ok(opened) = keys.open(write, &changed, &key_of(write)) {
            assert!(opened.proof == Proof::Padding && !is_sealed_plaintext(&opened), "{what}");
        }
        // AES-GCM binds a value to its key in etcd; AES-CBC and secretbox do not.
        let moved = keys.open(write, value, b"/registry/secrets/other/place");
        match (write["provider"].as_str().unwrap(), moved) {
            ("aescbc" | "secretbox", opened) => assert!(is_sealed_plaintext(&opened.unwrap_or_else(|e| panic!("{what}: {e}"))), "{what}"),
            (_, Err(error)) => assert_eq!(error, Unopened::Tag, "{what}"),
            (provider, Ok(opened)) => assert!(provider == "kms" && opened.proof == Proof::Padding, "{what}"),
        }
    }
}
