//! What bbolt and etcdutl say of the fixtures and of databases that random operations made, against what is said here: the
//! errors of `bbolt check`, the state of every page, the elements of every bucket, the hash.
//!
//! Known differences, each with its reason:
//!
//! | bbolt | here | because |
//! |---|---|---|
//! | a page of the older meta's tree is free | `other-root` | bbolt knows one meta at a time |
//! | a page that is neither reachable nor free has the type and the run that its old header says | free, and an anomaly | nothing refers to it |

use crate::common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use common::Fixture;
use etcd_sleuth::bbolt::PageState;
use etcd_sleuth::etcd::status::Status;
use etcd_sleuth::evidence::Evidence;
use etcd_sleuth::evidence::anomaly::Class;
use etcd_sleuth::store::{DatabaseStore, ReadOptions, Store};
use serde_json::Value;

/// Batches of a run. Each is removed before the next one is made: all of them together fill a small disk.
const BATCHES: usize = 20;
/// Databases of a batch.
const COUNT: usize = 50;

/// Random databases are described as bbolt and etcdutl describe them.
#[test]
#[ignore = "needs Go: bbolt and etcdutl describe random databases of the recipe"]
fn random_databases_are_as_bbolt_says() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let first = u64::try_from(now.as_micros() % 1_000_000).unwrap();
    println!("etcd36 random -seed {first} -count {COUNT}, and {} seeds behind it", BATCHES - 1);
    let program_dir = tempfile::tempdir().unwrap();
    let program = common::etcd36(program_dir.path());
    let (mut page_sizes, mut depths, mut freelists) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for seed in (first..).take(BATCHES).map(|seed| seed.to_string()) {
        let dir = tempfile::tempdir().unwrap();
        let count = COUNT.to_string();
        let described = describe(Command::new(&program).args(["random", "-seed", &seed, "-count", &count, "-out"]).arg(dir.path()));
        assert_eq!(described.len(), COUNT);
        for truth in &described {
            page_sizes.insert(truth["page_size"].as_u64().unwrap());
            depths.extend(truth["elements"].as_object().unwrap().keys().map(|depth| depth.parse::<u64>().unwrap()));
            freelists.insert(truth["pages"].as_str().unwrap().contains('l'));
            compare(dir.path(), truth, &seed);
        }
    }
    // Each by itself: what there is much of must not stand in for what there is none of.
    assert_eq!(page_sizes, (10..=16).map(|shift| 1 << shift).collect());
    assert!(depths.is_superset(&BTreeSet::from([1, 2, 3])), "buckets in buckets in buckets: {depths:?}");
    assert_eq!(freelists, BTreeSet::from([false, true]));
}

#[test]
#[ignore = "needs Go: bbolt and etcdutl describe the fixtures"]
fn fixtures_are_described_as_bbolt_and_etcdutl_describe_them() {
    let dir = tempfile::tempdir().unwrap();
    let paths: Vec<_> = Fixture::all().iter().map(|fixture| fixture.write_to(dir.path())).collect();
    let described = describe(Command::new(common::etcd36(dir.path())).arg("describe").args(&paths));
    assert_eq!(described.len(), paths.len());
    for truth in &described {
        compare(dir.path(), truth, "fixture");
    }
}

/// One description a line.
fn describe(command: &mut Command) -> Vec<Value> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// What bbolt would call a page.
fn letter(state: PageState) -> char {
    match state {
        PageState::Meta => 'm',
        PageState::Freelist => 'l',
        PageState::Reachable => 't',
        PageState::OtherRoot | PageState::Free => 'f',
        PageState::BeyondHighWater => '-',
    }
}

fn compare(dir: &Path, truth: &Value, seed: &str) {
    let file = truth["file"].as_str().unwrap();
    let what = format!("seed {seed}, {file}");
    let evidence = Evidence::from_bytes(file, fs::read(dir.join(file)).unwrap());
    let store = DatabaseStore::read(&evidence, &ReadOptions::default()).unwrap();
    let db = &store.opened.db;
    assert_eq!(db.page_size(), truth["page_size"].as_u64().unwrap(), "{what}");

    // bbolt's errors are ours, page by page, and nothing else is.
    let errors: BTreeSet<(&str, u64)> = truth["bbolt_check"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            let (page, kind) = error.as_str().unwrap().strip_prefix("page ").and_then(|rest| rest.split_once(": ")).unwrap();
            (kind, page.parse().unwrap())
        })
        .collect();
    let anomalies = store.profile().anomalies.clone().into_sorted();
    let found: BTreeSet<(&str, u64)> = anomalies
        .iter()
        .map(|anomaly| match anomaly.class {
            Class::UnreachableUnfreed => ("unreachable unfreed", anomaly.pgid.unwrap()),
            class => panic!("{what}: {class:?}: {anomaly:?}"),
        })
        .collect();
    assert_eq!(found, errors, "{what}");

    let theirs = truth["pages"].as_str().unwrap();
    let ours: String = store.pages.iter().take(theirs.len()).map(|(_, state)| letter(state)).collect();
    let differ = ours.chars().zip(theirs.chars()).position(|(ours, theirs)| ours != theirs && theirs != '?');
    assert_eq!((ours.len() as u64, differ), (db.high_water_mark(), None), "{what}\n{ours}\n{theirs}");

    let mut elements = BTreeMap::<String, u64>::new();
    for bucket in store.tree.buckets().iter().filter(|bucket| bucket.depth > 0) {
        let count = store.tree.elements(db, bucket).filter(|(_, element)| !element.is_bucket).count() as u64;
        *elements.entry(bucket.depth.to_string()).or_default() += count;
    }
    elements.retain(|_, count| *count > 0);
    let wanted: BTreeMap<String, u64> =
        truth["elements"].as_object().unwrap().iter().map(|(depth, count)| (depth.clone(), count.as_u64().unwrap())).collect();
    assert_eq!(elements, wanted, "{what}");

    if let Some(told) = truth["status"].as_object() {
        assert_eq!(u64::from(Status::of(db, &store.tree).hash), told["hash"].as_u64().unwrap(), "{what}: hash");
        assert_eq!(db.high_water_mark() * db.page_size(), told["totalSize"].as_u64().unwrap(), "{what}");
    }
}
