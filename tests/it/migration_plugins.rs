//! `verify` with plugins: what their words prove, who is asked and told of, and how many calls it takes. Every input is made here.

#![cfg(all(feature = "aws-kms", feature = "kms-plugin"))]

use crate::common;
use crate::migration::{NEXT, WEST, World, with_context};

use std::os::unix::net::UnixListener;

use common::kms_double::Answer;
use common::plugin_double::{Reply, serve_by, status};
use serde_json::json;

const RUNTIME: &str = "operation error KMS: Decrypt, https response error StatusCode: 400, RequestID: 7a, ";

/// A plugin of the provider `aws` that answers so.
fn plugin(world: &World, name: &str, answers: impl Fn(&str) -> Reply + Send + Sync + 'static) -> String {
    let path = world.dir.path().join(name);
    serve_by(UnixListener::bind(&path).unwrap(), move |path, _| answers(path.rsplit('/').next().unwrap()));
    format!("aws=unix://{}", path.display())
}

/// The outcome of one value and the exit code, where the plugin refuses in these words.
fn refused(code: u32, words: &str) -> (String, i32) {
    let mut world = World::of(&[]);
    world.v2("aws", WEST, WEST, 1);
    let words = words.to_owned();
    let plugin = plugin(&world, "a.sock", move |_| Reply::Status(code, words.clone()));
    let run = world.verify(&["--kms-plugin", &plugin]);
    (run.outcomes.keys().next().unwrap().clone(), run.code)
}

/// Only what plainly speaks of the key of the KMS proves that it opens nothing.
#[test]
fn words_that_speak_of_something_else_prove_nothing() {
    for (code, words) in [
        (2, "failed to get token: NotFoundException: secret not found in secrets manager"),
        (2, "operation error KMS: Decrypt, failed to sign: operation error SecretsManager: GetSecretValue, NotFoundException: Key 'x'"),
        (2, "rpc error: code = NotFound desc = secret \"kms-creds\" not found"),
        (2, "rpc error: code = NotFound desc = session key not found"),
        (5, "socket not found"),
        (5, "open /etc/kms/credentials.json: no such file or directory"),
        (5, "open key file: not found"),
        (5, "the key cache was not found"),
        (9, "session expired"),
        (9, "the session key has expired"),
        (9, "feature gate disabled"),
        (9, "plugin is disabled until 10:00"),
        (9, "deletion of cache entry scheduled"),
        (9, "the key is disabled for maintenance of our plugin"),
        (2, "token KeyDisabled=false"),
        (2, "code = KeyDisabled=false"),
        (2, "encryption key not found in cache"),
        (2, "KeyNotFound"),
    ] {
        assert_eq!(refused(code, words), ("refused".to_owned(), 3), "{code} {words}");
    }
    for (code, words, outcome) in [
        (9, "the key is disabled", "disabled"),
        (9, "key version 3 is disabled.", "disabled"),
        (5, "CryptoKey projects/p/locations/l/keyRings/r/cryptoKeys/k not found", "key-not-found"),
        (2, "rpc error: code = NotFound desc = the key kek-1 was not found", "key-not-found"),
        (2, "Code: 400. Errors: * encryption key not found", "key-not-found"),
        (2, "RESPONSE 403: 403 Forbidden ERROR CODE: Forbidden { \"innererror\": { \"code\": \"KeyDisabled\" } }", "disabled"),
        (2, "ciphertext version is disallowed by policy (too old)", "refused"),
        (2, "ciphertext or signature version is disallowed by policy", "key-unusable"),
    ] {
        assert_eq!(refused(code, words).0, outcome, "{code} {words}");
    }
}

/// What is told in one breath with an outage is no state: it is waited for, and open.
#[test]
fn an_outage_goes_before_a_state() {
    use etcd_sleuth::kms::Reason;
    for words in [
        "encryption key not found in cache, refresh failed: connection refused",
        "encryption key not found: connection refused",
        "k is not enabled, current state is: DISABLED; dial tcp: i/o timeout",
        "NotFoundException: Key 'arn' does not exist: connection reset by peer",
    ] {
        assert_eq!(reason(words), Reason::KmsUnavailable, "{words}");
    }
}

/// The reason that one call has, which is not waited for.
fn reason(words: &str) -> etcd_sleuth::kms::Reason {
    use etcd_sleuth::envelope::{KmsEnvelope, Provider};
    use etcd_sleuth::kms::plugin::{Plugin, Socket};
    use etcd_sleuth::kms::{Plan, Unwrapper};
    let dir = tempfile::tempdir().unwrap();
    let (path, words) = (dir.path().join("a.sock"), words.to_owned());
    serve_by(UnixListener::bind(&path).unwrap(), move |_, _| Reply::Status(2, words.clone()));
    let mut plan = Plan::default();
    let v1 = [&[0, 3][..], b"one", &[0; 28]].concat();
    plan.add("aws", &KmsEnvelope::parse(Provider::KmsV1, &v1).unwrap()).unwrap();
    let socket = Socket::parse(&format!("unix://{}", path.display())).unwrap();
    let mut plugin = Plugin::new("aws", socket, std::time::Duration::from_secs(2)).unwrap();
    plugin.unwrap(plan.sources().next().unwrap(), 0).map(|_| ()).unwrap_err().reason
}

