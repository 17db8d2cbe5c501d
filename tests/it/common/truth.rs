//! What a run says of a fixture against what is true of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::{Fixture, of_kind, records, run_in, text};

/// The records of a scan of everything in a fixture that was written into `dir`.
pub(crate) fn scan(dir: &Path, fixture: &Fixture, more: &[&str]) -> Vec<Value> {
    let file = format!("{}.db", fixture.name);
    let all = records(&run_in(dir, &[&["scan", &file, "--format", "jsonl", "--resources", "all"], more].concat()));
    assert!(!all.is_empty(), "{}", fixture.name);
    all
}

/// The tree's values and tombstones are exactly the retained writes.
pub(crate) fn assert_tree(fixture: &Fixture, records: &[Value], truth: &Value) {
    let name = &fixture.name;
    let writes = truth["writes"].as_array().unwrap();
    let write_of = |row: &Value| &writes[usize::try_from(row["w"].as_u64().unwrap()).unwrap()];
    let retained = truth["retained"].as_array().unwrap();
    let is_tombstone = |row: &Value| row["tombstone"] == json!(true);

    // Identity: offset and length. Empty values have neither.
    let values: BTreeMap<(u64, u64), &Value> = of_kind(records, "value")
        .into_iter()
        .filter(|v| v["place"] == "tree" && v["length"] != 0)
        .map(|v| ((v["offset"].as_u64().unwrap(), v["length"].as_u64().unwrap()), v))
        .collect();
    let wanted: BTreeMap<(u64, u64), &Value> = retained
        .iter()
        .filter(|r| !is_tombstone(r) && write_of(r)["value_len"] != 0)
        .map(|r| ((r["offset"].as_u64().unwrap(), r["length"].as_u64().unwrap()), r))
        .collect();
    assert_eq!(values.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{name}: the places of values in the tree");
    for (place, row) in &wanted {
        let (value, write) = (values[place], write_of(row));
        let what = format!("{name} at {place:?}: {value}\nis truly {write}");
        assert_eq!(value["retention"], row["retention"], "{what}");
        for field in ["key", "key_base64"] {
            assert_eq!(value[field], *write.get(field).unwrap_or(&Value::Null), "{what}");
        }
        for field in ["mod_revision", "sub", "create_revision", "version", "lease"] {
            assert_eq!(value[field], write[field], "{field}: {what}");
        }
        let bytes = &fixture.bytes[usize::try_from(place.0).unwrap()..][..usize::try_from(place.1).unwrap()];
        assert_eq!(value["protection"], protection(write, bytes), "{what}");
        if value["protection"] == "unknown" {
            continue;
        }
        for field in ["encoding", "provider", "provider_version", "key_id", "dek_source_type", "dek_source_sha256"] {
            assert_eq!(value[field], write[field], "{field}: {what}");
        }
        if value["provider_name_certain"] == json!(true) {
            assert_eq!(value["provider_name"], write["provider_name"], "{what}");
        }
    }

    let tombstones: BTreeSet<(u64, u64)> = of_kind(records, "tombstone")
        .into_iter()
        .filter(|t| t["place"] == "tree")
        .map(|t| (t["offset"].as_u64().unwrap(), t["mod_revision"].as_u64().unwrap()))
        .collect();
    let wanted: BTreeSet<(u64, u64)> = retained
        .iter()
        .filter(|r| is_tombstone(r))
        .map(|r| (r["offset"].as_u64().unwrap(), write_of(r)["mod_revision"].as_u64().unwrap()))
        .collect();
    assert_eq!(tombstones, wanted, "{name}: tombstones");

    let empty = of_kind(records, "value").into_iter().filter(|v| v["place"] == "tree" && v["length"] == 0).count();
    let marker = usize::from(!truth["bump_marker"].is_null());
    let wanted = retained.iter().filter(|r| !is_tombstone(r) && write_of(r)["value_len"] == 0).count();
    assert!(empty == wanted || empty == wanted + marker, "{name}: {empty} empty values, {wanted} written, {marker} marker");
}

/// The file is described as bbolt and etcd describe it.
pub(crate) fn assert_description(fixture: &Fixture, records: &[Value], truth: &Value) {
    let name = &fixture.name;
    let evidence = &super::evidences(records)[0];
    for field in [
        "size",
        "sha256",
        "trailer",
        "page_size",
        "high_water_mark",
        "txid",
        "revision",
        "scheduled_compact_revision",
        "finished_compact_revision",
        "cluster_version",
        "kube_system_uid",
        "consistent_index",
        "term",
        "keys_current",
    ] {
        // Of several clusters in one etcd each has its own; the truth names the first. Two prefixes may be one cluster's.
        let uids: BTreeSet<&str> = evidence["clusters"].as_array().unwrap().iter().filter_map(|c| c["kube_system_uid"].as_str()).collect();
        if field == "kube_system_uid" && uids.len() > 1 {
            assert!(uids.contains(truth[field].as_str().unwrap()) && evidence[field].is_null(), "{name}: {uids:?}");
            continue;
        }
        // A file that was never compacted has no such entry, one of etcd 3.4 no term; its truth says 0.
        let never = (field.ends_with("compact_revision") || field == "term") && truth[field] == 0;
        assert_eq!(evidence[field], if never { Value::Null } else { truth[field].clone() }, "{name}: {field}");
    }
    let storage_version = &truth["storage_version"];
    assert_eq!(evidence["storage_version"], if storage_version == "" { Value::Null } else { storage_version.clone() }, "{name}");
    let members: BTreeSet<String> = evidence["members"].as_array().unwrap().iter().map(|m| format!("{} {}", m["id"], m["name"])).collect();
    let wanted: BTreeSet<String> = truth["members"].as_array().unwrap().iter().map(|m| format!("{} {}", m["id"], m["name"])).collect();
    assert_eq!(members, wanted, "{name}");
    assert_eq!(evidence["leases"], truth["leases"], "{name}");
    assert_eq!(evidence["users"], truth["users"], "{name}");
    assert_eq!(evidence["auth_enabled"].as_bool().unwrap_or(false), truth["auth_enabled"].as_bool().unwrap(), "{name}");
    assert_eq!(evidence["alarms"].as_array().unwrap().len(), truth["alarms"].as_array().unwrap().len(), "{name}");

    // bbolt counts the pages of the other root as free, since it knows one meta at a time.
    let pages = &evidence["pages"];
    let count = |state: &str| pages[state].as_u64().unwrap();
    assert_eq!(count("free") + count("other_root"), truth["bbolt_free_pages"].as_u64().unwrap(), "{name}");
    let states = ["meta", "freelist", "reachable", "other_root", "free", "beyond_high_water"];
    let total: u64 = states.iter().map(|s| count(s)).sum();
    assert_eq!(total * truth["page_size"].as_u64().unwrap(), fixture.bytes.len() as u64 / 512 * 512, "{name}: the pages are the file");
    assert_eq!(truth["bbolt_check"], json!([]), "{name}");
    let sound = of_kind(records, "anomaly")
        .into_iter()
        .filter(|a| !["object-misplaced", "envelope-invalid", "object-invalid"].contains(&a["class"].as_str().unwrap()))
        .count();
    assert_eq!(sound, 0, "{name}: bbolt finds nothing, so nothing may be found: {:?}", of_kind(records, "anomaly"));
}

/// `check` prints the figures of `etcdutl snapshot status` for a fixture that was written into `dir`.
pub(crate) fn assert_status(fixture: &Fixture, dir: &Path, truth: &Value) {
    let status = &truth["etcdutl_status"];
    let (code, stdout) = text(&run_in(dir, &["check", &format!("{}.db", fixture.name)]));
    let version = match status["version"].as_str().unwrap() {
        "" => String::new(),
        version => format!(", version {version}"),
    };
    let line = format!(
        "snapshot status prints: hash {}, revision {}, total keys {} (etcdutl of 3.6 and later)",
        status["hash"].as_str().unwrap(),
        status["revision"],
        status["total_key"],
    );
    let size = format!(", total size {} bytes{version}\n", status["total_size"]);
    assert!(stdout.contains(&line) && stdout.contains(&size), "{}: {line}{size} is not in\n{stdout}", fixture.name);
    assert_eq!(code, 0, "{}\n{stdout}", fixture.name);
    assert!(stdout.lines().next().unwrap().contains("whole"), "{stdout}");
}

/// How a write is to be reported. Two kinds are not known here, though their writer knows: what stands behind the prefix of
/// a foreign provider, and bytes that are neither of an encoding nor text.
fn protection(write: &Value, bytes: &[u8]) -> Value {
    let known = ["aescbc v1", "aesgcm v1", "secretbox v1", "kms v1", "kms v2"];
    let provider = format!("{} {}", write["provider"].as_str().unwrap_or(""), write["provider_version"].as_str().unwrap_or(""));
    let is_foreign = write["form"] == "encrypted" && !known.contains(&provider.as_str());
    let is_binary = write["encoding"] == "other" && std::str::from_utf8(bytes).is_err();
    if is_foreign || is_binary { json!("unknown") } else { write["form"].clone() }
}
