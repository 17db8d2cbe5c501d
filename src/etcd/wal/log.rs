//! The log over all its segments: what can follow what, what is committed, and what was overridden.

use super::chain::{Chain, Verdict};
use super::record::{Content, Kind, Metadata, Record, SnapshotMark};
use super::segment::SegmentName;
use crate::etcd::raft::{Entry, HardState};
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::words::span;

/// Terms count elections. More than this between two entries is damage: one type of record read as another has a member's
/// ID where a term should be.
const TERM_JUMP: u64 = 1 << 32;

/// The log of one member, segment after segment.
#[derive(Clone, Debug, Default)]
pub struct Log {
    segments: usize,
    name: Option<SegmentName>,
    chain: Chain,
    /// The record before was the CRC record of a segment, so metadata must follow.
    expects_metadata: bool,
    metadata: Option<Metadata>,
    /// The last entry, or the snapshot that stands for it.
    last: Option<SnapshotMark>,
    /// Records may be missing since the last entry.
    has_gap: bool,
    state: Option<HardState>,
    /// The snapshot of the newest entry so far.
    newest_mark: SnapshotMark,
    overrides: Vec<Override>,
    /// Segments or entries stand in another order than they were written in.
    is_disordered: bool,
}

/// An entry from which on a later leader wrote the log anew.
#[derive(Clone, Copy, Debug)]
struct Override {
    segment: usize,
    offset: u64,
    index: u64,
}

impl Log {
    /// Begins the next segment, and says what its CRC chain goes on from.
    pub fn begin(&mut self, name: Option<SegmentName>, anomalies: &mut Anomalies) -> Chain {
        let follows = match (self.name, name) {
            (Some(before), Some(name)) => self.follows(before, name, anomalies),
            (None, Some(name)) if name.seq == 0 => {
                self.chain = Chain::START;
                true
            }
            _ => false,
        };
        if !follows {
            self.chain = Chain::Unknown;
            self.has_gap = self.last.is_some();
        }
        self.segments = self.segments.saturating_add(1);
        self.name = name;
        self.expects_metadata = false;
        self.chain
    }

    /// Ends a segment whose records left the CRC chain here.
    pub fn end(&mut self, chain: Chain) {
        self.chain = chain;
    }

