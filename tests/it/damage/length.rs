//! Files that end too early or too late, and what stands at their ends: classes 9, 10, 14 and 26.

use std::collections::BTreeSet;

use etcd_sleuth::evidence::anomaly::{Anomaly, Class};

use super::common::mutate::{Mutant, header, meta, read};
use super::{assert_nothing_foreign, bare};

#[test]
fn class_9_a_file_cut_anywhere_is_read_up_to_its_end() {
    for name in ["migration", "page16k"] {
        let whole = Mutant::of(name);
        let (size, everything, known) = (whole.page_size, whole.retained(|_| true), whole.known());
        for pages in 3..whole.pages() {
            // Around the boundary; and a few sizes at which the last bytes may be taken for a trailer.
            let more: &[i64] = if pages % 9 == 0 { &[31, 32, 33, 512] } else { &[] };
            for cut in [-1, 0, 1].iter().chain(more) {
                let mut mutant = Mutant::of(name);
                let len = usize::try_from(i64::try_from(mutant.offset(pages)).unwrap() + cut).unwrap();
                mutant.bytes.truncate(len);
                let reading = mutant.read();
                let left = (len / size) as u64;
                let what = format!("{name} cut to {len} bytes: {:?}", reading.anomalies);
                // About the file: what is missing begins behind its last whole page.
                let is_it = |found: &&Anomaly| found.class == Class::FileTruncated && found.pgid.is_none();
                let found: Vec<_> = reading.anomalies.iter().filter(is_it).map(|anomaly| anomaly.offset).collect();
                assert_eq!(found, [Some(mutant.offset(left))], "{what}");
                assert!(reading.verdict.contains("INCOMPLETE"), "{}", reading.verdict);
                assert!(whole.retained(|page| page < left).is_subset(&reading.all), "{what}");
                assert!(reading.all.is_subset(&known) && reading.tree.is_subset(&everything), "{what}");
            }
        }
    }
}

/// Class 9: a high water mark beyond the end of a file that lacks nothing.
#[test]
fn class_9_high_water_mark_beyond_a_whole_file() {
    let mut mutant = bare("migration");
    mutant.set_metas(meta::HIGH_WATER_MARK, 1706);
    let reading = mutant.read();
    assert_eq!(reading.classes(), BTreeSet::from(["file-truncated"]));
    assert_eq!(reading.offsets(Class::FileTruncated), [Some(mutant.bytes.len() as u64)]);
    assert_eq!(reading.tree, mutant.retained(|_| true));
    assert_nothing_foreign(&mutant, &reading);
}

#[test]
fn class_10_what_stands_behind_the_pages_is_said() {
    let sound = bare("migration");
    let (everything, end) = (sound.retained(|_| true), sound.bytes.len() as u64);
    for (tail, class) in [
        (vec![], None),
        (vec![7; 1], Some("trailing-bytes")),
        (vec![7; 31], Some("trailing-bytes")),
        (vec![7; 32], Some("trailer-mismatch")),
        (vec![0; 32], Some("trailer-mismatch")),
        (vec![7; 33], Some("trailing-bytes")),
        (vec![7; 511], Some("trailing-bytes")),
        (vec![7; 512], Some("trailing-bytes")),
        // Preallocated, as a member's own file.
        (vec![0; 4096], None),
    ] {
        let mut mutant = bare("migration");
        mutant.bytes.extend(&tail);
        let reading = mutant.read();
        assert_eq!(reading.classes(), class.into_iter().collect(), "{} bytes", tail.len());
        assert!(reading.anomalies.iter().all(|anomaly| anomaly.offset == Some(end)), "{:?}", reading.anomalies);
        assert_eq!(reading.tree, everything);
        assert_nothing_foreign(&mutant, &reading);
    }
}

#[test]
fn class_14_files_that_are_too_short_are_none() {
    let mutant = Mutant::of("migration");
    for len in [0, 1, 15, 16, 79, 80, 4095, 4096, 8191] {
        assert!(read(&mutant.bytes[..len]).is_none(), "{len}");
    }
    assert!(read(&mutant.bytes[..8192]).is_some());
}

#[test]
fn class_26_trailers() {
    let sound = Mutant::of("migration");
    let everything = sound.retained(|_| true);
    for (trailer, class) in [(None, None), (Some([0; 32]), Some("trailer-mismatch")), (Some([9; 32]), Some("trailer-mismatch"))] {
        let mut mutant = bare("migration");
        mutant.bytes.extend(trailer.into_iter().flatten());
        let reading = mutant.read();
        assert_eq!(reading.classes(), class.into_iter().collect());
        let offsets = if class.is_some() { vec![Some(mutant.bytes.len() as u64 - 32)] } else { vec![] };
        assert_eq!(reading.offsets(Class::TrailerMismatch), offsets);
        assert_nothing_foreign(&mutant, &reading);
        assert_eq!(reading.tree, everything);
        let verdict = if class.is_some() { "NOT AS WRITTEN" } else { "whole, no trailer" };
        assert!(reading.verdict.contains(verdict), "{}", reading.verdict);
    }
    // Damage that the trailer vouches for is damage all the same.
    let mut mutant = Mutant::of("migration");
    let page = mutant.unique_leaves()[2];
    mutant.set(page, header::ID, 8, 5).with_right_trailer();
    assert!(mutant.read().has(Class::PageIdMismatch, page));
    assert!(read(&sound.bytes).unwrap().verdict.contains("matches its own trailer"));
}

/// A snapshot that lost the end of its trailer is incomplete, and nobody altered it; behind a trailer that matches nothing is wrong with
/// what stands before it.
#[test]
fn a_trailer_that_is_cut_or_followed_accuses_nobody() {
    let sound = Mutant::of("migration");
    let everything = sound.retained(|_| true);
    for cut in [1, 16, 31] {
        let mut mutant = Mutant::of("migration");
        mutant.bytes.truncate(mutant.bytes.len() - cut);
        let reading = mutant.read();
        assert_eq!(reading.classes(), BTreeSet::from(["file-truncated"]), "{cut}");
        assert_eq!(reading.offsets(Class::FileTruncated), [Some(sound.bytes.len() as u64 - 32)]);
        assert!(reading.verdict.ends_with(": INCOMPLETE: something that belongs to it is missing"), "{}", reading.verdict);
        assert_eq!(reading.tree, everything);
        // Another ending is none of its own.
        let last = mutant.bytes.len() - 1;
        mutant.bytes[last] ^= 1;
        assert_eq!(mutant.read().classes(), BTreeSet::from(["trailing-bytes"]), "{cut}");
    }
    for (more, said) in [(1, "1 byte stands behind it"), (38, "38 bytes stand behind it"), (512, "512 bytes stand behind it")] {
        let mut mutant = Mutant::of("migration");
        mutant.bytes.extend(vec![7; more]);
        let reading = mutant.read();
        assert_eq!(reading.classes(), BTreeSet::from(["trailer-followed"]), "{more}");
        assert!(reading.verdict.ends_with(&format!(": whole; the trailer matches; {said}")), "{}", reading.verdict);
        assert_eq!(reading.tree, everything);
    }
}
