//! A segment of a log: its records, read once for what they say, and its entries.

use super::seen::Seen;
use crate::etcd::raft::{CutEntry, Entry};
use crate::etcd::wal::{self, Chain, Records, SegmentName};
use crate::evidence::Evidence;
use crate::evidence::anomaly::{Anomalies, Bearing, Class};
use crate::evidence::range;
use crate::evidence::words::noun;
use crate::store::facts::{Content, Facts, Kind, LogFacts};

/// A segment whose records were read once.
pub(super) struct Segment<'data> {
    pub(super) facts: Facts,
    pub(super) anomalies: Anomalies,
    pub(super) evidence: &'data Evidence,
    chain: Chain,
    is_last: bool,
}

impl<'data> Segment<'data> {
    pub(super) fn read(evidence: &'data Evidence, is_last: bool, log: &mut wal::Log, seen: &mut Seen<'data>) -> Self {
        let bytes = evidence.content();
        let mut anomalies = Anomalies::default();
        evidence.note_anomalies(&mut anomalies);
        let mut facts = Facts::of(evidence, Kind::Wal, Content::Log(Box::default()));
        let mut counts = LogFacts::default();
        let chain = log.begin(name_of(evidence), &mut anomalies);
        let mut records = Records::new(bytes, chain, is_last);
        let mut has_crc = false;
        for record in records.by_ref() {
            has_crc |= record.kind == wal::Kind::Crc && record.offset == 0 && !record.is_torn;
            match log.observe(&record, &mut anomalies) {
                Some(wal::Content::Entry(entry)) => {
                    counts.add_entry(&entry);
                    let newest = seen.entry(&entry, record.offset, &mut counts, &mut anomalies);
                    facts.newest_object_time = facts.newest_object_time.max(newest);
                }
                Some(wal::Content::State(state)) => {
                    counts.term = counts.term.max(Some(state.term));
                    counts.commit = Some(state.commit);
                }
                Some(wal::Content::Metadata(member)) => counts.member = Some((member.node_id, member.cluster_id)),
                Some(wal::Content::Crc | wal::Content::Snapshot(_)) | None => {}
            }
        }
        let read = records.finish();
        log.end(read.chain);
        (counts.records, counts.end) = (read.records, read.end);
        anomalies.merge(read.anomalies);
        // What is preallocated for the next segment bears no segment's name until it has its beginning.
        counts.is_zero = !bytes.is_empty() && range::is_zero(bytes);
        counts.is_preallocated = name_of(evidence).is_none() && counts.is_zero;
        if !(has_crc && counts.member.is_some() || counts.is_preallocated || anomalies.any(Bearing::Damaged)) {
            let lacks = if counts.is_zero { "with zeros where its records should be" } else { "without its beginning" };
            anomalies.note(Class::FileTruncated, None, None, || {
                let size = bytes.len();
                format!(
                    "a segment of {size} {} {lacks}: etcd names none before its CRC and its metadata are written",
                    noun(size as u64, "byte")
                )
            });
        }
        facts.content = Content::Log(Box::new(counts));
        Self { facts, anomalies, evidence, chain, is_last }
    }

    pub(super) fn count_overridden(&mut self, number: usize, log: &wal::Log) {
        let overridden = self.entries().filter(|(offset, entry)| log.is_overridden(number, *offset, entry.index)).count() as u64;
        if let Content::Log(facts) = &mut self.facts.content {
            facts.overridden = overridden;
        }
    }

    /// Its entries, each with the place of its record.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u64, Entry<'data>)> + use<'data> {
        Records::new(self.evidence.content(), self.chain, self.is_last).filter_map(|record| match record.content() {
            Ok(wal::Content::Entry(entry)) if !record.is_torn => Some((record.offset, entry)),
            _ => None,
        })
    }

    /// What is there of an entry whose write was interrupted, with the place of its record.
    pub(super) fn cut_entry(&self) -> Option<(u64, CutEntry<'data>)> {
        let torn = Records::new(self.evidence.content(), self.chain, self.is_last).find(|record| record.is_torn)?;
        (torn.kind == wal::Kind::Entry).then(|| CutEntry::parse(torn.data)).flatten().map(|entry| (torn.offset, entry))
    }
}

/// The name of a segment that an evidence bears.
pub(in crate::store) fn name_of(evidence: &Evidence) -> Option<SegmentName> {
    evidence.path().file_name()?.to_str().and_then(SegmentName::parse)
}
