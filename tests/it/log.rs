//! Data directories: the log against what etcd's own packages read from it, and whatever can be wrong with one.

use crate::common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::raft::{bytes, segment};
use common::{Fixture, evidences, of_kind, records, run_in, stderr, text, truth_of, unpack_directory};
use etcd_sleuth::evidence::digest::Sha256Digest;
use serde_json::{Value, json};

const SEGMENT: &str = "0000000000000000-0000000000000000.wal";

/// The data directory of a server that was killed, and the truth about it.
fn killed() -> (tempfile::TempDir, PathBuf, Value) {
    let dir = tempfile::tempdir().unwrap();
    let path = unpack_directory("killed", dir.path());
    (dir, path, Fixture::named("killed").truth())
}

fn scan(dir: &Path, more: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = run_in(dir, &[&["scan", "killed", "--format", "jsonl", "--resources", "all"], more].concat());
    (output.status.code(), records(&output))
}

/// The `value` records of one file.
fn values_of<'a>(records: &'a [Value], name: &str) -> Vec<&'a Value> {
    let evidence = evidences(records).into_iter().find(|e| e["path"].as_str().unwrap().ends_with(name)).unwrap();
    of_kind(records, "value").into_iter().filter(|value| value["evidence"] == evidence["evidence"]).collect()
}

fn anomalies(records: &[Value]) -> Vec<String> {
    of_kind(records, "anomaly").iter().map(|anomaly| anomaly["class"].as_str().unwrap().to_owned()).collect()
}

/// Every write that etcd reads from the log is found with its place and its fate, and no other.
#[test]
fn every_write_of_the_log_is_found_and_no_other() {
    let (dir, path, truth) = killed();
    let (code, all) = scan(dir.path(), &[]);
    assert_eq!(code, Some(2));
    let wal = fs::read(path.join("member/wal").join(SEGMENT)).unwrap();
    let raft = &truth["raft"];
    let applied = truth["consistent_index"].as_u64().unwrap();
    let committed = raft["commit"].as_u64().unwrap().max(applied);

    let mut wanted = Vec::new();
    for entry in raft["entries"].as_array().unwrap() {
        let index = entry["index"].as_u64().unwrap();
        for op in entry["ops"].as_array().unwrap().iter().filter(|op| op["op"] == "put") {
            let up_to = |bound: u64| if index <= bound { json!(true) } else { Value::Null };
            let fate = [up_to(committed), up_to(applied)];
            wanted.push(json!([index, entry["term"], op["branch"], op["key"], op["value_len"], op["value_sha256"], fate]).to_string());
        }
    }
    let values = values_of(&all, SEGMENT);
    let mut found: Vec<String> = values
        .iter()
        .map(|v| {
            let (offset, length) = (v["offset"].as_u64().unwrap() as usize, v["length"].as_u64().unwrap() as usize);
            let digest = Sha256Digest::of(&wal[offset..offset + length]).to_string();
            let fate = [&v["committed"], &v["applied"]];
            json!([v["raft_index"], v["raft_term"], v["txn_branch"], v["key"], v["length"], digest, fate]).to_string()
        })
        .collect();
    assert!(values.iter().all(|v| v["place"] == "wal" && v["retention"] == "log" && v["fragment"] == json!(false)));
    wanted.sort();
    found.sort();
    assert_eq!(found, wanted);
    assert!(committed > applied && found.iter().any(|v| v.contains("[true,null]")), "the log is ahead");

    // The same by a search for the bytes, which knows no format.
    let places = |list: Vec<(u64, u64)>| -> Vec<(u64, u64)> {
        let mut list: Vec<_> = list.into_iter().filter(|(_, length)| *length >= 24).collect();
        list.sort_unstable();
        list
    };
    let searched = raft["values"].as_array().unwrap().iter().map(|v| (v["offset"].as_u64().unwrap(), v["length"].as_u64().unwrap()));
    let of_writes = |v: &&&Value| {
        // A write that was never carried out is in no record of events.
        raft["entries"].as_array().unwrap().iter().any(|entry| {
            entry["index"] == v["raft_index"]
                && entry["ops"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|op| op["branch"] == v["txn_branch"] && op["key"] == v["key"] && !op["w"].is_null())
        })
    };
    let read = values.iter().filter(of_writes).map(|v| (v["offset"].as_u64().unwrap(), v["length"].as_u64().unwrap()));
    assert_eq!(places(read.collect()), places(searched.collect()));
    assert!(anomalies(&all).iter().all(|class| !class.starts_with("wal-")), "{:?}", anomalies(&all));
}

