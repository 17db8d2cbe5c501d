//! `verify` in the middle of a migration: API versions, encryption contexts, regions, aliases and keys of one provider, and every call
//! counted. Every input is made here.

#![cfg(feature = "aws-kms")]

use crate::common;

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output};

use common::kms_double::{Key, KmsDouble, State};
use common::pages::{self, Write};
use common::sealed::{Stored, kms_v1, kms_v2, secret};
use common::{of_kind, records, stderr, text};
use serde_json::{Value, json};

pub(crate) const WEST: &str = "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-1111-4aaa-8aaa-000000000001";
pub(crate) const NEXT: &str = "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-1111-4aaa-8aaa-000000000002";
pub(crate) const EAST: &str = "arn:aws:kms:us-east-1:111122223333:key/aaaaaaaa-1111-4aaa-8aaa-000000000003";
pub(crate) const ALIAS: &str = "arn:aws:kms:eu-west-1:111122223333:alias/etcd";

/// A KMS, and a database of values under its keys.
pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) kms: KmsDouble,
    values: Vec<Stored>,
    /// How many of the last values are deleted again.
    deleted: usize,
}

/// A key with an encryption context.
pub(crate) fn with_context(context: &[(&str, &str)]) -> Key {
    let context = context.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Key { state: "Enabled", context, ..Key::default() }
}

impl World {
    pub(crate) fn of(keys: &[(&str, Key)]) -> Self {
        let keys = keys.iter().map(|(arn, key)| ((*arn).to_owned(), key.clone())).collect();
        let kms = KmsDouble::start(State { keys, is_regional: true, ..State::default() });
        Self { dir: tempfile::tempdir().unwrap(), kms, values: Vec::new(), deleted: 0 }
    }

    /// A blob that the KMS unwraps with this key.
    fn wrap(&self, arn: &str, number: u8) -> ([u8; 32], Vec<u8>) {
        let (dek, blob) = ([number; 32], vec![1, 2, 2, 0, number]);
        self.kms.with(|state| state.blobs.insert(blob.clone(), (arn.to_owned(), dek.to_vec())));
        (dek, [b"1", &blob[..]].concat())
    }

    /// Adds a value of KMS v2 that names its key so.
    pub(crate) fn v2(&mut self, provider: &str, named: &str, arn: &str, number: u8) {
        let ((dek, wrapped), name) = (self.wrap(arn, number), format!("s{}", self.values.len()));
        self.values.push(kms_v2(provider, named, &wrapped, dek, secret(&name)));
    }

    pub(crate) fn v1(&mut self, provider: &str, arn: &str, number: u8) {
        let ((dek, wrapped), name) = (self.wrap(arn, number), format!("s{}", self.values.len()));
        self.values.push(kms_v1(provider, &wrapped, dek, secret(&name)));
    }

    fn command(&self, args: &[&str]) -> Command {
        let writes =
            (2..).zip(&self.values).map(|(main, (key, value))| Write { main, key: key.clone().into_bytes(), value: value.clone() });
        let next = 2 + self.values.len() as u64;
        let deleted = (next..).zip(&self.values[self.values.len() - self.deleted..]).map(|(main, (key, _))| pages::tombstone(main, key));
        let entries: Vec<_> = writes.map(|write| write.entry()).chain(deleted).collect();
        fs::write(self.dir.path().join("a.db"), pages::database(&[pages::root(3), pages::leaf(3, &entries)])).unwrap();
        let mut command = self.kms.asked_by(self.dir.path());
        command.args(["verify", "a.db", "--rate", "0", "--no-progress"]).args(args);
        command
    }

    pub(crate) fn output(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub(crate) fn text(&self, args: &[&str]) -> (i32, String) {
        let output = self.command(args).output().unwrap();
        let (code, shown) = text(&output);
        assert!(!shown.is_empty(), "{}", stderr(&output));
        (code, shown)
    }

    /// A run, in records: what came of the values by number, and the summary's `verify`.
    pub(crate) fn verify(&self, args: &[&str]) -> Run {
        self.kms.with(|state| (state.calls.clear(), state.regions.clear(), state.described.clear()));
        let output = self.command(&[args, &["--format", "jsonl"]].concat()).output().unwrap();
        Run::of(&output)
    }

    /// Calls that are planned: those that are made, and those that may be.
    pub(crate) fn planned(&self, args: &[&str]) -> (u64, u64) {
        (self.planned_in(args, "calls"), self.planned_in(args, "further_calls"))
    }

    /// Calls about keys that are planned.
    pub(crate) fn planned_about_keys(&self, args: &[&str]) -> u64 {
        self.planned_in(args, "key_calls")
    }

    fn planned_in(&self, args: &[&str], field: &str) -> u64 {
        let output = self.command(&[args, &["--plan", "--format", "jsonl"]].concat()).output().unwrap();
        let all = records(&output);
        let plans = of_kind(&all, "plan");
        assert!(!plans.is_empty(), "{}", stderr(&output));
        plans.iter().filter(|plan| !plan["asked"].is_null()).map(|plan| plan[field].as_u64().unwrap()).sum()
    }

    /// A configuration by which Secrets are written through this provider.
    pub(crate) fn configure(&self, provider: &str, api: &str) {
        let configuration = json!({ "kind": "EncryptionConfiguration", "apiVersion": "apiserver.config.k8s.io/v1", "resources": [{
            "resources": ["secrets"], "providers": [{ "kms": { "apiVersion": api, "name": provider, "endpoint": "unix:///x" } }],
        }] });
        fs::write(self.dir.path().join("enc.yaml"), configuration.to_string()).unwrap();
    }

    /// Adds a value as it is stored.
    pub(crate) fn store(&mut self, value: Stored) {
        self.values.push(value);
    }

    /// Deletes what the last so many values are of.
    pub(crate) fn delete(&mut self, last: usize) {
        self.deleted = last;
    }

    /// Adds a value of KMS v2 under a multi-region key, which the KMS unwraps wherever the key is.
    pub(crate) fn v2_anywhere(&mut self, provider: &str, arn: &str, number: u8) {
        self.v2(provider, arn, arn, number);
        self.kms.with(|state| state.has_replicas = true);
    }
}

/// What a run came to.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) outcomes: BTreeMap<String, usize>,
    pub(crate) verify: Value,
    pub(crate) conditions: Value,
    pub(crate) keys: Vec<Value>,
    pub(crate) shown: String,
}

