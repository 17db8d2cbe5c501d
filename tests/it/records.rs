//! The contract for machines: real output against `docs/records.schema.json`, and the schema against `docs/records.md`.

use crate::common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;
use std::{fmt, fs};

use common::raft::raft_snapshot;
use common::{Fixture, of_kind, records, run_in, sleuth, unpack_directory};
use etcd_sleuth::evidence::anomaly::Class;
use etcd_sleuth::finding::Rule;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Value, json};

/// Places in the order of the contract.
const PLACES: [&str; 10] =
    ["tree", "other-root", "free-page", "overflow-tail", "beyond-high-water", "slack", "trailing", "wal", "raft-snapshot", "image"];

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(&document("records.schema.json")).unwrap()
}

/// A validator of one definition of the schema.
fn validator(definition: &str) -> jsonschema::Validator {
    let schema = schema();
    let one = json!({ "$schema": schema["$schema"], "$ref": format!("#/$defs/{definition}"), "$defs": schema["$defs"] });
    jsonschema::draft202012::new(&one).unwrap()
}

fn assert_valid(validator: &jsonschema::Validator, what: &str, value: &Value) {
    let errors: Vec<String> = validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path)).collect();
    let value: String = value.to_string().chars().take(2000).collect();
    assert!(errors.is_empty(), "{what}: {errors:#?}\nin {value}");
}

/// A run: what was asked, and what it wrote.
type Run = (String, Vec<u8>);

/// The records of a run in JSON Lines.
fn lines(output: &[u8]) -> impl Iterator<Item = Value> {
    output.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap())
}

/// Runs of every command over what is sound, in a container, damaged, a directory, a part of one, an image, several inputs together.
fn runs(format: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut run = |dir: &Path, args: &str| {
        let args: Vec<&str> = args.split(' ').collect();
        let output = run_in(dir, &[&args[..], &["--format", format]].concat());
        runs.push((args.join(" "), output.stdout));
    };
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    for fixture in Fixture::all() {
        let file = format!("{}.db", fixture.name);
        write(&file, fixture.bytes);
        run(dir.path(), &format!("scan {file} --resources all"));
    }
    let mut bytes = Fixture::named("migration").bytes.to_vec();
    write("migration.db.zst", &zstd::bulk::compress(&bytes, 3).unwrap());
    bytes.truncate(bytes.len() - 40_000);
    write("cut.db", &bytes);
    for at in (8192..bytes.len()).step_by(1987) {
        bytes[at] ^= 0x41;
    }
    write("damaged.db", &bytes);
    write("nothing.db", b"nothing");
    for file in ["migration.db.zst", "cut.db", "damaged.db", "nothing.db", "migration.db killed.db kinds.db"] {
        run(dir.path(), &format!("scan {file} --resources all"));
    }
    for image in ["migration.db", "killed.db", "big-values.db", "damaged.db"] {
        run(dir.path(), &format!("carve {image} --resources all"));
    }
    for file in ["migration.db", "migration.db.zst", "kinds.db damaged.db nothing.db compacted.db"] {
        for command in ["check", "keys", "pages"] {
            run(dir.path(), &format!("{command} {file}"));
        }
    }
    for args in [
        "keys migration.db compacted.db --retire kms/aws-b",
        "keys migration.db kinds.db --opens aesgcm/key1",
        "show migration.db compacted.db ci/tapir-vole-53",
        "show migration.db no/such-object",
    ] {
        run(dir.path(), args);
    }
    if cfg!(feature = "kms-plugin") {
        let nobody = "--kms-plugin aws-b=unix:///nonexistent/socket --timeout 1";
        run(dir.path(), &format!("verify migration.db kinds.db --plan {nobody}"));
        run(dir.path(), &format!("verify migration.db compacted.db damaged.db {nobody}"));
    }
    for name in ["killed", "segments"] {
        let dir = tempfile::tempdir().unwrap();
        let wal = unpack_directory(name, dir.path()).join("member/wal");
        for command in ["scan", "keys", "check", "pages"] {
            run(dir.path(), &format!("{command} {name}"));
        }
        run(dir.path(), &format!("show {name} shop/badger-tapir-9"));
        let segment = files(&wal).into_iter().next().unwrap();
        run(&wal, &format!("scan {segment} --resources all"));
        run(&wal, &format!("pages {segment}"));
        let snap = dir.path().join(name).join("member/snap");
        for file in files(&snap).into_iter().filter(|file| file.ends_with(".snap")) {
            run(&snap, &format!("scan {file} --resources all"));
        }
        // Every hundredth kilobyte of a log is damaged.
        let mut bytes = fs::read(wal.join(&segment)).unwrap();
        bytes.iter_mut().step_by(102_391).for_each(|byte| *byte ^= 0x10);
        fs::write(wal.join(&segment), bytes).unwrap();
        run(dir.path(), &format!("scan {name} --resources all"));
    }
    runs
}