/// A log of many segments is one log, and what later leaders overrode is not committed.
#[test]
fn many_segments_are_one_log() {
    let dir = tempfile::tempdir().unwrap();
    unpack_directory("segments", dir.path());
    let truth = truth_of("segments");
    let all = records(&run_in(dir.path(), &["scan", "segments", "--format", "jsonl", "--resources", "all"]));
    assert!(anomalies(&all).is_empty(), "{:?}", anomalies(&all));
    let commit = truth["commit"].as_u64().unwrap();
    let mut wanted = Vec::new();
    for (list, is_overridden) in [(&truth["entries"], false), (&truth["overridden"], true)] {
        for entry in list.as_array().unwrap() {
            let committed = match entry["index"].as_u64().unwrap() <= commit {
                _ if is_overridden => json!(false),
                true => json!(true),
                false => Value::Null,
            };
            let applied = if is_overridden { json!(false) } else { Value::Null };
            let length = truth["values"][entry["key"].as_str().unwrap()].as_str().unwrap().len();
            wanted.push(json!([entry["index"], entry["term"], entry["key"], length, committed, applied]).to_string());
        }
    }
    let values = of_kind(&all, "value");
    let fields = ["raft_index", "raft_term", "key", "length", "committed", "applied"];
    let mut found: Vec<_> = values.iter().map(|v| Value::from(fields.map(|field| v[field].clone()).to_vec()).to_string()).collect();
    wanted.sort();
    found.sort();
    assert_eq!(found, wanted);
    let paths: Vec<_> = evidences(&all).iter().map(|e| e["path"].as_str().unwrap().to_owned()).collect();
    for value in &values {
        let file = fs::read(dir.path().join(&paths[value["evidence"].as_u64().unwrap() as usize])).unwrap();
        let (offset, length) = (value["offset"].as_u64().unwrap() as usize, value["length"].as_u64().unwrap() as usize);
        assert_eq!(&file[offset..offset + length], truth["values"][value["key"].as_str().unwrap()].as_str().unwrap().as_bytes());
    }
    let overridden: u64 = evidences(&all).iter().map(|e| e["log"]["overridden"].as_u64().unwrap()).sum();
    assert_eq!(overridden as usize, truth["overridden"].as_array().unwrap().len());
}

/// A segment that is missing, renamed or swapped is told, and costs nothing else.
#[test]
fn missing_renamed_and_swapped_segments_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let wal = unpack_directory("segments", dir.path()).join("member/wal");
    let mut names: Vec<_> = fs::read_dir(&wal).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let scan = || {
        let output = run_in(dir.path(), &["scan", "segments", "--format", "jsonl", "--resources", "all", "--fail-on", "never"]);
        assert_eq!(output.status.code(), Some(3));
        records(&output)
    };
    let all = records(&run_in(dir.path(), &["scan", "segments", "--format", "jsonl", "--resources", "all"]));
    let in_third = values_of(&all, &names[2]).len();
    let total = of_kind(&all, "value").len();

    let aside = dir.path().join("aside");
    fs::rename(wal.join(&names[2]), &aside).unwrap();
    let missing = scan();
    assert_eq!((anomalies(&missing), of_kind(&missing, "value").len()), (vec!["wal-gap".to_owned()], total - in_third));
    fs::rename(&aside, wal.join(&names[2])).unwrap();

    for (from, to) in [(2, 3), (4, 5)] {
        let (a, b) = (wal.join(&names[from]), wal.join(&names[to]));
        let swap = || {
            fs::rename(&a, &aside).unwrap();
            fs::rename(&b, &a).unwrap();
            fs::rename(&aside, &b).unwrap();
        };
        swap();
        let swapped = scan();
        let classes = anomalies(&swapped);
        assert!(classes.contains(&"wal-segment-order".to_owned()) || classes.contains(&"wal-crc-mismatch".to_owned()), "{classes:?}");
        let values = of_kind(&swapped, "value");
        assert_eq!(values.len(), total);
        assert!(values.iter().all(|value| value["committed"].is_null()), "what is committed is not known out of order");
        swap();
    }
}

