//! `verify` and `keys` on every fixture: what opens, what does not and why, and what is asked of a KMS for it.

#![cfg(feature = "aws-kms")]

use crate::common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::kms_double::{Answer, Key, KmsDouble};
use common::{Fixture, of_kind, records, stderr, text};
use etcd_sleuth::kms::Reason;
use etcd_sleuth::verify::Answer as Outcome;
use serde_json::{Value, json};

/// A fixture unpacked, with the configuration of its keys beside it, and a KMS that knows them.
struct World {
    dir: tempfile::TempDir,
    file: PathBuf,
    truth: Value,
    kms: KmsDouble,
}

const WITH_ALL_KEYS: [&str; 6] = ["verify", "--encryption-config", "enc.yaml", "--aws-kms", "--rate", "0"];

impl World {
    fn of(name: &str) -> Self {
        Self::with(&Fixture::named(name), |_| {})
    }

    /// With the database changed.
    fn with(fixture: &Fixture, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = fixture.bytes.to_vec();
        change(&mut bytes);
        let file = dir.path().join(format!("{}.db", fixture.name));
        std::fs::write(&file, bytes).unwrap();
        let truth = fixture.truth();
        std::fs::write(dir.path().join("enc.yaml"), serde_json::to_vec(&configuration(&truth, |_| {})).unwrap()).unwrap();
        let kms = KmsDouble::of(&truth);
        Self { dir, file, truth, kms }
    }

    fn command(&self) -> Command {
        self.kms.asked_by(self.dir.path())
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command().args(args).output().unwrap()
    }

    /// `verify` with all keys, in records.
    fn verify(&self, more: &[&str]) -> (i32, Vec<Value>, Output) {
        let file = self.file.to_str().unwrap();
        let output = self.run(&[&WITH_ALL_KEYS[..], &[file, "--format", "jsonl"], more].concat());
        (output.status.code().unwrap(), records(&output), output)
    }
}

/// The fixture's EncryptionConfiguration, its KMS providers first.
fn configuration(truth: &Value, change: impl Fn(&mut Value)) -> Value {
    let mut providers = Vec::new();
    for kms in truth["keys"]["kms"].as_array().into_iter().flatten().rev() {
        providers
            .push(json!({ "kms": { "apiVersion": kms["provider_version"], "name": kms["provider_name"], "endpoint": "unix:///nowhere" } }));
    }
    for key in truth["keys"]["local"].as_array().into_iter().flatten() {
        let provider = key["provider"].as_str().unwrap();
        let mut named = json!({ "name": key["name"], "secret": key["secret_base64"] });
        change(&mut named);
        providers.push(json!({ provider: { "keys": [named] } }));
    }
    providers.push(json!({ "identity": {} }));
    let version = "apiserver.config.k8s.io/v1";
    json!({ "apiVersion": version, "kind": "EncryptionConfiguration", "resources": [{ "resources": ["secrets"], "providers": providers }] })
}

fn encrypted(records: &[Value]) -> Vec<&Value> {
    of_kind(records, "value").into_iter().filter(|v| v["protection"] == "encrypted" && v["fragment"] == json!(false)).collect()
}

