//! Carving: values in bytes of which nothing is known.

use crate::common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::accuracy::{list, range};
use common::{Fixture, of_kind, records, run_in, sleuth, stderr};
use serde_json::{Value, json};

/// The records of carving bytes.
fn carve(bytes: &[u8]) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("image"), bytes).unwrap();
    let output = run_in(dir.path(), &["carve", "image", "--resources", "all", "--format", "jsonl"]);
    assert!(matches!(output.status.code(), Some(0 | 2 | 3)), "{}", stderr(&output));
    records(&output)
}

fn values(records: &[Value], fragment: bool) -> BTreeSet<(u64, u64)> {
    let is = |v: &&&Value| v["fragment"] == json!(fragment) && v["length"].as_u64() >= Some(24);
    of_kind(records, "value").iter().filter(is).map(|v| range(v)).collect()
}

/// Every whole value in a fixture, wherever it stands, with its write.
fn written(truth: &Value) -> BTreeMap<(u64, u64), &Value> {
    let rows = list(truth, "retained").iter().chain(list(truth, "elsewhere"));
    rows.map(|row| (range(row), &truth["writes"][usize::try_from(row["w"].as_u64().unwrap()).unwrap()]))
        .filter(|((start, end), _)| end - start >= 24)
        .collect()
}

/// Bytes that look random and are the same in every run.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        // splitmix64
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    (0..length / 8 + 1).flat_map(|_| next().to_le_bytes()).take(length).collect()
}

#[test]
fn a_database_is_carved_as_truly_as_it_is_scanned() {
    let (mut whole, mut all) = (0, 0);
    for fixture in Fixture::all() {
        let truth = fixture.truth();
        let records = carve(fixture.bytes);
        let (truly, found, cut) = (written(&truth), values(&records, false), values(&records, true));
        for range in &found {
            assert!(truly.contains_key(range), "{}: {range:?} was never written", fixture.name);
        }
        for (start, end) in truly.keys() {
            // What passes a block and has no witness is called a fragment, from its first byte on.
            let is_found = found.contains(&(*start, *end)) || cut.iter().any(|(from, to)| from == start && to <= end);
            let write = truly[&(*start, *end)];
            let key = write["key"].as_str().unwrap_or("");
            assert!(is_found, "{}: {start}..{end} of {key}", fixture.name);
        }
        whole += found.len();
        all += truly.len();
        for value in of_kind(&records, "value").into_iter().filter(|v| found.contains(&range(v)) && !v["key"].is_null()) {
            let write = truly[&range(value)];
            assert_eq!((&value["key"], &value["mod_revision"]), (&write["key"], &write["mod_revision"]), "{}", fixture.name);
            assert_eq!((&value["place"], &value["retention"]), (&json!("image"), &json!("residue")), "{value}");
        }
    }
    assert!(all > 1000 && whole * 1000 >= all * 985, "{whole} of {all}");
}

/// A length as protobuf writes it.
fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}

fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    [&[tag][..], &varint(bytes.len()), bytes].concat()
}

