//! Files past a limit: each is told which one.

use std::collections::BTreeSet;
use std::io::Cursor;

use etcd_sleuth::bbolt::Writer;
use etcd_sleuth::evidence::anomaly::Class;
use etcd_sleuth::evidence::{Evidence, limit};
use etcd_sleuth::mvcc::{Revision, RevisionKey};
use etcd_sleuth::store::OpenedDatabase;

use super::common::mutate::{Mutant, header, meta, read};
use super::common::pages::{self, Write};
use super::{bare, common};

#[test]
fn a_write_whose_number_within_its_revision_no_etcd_reaches() {
    for (sub, is_past) in [(limit::RESIDUE_SUB, false), (limit::RESIDUE_SUB + 1, true), (1 << 33, true)] {
        let revision = RevisionKey { revision: Revision { main: 5, sub }, is_tombstone: false }.to_bytes();
        let buckets = [b"key".as_slice(), b"meta"].map(|name| pages::Entry::inline_bucket(name, &[]));
        // On a free page.
        let free = pages::leaf(3, &[pages::Entry::value(&revision, &Write::at(5).stored())]);
        let reading = read(&pages::database(&[pages::leaf(2, &buckets), free])).unwrap();
        let classes = if is_past { BTreeSet::from(["limit-passed"]) } else { BTreeSet::new() };
        assert_eq!((reading.classes(), reading.all.len()), (classes, usize::from(!is_past)), "{sub}: {:?}", reading.anomalies);
    }
}

#[test]
fn page_sizes_that_no_system_has() {
    let (smallest, largest) = (u64::from(*limit::PAGE_SIZES.start()), u64::from(*limit::PAGE_SIZES.end()));
    for size in [smallest / 2, largest * 2] {
        let mut mutant = bare("migration");
        mutant.set_meta(1, meta::PAGE_SIZE, size);
        let reading = mutant.read();
        assert!(reading.has(Class::MetaInvalid, 1), "{:?}", reading.anomalies);
        assert!(reading.anomalies[0].detail.contains(&format!("page size {size}, expected")), "{:?}", reading.anomalies);
        assert_eq!(reading.tree, mutant.retained(|_| true));
    }
}

#[test]
fn a_page_size_that_is_not_tried_without_a_meta() {
    for (shift, is_tried) in [(*limit::TRIED_PAGE_SIZES.end(), true), (*limit::TRIED_PAGE_SIZES.end() + 1, false)] {
        let size = 1 << shift;
        let mut writer = Writer::new(Cursor::new(Vec::new()), size).unwrap();
        let mut bucket = writer.bucket(b"key");
        (2..2000).map(Write::at).for_each(|write| bucket.put(&write.stored_under(), &write.stored()).unwrap());
        bucket.finish().unwrap();
        writer.bucket(b"meta").finish().unwrap();
        let mut bytes = writer.finish(9).unwrap().into_inner();
        assert!(read(&bytes).unwrap().anomalies.is_empty(), "{size}: as long as a meta says it");
        bytes[..2 * usize::try_from(size).unwrap()].fill(0);
        let evidence = Evidence::from_bytes("large.db", bytes.clone());
        assert_eq!(OpenedDatabase::open(&evidence).is_ok(), is_tried, "{size}");
        if !is_tried {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("large.db"), bytes).unwrap();
            let error = common::stderr(&common::sleuth().current_dir(dir.path()).args(["check", "large.db"]).output().unwrap());
            assert!(error.contains("large.db: expected an etcd database, snapshot, log or raft snapshot; it looks like"), "{error}");
        }
    }
}

#[test]
fn more_anomalies_of_a_class_than_are_listed() {
    // Pages that are neither in use nor on the freelist.
    let (more, listed) = (7, limit::LISTED_ANOMALIES);
    let buckets = [b"key".as_slice(), b"meta"].map(|name| pages::Entry::inline_bucket(name, &[]));
    let meta = pages::Meta { root: 2, freelist: Some(3), high_water_mark: 4 + listed + more, txid: 5 };
    let mut bytes = [pages::Meta { txid: 6, ..meta }.page(0), meta.page(1), pages::leaf(2, &buckets), pages::freelist(3, &[])].concat();
    bytes.resize(usize::try_from(meta.high_water_mark).unwrap() * pages::PAGE, 0);
    let reading = read(&bytes).unwrap();
    assert_eq!(reading.offsets(Class::UnreachableUnfreed).len() as u64, listed);
    let not_listed: Vec<_> = reading.anomalies.iter().filter(|a| a.class == Class::NotListed).map(|a| a.detail.as_str()).collect();
    assert_eq!(not_listed, [format!("{more} more of class unreachable-unfreed")]);
}

#[test]
fn a_run_beyond_the_file_and_an_element_beyond_its_page() {
    for (offset, len, value, class) in
        [(header::OVERFLOW, 4, 1 << 20, Class::OverflowPastEnd), (16 + 12, 4, u64::from(u32::MAX), Class::ElementOutOfBounds)]
    {
        let mut mutant: Mutant = bare("migration");
        let page = mutant.unique_leaves()[2];
        mutant.set(page, offset, len, value);
        assert!(mutant.read().has(class, page));
    }
}

#[test]
fn every_class_that_a_limit_names_is_one() {
    let (code, text) = common::text(&common::sleuth().args(["check", "--limits"]).output().unwrap());
    assert_eq!(code, 0);
    let known: BTreeSet<&str> = Class::ALL.iter().map(|class| class.name()).collect();
    let mut named = BTreeSet::new();
    for limit in limit::ALL {
        assert!(text.lines().any(|line| line.contains(limit.what) && line.contains(limit.past_it)), "{}: {text}", limit.what);
        let words = limit.past_it.split([' ', ',']).filter(|word| word.contains('-') && word.len() > 1);
        named.extend(words);
    }
    // What is past a limit of directories is no anomaly of a file: it is not read.
    assert!(named.remove("not-read"));
    // Each of them is provoked: by this file, `pages` and `elements`, and beside what reads objects and requests.
    let provoked = [
        "element-out-of-bounds",
        "limit-passed",
        "meta-invalid",
        "not-listed",
        "object-invalid",
        "overflow-past-end",
        "wal-request-invalid",
    ];
    assert_eq!(named, BTreeSet::from(provoked));
    assert!(named.is_subset(&known));
}
