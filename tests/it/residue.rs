//! Residue of every fixture against what is true of it: values found by their bytes, without a look at pages.

use crate::common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use common::accuracy::{Judgement, elsewhere, list, range, residue};
use common::truth::scan;
use common::{Fixture, evidences, of_kind, run_in};
use serde_json::{Value, json};

/// Runs `test` on each fixture, its records and its truth.
fn each(test: impl Fn(&Fixture, &Path, &[Value], &Value)) {
    for fixture in Fixture::all() {
        let dir = tempfile::tempdir().unwrap();
        fixture.write_to(dir.path());
        test(&fixture, dir.path(), &scan(dir.path(), &fixture, &[]), &fixture.truth());
    }
}

fn number(record: &Value, field: &str) -> u64 {
    record[field].as_u64().unwrap_or_else(|| panic!("{field} of {record}"))
}

/// Whole values outside the tree, each with the write it is.
fn whole<'a>(records: &'a [Value], truth: &'a Value) -> Vec<(&'a Value, usize)> {
    let truly = elsewhere(truth);
    residue(records).filter(|v| v["fragment"] == json!(false)).filter_map(|v| Some((v, *truly.get(&range(v))?))).collect()
}

/// Every whole value is reported, none is invented, and pieces are as good as promised.
#[test]
fn every_whole_value_is_reported_and_none_invented() {
    let mut all = Judgement::default();
    for fixture in Fixture::all() {
        let dir = tempfile::tempdir().unwrap();
        fixture.write_to(dir.path());
        let judgement = Judgement::of(&fixture.truth(), &scan(dir.path(), &fixture, &[]));
        assert!(judgement.remarks.is_empty(), "{}: {:?}", fixture.name, judgement.remarks);
        all.add(judgement);
    }
    println!("{all}");
    assert_eq!(all.broken(), Vec::<String>::new(), "{all}");
}

#[test]
fn the_fixtures_hold_whatever_is_promised() {
    let (mut kinds, mut places, mut newer) = (BTreeSet::new(), BTreeSet::new(), 0);
    for fixture in Fixture::all() {
        let dir = tempfile::tempdir().unwrap();
        fixture.write_to(dir.path());
        let truth = fixture.truth();
        for piece in list(&truth, "pieces") {
            let write = &truth["writes"][usize::try_from(number(piece, "w")).unwrap()];
            kinds.insert((piece["start"] == json!(true), write["form"].as_str().unwrap().to_owned()));
        }
        let records = scan(dir.path(), &fixture, &[]);
        places.extend(residue(&records).map(|v| v["place"].as_str().unwrap().to_owned()));
        newer += residue(&records).filter(|v| v["newer_than_snapshot"] == json!(true)).count();
    }
    assert_eq!(kinds.len(), 4, "start present or not, in plaintext and encrypted: {kinds:?}");
    for place in ["free-page", "overflow-tail", "other-root", "beyond-high-water"] {
        assert!(places.contains(place), "{place} is not in {places:?}");
    }
    assert!(newer > 10, "{newer}");
}

/// Each value bears its key, its revision and how it is protected.
#[test]
fn each_value_bears_key_revision_protection() {
    let mut keyless = 0;
    for fixture in Fixture::all() {
        let dir = tempfile::tempdir().unwrap();
        fixture.write_to(dir.path());
        let (records, truth) = (scan(dir.path(), &fixture, &[]), fixture.truth());
        for (value, w) in whole(&records, &truth) {
            let write = &truth["writes"][w];
            let what = format!("{}: {value}\nis truly {write}", fixture.name);
            if value["key"].is_null() && value["key_base64"].is_null() {
                // The page before took the key away; never more than one a page.
                keyless += 1;
            } else {
                for field in ["key", "key_base64", "sub"] {
                    assert_eq!(value[field], *write.get(field).unwrap_or(&Value::Null), "{field}: {what}");
                }
            }
            for field in ["mod_revision", "create_revision", "version", "lease"] {
                assert_eq!(value[field], write[field], "{field}: {what}");
            }
            if value["protection"] == "unknown" {
                continue;
            }
            assert_eq!(value["protection"], write["form"], "{what}");
            for field in ["encoding", "provider", "provider_version", "key_id", "dek_source_type", "dek_source_sha256"] {
                assert_eq!(value[field], write[field], "{field}: {what}");
            }
            if value["provider_name_certain"] == json!(true) {
                assert_eq!(value["provider_name"], write["provider_name"], "{what}");
            }
        }
    }
    assert!(keyless < 5, "{keyless}");
}

