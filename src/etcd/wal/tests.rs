use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::etcd::pb::{etcdserverpb, raftpb, walpb};
use crate::etcd::raft::{Entry, HardState};
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::range;

/// Writes a log as etcd does.
#[derive(Clone, Default)]
struct Writer {
    bytes: Vec<u8>,
    crc: u32,
    /// Where each frame begins.
    frames: Vec<usize>,
}

impl Writer {
    /// A segment's head.
    fn segment(crc: u32) -> Self {
        let mut writer = Self { crc, ..Self::default() };
        writer.frame(4, None);
        writer.frame(1, Some(etcdserverpb::Metadata { node_id: 0x2487_841a_1ad4_c09a, cluster_id: 7 }.encode_to_vec()));
        writer
    }

    /// The first segment of a log.
    fn first() -> Self {
        let mut writer = Self::segment(0);
        writer.frame(5, Some(walpb::Snapshot { index: Some(0), term: Some(0), conf_state: None }.encode_to_vec()));
        writer
    }

    fn frame(&mut self, kind: i64, data: Option<Vec<u8>>) -> &mut Self {
        self.crc = data.as_deref().map_or(self.crc, |data| crc32c::crc32c_append(self.crc, data));
        let record = walpb::Record { r#type: Some(kind), crc: Some(self.crc), data }.encode_to_vec();
        let padding = record.len().wrapping_neg() % 8;
        let top = if padding == 0 { 0 } else { 0x80 | padding as u64 };
        self.frames.push(self.bytes.len());
        self.bytes.extend((record.len() as u64 | top << 56).to_le_bytes());
        self.bytes.extend(record);
        self.bytes.extend(vec![0; padding]);
        self
    }

    fn entry(&mut self, term: u64, index: u64, data: &[u8]) -> &mut Self {
        let entry = raftpb::Entry { r#type: Some(0), term: Some(term), index: Some(index), data: Some(data.to_vec()) };
        self.frame(2, Some(entry.encode_to_vec()))
    }

    fn state(&mut self, term: u64, commit: u64) -> &mut Self {
        let state = raftpb::HardState { term: Some(term), vote: Some(0x2487_841a_1ad4_c09a), commit: Some(commit) };
        self.frame(3, Some(state.encode_to_vec()))
    }

    /// Entries 1 to `count`, each with the state that commits it.
    fn entries(&mut self, count: u64) -> &mut Self {
        for index in 1..=count {
            let data = vec![index.to_le_bytes()[0]; 40 + usize::try_from(index % 9).unwrap()];
            self.entry(1, index, &data).state(1, index);
        }
        self
    }
}

/// A log of one segment after reading: the entries' indices with their verdicts, and what is odd.
struct Reading {
    entries: Vec<(u64, Verdict)>,
    classes: Vec<Class>,
    offsets: Vec<Option<u64>>,
    log: Log,
}

fn read_all(segments: &[(Option<&str>, &[u8])]) -> Reading {
    let mut log = Log::default();
    let (mut entries, mut found) = (Vec::new(), Vec::new());
    for (at, (name, bytes)) in segments.iter().enumerate() {
        let mut anomalies = Anomalies::default();
        let chain = log.begin(name.map(|name| SegmentName::parse(name).unwrap()), &mut anomalies);
        let mut records = Records::new(bytes, chain, at + 1 == segments.len());
        for record in records.by_ref() {
            if let Some(Content::Entry(entry)) = log.observe(&record, &mut anomalies) {
                entries.push((entry.index, record.crc));
            }
        }
        let seen = records.finish();
        log.end(seen.chain);
        anomalies.merge(seen.anomalies);
        found.extend(anomalies.into_sorted());
    }
    let classes = found.iter().map(|a| a.class).collect();
    Reading { entries, classes, offsets: found.iter().map(|a| a.offset).collect(), log }
}

fn read(bytes: &[u8]) -> Reading {
    read_all(&[(Some("0000000000000000-0000000000000000.wal"), bytes)])
}

fn indices(reading: &Reading) -> Vec<u64> {
    reading.entries.iter().map(|(index, _)| *index).collect()
}

#[test]
fn the_log_of_etcds_own_test_is_read_and_its_crcs_match() {
    // server/storage/wal/testdata/TestNew.wal of etcd 3.7.1: crc, metadata "somedata", an empty snapshot.
    let bytes = [
        &[0x04, 0, 0, 0, 0, 0, 0, 0x84, 0x08, 4, 0x10, 0, 0, 0, 0, 0][..],
        &[0x12, 0, 0, 0, 0, 0, 0, 0x86, 0x08, 1, 0x10, 0x85, 0xd4, 0xfd, 0xa0, 0x07, 0x1a, 8],
        b"somedata",
        &[0; 6],
        &[0x0e, 0, 0, 0, 0, 0, 0, 0x82, 0x08, 5, 0x10, 0x80, 0xdb, 0x81, 0xc1, 0x01, 0x1a, 4, 8, 0, 0x10, 0, 0, 0],
    ]
    .concat();
    assert_eq!(bytes.len(), 72);
    let mut records = Records::new(&bytes, Chain::START, true);
    let all: Vec<_> = records.by_ref().map(|record| (record.offset, record.kind, record.data, record.crc)).collect();
    assert_eq!(
        all,
        [
            (0, Kind::Crc, &b""[..], Verdict::Matches),
            (16, Kind::Metadata, b"somedata", Verdict::Matches),
            (48, Kind::Snapshot, &[8, 0, 0x10, 0], Verdict::Matches),
        ]
    );
    assert!(records.finish().anomalies.is_empty());
}

#[test]
fn a_preallocated_log_ends_where_its_zeros_begin() {
    let mut writer = Writer::first();
    writer.entries(5);
    let end = writer.bytes.len() as u64;
    for tail in [0, 1, 7, 8, 9, 100_000] {
        let mut bytes = writer.bytes.clone();
        bytes.resize(bytes.len() + tail, 0);
        let reading = read(&bytes);
        assert_eq!(indices(&reading), [1, 2, 3, 4, 5]);
        assert!(reading.classes.is_empty(), "{tail}: {:?}", reading.classes);
        assert_eq!((reading.log.commit(), reading.log.last_index()), (Some(5), Some(5)));
        let mut records = Records::new(&bytes, Chain::START, true);
        assert_eq!((records.by_ref().count(), records.finish().end), (13, end));
    }
}

#[test]
fn after_altered_data_the_next_record_tells_what_was_altered() {
    let mut writer = Writer::first();
    writer.entries(4);
    let frame = writer.frames[5];
    let mut data = writer.bytes.clone();
    data[frame + 40] ^= 1;
    let mut crc = writer.bytes.clone();
    crc[frame + 11] ^= 1;
    for (bytes, word) in [(data, "its data are not those"), (crc, "its data are sound")] {
        let mut records = Records::new(&bytes, Chain::START, true);
        let verdicts: Vec<_> = records.by_ref().map(|record| record.crc).collect();
        let differing: Vec<_> = (0..verdicts.len()).filter(|at| verdicts[*at] != Verdict::Matches).collect();
        assert_eq!(differing, [5]);
        let anomalies = records.finish().anomalies.into_sorted();
        assert_eq!((anomalies.len(), anomalies[0].class, anomalies[0].offset), (1, Class::WalCrcMismatch, Some(frame as u64)));
        assert!(anomalies[0].detail.contains(word), "{}", anomalies[0].detail);
    }
}

#[test]
fn every_flipped_bit_of_a_log_is_noticed_and_none_around_an_entry_costs_it() {
    let mut writer = Writer::first();
    writer.entries(6);
    writer.bytes.resize(writer.bytes.len() + 64, 0);
    let starts: Vec<usize> = Records::new(&writer.bytes, Chain::START, true)
        .filter(|record| record.kind == Kind::Entry)
        .filter_map(|record| range::offset_within(&writer.bytes, record.data)?.try_into().ok())
        .collect();
    for at in 0..writer.bytes.len() {
        for bit in 0..8 {
            let mut bytes = writer.bytes.clone();
            bytes[at] ^= 1 << bit;
            let reading = read(&bytes);
            assert!(!reading.classes.is_empty(), "byte {at}, bit {bit} was not noticed");
            // What frames an entry can be damaged without its being lost; the beginning of its own message cannot.
            let missing = (1..=6).filter(|index| !indices(&reading).contains(index)).count();
            let in_message = starts.iter().any(|start| (*start..start + 8).contains(&at));
            assert!(missing <= usize::from(in_message), "byte {at}, bit {bit}: {:?} {:?}", reading.entries, reading.classes);
        }
    }
}

#[test]
fn an_interrupted_last_write_is_told_from_damage() {
    let mut writer = Writer::first();
    writer.entries(3).entry(1, 4, &[0x55; 3000]);
    let start = *writer.frames.last().unwrap();
    let sector = (start + 600).next_multiple_of(512);
    let mut torn = writer.bytes.clone();
    torn[sector..].fill(0);
    torn.resize(64_000, 0);
    let mut hole = writer.bytes.clone();
    hole[sector..sector + 512].fill(0);
    let cut = writer.bytes[..start + 1000].to_vec();
    for bytes in [torn, hole, cut] {
        let reading = read(&bytes);
        assert_eq!(reading.classes, [Class::WalTornRecord]);
        assert_eq!(reading.offsets, [Some(start as u64)]);
        assert_eq!(reading.log.last_index(), Some(3));
    }
    // In the middle of the log, or with no sector of zeros, it is damage.
    let mut altered = writer.bytes.clone();
    altered[sector] ^= 1;
    assert_eq!(read(&altered).classes, [Class::WalCrcMismatch]);
    let mut middle = writer.clone();
    middle.state(1, 4);
    middle.bytes[sector..sector + 512].fill(0);
    assert_eq!(read(&middle.bytes).classes, [Class::WalCrcMismatch]);
}

#[test]
fn a_record_longer_than_the_file_or_overwritten_does_not_end_the_log() {
    let mut writer = Writer::first();
    writer.entries(8);
    let frame = writer.frames[7];
    let next = writer.frames[8];
    let mut long = writer.bytes.clone();
    long[frame + 4] = 0xff;
    let reading = read(&long);
    assert_eq!(indices(&reading), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!((reading.classes, reading.offsets), (vec![Class::WalRecordInvalid], vec![Some(frame as u64)]));
    for fill in [0, 0x41, 0xff] {
        let mut gone = writer.bytes.clone();
        gone[frame..next].fill(fill);
        let reading = read(&gone);
        assert_eq!(indices(&reading), [1, 2, 4, 5, 6, 7, 8], "{fill}");
        assert_eq!(reading.classes, [Class::WalRecordInvalid], "{fill}");
        // The chain is broken for one record, and known again behind it.
        let verdicts: Vec<_> = Records::new(&gone, Chain::START, true).map(|record| (record.crc, record.follows_break)).collect();
        assert_eq!(verdicts.iter().filter(|v| **v == (Verdict::Unchecked, true)).count(), 1);
        assert!(verdicts.iter().all(|(crc, _)| *crc != Verdict::Differs));
    }
}

/// Three segments of four entries each.
fn three_segments() -> [(String, Vec<u8>); 3] {
    let mut crc = 0;
    [0u64, 1, 2].map(|seq| {
        let mut writer = if seq == 0 { Writer::first() } else { Writer::segment(crc) };
        if seq > 0 {
            writer.state(1, seq * 4);
        }
        for index in seq * 4 + 1..=seq * 4 + 4 {
            writer.entry(1, index, &[9; 50]).state(1, index);
        }
        crc = writer.crc;
        let index = if seq == 0 { 0 } else { seq * 4 + 1 };
        (format!("{seq:016x}-{index:016x}.wal"), writer.bytes)
    })
}

#[test]
fn the_chain_goes_on_from_segment_to_segment() {
    let segments = three_segments();
    let all: Vec<_> = segments.iter().map(|(name, bytes)| (Some(name.as_str()), &bytes[..])).collect();
    let reading = read_all(&all);
    assert!(reading.classes.is_empty(), "{:?}", reading.classes);
    assert!(reading.entries.iter().all(|(_, crc)| *crc == Verdict::Matches));
    assert_eq!(reading.log.commit(), Some(12));
    // A purged log begins with any segment.
    let purged = read_all(&all[1..]);
    assert!(purged.classes.is_empty(), "{:?}", purged.classes);
    assert_eq!(indices(&purged), [5, 6, 7, 8, 9, 10, 11, 12]);
}

#[test]
fn a_missing_segment_and_segments_out_of_order_are_told() {
    let segments = three_segments();
    let [first, second, third] = [0, 1, 2].map(|at: usize| (Some(segments[at].0.as_str()), &segments[at].1[..]));
    assert_eq!(read_all(&[first, third]).classes, [Class::WalGap]);
    let swapped = read_all(&[first, (second.0, third.1), (third.0, second.1)]);
    assert!(swapped.classes.contains(&Class::WalCrcMismatch) && swapped.classes.contains(&Class::WalSequence), "{:?}", swapped.classes);
    assert_eq!(swapped.entries.len(), 12);
    let renamed = read_all(&[first, (Some("0000000000000001-0000000000000063.wal"), second.1)]);
    assert_eq!(renamed.classes, [Class::WalSegmentOrder]);
    let twice = read_all(&[first, first]);
    assert!(twice.classes.contains(&Class::WalSegmentOrder), "{:?}", twice.classes);
    assert_eq!(read_all(&[first, (second.0, &[]), third]).entries.len(), 8);
}

#[test]
fn what_a_later_leader_wrote_anew_is_overridden_and_nothing_else() {
    let mut writer = Writer::first();
    for index in 1..=6 {
        writer.entry(1, index, b"old");
    }
    writer.state(1, 3).entry(2, 5, b"new").entry(2, 6, b"new").entry(3, 6, b"newer").state(3, 6);
    let reading = read(&writer.bytes);
    assert!(reading.classes.is_empty(), "{:?}", reading.classes);
    let overridden: Vec<_> = Records::new(&writer.bytes, Chain::START, true)
        .filter_map(|record| match record.content() {
            Ok(Content::Entry(entry)) => Some((entry.term, entry.index, reading.log.is_overridden(0, record.offset, entry.index))),
            _ => None,
        })
        .collect();
    let expected = [
        (1, 1, false),
        (1, 2, false),
        (1, 3, false),
        (1, 4, false),
        (1, 5, true),
        (1, 6, true),
        (2, 5, false),
        (2, 6, true),
        (3, 6, false),
    ];
    assert_eq!(overridden, expected);
}

#[test]
fn what_cannot_follow_is_told() {
    type Write = fn(&mut Writer) -> &mut Writer;
    let odd: [(&str, Class, Write); 8] = [
        ("an index is left out", Class::WalGap, |w| w.entry(1, 8, b"x")),
        ("the index goes back in the same term", Class::WalSequence, |w| w.entry(1, 4, b"x")),
        ("a committed entry is written anew", Class::WalSequence, |w| w.entry(2, 4, b"x")),
        ("no term is so large", Class::WalSequence, |w| w.entry(u64::MAX, 6, b"x")),
        ("a commit beyond the log", Class::WalSequence, |w| w.state(1, 9)),
        ("a commit goes back", Class::WalSequence, |w| w.state(1, 2)),
        ("a CRC record in the middle", Class::WalSequence, |w| w.frame(4, None)),
        ("a record that is none", Class::WalRecordInvalid, |w| w.frame(2, Some(vec![0xff; 9]))),
    ];
    for (what, class, write) in odd {
        let mut writer = Writer::first();
        writer.entries(5);
        write(&mut writer);
        assert_eq!(read(&writer.bytes).classes, [class], "{what}");
    }
}

/// Each is saved by a task of its own up to etcd 3.5, where writes are quick and the interval between snapshots is small.
#[test]
fn marks_of_snapshots_may_stand_in_any_order_and_their_terms_may_not() {
    let classes = |marks: &[(u64, u64)]| {
        let mut writer = Writer::first();
        writer.entries(5);
        for (index, term) in marks {
            writer.frame(5, Some(walpb::Snapshot { index: Some(*index), term: Some(*term), conf_state: None }.encode_to_vec()));
        }
        read(&writer.bytes).classes
    };
    for in_order in [&[(2, 1), (4, 1), (3, 1), (5, 1)][..], &[(4, 2), (2, 1)], &[(4, 1), (4, 1)]] {
        assert_eq!(classes(in_order), [], "{in_order:?}");
    }
    for against_it in [&[(2, 2), (4, 1)][..], &[(4, 1), (2, 2)], &[(4, 1), (2, 1), (3, 2)]] {
        assert_eq!(classes(against_it), [Class::WalSequence], "{against_it:?}");
    }
}

#[test]
fn names_of_segments_are_sixteen_digits_each() {
    let name = SegmentName::parse("000000000000000a-00000000000f4240.wal");
    assert_eq!(name, Some(SegmentName { seq: 10, index: 1_000_000 }));
    for other in
        ["0.tmp", "a-b.wal", "000000000000000A-0000000000000000.wal", "0000000000000000-0000000000000000.wal.broken", ".wal", "-.wal"]
    {
        assert_eq!(SegmentName::parse(other), None, "{other}");
    }
}

proptest! {
    #[test]
    fn any_log_reads_as_it_was_written(entries in prop::collection::vec((0u64..3, prop::collection::vec(any::<u8>(), 0..700)), 0..20)) {
        let mut writer = Writer::first();
        let mut term = 1;
        let mut written = Vec::new();
        for (index, (election, data)) in (1..).zip(&entries) {
            term += election;
            writer.entry(term, index, data).state(term, index);
            written.push((term, index, data.clone()));
        }
        let mut records = Records::new(&writer.bytes, Chain::START, true);
        let mut read = Vec::new();
        for record in records.by_ref() {
            prop_assert_eq!(record.crc, Verdict::Matches);
            if let Content::Entry(Entry { term, index, data, .. }) = record.content().unwrap() {
                read.push((term, index, data.to_vec()));
            }
        }
        prop_assert_eq!(read, written);
        prop_assert!(records.finish().anomalies.is_empty());
    }

    #[test]
    fn any_state_and_snapshot_read_as_prost_reads_them(term in 1u64.., vote in any::<u64>(), commit in any::<u64>()) {
        let bytes = raftpb::HardState { term: Some(term), vote: Some(vote), commit: Some(commit) }.encode_to_vec();
        prop_assert_eq!(HardState::parse(&bytes), Ok(HardState { term, vote, commit }));
        let conf = raftpb::ConfState { voters: vec![vote], learners: vec![] };
        let bytes = walpb::Snapshot { index: Some(commit), term: Some(term), conf_state: Some(conf) }.encode_to_vec();
        let record = Record { offset: 0, kind: Kind::Snapshot, data: &bytes, crc: Verdict::Matches, follows_break: false, is_torn: false };
        prop_assert_eq!(record.content(), Ok(Content::Snapshot(SnapshotMark { index: commit, term })));
    }

    #[test]
    fn any_bytes_are_read_to_their_end(bytes in prop::collection::vec(any::<u8>(), 0..600), pieces in prop::collection::vec(0usize..9, 0..6)) {
        // Pieces of a real log between noise, so that frames are met.
        let mut writer = Writer::first();
        writer.entries(3);
        let mut all = bytes.clone();
        for piece in pieces {
            let (from, to) = (writer.frames[piece], writer.frames.get(piece + 1).copied().unwrap_or(writer.bytes.len()));
            all.extend(&writer.bytes[from..to]);
            all.extend(bytes.iter().take(piece * 8));
        }
        let reading = read(&all);
        prop_assert!(reading.offsets.iter().flatten().all(|offset| *offset <= all.len() as u64));
    }
}