/// [`runs`] in JSON Lines, made once for all tests.
fn runs_in_lines() -> &'static [Run] {
    static RUNS: LazyLock<Vec<Run>> = LazyLock::new(|| runs("jsonl"));
    &RUNS
}

/// Names of an object's fields, in the order in which they are written.
struct Fields(Vec<String>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut names = Vec::new();
                while let Some((name, IgnoredAny)) = map.next_entry()? {
                    names.push(name);
                }
                Ok(Fields(names))
            }
        }
        deserializer.deserialize_map(Names)
    }
}

/// Words of an array.
fn list(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

/// What `recover` writes, which are records of their own.
fn recovered() -> (String, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = Fixture::named("migration").bytes.to_vec();
    bytes[..8192].fill(0);
    fs::write(dir.path().join("damaged.db"), bytes).unwrap();
    let output = run_in(dir.path(), &["recover", "damaged.db", "--include-residue", "--reveal"]);
    ("recover damaged.db".to_owned(), output.stdout)
}

/// What `scan` writes of a member whose database lacks entries that a raft snapshot stands for.
fn behind_its_raft_snapshot() -> (String, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let snap = dir.path().join("data/member/snap");
    fs::create_dir_all(&snap).unwrap();
    fs::write(snap.join("db"), Fixture::named("fresh").bytes).unwrap();
    let store = r#"{"Root":{"Path":"/","Value":"","Children":{}},"CurrentVersion":2}"#;
    fs::write(snap.join(format!("{:016x}-{:016x}.snap", 2, 1u64 << 40)), raft_snapshot(store, 1 << 40)).unwrap();
    ("scan data".to_owned(), run_in(dir.path(), &["scan", "data", "--format", "jsonl"]).stdout)
}

/// Names of what stands in a folder.
fn files(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_record_is_one_of_the_schema() {
    let schema = schema();
    let of_any = jsonschema::draft202012::new(&schema).unwrap();
    let mut by_kind = BTreeMap::new();
    let mut shown = BTreeSet::new();
    for (name, output) in runs_in_lines().iter().chain([&recovered(), &behind_its_raft_snapshot()]) {
        for record in lines(output) {
            let kind = record["record"].as_str().unwrap().to_owned();
            assert_valid(by_kind.entry(kind.clone()).or_insert_with(|| validator(&kind)), name, &record);
            assert!(of_any.is_valid(&record), "{name}: {record}");
            for field in ["command", "kind", "role", "place", "retention", "protection", "state", "content", "trailer"] {
                shown.extend(record[field].as_str().map(|word| format!("{field} {word}")));
            }
        }
    }
    let kinds: BTreeSet<String> = schema["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| kind["$ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
        .collect();
    let mut missing: BTreeSet<String> = kinds.difference(&by_kind.into_keys().collect()).cloned().collect();
    if !cfg!(feature = "kms-plugin") {
        missing.remove("plan");
        shown.insert("command verify".to_owned());
    }
    assert!(missing.is_empty(), "the fixtures show no record of {missing:?}");
    let run = &schema["$defs"]["page-run"]["properties"];
    for (field, words) in [
        ("command", &schema["$defs"]["run"]["properties"]["command"]["enum"]),
        ("state", &json!(["meta", "reachable", "free", "beyond-high-water"])),
        ("content", &run["content"]["enum"]),
        ("trailer", &json!(["match", "absent"])),
        ("kind", &schema["$defs"]["evidence"]["properties"]["kind"]["enum"]),
        ("role", &schema["$defs"]["evidence"]["properties"]["role"]["enum"]),
        ("retention", &schema["$defs"]["retention"]["enum"]),
        ("protection", &schema["$defs"]["protection"]["enum"]),
        ("place", &json!(["tree", "other-root", "free-page", "overflow-tail", "trailing", "wal", "image"])),
    ] {
        for word in words.as_array().unwrap().iter().filter_map(Value::as_str) {
            assert!(shown.contains(&format!("{field} {word}")), "no fixture shows {field} {word}: {shown:?}");
        }
    }
    assert!(!of_any.is_valid(&json!({ "record": "run" })) && !of_any.is_valid(&json!({ "record": "other" })));
}

/// Each field of a record stands where the schema has it, no more and no less.
#[test]
fn fields_stand_in_the_order_of_the_schema() {
    let schema = schema();
    for (name, output) in runs_in_lines().iter().chain([&recovered(), &behind_its_raft_snapshot()]) {
        for line in output.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let Fields(fields) = serde_json::from_slice(line).unwrap();
            let record: Value = serde_json::from_slice(line).unwrap();
            let kind = record["record"].as_str().unwrap();
            assert_eq!(fields, list(&schema["$defs"][kind]["required"]), "{name}: {kind}");
        }
    }
}

/// The tables of docs/records.md have exactly the fields of the records, in their order.
#[test]
fn the_tables_of_fields_are_those_of_the_records() {
    let (text, schema) = (document("records.md"), schema());
    let evidence = &schema["$defs"]["evidence"]["properties"];
    let inner = |field: &str| list(&evidence[field]["oneOf"][1]["required"]);
    let mut wanted: BTreeMap<String, Vec<&str>> = schema["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| kind["$ref"].as_str().unwrap().rsplit('/').next().unwrap())
        .map(|kind| (format!("## `{kind}`"), list(&schema["$defs"][kind]["required"])[1..].to_vec()))
        .collect();
    wanted.insert("| `log` | |".to_owned(), inner("log"));
    wanted.insert("| `about` | |".to_owned(), list(&schema["$defs"]["finding"]["properties"]["about"]["items"]["required"]));
    wanted.insert("| `bytes` | |".to_owned(), list(&schema["$defs"]["summary"]["properties"]["bytes"]["required"]));
    for (head, fields) in &wanted {
        let (_, section) = text.split_once(&format!("\n{head}\n")).unwrap_or_else(|| panic!("docs/records.md has no {head}"));
        let table = match head.starts_with('#') {
            true => section.split_once("| field | |\n").unwrap_or_else(|| panic!("no table of fields below {head}")).1,
            false => section,
        };
        let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
        let cells = rows.map(|row| row.split('|').nth(1).unwrap());
        let told: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        assert_eq!(&told, fields, "the table below {head}");
    }
}

#[test]
fn the_bytes_of_the_summary_are_those_of_all_databases() {
    for (name, output) in runs_in_lines() {
        let all: Vec<Value> = lines(output).collect();
        let sizes = of_kind(&all, "evidence").into_iter().filter(|e| ["snapshot", "database"].contains(&e["kind"].as_str().unwrap()));
        let content: u64 = sizes.map(|e| e["content_size"].as_u64().or(e["size"].as_u64()).unwrap()).sum();
        let Some(summary) = of_kind(&all, "summary").into_iter().next() else { panic!("{name} has no summary") };
        let bytes: u64 = summary["bytes"].as_object().unwrap().values().map(|part| part.as_u64().unwrap()).sum();
        assert_eq!(bytes, content, "{name}: {}", summary["bytes"]);
    }
}

#[test]
fn grouped_json_is_the_same_records() {
    let grouped = validator("grouped");
    let order = schema()["$defs"]["grouped"]["required"].clone();
    for ((name, in_lines), (_, object)) in runs_in_lines().iter().zip(runs("json")) {
        let Fields(groups) = serde_json::from_slice(&object).unwrap();
        assert_eq!(groups, list(&order), "{name}");
        let object: Value = serde_json::from_slice(&object).unwrap();
        assert_valid(&grouped, name, &object);
        let all: Vec<Value> = lines(in_lines).collect();
        for kind in groups {
            let in_object = match &object[&kind] {
                Value::Array(records) => records.iter().collect(),
                one => vec![one],
            };
            assert_eq!(of_kind(&all, &kind), in_object, "{name}: {kind}");
        }
    }
}

/// By place, main revision, sub revision, offset; nulls last.
fn place_in_order(record: &Value) -> (usize, [(bool, u64); 3]) {
    let place = PLACES.iter().position(|place| record["place"] == *place).unwrap();
    (place, ["mod_revision", "sub", "offset"].map(|field| nulls_last(&record[field])))
}

fn nulls_last(number: &Value) -> (bool, u64) {
    (number.is_null(), number.as_u64().unwrap_or_default())
}

/// Provider, version, name, key ID; what is absent first.
fn identity(key: &Value) -> [Option<&str>; 4] {
    ["provider", "provider_version", "provider_name", "key_id"].map(|field| key[field].as_str())
}

/// Where a record stands in its run: `run`; per evidence its record, rows, page runs, anomalies, end; keys; key uses; findings; what was not read; plans;
/// summary.
fn rank(record: &Value) -> (u8, u64, u8) {
    let of_evidence = |part| (1, record["evidence"].as_u64().unwrap(), part);
    match record["record"].as_str().unwrap() {
        "run" => (0, 0, 0),
        "evidence" => of_evidence(0),
        "value" | "tombstone" => of_evidence(1),
        "page-run" => of_evidence(2),
        "anomaly" => of_evidence(3),
        "evidence-end" => of_evidence(4),
        "key" => (2, 0, 0),
        "key-use" => (3, record["evidence"].as_u64().unwrap(), 0),
        // Those that only all inputs together show stand behind the others.
        "finding" => (4 + u8::from(["moved-ciphertext", "other-key-than-required"].contains(&record["rule"].as_str().unwrap())), 0, 0),
        "unread" => (6, 0, 0),
        "plan" => (7, 0, 0),
        "summary" => (8, 0, 0),
        other => panic!("{other}"),
    }
}

fn are_in_order(one: &Value, next: &Value) -> bool {
    let number = |record: &Value, field: &str| record[field].as_u64().unwrap();
    match one["record"].as_str().unwrap() {
        "value" | "tombstone" => place_in_order(one) <= place_in_order(next),
        "page-run" => number(one, "pgid") + number(one, "count") == number(next, "pgid"),
        "anomaly" => nulls_last(&one["offset"]) <= nulls_last(&next["offset"]),
        "key" => identity(one) < identity(next),
        "key-use" => {
            let (current, of_next) = (number(one, "current"), number(next, "current"));
            current > of_next || current == of_next && identity(one) < identity(next)
        }
        "finding" => number(one, "evidence") <= number(next, "evidence"),
        // One who is asked after the other; each by key, and nobody last.
        "plan" => one["asked"] != next["asked"] && !one["asked"].is_null() || one["key_id"].as_str() < next["key_id"].as_str(),
        _ => true,
    }
}

#[test]
fn records_stand_in_the_order_of_the_contract() {
    let mut most = 0;
    for (name, output) in runs_in_lines() {
        let run: Vec<Value> = lines(output).collect();
        let ranks: Vec<_> = run.iter().map(rank).collect();
        assert!(ranks.is_sorted(), "{name}: {ranks:?}");
        assert_eq!((ranks.first(), ranks.last()), (Some(&(0, 0, 0)), Some(&(8, 0, 0))), "{name}");
        for pair in run.windows(2).filter(|pair| rank(&pair[0]) == rank(&pair[1])) {
            assert!(are_in_order(&pair[0], &pair[1]), "{name}: {}\nstands before\n{}", pair[0], pair[1]);
        }
        let numbers = |kind: &str| of_kind(&run, kind).into_iter().map(|record| record["evidence"].clone()).collect::<Vec<_>>();
        assert_eq!(numbers("evidence"), numbers("evidence-end"), "{name}: each evidence has an end");
        assert_eq!(json!(numbers("evidence").len()), run[run.len() - 1]["evidences"], "{name}");
        most = most.max(numbers("evidence").len());
    }
    assert!(most >= 3, "{most}");
}

/// Which kinds of records a command writes, beside those of every run.
#[test]
fn each_command_writes_its_kinds_of_records() {
    for (name, output) in runs_in_lines() {
        let words: Vec<&str> = name.split(' ').collect();
        let asks_of_one_key = words.contains(&"--retire") || words.contains(&"--opens");
        let of_all = ["run", "evidence", "anomaly", "evidence-end", "unread", "summary"];
        let own: &[&str] = match words[0] {
            "scan" | "carve" | "show" => &["value", "tombstone", "key", "key-use", "finding"],
            "keys" if asks_of_one_key => &["value", "key", "key-use", "finding"],
            "keys" | "check" => &["key", "key-use", "finding"],
            "verify" if words.contains(&"--plan") => &["key", "key-use", "finding", "plan"],
            "verify" => &["value", "tombstone", "key", "key-use", "finding", "plan"],
            "pages" => &["page-run", "key", "key-use", "finding"],
            other => panic!("{other}"),
        };
        let all: Vec<Value> = lines(output).collect();
        assert_eq!(all[0]["command"], words[0], "{name}");
        let kinds: BTreeSet<&str> = all.iter().map(|record| record["record"].as_str().unwrap()).collect();
        let others: Vec<_> = kinds.iter().filter(|kind| !of_all.contains(kind) && !own.contains(kind)).collect();
        assert!(others.is_empty(), "{name} writes {others:?}");
        let answers =
            !of_kind(&all, "evidence").is_empty() && !["nothing", "segment", "0000", "damaged"].iter().any(|word| name.contains(word));
        if answers && ["keys", "verify", "pages"].contains(&words[0]) {
            let missing: Vec<_> = own.iter().filter(|kind| !kinds.contains(*kind) && **kind != "finding").collect();
            assert!(missing.is_empty(), "{name} writes no {missing:?}");
        }
    }
}

/// The counts of a key are the sum of those of its uses.
#[test]
fn a_key_is_the_sum_of_its_uses() {
    let mut keys = 0;
    for (name, output) in runs_in_lines() {
        let all: Vec<Value> = lines(output).collect();
        let uses = of_kind(&all, "key-use");
        for key in of_kind(&all, "key") {
            keys += 1;
            let of_key: Vec<_> = uses.iter().filter(|used| identity(used) == identity(key)).collect();
            assert!(!of_key.is_empty(), "{name}: {key}");
            for field in ["current", "superseded", "deleted", "residue", "log"] {
                let sum: u64 = of_key.iter().map(|used| used[field].as_u64().unwrap()).sum();
                assert_eq!(key[field], json!(sum), "{name}: {field} of {key}");
            }
            // One that several evidences have counts once.
            let sources = |record: &Value| record["dek_sources"].as_u64().unwrap();
            let (most, sum) = (of_key.iter().map(|used| sources(used)).max().unwrap(), of_key.iter().map(|used| sources(used)).sum());
            assert!((most..=sum).contains(&sources(key)), "{name}: {key}");
        }
    }
    assert!(keys > 50, "{keys}");
}

/// A run in CSV against the records of one kind of the same run. Fields that `instead` names have columns of another name, behind the others.
fn assert_table_is_of(dir: &Path, args: &str, kind: &str, instead: (&[&str], &[&str])) {
    let run = |format: &str| run_in(dir, &args.split(' ').chain(["--format", format]).collect::<Vec<_>>());
    let all = records(&run("jsonl"));
    let of_this = of_kind(&all, kind);
    let csv = run("csv").stdout;
    let mut reader = csv::Reader::from_reader(csv.as_slice());
    let columns: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert!(!rows.is_empty(), "{args}");
    assert_eq!(rows.len(), of_this.len(), "{args}");
    let (fields, others) = instead;
    let schema = schema();
    let mut wanted = list(&schema["$defs"][kind]["required"])[1..].to_vec();
    wanted.retain(|field| !fields.contains(field));
    wanted.extend(others);
    assert_eq!(columns, wanted, "{args}: the columns are the fields of the record, in their order");
    for (index, column) in columns.iter().enumerate().filter(|(_, column)| !others.contains(&column.as_str())) {
        for (row, record) in rows.iter().zip(&of_this) {
            let cell = match &record[column] {
                Value::Null => String::new(),
                Value::Array(words) => words.iter().map(|word| word.as_str().unwrap()).collect::<Vec<_>>().join(" "),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let is_plain = |text: &str| text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
            match is_plain(&cell) {
                // What a spreadsheet would take for a formula is quoted.
                true => assert_eq!(row[index].trim_start_matches('\''), cell, "{args}: {column} of {record}"),
                false => assert!(!row[index].chars().any(char::is_control), "{args}: {column} of {record}"),
            }
        }
    }
}

/// A table is the records of one kind: values, of `keys` key uses, of `pages` page runs.
#[test]
fn csv_is_the_records_of_one_kind() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["kinds", "migration"] {
        Fixture::named(name).write_to(dir.path());
    }
    unpack_directory("killed", dir.path());
    let values = (&["secret"][..], &["secret_type", "secret_data"][..]);
    assert_table_is_of(dir.path(), "scan kinds.db killed --resources all", "value", values);
    assert_table_is_of(dir.path(), "show killed shop/badger-tapir-9", "value", values);
    assert_table_is_of(dir.path(), "carve kinds.db", "value", values);
    assert_table_is_of(dir.path(), "keys kinds.db migration.db killed", "key-use", (&[], &[]));
    assert_table_is_of(dir.path(), "pages migration.db killed", "page-run", (&[], &[]));
}

/// Names of fields and enumerated words anywhere in a schema.
fn words(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            for (keyword, value) in map {
                match (keyword.as_str(), value) {
                    ("properties", Value::Object(properties)) => found.extend(properties.keys().cloned()),
                    ("enum", Value::Array(words)) => found.extend(words.iter().filter_map(Value::as_str).map(str::to_owned)),
                    _ => {}
                }
                words(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| words(item, found)),
        _ => {}
    }
}

#[test]
fn every_field_and_word_is_documented() {
    let text = document("records.md");
    let mut found = BTreeSet::new();
    words(&schema(), &mut found);
    assert!(found.len() > 150, "{found:?}");
    let missing: Vec<_> = found.iter().filter(|word| !text.contains(&format!("`{word}`"))).collect();
    assert!(missing.is_empty(), "docs/records.md does not explain {missing:?}");
}

/// Every anomaly and rule is documented with its bearing or severity.
#[test]
fn every_anomaly_and_rule_is_documented() {
    let (text, schema) = (document("records.md"), schema());
    let names =
        |values: &Value| -> BTreeSet<String> { values.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect() };
    for class in Class::ALL {
        let row = format!("| `{}` | {} | {} |\n", class.name(), format!("{:?}", class.bearing()).to_lowercase(), class.description());
        assert!(text.contains(&row), "docs/records.md lacks this row: {row}");
    }
    let classes: BTreeSet<String> = Class::ALL.iter().map(|class| class.name().to_owned()).collect();
    assert_eq!(names(&schema["$defs"]["anomaly"]["properties"]["class"]["enum"]), classes, "classes in docs/records.schema.json");
    for rule in Rule::ALL {
        let row = format!("| `{}` | {} | {} |\n", rule.code(), rule.severity().name(), rule.title());
        assert!(text.contains(&row), "docs/records.md lacks this row: {row}");
    }
    let rules: BTreeSet<String> = Rule::ALL.iter().map(|rule| rule.code().to_owned()).collect();
    assert_eq!(names(&schema["$defs"]["finding"]["properties"]["rule"]["enum"]), rules, "rules in docs/records.schema.json");
}

#[test]
fn the_schema_asks_for_every_field_and_allows_no_other() {
    fn objects(schema: &Value, check: &mut dyn FnMut(&Value)) {
        if schema.get("properties").is_some_and(|p| p.is_object()) && schema.get("type").is_some() {
            check(schema);
        }
        match schema {
            Value::Object(map) => map.values().for_each(|value| objects(value, check)),
            Value::Array(items) => items.iter().for_each(|item| objects(item, check)),
            _ => {}
        }
    }
    let mut count = 0;
    objects(&schema(), &mut |object| {
        count += 1;
        let fields: BTreeSet<&str> = object["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let required: BTreeSet<&str> = object["required"].as_array().unwrap().iter().map(|field| field.as_str().unwrap()).collect();
        assert_eq!(fields, required);
        assert_eq!(object["additionalProperties"], json!(false), "{object}");
    });
    assert!(count >= 16, "{count}");
    let places: Vec<&str> = PLACES.to_vec();
    assert_eq!(schema()["$defs"]["place"]["enum"], json!(places));
}

#[test]
fn the_exit_codes_in_the_help_are_those_of_the_documentation() {
    let help = sleuth().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let text = document("records.md");
    for code in 0..=3 {
        assert!(help.lines().any(|line| line.starts_with(&format!("  {code}  "))), "{help}");
        assert!(text.lines().any(|line| line.starts_with(&format!("| {code} | "))));
    }
    for format in ["text", "jsonl", "json", "csv"] {
        assert!(text.contains(&format!("| `{format}` | ")));
    }
}