/// The same state of a key of AWS has the same word and code, whoever passes it on.
#[test]
fn a_state_is_the_same_word_directly_and_through_a_plugin() {
    for named in [WEST, "alias/etcd"] {
        for (code, message) in [
            ("NotFoundException", "Key 'arn' does not exist"),
            ("NotFoundException", "Invalid keyId 2b"),
            ("XksKeyNotFoundException", "x"),
            ("ValidationException", "x"),
            ("DisabledException", "arn is disabled."),
            ("KMSInvalidStateException", "arn is pending deletion."),
            ("IncorrectKeyException", "x"),
            ("InvalidCiphertextException", "x"),
            ("AccessDeniedException", "x"),
        ] {
            let mut world = World::of(&[]);
            world.v2("aws", named, WEST, 1);
            world.kms.with(|state| state.instead = vec![Answer::Error(400, code, message)]);
            let direct = world.verify(&["--aws-kms"]);
            let words = format!("failed to decrypt {RUNTIME}{code}: {message}");
            let plugin = plugin(&world, "a.sock", move |_| Reply::Status(2, words.clone()));
            let passed_on = world.verify(&["--kms-plugin", &plugin]);
            assert_eq!((&direct.outcomes, direct.code), (&passed_on.outcomes, passed_on.code), "{named} {code} {message}");
        }
    }
}

/// A key ID that API servers refuse is not the one that is current.
#[test]
fn a_key_id_that_no_api_server_takes_is_not_current() {
    for (length, code) in [(1024, 2), (1025, 3)] {
        let mut world = World::of(&[]);
        world.v2("aws", WEST, WEST, 1);
        let key_id = "k".repeat(length);
        let plugin = plugin(&world, "a.sock", move |operation| match operation {
            "Status" => Reply::Message(status_of(&key_id)),
            _ => Reply::Message(common::plugin_double::field_1(&[1; 32])),
        });
        let run = world.verify(&["--kms-plugin", &plugin, "--require-key", "kms/aws"]);
        assert_eq!(run.code, code, "{length}: {} {}", run.verify, run.shown);
    }
}

/// A status with a long key ID.
fn status_of(key_id: &str) -> Vec<u8> {
    let (long, short) = (status(""), key_id.len());
    let begin = long.len() - 2;
    let length = [u8::try_from(short & 0x7f).unwrap() | 0x80, u8::try_from(short >> 7).unwrap()];
    [&long[..begin], &[0x1a], &length, key_id.as_bytes()].concat()
}

/// Who was not reached is told also where another gave a DEK that opens nothing; and who was asked how much is what happened.
#[test]
fn who_was_not_reached_is_told_beside_a_wrong_dek() {
    let mut world = World::of(&[]);
    world.v2("aws", WEST, WEST, 1);
    let wrong = plugin(&world, "a.sock", |_| Reply::Message(common::plugin_double::field_1(&[9; 32])));
    let none = format!("aws=unix://{}", world.dir.path().join("none.sock").display());
    for order in [[&wrong, &none], [&none, &wrong]] {
        let args = ["--kms-plugin", order[0], "--kms-plugin", order[1]];
        let run = world.verify(&args);
        assert_eq!((run.code, &run.conditions), (3, &json!(["key-not-asked", "not-decided"])), "{}", run.shown);
        let shown = world.text(&args).1;
        assert!(shown.contains("of 1 DEK source elsewhere: no socket") && shown.contains("none.sock"), "{shown}");
        assert!(shown.contains("a.sock: asked about 1 DEK source, gave the keys of 1\n"), "{shown}");
        assert!(shown.contains("none.sock: nothing was sent about DEK sources\n"), "{shown}");
    }
}

/// A provider whose plugin is named is the plugin's: AWS is sent nothing of it that the user does not name.
#[test]
fn aws_is_sent_nothing_of_a_provider_whose_plugin_is_named() {
    let mut world = World::of(&[(WEST, with_context(&[])), (NEXT, with_context(&[]))]);
    world.v1("aws", WEST, 1);
    world.v2("aws", WEST, WEST, 2);
    world.v2("other", NEXT, NEXT, 3);
    let plugin = plugin(&world, "a.sock", |_| Reply::Status(3, "another key".to_owned()));
    let bare = ["--aws-kms", "--kms-plugin", &plugin];
    let run = world.verify(&bare);
    assert_eq!((run.outcomes.get("opened"), world.kms.calls("Decrypt")), (Some(&1), 1), "{}", run.shown);
    assert!(world.kms.with(|state| state.described.iter().all(|key| key == NEXT)));
    let run = world.verify(&["--aws-kms=aws,other", "--kms-plugin", &plugin]);
    assert_eq!((run.outcomes.get("opened"), world.kms.calls("Decrypt")), (Some(&3), 3), "{}", run.shown);
}