impl Run {
    fn of(output: &Output) -> Self {
        let all = records(output);
        let mut outcomes = BTreeMap::new();
        for value in of_kind(&all, "value") {
            *outcomes.entry(value["outcome"].as_str().unwrap_or("none").to_owned()).or_default() += 1;
        }
        let summary = of_kind(&all, "summary").first().copied().unwrap_or_else(|| panic!("{}", stderr(output)));
        let (verify, conditions) = (summary["verify"].clone(), summary["conditions"].clone());
        let keys = of_kind(&all, "key").into_iter().cloned().collect();
        Self { code: output.status.code().unwrap(), outcomes, verify, conditions, keys, shown: stderr(output) }
    }

    pub(crate) fn calls(&self) -> u64 {
        self.verify["calls"].as_u64().unwrap()
    }
}

fn outcomes(all: &[(&str, usize)]) -> BTreeMap<String, usize> {
    all.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
}

/// One run opens what was written through KMS v1 without a context, through KMS v2 with one, in two regions, and under an alias that was
/// pointed elsewhere meanwhile; and it makes the calls that its plan says.
#[test]
fn a_whole_migration_opens_in_one_run_with_the_calls_of_its_plan() {
    let prod = with_context(&[("cluster", "prod")]);
    let mut world = World::of(&[(WEST, with_context(&[])), (NEXT, prod.clone()), (EAST, prod)]);
    world.v1("aws", WEST, 1);
    world.v1("aws", WEST, 2);
    world.v2("aws", NEXT, NEXT, 3);
    world.v2("aws", NEXT, NEXT, 3);
    world.v2("aws", EAST, EAST, 4);
    world.v2("aws", ALIAS, NEXT, 5);
    // A second key that the alias has meant.
    let older = "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-1111-4aaa-8aaa-000000000009";
    world.kms.with(|state| state.keys.insert(older.to_owned(), with_context(&[("cluster", "prod")])));
    world.v2("aws", ALIAS, older, 6);
    let args = ["--aws-kms=aws", "--encryption-context-for", "v2/aws", "cluster=prod"];
    assert_eq!(world.planned(&args), (6, 0));
    let run = world.verify(&args);
    assert_eq!((run.outcomes.clone(), run.calls(), world.kms.calls("Decrypt")), (outcomes(&[("opened", 7)]), 6, 6), "{}", run.shown);
    let asked: Vec<String> = world.kms.with(|state| state.regions.iter().take(6).cloned().collect());
    assert_eq!(asked.iter().filter(|region| *region == "us-east-1").count(), 1, "{asked:?}");
    assert_eq!(world.kms.with(|state| state.calls.len() as u64), 6 + run.verify["other_calls"].as_u64().unwrap());
}

/// A context that was added, or left out, later: both are tried, each try is a call, and who has opened one key's first is tried first.
#[test]
fn contexts_are_tried_in_turn_and_every_try_is_counted() {
    let mut world = World::of(&[(WEST, with_context(&[])), (NEXT, with_context(&[("cluster", "prod")]))]);
    for number in 1..=3 {
        world.v2("aws", WEST, WEST, number);
        world.v2("aws", NEXT, NEXT, 10 + number);
    }
    let args = ["--aws-kms", "--encryption-context-for", "aws", "none", "--encryption-context-for", "aws", "cluster=prod"];
    assert_eq!(world.planned(&args), (6, 6));
    let run = world.verify(&args);
    assert_eq!((run.outcomes.clone(), run.calls(), world.kms.calls("Decrypt")), (outcomes(&[("opened", 6)]), 7, 7), "{}", run.shown);
    // The narrowest that is given is tried alone: for a key before its version, for that before its provider, and that before all.
    for whose in [NEXT, "v2/aws", "aws"] {
        let run = world.verify(&["--aws-kms", "--encryption-context", "none", "--encryption-context-for", whose, "cluster=prod"]);
        let opened =
            if whose == NEXT { outcomes(&[("opened", 6)]) } else { outcomes(&[("context-mismatch-or-damaged-dek", 3), ("opened", 3)]) };
        assert_eq!((run.outcomes.clone(), run.calls()), (opened, 6), "{whose}");
    }
    let unused = world.text(&["--aws-kms", "--encryption-context-for", "awz", "a=b"]).1;
    assert!(unused.contains("named by no value here: the encryption context of awz"), "{unused}");
    let (code, refused) = (world.command(&["--aws-kms", "--encryption-context", "cluster"]).output().unwrap(), "key=value");
    assert!(code.status.code() == Some(1) && stderr(&code).contains(refused), "{}", stderr(&code));
}

/// Who may use a key only under its context is denied under another: that is no reason to stop.
#[test]
fn a_denied_context_is_not_the_last_one() {
    let mut world = World::of(&[(WEST, with_context(&[("a", "b")]))]);
    world.v2("aws", WEST, WEST, 1);
    world.kms.with(|state| state.instead = vec![common::kms_double::Answer::Error(400, "AccessDeniedException", "no")]);
    let run = world.verify(&["--aws-kms", "--encryption-context", "none", "--encryption-context", "a=b"]);
    assert_eq!((run.outcomes.clone(), run.calls()), (outcomes(&[("opened", 1)]), 2), "{}", run.shown);
    // But a key that is switched off is so under any.
    world.kms.with(|state| state.keys.insert(WEST.to_owned(), Key { state: "Disabled", ..Key::default() }));
    let run = world.verify(&["--aws-kms", "--encryption-context", "none", "--encryption-context", "a=b"]);
    assert_eq!((run.outcomes.clone(), run.calls()), (outcomes(&[("disabled", 1)]), 1), "{}", run.shown);
}

