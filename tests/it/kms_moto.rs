//! AWS KMS as moto implements it, on loopback: keys, aliases and contexts that this project's own double did not make.

#![cfg(feature = "aws-kms")]

use crate::common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::moto::{Moto, Wrapped};
use etcd_sleuth::envelope::{KmsEnvelope, Provider, pb};
use etcd_sleuth::evidence::Count;
use etcd_sleuth::kms::aws::AwsKms;
use etcd_sleuth::kms::{
    Asking, Budget, EncryptionContexts, Failure, Held, KeyState, Pace, Patience, Plan, Reason, Ring, Silences, Unwrapped, Unwrapper,
};
use prost::Message;

fn plan_of(key_id: Option<&str>, wrapped: &[u8]) -> Plan {
    let mut plan = Plan::default();
    add_to(&mut plan, key_id, wrapped);
    plan
}

fn add_to(plan: &mut Plan, key_id: Option<&str>, wrapped: &[u8]) {
    match key_id {
        Some(key_id) => {
            let object = pb::EncryptedObject {
                encrypted_data: (7..67).collect(),
                key_id: key_id.into(),
                encrypted_dek_source: wrapped.to_vec(),
                encrypted_dek_source_type: 1,
                ..pb::EncryptedObject::default()
            };
            plan.add("aws", &KmsEnvelope::parse(Provider::KmsV2, &object.encode_to_vec()).unwrap()).unwrap();
        }
        None => {
            let value = [&u16::try_from(wrapped.len()).unwrap().to_be_bytes()[..], wrapped, &[0; 28]].concat();
            plan.add("aws", &KmsEnvelope::parse(Provider::KmsV1, &value).unwrap()).unwrap();
        }
    }
}

#[test]
#[ignore = "needs moto"]
fn moto_unwraps_what_moto_wrapped() {
    let moto = Moto::start();
    let client = moto.client("us-east-1");
    let context: BTreeMap<String, String> = EncryptionContexts::parse("cluster=prod,tier=1").unwrap();
    let Wrapped { arn, id, .. } = client.wrap([7; 32], &context);
    client.point("alias/etcd", &id, true);
    let wrapped = client.wrap_by("alias/etcd", [7; 32], &context);
    let mut with = EncryptionContexts::default();
    with.add(context);
    let ask = |contexts: &EncryptionContexts, plan: &Plan| -> Result<Unwrapped, Failure> {
        let mut kms = AwsKms::with_config(moto.config(), contexts.clone()).unwrap();
        let source = plan.sources().next().unwrap();
        assert!(kms.claims(source));
        kms.unwrap(source, 0)
    };
    // An alias in the values; KMS says which key it was. KMS v1 names none, with and without the plugin's version byte.
    for plan in [plan_of(Some("alias/etcd"), &wrapped), plan_of(Some(&arn), &wrapped), plan_of(None, &wrapped)] {
        let unwrapped = ask(&with, &plan).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(unwrapped.kms_key_id.as_deref(), Some(arn.as_str()));
    }
    let reason = |contexts: &EncryptionContexts, wrapped: &[u8]| ask(contexts, &plan_of(Some(&arn), wrapped)).err().map(|f| f.reason);
    assert_eq!(reason(&EncryptionContexts::default(), &wrapped), Some(Reason::ContextOrDamage));
    let mut damaged = wrapped.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(reason(&with, &damaged), Some(Reason::ContextOrDamage));
    let mut kms = AwsKms::with_config(moto.config(), with).unwrap();
    let state = kms.describe("alias/etcd").unwrap();
    assert_eq!(
        (state.arn.as_deref(), state.state.as_deref(), kms.is_rotated(&arn).ok()),
        (Some(arn.as_str()), Some("Enabled"), Some(false))
    );
    assert_eq!(kms.describe("alias/gone").map_err(|failure| failure.reason), Err(Reason::KeyNotFound));
}

/// Keys in two regions, one with an encryption context and one without: each is found in its region, and what names none in turn.
#[test]
#[ignore = "needs moto"]
fn moto_in_two_regions_unwraps_in_the_regions_and_contexts_that_are_given() {
    let moto = Moto::start();
    let context: BTreeMap<String, String> = EncryptionContexts::parse("cluster=prod").unwrap();
    let east = moto.client("us-east-1").wrap([7; 32], &BTreeMap::new());
    let west = moto.client("eu-west-1").wrap([7; 32], &context);
    let mut contexts = EncryptionContexts::default();
    contexts.add(BTreeMap::new());
    contexts.add(context);
    let regions = ["us-east-1", "eu-west-1"].map(str::to_owned).to_vec();
    let mut kms = AwsKms::with_config(moto.config(), contexts).unwrap().in_regions(regions);
    for (named, Wrapped { arn, blob, .. }, ways) in
        [(Some(&east.arn), &east, 2), (Some(&west.arn), &west, 2), (None, &east, 4), (None, &west, 4)]
    {
        let plan = plan_of(named.map(String::as_str), blob);
        let source = plan.sources().next().unwrap();
        assert_eq!(kms.ways(source), ways);
        let used: Vec<String> = (0..ways).filter_map(|way| kms.unwrap(source, way).ok()?.kms_key_id).collect();
        assert_eq!(used.join(" "), *arn, "{named:?}");
    }
}