/// Outcomes of encrypted values, with their numbers.
fn outcomes(records: &[Value]) -> BTreeMap<String, usize> {
    let mut outcomes = BTreeMap::new();
    for value in encrypted(records) {
        *outcomes.entry(value["outcome"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    outcomes
}

/// Every encrypted value of every fixture opens with one call for each DEK source.
#[test]
fn every_encrypted_value_opens_with_one_call_a_dek_source() {
    let mut opened = 0;
    for fixture in Fixture::all().into_iter().filter(|fixture| !fixture.truth()["keys"]["local"].is_null()) {
        let name = &fixture.name;
        let world = World::with(&fixture, |_| {});
        let (_, records, output) = world.verify(&[]);
        let writes = world.truth["writes"].as_array().unwrap();
        let by_place: BTreeMap<u64, &Value> = ["retained", "elsewhere"]
            .iter()
            .flat_map(|list| world.truth[*list].as_array().unwrap())
            .filter(|row| row["length"].is_u64())
            .map(|row| (row["offset"].as_u64().unwrap(), &writes[usize::try_from(row["w"].as_u64().unwrap()).unwrap()]))
            .collect();
        for value in encrypted(&records) {
            let Some(write) = value["offset"].as_u64().and_then(|offset| by_place.get(&offset)) else { continue };
            assert_eq!(value["opened"], json!(true), "{name}: {value}");
            // Not every value of the fixtures is the object of its key; what is opened all the same says so.
            assert!(["opened", "opened-no-object", "opened-misplaced"].contains(&value["outcome"].as_str().unwrap()), "{name}: {value}");
            // A name that stands in the configuration is certain.
            assert_eq!((&value["provider_name"], &value["provider_name_certain"]), (&write["provider_name"], &json!(true)), "{name}");
            let by = value["opened_by"].as_str().unwrap();
            let own = format!("{}/{}", write["provider"].as_str().unwrap(), write["provider_name"].as_str().unwrap());
            assert!(by == own || by.strip_prefix(&own).is_some_and(|rest| rest.starts_with("/arn:aws:kms:")), "{name}: {by}");
            opened += 1;
        }
        let sources: BTreeSet<String> = encrypted(&records)
            .into_iter()
            .filter(|v| v["provider"] == "kms")
            .map(|v| format!("{} {} {}", v["key_id"], v["dek_source_type"], v["dek_source_sha256"]))
            .collect();
        assert_eq!(world.kms.calls("Decrypt"), sources.len(), "{name}");
        let many = if sources.len() == 1 { "" } else { "s" };
        let said = format!("AWS KMS: {} DEK source{many} to unwrap, one call each", sources.len());
        assert!(stderr(&output).contains(&said), "{name}: {}", stderr(&output));
        let summary = of_kind(&records, "summary")[0];
        assert_eq!(summary["verify"]["calls"], json!(sources.len()), "{name}");
        // The KMS knows what a KMS v1 envelope does not say.
        for key in of_kind(&records, "key").into_iter().filter(|key| key["provider"] == "kms" && key["provider_version"] != "v9") {
            let keks = world.truth["keys"]["kms"].as_array().unwrap();
            let kek = keks.iter().find(|kek| kek["provider_name"] == key["provider_name"]).unwrap();
            assert_eq!((&key["kms_key_id"], &key["state"]), (&kek["key_id"], &json!("Enabled")), "{name}: {key}");
        }
    }
    assert!(opened > 500, "{opened}");
}

#[test]
fn nothing_of_keys_or_of_what_they_open_is_printed() {
    let world = World::of("migration");
    let mut secrets: Vec<String> =
        world.truth["writes"].as_array().unwrap().iter().filter_map(|w| Some(w["marker"].as_str()?.to_owned())).collect();
    let keys = &world.truth["keys"];
    let texts = keys["local"].as_array().unwrap().iter().map(|key| &key["secret_base64"]);
    for text in texts.chain(keys["deks"].as_object().unwrap().values().map(|dek| &dek["plaintext_base64"])) {
        let text = text.as_str().unwrap();
        let bytes = STANDARD.decode(text).unwrap();
        secrets.extend([text.to_owned(), bytes.iter().map(|byte| format!("{byte:02x}")).collect(), format!("{bytes:?}")]);
    }
    let file = world.file.to_str().unwrap();
    let ledger = world.dir.path().join("ledger.jsonl");
    for format in ["text", "jsonl", "json", "csv"] {
        for args in [
            &["verify", file, "--encryption-config", "enc.yaml", "--aws-kms", "--rate", "0", "--ledger", ledger.to_str().unwrap()][..],
            &["verify", file, "--aws-kms", "--plan"],
            &["keys", file, "--encryption-config", "enc.yaml"],
            &["keys", file, "--opens", "aesgcm/key1"],
        ] {
            let output = world.run(&[args, &["--format", format]].concat());
            assert!(output.status.code().unwrap() != 1, "{args:?}: {}", stderr(&output));
            let noted = std::fs::read(&ledger).unwrap_or_default();
            let shown = String::from_utf8_lossy(&[output.stdout, output.stderr, noted].concat()).into_owned();
            for secret in &secrets {
                assert!(!shown.contains(secret.as_str()), "{args:?} {format} shows {secret}");
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_answer() {
    let world = World::of("migration");
    for format in ["text", "jsonl"] {
        let file = world.file.to_str().unwrap();
        let run = |threads: &str| world.run(&[&WITH_ALL_KEYS[..], &[file, "--format", format, "--threads", threads]].concat()).stdout;
        let one = run("1");
        assert!(!one.is_empty() && one == run("4") && one == run("7"), "{format}");
    }
}

#[test]
fn wrong_keys_are_told_from_keys_that_were_not_given() {
    let world = World::of("migration");
    let other = configuration(&world.truth, |named| named["secret"] = json!(STANDARD.encode([9u8; 32])));
    std::fs::write(world.dir.path().join("enc.yaml"), serde_json::to_vec(&other).unwrap()).unwrap();
    let file = world.file.to_str().unwrap();
    let output = world.run(&["verify", file, "--encryption-config", "enc.yaml", "--format", "jsonl"]);
    let records = records(&output);
    for value in encrypted(&records) {
        let wanted = if value["provider"] == "kms" { ("no-key-given", json!(null)) } else { ("wrong-key", json!(false)) };
        assert_eq!((value["outcome"].as_str().unwrap(), value["opened"].clone()), wanted, "{value}");
    }
    assert_eq!(output.status.code(), Some(2));
    // Without the wrong ones nothing is proven, and nothing can be said.
    let resources = ["--resources", "secrets"];
    std::fs::write(
        world.dir.path().join("enc.yaml"),
        r#"{"kind": "EncryptionConfig", "resources": [{"resources": ["pods"], "providers": [{"identity": {}}]}]}"#,
    )
    .unwrap();
    let output = world.run(&[&["verify", file, "--encryption-config", "enc.yaml", "-q"][..], &resources].concat());
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
}

/// Current values that fit: their keys, and where the key stands in the KeyValue before the value.
fn current(fixture: &Fixture, fits: impl Fn(&Value) -> bool) -> Vec<(String, usize)> {
    let truth = fixture.truth();
    let writes = truth["writes"].as_array().unwrap();
    let rows = truth["retained"].as_array().unwrap().iter().filter(|row| row["retention"] == "current");
    let found = rows.filter_map(|row| {
        let write = &writes[usize::try_from(row["w"].as_u64().unwrap()).unwrap()];
        let key = write["key"].as_str().filter(|_| fits(write))?;
        let offset = usize::try_from(row["offset"].as_u64().unwrap()).unwrap();
        let from = offset.saturating_sub(key.len() + 40);
        let at = fixture.bytes[from..offset].windows(key.len()).rposition(|window| window == key.as_bytes()).unwrap() + from;
        Some((key.to_owned(), at))
    });
    found.collect()
}

/// Values of the tree that were sealed for another key than theirs, by both keys.
fn moved(records: &[Value]) -> BTreeSet<(String, String)> {
    let moved = encrypted(records).into_iter().filter(|v| v["outcome"] == "moved-ciphertext" && v["place"] == "tree");
    moved.map(|v| (v["key"].as_str().unwrap().to_owned(), v["sealed_for"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn swapped_ciphertext_is_traced_to_where_it_belongs() {
    let fixture = Fixture::named("migration");
    for (what, fits) in [
        ("kms v2, a key", (|w: &Value| w["dek_source_type"] == 0) as fn(&Value) -> bool),
        ("kms v2, a seed", |w: &Value| w["dek_source_type"] == 1 && w["provider_name"] == "aws-b"),
        ("secretbox", |w: &Value| w["provider"] == "secretbox"),
    ] {
        let found = current(&fixture, fits);
        let twins = found.iter().find_map(|(one, one_at)| {
            let (other, other_at) = found.iter().find(|(other, _)| other.len() == one.len() && other != one)?;
            Some((one, *one_at, other, *other_at))
        });
        let (one, one_at, other, other_at) = twins.unwrap();
        let world = World::with(&fixture, |bytes| {
            bytes[one_at..one_at + one.len()].copy_from_slice(other.as_bytes());
            bytes[other_at..other_at + other.len()].copy_from_slice(one.as_bytes());
        });
        let (code, records, _) = world.verify(&[]);
        assert_eq!(moved(&records), [(one.clone(), other.clone()), (other.clone(), one.clone())].into(), "{what}");
        assert_eq!(code, 2, "{what}");
        let (_, shown) = text(&world.run(&[&WITH_ALL_KEYS[..], &[world.file.to_str().unwrap()]].concat()));
        assert!(shown.contains("MOVED CIPHERTEXT: 2") && shown.contains("this ciphertext belongs to /registry/secrets/"), "{shown}");
    }
}

#[test]
fn ciphertext_under_a_new_key_is_traced_to_its_old_one() {
    let fixture = Fixture::named("migration");
    for (what, fits) in [
        ("aesgcm", (|w: &Value| w["provider"] == "aesgcm") as fn(&Value) -> bool),
        ("kms v1", |w: &Value| w["provider"] == "kms" && w["provider_version"] == "v1"),
        ("aescbc", |w: &Value| w["provider"] == "aescbc"),
    ] {
        let (key, at) = current(&fixture, fits).remove(0);
        let renamed = format!("{}#", &key[..key.len() - 1]);
        let world = World::with(&fixture, |bytes| bytes[at..at + key.len()].copy_from_slice(renamed.as_bytes()));
        let (_, records, _) = world.verify(&[]);
        assert_eq!(moved(&records), [(renamed, key)].into(), "{what}");
    }
}

#[test]
fn a_restore_under_another_prefix_is_seen_as_one() {
    // Every key of the file is renamed; nothing in it shows the old prefix any more.
    let fixture = Fixture::named("migration");
    let world = World::with(&fixture, |bytes| {
        let (from, to) = (b"/registry/", b"/restored/");
        let places: Vec<usize> = bytes.windows(from.len()).enumerate().filter(|(_, window)| window == from).map(|(at, _)| at).collect();
        places.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to));
    });
    let (_, records, _) = world.verify(&[]);
    let bound = |v: &&&Value| ["aesgcm", "kms"].contains(&v["provider"].as_str().unwrap()) && v["retention"] == "current";
    let values = encrypted(&records);
    let current: Vec<_> = values.iter().filter(bound).collect();
    assert!(!current.is_empty());
    for value in current {
        // KMS v1 in CBC is bound to nothing and opens.
        if value["outcome"] == "opened" && value["provider_version"] == "v1" {
            continue;
        }
        assert_eq!(value["outcome"], "moved-ciphertext", "{value}");
        let wanted = value["key"].as_str().unwrap().replacen("/restored/", "/registry/", 1);
        assert_eq!(value["sealed_for"], json!(wanted));
    }
}

#[test]
fn a_damaged_ciphertext_may_be_under_another_key_of_its_name_and_is_no_wrong_key() {
    let fixture = Fixture::named("migration");
    let truth = fixture.truth();
    let writes = truth["writes"].as_array().unwrap();
    let row = truth["retained"].as_array().unwrap().iter().find(|row| {
        let write = &writes[usize::try_from(row["w"].as_u64().unwrap()).unwrap()];
        row["retention"] == "current" && write["provider"] == "aesgcm"
    });
    let row = row.unwrap();
    let last = usize::try_from(row["offset"].as_u64().unwrap() + row["length"].as_u64().unwrap()).unwrap() - 1;
    let world = World::with(&fixture, |bytes| bytes[last] ^= 1);
    let (code, records, _) = world.verify(&[]);
    let damaged: Vec<_> = encrypted(&records).into_iter().filter(|v| v["outcome"] == "other-key-or-damaged").collect();
    assert_eq!(damaged.iter().map(|v| v["offset"].clone()).collect::<Vec<_>>(), [row["offset"].clone()]);
    assert_eq!((damaged[0]["opened"].clone(), code), (json!(false), 2));
}

/// What a KMS says of a key becomes the outcome and the exit code.
#[test]
fn what_a_kms_says_becomes_outcome_and_exit_code() {
    let world = World::of("migration");
    let of_v2 = |v: &&Value| v["provider"] == "kms" && v["provider_version"] == "v2" && v["provider_name"] == "aws-b";
    let arn = {
        let (_, records, _) = world.verify(&[]);
        encrypted(&records).into_iter().find(of_v2).unwrap()["key_id"].as_str().unwrap().to_owned()
    };
    let only = ["--resources", "secrets", "--require-key", "kms/aws-b"];
    for (key, outcome, opened, condition) in [
        (Key { state: "Disabled", ..Key::default() }, "disabled", json!(false), "not-opened"),
        (Key { state: "PendingDeletion", ..Key::default() }, "pending-deletion", json!(false), "not-opened"),
        (Key { state: "Enabled", is_denied: true, ..Key::default() }, "access-denied", json!(null), "key-not-asked"),
        (
            Key { state: "Enabled", context: [("a".to_owned(), "b".to_owned())].into(), ..Key::default() },
            "context-mismatch-or-damaged-dek",
            json!(null),
            "not-decided",
        ),
    ] {
        world.kms.with(|state| state.keys.insert(arn.clone(), key));
        let (_, records, output) = world.verify(&only);
        let values = encrypted(&records);
        let values: Vec<_> = values.into_iter().filter(of_v2).collect();
        assert!(!values.is_empty());
        for value in values {
            assert_eq!((value["outcome"].as_str().unwrap(), &value["opened"]), (outcome, &opened), "{}", stderr(&output));
        }
        let summary = of_kind(&records, "summary")[0];
        assert!(summary["conditions"].as_array().unwrap().contains(&json!(condition)), "{outcome}: {summary}");
        // The other keys are still tried.
        assert!(outcomes(&records)["opened"] > 50);
    }
    world.kms.with(|state| state.keys.remove(&arn));
    let (_, records, _) = world.verify(&only);
    assert!(outcomes(&records).contains_key("key-not-found"));
    // With the context that it wants, for this provider only.
    let context = [("a".to_owned(), "b".to_owned())].into();
    world.kms.with(|state| state.keys.insert(arn.clone(), Key { state: "Enabled", context, ..Key::default() }));
    let (_, records, _) = world.verify(&["--encryption-context-for", "aws-b", "a=b"]);
    assert_eq!(outcomes(&records).keys().filter(|outcome| !outcome.starts_with("opened")).count(), 0);
}

/// A budget leaves a valid answer, and a ledger lets a later run go on.
#[test]
fn a_budget_leaves_a_valid_answer() {
    let world = World::of("migration");
    let ledger = ["--ledger", "calls.jsonl"];
    let (code, first, _) = world.verify(&[&["--max-calls", "5"][..], &ledger].concat());
    assert_eq!((code, world.kms.calls("Decrypt")), (2, 5));
    assert!(outcomes(&first)["not-attempted"] > 0);
    let all = of_kind(&first, "summary")[0]["verify"]["dek_sources"].as_u64().unwrap();
    assert_eq!(of_kind(&first, "summary")[0]["verify"]["cut_short"], json!(true));
    let (_, second, _) = world.verify(&ledger);
    assert_eq!(world.kms.calls("Decrypt") as u64, all);
    let outcomes = outcomes(&second);
    let summary = &of_kind(&second, "summary")[0]["verify"];
    assert!(outcomes["opened-before"] >= 5 && outcomes.keys().all(|outcome| outcome.starts_with("opened")), "{outcomes:?}");
    assert_eq!(opened_or_before(summary), summary["current"].as_u64().unwrap(), "{summary}");
    // What the ledger says is no opening of this run.
    for value in encrypted(&second) {
        assert_eq!(value["opened"], if value["outcome"] == "opened-before" { json!(null) } else { json!(true) }, "{value}");
    }
    // The key that the KMS named in the first run is known in the second.
    for key in of_kind(&second, "key").into_iter().filter(|key| key["provider"] == "kms") {
        assert!(key["kms_key_id"].is_string(), "{key}");
    }
    // A file that is no ledger is not written to.
    std::fs::write(world.dir.path().join("notes.txt"), "my notes\n").unwrap();
    let output = world.run(&["verify", world.file.to_str().unwrap(), "--aws-kms", "--ledger", "notes.txt"]);
    assert!(output.status.code() == Some(1) && stderr(&output).contains("no line of a ledger"), "{}", stderr(&output));
}

/// Current values that were opened, and those that a ledger says were opened before.
fn opened_or_before(verify: &Value) -> u64 {
    ["current_opened", "current_opened_before"].iter().map(|field| verify[*field].as_u64().unwrap()).sum()
}

/// Runs that are each cut short come to the whole answer, and each asks only what is left.
#[test]
fn a_resumed_run_comes_to_the_whole_answer() {
    let world = World::of("migration");
    let (code, whole, _) = world.verify(&[]);
    let (all, asked) = (of_kind(&whole, "summary")[0]["verify"]["dek_sources"].as_u64().unwrap(), world.kms.calls("Decrypt"));
    let is_open = |records: &[Value]| outcomes(records).contains_key("not-attempted");
    assert!(all > 2 && !is_open(&whole));
    for run in 1..=all {
        let (resumed, records, _) = world.verify(&["--max-calls", "1", "--ledger", "calls.jsonl"]);
        let summary = of_kind(&records, "summary")[0]["verify"].clone();
        assert_eq!((is_open(&records), resumed == code || run < all), (run < all, true), "{summary}");
        assert!(run < all || opened_or_before(&summary) == summary["current"].as_u64().unwrap(), "{summary}");
    }
    assert_eq!(world.kms.calls("Decrypt") - asked, usize::try_from(all).unwrap());
}

/// What a ledger says is of the bytes that were opened: a ciphertext that was moved or changed since is asked about like any other.
#[test]
fn a_ledger_of_one_file_says_nothing_of_another() {
    let fixture = Fixture::named("migration");
    let world = World::of("migration");
    let ledger = ["--ledger", "calls.jsonl"];
    let (_, first, _) = world.verify(&ledger);
    let all = world.kms.calls("Decrypt");
    let found = current(&fixture, |w| w["provider_name"] == "aws-b");
    let (one, one_at) = &found[0];
    let renamed = format!("{}#", &one[..one.len() - 1]);
    let sealed = encrypted(&first).into_iter().find(|v| v["key"] == *found[1].0 && v["retention"] == "current").unwrap();
    let last = usize::try_from(sealed["offset"].as_u64().unwrap() + sealed["length"].as_u64().unwrap()).unwrap() - 1;
    let mut bytes = fixture.bytes.to_vec();
    bytes[*one_at..*one_at + one.len()].copy_from_slice(renamed.as_bytes());
    bytes[last] ^= 1;
    std::fs::write(&world.file, bytes).unwrap();
    let (code, second, _) = world.verify(&ledger);
    assert_eq!((code, moved(&second)), (2, [(renamed, one.clone())].into()));
    let failed = |word: &str| outcomes(&second).get(word).copied().unwrap_or(0);
    assert_eq!(failed("damaged-ciphertext") + failed("damaged-or-other-dek"), 1, "{:?}", outcomes(&second));
    let again = world.kms.calls("Decrypt") - all;
    assert!((1..=2).contains(&again), "only the DEK sources of what was changed: {again}");
}

/// What a ledger spares is a call, and never a proof: a run that opened nothing does not end with 0, whatever an earlier one opened.
#[test]
fn a_ledger_is_no_proof() {
    let world = World::of("defragmented");
    let one = ["--ledger", "calls.jsonl", "--resources", "secrets", "--require-key", "kms/aws-a"];
    let (code, first, output) = world.verify(&one);
    assert_eq!(code, 0, "{}", stderr(&output));
    assert!(outcomes(&first)["opened"] > 0);
    let asked = world.kms.calls("Decrypt");
    let (code, second, _) = world.verify(&one);
    assert_eq!((code, world.kms.calls("Decrypt")), (3, asked));
    assert_eq!(outcomes(&second).keys().map(String::as_str).collect::<Vec<_>>(), ["opened-before"]);
    let file = world.file.to_str().unwrap();
    let output = world.run(&[&["verify", file, "--aws-kms"][..], &one].concat());
    let (code, shown) = text(&output);
    assert!(
        code == 3
            && shown.contains("not asked about again")
            && shown.contains("this run opened no encrypted value that is current")
            && !shown.contains("exit 0"),
        "{shown}"
    );
}

#[test]
fn a_plan_asks_nobody() {
    let world = World::of("migration");
    let output = world.run(&["verify", world.file.to_str().unwrap(), "--aws-kms", "--plan", "--encryption-context-for", "aws-b", "a=b"]);
    let (code, shown) = text(&output);
    assert_eq!((code, world.kms.with(|state| state.calls.len())), (0, 0));
    for part in [
        "DEK sources, one call each; nobody was asked",
        "KMS v1: the key is not known",
        "\"kms:EncryptionContext:a\": \"b\"",
        "kms:Decrypt",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
}

/// A plan never allows a key that nobody named: where values do not say theirs, there is a place to fill, or what the user gives.
#[test]
fn a_plan_allows_no_key_that_nobody_named_and_says_how_long_it_takes() {
    let world = World::of("migration");
    let file = world.file.to_str().unwrap();
    let copy = world.dir.path().join("copy.db");
    std::fs::copy(&world.file, &copy).unwrap();
    let plan = |more: &[&str]| text(&world.run(&[&["verify", file, "--aws-kms", "--plan"][..], more].concat())).1;
    let shown = plan(&[]);
    assert!(shown.contains("arn:aws:kms:REGION:ACCOUNT:key/KEY-ID") && shown.contains("--kms-key ARN"), "{shown}");
    assert!(!shown.contains("key/*") && shown.contains(" at 20 calls a second (--rate)"), "{shown}");
    let arn = "arn:aws:kms:eu-west-1:111122223333:key/bbbbbbbb-2222-4aaa-8aaa-000000000009";
    let filled = plan(&["--kms-key", arn]);
    assert!(filled.contains(arn) && !filled.contains("FILL IN") && !filled.contains("KEY-ID"), "{filled}");
    for pattern in
        ["arn:aws:kms:*:*:key/*", "arn:aws:kms:eu-west-1:111122223333:key/*", "arn:aws:kms:eu-west-1:111122223333:alias/eks", "eks"]
    {
        let output = world.run(&["verify", file, "--aws-kms", "--plan", "--kms-key", pattern]);
        assert!(output.status.code() == Some(1) && stderr(&output).contains("the ARN of one key"), "{pattern}: {}", stderr(&output));
    }
    let output = world.run(&["verify", file, "--aws-kms", "--timeout", "0"]);
    assert!(stderr(&output).contains("--timeout: expected seconds"), "{}", stderr(&output));
    // The same file twice has the same DEK sources, and takes the same calls.
    let calls = |shown: &str| shown.lines().next().unwrap().to_owned();
    assert_eq!(calls(&plan(&[copy.to_str().unwrap()])), calls(&shown));
    let short = plan(&["--max-calls", "3", "--rate", "0.5"]);
    assert!(short.contains("MORE THAN ONE RUN MAKES: it ends after 3 calls") && short.contains(" at 0.5 calls"), "{short}");
    assert_eq!(world.kms.with(|state| state.calls.len()), 0);
}

/// CloudTrail can tell the calls from others: by the user agent, the request's number, and who signed.
#[test]
fn every_call_is_noted_as_cloudtrail_has_it() {
    let world = World::of("compacted");
    let (_, all, output) = world.verify(&["--ledger", "calls.jsonl", "--case", "2026-17"]);
    let text = std::fs::read_to_string(world.dir.path().join("calls.jsonl")).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.filter(|line: &Value| line["operation"] != "open").collect();
    let made = world.kms.with(|state| (state.calls.clone(), state.agents.clone()));
    assert!(!lines.is_empty() && lines.len() == made.0.len());
    for (number, (line, (operation, _))) in lines.iter().zip(&made.0).enumerate() {
        assert_eq!((&line["operation"], &line["caller"]), (&json!(operation), &json!("fake")), "{line}");
        assert_eq!(line["request_id"], json!(format!("request-{}", number + 1)), "{line}");
    }
    assert!(made.1.iter().all(|agent| agent.contains("app/etcd-sleuth-2026-17")), "{:?}", made.1);
    let verify = &of_kind(&all, "summary")[0]["verify"];
    let sum = verify["calls"].as_u64().unwrap() + verify["other_calls"].as_u64().unwrap();
    assert_eq!(sum, lines.len() as u64);
    // What a user agent cannot hold is refused before anybody is asked.
    let output = world.run(&["verify", world.file.to_str().unwrap(), "--aws-kms", "--case", "a b"]);
    assert!(output.status.code() == Some(1) && stderr(&output).contains("a case's number"), "{}", stderr(&output));
    let (_, _, _) = world.verify(&[]);
    assert!(world.kms.with(
        |state| state.agents.last().unwrap().ends_with("app/etcd-sleuth") || state.agents.last().unwrap().contains("app/etcd-sleuth ")
    ));
}

/// The first calls are those that unwrap; what is left of the budget is for the keys' state, and no call goes past it.
#[test]
fn the_calls_that_are_allowed_are_those_of_the_whole_run() {
    let world = World::of("compacted");
    let (_, all, _) = world.verify(&[]);
    let sources = of_kind(&all, "summary")[0]["verify"]["calls"].as_u64().unwrap() as usize;
    for most in [1, sources, sources + 1] {
        world.kms.with(|state| state.calls.clear());
        world.verify(&["--max-calls", &most.to_string()]);
        assert_eq!(world.kms.with(|state| state.calls.len()), most);
    }
}

#[test]
fn an_interrupted_run_tells_what_it_knows() {
    let world = World::of("migration");
    let mut command = world.command();
    let args = ["--encryption-config", "enc.yaml", "--aws-kms", "--rate", "2", "--format", "jsonl", "--no-progress"];
    let child = command.arg("verify").arg(&world.file).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while world.kms.calls("Decrypt") < 2 {
        assert!(began.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(20));
    }
    #[cfg(target_os = "linux")]
    {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "core files are off while keys are held");
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let records = records(&output);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let outcomes = outcomes(&records);
    assert!(outcomes["opened"] > 0 && outcomes["not-attempted"] > 0, "{outcomes:?}");
    assert_eq!(records.last().unwrap()["record"], "summary");
}

#[test]
fn a_required_key_splits_what_is_done_from_what_is_left() {
    let world = World::of("migration");
    let (code, records, _) = world.verify(&["--require-key", "aesgcm/key1", "--resources", "secrets"]);
    let current: Vec<&Value> = of_kind(&records, "value").into_iter().filter(|v| v["retention"] == "current").collect();
    let under = current.iter().filter(|v| v["provider"] == "aesgcm").count();
    let verify = &of_kind(&records, "summary")[0]["verify"];
    assert_eq!((&verify["under_required"], &verify["not_under_required"]), (&json!(under), &json!(current.len() - under)));
    assert_eq!((code, &verify["required"]), (2, &json!(["aesgcm/key1"])));
    // All of the others are compared with what the configuration writes first.
    let (_, records, _) = world.verify(&[]);
    assert_eq!(of_kind(&records, "summary")[0]["verify"]["required"], json!(["kms/aws-b"]));
    // One fixture is wholly under one key.
    let world = World::of("defragmented");
    let (code, records, output) = world.verify(&["--require-key", "kms/aws-a"]);
    assert_eq!(of_kind(&records, "summary")[0]["verify"]["not_under_required"], json!(0));
    assert_eq!(code, 0, "{}", stderr(&output));
}

#[test]
fn a_key_is_retired_only_where_nothing_names_it() {
    let world = World::of("migration");
    let file = world.file.to_str().unwrap();
    let retire = |key: &str, more: &[&str]| {
        let output = world.run(&[&["keys", file, "--format", "jsonl", "--retire", key][..], more].concat());
        let all = records(&output);
        let verdict = of_kind(&all, "summary").first().map(|summary| summary["retire"]["verdict"].as_str().unwrap_or_default().to_owned());
        (output.status.code().unwrap(), verdict.unwrap_or_default(), stderr(&output))
    };
    let still = "still-needed".to_owned();
    assert_eq!(retire("aesgcm/key1", &[]).0, 2);
    assert_eq!(retire("kms/aws-b", &[]).1, still);
    assert_eq!(retire("arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-2222-4aaa-8aaa-000000000002", &[]).1, still);
    let (code, _, error) = retire("aesgcm/none", &[]);
    assert!(
        code == 1 && error.contains("named are: ") && error.contains("kms/aws:v1-a (KMS v1)") && error.contains("--confirm-unseen"),
        "{error}"
    );
    assert_eq!(retire("aesgcm/none", &["--confirm-unseen"]).1, "nothing-names-it");
    // A KMS key may have wrapped what does not name it.
    let unseen = "arn:aws:kms:eu-west-1:111122223333:key/99999999-2222-4aaa-8aaa-000000000002";
    assert_eq!(retire(unseen, &["--confirm-unseen"]).1, "cannot-say");
    assert_eq!(retire(unseen, &["--confirm-unseen"]).0, 3);
    assert_eq!(retire("aesgcm/none", &["--confirm-unseen", "--residue", "off"]).1, "cannot-say");
    // A name alone is found where only one provider has it.
    assert_eq!(retire("key1", &["--confirm-unseen"]).1, still);
    let world = World::of("compacted");
    let output = world.run(&["keys", world.file.to_str().unwrap(), "--retire", "kms/aws-a"]);
    assert!(text(&output).1.starts_with("DO NOT DELETE: "), "{}", text(&output).1);
}

#[test]
fn what_a_leaked_key_opens_is_listed() {
    let world = World::of("migration");
    let output = world.run(&["keys", world.file.to_str().unwrap(), "--opens", "aesgcm/key1", "--format", "jsonl"]);
    let all = records(&output);
    let values = of_kind(&all, "value");
    assert!(!values.is_empty() && values.iter().all(|v| v["provider"] == "aesgcm" && v["provider_name"] == "key1"));
    let (_, scanned) = (0, records(&world.run(&["scan", world.file.to_str().unwrap(), "--resources", "all", "--format", "jsonl"])));
    let wanted = of_kind(&scanned, "value").into_iter().filter(|v| v["provider"] == "aesgcm").count();
    assert_eq!(values.len(), wanted);
    let (code, shown) = text(&world.run(&["keys", world.file.to_str().unwrap(), "--opens", "aesgcm/key1"]));
    assert!(code == 0 && shown.starts_with("WHOEVER HAS aesgcm/key1 OPENS "), "{shown}");
}

#[test]
fn bad_input_gets_a_clear_message_without_a_secret() {
    let world = World::of("migration");
    let file = world.file.to_str().unwrap();
    let secret = world.truth["keys"]["local"][0]["secret_base64"].as_str().unwrap().to_owned();
    let with_config = |config: &str, more: &[&str]| {
        std::fs::write(world.dir.path().join("bad.yaml"), config).unwrap();
        let output = world.run(&[&["verify", file, "--encryption-config", "bad.yaml", "-q"][..], more].concat());
        let said = stderr(&output);
        assert!(!said.contains(&secret[..10]), "{said}");
        (output.status.code().unwrap(), said)
    };
    for (config, wanted) in [
        ("kind: Secret", "kind Secret, expected EncryptionConfiguration"),
        ("[", "YAML that does not fit at line"),
        (&format!("kind: EncryptionConfiguration\nresources: {secret}"), "YAML that does not fit at line 2"),
    ] {
        let (code, said) = with_config(config, &[]);
        assert!(code == 1 && said.contains(wanted) && said.contains("bad.yaml"), "{code} {said}");
    }
    // One bad key, one good one: the good one is used.
    let mut config = configuration(&world.truth, |_| {});
    let providers = config["resources"][0]["providers"].as_array_mut().unwrap();
    providers.push(json!({ "aescbc": { "keys": [{ "name": "short", "secret": STANDARD.encode(&secret[..7]) }] } }));
    providers.push(json!({ "rot13": {} }));
    let (code, said) = with_config(&config.to_string(), &[]);
    assert!(code == 2 || code == 3, "{said}");
    assert!(said.contains("7 bytes of key, expected 16, 24 or 32") && said.contains("provider rot13 is not known"), "{said}");
    for (args, wanted) in [
        (&["verify", file][..], "nothing to open values with"),
        (&["verify", file, "--encryption-config", "nowhere.yaml"], "nowhere.yaml"),
        (&["verify", file, "--aws-kms", "--encryption-context", "novalue"], "expected key=value"),
        (&["verify", file, "--aws-kms", "--timeout", "0"], "--timeout"),
        (&["verify", "nowhere.db", "--encryption-config", "enc.yaml"], "nowhere.db"),
    ] {
        let output = world.run(args);
        assert!(output.status.code() == Some(1) && stderr(&output).contains(wanted), "{args:?}: {}", stderr(&output));
    }
    #[cfg(feature = "kms-plugin")]
    {
        let output = world.run(&["verify", file, "--kms-plugin", "aws-b=tcp://x"]);
        assert!(output.status.code() == Some(1) && stderr(&output).contains("--kms-plugin"), "{}", stderr(&output));
        // A plugin that is not there: the local keys still open what they open.
        let plugin = format!("aws-b=unix://{}", world.file.display());
        let output = world.run(&["verify", file, "--encryption-config", "enc.yaml", "--kms-plugin", &plugin, "--format", "jsonl"]);
        let all = records(&output);
        let outcomes = outcomes(&all);
        assert!(outcomes["no-socket"] > 0 && outcomes["opened"] > 0, "{outcomes:?}");
    }
    // Answers that are none.
    world.kms.with(|state| state.instead = vec![Answer::Huge(32 << 20), Answer::Close]);
    let (_, records, _) = world.verify(&["--timeout", "2"]);
    assert_eq!(outcomes(&records).get("bad-answer"), Some(&1).or(outcomes(&records).get("bad-answer")));
    assert!(outcomes(&records).contains_key("bad-answer"));
}

#[test]
fn a_key_that_no_value_names_is_said_to_be_unused() {
    let world = World::of("compacted");
    let (_, shown) =
        text(&world.run(&["verify", world.file.to_str().unwrap(), "--encryption-config", "enc.yaml", "--aws-kms", "--rate", "0"]));
    assert!(shown.contains("Given, and named by no value here: ") && shown.contains("aesgcm/key1"), "{shown}");
    assert!(shown.starts_with("all 58 encrypted current values open"), "{shown}");
}

/// Records are those of the schema, and every outcome is documented.
#[test]
fn verify_records_are_those_of_the_schema() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let schema: Value = serde_json::from_slice(&std::fs::read(docs.join("records.schema.json")).unwrap()).unwrap();
    let validator = |kind: &str| {
        let one = json!({ "$schema": schema["$schema"], "$ref": format!("#/$defs/{kind}"), "$defs": schema["$defs"] });
        jsonschema::draft202012::new(&one).unwrap()
    };
    let world = World::of("migration");
    let file = world.file.to_str().unwrap();
    for args in [
        [&WITH_ALL_KEYS[..], &[file, "--max-calls", "9"]].concat(),
        vec!["verify", file, "--aws-kms", "--plan"],
        vec!["keys", file, "--retire", "kms/aws-b"],
        vec!["keys", file, "--opens", "aesgcm/key1"],
        vec!["keys", file],
    ] {
        let all = records(&world.run(&[&args[..], &["--format", "jsonl"]].concat()));
        assert!(all.len() > 5, "{args:?}");
        let mut validators = BTreeMap::new();
        for record in &all {
            let kind = record["record"].as_str().unwrap();
            let validator = validators.entry(kind.to_owned()).or_insert_with(|| validator(kind));
            let errors: Vec<String> = validator.iter_errors(record).map(|e| format!("{}: {e}", e.instance_path)).collect();
            assert!(errors.is_empty(), "{args:?}: {errors:?} in {record}");
        }
        let json: Value = serde_json::from_slice(&world.run(&[&args[..], &["--format", "json"]].concat()).stdout).unwrap();
        for kind in ["key", "key-use", "plan", "finding"] {
            let in_json: Vec<&Value> = json[kind].as_array().unwrap().iter().collect();
            assert_eq!(of_kind(&all, kind), in_json, "{args:?}: {kind}");
        }
        // What it takes: one call a DEK source, each counted with the key that the values name.
        let sources = |records: Vec<&Value>, field: &str| -> u64 { records.iter().map(|r| r[field].as_u64().unwrap()).sum() };
        if args[0] == "verify" {
            assert_eq!(sources(of_kind(&all, "plan"), "calls"), sources(of_kind(&all, "key"), "dek_sources"), "{args:?}");
        }
        let is_answered = args[0] == "verify" && !args.contains(&"--plan");
        assert_eq!(of_kind(&all, "summary")[0]["verify"].is_object(), is_answered, "{args:?}");
    }
    let text = std::fs::read_to_string(docs.join("records.md")).unwrap();
    let answers = [
        Outcome::Opened,
        Outcome::Misplaced,
        Outcome::NoObject,
        Outcome::WrongKey,
        Outcome::DamagedCiphertext,
        Outcome::OtherKeyOrDamaged,
        Outcome::MovedCiphertext,
        Outcome::NotWhole,
        Outcome::NoStorageKey,
        Outcome::UnknownProvider,
        Outcome::EnvelopeInvalid,
    ];
    for answer in answers.into_iter().chain(Reason::ALL.map(Outcome::NoKey)) {
        assert!(text.contains(&format!("`{}`", answer.name())), "{} is not documented", answer.name());
    }
}

#[test]
fn one_opened_object_is_revealed_on_purpose() {
    let world = World::of("migration");
    let file = world.file.to_str().unwrap();
    let (_, all, _) = world.verify(&[]);
    for provider in ["aescbc", "aesgcm", "secretbox", "kms"] {
        let fits = |v: &&Value| v["provider"] == provider && v["retention"] == "current" && v["outcome"] == "opened";
        let value = encrypted(&all).into_iter().find(fits).unwrap();
        let key = value["key"].as_str().unwrap();
        let reveal = ["show", file, key, "--reveal"];
        let shown = world.run(&[&reveal[..], &["--encryption-config", "enc.yaml", "--aws-kms"]].concat());
        let object: Value = serde_json::from_slice(&shown.stdout).unwrap();
        assert_eq!(object["metadata"]["name"], value["name"]);
        let by_place = |w: &&Value| w["key"] == *key && w["mod_revision"] == value["mod_revision"];
        let write = world.truth["writes"].as_array().unwrap().iter().find(by_place).unwrap();
        let marker = write["marker"].as_str().unwrap();
        let data = object["data"].as_object().unwrap().values().map(|v| STANDARD.decode(v.as_str().unwrap()).unwrap());
        assert!(data.into_iter().any(|bytes| String::from_utf8_lossy(&bytes).contains(marker)), "{provider}");
        assert!(stderr(&shown).contains("opened with a key"), "{}", stderr(&shown));
        // Without keys nothing of it is shown.
        let revision = value["mod_revision"].to_string();
        let closed = world.run(&[&reveal[..], &["--revision", &revision]].concat());
        assert!(closed.status.code() == Some(1) && closed.stdout.is_empty(), "{}", stderr(&closed));
    }
}

#[test]
fn keys_beside_the_data_are_warned_of_on_the_first_screen() {
    // A ConfigMap of the fixture is given the words of a kubeconfig; none of the fixtures has one.
    let fixture = Fixture::named("plaintext");
    let truth = fixture.truth();
    let writes = truth["writes"].as_array().unwrap();
    let row = truth["retained"].as_array().unwrap().iter().find(|row| {
        let write = &writes[usize::try_from(row["w"].as_u64().unwrap()).unwrap()];
        row["retention"] == "current"
            && write["key"].as_str().is_some_and(|key| key.contains("/configmaps/"))
            && write["encoding"] == "protobuf"
    });
    let row = row.expect("a ConfigMap");
    let (at, length) = (row["offset"].as_u64().unwrap(), row["length"].as_u64().unwrap());
    let world = World::with(&fixture, |bytes| {
        let end = usize::try_from(at + length).unwrap();
        let words = b"client-key-data";
        // Within the data, before the last bytes of the message.
        let from = end - 60;
        bytes[from..from + words.len()].copy_from_slice(words);
    });
    let file = world.file.to_str().unwrap();
    for command in ["scan", "keys"] {
        let (_, shown) = text(&world.run(&[command, file]));
        assert!(
            shown.contains("KEYS BESIDE THE DATA, in plaintext: kubeconfig with a client key: /registry/configmaps/"),
            "{command}: {shown}"
        );
    }
    let all = records(&world.run(&["scan", file, "--format", "jsonl"]));
    assert!(of_kind(&all, "finding").into_iter().any(|finding| finding["rule"] == "keys-beside-data" && finding["count"] == 1));
}

/// The instance metadata service is asked only where a flag says so.
#[test]
fn instance_metadata_is_asked_only_by_flag() {
    let world = World::of("compacted");
    let metadata = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    metadata.set_nonblocking(true).unwrap();
    let url = format!("http://{}", metadata.local_addr().unwrap());
    let profile = world.dir.path().join("config");
    std::fs::write(
        &profile,
        "[profile role]\nrole_arn = arn:aws:iam::111122223333:role/r\ncredential_source = Ec2InstanceMetadata\nregion = eu-west-1\n",
    )
    .unwrap();
    let asked = |with_credentials: bool, with_region: bool, more: &[&str]| {
        let mut command = world.command();
        // In every other test it is switched off by the environment; here by nothing but the code.
        command.env_remove("AWS_EC2_METADATA_DISABLED").env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url).env("AWS_CONFIG_FILE", &profile);
        if !with_credentials {
            command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        }
        if !with_region {
            command.env_remove("AWS_REGION");
        }
        let output = command.args(["verify", "-q", "--timeout", "1", "--aws-kms"]).arg(&world.file).args(more).output().unwrap();
        assert!([0, 2, 3].contains(&output.status.code().unwrap()), "{}", stderr(&output));
        std::iter::from_fn(|| metadata.accept().ok()).count()
    };
    for (with_credentials, with_region) in [(true, true), (true, false), (false, true), (false, false)] {
        assert_eq!(asked(with_credentials, with_region, &[]), 0, "credentials {with_credentials}, region {with_region}");
        assert_eq!(asked(with_credentials, with_region, &["--aws-profile", "role"]), 0);
    }
    assert!(asked(false, true, &["--aws-instance-metadata"]) > 0);
}

#[test]
fn a_directory_is_verified_with_its_log() {
    let fixture = Fixture::named("killed");
    let world = World::with(&fixture, |_| {});
    let status = Command::new("tar").arg("-C").arg(world.dir.path()).arg("-xf").arg(unpacked(world.dir.path())).status().unwrap();
    assert!(status.success());
    let directory = std::fs::read_dir(world.dir.path()).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    let args = ["--encryption-config", "enc.yaml", "--aws-kms", "--rate", "0", "--format", "jsonl", "--no-progress"];
    let output = world.run(&[&["verify", directory.to_str().unwrap()][..], &args].concat());
    let records = records(&output);
    let logged: Vec<_> = encrypted(&records).into_iter().filter(|v| v["retention"] == "log").collect();
    assert!(!logged.is_empty(), "{}", stderr(&output));
    for value in logged {
        assert_eq!(value["opened"], json!(true), "{value}");
    }
}

/// The data directory of `killed`, as tar reads it.
fn unpacked(dir: &Path) -> PathBuf {
    let target = dir.join("killed.tar");
    let file = std::fs::File::open(common::testdata().join("killed.dir.tar.zst")).unwrap();
    let mut decoder = zstd::stream::read::Decoder::new(file).unwrap();
    decoder.window_log_max(31).unwrap();
    std::io::copy(&mut decoder, &mut std::fs::File::create(&target).unwrap()).unwrap();
    target
}