#[test]
fn a_fragment_with_a_key_is_of_a_value_that_this_key_had() {
    each(|fixture, _, records, truth| {
        let mut with_key = 0;
        for fragment in residue(records).filter(|v| v["fragment"] == json!(true) && !v["key"].is_null()) {
            let (start, end) = range(fragment);
            let pieces = list(truth, "pieces").iter().filter(|piece| range(piece).0 <= start && end <= range(piece).1);
            let writes: Vec<&Value> = pieces.map(|piece| &truth["writes"][usize::try_from(number(piece, "w")).unwrap()]).collect();
            let of_the_key = |write: &&Value| {
                let revision = &fragment["mod_revision"];
                write["key"] == fragment["key"] && (revision.is_null() || *revision == write["mod_revision"])
            };
            assert!(writes.iter().any(of_the_key), "{}: {fragment}\nof {writes:?}", fixture.name);
            with_key += 1;
        }
        assert!(with_key > 0 || list(truth, "pieces").is_empty() || fixture.name != "fragments", "{}", fixture.name);
    });
}

#[test]
fn places_are_those_that_bbolt_sees() {
    each(|fixture, _, records, truth| {
        let (size, border) = (number(truth, "page_size"), number(truth, "high_water_mark"));
        let free: BTreeSet<u64> =
            list(truth, "bbolt_pages").iter().filter(|page| page["type"] == "free").map(|page| number(page, "id")).collect();
        let pages = &evidences(records)[0]["pages"];
        let mut other_root = BTreeSet::new();
        for value in residue(records).chain(of_kind(records, "tombstone").into_iter().filter(|t| t["place"] != "tree")) {
            let (start, end) = range(value);
            let what = format!("{}: {value}", fixture.name);
            for page in start / size..end.max(start + 1).div_ceil(size) {
                match value["place"].as_str().unwrap() {
                    "beyond-high-water" => assert!(page >= border, "{what}"),
                    place => {
                        assert!(page < border && free.contains(&page), "{what}");
                        if place == "other-root" {
                            other_root.insert(page);
                        }
                    }
                }
            }
            let element = number(value, "pgid");
            assert!(element <= start / size && (element == start / size || value["place"] != "overflow-tail"), "{what}");
        }
        assert!(other_root.len() as u64 <= number(pages, "other_root"), "{}: {other_root:?}", fixture.name);
    });
}

#[test]
fn copies_are_marked_as_such_and_nothing_else_is() {
    let (mut copies, mut all) = (0, 0);
    for fixture in Fixture::all() {
        let dir = tempfile::tempdir().unwrap();
        fixture.write_to(dir.path());
        let (records, truth) = (scan(dir.path(), &fixture, &[]), fixture.truth());
        let mut known: BTreeSet<u64> = list(&truth, "retained").iter().map(|row| number(row, "w")).collect();
        for (value, w) in whole(&records, &truth).into_iter().filter(|(value, _)| !value["key"].is_null()) {
            let is_copy = !known.insert(w as u64);
            assert_eq!(value["duplicate"], json!(is_copy), "{}: {value}", fixture.name);
            copies += usize::from(is_copy);
            all += 1;
        }
    }
    assert!(copies > 50 && copies < all, "{copies} of {all}");
}

