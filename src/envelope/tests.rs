use proptest::prelude::*;

use super::{Body, Configured, KeyIdentity, KeyPattern, KmsV1, NameTable, NotConfigured, Provider, Sealed, Stored};

fn value(prefix: &str, body: &[u8]) -> Vec<u8> {
    [prefix.as_bytes(), body].concat()
}

/// Bytes that look random and hold no colon and no text.
fn noise(seed: u8, len: usize) -> Vec<u8> {
    (0..len).map(|i| 0x80 | (seed.wrapping_mul(31).wrapping_add(u8::try_from(i % 251).unwrap()).wrapping_mul(113))).collect()
}

/// The names of `values`, each with its certainty, as the whole list supports them.
fn names(values: &[Vec<u8>]) -> Vec<(String, bool)> {
    let sealed: Vec<_> = values.iter().map(|v| Sealed::parse(v).unwrap()).collect();
    let mut table = NameTable::default();
    sealed.iter().for_each(|s| table.observe(s));
    sealed.iter().map(|s| table.resolve(s).map(|n| (n.name.to_owned(), n.is_certain)).unwrap()).collect()
}

#[test]
fn providers_are_told_by_their_first_two_words() {
    for (text, provider) in [
        ("k8s:enc:aescbc:v1:k:", Provider::AesCbc),
        ("k8s:enc:aesgcm:v1:k:", Provider::AesGcm),
        ("k8s:enc:secretbox:v1:k:", Provider::Secretbox),
        ("k8s:enc:kms:v1:k:", Provider::KmsV1),
        ("k8s:enc:kms:v2:k:", Provider::KmsV2),
        ("k8s:enc:kms:v9:k:", Provider::Unknown),
        ("k8s:enc:tpm:v1:k:", Provider::Unknown),
        ("k8s:enc:aescbc:v1", Provider::Unknown),
        ("k8s:enc:", Provider::Unknown),
    ] {
        assert_eq!(Sealed::parse(text.as_bytes()).map(|s| s.provider), Some(provider), "{text}");
    }
    assert_eq!(Sealed::parse(b"k8s:enc"), None);
    assert_eq!(Stored::of(b""), Stored::Empty);
    // A prefix further in is part of the value, not its own.
    assert!(matches!(Stored::of(b"x k8s:enc:aescbc:v1:k:"), Stored::Plain(_)));
}

#[test]
fn unknown_words_are_kept_verbatim_and_bounded() {
    let sealed = Sealed::parse(b"k8s:enc:tpm:v3:box:rest").unwrap();
    assert_eq!((sealed.provider_word, sealed.version_word, sealed.rest), (&b"tpm"[..], &b"v3"[..], &b"box:rest"[..]));
    let long = value("k8s:enc:", &[b'a'; 5000]);
    assert_eq!(Sealed::parse(&long).unwrap().provider_word.len(), 64);
}

#[test]
fn a_name_with_colons_is_read_whole_where_the_length_of_the_payload_decides() {
    // 16-byte blocks leave one reading: the shorter names' payloads are no multiple of 16.
    let values = [value("k8s:enc:aescbc:v1:aescbckey-2026-01-01T00:00:00Z:", &noise(1, 64))];
    assert_eq!(names(&values), [("aescbckey-2026-01-01T00:00:00Z".to_owned(), true)]);
}

#[test]
fn a_name_with_colons_is_read_whole_where_other_values_share_it() {
    let prefix = "k8s:enc:secretbox:v1:secretboxkey-2026-02-01T00:00:00-07:00:";
    let values = [value(prefix, &noise(1, 90)), value(prefix, &noise(2, 90))];
    let whole = ("secretboxkey-2026-02-01T00:00:00-07:00".to_owned(), true);
    assert_eq!(names(&values), [whole.clone(), whole]);
}

#[test]
fn a_single_value_with_several_readings_is_not_certain() {
    let prefix = "k8s:enc:aesgcm:v1:key-T00:00:";
    assert_eq!(names(&[value(prefix, &noise(1, 90))]), [("key-T00:00".to_owned(), false)]);
    // A copy of the same value is no second witness.
    let twice = [value(prefix, &noise(1, 90)), value(prefix, &noise(1, 90))];
    assert!(names(&twice).iter().all(|(_, certain)| !certain));
}

