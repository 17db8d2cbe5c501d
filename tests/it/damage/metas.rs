//! Meta pages: classes 11 to 13, 23 and 24.

use std::collections::BTreeSet;
use std::io::Cursor;

use etcd_sleuth::bbolt::Writer;
use etcd_sleuth::evidence::Evidence;
use etcd_sleuth::evidence::anomaly::Class;
use etcd_sleuth::row::Place;
use etcd_sleuth::store::OpenedDatabase;

use super::common::mutate::{Identity, Mutant, header, meta, read};
use super::common::pages::Write;
use super::{assert_nothing_foreign, assert_rest, bare};

#[test]
fn class_11_of_two_metas_one_is_enough() {
    let fields = [
        meta::MAGIC,
        meta::VERSION,
        meta::PAGE_SIZE,
        meta::FLAGS,
        meta::ROOT,
        meta::SEQUENCE,
        meta::FREELIST,
        meta::HIGH_WATER_MARK,
        meta::TXID,
        meta::CHECKSUM,
    ];
    for slot in [0, 1] {
        for field in fields {
            let mut mutant = bare("migration");
            let (found, used) = (mutant.get(slot, field, 1), 1 - slot);
            mutant.set(slot, field, 1, found ^ 0x40);
            let reading = assert_rest(&mutant, Class::MetaInvalid, slot, &[]);
            assert_eq!(reading.classes(), BTreeSet::from(["meta-invalid"]));
            let said = format!("meta {used} is active, transaction {}: meta {slot} has ", mutant.get(used, meta::TXID, 8));
            assert!(reading.check.contains(&said), "{said} is not in {}", reading.check);
        }
    }
}

#[test]
fn classes_12_and_23_without_a_valid_meta_the_pages_are_read() {
    for name in ["migration", "killed", "page16k", "plaintext", "big-values", "synced-freelist", "etcd35", "compacted"] {
        let size = bare(name).page_size;
        let wrong_checksum = |mutant: &mut Mutant| {
            mutant.set(0, meta::CHECKSUM, 1, 3).set(1, meta::CHECKSUM, 1, 3);
        };
        let written_over = |mutant: &mut Mutant| {
            mutant.put(0, 0, &vec![0; size]).put(1, 0, &vec![0xff; size]);
        };
        for both in [&wrong_checksum as &dyn Fn(&mut Mutant), &written_over] {
            let mut mutant = bare(name);
            both(&mut mutant);
            let reading = mutant.read();
            // It is about the file, and no page of it.
            assert_eq!(reading.offsets(Class::NoValidMeta), [Some(0)], "{name}: {:?}", reading.anomalies);
            assert!(reading.has(Class::MetaInvalid, 0) && reading.has(Class::MetaInvalid, 1), "{name}: {:?}", reading.anomalies);
            let wanted = mutant.retained(|_| true);
            assert!(wanted.is_subset(&reading.all), "{name}: {} of {} values", wanted.intersection(&reading.all).count(), wanted.len());
            assert!(reading.places.iter().all(|place| matches!(place, Place::FreePage | Place::OverflowTail)), "{:?}", reading.places);
            assert_nothing_foreign(&mutant, &reading);
        }
    }
}

#[test]
fn class_23_one_meta_says_the_page_size() {
    for name in ["migration", "killed", "page16k", "plaintext", "big-values", "synced-freelist", "etcd35", "compacted"] {
        for lost in [0, 1] {
            let mut mutant = bare(name);
            let (wanted, size, active) = (mutant.retained(|_| true), mutant.page_size, mutant.active());
            let is_older_tree = lost == active && mutant.get(1 - lost, meta::ROOT, 8) != mutant.root;
            mutant.put(lost, 0, &vec![0; size]);
            let reading = mutant.read();
            assert!(reading.has(Class::MetaInvalid, lost), "{name}: {:?}", reading.anomalies);
            assert!(wanted.is_subset(&reading.all), "{name}");
            assert_nothing_foreign(&mutant, &reading);
            // Of a member's own file the other meta is that of the commit before, whose pages may have been written over since.
            if !is_older_tree {
                assert_eq!(reading.classes(), BTreeSet::from(["meta-invalid"]), "{name}");
                assert_eq!(reading.tree, wanted, "{name}");
            }
        }
    }
}