#[test]
fn planted_values_are_found_at_any_offset_and_nothing_else_is() {
    let fixture = Fixture::named("migration");
    let truth = fixture.truth();
    let mut image = noise(7, 6 << 20);
    let mut planted = BTreeMap::new();
    let mut at = 4321;
    let mut framings = BTreeSet::new();
    for ((start, end), write) in written(&truth) {
        let value = &fixture.bytes[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
        let (Some(key), Some(revision)) = (write["key"].as_str(), write["mod_revision"].as_u64()) else { continue };
        if value.len() > 2000 || !(value.starts_with(b"k8s\0") || value.starts_with(b"k8s:enc:")) {
            continue;
        }
        // Alone, in a request, in an event; encrypted values but those under a seed of KMS v2 do not say themselves where they end.
        let ends_itself = value.starts_with(b"k8s\0") || write["dek_source_type"] == json!(1);
        let framing = if ends_itself { planted.len() % 3 } else { 1 + planted.len() % 2 };
        let head = match framing {
            0 => Vec::new(),
            1 => [field(0x0a, key.as_bytes()), vec![0x12], varint(value.len())].concat(),
            _ => {
                let revision = varint(usize::try_from(revision).unwrap());
                let numbers = [&[0x10][..], &revision, &[0x18], &revision, &[0x20, 1, 0x2a]].concat();
                [field(0x0a, key.as_bytes()), numbers, varint(value.len())].concat()
            }
        };
        framings.insert((framing, ends_itself));
        // Odd offsets, within one block.
        at = (at + 2 * 6151) | 1;
        if at / 4096 != (at + head.len() + value.len()) / 4096 {
            at = at.next_multiple_of(4096) + 7;
        }
        if at + 8192 > image.len() {
            break;
        }
        image[at..at + head.len()].copy_from_slice(&head);
        image[at + head.len()..at + head.len() + value.len()].copy_from_slice(value);
        let place = (at + head.len()) as u64;
        let known = if framing == 0 { None } else { Some(key.to_owned()) };
        planted.insert((place, place + value.len() as u64), (known, (framing == 2).then_some(revision)));
    }
    assert!(planted.len() > 200 && framings.len() == 5, "{} {framings:?}", planted.len());
    let records = carve(&image);
    let (found, planted_at) = (values(&records, false), planted.keys().copied().collect::<BTreeSet<_>>());
    let missed: Vec<_> = planted_at.difference(&found).map(|range| (range, &planted[range])).collect();
    let invented: Vec<_> = found.difference(&planted_at).collect();
    assert!(missed.is_empty() && invented.is_empty(), "missed {missed:?}, invented {invented:?}");
    assert_eq!(values(&records, true), BTreeSet::new(), "fragments");
    for value in of_kind(&records, "value") {
        let (key, revision) = &planted[&range(value)];
        assert_eq!((&value["key"], &value["mod_revision"]), (&json!(key), &json!(revision)), "{value}");
    }
}

#[test]
fn a_value_that_goes_on_as_another_file_is_a_fragment() {
    let fixture = Fixture::named("fragments");
    let truth = fixture.truth();
    let is_big = |(start, end): &(u64, u64)| end - start > 20_000;
    let places: Vec<(u64, u64)> = written(&truth).into_keys().filter(is_big).collect();
    assert!(places.len() > 10);
    for (start, end) in places {
        // From the third block on other bytes stand in its place.
        let mut image = fixture.bytes.to_vec();
        let from = usize::try_from((start / 4096 + 2) * 4096).unwrap();
        let to = (usize::try_from(end).unwrap() + 8192).min(image.len());
        image[from..to].copy_from_slice(&noise(start, to - from));
        let found = values(&carve(&image), false);
        assert!(!found.contains(&(start, end)), "{start}..{end}");
    }
}

#[test]
fn bytes_that_are_only_beginnings_are_read_to_their_end() {
    let size = 3 << 20;
    for (name, pattern) in [
        ("zeros", &b"\0"[..]),
        ("prefixes of encrypted values", b"k8s:enc:"),
        ("prefixes of KMS values", b"k8s:enc:kms:v2:a:"),
        ("beginnings of JSON", b"{\"kind\":\""),
        ("nested JSON", b"{\"kind\":\"a\",\"apiVersion\":\"v1\",\"b\":["),
        ("open lists", b"{\"kind\":\"a\",\"apiVersion\":\"v1\",\"b\":[{\"c\":1},"),
        ("beginnings of objects", b"k8s\0\x0a\x02v1"),
        ("objects of great length", b"k8s\0\x0a\xff\xff\xff\x7f"),
        ("separators", b"_\0\0\0\0"),
        ("keys", b"\0\0\0\0\0\0\0\x05_\0\0\0\0\0\0\0\0\x0a\x01a\x10\x05\x18\x05\x20\x01\x2a\xff\xff\xff\x7f"),
    ] {
        let bytes: Vec<u8> = pattern.iter().copied().cycle().take(size).collect();
        let records = carve(&bytes);
        let secrets = of_kind(&records, "value").into_iter().filter(|v| v["group_resource"] == "secrets").count();
        assert_eq!(secrets, 0, "{name}");
        // What is not proven shares the bytes: reading them again for each value would not be linear.
        let lengths: u64 = of_kind(&records, "value").iter().map(|value| value["length"].as_u64().unwrap()).sum();
        assert!(lengths <= size as u64, "{name}: {lengths}");
        let summary = of_kind(&records, "summary")[0];
        assert_eq!(summary["evidences"], json!(1), "{name}");
        if name == "zeros" {
            assert_eq!((of_kind(&records, "value").len(), &summary["exit_code"]), (0, &json!(0)));
        }
    }
    // No bytes at all are an error: a command before the pipe may have failed.
    for (few, code) in [(&b""[..], 1), (b"k", 0), (b"k8s\0", 3)] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("image"), few).unwrap();
        assert_eq!(run_in(dir.path(), &["carve", "image"]).status.code(), Some(code), "{few:?}");
    }
}