/// An ARN names its region, whatever is configured; what names none is asked about where the user says, in turn.
#[test]
fn an_arn_is_asked_about_in_its_region_and_the_rest_where_the_user_says() {
    let mut world = World::of(&[(WEST, with_context(&[])), (EAST, with_context(&[]))]);
    world.v2("aws", WEST, WEST, 1);
    world.v1("aws", EAST, 2);
    world.v1("aws", EAST, 3);
    let run = world.verify(&["--aws-kms", "--aws-region", "us-east-1"]);
    assert_eq!((run.outcomes.clone(), run.calls()), (outcomes(&[("opened", 3)]), 3), "{}", run.shown);
    let both = ["--aws-kms", "--aws-region", "eu-west-1,us-east-1"];
    assert_eq!(world.planned(&both), (3, 2));
    let run = world.verify(&both);
    assert_eq!((run.outcomes.clone(), run.calls(), world.kms.calls("Decrypt")), (outcomes(&[("opened", 3)]), 4, 4), "{}", run.shown);
}

/// Blobs of other providers are never sent to AWS where it is tied to some.
#[test]
fn aws_is_sent_nothing_of_providers_that_it_is_not_for() {
    let mut world = World::of(&[(WEST, with_context(&[]))]);
    world.v1("aws", WEST, 1);
    world.v2("aws", WEST, WEST, 2);
    world.v1("thales", WEST, 3);
    world.v2("other", WEST, WEST, 4);
    let run = world.verify(&["--aws-kms"]);
    assert_eq!((run.outcomes.clone(), run.calls()), (outcomes(&[("opened", 4)]), 4));
    for (args, opened) in [(vec!["--aws-kms=aws"], 2), (vec!["--aws-kms=aws,other"], 3), (vec!["--aws-kms=aws", "--aws-kms=other"], 3)] {
        assert_eq!(world.planned(&args).0, opened as u64);
        let run = world.verify(&args);
        let wanted = outcomes(&[("no-key-given", 4 - opened), ("opened", opened)]);
        assert_eq!((run.outcomes, world.kms.calls("Decrypt")), (wanted, opened), "{args:?}");
    }
    let none = world.verify(&["--aws-kms=vault"]);
    assert_eq!((none.outcomes, world.kms.with(|state| state.calls.len())), (outcomes(&[("no-key-given", 4)]), 0));
    let (_, said) = world.text(&["--aws-kms=vault,aws"]);
    assert!(said.contains("named by no value here: kms/vault"), "{said}");
    let refused = world.command(&["--aws-kms="]).output().unwrap();
    assert!(refused.status.code() == Some(1) && stderr(&refused).contains("expected a name"), "{}", stderr(&refused));
}

/// A call is what was sent: without credentials there is none.
#[test]
fn what_was_not_sent_is_no_call() {
    let mut world = World::of(&[(WEST, with_context(&[]))]);
    (1..=9).for_each(|number| world.v2("aws", WEST, WEST, number));
    let mut command = world.command(&["--aws-kms", "--format", "jsonl", "--ledger", "calls.jsonl"]);
    let output = command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").output().unwrap();
    let run = Run::of(&output);
    assert_eq!((run.code, run.outcomes.clone(), run.calls()), (3, outcomes(&[("no-credentials-or-region", 9)]), 0));
    assert_eq!((run.verify["other_calls"].clone(), world.kms.with(|state| state.calls.len())), (json!(0), 0));
    assert_eq!(fs::read_to_string(world.dir.path().join("calls.jsonl")).unwrap(), "");
}

/// In the middle of a rotation of the KMS key a provider has two key IDs: which is current no file says, and so nothing is complete.
#[test]
fn two_keys_of_the_required_provider_are_not_complete() {
    let mut world = World::of(&[(WEST, with_context(&[])), (NEXT, with_context(&[]))]);
    world.v2("aws", WEST, WEST, 1);
    let required = ["--aws-kms", "--require-key", "kms/aws"];
    let one = world.verify(&required);
    assert_eq!((one.code, &one.verify["under_required"]), (0, &json!(1)), "{}", one.shown);
    world.v2("aws", NEXT, NEXT, 2);
    let configuration = json!({ "kind": "EncryptionConfiguration", "apiVersion": "apiserver.config.k8s.io/v1", "resources": [{
        "resources": ["secrets"], "providers": [{ "kms": { "apiVersion": "v2", "name": "aws", "endpoint": "unix:///x" } }],
    }] });
    fs::write(world.dir.path().join("enc.yaml"), configuration.to_string()).unwrap();
    for args in [&required[..], &["--aws-kms", "--encryption-config", "enc.yaml"]] {
        let run = world.verify(args);
        assert_eq!(
            (run.code, &run.verify["under_required"], &run.verify["not_known_under_required"]),
            (3, &json!(0), &json!(2)),
            "{}",
            run.shown
        );
        let why: Vec<_> = run.verify["left"].as_array().unwrap().iter().map(|left| (left["why"].clone(), left["under"].clone())).collect();
        let of = |arn: &str| (json!("one-of-several-keys"), json!(format!("kms/aws/{arn}")));
        assert_eq!(why, [of(WEST), of(NEXT)]);
        let (code, shown) = world.text(args);
        assert!(code == 3 && shown.contains("Re-encryption NOT KNOWN") && !shown.contains("COMPLETE in"), "{shown}");
        assert!(shown.contains("not known which it writes under now") && shown.contains("--require-key PROVIDER/NAME/KEYID"), "{shown}");
        let quiet = world.text(&[args, &["-q"]].concat());
        assert!(quiet.0 == 3 && quiet.1.contains("of 2 it is not known: the required provider has several keys"), "{}", quiet.1);
    }
    // Who names the key gets an answer.
    let run = world.verify(&["--aws-kms", "--require-key", &format!("kms/aws/{NEXT}")]);
    assert_eq!((run.code, &run.verify["under_required"], &run.verify["not_under_required"]), (2, &json!(1), &json!(1)));
    // A provider of KMS v1 and v2 under one name has several keys, too.
    let mut world = World::of(&[(WEST, with_context(&[]))]);
    world.v1("aws", WEST, 1);
    world.v2("aws", WEST, WEST, 2);
    let run = world.verify(&required);
    assert_eq!((run.code, &run.verify["not_known_under_required"]), (3, &json!(2)));
}

