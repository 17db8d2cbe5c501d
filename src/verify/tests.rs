use std::borrow::Cow;

use super::contents::Contents;
use super::wanted::of_configs;
use super::{Answer, NoTarget, Standing, Target};
use crate::envelope::KeyIdentity;
use crate::kms::{EncryptionConfig, Reason, SameKeys};
use crate::kubernetes::{GroupResource, StorageKey};

fn key(provider: &str, version: &str, name: &str, key_id: Option<&str>) -> KeyIdentity<'static> {
    KeyIdentity::new(provider.as_bytes(), version.as_bytes(), Some(name), key_id).owned()
}

const ARN: &str = "arn:aws:kms:eu-west-1:1:key/a/b";

fn seen() -> Vec<KeyIdentity<'static>> {
    vec![
        key("aescbc", "v1", "key1", None),
        key("aesgcm", "v1", "key1", None),
        key("kms", "v1", "aws", None),
        key("kms", "v2", "aws", Some(ARN)),
        key("kms", "v2", "two", Some("id1")),
        key("kms", "v2", "two", Some("id2")),
        key("kms", "v2", "other", Some(ARN)),
    ]
}

#[test]
fn a_key_is_found_by_name_by_name_and_id_and_by_id() {
    let find = |text: &str| Target::find(text, &seen(), &SameKeys::default()).map(|target| target.keys);
    assert_eq!(find("aescbc/key1"), Ok(vec![seen()[0].clone()]));
    // One KMS key under two providers' names is one key, by whichever it is named.
    assert_eq!(find(&format!("kms/aws/{ARN}")), Ok(vec![seen()[3].clone(), seen()[6].clone()]));
    assert_eq!(find("kms/two/id2"), Ok(vec![seen()[5].clone()]));
    assert_eq!(find(ARN), Ok(vec![seen()[3].clone(), seen()[6].clone()]));
    // The name that only one of them has, KMS v1's own, is exactly that one.
    assert_eq!(find("kms/aws"), Ok(vec![seen()[2].clone()]));
}

#[test]
fn what_may_be_several_keys_lists_them_and_what_is_none_lists_those_that_are() {
    let Err(NoTarget::Ambiguous { readings, .. }) = Target::find("kms/two", &seen(), &SameKeys::default()) else { panic!("found") };
    assert_eq!(readings, ["kms/two/id1", "kms/two/id2"]);
    // A name alone is one of those that have it.
    let Err(NoTarget::Ambiguous { readings, .. }) = Target::find("key1", &seen(), &SameKeys::default()) else { panic!("found") };
    assert_eq!(readings, ["aescbc/key1", "aesgcm/key1"]);
    assert_eq!(
        Target::find("other", &seen(), &SameKeys::default()).map(|target| target.keys),
        Ok(vec![seen()[6].clone(), seen()[3].clone()])
    );
    for text in ["key9", "aescbc", "secretbox/key1", "kms/aws/arn", ""] {
        let Err(NoTarget::Unseen { seen: listed, .. }) = Target::find(text, &seen(), &SameKeys::default()) else {
            panic!("{text} is found")
        };
        assert!(listed.len() == seen().len() && listed[2] == "kms/aws (KMS v1)", "{listed:?}");
    }
    let complete = ["aescbc/key9", "kms/a/b", ARN].map(|text| Target::unseen(text, &SameKeys::default()).is_some());
    assert!(complete.iter().all(|complete| *complete) && Target::unseen("key9", &SameKeys::default()).is_none());
    // What no value names may be a KMS's, unless its provider keeps keys in a file.
    let of_kms =
        ["secretbox/key9", "kms/a/b", ARN].map(|text| Target::unseen(text, &SameKeys::default()).is_some_and(|target| target.is_kms()));
    assert_eq!(of_kms, [false, true, true]);
}

