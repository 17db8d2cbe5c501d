use proptest::prelude::*;

use super::{DataKey, Dek, DekSeed, DekSourceId, DekSourceKind, LocalKey, Proof, Unopened};
use crate::envelope::{KmsEnvelope, Provider, pb};
use prost::Message;

const KEY: &[u8; 32] =
    b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f";

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn opened(result: Result<super::Opened, Unopened>) -> (Vec<u8>, Proof) {
    let Ok(opened) = result else { panic!("it does not open") };
    (opened.plaintext.as_ref().to_vec(), opened.proof)
}

#[test]
fn cbc_of_every_key_length_opens_as_openssl_sealed_it() {
    // printf 'k8s\0an object' | openssl enc -aes-128-cbc -K 000102… -iv 0f0e0d…, OpenSSL 3.0
    let iv = hex("0f0e0d0c0b0a09080706050403020100");
    for (length, sealed) in
        [(16, "bc292711dfe9d88a6152fd02ab14ae61"), (24, "1165edb57a35ef9649e3304fcbe8f607"), (32, "d0652f7ea7ca9b75f4d19061f8153940")]
    {
        let sealed = [iv.clone(), hex(sealed)].concat();
        let key = LocalKey::aes_cbc(&KEY[..length]).unwrap();
        assert_eq!(opened(key.open(&sealed, b"any")), (b"k8s\0an object".to_vec(), Proof::Padding));
    }
}

#[test]
fn gcm_of_every_key_length_opens_as_its_specification_says() {
    // McGrew and Viega, The Galois/Counter Mode of Operation, appendix B, test cases 4, 10 and 16.
    let key = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    let plaintext =
        hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    let storage_key = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    for (length, sealed) in [
        (
            16,
            "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47",
        ),
        (
            24,
            "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda27102519498e80f1478f37ba55bd6d27618c",
        ),
        (
            32,
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
        ),
    ] {
        let sealed = [hex("cafebabefacedbaddecaf888"), hex(sealed)].concat();
        let key = LocalKey::aes_gcm(&key[..length]).unwrap();
        assert_eq!(opened(key.open(&sealed, &storage_key)), (plaintext.clone(), Proof::Tag));
        assert_eq!(key.open(&sealed, b"/registry/secrets/a/b").err(), Some(Unopened::Tag));
    }
}

#[test]
fn a_secretbox_opens_as_nacl_sealed_it() {
    // NaCl, tests/secretbox.c.
    let key = hex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389");
    let sealed = hex(concat!(
        "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37",
        "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5"
    ));
    let plaintext = hex(
        "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705",
    );
    let key = LocalKey::secretbox(&key).unwrap();
    assert_eq!(opened(key.open(&sealed, b"any")), (plaintext, Proof::Tag));
    for at in [0, 24, 40] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert_eq!(key.open(&changed, b"any").err(), Some(Unopened::Tag));
    }
}

#[test]
fn keys_of_a_wrong_length_are_told_by_their_length_alone() {
    let told = |error: super::WrongLength| error.to_string();
    assert_eq!(LocalKey::aes_cbc(&KEY[..31]).err().map(told), Some("31 bytes of key, expected 16, 24 or 32".to_owned()));
    assert_eq!(LocalKey::secretbox(&KEY[..24]).err().map(told), Some("24 bytes of key, expected 32".to_owned()));
    assert!(LocalKey::aes_gcm(b"").is_err());
    assert!(Dek::new(&[0; 33]).is_err());
    assert!(DekSeed::new(&[0; 31]).is_err() && DekSeed::new(&[0; 64]).is_ok() && DekSeed::new(&[0; 32 << 20]).is_err());
}

#[test]
fn sealed_bytes_that_no_key_can_open_are_told_apart_from_a_wrong_key() {
    let form = |result: Result<super::Opened, Unopened>| matches!(result.err(), Some(Unopened::Form { .. }));
    for length in 0..70usize {
        let sealed = vec![7; length];
        assert_eq!(form(LocalKey::aes_gcm(KEY).unwrap().open(&sealed, b"")), length < 28, "{length}");
        assert_eq!(form(LocalKey::aes_cbc(KEY).unwrap().open(&sealed, b"")), length < 32 || length % 16 != 0, "{length}");
        assert_eq!(form(LocalKey::secretbox(KEY).unwrap().open(&sealed, b"")), length < 40, "{length}");
        assert_eq!(form(DataKey::new(DekSourceKind::Seed, KEY).unwrap().open(&sealed, b"")), length < 60, "{length}");
    }
}

#[test]
fn dek_sources_are_one_when_provider_type_key_source_and_annotations_agree() {
    let named = |name: &str, change: &dyn Fn(&mut pb::EncryptedObject)| {
        let mut object = pb::EncryptedObject {
            encrypted_data: vec![1],
            key_id: "key".into(),
            encrypted_dek_source: vec![2],
            annotations: [("a.b".to_owned(), vec![3]), ("c.d".to_owned(), vec![4])].into(),
            encrypted_dek_source_type: 1,
        };
        change(&mut object);
        DekSourceId::of(name, &KmsEnvelope::parse(Provider::KmsV2, &object.encode_to_vec()).unwrap())
    };
    let object = |change: &dyn Fn(&mut pb::EncryptedObject)| named("aws", change);
    let id = object(&|_| {});
    assert_eq!(id, object(&|object| object.encrypted_data = vec![9]));
    for other in [
        named("other", &|_| {}),
        object(&|object| object.key_id = "other".into()),
        object(&|object| object.encrypted_dek_source = vec![9]),
        object(&|object| object.encrypted_dek_source_type = 0),
        object(&|object| object.annotations = [("a.b".to_owned(), vec![3])].into()),
        object(&|object| object.annotations = [("a.b".to_owned(), vec![9]), ("c.d".to_owned(), vec![4])].into()),
    ] {
        assert!(other.is_some() && other != id);
    }
    assert_eq!(object(&|object| object.encrypted_dek_source_type = 2), None);
    let v1 = [&[0, 1, 2][..], &[5; 28]].concat();
    assert_ne!(DekSourceId::of("aws", &KmsEnvelope::parse(Provider::KmsV1, &v1).unwrap()), id);
}

proptest! {
    #[test]
    fn any_bytes_are_opened_or_not_without_a_panic(sealed in prop::collection::vec(any::<u8>(), 0..200), key in any::<[u8; 32]>()) {
        for local in [LocalKey::aes_cbc(&key), LocalKey::aes_gcm(&key), LocalKey::secretbox(&key)] {
            let _ = local.unwrap().open(&sealed, b"/registry/secrets/a/b");
        }
        for kind in [DekSourceKind::KeyOfOneValue, DekSourceKind::Key, DekSourceKind::Seed] {
            // Nobody sealed them, so an opening can only be CBC's padding by chance.
            let opened = DataKey::new(kind, &key).unwrap().open(&sealed, b"/registry/secrets/a/b");
            prop_assert!(opened.is_err() || opened.is_ok_and(|o| o.proof == Proof::Padding));
        }
    }
}
