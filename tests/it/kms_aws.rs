//! AWS KMS, asked in process: every error code, throttling, time, and answers that are none.

#![cfg(feature = "aws-kms")]

use crate::common;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_kms::config::SharedCredentialsProvider;
use common::kms_double::{Answer, Key, KmsDouble, State};
use etcd_sleuth::envelope::{KmsEnvelope, Provider, pb};
use etcd_sleuth::evidence::Count;
use etcd_sleuth::kms::aws::AwsKms;
use etcd_sleuth::kms::{
    Asking, Budget, EncryptionContexts, Failure, Held, KeyState, Pace, Patience, Plan, Reason, Ring, Silences, Unwrapper,
};
use prost::Message;

const ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-1111-4aaa-8aaa-000000000001";

/// A blob as KMS makes them, which are binary.
const BLOB: &[u8] = b"\x01\x02\x02\x00blob";

fn config(url: &str) -> SdkConfig {
    let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_millis(800)).build();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("fake", "fake", None, None, "test")))
        .timeout_config(timeouts)
        .sleep_impl(aws_sdk_kms::config::SharedAsyncSleep::new(Sleep))
        .build()
}

/// Tokio's timer, for the SDK's timeouts.
#[derive(Debug)]
struct Sleep;

impl aws_sdk_kms::config::AsyncSleep for Sleep {
    fn sleep(&self, duration: Duration) -> aws_sdk_kms::config::Sleep {
        aws_sdk_kms::config::Sleep::new(tokio::time::sleep(duration))
    }
}

fn kms(double: &KmsDouble, contexts: EncryptionContexts) -> AwsKms {
    AwsKms::with_config(config(&double.url()), contexts).unwrap()
}

/// One KMS v2 value's DEK source under [`ARN`], wrapped as `blob`.
fn plan_of(provider: &str, blob: &[u8]) -> Plan {
    let object = pb::EncryptedObject {
        encrypted_data: (7..67).collect(),
        key_id: ARN.into(),
        encrypted_dek_source: [b"1", blob].concat(),
        annotations: BTreeMap::new(),
        encrypted_dek_source_type: 1,
    };
    let mut plan = Plan::default();
    plan.add(provider, &KmsEnvelope::parse(Provider::KmsV2, &object.encode_to_vec()).unwrap()).unwrap();
    plan
}

fn double_with(key: Key, dek: &[u8]) -> KmsDouble {
    let mut state = State::default();
    state.keys.insert(ARN.to_owned(), key);
    state.blobs.insert(BLOB.to_vec(), (ARN.to_owned(), dek.to_vec()));
    KmsDouble::start(state)
}

fn enabled() -> Key {
    Key { state: "Enabled", ..Key::default() }
}

/// Asks once.
fn ask(double: &KmsDouble) -> Result<Option<String>, Failure> {
    let plan = plan_of("aws-a", BLOB);
    let source = plan.sources().next().unwrap();
    let mut kms = kms(double, EncryptionContexts::default());
    assert!(kms.claims(source));
    kms.unwrap(source, 0).map(|unwrapped| unwrapped.kms_key_id)
}

#[test]
fn every_error_code_of_kms_has_its_word() {
    let double = double_with(enabled(), &[7; 32]);
    for (status, code, message, reason) in [
        (400, "NotFoundException", "Key 'x' does not exist", Reason::KeyNotFound),
        (400, "DisabledException", "x is disabled.", Reason::Disabled),
        (400, "DisabledException", "x is pending deletion.", Reason::PendingDeletion),
        (400, "KMSInvalidStateException", "x is pending deletion.", Reason::PendingDeletion),
        (400, "KMSInvalidStateException", "x is pending import.", Reason::KeyUnusable),
        (400, "AccessDeniedException", "not authorized", Reason::AccessDenied),
        (400, "InvalidGrantTokenException", "", Reason::AccessDenied),
        (400, "UnrecognizedClientException", "The security token included in the request is invalid.", Reason::AccessDenied),
        (400, "ExpiredTokenException", "", Reason::AccessDenied),
        (400, "InvalidCiphertextException", "", Reason::ContextOrDamage),
        (400, "ValidationException", "too long", Reason::ContextOrDamage),
        (400, "IncorrectKeyException", "", Reason::WrongKey),
        (400, "InvalidKeyUsageException", "", Reason::WrongKey),
        (400, "ThrottlingException", "Rate exceeded", Reason::Throttled),
        (400, "LimitExceededException", "", Reason::Throttled),
        (429, "SomethingNew", "", Reason::Throttled),
        (500, "KeyUnavailableException", "", Reason::KmsUnavailable),
        (500, "DependencyTimeoutException", "", Reason::KmsUnavailable),
        (500, "KMSInternalException", "", Reason::KmsUnavailable),
        (503, "SomethingNew", "", Reason::KmsUnavailable),
        (400, "SomethingNew", "", Reason::Refused),
    ] {
        double.with(|state| state.instead = vec![Answer::Error(status, code, message)]);
        let failure = ask(&double).unwrap_err();
        assert_eq!(failure.reason, reason, "{code} {message}: {failure}");
        assert!(failure.detail.contains(code), "{failure}");
    }
}