/// With as many calls as the plan says the plugin's status is asked, too; with one less that is the reason that is given.
#[test]
fn the_status_of_a_plugin_is_in_the_plan() {
    let mut world = World::of(&[]);
    world.configure("aws", "v2");
    (1..=3).for_each(|_| world.v2("aws", WEST, WEST, 1));
    let plugin = plugin(&world, "a.sock", |operation| match operation {
        "Status" => Reply::Message(status(WEST)),
        _ => Reply::Message(common::plugin_double::field_1(&[1; 32])),
    });
    let args = ["--kms-plugin", &plugin, "--encryption-config", "enc.yaml"];
    let (calls, further) = world.planned(&args);
    let enough = calls + further + world.planned_about_keys(&args);
    for (most, code, is_cut_short) in [(enough, 0, false), (enough - 1, 3, true)] {
        let most = most.to_string();
        let args = [&args[..], &["--max-calls", &most]].concat();
        let run = world.verify(&args);
        assert_eq!((run.code, &run.verify["cut_short"]), (code, &json!(is_cut_short)), "{most} {}", run.shown);
        assert_eq!(run.conditions == json!(["key-not-known"]), is_cut_short, "{}", run.conditions);
        let shown = world.text(&args).1;
        assert!(!shown.contains("several keys"), "{shown}");
        assert_eq!(shown.contains("no call was left"), is_cut_short, "{shown}");
    }
}

/// Who unwraps KMS v2 has a status: where it does not say it, as little is known as where it fails.
#[test]
fn a_plugin_of_kms_v2_without_a_status_leaves_open_what_is_current() {
    let mut world = World::of(&[]);
    world.configure("aws", "v2");
    world.v2("aws", "key-1", WEST, 1);
    let of = |name: &str, status: Reply| {
        plugin(&world, name, move |operation| match operation {
            "Status" => status.clone(),
            _ => Reply::Message(common::plugin_double::field_1(&[1; 32])),
        })
    };
    let (none, said) =
        (of("none.sock", Reply::Status(12, "unknown method Status".to_owned())), of("said.sock", Reply::Message(status("key-1"))));
    let run = world.verify(&["--kms-plugin", &none, "--encryption-config", "enc.yaml"]);
    assert_eq!((run.code, &run.conditions, &run.verify["left"][0]["why"]), (3, &json!(["key-not-known"]), &json!("key-not-told")));
    let shown = world.text(&["--kms-plugin", &none, "--require-key", "kms/aws"]).1;
    assert!(shown.contains("does not say under which key it writes now") && !shown.contains("COMPLETE in"), "{shown}");
    // Another socket of the same plugin says it.
    let run = world.verify(&["--kms-plugin", &none, "--kms-plugin", &said, "--encryption-config", "enc.yaml"]);
    assert_eq!((run.code, &run.conditions), (0, &json!([])), "{}", run.shown);
}

/// A provider's name is no key ID, whatever letters it has, and no word for KMS v1: the plugin says what is current.
#[test]
fn a_required_provider_is_whatever_its_plugin_writes_under() {
    let sockets = World::of(&[]);
    for (name, key_id) in [("s.sock", "1"), ("s2.sock", "aws")] {
        let plugin = plugin(&sockets, name, |operation| match operation {
            "Status" => Reply::Message(status("2")),
            _ => Reply::Message(common::plugin_double::field_1(&[1; 32])),
        });
        for provider in ["aws-1", "aws"] {
            let mut world = World::of(&[]);
            world.v2(provider, key_id, WEST, 1);
            let plugin = plugin.replace("aws=", &format!("{provider}="));
            for required in [format!("kms/{provider}"), provider.to_owned()] {
                let run = world.verify(&["--kms-plugin", &plugin, "--require-key", &required]);
                assert_eq!((run.code, &run.verify["required"]), (2, &json!([format!("kms/{provider}/2")])), "{required} {}", run.shown);
            }
            // Who names the key ID means it.
            let run = world.verify(&["--kms-plugin", &plugin, "--require-key", &format!("kms/{provider}/{key_id}")]);
            assert_eq!(run.code, 0, "{}", run.shown);
        }
    }
    let mut world = World::of(&[]);
    world.v1("aws", WEST, 1);
    let plugin = plugin(&world, "v1.sock", |operation| match operation {
        "Status" => Reply::Message(status("key-9")),
        _ => Reply::Message(common::plugin_double::field_1(&[1; 32])),
    });
    let run = world.verify(&["--kms-plugin", &plugin, "--require-key", "kms/aws"]);
    assert_eq!((run.code, &run.verify["left"][0]["why"]), (2, &json!("other-key")), "{}", run.shown);
}