#[test]
fn what_is_newer_than_the_snapshot_is_marked() {
    each(|fixture, _, records, truth| {
        for (value, w) in whole(records, truth) {
            let is_newer = number(&truth["writes"][w], "mod_revision") > number(truth, "revision");
            assert_eq!(value["newer_than_snapshot"], json!(is_newer), "{}: {value}", fixture.name);
        }
    });
}

/// The account of bytes adds up to the file and equals an independent count.
#[test]
fn the_account_of_bytes_adds_up() {
    each(|fixture, dir, records, truth| {
        let bytes = &of_kind(records, "summary")[0]["bytes"];
        let sum: u64 = bytes.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(sum, fixture.bytes.len() as u64, "{}: {bytes}", fixture.name);
        assert_eq!(number(bytes, "trailer"), if truth["trailer"] == "match" { 32 } else { 0 }, "{}", fixture.name);
        assert_eq!(number(bytes, "not_searched"), 0);
        // bbolt's own list: a page that is not free stands for itself and its overflow.
        let used = list(truth, "bbolt_pages").iter().filter(|page| page["type"] != "free").map(|page| 1 + number(page, "overflow"));
        assert_eq!(number(bytes, "in_use"), used.sum::<u64>() * number(truth, "page_size"), "{}", fixture.name);
        for (field, fragment) in [("value", false), ("fragment", true)] {
            let listed: u64 = residue(records).filter(|v| v["fragment"] == json!(fragment)).map(|v| number(v, "length")).sum();
            assert_eq!(number(bytes, field), listed, "{}: {field}", fixture.name);
        }
        let zeros = fixture.bytes.iter().filter(|byte| **byte == 0).count() as u64;
        assert!(number(bytes, "zero") <= zeros, "{}", fixture.name);
        for mode in ["off", "pages"] {
            let less = scan(dir, fixture, &["--residue", mode]);
            let bytes = &of_kind(&less, "summary")[0]["bytes"];
            let sum: u64 = bytes.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
            assert_eq!(sum, fixture.bytes.len() as u64, "{} {mode}: {bytes}", fixture.name);
        }
    });
}

#[test]
fn ranges_of_residue_do_not_overlap() {
    each(|fixture, _, records, _| {
        let mut ranges: Vec<(u64, u64)> = residue(records).filter(|v| v["length"] != 0).map(range).collect();
        ranges.sort_unstable();
        for pair in ranges.windows(2) {
            assert!(pair[0].1 <= pair[1].0, "{}: {pair:?}", fixture.name);
        }
    });
}

#[test]
fn a_defragmented_database_and_a_fresh_one_have_none() {
    for name in ["defragmented", "fresh"] {
        let (dir, fixture) = (tempfile::tempdir().unwrap(), Fixture::named(name));
        fixture.write_to(dir.path());
        let records = scan(dir.path(), &fixture, &[]);
        assert_eq!(residue(&records).count(), 0, "{name}");
        assert_eq!(elsewhere(&fixture.truth()).len(), 0, "{name}");
    }
}

