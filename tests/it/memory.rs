//! Memory is bounded by what a file holds, never by what it says: the binary runs with so little address space that to
//! allocate by a number that was not checked fails.

#![cfg(target_os = "linux")]

use crate::common;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::mutate::{Mutant, header, meta};
use common::{Fixture, stderr, testdata, unpack_directory};

/// Address space of a run. The binary itself, its threads' stacks and a mapped fixture fit; one length of 32 bits does not.
const SPACE: u64 = 1 << 30;

/// Runs the binary in a folder with [`SPACE`].
fn bounded(dir: &Path, args: &[&str]) -> Output {
    Command::new("sh")
        .args(["-c", &format!("ulimit -v {}; exec \"$0\" \"$@\"", SPACE >> 10), env!("CARGO_BIN_EXE_etcd-sleuth")])
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Every command that reads a database, on this one.
fn assert_bounded(what: &str, bytes: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("large.db"), bytes).unwrap();
    fs::copy(testdata().join("keys/migration.encryption-config.yaml"), dir.path().join("enc.yaml")).unwrap();
    for args in [
        &["scan", "large.db", "--resources", "all", "--format", "jsonl", "--exit-zero"][..],
        &["scan", "large.db"],
        &["check", "large.db"],
        &["pages", "large.db", "--list"],
        &["keys", "large.db"],
        &["carve", "large.db"],
        &["recover", "large.db", "--include-residue"],
        &["verify", "large.db", "--encryption-config", "enc.yaml"],
        // A key that no fixture has: every row is looked at.
        &["show", "large.db", "nowhere/nothing"],
    ] {
        let output = bounded(dir.path(), args);
        // An allocation that fails ends the process with a signal.
        assert!(matches!(output.status.code(), Some(0 | 2 | 3)), "{what}, {args:?}: {} {}", output.status, stderr(&output));
        assert!(!output.stdout.is_empty() || args[0] == "show", "{what}, {args:?}");
    }
}

#[test]
fn sound_files_are_read_within_the_space() {
    for name in ["migration", "synced-freelist", "big-values"] {
        assert_bounded(name, Fixture::named(name).bytes);
    }
}

#[test]
fn an_overflow_count_allocates_nothing() {
    for overflow in [u64::from(u32::MAX), 1 << 20] {
        let mut mutant = Mutant::of("migration").without_trailer();
        let (leaf, branch) = (mutant.unique_leaves()[2], mutant.branch);
        for page in [leaf, branch] {
            mutant.set(page, header::OVERFLOW, 4, overflow);
        }
        assert_bounded(&format!("overflow {overflow}"), &mutant.bytes);
    }
}

#[test]
fn the_lengths_of_an_element_allocate_nothing() {
    for (field, value) in [(8, u64::from(u32::MAX)), (12, u64::from(u32::MAX)), (12, (1 << 31) - 1)] {
        let mut mutant = Mutant::of("migration").without_trailer();
        for page in mutant.leaves.clone() {
            let last = 16 * usize::try_from(mutant.get(page, header::COUNT, 2)).unwrap();
            mutant.set(page, last + field, 4, value);
        }
        assert_bounded(&format!("field {field} of elements is {value}"), &mutant.bytes);
    }
}

/// The count of a freelist and the high water mark allocate nothing.
#[test]
fn freelist_counts_allocate_nothing() {
    for count in [1 << 28, 1 << 40, u64::MAX] {
        let mut mutant = Mutant::of("synced-freelist").without_trailer();
        let list = mutant.get(mutant.active(), meta::FREELIST, 8);
        mutant.set(list, header::COUNT, 2, 0xffff).set(list, 16, 8, count);
        assert_bounded(&format!("{count} free pages"), &mutant.bytes);
        let mut mutant = Mutant::of("migration").without_trailer();
        mutant.set_metas(meta::HIGH_WATER_MARK, count);
        assert_bounded(&format!("high-water mark {count}"), &mutant.bytes);
    }
}

#[test]
fn the_length_of_a_record_of_the_log_allocates_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let wal = unpack_directory("killed", dir.path()).join("member/wal/0000000000000000-0000000000000000.wal");
    let sound = fs::read(&wal).unwrap();
    let first = usize::try_from(u64::from_le_bytes(sound[..8].try_into().unwrap()) & 0xffff).unwrap();
    // The first record, and one behind it: eight bytes of length, of which the topmost tells the padding.
    let second = (8 + first).next_multiple_of(8);
    for length in [None, Some(u64::from(u32::MAX)), Some(1 << 40), Some((1 << 56) - 8)] {
        for at in [0, second] {
            let mut bytes = sound.clone();
            if let Some(length) = length {
                bytes[at..at + 8].copy_from_slice(&length.to_le_bytes());
            }
            fs::write(&wal, &bytes).unwrap();
            for args in [
                &["scan", "killed", "--resources", "all", "--format", "jsonl", "--exit-zero"][..],
                &["scan", "killed"],
                &["keys", "killed"],
            ] {
                let output = bounded(dir.path(), args);
                let what = format!("a record of {length:?} bytes at {at}, {args:?}: {} {}", output.status, stderr(&output));
                assert!(matches!(output.status.code(), Some(0 | 2 | 3)) && !output.stdout.is_empty(), "{what}");
                let is_told = args.contains(&"jsonl") && String::from_utf8_lossy(&output.stdout).contains("wal-record-invalid");
                assert_eq!(is_told, length.is_some() && args.contains(&"jsonl"), "{what}");
            }
        }
    }
}

#[test]
fn a_gzip_bomb_ends_at_the_limit_and_without_one_does_not_fit() {
    let dir = tempfile::tempdir().unwrap();
    // Members of a gzip file follow one another: together twice the space.
    let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let megabytes = 16;
    member.write_all(&vec![0; megabytes << 20]).unwrap();
    let member = member.finish().unwrap();
    let count = usize::try_from((2 * SPACE) >> 20).unwrap() / megabytes;
    fs::write(dir.path().join("bomb.gz"), member.repeat(count)).unwrap();
    let limited = bounded(dir.path(), &["scan", "bomb.gz", "--max-size", "64M"]);
    assert_eq!(limited.status.code(), Some(3), "{}", stderr(&limited));
    assert!(stderr(&limited).contains("more than 67108864 bytes when unpacked"), "{}", stderr(&limited));
    // The space is a bound: what is not limited does not fit into it.
    let unlimited = bounded(dir.path(), &["scan", "bomb.gz"]);
    assert!(!matches!(unlimited.status.code(), Some(0 | 2 | 3)), "{} {}", unlimited.status, stderr(&unlimited));
}