#[test]
fn one_name_may_be_the_beginning_of_another() {
    let mut values: Vec<_> = (0..6).map(|i| value("k8s:enc:aesgcm:v1:key:", &noise(i, 60))).collect();
    values.extend((6..9).map(|i| value("k8s:enc:aesgcm:v1:key:two:", &noise(i, 60))));
    let read = names(&values);
    assert!(read[..6].iter().all(|name| *name == ("key".to_owned(), true)), "{read:?}");
    assert!(read[6..].iter().all(|name| *name == ("key:two".to_owned(), true)), "{read:?}");
}

#[test]
fn a_payload_that_happens_to_begin_like_text_makes_its_own_name_uncertain_and_no_other() {
    let mut values: Vec<_> = (0..200).map(|i| value("k8s:enc:aesgcm:v1:key:", &noise(i, 60))).collect();
    values.push(value("k8s:enc:aesgcm:v1:key:", &[b"a:", &noise(7, 60)[..]].concat()));
    let read = names(&values);
    assert!(read[..200].iter().all(|name| *name == ("key".to_owned(), true)));
    assert_eq!(read[200], ("key".to_owned(), false));
}

#[test]
fn kms_v1_takes_the_reading_whose_length_fits() {
    let body = [&[0, 40][..], &noise(1, 40), &noise(2, 60)].concat();
    let values = [value("k8s:enc:kms:v1:aws:v1-a:", &body)];
    assert_eq!(names(&values), [("aws:v1-a".to_owned(), true)]);
    let v1 = KmsV1::parse(&body).unwrap();
    assert_eq!((v1.wrapped_dek.len(), v1.payload.len()), (40, 60));
    assert_eq!(KmsV1::parse(&body[..60]), None);
    assert_eq!(KmsV1::parse(&[0, 0, 1]), None);
}

#[test]
fn given_names_go_before_what_a_single_value_shows() {
    let bytes = value("k8s:enc:aesgcm:v1:key-T00:00:", &noise(1, 90));
    let sealed = Sealed::parse(&bytes).unwrap();
    let resolve = |given: &[(Provider, &str)]| {
        let mut table = NameTable::default();
        table.observe(&sealed);
        table.give(given.iter().map(|(provider, name)| (*provider, (*name).to_owned())));
        table.resolve(&sealed).map(|name| (name.name, name.is_certain)).unwrap()
    };
    assert_eq!(resolve(&[(Provider::AesGcm, "key-T00")]), ("key-T00", true));
    assert_eq!(resolve(&[(Provider::AesGcm, "key-T00"), (Provider::AesGcm, "key-T00:00")]), ("key-T00:00", true));
    assert_eq!(resolve(&[(Provider::AesCbc, "key-T00"), (Provider::AesGcm, "key")]), ("key-T00:00", false));
}

#[test]
fn the_table_says_who_keeps_the_key_and_what_a_configuration_calls_the_provider() {
    let of = |fits: fn(Provider) -> bool| Provider::all().filter(|provider| fits(*provider)).collect::<Vec<_>>();
    assert_eq!(of(Provider::is_local), [Provider::AesCbc, Provider::AesGcm, Provider::Secretbox]);
    assert_eq!(of(Provider::is_kms), [Provider::KmsV1, Provider::KmsV2]);
    assert_eq!(of(Provider::hides_kms_key), [Provider::KmsV1]);
    assert_eq!(of(Provider::binds_storage_key), [Provider::AesGcm, Provider::KmsV1, Provider::KmsV2]);
    assert!(!Provider::Unknown.is_known() && !Provider::Unknown.is_local() && !Provider::Unknown.is_kms());
    // Each row is found by its own words, and each is somebody's who keeps the key.
    for provider in Provider::all() {
        let (word, version) = provider.words().unwrap();
        assert_eq!(Provider::of_words(word.as_bytes(), version.as_bytes()), provider);
        assert!(provider.is_local() != provider.is_kms() && provider.kms_api().is_some() == provider.is_kms());
        match Provider::configured(word, Some(version)) {
            Ok(Configured::Local(found, make)) => assert!(found == provider && provider.is_local() && make(&[7; 32]).is_ok()),
            Ok(Configured::Kms(found)) => assert!(found == provider && provider.is_kms()),
            Err(error) => panic!("{provider:?}: {error:?}"),
        }
    }
    assert!(matches!(Provider::configured("kms", None), Ok(Configured::Kms(Provider::KmsV1))));
    assert!(matches!(Provider::configured("kms", Some("v9")), Err(NotConfigured::Version)));
    assert!(matches!(Provider::configured("rot13", None), Err(NotConfigured::Word)));
}