/// KMS v1 names no key: where it stands for several of the KMS, under which of them is written now nothing says. Where all were unwrapped
/// with one of them, there is one.
#[test]
fn a_name_that_stands_for_several_keys_is_not_complete() {
    let required = ["--aws-kms", "--require-key", "kms/aws"];
    let mut world = World::of(&[(WEST, with_context(&[])), (NEXT, with_context(&[]))]);
    world.v1("aws", WEST, 1);
    world.v1("aws", WEST, 2);
    let run = world.verify(&required);
    assert_eq!((run.code, &run.verify["under_required"]), (0, &json!(2)), "{}", run.shown);
    world.v1("aws", NEXT, 3);
    let run = world.verify(&required);
    let counts = (run.code, &run.verify["under_required"], &run.verify["not_known_under_required"]);
    assert_eq!(counts, (3, &json!(0), &json!(3)), "{}", run.shown);
    let (code, shown) = world.text(&required);
    assert!(code == 3 && !shown.contains("COMPLETE in"), "{shown}");
    // What a value of KMS v1 is under the KMS says, where the required key is called as it calls it.
    let mut world = World::of(&[(WEST, with_context(&[])), (NEXT, with_context(&[]))]);
    world.v1("aws", WEST, 1);
    world.v1("aws", NEXT, 2);
    let run = world.verify(&["--aws-kms", "--require-key", &format!("kms/aws/{NEXT}")]);
    assert_eq!((run.code, &run.verify["under_required"], &run.verify["not_under_required"]), (2, &json!(1), &json!(1)), "{}", run.shown);
}

/// A filter shows a part of the values. Under which key their provider writes all of them tell.
#[test]
fn a_filter_hides_no_key_of_the_required_provider() {
    let mut world = World::of(&[(WEST, with_context(&[])), (NEXT, with_context(&[]))]);
    world.v2("aws", WEST, WEST, 1);
    let required = ["--aws-kms", "--require-key", "kms/aws", "--name", "s0"];
    let run = world.verify(&required);
    assert_eq!((run.code, &run.verify["under_required"]), (0, &json!(1)), "{}", run.shown);
    world.v2("aws", NEXT, NEXT, 2);
    let run = world.verify(&required);
    let counts = (run.code, &run.verify["under_required"], &run.verify["not_known_under_required"]);
    assert_eq!(counts, (3, &json!(0), &json!(1)), "{}", run.shown);
}

/// Old keys in older revisions do not make it unknown, as long as the last write is under the key of all that is current.
#[test]
fn a_rotation_that_is_done_is_complete() {
    let mut world = World::of(&[(WEST, with_context(&[])), (NEXT, with_context(&[]))]);
    world.v2("aws", WEST, WEST, 1);
    world.v2("aws", NEXT, NEXT, 2);
    // The first is rewritten: its old revision stays.
    let (dek, wrapped) = world.wrap(NEXT, 3);
    world.values.push(kms_v2("aws", NEXT, &wrapped, dek, secret("s0")));
    let run = world.verify(&["--aws-kms", "--require-key", "kms/aws"]);
    assert_eq!((&run.verify["under_required"], &run.verify["left"]), (&json!(2), &json!([])), "{} {}", run.shown, run.verify);
    // Where the last write is under another one, as when its object was deleted or rewritten since, a rotation goes on.
    let mut world = World::of(&[(WEST, with_context(&[])), (NEXT, with_context(&[]))]);
    world.v2("aws", NEXT, NEXT, 1);
    world.v2("aws", WEST, WEST, 2);
    let (key, _) = secret("s1");
    world.values.push((key, secret("s1").1));
    let run = world.verify(&["--aws-kms", "--require-key", "kms/aws"]);
    assert_eq!(
        (run.code, &run.verify["not_known_under_required"], &run.verify["not_under_required"]),
        (2, &json!(1), &json!(1)),
        "{}",
        run.verify
    );
}

/// A key that still opens what it should, and will not for long, is told with its date; so is an alias that was pointed elsewhere.
#[test]
fn keys_that_are_going_and_aliases_that_moved_are_told() {
    let lingering = Key { state: "Lingering", ..Key::default() };
    let mut world = World::of(&[(WEST, lingering), (NEXT, with_context(&[]))]);
    world.v2("aws", WEST, WEST, 1);
    world.v2("aws", ALIAS, WEST, 2);
    world.v2("aws", ALIAS, NEXT, 3);
    let (code, shown) = world.text(&["--aws-kms"]);
    assert!(shown.contains(&format!("KEY NOT ENABLED: {WEST} is PendingDeletion, and the KMS deletes it on 2027-01-15")), "{shown}");
    assert!(shown.contains("1 value STILL OPENED") && shown.contains("cancel-key-deletion"), "{shown}");
    assert!(shown.contains(&format!("stands for 2 keys (it was pointed elsewhere at least once), each needed: {WEST}, {NEXT}")), "{shown}");
    assert_eq!(code, 0, "{shown}");
    let run = world.verify(&["--aws-kms"]);
    let dates: Vec<_> = run.keys.iter().map(|key| (&key["state"], &key["deletion_date"])).collect();
    assert_eq!(dates, vec![(&json!("PendingDeletion"), &json!("2027-01-15T08:00:00Z")); 2]);
}

