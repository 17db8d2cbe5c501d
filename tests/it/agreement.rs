//! The commands agree: whatever two of them say of the same bytes is the same, of one input, of several, in any order; and what is said
//! of all is the sum of what is said of each.

use crate::common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use common::{Fixture, of_kind, records, run_in};
use serde_json::Value;

/// What a command alone knows, or has a word of its own for.
const OWN_OF_SUMMARY: [&str; 8] = ["conditions", "exit_code", "looked_at", "not_looked_at", "retire", "verify", "opened", "verification"];
const OWN_OF_KEYS: [&str; 7] = ["opened", "failed", "kms_key_id", "kms_key_ids", "state", "manager", "rotated"];
const OWN_OF_VALUES: [&str; 4] = ["opened", "outcome", "opened_by", "sealed_for"];

/// Directories among the fixtures.
const DIRECTORIES: [&str; 2] = ["killed", "segments"];

/// All that there is to ask about, in one folder: names within it.
fn place(dir: &Path) -> Vec<String> {
    std::fs::write(dir.join("nobody.yaml"), common::NOBODY).unwrap();
    let mut names: Vec<String> = Fixture::all()
        .iter()
        .map(|fixture| {
            fixture.write_to(dir);
            format!("{}.db", fixture.name)
        })
        .collect();
    for name in DIRECTORIES {
        common::unpack_directory(name, dir);
        names.push(name.to_owned());
    }
    // A log and a raft snapshot by themselves, and a file that lost a page.
    let segment = std::fs::read_dir(dir.join("segments/member/wal")).unwrap().map(|entry| entry.unwrap().file_name()).min().unwrap();
    names.push(format!("segments/member/wal/{}", segment.to_str().unwrap()));
    let mut damaged = Fixture::named("migration").bytes.to_vec();
    let middle = damaged.len() / 2 / 4096 * 4096;
    damaged[middle..middle + 4096].fill(0xff);
    std::fs::write(dir.join("damaged.db"), damaged).unwrap();
    names.push("damaged.db".to_owned());
    names
}