#[test]
fn revisions_of_writes_are_derived_only_where_they_are_right() {
    let (dir, _, truth) = killed();
    let (_, all) = scan(dir.path(), &[]);
    let retained = truth["retained"].as_array().unwrap().len();
    let mut derived = 0;
    for value in values_of(&all, SEGMENT) {
        let entry = truth["raft"]["entries"].as_array().unwrap().iter().find(|entry| entry["index"] == value["raft_index"]).unwrap();
        let op =
            entry["ops"].as_array().unwrap().iter().find(|op| op["key"] == value["key"] && op["branch"] == value["txn_branch"]).unwrap();
        if value["mod_revision"].is_null() {
            assert!(value["sub"].is_null() && value["version"].is_null());
            continue;
        }
        derived += 1;
        let write = &truth["writes"][op["w"].as_u64().expect("it was carried out") as usize];
        for field in ["mod_revision", "sub", "create_revision", "version", "lease"] {
            assert_eq!(value[field], write[field], "{field}: {value}");
        }
    }
    assert!(derived * 10 >= retained * 8, "{derived} of {retained} retained");
}

/// A data directory is read whole in a fixed order, and each file has its role.
#[test]
fn a_data_directory_is_read_whole_in_order() {
    let (dir, path, truth) = killed();
    let (_, all) = scan(dir.path(), &[]);
    let evidences = evidences(&all);
    let read: Vec<_> = evidences.iter().map(|e| ["path", "kind", "role"].map(|field| e[field].as_str().unwrap())).collect();
    assert_eq!(
        read,
        [
            ["killed/member/snap/db", "database", "member"],
            ["killed/member/snap/0000000000000002-000000000000003d.snap", "raft-snapshot", "member"],
            ["killed/member/snap/0000000000000002-000000000000007a.snap", "raft-snapshot", "member"],
            ["killed/member/wal/0000000000000000-0000000000000000.wal", "wal", "member"],
            ["killed/member/wal/0.tmp", "wal", "leftover"],
        ]
    );
    let files: BTreeMap<_, _> = truth["raft"]["files"].as_array().unwrap().iter().map(|f| (f["path"].as_str().unwrap(), f)).collect();
    for evidence in &evidences {
        let file = files[evidence["path"].as_str().unwrap()];
        assert_eq!((&evidence["size"], &evidence["sha256"]), (&file["size"], &file["sha256"]));
        let is_database = evidence["kind"] == "database";
        for field in ["trailer", "page_size", "high_water_mark", "txid", "active_meta", "keys_current", "members", "pages"] {
            assert_eq!(evidence[field].is_null(), !is_database, "{field}: {evidence}");
        }
        assert_eq!(evidence["complete"], json!(true), "{evidence}");
    }
    assert_eq!(evidences[2]["raft_snapshot"], json!({"index": 122, "term": 2, "crc_matches": true, "v2_values": 0}));
    let log = &evidences[3]["log"];
    let last = truth["raft"]["entries"].as_array().unwrap().last().unwrap();
    assert_eq!([&log["last_index"], &log["commit"], &log["term"]], [&last["index"], &truth["raft"]["commit"], &truth["raft"]["term"]]);

    // The database by itself gives the same values, and the member's directory the same as its parent.
    let by_itself = records(&run_in(&path, &["scan", "member/snap/db", "--format", "jsonl", "--resources", "all"]));
    assert_eq!(of_kind(&by_itself, "value"), values_of(&all, "snap/db"));
    let member = records(&run_in(&path, &["scan", "member", "--format", "jsonl", "--resources", "all"]));
    assert_eq!(of_kind(&member, "value"), of_kind(&all, "value"));
}