/// A KMS that nobody reaches is waited for once, whatever is asked: not for each key, and not again for its state.
#[test]
fn a_kms_that_nobody_reaches_is_given_up_in_seconds() {
    let keys: Vec<String> = (1..=3).map(|number| format!("{}{number}", &WEST[..WEST.len() - 1])).collect();
    let mut world = World::of(&[]);
    for (key, number) in keys.iter().flat_map(|key| (0..100).map(move |number| (key, number))) {
        world.v2("aws", key, key, number);
    }
    let began = std::time::Instant::now();
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = world.command(&["--aws-kms", "--require-key", "kms/aws", "--format", "jsonl"]);
    let run = Run::of(&command.env("AWS_ENDPOINT_URL_KMS", format!("http://{nowhere}")).output().unwrap());
    assert_eq!((run.code, run.calls(), &run.verify["other_calls"]), (3, 0, &json!(0)), "{}", run.shown);
    assert_eq!(run.outcomes, outcomes(&[("kms-unavailable", 300)]));
    let patience = etcd_sleuth::kms::Patience::default();
    let waits: std::time::Duration = (0..).map_while(|number| patience.wait(number)).sum();
    assert!(began.elapsed() < waits * 2, "{:?}", began.elapsed());
}

/// Whoever can write a ledger can write that everything was opened. Such a line spares a call, and is no opening, whatever else this run
/// opens: not in the count, not for the requirement, and not in the exit code.
#[test]
fn a_line_of_a_ledger_is_no_opening() {
    let mut world = World::of(&[(WEST, with_context(&[]))]);
    (1..=4).for_each(|number| world.v2("aws", WEST, WEST, number));
    let args = ["--aws-kms", "--require-key", "kms/aws", "--ledger", "calls.jsonl"];
    assert_eq!(world.verify(&args).code, 0);
    let path = world.dir.path().join("calls.jsonl");
    let ledger = fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = ledger.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // What the ledger says of the first of them, by whomever it was written.
    let first = lines.iter().find(|line| line["operation"] == "open").unwrap()["input_sha256"].clone();
    let of_first = ledger.lines().zip(&lines).filter(|(_, line)| line["input_sha256"] == first);
    fs::write(&path, of_first.map(|(line, _)| format!("{line}\n")).collect::<String>()).unwrap();
    let ledger = fs::read(&path).unwrap();
    let run = world.verify(&args);
    assert_eq!((run.outcomes.clone(), run.code), (outcomes(&[("opened", 3), ("opened-before", 1)]), 3), "{}", run.shown);
    let counts = ["current", "current_opened", "current_opened_before", "calls"].map(|field| run.verify[field].as_u64().unwrap());
    assert_eq!(counts, [4, 3, 1, 3]);
    fs::write(&path, ledger).unwrap();
    let (code, shown) = world.text(&args);
    assert!(code == 3 && !shown.contains("exit 0") && !shown.contains("COMPLETE"), "{shown}");
    let said =
        "3 of 4 encrypted current values open with the keys given; 1 not asked about again: the ledger says that an earlier run opened it";
    assert!(shown.contains(said) && shown.contains("1 of them as the ledger says of an earlier run"), "{shown}");
}

/// Where a key may be is said where ARNs say it.
#[test]
fn a_wrong_region_is_hinted_at() {
    let mut world = World::of(&[(WEST, with_context(&[])), (EAST, with_context(&[]))]);
    world.v1("aws", EAST, 1);
    world.v2("aws", EAST, EAST, 2);
    let (code, shown) = world.text(&["--aws-kms"]);
    let hint = "asked about in eu-west-1, and ARNs in these values are of us-east-1: give --aws-region eu-west-1,us-east-1";
    assert!(code == 3 && shown.contains(hint), "{shown}");
    let (code, shown) = world.text(&["--aws-kms", "--aws-region", "eu-west-1,us-east-1"]);
    assert!(code == 0 && !shown.contains("ARNs in these values"), "{shown}");
}

/// The KMS has unwrapped the DEK: what then does not open is damaged or altered, and not under another key. Where the DEK opens others that
/// is proved.
#[test]
fn a_flipped_bit_is_no_other_key() {
    for (api, others, outcome, code) in
        [("v2", 0, "damaged-or-other-dek", 3), ("v1", 0, "damaged-or-other-dek", 3), ("v2", 1, "damaged-ciphertext", 2)]
    {
        let mut world = World::of(&[(WEST, with_context(&[]))]);
        (0..=others).for_each(|_| if api == "v2" { world.v2("aws", WEST, WEST, 1) } else { world.v1("aws", WEST, 1) });
        let value = &mut world.values[0].1;
        // Within the ciphertext, wherever the envelope has it.
        let at = value.len() - if api == "v1" { 1 } else { value.len() - value.windows(12).position(|part| part == [7; 12]).unwrap() - 20 };
        value[at] ^= 1;
        let run = world.verify(&["--aws-kms"]);
        assert_eq!((run.outcomes.get(outcome), run.code), (Some(&1), code), "{api} {} {:?}", run.shown, run.outcomes);
    }
}

/// That a region does not know a key proves nothing where nothing says that the key is of that region; in its ARN's own region it does.
#[test]
fn a_key_that_is_not_found_elsewhere_is_not_decided() {
    let replica = "arn:aws:kms:eu-west-1:111122223333:key/mrk-0123456789abcdef0123456789abcdef";
    for (named, code, outcome) in [
        (None, 3, "key-not-found-in-region"),
        (Some("aaaaaaaa-1111-4aaa-8aaa-000000000001"), 3, "key-not-found-in-region"),
        (Some("alias/etcd"), 3, "key-not-found-in-region"),
        (Some(replica), 3, "key-not-found-in-region"),
        (Some(WEST), 2, "key-not-found"),
    ] {
        let mut world = World::of(&[]);
        match named {
            None => world.v1("aws", WEST, 1),
            Some(named) => world.v2("aws", named, WEST, 1),
        }
        let run = world.verify(&["--aws-kms"]);
        assert_eq!((run.outcomes.clone(), run.code), (outcomes(&[(outcome, 1)]), code), "{named:?} {}", run.shown);
        let (_, shown) = world.text(&["--aws-kms"]);
        assert_eq!(shown.contains("where it was asked (eu-west-1)") && shown.contains("--aws-region"), code == 3, "{shown}");
    }
}