#[test]
fn class_23_every_page_size_that_systems_have() {
    for size in (10..=16).map(|shift| 1usize << shift) {
        let writes: Vec<_> = (2..40).map(|main| Write { value: vec![main as u8; 700], ..Write::at(main) }).collect();
        let wanted: BTreeSet<Identity> = writes.iter().map(Write::identity).collect();
        let mut writer = Writer::new(Cursor::new(Vec::new()), u32::try_from(size).unwrap()).unwrap();
        writer.bucket(b"meta").finish().unwrap();
        let mut bucket = writer.bucket(b"key");
        writes.iter().for_each(|write| bucket.put(&write.stored_under(), &write.stored()).unwrap());
        bucket.finish().unwrap();
        let sound = writer.finish(9).unwrap().into_inner();
        for lost in [&[][..], &[0], &[1], &[0, 1]] {
            let mut bytes = sound.clone();
            lost.iter().for_each(|slot| bytes[slot * size..(slot + 1) * size].fill(0));
            let reading = read(&bytes).unwrap();
            let what = format!("pages of {size} bytes, metas lost: {lost:?}: {:?}", reading.anomalies);
            assert!(reading.check.contains(&format!("page size {size}")), "{what}: {}", reading.check);
            assert_eq!(reading.all, wanted, "{what}");
            assert_eq!(reading.counts.total(), (bytes.len() / size) as u64, "{what}");
            let classes: &[&str] = match lost {
                [] => &[],
                [_] => &["meta-invalid"],
                _ => &["meta-invalid", "no-valid-meta"],
            };
            assert_eq!(reading.classes(), classes.iter().copied().collect(), "{what}");
            assert_eq!(reading.tree.is_empty(), lost.len() == 2, "{what}");
        }
    }
}

/// Class 13: metas whose checksum is right and whose numbers are not.
#[test]
fn class_13_metas_with_wrong_numbers() {
    let sound = bare("migration");
    let (everything, size, pages) = (sound.retained(|_| true), sound.page_size as u64, sound.pages());
    // Where each is said to be: at the meta that says it, at the page, at the end of the file; a bucket that is not there has none.
    for (field, value, class, offset) in [
        (meta::ROOT, u64::MAX - 1, Class::PgidOutOfBounds, Some(0)),
        (meta::ROOT, 0, Class::PgidOutOfBounds, Some(0)),
        (meta::ROOT, sound.leaves[3], Class::BucketMissing, None),
        (meta::HIGH_WATER_MARK, 0, Class::PgidOutOfBounds, Some(0)),
        (meta::HIGH_WATER_MARK, 20, Class::PgidOutOfBounds, Some(0)),
        (meta::HIGH_WATER_MARK, u64::MAX, Class::FileTruncated, Some(pages * size)),
        (meta::PAGE_SIZE, 8192, Class::NoValidMeta, Some(0)),
        (meta::PAGE_SIZE, 1 << 24, Class::NoValidMeta, Some(0)),
        (meta::PAGE_SIZE, 3, Class::NoValidMeta, Some(0)),
    ] {
        let mut mutant = bare("migration");
        mutant.set_metas(field, value);
        let reading = mutant.read();
        assert!(reading.offsets(class).contains(&offset), "{field} {value}: {:?}", reading.anomalies);
        assert!(everything.is_subset(&reading.all), "{field} {value}");
        assert_nothing_foreign(&mutant, &reading);
    }
    // The place is that of the meta that counts.
    for slot in [0, 1] {
        let mut mutant = bare("migration");
        mutant.set(1 - slot, meta::CHECKSUM, 1, 3).set_meta(slot, meta::ROOT, u64::MAX - 1);
        let reading = mutant.read();
        assert!(reading.has(Class::PgidOutOfBounds, slot), "{:?}", reading.anomalies);
    }
    // The other meta of a raw file names the tree of the commit before.
    let mut mutant = bare("killed");
    let active = mutant.active();
    mutant.set_meta(active, meta::ROOT, 1 << 40);
    let reading = mutant.read();
    assert!(reading.has(Class::PgidOutOfBounds, active), "{:?}", reading.anomalies);
    assert!(reading.places.contains(&Place::OtherRoot), "{:?}", reading.places);
    assert!(mutant.retained(|_| true).is_subset(&reading.all));
    assert_nothing_foreign(&mutant, &reading);
}

#[test]
fn class_24_a_big_endian_file_is_an_error_that_says_so() {
    for slots in [&[0u64, 1][..], &[1]] {
        let mut mutant = bare("migration");
        let size = mutant.page_size;
        mutant.put(0, 0, &vec![0; size]);
        for slot in slots {
            mutant.put(*slot, meta::MAGIC, &[0xed, 0x0c, 0xda, 0xed]);
        }
        // No page bears its number in our byte order.
        for pgid in 2..mutant.pages() {
            let id = mutant.get(pgid, header::ID, 8);
            mutant.put(pgid, header::ID, &id.to_be_bytes());
        }
        let evidence = Evidence::from_bytes("be.db", mutant.bytes);
        let error = OpenedDatabase::open(&evidence).unwrap_err().to_string();
        assert!(error.contains("big-endian"), "{error}");
    }
}