/// What each command says of the same inputs.
struct Said(BTreeMap<&'static str, Vec<Value>>);

impl Said {
    fn of(dir: &Path, inputs: &[&str]) -> Self {
        let format = ["--format", "jsonl"];
        let all = ["--format", "jsonl", "--resources", "all"];
        let ask = |command: &'static str, options: &[&str]| (command, records(&run_in(dir, &[&[command], inputs, options].concat())));
        let scan = ask("scan", &all);
        let object = of_kind(&scan.1, "value").iter().find_map(|value| value["key"].as_str()).unwrap_or("/nothing").to_owned();
        let show = ("show", records(&run_in(dir, &[&["show"], inputs, &[object.as_str()], &format[..]].concat())));
        let keys = ask("keys", &all);
        let verify = ask("verify", &[&all[..], &["--encryption-config", "nobody.yaml"]].concat());
        let check = ask("check", &format);
        // `pages` hashes nothing: what it says of digests is what a scan says that hashes nothing.
        let unhashed = ("unhashed", records(&run_in(dir, &[&["scan", "--digest", "none"], inputs, &all].concat())));
        let pages = ask("pages", &format);
        Self(BTreeMap::from([scan, show, keys, verify, check, unhashed, pages]))
    }

    /// Records of one kind, without the fields that a command has for itself.
    fn shared(&self, command: &str, kind: &str, own: &[&str]) -> Vec<Value> {
        let without = |record: &&Value| {
            let mut record = (*record).clone();
            record.as_object_mut().unwrap().retain(|name, _| !own.contains(&name.as_str()));
            record
        };
        of_kind(&self.0[command], kind).iter().map(without).collect()
    }

    /// Every kind of record is the same in every command that has it; `show` has the rows of one object.
    fn agree(&self, what: &str) {
        // What has no pages is told as not read by `pages`, and what is said of all is said without it.
        let has_pages = of_kind(&self.0["pages"], "evidence").len() == of_kind(&self.0["unhashed"], "evidence").len();
        let pages = has_pages.then_some(("unhashed", "pages"));
        for (scan, command) in ["keys", "verify", "check", "show"].map(|command| ("scan", command)).into_iter().chain(pages) {
            let same = |kind: &str, own: &[&str]| {
                let [scan, other] = [scan, command].map(|command| self.shared(command, kind, own));
                assert_same(&scan, &other, &format!("{what}: {kind} of scan and {command}"));
            };
            same("evidence", &[]);
            same("anomaly", &[]);
            same("evidence-end", &["snapshot_status"]); // `check` alone is asked for it
            same("key", &OWN_OF_KEYS);
            same("key-use", &OWN_OF_KEYS);
            same("summary", &OWN_OF_SUMMARY);
            let shared_rules = |command: &str| -> Vec<Value> {
                let of_all =
                    |finding: &Value| !["moved-ciphertext", "other-key-than-required"].contains(&finding["rule"].as_str().unwrap());
                self.shared(command, "finding", &[]).into_iter().filter(of_all).collect()
            };
            assert_same(&shared_rules(scan), &shared_rules(command), &format!("{what}: findings of scan and {command}"));
        }
        for kind in ["value", "tombstone"] {
            let [scan, verify] = ["scan", "verify"].map(|command| self.shared(command, kind, &OWN_OF_VALUES));
            assert_same(&scan, &verify, &format!("{what}: {kind} of scan and verify"));
            let scanned: BTreeSet<String> = self.shared("scan", kind, &[]).iter().map(Value::to_string).collect();
            for row in self.shared("show", kind, &[]) {
                assert!(scanned.contains(&row.to_string()), "{what}: show has a {kind} that scan has not: {row}");
            }
        }
    }

    /// What is said of all is the sum of what is said of each.
    fn adds_up(&self, what: &str) {
        let scan = &self.0["scan"];
        let summary = of_kind(scan, "summary")[0];
        assert_eq!(summary["evidences"], of_kind(scan, "evidence").len(), "{what}");
        assert_eq!(summary["tombstones"], of_kind(scan, "tombstone").len(), "{what}");
        let counted: u64 = summary["values"].as_array().unwrap().iter().map(|count| count["count"].as_u64().unwrap()).sum();
        assert_eq!(counted, of_kind(scan, "value").len() as u64, "{what}: {}", summary["values"]);
        // A key is the sum of its uses, and every use is of an evidence that there is.
        let mut sums = BTreeMap::<String, u64>::new();
        let identity =
            |key: &Value| ["provider", "provider_version", "provider_name", "key_id"].map(|part| key[part].to_string()).join(" ");
        for used in of_kind(scan, "key-use") {
            for count in ["current", "superseded", "deleted", "residue", "log"] {
                *sums.entry(format!("{} {count}", identity(used))).or_default() += used[count].as_u64().unwrap();
            }
        }
        for key in of_kind(scan, "key") {
            for count in ["current", "superseded", "deleted", "residue", "log"] {
                let sum = sums.remove(&format!("{} {count}", identity(key)));
                assert_eq!(sum, key[count].as_u64(), "{what}: {count} of {}", identity(key));
            }
        }
        assert!(sums.is_empty(), "{what}: uses of keys that are none: {sums:?}");
        self.plans_as_keys_say(what);
    }

    /// The calls of the plan are the DEK sources of the keys, and the values that wait for them are the values under these keys: the same
    /// ones, but for pieces, which nobody can open.
    fn plans_as_keys_say(&self, what: &str) {
        let number = |record: &Value, field: &str| record[field].as_u64().unwrap();
        let mut of_keys = BTreeMap::<String, [u64; 3]>::new();
        for key in of_kind(&self.0["keys"], "key").into_iter().filter(|key| key["provider"] == "kms") {
            let values = ["current", "newest", "superseded", "deleted", "residue", "log"].iter().map(|field| number(key, field)).sum();
            let counts = of_keys.entry(key["key_id"].to_string()).or_default();
            for (count, more) in counts.iter_mut().zip([number(key, "dek_sources"), number(key, "current"), values]) {
                *count += more;
            }
        }
        of_keys.retain(|_, [dek_sources, ..]| *dek_sources > 0);
        let plans = of_kind(&self.0["verify"], "plan");
        assert_eq!(plans.len(), of_keys.len(), "{what}");
        for plan in plans {
            let [dek_sources, current, values] = of_keys[&plan["key_id"].to_string()];
            assert_eq!([number(plan, "calls"), number(plan, "current")], [dek_sources, current], "{what}: {plan}");
            assert!((current..=values).contains(&number(plan, "values")), "{what}: {values} {plan}");
        }
        let summary = of_kind(&self.0["verify"], "summary")[0];
        let all: u64 = of_keys.values().map(|[dek_sources, ..]| dek_sources).sum();
        assert_eq!(number(&summary["verify"], "dek_sources"), all, "{what}");
    }
}

/// The same records, or the first fields in which they are not.
fn assert_same(one: &[Value], other: &[Value], what: &str) {
    for (one, other) in one.iter().zip(other) {
        let fields: BTreeSet<&String> = [one, other].into_iter().flat_map(|record| record.as_object().unwrap().keys()).collect();
        let differing: Vec<_> =
            fields.into_iter().filter(|name| one[*name] != other[*name]).map(|name| (name, &one[name], &other[name])).collect();
        assert!(differing.is_empty(), "{what}: {differing:?}");
    }
    assert_eq!(one.len(), other.len(), "{what}");
}

/// Evidence after evidence, whatever its number: what is said of a file alone is said of it among others.
fn by_path(records: &[Value], kind: &str) -> BTreeMap<String, Vec<String>> {
    let paths: BTreeMap<u64, &str> =
        of_kind(records, "evidence").iter().map(|e| (e["evidence"].as_u64().unwrap(), e["path"].as_str().unwrap())).collect();
    let mut by_path = BTreeMap::<String, Vec<String>>::new();
    for record in of_kind(records, kind) {
        let path = paths[&record["evidence"].as_u64().unwrap()];
        let mut record = record.clone();
        // Its number is of this run, and what stands beside it too.
        record.as_object_mut().unwrap().retain(|name, _| !["evidence", "compared"].contains(&name.as_str()));
        by_path.entry(path.to_owned()).or_default().push(record.to_string());
    }
    // A file may have been given twice: by itself, and in its directory.
    by_path.values_mut().for_each(|records| records.sort());
    by_path
}

#[test]
fn the_commands_agree_on_every_input_alone() {
    let dir = tempfile::tempdir().unwrap();
    for name in place(dir.path()) {
        let said = Said::of(dir.path(), &[&name]);
        said.agree(&name);
        said.adds_up(&name);
        let has_database = of_kind(&said.0["scan"], "evidence").iter().any(|evidence| !evidence["page_size"].is_null());
        assert_eq!(of_kind(&said.0["pages"], "evidence").is_empty(), !has_database, "{name}");
        recovered_is_what_is_scanned(dir.path(), &name, &said.0["scan"]);
    }
}

#[test]
fn the_commands_agree_on_inputs_together_in_any_order() {
    let dir = tempfile::tempdir().unwrap();
    let names = place(dir.path());
    let pairs = names.iter().zip(names.iter().cycle().skip(1));
    for (one, other) in pairs {
        let mut in_order = Vec::new();
        for inputs in [[one.as_str(), other], [other.as_str(), one]] {
            let said = Said::of(dir.path(), &inputs);
            said.agree(&inputs.join(" "));
            said.adds_up(&inputs.join(" "));
            in_order.push(said);
        }
        for kind in ["evidence", "evidence-end", "value", "tombstone", "key-use", "finding"] {
            let [first, second] = [0, 1].map(|order: usize| by_path(&in_order[order].0["scan"], kind));
            assert_eq!(first, second, "{kind} of {one} and {other}");
        }
        let totals = |said: &Said| {
            let summary = of_kind(&said.0["scan"], "summary")[0];
            ["secrets_readable", "secrets_current", "values", "tombstones", "exit_code"].map(|field| summary[field].clone())
        };
        assert_eq!(totals(&in_order[0]), totals(&in_order[1]), "{one} and {other}");
    }
}

/// What `recover` brings back is what a scan shows in the tree: all of it where nothing of the tree is lost.
fn recovered_is_what_is_scanned(dir: &Path, name: &str, scan: &[Value]) {
    let place = |record: &Value| ["key", "key_base64", "mod_revision", "sub", "offset", "length"].map(|field| record[field].to_string());
    let recovered = records(&run_in(dir, &["recover", name]));
    // A directory has several files; its database is the one with pages.
    let database = of_kind(scan, "evidence").into_iter().find(|evidence| !evidence["page_size"].is_null());
    let Some(number) = database.map(|evidence| evidence["evidence"].clone()) else {
        assert!(recovered.is_empty(), "{name} has no database");
        return;
    };
    let values = || of_kind(scan, "value").into_iter().filter(|value| value["evidence"] == number);
    let shown: BTreeMap<_, _> = values().filter(|value| value["place"] == "tree").map(|value| (place(value), value)).collect();
    for record in recovered.iter().filter(|record| record["standing"] == "current") {
        let value = shown.get(&place(record)).unwrap_or_else(|| panic!("{name}: no scan has {record}"));
        for field in ["key", "mod_revision", "protection"] {
            assert_eq!(record[field], value[field], "{name}: {field} of recover and scan");
        }
        assert_eq!(value["retention"], "current", "{name}: {record}");
    }
    let is_whole = of_kind(scan, "evidence-end").iter().all(|end| end["complete"] == true);
    if is_whole {
        let newest: BTreeSet<_> = shown
            .values()
            // The marker of a bump is no key.
            .filter(|value| {
                !(value["key"].is_null() && value["key_base64"].is_null())
                    && ["current", "newest"].iter().any(|word| value["retention"] == *word)
            })
            .map(|value| place(value))
            .collect();
        assert_eq!(recovered.iter().map(place).collect::<BTreeSet<_>>(), newest, "{name}");
    }
}

/// An input that cannot be read shifts no number: what is said of the others is said of them.
#[test]
fn an_input_that_fails_changes_nothing_for_the_others() {
    let dir = tempfile::tempdir().unwrap();
    place(dir.path());
    std::fs::write(dir.path().join("no.db"), b"no database").unwrap();
    let inputs = ["migration.db", "segments"];
    let sound = Said::of(dir.path(), &inputs);
    for at in 0..=inputs.len() {
        let mut with_failure = inputs.to_vec();
        with_failure.insert(at, "no.db");
        let failed = Said::of(dir.path(), &with_failure);
        failed.agree(&with_failure.join(" "));
        for command in ["scan", "keys", "verify", "check", "show"] {
            let summary = of_kind(&failed.0[command], "summary")[0];
            assert!(summary["conditions"].as_array().unwrap().iter().any(|word| word == "input-failed"), "{command}: {summary}");
            for kind in ["evidence", "value", "key-use", "finding", "anomaly"] {
                assert_eq!(by_path(&sound.0[command], kind), by_path(&failed.0[command], kind), "{command}: {kind}");
            }
        }
    }
}