/// What nobody opened is as required by name alone, which proves nothing.
#[test]
fn what_only_names_the_required_key_is_not_complete() {
    let mut world = World::of(&[(WEST, with_context(&[]))]);
    world.v2("aws", WEST, WEST, 1);
    world.v2("aws", WEST, WEST, 2);
    let required = ["--aws-kms=other", "--require-key", "kms/aws"];
    let denied = Key { is_denied: true, ..with_context(&[]) };
    for (args, key) in [(&required[..], with_context(&[])), (&["--aws-kms", "--require-key", "kms/aws"], denied)] {
        world.kms.with(|state| state.keys.insert(WEST.to_owned(), key));
        let (code, shown) = world.text(args);
        assert!(code == 3 && !shown.contains("COMPLETE"), "{shown}");
        assert!(
            shown.contains("Re-encryption NOT PROVED in these files: ") && shown.contains("2 of them by the key's name alone"),
            "{shown}"
        );
    }
}

/// A state that the KMS did not say is told as not known: a key that will be deleted looks like any other.
#[test]
fn a_state_that_is_not_said_is_not_known() {
    let lingering = Key { state: "Lingering", ..Key::default() };
    let mut world = World::of(&[(WEST, lingering)]);
    world.v2("aws", WEST, WEST, 1);
    world.kms.with(|state| state.undescribed = Some("ThrottlingException"));
    // The calls that are left do not last for the patience.
    let args = ["--aws-kms", "--max-calls", "2"];
    let (code, shown) = world.text(&args);
    assert!(code == 3 && shown.contains(&format!("STATE NOT KNOWN: {WEST}")) && !shown.contains("NOT ENABLED"), "{shown}");
    assert!(shown.contains("whether the KMS will delete it was not said"), "{shown}");
    let run = world.verify(&args);
    assert_eq!(run.keys.iter().map(|key| &key["state"]).collect::<Vec<_>>(), [&json!("not-known")]);
    world.kms.with(|state| state.undescribed = Some("AccessDeniedException"));
    let (_, shown) = world.text(&["--aws-kms"]);
    assert!(shown.contains(&format!("STATE NOT KNOWN: {WEST} (access denied")), "{shown}");
}

/// A KMS that repeats what it was sent in an error puts it on no screen, in no record and in no ledger.
#[test]
fn errors_of_a_kms_show_nothing_of_what_was_sent() {
    use base64::Engine;
    let mut world = World::of(&[(WEST, with_context(&[]))]);
    let blob: Vec<u8> = (0..120u8).map(|n| n.wrapping_mul(89)).collect();
    world.values.push(kms_v2("aws", WEST, &[b"1", &blob[..]].concat(), [1; 32], secret("s")));
    let in_base64 = base64::engine::general_purpose::STANDARD.encode(&blob);
    let message: &'static str = String::leak(format!("cannot decrypt {in_base64}: unexpected"));
    for format in ["text", "jsonl"] {
        world.kms.with(|state| state.instead = vec![common::kms_double::Answer::Error(400, "SomethingNew", message)]);
        let output = world.command(&["--aws-kms", "--ledger", "calls.jsonl", "--format", format]).output().unwrap();
        let ledger = fs::read_to_string(world.dir.path().join("calls.jsonl")).unwrap();
        let all = format!("{}{}{ledger}", String::from_utf8_lossy(&output.stdout), stderr(&output));
        assert!(all.contains("cannot decrypt [what was sent]: unexpected"), "{all}");
        assert!(!all.contains(&in_base64[..16]) && !all.contains(&in_base64[40..60]), "{all}");
    }
}

/// A plugin beside it: it says under which key it writes, and one provider may have two sockets.
#[cfg(all(feature = "kms-plugin", target_os = "linux"))]
mod with_plugins {
    use std::os::unix::net::UnixListener;

    use super::*;
    use common::plugin_double::{Asked, Reply, field_1, serve_by, status};
    use etcd_sleuth::envelope::KmsApi;

    impl World {
        /// A plugin at a socket of this name, which unwraps what was wrapped with these numbers and writes under `current`.
        fn plugin(&self, name: &str, numbers: &[u8], api: &'static str, current: &'static str) -> (String, Asked) {
            let path = self.dir.path().join(name);
            let numbers = numbers.to_vec();
            let asked = serve_by(UnixListener::bind(&path).unwrap(), move |path, message| match path.rsplit('/').next().unwrap() {
                _ if !path.contains(api) => Reply::Status(12, "unknown service".to_owned()),
                "Status" => Reply::Message(status(current)),
                // The blobs of these tests.
                _ => match numbers.iter().find(|number| message.windows(6).any(|part| part == [b'1', 1, 2, 2, 0, **number])) {
                    Some(number) => Reply::Message(field_1(&[*number; 32])),
                    None => Reply::Status(3, "the key is another one".to_owned()),
                },
            });
            (format!("aws=unix://{}", path.display()), asked)
        }
    }

    fn decrypts(asked: &Asked) -> usize {
        asked.lock().unwrap().iter().filter(|(path, _)| path.ends_with("/Decrypt")).count()
    }

