//! The contract for machines: real output against `docs/records.schema.json`, and the schema against `docs/records.md`.

use crate::common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use common::{Fixture, of_kind, records, run_in, sleuth, unpack_directory};
use etcd_sleuth::evidence::anomaly::Class;
use etcd_sleuth::finding::Rule;
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

/// A run over every fixture, over fixtures in a container and with damage, over data directories and their parts, over an image.
fn runs(format: &str) -> Vec<(String, Vec<u8>)> {
    let mut runs = Vec::new();
    let mut run = |dir: &Path, command: &str, name: &str| {
        let output = run_in(dir, &[command, name, "--format", format, "--resources", "all"]);
        runs.push((format!("{command} {name}"), output.stdout));
    };
    let dir = tempfile::tempdir().unwrap();
    let mut add = |name: &str, bytes: &[u8]| {
        fs::write(dir.path().join(name), bytes).unwrap();
        run(dir.path(), "scan", name);
    };
    for fixture in Fixture::all() {
        add(&format!("{}.db", fixture.name), fixture.bytes);
    }
    let mut bytes = Fixture::named("migration").bytes.to_vec();
    add("migration.db.zst", &zstd::bulk::compress(&bytes, 3).unwrap());
    bytes.truncate(bytes.len() - 40_000);
    add("cut.db", &bytes);
    for at in (8192..bytes.len()).step_by(1987) {
        bytes[at] ^= 0x41;
    }
    add("damaged.db", &bytes);
    add("nothing.db", b"nothing");
    for image in ["migration.db", "killed.db", "big-values.db", "damaged.db"] {
        run(dir.path(), "carve", image);
    }
    for name in ["killed", "segments"] {
        let dir = tempfile::tempdir().unwrap();
        let wal = unpack_directory(name, dir.path()).join("member/wal");
        run(dir.path(), "scan", name);
        let segment = files(&wal).into_iter().next().unwrap();
        run(&wal, "scan", &segment);
        let snap = dir.path().join(name).join("member/snap");
        for file in files(&snap).into_iter().filter(|file| file.ends_with(".snap")) {
            run(&snap, "scan", &file);
        }
        // Every hundredth kilobyte of a log is damaged.
        let mut bytes = fs::read(wal.join(&segment)).unwrap();
        bytes.iter_mut().step_by(102_391).for_each(|byte| *byte ^= 0x10);
        fs::write(wal.join(&segment), bytes).unwrap();
        run(dir.path(), "scan", name);
    }
    runs
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
    for (name, output) in runs("jsonl").into_iter().chain([recovered()]) {
        for line in output.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let record: Value = serde_json::from_slice(line).unwrap();
            let kind = record["record"].as_str().unwrap().to_owned();
            assert_valid(by_kind.entry(kind.clone()).or_insert_with(|| validator(&kind)), &name, &record);
            assert!(of_any.is_valid(&record), "{name}: {record}");
            for field in ["kind", "role", "place", "retention", "protection"] {
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
    assert_eq!(by_kind.into_keys().collect::<BTreeSet<_>>(), kinds, "the fixtures show every kind of record");
    for (field, words) in [
        ("kind", &schema["$defs"]["evidence"]["properties"]["kind"]["enum"]),
        ("role", &schema["$defs"]["evidence"]["properties"]["role"]["enum"]),
        ("retention", &schema["$defs"]["retention"]["enum"]),
        ("protection", &schema["$defs"]["protection"]["enum"]),
        ("place", &json!(["tree", "other-root", "free-page", "overflow-tail", "trailing", "wal", "image"])),
    ] {
        for word in words.as_array().unwrap() {
            assert!(shown.contains(&format!("{field} {}", word.as_str().unwrap())), "no fixture shows {field} {word}: {shown:?}");
        }
    }
    assert!(!of_any.is_valid(&json!({ "record": "run" })) && !of_any.is_valid(&json!({ "record": "other" })));
}

#[test]
fn the_bytes_of_the_summary_are_those_of_all_databases() {
    for (name, output) in runs("jsonl") {
        let lines = output.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        let all: Vec<Value> = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
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
    for ((name, lines), (_, object)) in runs("jsonl").into_iter().zip(runs("json")) {
        let object: Value = serde_json::from_slice(&object).unwrap();
        assert_valid(&grouped, &name, &object);
        for kind in object.as_object().unwrap().keys() {
            let in_lines: Vec<Value> = lines
                .split(|b| *b == b'\n')
                .filter(|line| !line.is_empty())
                .map(|line| serde_json::from_slice::<Value>(line).unwrap())
                .filter(|record| record["record"] == kind.as_str())
                .collect();
            let in_object = match &object[kind] {
                Value::Array(records) => records.clone(),
                one => vec![one.clone()],
            };
            assert_eq!(in_lines, in_object, "{name}: {kind}");
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

#[test]
fn records_stand_in_the_order_of_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for name in ["migration", "killed", "kinds"] {
        Fixture::named(name).write_to(dir.path());
        files.push(format!("{name}.db"));
    }
    let mut args = vec!["scan", "--format", "jsonl", "--resources", "all"];
    args.extend(files.iter().map(String::as_str));
    let several = records(&run_in(dir.path(), &args));
    assert_eq!(of_kind(&several, "evidence").len(), 3);
    let mut all = vec![several];
    all.extend(runs("jsonl").into_iter().map(|(_, output)| {
        output.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect()
    }));
    for run in all {
        // Run; per evidence (its record, rows, anomalies); keys; findings; summary.
        let rank = |record: &Value| match record["record"].as_str().unwrap() {
            "run" => (0, 0, 0),
            "evidence" => (1, record["evidence"].as_u64().unwrap(), 0),
            "value" | "tombstone" => (1, record["evidence"].as_u64().unwrap(), 1),
            "anomaly" => (1, record["evidence"].as_u64().unwrap(), 2),
            "key" => (2, 0, 0),
            "finding" => (3, 0, 0),
            "summary" => (4, 0, 0),
            other => panic!("{other}"),
        };
        let ranks: Vec<_> = run.iter().map(rank).collect();
        assert!(ranks.is_sorted(), "{ranks:?}");
        assert_eq!((ranks.first(), ranks.last()), (Some(&(0, 0, 0)), Some(&(4, 0, 0))));
        for pair in run.windows(2).filter(|pair| rank(&pair[0]) == rank(&pair[1])) {
            let in_order = match pair[0]["record"].as_str().unwrap() {
                "value" | "tombstone" => place_in_order(&pair[0]) <= place_in_order(&pair[1]),
                "anomaly" => nulls_last(&pair[0]["offset"]) <= nulls_last(&pair[1]["offset"]),
                "finding" => pair[0]["evidence"].as_u64() <= pair[1]["evidence"].as_u64(),
                _ => true,
            };
            assert!(in_order, "{}\nstands before\n{}", pair[0], pair[1]);
        }
    }
}

#[test]
fn csv_is_the_value_records() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("kinds").write_to(dir.path());
    unpack_directory("killed", dir.path());
    let run = |format: &str| run_in(dir.path(), &["scan", "kinds.db", "killed", "--format", format, "--resources", "all"]);
    let lines = records(&run("jsonl"));
    let values = of_kind(&lines, "value");
    let csv = run("csv").stdout;
    let mut reader = csv::Reader::from_reader(csv.as_slice());
    let columns: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), values.len());
    let fields = schema()["$defs"]["value"]["required"].clone();
    let fields = fields.as_array().unwrap().iter().map(|field| field.as_str().unwrap());
    let mut wanted: Vec<&str> = fields.filter(|field| !["record", "secret"].contains(field)).collect();
    wanted.extend(["secret_type", "secret_data"]);
    assert_eq!(columns, wanted, "the columns are the fields of the value record, in their order");
    for (index, column) in columns.iter().enumerate().filter(|(_, column)| !column.starts_with("secret_")) {
        for (row, value) in rows.iter().zip(&values).filter(|(_, value)| !value[column].is_string()) {
            let cell = if value[column].is_null() { String::new() } else { value[column].to_string() };
            assert_eq!(row[index], cell, "{column} of {value}");
        }
    }
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