    /// Takes the next record, and gives the message in it.
    pub fn observe<'data>(&mut self, record: &Record<'data>, anomalies: &mut Anomalies) -> Option<Content<'data>> {
        if record.is_torn {
            return None;
        }
        let content = match record.content() {
            Ok(content) => content,
            Err(damage) => {
                self.has_gap = true;
                if record.crc != Verdict::Differs {
                    let detail = || format!("{} whose data are none: {damage}", record.kind.name());
                    anomalies.note(Class::WalRecordInvalid, Some(record.offset), None, detail);
                }
                return None;
            }
        };
        self.has_gap |= record.follows_break;
        // What was altered is noted already, and says nothing of the others.
        if record.crc == Verdict::Differs {
            self.has_gap = true;
            self.expects_metadata = record.kind == Kind::Crc;
        } else if let Err(reason) = self.place(record).and(self.go_on(&content, record.offset, anomalies)) {
            anomalies.note(Class::WalSequence, Some(record.offset), None, || reason);
        }
        Some(content)
    }

    /// The index up to which the last hard state calls the log committed.
    pub fn commit(&self) -> Option<u64> {
        self.state.map(|state| state.commit)
    }

    /// The last hard state.
    pub fn state(&self) -> Option<HardState> {
        self.state
    }

    /// Which member's log it is.
    pub fn metadata(&self) -> Option<Metadata> {
        self.metadata
    }

    /// Index of the last entry.
    pub fn last_index(&self) -> Option<u64> {
        self.last.map(|last| last.index)
    }

    /// Whether records stand in the order in which they were written. Where not, what overrides what is not known.
    pub fn is_in_order(&self) -> bool {
        !self.is_disordered
    }

    /// Whether a later leader wrote any of it anew.
    pub fn has_overrides(&self) -> bool {
        !self.overrides.is_empty()
    }

    /// Whether a later leader wrote the log anew from this entry or an earlier one on. Segments are counted from 0.
    pub fn is_overridden(&self, segment: usize, offset: u64, index: u64) -> bool {
        // Their indices rise with their places, so the first behind the entry has the lowest.
        let after = self.overrides.partition_point(|o| (o.segment, o.offset) <= (segment.saturating_add(1), offset));
        self.overrides.get(after).is_some_and(|o| o.index <= index)
    }

    fn follows(&mut self, before: SegmentName, name: SegmentName, anomalies: &mut Anomalies) -> bool {
        if name.seq > before.seq.saturating_add(1) {
            let (first, last) = (before.seq.saturating_add(1), name.seq.saturating_sub(1));
            anomalies.note(Class::WalGap, Some(0), None, || {
                format!("{} {} missing before this one", span("segment", first, last), if first == last { "is" } else { "are" })
            });
            return false;
        }
        if name.seq <= before.seq {
            self.is_disordered = true;
            let detail = || format!("segment {} stands behind segment {}", name.seq, before.seq);
            anomalies.note(Class::WalSegmentOrder, Some(0), None, detail);
            return false;
        }
        if let Some(last) = self.last.filter(|last| !self.has_gap && last.index.saturating_add(1) != name.index) {
            self.is_disordered = true;
            let detail = || format!("named for entry {}, but the segment before ends with entry {}", name.index, last.index);
            anomalies.note(Class::WalSegmentOrder, Some(0), None, detail);
        }
        true
    }

    /// Whether a record of this type can stand here in a segment.
    fn place(&mut self, record: &Record<'_>) -> Result<(), String> {
        let expects_metadata = std::mem::replace(&mut self.expects_metadata, record.kind == Kind::Crc);
        let what = record.kind.name();
        match (record.kind, record.offset, expects_metadata) {
            (Kind::Crc, 0, _) => Ok(()),
            (Kind::Crc, ..) => Err(format!("{what} in the middle of a segment")),
            (_, 0, _) => Err(format!("a segment begins with a CRC record; here stands {what}")),
            (Kind::Metadata, _, false) if !record.follows_break => Err("a metadata record in the middle of a segment".to_owned()),
            (Kind::Metadata, ..) => Ok(()),
            (_, _, true) => Err(format!("behind the CRC record of a segment stands its metadata; here stands {what}")),
            _ => Ok(()),
        }
    }

    fn go_on(&mut self, content: &Content<'_>, offset: u64, anomalies: &mut Anomalies) -> Result<(), String> {
        match content {
            Content::Crc => Ok(()),
            Content::Metadata(metadata) => match *self.metadata.get_or_insert(*metadata) {
                known if known == *metadata => Ok(()),
                known => Err(format!("the log of member {:x}, but it began as that of {:x}", metadata.node_id, known.node_id)),
            },
            Content::Entry(entry) => self.entry(entry, offset, anomalies),
            Content::State(state) => self.hard_state(*state),
            Content::Snapshot(mark) => self.mark(*mark),
        }
    }

    fn entry(&mut self, entry: &Entry<'_>, offset: u64, anomalies: &mut Anomalies) -> Result<(), String> {
        let Entry { index, term, .. } = *entry;
        let Some(last) = self.last.replace(SnapshotMark { index, term }) else { return Ok(()) };
        let has_gap = std::mem::take(&mut self.has_gap);
        let next = last.index.saturating_add(1);
        if term < last.term {
            self.is_disordered = true;
            return Err(format!("entry {index} of term {term} behind one of term {}", last.term));
        }
        if term.saturating_sub(last.term) > TERM_JUMP {
            self.last = Some(last);
            return Err(format!("entry {index} of a term that cannot be, behind one of term {}", last.term));
        }
        if index > next {
            let last = index.saturating_sub(1);
            let missing = || format!("{} {} missing", span("entry", next, last), if next == last { "is" } else { "are" });
            // Where records are damaged, what was lost with them is not a gap of its own.
            if !has_gap {
                anomalies.note(Class::WalGap, Some(offset), None, missing);
            }
        } else if index < next && term == last.term {
            self.is_disordered = true;
            return Err(format!("entry {index} behind entry {} of the same term", last.index));
        } else if index < next {
            let segment = self.segments;
            while self.overrides.pop_if(|o| o.index >= index).is_some() {}
            self.overrides.push(Override { segment, offset, index });
            if self.commit().is_some_and(|commit| index <= commit) {
                self.is_disordered = true;
                return Err(format!("entry {index} is written anew, but was committed"));
            }
        }
        Ok(())
    }

    fn hard_state(&mut self, state: HardState) -> Result<(), String> {
        let before = self.state.replace(state).unwrap_or_default();
        if state.term < before.term || state.commit < before.commit {
            return Err(format!(
                "a hard state of term {}, commit {} behind one of term {}, commit {}",
                state.term, state.commit, before.term, before.commit
            ));
        }
        match self.last {
            Some(last) if !self.has_gap && state.commit > last.index => {
                Err(format!("a hard state that commits entry {}, where the last one is {}", state.commit, last.index))
            }
            _ => Ok(()),
        }
    }

    fn mark(&mut self, mark: SnapshotMark) -> Result<(), String> {
        // One that a leader sent stands for entries that never were in this log.
        if self.last.is_none_or(|last| last.index < mark.index) {
            self.last = Some(mark);
        }
        // Up to etcd 3.5 each snapshot is saved by a task of its own, so that a later one may be marked first. Terms grow with indices.
        let newest = self.newest_mark;
        let (older, newer) = if mark.index < newest.index { (mark, newest) } else { (newest, mark) };
        self.newest_mark = newer;
        if older.term > newer.term {
            return Err(format!(
                "a snapshot of entry {} of term {}, where that of entry {} is of term {}",
                newer.index, newer.term, older.index, older.term
            ));
        }
        Ok(())
    }
}
