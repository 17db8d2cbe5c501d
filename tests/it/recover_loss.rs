//! What `recover` makes of files that have lost a part of their tree: nothing is brought back of which the file shows that it was
//! written again or deleted, and what may have been is marked.

use crate::common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Mutex;

use common::mutate::{Mutant, header, meta};
use common::pages::{self, Entry, Write};
use common::{Fixture, records, sleuth, stderr};
use etcd_sleuth::collect::Collector;
use etcd_sleuth::evidence::Evidence;
use etcd_sleuth::evidence::anomaly::{Anomaly, Class};
use etcd_sleuth::recovery::{Doubt, RecoveredWrite, Recovery, Standing};
use etcd_sleuth::row::{Place, Row, Scope};
use etcd_sleuth::store::{DatabaseStore, Digests, Progress, ReadOptions, Store};
use proptest::prelude::*;
use serde_json::Value;

/// By key: the revision that is brought back, and as what.
type Found = BTreeMap<String, (u64, Standing)>;

/// What exists by the truth: the newest revision of each key.
fn existing(mutant: &Mutant) -> BTreeMap<String, u64> {
    // The marker of a bump has no key.
    let write = |write: &Value| Some((write["key"].as_str()?.to_owned(), write["mod_revision"].as_u64().unwrap()));
    common::existing(&mutant.truth).filter_map(write).collect()
}

/// Recovers, without residue, and holds it to what any file must be held to.
fn recover(mutant: &Mutant, what: &str) -> Found {
    recover_and(mutant, |store, found| {
        let (mut newest, mut in_tree) = (BTreeMap::<String, u64>::new(), BTreeMap::<String, u64>::new());
        {
            let see = |key: &[u8], place: Place, main: Option<u64>| {
                for list in [Some(&mut newest), (place == Place::Tree).then_some(&mut in_tree)].into_iter().flatten() {
                    let known = list.entry(String::from_utf8_lossy(key).into_owned()).or_default();
                    *known = main.unwrap_or(0).max(*known);
                }
            };
            let see = Mutex::new(see);
            Collector::new(store, &Scope::all()).each(|row| {
                let mut see = see.lock().unwrap();
                match row {
                    Row::Value(row) => see(row.key, row.place, row.written.main),
                    Row::Tombstone(row) => see(row.key, row.place, Some(row.revision.main)),
                }
            });
        }
        let existing = existing(mutant);
        for (key, (main, standing)) in found {
            // What stands in the tree gives way to nothing outside of it: that may be of another course of things.
            let is_in_tree = in_tree.get(key).is_some_and(|newest| newest == main);
            assert!(newest[key] == *main || is_in_tree, "{what}: a write or deletion of {key} stands in the file that is newer");
            if *standing == Standing::Current {
                assert_eq!(existing.get(key), Some(main), "{what}: {key} is not current");
            } else {
                assert!(standing.doubt().is_some(), "{what}: {standing:?}");
            }
        }
    })
}