#[test]
fn the_first_screen_folds_the_log_in_and_says_what_removes_it() {
    let (dir, ..) = killed();
    let (code, screen) = text(&run_in(dir.path(), &["scan", "killed"]));
    assert_eq!(code, 2);
    for part in [
        "SECRETS CAN BE READ FROM THIS DIRECTORY WITHOUT ANY KEY",
        "7 entries ahead of the database",
        "keeps the 5 newest segments",
        "in the log, not in the database yet",
        "NOT LOOKED AT: 6 other objects (all unencrypted), other members, other backups",
    ] {
        assert!(screen.contains(part), "{part} is not in\n{screen}");
    }
    let all = records(&run_in(dir.path(), &["scan", "killed", "--format", "jsonl"]));
    let summary = of_kind(&all, "summary")[0];
    let readable = &summary["secrets_readable"];
    let sum = ["existing", "deleted", "not_known", "ahead"].map(|part| readable[part].as_u64().unwrap()).iter().sum::<u64>();
    assert_eq!(readable["total"].as_u64().unwrap(), sum, "a Secret in several files is counted once");
    let rules: Vec<_> = of_kind(&all, "finding").iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect();
    assert!(rules.contains(&"plaintext-log".to_owned()), "{rules:?}");
    assert!(of_kind(&all, "key").iter().map(|key| key["log"].as_u64().unwrap()).sum::<u64>() > 0);
}

/// The same directory gives the same bytes with any number of threads.
#[test]
fn a_directory_gives_the_same_bytes_with_any_threads() {
    let (dir, ..) = killed();
    let run = |threads: &str| run_in(dir.path(), &["scan", "killed", "--format", "jsonl", "--threads", threads]).stdout;
    assert!(run("1") == run("4"));
}

/// Nothing is in the log and not in the database where there is no database.
#[test]
fn of_a_log_by_itself_nothing_is_ahead() {
    let (dir, path, _) = killed();
    let wal = path.join("member/wal").join(SEGMENT);
    let all = records(&run_in(dir.path(), &["scan", wal.to_str().unwrap(), "--format", "jsonl"]));
    let readable = &of_kind(&all, "summary")[0]["secrets_readable"];
    assert!(readable["not_known"].as_u64() > Some(0) && readable["ahead"] == 0, "{readable}");
    assert_eq!(readable["not_known"], readable["total"]);
}

#[test]
fn a_log_by_itself_fails_at_the_threshold_any_alone() {
    let (dir, path, _) = killed();
    let wal = path.join("member/wal").join(SEGMENT);
    let code = |fail_on: &str| {
        let output = run_in(dir.path(), &["scan", wal.to_str().unwrap(), "-q", "--fail-on", fail_on]);
        output.status.code().unwrap()
    };
    assert_eq!(["any", "retained", "current", "never"].map(code), [2, 3, 3, 0], "nothing says what is current, and never asks for nothing");
}

