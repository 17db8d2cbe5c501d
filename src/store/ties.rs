//! What ties the segments of one log to each other, and a raft snapshot to its log, by nothing but their bytes.
//!
//! * A segment begins with the running CRC that the one before it ends with.
//! * Two logs of one cluster that have an entry of the same index and term have the same entry, and the header of a request has an ID that
//!   is drawn at random.
//! * Before a raft snapshot is written, the log has a record of its index and term.
//!
//! Source: etcd `server/storage/wal/wal.go` (`cut`), `server/storage/storage.go` (`SaveSnap`); Raft, section 5.3 (Log Matching).

use std::collections::{BTreeMap, BTreeSet};

use super::heads::ids_of_log;
use crate::etcd::raft::{EntryKind, Snapshot};
use crate::etcd::wal::{Chain, Content, Records, Verdict};
use crate::evidence::Evidence;
use crate::evidence::digest::Sha256Digest;

/// Index and term of an entry.
type At = (u64, u64);

/// What of a log's segments others can be held to.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogTies {
    ids: Option<(u64, u64)>,
    /// Running CRCs that its segments begin with.
    begins: BTreeSet<u32>,
    /// Running CRCs that they end with.
    ends: BTreeSet<u32>,
    /// Entries that ask for something, each with the digest of what.
    requests: BTreeMap<At, Sha256Digest>,
    /// Entries at which raft snapshots were taken, by its own records.
    marks: BTreeSet<At>,
}

impl LogTies {
    /// Reads all segments.
    pub(crate) fn of<'a>(segments: impl IntoIterator<Item = &'a Evidence>) -> Self {
        let mut ties = Self::default();
        segments.into_iter().for_each(|segment| ties.add(segment));
        ties
    }

    /// Adds a segment.
    pub(crate) fn add(&mut self, segment: &Evidence) {
        self.ids = self.ids.or_else(|| ids_of_log(segment));
        let mut first = Records::new(segment.content(), Chain::default(), true);
        first.next();
        self.begins.extend(known(first.finish().chain));
        let mut records = Records::new(segment.content(), Chain::default(), true);
        for record in records.by_ref().filter(|record| record.crc != Verdict::Differs) {
            match record.content() {
                Ok(Content::Entry(entry)) if entry.kind == EntryKind::Normal && !entry.data.is_empty() => {
                    self.requests.insert((entry.index, entry.term), Sha256Digest::of(entry.data));
                }
                Ok(Content::Snapshot(mark)) => drop(self.marks.insert((mark.index, mark.term))),
                _ => {}
            }
        }
        self.ends.extend(known(records.finish().chain));
    }

    /// Whether a segment is proven to be one of this log: it goes on from one of it, or before one, or has a request of it. Equal IDs alone
    /// prove nothing.
    pub(crate) fn tie(&self, segment: &Evidence) -> bool {
        let other = Self::of([segment]);
        let mut shared = other.requests.iter().filter_map(|(at, request)| Some(self.requests.get(at)? == request)).peekable();
        let has_a_request = shared.peek().is_some();
        let is_beside = !self.ends.is_disjoint(&other.begins) || !self.begins.is_disjoint(&other.ends);
        self.ids.is_some() && self.ids == other.ids && shared.all(|is_same| is_same) && (has_a_request || is_beside)
    }

    /// Whether a raft snapshot is proven to be this member's: it is whole, has the member, and the log says that it was taken. IDs that every
    /// cluster of one member has that was started without options prove nothing.
    pub(crate) fn tie_snapshot(&self, snapshot: &Evidence, of_everybody: (u64, u64)) -> bool {
        let (Some(ids), Ok(snapshot)) = (self.ids, Snapshot::parse(snapshot.content())) else { return false };
        ids != of_everybody
            && snapshot.crc_matches
            && snapshot.members().contains(&ids.0)
            && self.marks.contains(&(snapshot.index, snapshot.term))
    }
}

/// A running CRC that says something: every log begins with zero.
fn known(chain: Chain) -> Option<u32> {
    match chain {
        Chain::At(0) | Chain::Unknown | Chain::Either { .. } => None,
        Chain::At(crc) => Some(crc),
    }
}