#[test]
fn an_image_that_ends_early_gives_what_stands_before_its_end() {
    let fixture = Fixture::named("migration");
    let truth = fixture.truth();
    for cut in [fixture.bytes.len() / 2 + 1, fixture.bytes.len() / 3, 5000] {
        let records = carve(&fixture.bytes[..cut]);
        let found = values(&records, false);
        let truly = written(&truth);
        for range in &found {
            assert!(truly.contains_key(range) && range.1 <= cut as u64, "{cut}: {range:?}");
        }
        let before: Vec<_> = truly.keys().filter(|(_, end)| *end + 4096 <= cut as u64).collect();
        assert!(before.iter().filter(|range| found.contains(range)).count() * 100 >= before.len() * 97, "{cut}");
    }
}

#[test]
fn no_value_is_shown() {
    for name in ["migration", "fragments", "killed"] {
        let fixture = Fixture::named(name);
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("image"), [&noise(3, 1001)[..], fixture.bytes].concat()).unwrap();
        for format in ["text", "jsonl", "json", "csv"] {
            let output = run_in(dir.path(), &["carve", "image", "--resources", "all", "--format", format]);
            assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
            let shown = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert!(!shown.contains("CANARY-") && !shown.contains(&STANDARD.encode("CANARY-")[..8]), "{name} as {format}");
        }
    }
}

#[test]
fn one_thread_and_eight_say_the_same() {
    let fixture = Fixture::named("fragments");
    let dir = tempfile::tempdir().unwrap();
    fixture.write_to(dir.path());
    let run = |threads: &str| {
        run_in(dir.path(), &["carve", "fragments.db", "--resources", "all", "--format", "jsonl", "--threads", threads]).stdout
    };
    assert!(run("1") == run("8"));
}