#[test]
fn the_first_provider_of_a_configuration_is_what_it_requires() {
    let config = |providers: &str| {
        let text = format!(
            "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: [{{resources: [secrets], providers: {providers}}}]"
        );
        vec![EncryptionConfig::read(text.as_bytes()).unwrap_or_else(|e| panic!("{e}"))]
    };
    let kms = config("[{kms: {apiVersion: v2, name: aws, endpoint: 'unix:///a'}}, {identity: {}}]");
    let of = |configs: &[EncryptionConfig], resource: &str| of_configs(configs, resource).next().map(|(_, (state, _))| state.to_string());
    assert_eq!(of(&kms, "secrets").as_deref(), Some("kms/aws"));
    assert_eq!(of(&kms, "configmaps").as_deref(), Some("not encrypted"));
    assert_eq!(of(&config("[{identity: {}}]"), "secrets").as_deref(), Some("plaintext"));
    // What cannot be used is the first all the same: the second does not write in its place.
    for first in ["{rot13: {}}", "{kms: {name: x, apiVersion: v3}}", "{aesgcm: {keys: []}}"] {
        assert_eq!(of(&config(&format!("[{first}, {{identity: {{}}}}]")), "secrets").as_deref(), Some("not known"), "{first}");
    }
    let bad = config("[{aesgcm: {keys: [{name: a, secret: '!'}, {name: b, secret: AAAAAAAAAAAAAAAAAAAAAA==}]}}]");
    assert_eq!(of(&bad, "secrets").as_deref(), Some("aesgcm/a"));
}

#[test]
fn contents_are_an_object_of_the_right_name_or_they_are_not() {
    let storage_key =
        StorageKey { prefix: Some(b"/registry"), group_resource: GroupResource(Cow::Borrowed("secrets")), namespace: Some("a"), name: "b" };
    let of = |text: &str| Contents::of(text.as_bytes(), Some(&storage_key));
    let object = |namespace: &str, name: &str| {
        format!(r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"namespace":"{namespace}","name":"{name}"}}}}"#)
    };
    assert_eq!(of(&object("a", "b")), Contents::Named);
    assert_eq!(of(&object("a", "c")), Contents::Other { resource: None, namespace: "a".into(), name: "c".into() });
    let other = Contents::Other { resource: Some("configmaps".into()), namespace: "a".into(), name: "b".into() };
    assert_eq!(of(&object("a", "b").replace("Secret", "ConfigMap")), other);
    // YAML, as far as its lines say what it is.
    let yaml = |kind: &str, name: &str| format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  namespace: a\n  name: {name}\ndata: {{}}\n");
    assert_eq!(of(&yaml("Secret", "b")), Contents::Named);
    assert_eq!(of(&yaml("Secret", "c")), Contents::Other { resource: None, namespace: "a".into(), name: "c".into() });
    assert_eq!(of(&yaml("ConfigMap", "b")), other);
    assert_eq!(of("apiVersion: v1\nkind: Secret\nmetadata: {namespace: a, name: b}\n"), Contents::Named);
    assert_eq!(of("k8s\0\x07"), Contents::Broken);
    assert_eq!(of("some text"), Contents::Foreign);
    assert_eq!(Contents::of(&[0xff, 0xfe, 1, 2], Some(&storage_key)), Contents::Foreign);
    // A key that is no object's says nothing of names.
    assert_eq!(Contents::of(object("x", "y").as_bytes(), None), Contents::Named);
}

#[test]
fn answers_have_words_of_their_own_and_say_whether_they_prove_anything() {
    let mut answers = vec![
        Answer::Opened,
        Answer::Misplaced,
        Answer::NoObject,
        Answer::DamagedCiphertext,
        Answer::OtherKeyOrDamaged,
        Answer::DamagedOrOtherDek,
        Answer::MovedCiphertext,
        Answer::NotWhole,
        Answer::NoStorageKey,
        Answer::UnknownProvider,
        Answer::EnvelopeInvalid,
        Answer::OpenedBefore,
    ];
    answers.extend(Reason::ALL.map(Answer::NoKey));
    let words: std::collections::BTreeSet<_> = answers.iter().map(|answer| answer.name()).collect();
    assert_eq!(words.len(), answers.len());
    // A key that does not fit is the same word, whoever says so.
    assert_eq!(Answer::WrongKey.name(), Answer::NoKey(Reason::WrongKey).name());
    for (answer, standing) in [
        (Answer::NoKey(Reason::Throttled), Standing::NotAsked),
        (Answer::NoKey(Reason::AccessDenied), Standing::Refused),
        (Answer::NoKey(Reason::ContextOrDamage), Standing::Undecided),
        (Answer::NoKey(Reason::Disabled), Standing::Unopenable),
        (Answer::OpenedBefore, Standing::OpenedBefore),
        (Answer::WrongKey, Standing::Unopenable),
        (Answer::DamagedOrOtherDek, Standing::Undecided),
    ] {
        assert_eq!(answer.standing(), standing);
    }
}
