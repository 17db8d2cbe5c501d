//! What `carve` finds in a file's bytes, `scan` finds: it knows more of a database than that it is bytes.

use crate::common;

use std::path::Path;

use common::accuracy::range;
use common::{Fixture, of_kind, pages, records, run_in, text};
use serde_json::{Value, json};

/// The size of a page of the fixture that values are put into.
const PAGE: usize = 4096;
/// How often each fixture is written over.
const SEEDS: u64 = 3;

/// Values that `carve` found in a file and no row of `scan` has, at their place or within a longer one.
fn missed(dir: &Path, name: &str) -> Vec<Value> {
    let values = |command: &str| {
        let all = records(&run_in(dir, &[command, name, "--resources", "all", "--format", "jsonl"]));
        assert_eq!(of_kind(&all, "summary").len(), 1, "{command}");
        of_kind(&all, "value").into_iter().filter(|value| value["length"].as_u64() > Some(0)).cloned().collect::<Vec<_>>()
    };
    let mut scanned: Vec<(u64, u64)> = values("scan").iter().map(range).collect();
    scanned.sort_unstable();
    let is_there = |value: &Value| {
        let (start, end) = range(value);
        // Of what is not proven whole, the beginning.
        let end = if value["fragment"] == json!(true) { start + 1 } else { end };
        scanned.iter().any(|(from, to)| *from <= start && end <= *to)
    };
    values("carve").into_iter().filter(|value| !is_there(value)).collect()
}

#[test]
fn every_value_that_carving_finds_in_a_database_is_a_row_of_a_scan() {
    for fixture in Fixture::all() {
        let dir = tempfile::tempdir().unwrap();
        fixture.write_to(dir.path());
        let missed = missed(dir.path(), &format!("{}.db", fixture.name));
        assert!(missed.is_empty(), "{}: {missed:#?}", fixture.name);
    }
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    /// The next one, below a bound.
    fn next(&mut self, bound: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }
}

/// Writes over a few pages: zeros, noise, or another page of the file, which then bears another's number.
fn overwrite(bytes: &mut [u8], numbers: &mut Numbers) {
    let page_size = usize::try_from(u32::from_le_bytes(bytes[24..28].try_into().unwrap())).unwrap();
    for _ in 0..=numbers.next(8) {
        let pages = bytes.len() / page_size;
        let (page, other) = (2 + numbers.next(pages - 2), 2 + numbers.next(pages - 2));
        let with = match numbers.next(3) {
            0 => vec![0; page_size],
            1 => (0..page_size).map(|_| u8::try_from(numbers.next(256)).unwrap()).collect(),
            _ => bytes[other * page_size..(other + 1) * page_size].to_vec(),
        };
        bytes[page * page_size..(page + 1) * page_size].copy_from_slice(&with);
    }
}

#[test]
fn the_same_of_databases_in_which_pages_were_written_over() {
    let mut all = Vec::new();
    for fixture in Fixture::all().iter().filter(|fixture| fixture.bytes.len() < 4 << 20) {
        for seed in 0..SEEDS {
            let mut bytes = fixture.bytes.to_vec();
            overwrite(&mut bytes, &mut Numbers(seed * 1_000_003 + fixture.bytes.len() as u64));
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("over.db"), bytes).unwrap();
            all.extend(missed(dir.path(), "over.db").into_iter().map(|value| format!("{} {seed}: {value}", fixture.name)));
        }
    }
    assert!(all.is_empty(), "{} missed: {:#?}", all.len(), &all[..all.len().min(20)]);
}

/// A database with two free pages of which the second begins with a value, whose frame stood on the first one.
fn with_frameless(value: &[u8]) -> (Vec<u8>, u64) {
    let fixture = Fixture::named("compacted");
    let dir = tempfile::tempdir().unwrap();
    fixture.write_to(dir.path());
    let runs = records(&run_in(dir.path(), &["pages", "compacted.db", "--format", "jsonl"]));
    let is_free = |pgid: u64| {
        of_kind(&runs, "page-run").into_iter().any(|run| {
            let first = run["pgid"].as_u64().unwrap();
            run["state"] == "free" && (first..first + run["count"].as_u64().unwrap()).contains(&pgid)
        })
    };
    let first = (2..).find(|pgid| is_free(*pgid) && is_free(pgid + 1)).unwrap();
    let (at, mut bytes) = (usize::try_from(first).unwrap() * PAGE, fixture.bytes.to_vec());
    bytes[at..at + 2 * PAGE].fill(0);
    bytes[at..at + PAGE].fill(0xa7);
    bytes[at + PAGE..at + PAGE + value.len()].copy_from_slice(value);
    // Without its trailer, which would tell of the change.
    bytes.truncate(bytes.len() / PAGE * PAGE);
    (bytes, (at + PAGE) as u64)
}

fn run_on(bytes: &[u8], args: &[&str]) -> std::process::Output {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.db"), bytes).unwrap();
    run_in(dir.path(), args)
}