#[test]
fn whatever_is_wrong_with_a_log_is_told_and_the_rest_is_read() {
    let (dir, path, _) = killed();
    let wal = path.join("member/wal").join(SEGMENT);
    let good = fs::read(&wal).unwrap();
    let (_, sound) = scan(dir.path(), &[]);
    let all_values = values_of(&sound, SEGMENT).len();
    let end = evidences(&sound)[3]["log"]["end"].as_u64().unwrap() as usize;
    let place = |n: usize| values_of(&sound, SEGMENT).iter().map(|v| v["offset"].as_u64().unwrap() as usize).max().unwrap() - n;
    let later = "0000000000000002-0000000000000400.wal";

    // A bit of the length of a record that a value is in: it becomes longer than the file.
    let length_word = frames(&good)[frame_of(&good, place(0))].start + 4;
    type Case<'a> = (&'static str, std::ops::Range<usize>, Vec<u8>, &'static str);
    // What is done to the file, where, and the anomaly it gives.
    let cases: [Case<'_>; 5] = [
        ("a flipped bit in a value", place(0)..place(0) + 1, flip(&good, place(0)), "wal-crc-mismatch"),
        ("a cut in the last record", end - 9..good.len(), good[..end - 9].to_vec(), "wal-torn-record"),
        ("a hole of zeros in the middle", 20_000..24_096, zeroed(&good, 20_000, 4096), "wal-record-invalid"),
        ("noise over its beginning", 0..64, noise(&good, 64), "wal-record-invalid"),
        ("a length beyond the file", length_word..length_word + 1, flip(&good, length_word), "wal-record-invalid"),
    ];
    let identity = |value: &Value| ["offset", "length", "key", "raft_index", "txn_branch"].map(|field| value[field].clone());
    let all: Vec<_> = values_of(&sound, SEGMENT).into_iter().map(identity).collect();
    for (what, damaged, bytes, class) in cases {
        write(&wal, &bytes);
        let (exit, found) = scan(dir.path(), &["--fail-on", "never"]);
        assert_eq!(exit, Some(3), "{what}");
        let touched: Vec<_> = frames(&good).into_iter().filter(|frame| frame.start < damaged.end && damaged.start < frame.end).collect();
        // The anomaly is that of a record that was damaged, and no other record has one.
        let told: Vec<_> = of_kind(&found, "anomaly").into_iter().filter(|a| a["class"].as_str().unwrap().starts_with("wal-")).collect();
        let place = |anomaly: &Value| usize::try_from(anomaly["offset"].as_u64().unwrap()).unwrap();
        assert!(told.iter().all(|anomaly| touched.iter().any(|frame| frame.contains(&place(anomaly)))), "{what}: {told:?}");
        let of_class = told.iter().filter(|anomaly| anomaly["class"] == class);
        assert!(of_class.into_iter().any(|anomaly| touched.iter().any(|frame| frame.start == place(anomaly))), "{what}: {told:?}");
        // What is lost stood in a record that was damaged: one where one record was.
        let left: Vec<_> = values_of(&found, SEGMENT).into_iter().map(identity).collect();
        for value in all.iter().filter(|value| !left.contains(value)) {
            let at = usize::try_from(value[0].as_u64().unwrap()).unwrap();
            assert!(touched.iter().any(|frame| frame.contains(&at)), "{what}: {value:?} is lost");
        }
        let lost = all.iter().filter(|value| !left.contains(value)).count();
        assert!(lost <= touched.len(), "{what}: {lost} values of {} records", touched.len());
    }
    write(&wal, &good);

    // Segments that hold nothing, or are not there.
    write(&wal.with_file_name(later), &[]);
    let (exit, found) = scan(dir.path(), &["--fail-on", "never"]);
    assert_eq!((exit, values_of(&found, SEGMENT).len()), (Some(3), all_values));
    assert!(anomalies(&found).contains(&"wal-gap".to_owned()), "{:?}", anomalies(&found));
    fs::remove_file(wal.with_file_name(later)).unwrap();
    write(&wal, &[]);
    let (exit, found) = scan(dir.path(), &["--fail-on", "never"]);
    assert_eq!((exit, values_of(&found, SEGMENT).len()), (Some(3), 0));
    assert!(anomalies(&found).contains(&"file-truncated".to_owned()), "{:?}", anomalies(&found));
}