#[test]
fn what_follows_a_name_is_read_by_whoever_keeps_the_key() {
    assert_eq!(Body::parse(Provider::AesCbc, b"sealed"), Ok(Body::Local(b"sealed")));
    assert!(Body::parse(Provider::Unknown, b"sealed").is_err());
    let v1 = [&[0, 3][..], b"dek", &noise(1, 60)].concat();
    let Ok(Body::Kms(envelope)) = Body::parse(Provider::KmsV1, &v1) else { panic!("KMS v1") };
    assert_eq!((envelope.key_id, envelope.dek_source, envelope.sealed.len()), (None, &b"dek"[..], 60));
    // Field 2, the key ID; field 3, the DEK source: nothing is sealed, which no API server opens.
    let Ok(Body::Kms(envelope)) = Body::parse(Provider::KmsV2, b"\x12\x01k\x1a\x01s") else { panic!("KMS v2") };
    assert_eq!((envelope.key_id, envelope.dek_source), (Some("k"), &b"s"[..]));
    assert_eq!(envelope.limit_passed.as_deref(), Some("no encrypted data"));
    assert!(Body::parse(Provider::KmsV2, b"\x12\x09k").is_err_and(|malformed| malformed.to_string().starts_with("EncryptedObject: ")));
}

#[test]
fn a_pattern_matches_what_it_leaves_open() {
    const ARN: &str = "arn:aws:kms:eu-west-1:1:key/a/b";
    let of_kms = KeyIdentity::of_provider(Provider::KmsV2, "aws", Some(ARN)).unwrap();
    for (text, matches) in [
        ("kms/aws", true),
        ("kms/aws/arn:aws:kms:eu-west-1:1:key/a/b", true),
        (ARN, true),
        ("kms/aws/arn:aws:kms:eu-west-1:1:key/a", false),
        ("kms/a", false),
        ("aescbc/aws", false),
    ] {
        let pattern = KeyPattern::parse(text).unwrap();
        assert_eq!(pattern.matches(&of_kms), matches, "{text}");
        assert_eq!(pattern.to_string(), text);
    }
    assert!(KeyPattern::from(&of_kms).matches(&of_kms));
    // Names of local keys may hold colons and slashes.
    for name in ["k-2026-02-01T00:00:00-07:00", "with/a/slash"] {
        let local = KeyIdentity::of_provider(Provider::Secretbox, name, None).unwrap();
        assert!(KeyPattern::parse(&local.to_string()).unwrap().matches(&local), "{local}");
        assert_eq!(KeyPattern::find(&local.to_string(), &[local.owned()]).len(), 1);
    }
    assert!(["", "kms", "kms/", "/x"].iter().all(|text| KeyPattern::parse(text).is_none()));
}

proptest! {
    #[test]
    fn any_bytes_behind_a_prefix_are_read_without_a_panic(
        prefix in prop::sample::select(vec!["aescbc:v1", "aesgcm:v1", "secretbox:v1", "kms:v1", "kms:v2", "x"]),
        rest in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let bytes = value(&format!("k8s:enc:{prefix}:"), &rest);
        let sealed = Sealed::parse(&bytes).unwrap();
        let mut table = NameTable::default();
        table.observe(&sealed);
        if let Some(name) = table.resolve(&sealed) {
            // Name, colon and body are exactly what follows the prefix.
            prop_assert_eq!([name.name.as_bytes(), b":", name.body].concat(), sealed.rest);
        }
    }
}