    /// The plugin's status names the key that is current: what is under another key is left, also where that is all there is.
    #[test]
    fn the_status_of_the_plugin_names_the_required_key() {
        let mut world = World::of(&[]);
        world.v2("aws", WEST, WEST, 1);
        world.v2("aws", NEXT, NEXT, 2);
        let (plugin, asked) = world.plugin("a.sock", &[1, 2], "v2.", NEXT);
        let args = ["--kms-plugin", &plugin, "--require-key", "kms/aws", "--ledger", "calls.jsonl"];
        let shown = world.text(&[&args[..4], &["--plan"]].concat()).1;
        assert!(shown.contains("  besides 1 call to plugins about the key that is current\n"), "{shown}");
        let run = world.verify(&args);
        assert_eq!((run.code, &run.verify["required"]), (2, &json!([format!("kms/aws/{NEXT}")])), "{}", run.shown);
        assert_eq!((&run.verify["under_required"], &run.verify["not_under_required"]), (&json!(1), &json!(1)));
        assert_eq!((run.calls(), &run.verify["other_calls"], asked.lock().unwrap().len()), (2, &json!(1), 3));
        assert!(fs::read_to_string(world.dir.path().join("calls.jsonl")).unwrap().contains(r#""operation":"Status""#));
        let shown = world.text(&args[..4]).1;
        assert!(shown.contains(&format!("Note: the plugin of aws writes under {NEXT} now")), "{shown}");
        // Nothing was rewritten yet: every value is under the old key.
        world.values.truncate(1);
        let run = world.verify(&args[..4]);
        assert_eq!((run.code, &run.verify["not_under_required"]), (2, &json!(1)));
        // A key that the user names is not asked about.
        let before = asked.lock().unwrap().len();
        let named = format!("kms/aws/{WEST}");
        let run = world.verify(&["--kms-plugin", &plugin, "--require-key", &named]);
        assert_eq!((run.code, asked.lock().unwrap().len() - before), (0, 1), "{}", run.shown);
    }

    /// Two plugins that do not agree settle nothing.
    #[test]
    fn plugins_that_disagree_leave_it_open() {
        let mut world = World::of(&[]);
        world.v2("aws", WEST, WEST, 1);
        let (old, _) = world.plugin("old.sock", &[1], "v2.", WEST);
        let (new, _) = world.plugin("new.sock", &[2], "v2.", NEXT);
        let args = ["--kms-plugin", &old, "--kms-plugin", &new, "--require-key", "kms/aws"];
        let run = world.verify(&args);
        assert_eq!((run.code, &run.verify["not_known_under_required"]), (3, &json!(1)), "{}", run.shown);
        assert!(world.text(&args).1.contains("do not agree on the key"));
    }

    /// Who could be asked under which key a provider writes now, and did not say it, leaves it open: so does one that API servers would not
    /// believe, and a question that no call was left for.
    #[test]
    fn a_status_that_is_not_said_leaves_it_open() {
        let mut world = World::of(&[]);
        world.v2("aws", WEST, WEST, 1);
        let (plugin, _) = world.plugin("a.sock", &[1], "v2.", WEST);
        let alone = ["--kms-plugin", &plugin, "--require-key", "kms/aws"];
        assert_eq!(world.verify(&alone).code, 0);
        let of_status = |version: &str, healthz: &str| [field_1(version.as_bytes()), field(0x12, healthz), field(0x1a, WEST)].concat();
        for (number, said) in [of_status("v2", "unhealthy: no KMS"), of_status("v9", "ok"), status("")].into_iter().enumerate() {
            let path = world.dir.path().join(format!("unwell{number}.sock"));
            serve_by(UnixListener::bind(&path).unwrap(), move |path, _| match path.rsplit('/').next().unwrap() {
                "Status" => Reply::Message(said.clone()),
                _ => Reply::Status(3, "the key is another one".to_owned()),
            });
            let other = format!("aws=unix://{}", path.display());
            for order in [[&plugin, &other], [&other, &plugin]] {
                let run = world.verify(&["--kms-plugin", order[0], "--kms-plugin", order[1], "--require-key", "kms/aws"]);
                let counts = (run.code, &run.verify["under_required"], &run.verify["not_known_under_required"]);
                assert_eq!(counts, (3, &json!(0), &json!(1)), "{}", run.shown);
            }
        }
        let run = world.verify(&[&alone[..], &["--max-calls", "1"]].concat());
        assert_eq!((run.code, &run.verify["not_known_under_required"]), (3, &json!(1)), "{}", run.shown);
    }

    fn field(tag: u8, text: &str) -> Vec<u8> {
        [&[tag, u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat()
    }

    /// An API server asks the plugin of the name that stands in the value. What bears another provider's name is opened by nobody else's
    /// plugin, though it is the same DEK.
    #[test]
    fn a_value_under_another_providers_name_is_asked_of_that_provider_alone() {
        for api in [KmsApi::V1Beta1, KmsApi::V2] {
            let mut world = World::of(&[]);
            for provider in ["aws", "other"] {
                match api {
                    KmsApi::V1Beta1 => world.v1(provider, WEST, 1),
                    KmsApi::V2 => world.v2(provider, WEST, WEST, 1),
                }
            }
            let (plugin, asked) = world.plugin("a.sock", &[1], if api == KmsApi::V2 { "v2." } else { "v1beta1." }, WEST);
            let run = world.verify(&["--kms-plugin", &plugin]);
            assert_eq!((run.outcomes.clone(), run.code), (outcomes(&[("no-key-given", 1), ("opened", 1)]), 3), "{}", run.shown);
            assert_eq!(decrypts(&asked), 1);
            // Nor by the ledger's word of what was opened under the first name.
            let both = ["--kms-plugin", &plugin, "--kms-plugin", &plugin.replace("aws=", "other="), "--ledger", "calls.jsonl"];
            assert_eq!(world.verify(&both[..2]).calls(), 1);
            assert_eq!(world.verify(&[&both[..2], &both[4..]].concat()).calls(), 1);
            let run = world.verify(&both);
            assert_eq!((run.outcomes.clone(), run.calls()), (outcomes(&[("opened", 1), ("opened-before", 1)]), 1), "{}", run.shown);
        }
    }

    /// A plugin that gives any 32 bytes hides nobody who gives the DEK, in either order; where nobody does it is not decided.
    #[test]
    fn a_dek_that_opens_nothing_hides_no_other_socket() {
        for api in [KmsApi::V1Beta1, KmsApi::V2] {
            let mut world = World::of(&[]);
            for number in 1..=3 {
                match api {
                    KmsApi::V1Beta1 => world.v1("aws", WEST, number),
                    KmsApi::V2 => world.v2("aws", WEST, WEST, number),
                }
            }
            let (right, _) = world.plugin("right.sock", &[1, 2, 3], if api == KmsApi::V2 { "v2." } else { "v1beta1." }, WEST);
            let path = world.dir.path().join("wrong.sock");
            serve_by(UnixListener::bind(&path).unwrap(), |_, _| Reply::Message(field_1(&[99; 32])));
            let wrong = format!("aws=unix://{}", path.display());
            for order in [[&wrong, &right], [&right, &wrong]] {
                let run = world.verify(&["--kms-plugin", order[0], "--kms-plugin", order[1]]);
                assert_eq!((run.outcomes.clone(), run.code), (outcomes(&[("opened", 3)]), 0), "{}", run.shown);
            }
            let run = world.verify(&["--kms-plugin", &wrong]);
            assert_eq!((run.outcomes.clone(), run.code), (outcomes(&[("damaged-or-other-dek", 3)]), 3), "{}", run.shown);
        }
    }

    /// One value that opens is proof of a DEK, wherever it stands among those that do not: a holder whose DEK opens nothing hides it not.
    #[test]
    fn a_dek_is_proved_by_whichever_value_it_opens() {
        let count = 40;
        for whole in [0, 7, 8, count / 2, count - 1] {
            let mut world = World::of(&[]);
            (0..count).for_each(|_| world.v2("aws", WEST, WEST, 1));
            for (_, (_, value)) in world.values.iter_mut().enumerate().filter(|(number, _)| *number != whole) {
                // Behind the nonce stands the ciphertext.
                let at = value.windows(12).position(|part| part == [7; 12]).unwrap() + 20;
                value[at] ^= 1;
            }
            let (right, _) = world.plugin("right.sock", &[1], "v2.", WEST);
            let path = world.dir.path().join("wrong.sock");
            serve_by(UnixListener::bind(&path).unwrap(), |_, _| Reply::Message(field_1(&[99; 32])));
            let wrong = format!("aws=unix://{}", path.display());
            for order in [[&wrong, &right], [&right, &wrong]] {
                let run = world.verify(&["--kms-plugin", order[0], "--kms-plugin", order[1]]);
                let all = outcomes(&[("opened", 1), ("damaged-ciphertext", count - 1)]);
                assert_eq!((run.outcomes.clone(), run.code), (all, 2), "{whole} {}", run.shown);
            }
        }
    }

    /// Two sockets of one provider: one API each, or one key each, in either order. Each call is one that the plan says.
    #[test]
    fn two_sockets_of_one_provider_are_asked_for_what_each_can_do() {
        let mut world = World::of(&[]);
        world.v1("aws", WEST, 1);
        world.v1("aws", WEST, 2);
        world.v2("aws", WEST, WEST, 3);
        world.v2("aws", NEXT, NEXT, 4);
        world.v2("aws", NEXT, NEXT, 5);
        let (v1, asked_v1) = world.plugin("v1.sock", &[1, 2], "v1beta1.", WEST);
        let (old, asked_old) = world.plugin("old.sock", &[3], "v2.", WEST);
        let (new, asked_new) = world.plugin("new.sock", &[4, 5], "v2.", NEXT);
        for order in [[&v1, &old, &new], [&new, &v1, &old], [&old, &new, &v1]] {
            let args: Vec<&str> = order.into_iter().flat_map(|plugin| ["--kms-plugin", plugin.as_str()]).collect();
            let (calls, further) = world.planned(&args);
            assert_eq!((calls, further), (5, 10));
            let before = [&asked_v1, &asked_old, &asked_new].map(decrypts);
            let run = world.verify(&args);
            assert_eq!(run.outcomes, outcomes(&[("opened", 5)]), "{}", run.shown);
            let made: usize = [&asked_v1, &asked_old, &asked_new].map(decrypts).iter().sum::<usize>() - before.iter().sum::<usize>();
            assert!(run.calls() == made as u64 && run.calls() <= calls + further, "{} {made}", run.calls());
        }
    }

    /// The state of a key is the same whoever passes it on, and what proves nothing is not decided.
    #[test]
    fn what_a_plugin_passes_on_of_its_kms_is_taken_for_what_it_is() {
        for (code, message, outcome, exit, calls) in [
            (9, "projects/p/cryptoKeyVersions/1 is not enabled, current state is: DISABLED.", "disabled", 2, 1),
            (
                2,
                "rpc error: code = FailedPrecondition desc = k is not enabled, current state is: DESTROY_SCHEDULED.",
                "pending-deletion",
                2,
                1,
            ),
            (3, "Decryption failed: verify that 'name' refers to the correct CryptoKey.", "context-mismatch-or-damaged-dek", 3, 1),
        ] {
            let mut world = World::of(&[]);
            world.v2("aws", WEST, WEST, 1);
            let path = world.dir.path().join("kms.sock");
            let asked = serve_by(UnixListener::bind(&path).unwrap(), move |_, _| Reply::Status(code, message.to_owned()));
            let run = world.verify(&["--kms-plugin", &format!("aws=unix://{}", path.display())]);
            assert_eq!((run.outcomes.clone(), run.code), (outcomes(&[(outcome, 1)]), exit), "{message}: {}", run.shown);
            assert_eq!((run.calls(), decrypts(&asked)), (calls, usize::try_from(calls).unwrap()), "{message}");
        }
    }
}