#[test]
fn less_is_looked_at_when_less_is_asked_for_and_it_says_so() {
    let (mut tails, mut images) = (0, 0);
    for name in ["fragments", "busy", "migration"] {
        let (dir, fixture) = (tempfile::tempdir().unwrap(), Fixture::named(name));
        fixture.write_to(dir.path());
        let of = |mode: &str| -> (BTreeMap<String, usize>, Value) {
            let records = scan(dir.path(), &fixture, &["--residue", mode]);
            let mut places = BTreeMap::new();
            for value in residue(&records) {
                *places.entry(value["place"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            (places, of_kind(&records, "summary")[0].clone())
        };
        let (full, pages, off) = (of("full"), of("pages"), of("off"));
        assert!(off.0.is_empty(), "{name}");
        assert!(!pages.0.contains_key("overflow-tail"), "{name}: {:?}", pages.0);
        assert_eq!(pages.0.get("free-page"), full.0.get("free-page"), "{name}");
        tails += full.0.get("overflow-tail").unwrap_or(&0);
        images += full.0.get("free-page").unwrap_or(&0);
        let skipped = |summary: &Value, what: &str| {
            summary["not_looked_at"].as_array().unwrap().iter().any(|words| words.as_str().unwrap().contains(what))
        };
        assert!(skipped(&off.1, "free pages") && !skipped(&pages.1, "free pages") && !skipped(&full.1, "free pages"), "{}", off.1);
        assert!(skipped(&pages.1, "overflow tails") && !skipped(&full.1, "overflow tails"), "{}", pages.1);
    }
    assert!(tails > 5 && images > 50, "{tails}, {images}");
}

#[test]
fn a_file_that_ends_early_keeps_what_stands_before_its_end() {
    let fixture = Fixture::named("fragments");
    let truth = fixture.truth();
    let size = number(&truth, "page_size");
    // Within a value of several pages on free pages, and not at a border of pages.
    let (start, end) = *elsewhere(&truth).keys().filter(|(start, end)| end - start > 5 * size).max().unwrap();
    let cut = (start + end) / 2;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("fragments.db"), &fixture.bytes[..usize::try_from(cut).unwrap()]).unwrap();
    let records = scan(dir.path(), &fixture, &[]);
    let found: BTreeSet<(u64, u64)> = residue(&records).filter(|v| v["fragment"] == json!(false)).map(range).collect();
    for range in elsewhere(&truth).keys().filter(|(_, end)| *end <= cut / size * size) {
        assert!(found.contains(range), "{range:?}");
    }
    // The tree has lost its root: what it held is residue now.
    let retained: BTreeSet<(u64, u64)> = list(&truth, "retained").iter().map(range).collect();
    let is_true = |range: &(u64, u64)| elsewhere(&truth).contains_key(range) || retained.contains(range);
    assert!(found.iter().all(|range| is_true(range) || range.1 - range.0 < 24));
    let first = residue(&records).find(|v| v["fragment"] == json!(true) && v["offset"] == json!(start)).expect("its beginning");
    // Of the last, unfinished page nothing is certain.
    assert!((cut / size * size..=cut).contains(&range(first).1), "{first}");
    assert_eq!(number(of_kind(&records, "summary")[0], "exit_code"), 2);
}

#[test]
#[ignore = "needs Go and zstd: it makes fresh worlds with the recipe"]
fn worlds_of_a_seed_that_nobody_has_seen_are_judged_alike() {
    // Differs from run to run, and is printed, so that a failure can be made again.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = (now.as_micros() % 1_000_000 + 2).to_string();
    let out = tempfile::tempdir().unwrap();
    for name in ["fragments", "busy", "interrupted", "big-values", "compacted", "page16k"] {
        println!("recipe/make.sh --seed {seed} --only {name}");
        let made = std::process::Command::new(common::testdata().join("recipe/make.sh"))
            .args(["--seed", &seed, "--only", name, "--out", out.path().to_str().unwrap()])
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        assert!(made.status.success(), "seed {seed}: {}", String::from_utf8_lossy(&made.stderr));
    }
    let mut all = Judgement::default();
    for fixture in Fixture::all_in(out.path()) {
        let dir = tempfile::tempdir().unwrap();
        fixture.write_to(dir.path());
        all.add(Judgement::of(&fixture.truth(), &scan(dir.path(), &fixture, &[])));
    }
    println!("{all}");
    assert_eq!(all.broken(), Vec::<String>::new(), "seed {seed}: {:?}", all.remarks);
}

/// One thread and eight say the same, and leave the evidence as it was.
#[test]
fn one_thread_and_eight_agree_on_residue() {
    for name in ["fragments", "busy", "interrupted", "killed"] {
        let (dir, fixture) = (tempfile::tempdir().unwrap(), Fixture::named(name));
        fixture.write_to(dir.path());
        let file = format!("{name}.db");
        let run =
            |threads: &str| run_in(dir.path(), &["scan", &file, "--resources", "all", "--format", "jsonl", "--threads", threads]).stdout;
        assert!(run("1") == run("8"), "{name}");
    }
}