#[test]
fn the_key_that_kms_names_is_recorded() {
    let double = double_with(enabled(), &[7; 32]);
    assert_eq!(ask(&double), Ok(Some(ARN.to_owned())));
    assert_eq!(double.calls("Decrypt"), 1);
}

#[test]
fn states_of_keys_are_told_apart_and_described() {
    for (state, reason) in
        [("Disabled", Reason::Disabled), ("PendingDeletion", Reason::PendingDeletion), ("Unavailable", Reason::KeyUnusable)]
    {
        let double = double_with(Key { state, ..Key::default() }, &[7; 32]);
        assert_eq!(ask(&double).unwrap_err().reason, reason);
        let described = kms(&double, EncryptionContexts::default()).describe(ARN).unwrap();
        let deletion_date = (state == "PendingDeletion").then_some(1_800_000_000);
        let manager = Some("CUSTOMER".to_owned());
        assert_eq!(
            described,
            KeyState { arn: Some(ARN.to_owned()), state: Some(state.to_owned()), manager, is_rotated: None, deletion_date }
        );
    }
    let double = double_with(enabled(), &[7; 32]);
    assert_eq!(kms(&double, EncryptionContexts::default()).describe("alias/gone").unwrap_err().reason, Reason::KeyNotFound);
}

#[test]
fn answers_that_are_none_are_bounded_in_length_and_time() {
    let double = double_with(enabled(), &[7; 32]);
    for (answer, reason) in [
        (Answer::Huge(32 << 20), Reason::BadAnswer),
        (Answer::Chunked(32 << 20), Reason::BadAnswer),
        (Answer::Raw(b"HTTP/1.1 200 X\r\ncontent-length: 7\r\n\r\ngarbage"), Reason::BadAnswer),
        (Answer::Raw(b"HTTP/1.1 400 X\r\ncontent-length: 7\r\n\r\ngarbage"), Reason::BadAnswer),
        (Answer::Raw(b"\x00\x01\x02\r\n\r\n"), Reason::KmsUnavailable),
        (Answer::Close, Reason::KmsUnavailable),
        // A body that is cut off is no answer of KMS.
        (Answer::Cut(b"HTTP/1.1 200 X\r\ncontent-length: 700\r\n\r\n{\"KeyId\""), Reason::KmsUnavailable),
        (Answer::Cut(b"HTTP/1.1 400 X\r\ncontent-length: 700\r\n\r\n{\"__type\""), Reason::KmsUnavailable),
        (Answer::Cut(b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n10\r\n{\"KeyId\""), Reason::KmsUnavailable),
        (Answer::Cut(b"HTTP/1.1 200 X\r\ncontent"), Reason::KmsUnavailable),
        // Also where nothing says how long it is.
        (Answer::Cut(b"HTTP/1.1 200 X\r\nconnection: close\r\n\r\n{\"KeyId\": \"a"), Reason::KmsUnavailable),
        (Answer::Hang(Duration::from_secs(4)), Reason::KmsUnavailable),
        (Answer::Json(serde_json::json!({})), Reason::BadAnswer),
    ] {
        double.with(|state| state.instead = vec![answer]);
        let began = Instant::now();
        let failure = ask(&double).unwrap_err();
        assert_eq!(failure.reason, reason, "{failure}");
        assert!(began.elapsed() < Duration::from_secs(3), "{failure}");
    }
    // The next one is answered as if nothing had been.
    assert!(ask(&double).is_ok());
}

#[test]
fn a_dek_of_a_wrong_length_is_no_dek_and_is_not_repeated() {
    for length in [0, 16, 31, 5000] {
        let failure = ask(&double_with(enabled(), &vec![b'S'; length])).unwrap_err();
        assert_eq!(failure.reason, Reason::BadAnswer);
        assert!(failure.detail.contains(&format!("{length} bytes")) && !failure.detail.contains("SS"), "{failure}");
    }
}

#[test]
fn nobody_listening_is_unavailable() {
    let double = double_with(enabled(), &[7; 32]);
    let url = double.url();
    drop(double);
    std::thread::sleep(Duration::from_millis(50));
    let plan = plan_of("aws-a", BLOB);
    let mut kms = AwsKms::with_config(config(&url), EncryptionContexts::default()).unwrap();
    let failure = kms.unwrap(plan.sources().next().unwrap(), 0).map(|_| ()).unwrap_err();
    assert_eq!(failure.reason, Reason::KmsUnavailable, "{failure}");
    // Nobody got a call, and so there was none.
    let mut unwrappers: Vec<Box<dyn Unwrapper>> = vec![Box::new(kms)];
    let patience = Patience { first: Duration::ZERO, longest: Duration::ZERO, repeats: 2 };
    let mut budget = Budget::new(Pace::per_second(0.0), None);
    let mut silences = Silences::default();
    let mut asking = Asking::new(&mut budget, &mut silences, patience);
    let ring = Ring::unwrap(&plan, &|_, _| true, &mut unwrappers, &mut asking).unwrap();
    assert_eq!((ring.calls(), asking.budget.made()), (Count::new(0), Count::new(0)));
}

#[test]
fn without_credentials_nothing_is_sent() {
    let double = double_with(enabled(), &[7; 32]);
    let config = config(&double.url()).to_builder();
    let mut config = config;
    config.set_credentials_provider(None);
    let plan = plan_of("aws-a", BLOB);
    let mut kms = AwsKms::with_config(config.build(), EncryptionContexts::default()).unwrap();
    let failure = kms.unwrap(plan.sources().next().unwrap(), 0).map(|_| ()).unwrap_err();
    assert_eq!(failure.reason, Reason::NotConfigured, "{failure}");
    assert_eq!(double.calls("Decrypt"), 0);
}

#[test]
fn encryption_contexts_are_given_to_all_or_to_one_provider() {
    let context = EncryptionContexts::parse("cluster=prod,tier=1").unwrap();
    let double = double_with(Key { context: context.clone(), ..enabled() }, &[7; 32]);
    let reason = |provider: &str, contexts: EncryptionContexts| {
        let plan = plan_of(provider, BLOB);
        kms(&double, contexts).unwrap(plan.sources().next().unwrap(), 0).map(|_| ()).map_err(|failure| failure.reason)
    };
    let (mut of_all, mut of_one) = (EncryptionContexts::default(), EncryptionContexts::default());
    of_all.add(context.clone());
    of_one.add_for("aws:b", context);
    assert_eq!(reason("any", of_all), Ok(()));
    assert_eq!(reason("aws:b", of_one.clone()), Ok(()));
    assert_eq!(reason("aws", of_one), Err(Reason::ContextOrDamage));
    assert_eq!(reason("any", EncryptionContexts::default()), Err(Reason::ContextOrDamage));
}

#[test]
fn only_what_the_plugin_of_aws_writes_is_asked_of_aws() {
    let kms = AwsKms::with_config(config("http://127.0.0.1:1"), EncryptionContexts::default()).unwrap();
    let v1 = |wrapped: &[u8]| {
        let mut plan = Plan::default();
        let value = [&u16::try_from(wrapped.len()).unwrap().to_be_bytes()[..], wrapped, &[0; 28]].concat();
        plan.add("p", &KmsEnvelope::parse(Provider::KmsV1, &value).unwrap()).unwrap();
        kms.claims(plan.sources().next().unwrap())
    };
    assert!(v1(b"1\x01\x02\x02\x00x"));
    assert!(v1(b"\x01\x02\x02\x00x"), "before April 2018 there was no version byte");
    assert!(!v1(b"vault:v1:AAAA"));
    assert!(!v1(b"1vault"));
    for text in ["vault:v1:AAAA BBBB\n", "1-----BEGIN X-----\r\nAAAA\r\n", "gr\u{fc}n"] {
        assert!(!v1(text.as_bytes()), "{text}");
    }
    let v2 = |key_id: &str, wrapped: &[u8]| {
        let object = pb::EncryptedObject {
            encrypted_data: (7..67).collect(),
            key_id: key_id.into(),
            encrypted_dek_source: wrapped.to_vec(),
            ..pb::EncryptedObject::default()
        };
        let mut plan = Plan::default();
        plan.add("p", &KmsEnvelope::parse(Provider::KmsV2, &object.encode_to_vec()).unwrap()).unwrap();
        kms.claims(plan.sources().next().unwrap())
    };
    for key_id in [ARN, "arn:aws:kms:eu-west-1:1:alias/k", "alias/k", "aaaaaaaa-1111-4aaa-8aaa-000000000001", "mrk-12"] {
        assert!(v2(key_id, b"1\x01"), "{key_id}");
        assert!(!v2(key_id, b"2\x01"), "{key_id}");
        for text in
            [&b"1:AAAA\n"[..], b"1AQICAHj0bW9ja2VkIGJsb2I=", b"1eyJhbGciOiJkaXIifQ.e30..", b"1{\"ciphertext\":\"AQIC\"}", b"vault:v1:AQIC"]
        {
            assert!(!v2(key_id, text), "{key_id}: {}", String::from_utf8_lossy(text));
        }
        assert!(!v2(key_id, b"1AQICAHj0bW9ja2VkIGJsb2I=\0"), "{key_id}");
    }
    for key_id in ["1", "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1", &"ab".repeat(32)] {
        assert!(!v2(key_id, b"1\x01"), "{key_id}");
    }
}

#[test]
fn throttling_is_waited_out_and_every_call_is_counted_and_noted() {
    let double = double_with(enabled(), &[7; 32]);
    let throttled = Answer::Error(400, "ThrottlingException", "Rate exceeded");
    double.with(|state| state.instead = vec![throttled.clone(), throttled.clone()]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.jsonl");
    let plan = plan_of("aws-a", BLOB);
    let patience = Patience { first: Duration::from_millis(10), longest: Duration::from_millis(20), repeats: 3 };
    let run = |max_calls: Option<u64>| {
        let mut ledger = etcd_sleuth::kms::Ledger::open(&path).unwrap();
        let mut unwrappers: Vec<Box<dyn Unwrapper>> = vec![Box::new(kms(&double, EncryptionContexts::default()))];
        let mut budget = Budget::new(Pace::per_second(0.0), max_calls.map(Count::new));
        let mut silences = Silences::default();
        let mut asking = Asking { ledger: Some(&mut ledger), ..Asking::new(&mut budget, &mut silences, patience) };
        Ring::unwrap(&plan, &|_, _| true, &mut unwrappers, &mut asking).unwrap()
    };
    let outcome = |ring: &Ring| match ring.iter().next().unwrap().1 {
        Held::Key { kms_key_id, .. } => format!("key {}", kms_key_id.as_deref().unwrap()),
        Held::Nothing(failure) => failure.reason.name().to_owned(),
        Held::OpenedBefore { .. } => "opened before".to_owned(),
    };
    let ring = run(None);
    assert_eq!((outcome(&ring), ring.calls(), double.calls("Decrypt")), (format!("key {ARN}"), Count::new(3), 3));
    let text = std::fs::read_to_string(&path).unwrap();
    let outcomes: Vec<_> = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["outcome"].clone()).collect();
    assert_eq!(outcomes, ["throttled", "throttled", "unwrapped"]);
    // Patience and budget end.
    std::fs::remove_file(&path).unwrap();
    double.with(|state| state.instead = vec![throttled; 9]);
    let ring = run(None);
    assert_eq!((outcome(&ring), ring.calls(), ring.is_cut_short()), ("throttled".to_owned(), Count::new(4), false));
    let ring = run(Some(2));
    assert_eq!((outcome(&ring), ring.calls(), ring.is_cut_short()), ("not-attempted".to_owned(), Count::new(2), true));
}