#[test]
fn a_key_that_only_a_value_without_a_frame_names_is_named() {
    let value = [b"k8s:enc:aescbc:v1:the-old-key:".to_vec(), (0..96u8).map(|byte| byte.wrapping_mul(37) | 1).collect()].concat();
    let (bytes, place) = with_frameless(&value);
    let all = records(&run_on(&bytes, &["scan", "a.db", "--resources", "all", "--format", "jsonl"]));
    let row = of_kind(&all, "value").into_iter().find(|row| row["offset"] == json!(place)).unwrap();
    assert_eq!((&row["length"], &row["fragment"], &row["retention"]), (&json!(value.len()), &json!(false), &json!("residue")), "{row}");
    assert_eq!((&row["provider_name"], &row["key"], &row["mod_revision"]), (&json!("the-old-key"), &Value::Null, &Value::Null), "{row}");
    let (code, said) = text(&run_on(&bytes, &["keys", "a.db", "--retire", "aescbc/the-old-key"]));
    assert!(code == 0 && said.contains("aescbc/the-old-key"), "{code}: {said}");
}

#[test]
fn a_value_without_a_frame_that_is_known_is_a_copy_of_it() {
    let fixture = Fixture::named("compacted");
    let dir = tempfile::tempdir().unwrap();
    fixture.write_to(dir.path());
    let all = records(&run_in(dir.path(), &["scan", "compacted.db", "--resources", "all", "--format", "jsonl"]));
    let is_small =
        |row: &&Value| row["place"] == "tree" && row["retention"] == "current" && row["length"].as_u64().is_some_and(|n| n < 3000);
    for protection in ["plaintext", "encrypted"] {
        let current = of_kind(&all, "value").into_iter().filter(is_small).find(|row| row["protection"] == protection).unwrap();
        let (start, end) = range(current);
        let value = &fixture.bytes[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
        let (bytes, place) = with_frameless(value);
        let all = records(&run_on(&bytes, &["scan", "a.db", "--resources", "all", "--format", "jsonl"]));
        let row = of_kind(&all, "value").into_iter().find(|row| row["offset"] == json!(place)).unwrap();
        assert_eq!(
            (&row["key"], &row["mod_revision"], &row["duplicate"]),
            (&current["key"], &current["mod_revision"], &json!(true)),
            "{row}"
        );
        assert_eq!((&row["length"], &row["fragment"]), (&current["length"], &json!(false)), "{row}");
    }
}

#[test]
fn a_secret_without_a_frame_counts_as_the_one_that_it_says_it_is() {
    let secret = |name: &str| {
        let length = u8::try_from(name.len()).unwrap();
        let metadata = [&[0x0a, length][..], name.as_bytes(), b"\x1a\x04prod"].concat();
        let object = [&[0x0a, length + 8][..], &metadata, b"\x12\x0a\x0a\x01a\x12\x05CANAR\x1a\x06Opaque"].concat();
        let raw = [&[0x12, u8::try_from(object.len()).unwrap()][..], &object].concat();
        [b"k8s\0\x0a\x0c\x0a\x02v1\x12\x06Secret".to_vec(), raw, b"\x1a\0\x22\0".to_vec()].concat()
    };
    let (bytes, _) = with_frameless(&[secret("of-old"), secret("older"), secret("of-old")].concat());
    let (before, _) = with_frameless(b"");
    let readable = |bytes: &[u8]| {
        let all = records(&run_on(bytes, &["scan", "a.db", "--format", "jsonl"]));
        let finding = of_kind(&all, "finding").into_iter().find(|finding| finding["rule"] == "plaintext-residue").cloned();
        finding.map_or(0, |finding| finding["count"].as_u64().unwrap())
    };
    assert_eq!(readable(&bytes), readable(&before) + 2);
}

/// A transfer as text put a byte before each end of a line: no page stands where it stood. What is left is bytes, and is searched.
#[test]
fn a_database_whose_pages_have_moved_is_read_as_far_as_its_bytes_tell() {
    let secret = |main: u64| {
        let object =
            format!(r#"{{"kind":"Secret","apiVersion":"v1","metadata":{{"name":"s{main}","namespace":"ns"}},"data":{{"a":"YQ=="}}}}"#);
        pages::Write { value: object.into_bytes(), ..pages::Write::at(main) }
    };
    let entries: Vec<_> = (2..5).map(|main| secret(main).entry()).collect();
    let mut bytes = pages::snapshot_with_freelist(&[pages::root(3), pages::leaf(3, &entries), pages::freelist(4, &[])], 4);
    // Right behind the header of the leaf that holds all of them.
    bytes.splice(3 * pages::PAGE + 16..3 * pages::PAGE + 16, *b"\r\r\r");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("moved.db"), &bytes).unwrap();
    assert_eq!(missed(dir.path(), "moved.db"), Vec::<Value>::new());
    let (code, screen) = text(&run_in(dir.path(), &["scan", "moved.db"]));
    assert!(code == 2 && screen.contains("3 SECRETS CAN BE READ"), "{screen}");
    assert!(screen.contains("NEXT  etcd-sleuth check moved.db; etcd-sleuth carve moved.db\n"), "{screen}");
}