/// Where each record of a segment stands, with its length and its padding, by etcd's own rule (`wal/encoder.go`).
fn frames(segment: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut frames, mut at) = (Vec::new(), 0);
    while let Some(word) = segment.get(at..at + 8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap())).filter(|word| *word != 0) {
        let padding = if word >> 63 == 1 { word >> 56 & 7 } else { 0 };
        let end = at + 8 + usize::try_from((word & ((1 << 56) - 1)) + padding).unwrap();
        frames.push(at..end);
        at = end;
    }
    frames
}

/// Which record a byte is in.
fn frame_of(segment: &[u8], at: usize) -> usize {
    frames(segment).iter().position(|frame| frame.contains(&at)).unwrap()
}

/// Of an interrupted write, what is there of its value is a fragment.
#[test]
fn an_interrupted_write_is_a_fragment() {
    let (dir, path, _) = killed();
    let wal = path.join("member/wal").join(SEGMENT);
    let (_, sound) = scan(dir.path(), &[]);
    let place = |value: &Value| (value["offset"].as_u64().unwrap(), value["length"].as_u64().unwrap());
    let last = values_of(&sound, SEGMENT).into_iter().max_by_key(|value| value["offset"].as_u64()).unwrap();
    let (offset, length) = place(last);
    let good = fs::read(&wal).unwrap();
    // The copy ends within the value; or its last sectors were never written.
    let mut torn = good.clone();
    let sector = (offset + 200).next_multiple_of(512);
    assert!(sector + 512 < offset + length, "the last value of the fixture reaches over a whole sector");
    torn[usize::try_from(sector).unwrap()..].fill(0);
    for (bytes, end) in [(&good[..usize::try_from(offset + 100).unwrap()], offset + 100), (&torn[..], sector)] {
        write(&wal, bytes);
        let (_, all) = scan(dir.path(), &[]);
        let fragments: Vec<_> = values_of(&all, SEGMENT).into_iter().filter(|value| value["fragment"] == json!(true)).collect();
        assert_eq!(fragments.iter().map(|value| place(value)).collect::<Vec<_>>(), [(offset, end - offset)]);
        for field in ["key", "raft_index", "raft_term", "txn_branch", "protection", "encoding", "provider"] {
            assert_eq!(fragments[0][field], last[field], "{field}");
        }
        assert!(fragments[0]["mod_revision"].is_null() && fragments[0]["committed"].is_null());
        assert!(anomalies(&all).contains(&"wal-torn-record".to_owned()));
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

fn flip(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 0x10;
    bytes
}

fn zeroed(bytes: &[u8], at: usize, len: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + len].fill(0);
    bytes
}

fn noise(bytes: &[u8], len: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[..len].iter_mut().enumerate().for_each(|(at, byte)| *byte = (at * 37 + 11).to_le_bytes()[0]);
    bytes
}

/// Directories that are no members, links and bad files are told apart.
#[test]
fn foreign_directories_links_and_bad_files_are_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("other/backups")).unwrap();
    let output = run_in(dir.path(), &["scan", "other"]);
    assert_eq!(output.status.code(), Some(1));
    let error = stderr(&output);
    assert!(error.contains("expected an etcd data directory") && error.contains("found backups") && error.contains("try:"), "{error}");

    let snap = dir.path().join("d/member/snap");
    fs::create_dir_all(&snap).unwrap();
    fs::create_dir_all(dir.path().join("d/member/wal")).unwrap();
    let empty = run_in(dir.path(), &["scan", "d"]);
    assert_eq!(empty.status.code(), Some(1));
    fs::write(snap.join("db"), Fixture::named("compacted").bytes).unwrap();
    fs::write(snap.join("db.tmp.42"), b"nonsense").unwrap();
    fs::write(snap.join("0000000000000002-0000000000000009.snap"), [0xff; 40]).unwrap();
    fs::write(dir.path().join("d/member/wal/1-2.wal"), b"not a name that etcd gives").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/passwd", snap.join("0000000000000003-0000000000000009.snap")).unwrap();
    let output = run_in(dir.path(), &["scan", "d", "--format", "jsonl", "--fail-on", "never"]);
    let all = records(&output);
    assert_eq!(output.status.code(), Some(3));
    let classes = anomalies(&all);
    assert!(classes.contains(&"raft-snapshot-invalid".to_owned()), "{classes:?}");
    let summary = of_kind(&all, "summary")[0];
    for name in ["db.tmp.42", "1-2.wal"] {
        let told = of_kind(&all, "unread").into_iter().find(|unread| unread["path"].as_str().unwrap().ends_with(name));
        assert_eq!(told.unwrap()["reason"], "foreign", "{name}");
    }
    #[cfg(unix)]
    assert!(summary["not_looked_at"].to_string().contains("a link that leads out of what was given"), "{summary}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("root:"), "the link was followed");
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_in_use_is_read_all_the_same_and_said_to_be_live() {
    let (dir, path, _) = killed();
    let database = fs::File::open(path.join("member/snap/db")).unwrap();
    let quiet = text(&run_in(dir.path(), &["scan", "killed"])).1;
    assert!(!quiet.contains("this looks live"), "{quiet}");
    // As bbolt does: flock(2).
    database.lock().unwrap();
    let (code, live) = text(&run_in(dir.path(), &["scan", "killed"]));
    assert_eq!(code, 2);
    assert!(live.contains("this looks live"), "{live}");
}

/// Credentials of etcd's users are counted and named, and never shown.
#[test]
fn credentials_of_users_are_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let user = |field: u64, password: &str, more: Vec<u8>, name: &str| {
        bytes(field, &[bytes(1, name.as_bytes()), bytes(2, password.as_bytes()), more].concat())
    };
    let requests = [
        user(1100, "hunter2-in-clear", vec![], "alice"),
        user(1012, "hunter3-in-clear", bytes(3, b"token-in-clear.9"), "bob"),
        user(1103, "", bytes(3, b"JDJhJDEwJGhhc2gtaW4tY2xlYXI"), "carol"),
        bytes(4, &[bytes(1, b"/registry/secrets/a/b"), bytes(2, b"k8s:enc:aescbc:v1:key:\x01123456789abcdef0123456789abcdef")].concat()),
    ];
    fs::write(dir.path().join(SEGMENT), segment(&requests)).unwrap();
    let mut shown = String::new();
    for format in ["text", "jsonl", "json", "csv"] {
        let output = run_in(dir.path(), &["scan", SEGMENT, "--format", format, "--resources", "all"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let out = text(&output).1;
        assert!(!out.contains("in-clear") && !out.contains("JDJhJDEw"), "{out}");
        shown.push_str(&out);
    }
    assert!(shown.contains("PASSWORDS IN CLEAR of etcd users in the log: 2 (alice, bob)"), "{shown}");
    let all = records(&run_in(dir.path(), &["scan", SEGMENT, "--format", "jsonl"]));
    assert_eq!(
        evidences(&all)[0]["log"]["credentials"],
        json!([
            {"user": "alice", "clear_text_passwords": 1, "tokens": 0, "password_hashes": 0},
            {"user": "bob", "clear_text_passwords": 1, "tokens": 1, "password_hashes": 0},
            {"user": "carol", "clear_text_passwords": 0, "tokens": 0, "password_hashes": 1},
        ])
    );
    let rules: Vec<_> = of_kind(&all, "finding").iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect();
    assert_eq!(rules, ["etcd-passwords-log", "etcd-tokens-log"]);
    assert_eq!(of_kind(&all, "value")[0]["raft_index"], 4);
}