/// A server that this test started; it is ended with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
#[ignore = "needs Go and gdb: it dumps the memory of an etcd server"]
fn secrets_are_found_in_the_memory_of_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let program = common::etcd36(dir.path());
    let data = dir.path().join("data");
    let mut server =
        Server(Command::new(&program).args(["serve", "-dir"]).arg(&data).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
    let mut endpoint = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut endpoint).unwrap();
    // Another process writes, so that this one's memory holds what etcd itself keeps.
    let played = Command::new(&program)
        .args(["play", "-endpoint", endpoint.trim(), "-seed", "77", "-out"])
        .arg(dir.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(played.status.success(), "{}", stderr(&played));
    let pid = server.0.id().to_string();
    let dumped = Command::new("gcore").args(["-o", "core", &pid]).current_dir(dir.path()).stdin(Stdio::null()).output().unwrap();
    assert!(dumped.status.success(), "{}", stderr(&dumped));
    drop(server);

    let core = dir.path().join(format!("core.{pid}"));
    let bytes = std::fs::read(&core).unwrap();
    let mut written: BTreeMap<String, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for line in std::fs::read_to_string(dir.path().join("events.jsonl")).unwrap().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let bytes = |field: &str| STANDARD.decode(event[field].as_str().unwrap_or("")).unwrap();
        let key = String::from_utf8(bytes("key")).unwrap();
        if key.contains("/secrets/") && !bytes("value").is_empty() {
            written.entry(key).or_default().insert(bytes("value"));
        }
    }
    let output = sleuth().arg("carve").arg(&core).args(["--format", "jsonl"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let (mut found, mut overwritten) = (BTreeSet::new(), 0);
    for value in of_kind(&records(&output), "value").into_iter().filter(|v| v["fragment"] == json!(false)) {
        let (start, end) = range(value);
        let there = &bytes[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
        assert_eq!(value["protection"], "plaintext", "{value}");
        let of_its_key: Vec<&Vec<u8>> = match value["key"].as_str() {
            Some(key) => written.get(key).into_iter().flatten().collect(),
            None => written.values().flatten().collect(),
        };
        // A buffer that is used again may be written over in part: what is left of the value is there.
        let like = |value: &[u8]| value.len() == there.len() && value.iter().zip(there).filter(|(a, b)| a == b).count() * 2 > value.len();
        match of_its_key.iter().any(|value| *value == there) {
            true => drop(found.insert(there.to_vec())),
            false if of_its_key.iter().any(|value| like(value)) => overwritten += 1,
            false => panic!("{value} was never written"),
        }
    }
    assert!(overwritten * 20 <= found.len(), "{overwritten} of {} were written over in part", found.len());
    let all: BTreeSet<&Vec<u8>> = written.values().flatten().collect();
    println!("{} of {} Secrets in a core of {} bytes", found.len(), all.len(), bytes.len());
    assert!(all.len() > 100 && found.len() * 10 >= all.len() * 9, "{} of {}", found.len(), all.len());
}

/// The unlinked database is found in the image of its file system.
#[test]
#[ignore = "needs e2fsprogs: it makes a file system"]
fn an_unlinked_database_is_found_in_its_image() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (Fixture::named("compacted"), Fixture::named("defragmented"));
    let snap = dir.path().join("root/member/snap");
    std::fs::create_dir_all(&snap).unwrap();
    std::fs::write(snap.join("db"), old.bytes).unwrap();
    let new_path = new.write_to(dir.path());
    let run = |program: &str, args: &[&str]| {
        // Both stand in sbin, which not every user has in the path.
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
        let output = Command::new(program).args(args).env("PATH", path).current_dir(dir.path()).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{program} {args:?}: {}", stderr(&output));
    };
    run("mke2fs", &["-q", "-t", "ext4", "-d", "root", "image", "16M"]);
    // As defragmentation does: a new file beside the old one, then the old one's name is the new one's.
    let write = format!("write {} /member/snap/db.tmp.1", new_path.display());
    for request in [&write[..], "rm /member/snap/db", "ln /member/snap/db.tmp.1 /member/snap/db", "unlink /member/snap/db.tmp.1"] {
        run("debugfs", &["-w", "-R", request, "image"]);
    }
    let output = run_in(dir.path(), &["carve", "image", "--resources", "all", "--format", "jsonl"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let image = std::fs::read(dir.path().join("image")).unwrap();
    let mut found = BTreeSet::new();
    for value in of_kind(&records(&output), "value").into_iter().filter(|v| v["fragment"] == json!(false)) {
        let (start, end) = range(value);
        found.insert(image[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()].to_vec());
    }
    let truth = old.truth();
    let bytes_of = |(start, end): &(u64, u64)| old.bytes[usize::try_from(*start).unwrap()..usize::try_from(*end).unwrap()].to_vec();
    let (mut there, mut gone) = (0, 0);
    for (range, write) in written(&truth) {
        let is_secret = write["key"].as_str().is_some_and(|key| key.contains("/secrets/")) && write["form"] == "plaintext";
        if is_secret && memchr::memmem::find(new.bytes, &bytes_of(&range)).is_none() {
            gone += 1;
            // A file of several extents does not hold all its values in one piece.
            if memchr::memmem::find(&image, &bytes_of(&range)).is_some() {
                there += 1;
                assert!(found.contains(&bytes_of(&range)), "{range:?} of {write}");
            }
        }
    }
    println!("{there} of {gone} plaintext Secrets of the unlinked database stand in the image; all of these were found");
    assert!(gone > 50 && there * 10 >= gone * 9, "{there} of {gone}");
}

/// The lines of the keys have as many values as are called encrypted: a copy is in neither.
#[test]
fn encrypted_values_are_as_many_as_those_under_their_keys() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    let name = "migration.db";
    for resources in ["all", "secrets"] {
        let output = run_in(dir.path(), &["carve", name, "--resources", resources]);
        let screen = String::from_utf8(output.stdout).unwrap();
        let number = |text: &str| -> u64 { text.rsplit(' ').next().unwrap().replace(',', "").parse().unwrap() };
        let line = screen.lines().find(|line| line.starts_with("Values ")).unwrap();
        let encrypted = number(&line[..line.find(" encrypted").unwrap()]);
        let of_keys = screen.lines().filter(|line| line.trim_start().starts_with(|c: char| c.is_ascii_digit()));
        let rows = of_keys.filter_map(|line| line.split_once(" value").filter(|(_, rest)| rest.contains(" under ")));
        let under: Vec<u64> = rows.map(|(count, _)| number(count)).collect();
        assert!(under.len() > 1 && encrypted == under.iter().sum::<u64>(), "{name}, {resources}: {screen}");
        let all = records(&run_in(dir.path(), &["carve", name, "--resources", resources, "--format", "jsonl"]));
        let counts = of_kind(&all, "value").into_iter().filter(|value| value["protection"] == "encrypted");
        let copies = counts.clone().filter(|value| value["duplicate"] == true).count() as u64;
        assert_eq!(counts.count() as u64 - copies, encrypted, "{name}, {resources}");
        assert!(copies > 0 && line.contains("; besides "), "{line}");
    }
}