/// A gate in front of moto, which has no quota and asks nobody for rights: it answers what is about these blobs by itself, and passes
/// everything else on.
fn gate(url: &str, errors: Vec<(Vec<u8>, &'static str)>) -> String {
    let (listener, moto) = (TcpListener::bind("127.0.0.1:0").unwrap(), url.trim_start_matches("http://").to_owned());
    let address = listener.local_addr().unwrap();
    let errors: Vec<(String, &str)> = errors.into_iter().map(|(blob, code)| (STANDARD.encode(&blob[1..]), code)).collect();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut request, mut length) = (BufReader::new(stream.unwrap()), String::new(), 0);
            while !request.ends_with("\r\n\r\n") && stream.read_line(&mut request).unwrap_or(0) > 0 {
                let line = request.lines().last().unwrap_or_default().to_ascii_lowercase();
                length = line.strip_prefix("content-length:").map_or(length, |number| number.trim().parse().unwrap());
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let text = String::from_utf8_lossy(&body).into_owned();
            let answer = match errors.iter().find(|(blob, _)| text.contains(blob.as_str())) {
                Some((_, code)) => {
                    let error = format!("{{\"__type\":\"{code}\",\"message\":\"not now\"}}");
                    format!("HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{error}", error.len()).into_bytes()
                }
                None => {
                    let mut moto = TcpStream::connect(&moto).unwrap();
                    moto.write_all(request.trim_end_matches("\r\n").as_bytes()).unwrap();
                    moto.write_all(b"\r\nconnection: close\r\n\r\n").unwrap();
                    moto.write_all(&body).unwrap();
                    let mut answer = Vec::new();
                    moto.read_to_end(&mut answer).unwrap();
                    answer
                }
            };
            let _ = stream.get_mut().write_all(&answer);
        }
    });
    format!("http://{address}")
}

/// Keys that are disabled, that will be deleted, that are denied, and of which one is throttled: each is told as it is, in one run, and
/// hides none of the others.
#[test]
#[ignore = "needs moto"]
fn moto_says_in_which_state_its_keys_are_and_one_that_is_throttled_hides_no_other() {
    let moto = Moto::start();
    let client = moto.client("us-east-1");
    let [well, disabled, deleted, denied, throttled] = [(); 5].map(|()| client.wrap([7; 32], &BTreeMap::new()));
    // moto knows a key by its ID alone here.
    client.disable(&disabled.id);
    client.delete_in_a_week(&deleted.id);
    let url = gate(&moto.url, vec![(denied.blob.clone(), "AccessDeniedException"), (throttled.blob.clone(), "ThrottlingException")]);
    let config = moto.config().into_builder().endpoint_url(url).build();
    let mut unwrappers: Vec<Box<dyn Unwrapper>> = vec![Box::new(AwsKms::with_config(config, EncryptionContexts::default()).unwrap())];
    let mut plan = Plan::default();
    let keys = [&well, &disabled, &deleted, &denied, &throttled];
    for key in keys {
        add_to(&mut plan, Some(&key.arn), &key.blob);
    }
    let patience = Patience { first: Duration::from_millis(10), longest: Duration::from_millis(10), repeats: 2 };
    let (mut budget, mut silences) = (Budget::new(Pace::per_second(0.0), None), Silences::default());
    let mut asking = Asking::new(&mut budget, &mut silences, patience);
    let ring = Ring::unwrap(&plan, &|_, _| true, &mut unwrappers, &mut asking).unwrap();
    let said: BTreeMap<String, &str> = plan
        .sources()
        .map(|source| {
            let said = match ring.get(&source.id).unwrap() {
                Held::Nothing(failure) => failure.reason.name(),
                Held::Key { .. } | Held::OpenedBefore { .. } => "key",
            };
            (source.id.key_id.as_deref().unwrap().to_owned(), said)
        })
        .collect();
    // moto unwraps with keys that are off, too: then their state is what tells it.
    assert_eq!(keys.map(|key| said[&key.arn]), ["key", "key", "key", "access-denied", "throttled"]);
    // One call each, and of what is throttled two more.
    assert_eq!(ring.calls(), Count::new(keys.len() as u64 + 2));
    let state = |arn: &str, unwrappers: &mut Vec<Box<dyn Unwrapper>>, asking: &mut Asking<'_>| {
        KeyState::ask("aws", arn, unwrappers, asking).unwrap().unwrap().unwrap()
    };
    let states = keys.map(|key| state(&key.arn, &mut unwrappers, &mut asking));
    assert_eq!(states.each_ref().map(KeyState::is_usable), [true, false, false, true, true]);
    assert_eq!(states.map(|state| state.deletion_date.is_some()), [false, false, true, false, false]);
}
