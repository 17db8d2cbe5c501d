//! `verify`: how many calls a run makes besides those that unwrap, what it says where they are left out, and what none of its files tells. Every
//! input is made here.

#![cfg(all(feature = "aws-kms", feature = "kms-plugin"))]

use crate::common;
use crate::migration::{ALIAS, NEXT, WEST, World, with_context};

use std::fs;
use std::os::unix::net::UnixListener;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::kms_double::Key;
use common::plugin_double::{Reply, serve_by};
use common::sealed::{kms_v2, secret};
use common::stderr;
use etcd_sleuth::envelope::pb;
use prost::Message;
use serde_json::json;

const CONFIGURED: [&str; 3] = ["--aws-kms", "--encryption-config", "enc.yaml"];
const KEYS: [&str; 4] = [
    WEST,
    NEXT,
    "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-1111-4aaa-8aaa-000000000003",
    "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-1111-4aaa-8aaa-000000000004",
];

/// What hides which keys are behind it hides as many as it has DEK sources: as many calls as the plan says are enough for all of them.
#[test]
fn the_plan_has_calls_for_every_key_that_kms_v1_or_an_alias_hides() {
    for api in ["v1", "v2"] {
        let aliases = |key: &str| if key == WEST { vec![ALIAS.to_owned()] } else { Vec::new() };
        let keys: Vec<(&str, Key)> = KEYS.iter().map(|key| (*key, Key { aliases: aliases(key), ..with_context(&[]) })).collect();
        let mut world = World::of(&keys);
        world.configure("aws", api);
        for (number, key) in (1..).zip(KEYS) {
            match api {
                "v1" => world.v1("aws", key, number),
                _ => world.v2("aws", ALIAS, key, number),
            }
        }
        let ((calls, further), about_keys) = (world.planned(&CONFIGURED), world.planned_about_keys(&CONFIGURED));
        let most = (calls + further + about_keys).to_string();
        let run = world.verify(&[&CONFIGURED[..], &["--max-calls", &most]].concat());
        let made = run.verify["other_calls"].as_u64().unwrap();
        assert!(made >= 8 && made <= about_keys, "{api}: {made} of {about_keys}");
        assert_eq!(run.verify["cut_short"], json!(false), "{api}");
    }
}

/// A key of which nobody was asked in which state it is may be about to go: nothing is complete before.
#[test]
fn what_is_left_out_of_the_calls_about_keys_is_said_and_completes_nothing() {
    let mut world = World::of(&[(WEST, with_context(&[]))]);
    world.configure("aws", "v2");
    world.v2("aws", WEST, WEST, 1);
    for most in ["1", "2"] {
        let args = [&CONFIGURED[..], &["--max-calls", most]].concat();
        let run = world.verify(&args);
        assert_eq!((run.code, &run.verify["cut_short"], &run.conditions), (3, &json!(true), &json!(["key-not-asked"])), "{most}");
        let said = "ended early: not every question about the state of keys was asked";
        let (_, shown) = world.text(&args);
        assert!(shown.contains("Re-encryption NOT KNOWN") && shown.to_lowercase().contains(said), "{shown}");
        assert!(!shown.contains("--retire") && world.text(&[&args[..], &["-q"]].concat()).1.contains(said), "{shown}");
    }
    let run = world.verify(&[&CONFIGURED[..], &["--max-calls", "3"]].concat());
    assert_eq!((run.code, &run.verify["cut_short"]), (0, &json!(false)));
}

/// Evidence is not written to, whatever it is given as.
#[test]
fn a_ledger_is_no_evidence() {
    let mut world = World::of(&[(WEST, with_context(&[]))]);
    world.v2("aws", WEST, WEST, 1);
    let log = world.dir.path().join("member/wal/0.wal");
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    fs::write(&log, b"").unwrap();
    for (more, ledger) in
        [("member", "member/wal/0.wal"), ("member", "member/calls.jsonl"), ("member/wal/0.wal", "member/wal/0.wal"), ("member", "a.db")]
    {
        let output = world.output(&[more, "--aws-kms", "--ledger", ledger]);
        assert_eq!(output.status.code(), Some(1), "{ledger}");
        assert!(stderr(&output).contains("is an input, and evidence is not written to"), "{}", stderr(&output));
        assert!(fs::read(&log).unwrap().is_empty() && !world.dir.path().join("member/calls.jsonl").exists());
    }
}

/// No error tells what was sent, with whichever question: neither on a screen nor in records nor in the ledger.
#[test]
fn what_was_sent_with_one_question_is_in_the_answer_to_none() {
    let mut world = World::of(&[]);
    world.configure("aws", "v2");
    let blobs: Vec<Vec<u8>> =
        (1..=3u8).map(|number| (0..90).map(|at: u8| at.wrapping_mul(7).wrapping_add(at / 5) ^ number.wrapping_mul(83)).collect()).collect();
    for (number, blob) in blobs.iter().enumerate() {
        world.store(kms_v2("aws", &format!("key-{number}"), blob, [1; 32], secret(&format!("s{number}"))));
    }
    let path = world.dir.path().join("a.sock");
    let words: Vec<String> = blobs.iter().map(|blob| STANDARD.encode(blob)).collect();
    let said = format!("batch failed: {}", words.join(" | "));
    serve_by(UnixListener::bind(&path).unwrap(), move |_, _| Reply::Status(2, said.clone()));
    let plugin = format!("aws=unix://{}", path.display());
    let args = ["--kms-plugin", &plugin, "--encryption-config", "enc.yaml", "--ledger", "calls.jsonl"];
    let told = [
        world.text(&args).1,
        String::from_utf8(world.output(&[&args[..], &["--format", "jsonl"]].concat()).stdout).unwrap(),
        fs::read_to_string(world.dir.path().join("calls.jsonl")).unwrap(),
    ];
    // Of what comes later the first error may tell: it was not sent before.
    for (told, (number, word)) in told.iter().flat_map(|told| words.iter().enumerate().map(move |word| (told, word))) {
        assert!(number > 0 || !told.contains(&word[8..40]), "{number}: {told}");
    }
    assert!([&told[0], &told[2]].iter().all(|told| told.contains("batch failed")), "{told:?}");
    let status = told[2].lines().filter(|line| line.contains("\"Status\"")).collect::<Vec<_>>();
    assert!(!status.is_empty() && status.iter().all(|line| words.iter().all(|word| !line.contains(&word[8..40]))), "{status:?}");
}

/// A DEK source of a type that a later API server writes: how it is to be opened is not known, and so neither whether it opens.
#[test]
fn a_dek_source_of_an_unknown_type_is_not_decided() {
    let mut world = World::of(&[(WEST, with_context(&[]))]);
    world.configure("aws", "v2");
    let (key, value) = kms_v2("aws", WEST, b"1wrapped", [1; 32], secret("s"));
    let prefix = b"k8s:enc:kms:v2:aws:";
    let object = pb::EncryptedObject { encrypted_dek_source_type: 2, ..pb::EncryptedObject::decode(&value[prefix.len()..]).unwrap() };
    world.store((key, [&prefix[..], &object.encode_to_vec()].concat()));
    let run = world.verify(&CONFIGURED);
    assert_eq!((run.code, run.outcomes.get("unknown-provider")), (3, Some(&1)), "{:?} {}", run.outcomes, run.conditions);
    assert_eq!(run.verify["current_not_opened"], json!(0));
}