/// Recovers, without residue, and looks at what came of it.
fn recover_and(mutant: &Mutant, look: impl FnOnce(&DatabaseStore<'_>, &Found)) -> Found {
    let evidence = Evidence::from_bytes("damaged.db", mutant.bytes.clone());
    let mut store = DatabaseStore::read(&evidence, &ReadOptions::default()).unwrap();
    store.settle(Some(&Digests::of(&evidence, &Progress::default())));
    let recovery = Recovery::of(&store, &Scope::all(), false);
    let revision_of =
        |write: &RecoveredWrite<'_, '_>| (String::from_utf8_lossy(write.key).into_owned(), (write.revision.main, write.standing));
    let found: Found = recovery.recovered.iter().map(revision_of).collect();
    assert!(found.values().all(|(main, _)| *main <= recovery.revision));
    look(&store, &found);
    found
}

/// What the undamaged fixture was compacted at.
fn scheduled_compaction(mutant: &Mutant) -> Option<u64> {
    let evidence = Evidence::from_bytes("sound.db", mutant.bytes.clone());
    let store = DatabaseStore::read(&evidence, &ReadOptions::default()).unwrap();
    store.profile().facts.database().unwrap().schema.scheduled_compact_revision
}

/// Every key that exists comes back, by its newest write.
fn assert_all(mutant: &Mutant, what: &str) {
    let found = recover(mutant, what);
    for (key, main) in existing(mutant) {
        assert_eq!(found.get(&key).map(|(main, _)| *main), Some(main), "{what}: {key}");
    }
}

/// A branch page that says fewer elements than it was written with has lost its last children.
#[test]
fn a_branch_that_denies_its_last_children_lost_them() {
    for name in ["plaintext", "migration", "etcd35", "killed", "compacted"] {
        for left in 0..Mutant::of(name).leaves.len() as u64 {
            let mut mutant = Mutant::of(name).without_trailer();
            mutant.set(mutant.branch, header::COUNT, 2, left);
            let found = recover(&mutant, &format!("{name}, {left} children"));
            assert!(found.values().all(|(_, standing)| standing.doubt().is_some()), "{name}, {left} children");
        }
    }
}

/// A branch page that bears the flags of a leaf has lost all below it.
#[test]
fn a_branch_with_leaf_flags_lost_all_below() {
    for name in ["plaintext", "migration", "etcd35"] {
        let mut mutant = Mutant::of(name).without_trailer();
        mutant.set(mutant.branch, header::FLAGS, 2, 2);
        assert_all(&mutant, name);
    }
}

/// A tree that begins at one of its own leaves is not taken for all there is.
#[test]
fn a_tree_that_begins_at_its_own_leaf_is_not_all() {
    for name in ["plaintext", "migration", "etcd35", "killed", "compacted"] {
        let sound = Mutant::of(name).without_trailer();
        let compacted = scheduled_compaction(&sound);
        // Where nothing was compacted the first leaf is all that there was at its time.
        // The last one has all that is newest.
        let leaves = &sound.leaves[usize::from(compacted.is_none())..sound.leaves.len() - 1];
        let mut untold = 0;
        for leaf in leaves {
            let mut mutant = Mutant::of(name).without_trailer();
            mutant.set_root_of_key(*leaf);
            let what = format!("{name}, root {leaf}");
            let found = recover(&mutant, &what);
            assert!(found.values().all(|(_, standing)| standing.doubt().is_some()), "{what}");
            let is_told = |found: &Anomaly| matches!(found.class, Class::RevisionGap | Class::CompactionAhead);
            untold += u32::from(!mutant.read().anomalies.iter().any(is_told));
        }
        // A leaf with what was compacted and the first revisions behind it, or with those alone, would be a whole database.
        assert!(untold <= 2, "{name}: {untold} of {}", leaves.len());
    }
}

/// An old page in the place of a leaf passes no old write for the newest.
#[test]
fn an_old_page_passes_no_old_write_for_the_newest() {
    // None that has pages of a later time, which are not old.
    for name in ["plaintext", "migration", "etcd35", "compacted", "killed"] {
        let sound = Mutant::of(name).without_trailer();
        let old = (2..sound.pages()).filter(|page| sound.get(*page, header::ID, 8) == *page && sound.get(*page, header::FLAGS, 2) == 2);
        let old: Vec<u64> = old.filter(|page| !sound.leaves.contains(page)).collect();
        assert!(!old.is_empty(), "{name}");
        let indices: BTreeSet<usize> = (0..sound.leaves.len()).step_by(5).chain([sound.leaves.len() - 1]).collect();
        for index in indices {
            for page in old.iter().skip(index % 2).step_by(2) {
                let mut mutant = Mutant::of(name).without_trailer();
                mutant.set_child(index as u64, *page);
                recover(&mutant, &format!("{name}, page {page} for leaf {index}"));
            }
        }
    }
}

/// Of two leaves that are lost in any way, nothing older than what stands there comes back.
#[test]
fn two_lost_leaves_bring_nothing_older_back() {
    for name in ["plaintext", "migration", "etcd35"] {
        let leaves = Mutant::of(name).leaves.len();
        for first in (0..leaves).step_by(3) {
            for second in (0..leaves).step_by(5) {
                let mut mutant = Mutant::of(name).without_trailer();
                let (page, other) = (mutant.leaves[first], second as u64);
                mutant.set(page, header::FLAGS, 2, 0).set_child(other, 1 << 40);
                recover(&mutant, &format!("{name}, leaves {first} and {second}"));
            }
        }
    }
}

/// A change that breaks the structure of a file, and no value: what, of which page, and a number.
type Break = (u8, prop::sample::Index, prop::sample::Index);

fn break_it(mutant: &mut Mutant, (what, page, number): &Break) {
    let pages = mutant.bytes.len() / mutant.page_size;
    if pages < 8 {
        return;
    }
    // Mostly of the tree.
    let leaf = mutant.leaves[page.index(mutant.leaves.len())];
    let page = if what % 2 == 0 { leaf } else { page.index(pages) as u64 };
    if page >= pages as u64 {
        return;
    }
    match what / 2 {
        0 => mutant.put(page, 0, &vec![0; mutant.page_size]),
        1 => mutant.set(page, header::FLAGS, 2, [0, 1, 2, 3, 4, 0x10, 0xffff][number.index(7)]),
        2 => mutant.set(page, header::COUNT, 2, number.index(60) as u64),
        3 => mutant.set(page, header::OVERFLOW, 4, [1, 2, 9, 1 << 20][number.index(4)]),
        4 => mutant.set(page, header::ID, 8, number.index(pages) as u64),
        5 if mutant.branch < pages as u64 => {
            let (index, child) = (number.index(mutant.leaves.len()) as u64, [page, 1 << 40, 0, mutant.root, mutant.branch]);
            mutant.set_child(index, child[number.index(5)])
        }
        6 => mutant.set(number.index(2) as u64, meta::MAGIC, 1, 0),
        8 if mutant.root < pages as u64 => mutant.set_root_of_key(page),
        7 if mutant.branch < pages as u64 => mutant.set(mutant.branch, header::COUNT, 2, number.index(mutant.leaves.len()) as u64),
        _ => {
            mutant.bytes.truncate(mutant.page_size * (pages - number.index(pages / 4)));
            mutant
        }
    };
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Of files broken in several places, nothing is said that is not so.
    #[test]
    fn files_broken_in_several_places_make_nothing_up(
        name in prop::sample::select(vec!["plaintext", "migration", "etcd35", "killed", "compacted"]),
        breaks in prop::collection::vec((0u8..20, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
    ) {
        let mut mutant = Mutant::of(name).without_trailer();
        breaks.iter().for_each(|broken| break_it(&mut mutant, broken));
        recover(&mutant, &format!("{name} {breaks:?}"));
    }
}

/// Without the last leaf, nothing is called current, and what it deleted stays deleted.
#[test]
fn without_the_last_leaf_nothing_is_current() {
    for name in ["plaintext", "migration", "etcd35", "killed"] {
        let mut mutant = Mutant::of(name).without_trailer();
        mutant.set_child(mutant.leaves.len() as u64 - 1, 1 << 40);
        let found = recover(&mutant, name);
        assert!(!found.is_empty() && found.values().all(|(_, standing)| standing.doubt().is_some()), "{name}");
    }
}

/// With the root of the bucket, everything in the file may be a part of it.
#[test]
fn with_the_bucket_root_lost_everything_may_be_in_it() {
    for name in ["plaintext", "migration", "etcd35"] {
        let mut zeroed = Mutant::of(name).without_trailer();
        zeroed.put(zeroed.branch, 0, &vec![0; zeroed.page_size]);
        assert_all(&zeroed, &format!("{name}, root zeroed"));
        let mut lost = Mutant::of(name).without_trailer();
        lost.set_root_of_key(1 << 40);
        assert_all(&lost, &format!("{name}, root out of range"));
    }
    // Half a download.
    let mut half = Mutant::of("migration").without_trailer();
    half.bytes.truncate(half.bytes.len() / 2 / half.page_size * half.page_size);
    let left = (half.bytes.len() / half.page_size) as u64;
    let there: Vec<String> = half.retained(|page| page < left).into_iter().map(|(key, ..)| String::from_utf8(key).unwrap()).collect();
    let found = recover(&half, "half");
    assert!(
        existing(&half)
            .iter()
            .filter(|(key, _)| there.contains(key))
            .all(|(key, main)| found[key].0 >= *main || found[key].1.doubt().is_some())
    );
    assert!(found.len() > 20, "{}", found.len());
}

/// The older meta of a member's own file is not taken for its last state.
#[test]
fn the_older_meta_is_not_the_last_state() {
    for name in ["killed", "interrupted"] {
        for field in [meta::MAGIC, meta::CHECKSUM] {
            let mut mutant = Mutant::of(name);
            let active = u64::from(mutant.get(1, meta::TXID, 8) > mutant.get(0, meta::TXID, 8));
            mutant.set(active, field, 4, 0);
            let found = recover(&mutant, name);
            assert!(!found.is_empty() && found.values().all(|(_, standing)| standing.doubt().is_some()), "{name}");
        }
    }
    // Bytes in the place of a trailer make no snapshot of it.
    for name in ["killed", "interrupted"] {
        for junk in [[0u8; 32], [0x5a; 32]] {
            let mut mutant = Mutant::of(name).without_trailer();
            let active = u64::from(mutant.get(1, meta::TXID, 8) > mutant.get(0, meta::TXID, 8));
            mutant.set(active, meta::MAGIC, 4, 0).bytes.extend(junk);
            let found = recover(&mutant, name);
            assert!(!found.is_empty() && found.values().all(|(_, standing)| standing.doubt().is_some()), "{name}");
        }
    }
    // Of a snapshot's two metas one is enough.
    for (name, slot) in [("migration", 0), ("migration", 1), ("plaintext", 0), ("busy", 1)] {
        let mut mutant = Mutant::of(name);
        mutant.set(slot, meta::MAGIC, 4, 0);
        let found = recover(&mutant, name);
        assert!(found.len() == existing(&mutant).len() && found.values().all(|(_, standing)| *standing == Standing::Current), "{name}");
        // But not where anything else was changed as well.
        let size = mutant.page_size;
        mutant.set(mutant.branch, size - 1, 1, 1);
        assert!(recover(&mutant, name).values().all(|(_, standing)| standing.doubt().is_some()), "{name}");
    }
}

/// Where the trailer says that bytes were changed, nothing is called current.
#[test]
fn a_wrong_trailer_calls_nothing_current() {
    for name in ["migration", "plaintext", "busy", "compacted"] {
        // In a value in the tree, and on a free page.
        let sound = Mutant::of(name);
        let row = &sound.truth["retained"][0];
        let value = usize::try_from(row["offset"].as_u64().unwrap() + row["length"].as_u64().unwrap() / 2).unwrap();
        let free = sound.truth["bbolt_pages"].as_array().unwrap().iter().find(|page| page["type"] == "free").unwrap();
        let free = usize::try_from(sound.offset(free["id"].as_u64().unwrap())).unwrap() + 1000;
        for at in [value, free] {
            let mut mutant = Mutant::of(name);
            mutant.bytes[at] ^= 1;
            let found = recover(&mutant, name);
            assert_eq!(found.len(), existing(&mutant).len(), "{name}");
            assert!(found.values().all(|(_, standing)| standing.doubt().is_some()), "{name}, byte {at}");
        }
    }
}

/// An older write does not stand in for one of which only a piece is there.
#[test]
fn an_older_write_does_not_stand_in_for_a_piece() {
    let mut mutant = Mutant::of("big-values").without_trailer();
    for keep in [716, 600, 500] {
        mutant.bytes.truncate(keep * mutant.page_size);
        recover(&mutant, &format!("big-values cut to {keep} pages"));
    }
}

/// A new database goes on from the revision of the old, and says what it lacks.
#[test]
fn a_new_database_goes_on_from_the_old_revision() {
    let dir = tempfile::tempdir().unwrap();
    let rescue = |bytes: &[u8], name: &str| {
        let (damaged, rescued) = (dir.path().join(format!("{name}.db")), dir.path().join(format!("{name}.rescued.db")));
        fs::write(&damaged, bytes).unwrap();
        let output = sleuth().arg("recover").arg(&damaged).arg("--db").arg(&rescued).output().unwrap();
        let evidence = Evidence::from_bytes(name, fs::read(&rescued).unwrap());
        let store = DatabaseStore::read(&evidence, &ReadOptions::default()).unwrap();
        let schema = &store.profile().facts.database().unwrap().schema;
        assert_eq!(schema.scheduled_compact_revision, schema.finished_compact_revision);
        (schema.finished_compact_revision.unwrap(), stderr(&output))
    };
    for name in ["migration", "plaintext", "bumped", "killed", "compacted", "etcd35"] {
        let fixture = Fixture::named(name);
        let (revision, said) = rescue(fixture.bytes, name);
        assert_eq!(revision, fixture.truth()["revision"].as_u64().unwrap(), "{name}");
        assert!(said.contains(&format!("at revision {revision}, as a snapshot")) && !said.contains("has lost"), "{said}");
    }
    let mut mutant = Mutant::of("migration").without_trailer();
    let size = mutant.page_size;
    mutant.put(0, 0, &vec![0; size]).put(1, 0, &vec![0; size]);
    let (revision, said) = rescue(&mutant.bytes, "lost");
    assert_eq!(revision, mutant.truth["revision"].as_u64().unwrap());
    assert!(said.contains("the file has lost, at least in part: meta, lease, cluster, members, auth") && said.contains("CHECK:"), "{said}");
    assert!(said.contains("DAMAGED") && said.contains("may not exist: -o FILE can"), "{said}");
}

/// A flipped bit in a revision does not carry the new database into the future.
#[test]
fn a_flipped_revision_bit_moves_no_database_ahead() {
    // The main revision of the last value gets a bit that no cluster ever counted to.
    let mut mutant = Mutant::of("migration").without_trailer();
    let last = *mutant.leaves.last().unwrap();
    let elements = (0..mutant.get(last, header::COUNT, 2)).map(Mutant::element);
    // A value's key has 17 bytes, a deletion's 18.
    let value = elements.rev().find(|element| mutant.get(last, element + 8, 4) == 17).unwrap();
    let key = value + usize::try_from(mutant.get(last, value + 4, 4)).unwrap();
    mutant.set(last, key, 1, 0x3f);
    let revision = mutant.truth["revision"].as_u64().unwrap();
    let found = recover_and(&mutant, |store, _| assert!(store.profile().anomalies.count(Class::RevisionMismatch) > 0));
    assert!(!found.is_empty());
    assert!(found.values().all(|(main, standing)| *main <= revision && standing.doubt().is_some()), "{found:?}");
}

#[cfg(unix)]
#[test]
fn evidence_is_not_replaced_under_any_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = Fixture::named("migration").write_to(dir.path());
    let before = fs::read(&path).unwrap();
    let link = dir.path().join("link.db");
    fs::hard_link(&path, &link).unwrap();
    let config = dir.path().join("enc.yaml");
    fs::copy(common::testdata().join("keys/migration.encryption-config.yaml"), &config).unwrap();
    let keys = fs::read(&config).unwrap();
    let fresh = dir.path().join("fresh.jsonl");
    let (evidence, link, config, fresh) =
        (path.to_str().unwrap(), link.to_str().unwrap(), config.to_str().unwrap(), fresh.to_str().unwrap());
    for args in [
        &["recover", "-", "--force", "--db", evidence][..],
        &["recover", "-", "--force", "-o", evidence],
        &["recover", evidence, "--force", "--db", link],
        &["scan", "-", "--force", "-o", link],
        &["scan", evidence, "--format", "jsonl", "--force", "-o", fresh, "--rotate-list", link],
        &["carve", "-", "--force", "-o", evidence],
        &["keys", evidence, "--force", "-o", link],
        &["keys", evidence, "--encryption-config", config, "--force", "-o", config],
        &["verify", evidence, "--encryption-config", config, "--force", "-o", evidence],
        &["verify", evidence, "--encryption-config", config, "--force", "-o", config],
        &["show", evidence, "shop/x", "--reveal", "--encryption-config", config, "--force", "-o", config],
    ] {
        let output = sleuth().args(args).stdin(fs::File::open(&path).unwrap()).output().unwrap();
        let is_left = fs::read(&path).unwrap() == before && fs::read(link).unwrap() == before && fs::read(config).unwrap() == keys;
        assert!(is_left, "{args:?}: {}", stderr(&output));
        // `show` found no such object before it came to the output.
        if args[0] != "show" {
            assert_eq!(output.status.code(), Some(1), "{args:?}");
            assert!(stderr(&output).contains("evidence is not written to"), "{args:?}: {}", stderr(&output));
        }
    }
}

/// Outputs are checked before the work, and a filter that nothing matches is told.
#[test]
fn outputs_are_checked_before_the_work() {
    let dir = tempfile::tempdir().unwrap();
    let path = Fixture::named("migration").write_to(dir.path());
    let run = |args: &[&str]| sleuth().arg("recover").arg(&path).args(args).current_dir(dir.path()).output().unwrap();
    // One path for two outputs: neither is left.
    let output = run(&["-o", "both", "--db", "both"]);
    assert_eq!((output.status.code(), dir.path().join("both").exists()), (Some(1), false), "{}", stderr(&output));
    fs::write(dir.path().join("there.db"), b"mine").unwrap();
    let output = run(&["-o", "new.jsonl", "--db", "there.db"]);
    assert_eq!((output.status.code(), dir.path().join("new.jsonl").exists()), (Some(1), false), "{}", stderr(&output));
    assert_eq!(fs::read(dir.path().join("there.db")).unwrap(), b"mine");
    for filter in [["--namespace", "nosuch"], ["--resources", "bogus"]] {
        let output = run(&filter);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert!(stderr(&output).contains("nothing matches:"), "{}", stderr(&output));
    }
    let quiet = run(&["-q", "-o", "quiet.jsonl"]);
    let said = stderr(&quiet);
    assert!(said.ends_with(": 73 keys recovered (exit 0)\n") && said.lines().count() == 1, "{said}");
    assert_eq!(records(&run(&["-o", "-"])).len(), 73);
    let output = run(&["--include-residue", "--db", "marked.db"]);
    assert!(output.status.code() == Some(1) && stderr(&output).contains("needs -o FILE"), "{}", stderr(&output));
}

/// Takes the write of this revision out of the tree, as if it had never been there. `false`: the fixture has none that stands on one page.
fn take_out(mutant: &mut Mutant, wanted: u64) -> bool {
    let places = mutant.leaves.clone().into_iter().flat_map(|leaf| (0..mutant.get(leaf, header::COUNT, 2)).map(move |index| (leaf, index)));
    let is_it = |(leaf, index): &(u64, u64)| {
        let element = Mutant::element(*index);
        let at = usize::try_from(mutant.offset(*leaf)).unwrap() + element + mutant.get(*leaf, element + 4, 4) as usize;
        mutant.get(*leaf, header::OVERFLOW, 4) == 0 && mutant.bytes[at..at + 8] == wanted.to_be_bytes()
    };
    let places: Vec<_> = places.collect();
    let Some((leaf, index)) = places.into_iter().find(is_it) else { return false };
    let count = mutant.get(leaf, header::COUNT, 2);
    if count == 1 {
        return false;
    }
    let page = mutant.offset(leaf) as usize;
    let data = |mutant: &Mutant, of: u64| {
        let element = Mutant::element(of);
        let at = page + element + mutant.get(leaf, element + 4, 4) as usize;
        let (key, value) = (mutant.get(leaf, element + 8, 4) as usize, mutant.get(leaf, element + 12, 4) as usize);
        (mutant.get(leaf, element, 4), key, mutant.bytes[at..at + key + value].to_vec())
    };
    let kept: Vec<_> = (0..count).filter(|of| *of != index).map(|of| data(mutant, of)).collect();
    let (mut heads, mut body) = (Vec::new(), Vec::new());
    for (of, (flags, key, bytes)) in kept.iter().enumerate() {
        for number in [*flags, ((kept.len() - of) * 16 + body.len()) as u64, *key as u64, (bytes.len() - key) as u64] {
            heads.extend(u32::try_from(number).unwrap().to_le_bytes());
        }
        body.extend(bytes);
    }
    let mut new = [heads, body].concat();
    new.resize(mutant.page_size - 16, 0);
    mutant.set(leaf, header::COUNT, 2, count - 1).put(leaf, 16, &new);
    true
}

/// Without any one write, what follows it is missed or it was the only one of a compacted key.
#[test]
fn any_one_write_taken_out_is_missed() {
    let mut told = 0;
    for name in ["plaintext", "migration", "etcd35", "page16k", "bumped", "compacted"] {
        let sound = Mutant::of(name).without_trailer();
        let writes: Vec<(String, u64)> = sound.truth["writes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|write| (write["key"].as_str().unwrap_or_default().to_owned(), write["mod_revision"].as_u64().unwrap()))
            .collect();
        let evidence = Evidence::from_bytes("sound.db", sound.bytes.clone());
        let store = DatabaseStore::read(&evidence, &ReadOptions::default()).unwrap();
        let schema = &store.profile().facts.database().unwrap().schema;
        let (compacted, is_finished) = (schema.compacted(), schema.scheduled_compact_revision == schema.finished_compact_revision);
        let last = store.keyspace.last().unwrap().main;
        for row in sound.truth["retained"].as_array().unwrap() {
            let (key, main) = &writes[usize::try_from(row["w"].as_u64().unwrap()).unwrap()];
            let mut mutant = Mutant::of(name).without_trailer();
            if !take_out(&mut mutant, *main) {
                continue;
            }
            let what = format!("{name} without revision {main}");
            let reading = mutant.read();
            // Of a transaction of several writes the last one is not missed.
            let is_alone = writes.iter().filter(|(_, of)| of == main).count() == 1;
            let next = writes.iter().filter(|(of, at)| of == key && at > main && *at <= last).map(|(_, at)| *at).min();
            let is_missed = is_alone && *main > compacted && *main < last || is_finished && *main <= compacted && next.is_some();
            if is_missed {
                assert!(!reading.verdict.contains("whole"), "{what}: {:?}", reading.anomalies);
                recover(&mutant, &what);
                told += 1;
            }
            // Nothing that is there is said to be foreign, and nothing that is missing to be there.
            assert!(
                reading.anomalies.iter().all(|found| matches!(
                    found.class,
                    Class::RevisionGap | Class::SuccessionBroken | Class::CompactionAhead | Class::KeyOrder
                )),
                "{what}: {:?}",
                reading.anomalies
            );
        }
    }
    assert!(told > 300, "{told}");
}

/// A database of these writes in the tree, compacted at a revision or, where another is scheduled, on the way to it, with others on a
/// free page.
fn small(tree: &[&Write], outside: &[&Write], finished: u64, scheduled: u64) -> Mutant {
    let stored_under = |main: u64| [&main.to_be_bytes()[..], b"_", &[0; 8]].concat();
    let meta = [("finishedCompactRev", finished), ("scheduledCompactRev", scheduled)];
    let meta: Vec<_> = meta.into_iter().map(|(name, main)| Entry::value(name.as_bytes(), &stored_under(main))).collect();
    // One with few writes stands in its parent's page.
    let key = if tree.len() > 3 {
        Entry::bucket(b"key", 3)
    } else {
        Entry::inline_bucket(b"key", &tree.iter().map(|write| write.entry()).collect::<Vec<_>>())
    };
    let root = pages::leaf(2, &[key, Entry::inline_bucket(b"meta", &meta)]);
    let leaf = |pgid, writes: &[&Write]| pages::leaf(pgid, &writes.iter().map(|write| write.entry()).collect::<Vec<_>>());
    let mut mutant = Mutant::of("compacted");
    mutant.bytes = pages::database(&[root, leaf(3, tree), leaf(4, outside)]);
    mutant.page_size = pages::PAGE;
    mutant
}

fn write(key: &str, main: u64) -> Write {
    Write { main, key: key.as_bytes().to_vec(), value: format!("value of {main}").into_bytes() }
}

/// What has a newer write outside of a tree that nothing vouches for is marked.
#[test]
fn a_newer_write_outside_an_unvouched_tree_is_marked() {
    let mutant = small(&[&write("k", 2), &write("l", 6)], &[&write("k", 4)], 5, 5);
    assert!(mutant.read().verdict.contains("whole"));
    let found = recover_and(&mutant, |_, _| ());
    assert_eq!(
        found,
        BTreeMap::from([("k".to_owned(), (2, Standing::Newest(Doubt::NewerOutside))), ("l".to_owned(), (6, Standing::Current))])
    );
}

/// Of a compaction in progress, only that is said which it must have removed.
#[test]
fn a_compaction_in_progress_lacks_only_what_it_must() {
    let told = |tree: &[&Write], finished: u64, scheduled: u64| small(tree, &[], finished, scheduled).read().classes();
    let [k2, k4, k7, l3, l6, l9] = [("k", 2), ("k", 4), ("k", 7), ("l", 3), ("l", 6), ("l", 9)].map(|(key, main)| write(key, main));
    let broken = BTreeSet::from(["succession-broken"]);
    // Nothing is removed yet; what is older than what is missing; and what a first compaction kept while a second was scheduled.
    assert_eq!(told(&[&k2, &l3, &k4], 0, 4), BTreeSet::new());
    assert_eq!(told(&[&l3, &k4, &write("m", 5)], 0, 5), BTreeSet::new());
    assert_eq!(told(&[&k4, &l6, &k7], 0, 7), BTreeSet::new());
    // Both stand before a revision that is missing, or a compaction was finished behind both.
    assert_eq!(told(&[&k2, &l3, &k4, &l6], 0, 6), broken);
    assert_eq!(told(&[&k2, &k4, &l6], 5, 6), broken);
    assert_eq!(told(&[&k2, &l3, &k4, &k7, &l9], 0, 9), broken);
    // The marker of a bump stands behind revisions that were never there.
    let marker = Write { main: 1000, key: Vec::new(), value: Vec::new() };
    assert_eq!(told(&[&k2, &l3, &k4, &marker], 0, 1000), BTreeSet::new());
    assert_eq!(told(&[&k2, &write("k", 3), &marker], 0, 1000), BTreeSet::new());
}
