//! Whose a file is, before it is read: only its head is looked at.

use std::collections::{BTreeMap, BTreeSet};

use crate::etcd::Schema;
use crate::etcd::raft::{Entry, EntryKind, MembershipChange, Snapshot};
use crate::etcd::wal::{Chain, Content, Metadata, Records, Verdict};
use crate::evidence::Evidence;

use super::OpenedDatabase;
use super::log::name_of;

/// The member's and the cluster's ID that a segment of a log begins with, as they were written.
pub(crate) fn ids_of_log(segment: &Evidence) -> Option<(u64, u64)> {
    let records = Records::new(segment.content(), Chain::default(), true);
    records.filter(|record| record.crc != Verdict::Differs).find_map(|record| match record.content() {
        Ok(Content::Metadata(Metadata { node_id, cluster_id })) => Some((node_id, cluster_id)),
        _ => None,
    })
}

/// Whether one of a log's segments, in their order, has an entry of this index. Where the term is known, it must be that entry's.
pub(crate) fn log_has_entry<'a>(segments: impl IntoIterator<Item = &'a Evidence>, index: u64, term: Option<u64>) -> bool {
    // A segment's name says which entry it begins with, so that only the last one that begins early enough can have it.
    let begins_early = |segment: &&Evidence| name_of(segment).is_none_or(|name| name.index <= index);
    let Some(segment) = segments.into_iter().filter(begins_early).last() else { return false };
    Records::new(segment.content(), Chain::default(), true).any(|record| match record.content() {
        Ok(Content::Entry(entry)) => entry.index == index && term.is_none_or(|term| entry.term == term),
        _ => false,
    })
}

/// What a database's small buckets say; `None` where there is none in it.
pub(crate) fn schema_of(database: &Evidence) -> Option<Schema> {
    OpenedDatabase::open(database).ok().map(|opened| Schema::peek(&opened.db))
}

/// IDs of the members that a raft snapshot names.
pub(crate) fn members_of_snapshot(snapshot: &Evidence) -> Option<Vec<u64>> {
    Snapshot::parse(snapshot.content()).ok().map(|snapshot| snapshot.members())
}

/// What a log says of the cluster's members.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogMembership {
    /// Whether it has every entry from the first one on, undamaged, so that nothing of it stands in a raft snapshot alone.
    pub is_from_the_first: bool,
    /// Its last entry.
    pub last: u64,
    /// Members that entries add, each with the first of them.
    pub added: BTreeMap<u64, u64>,
    /// Members that entries remove.
    pub removed: BTreeSet<u64>,
    /// The term of the entry that was asked for.
    pub term: Option<u64>,
    /// Entries at which raft snapshots were taken, by its own records.
    pub snapshots: BTreeSet<u64>,
    /// The first entry that asks for something.
    first_request: Option<u64>,
}

impl LogMembership {
    /// Reads all segments, which are in their order. `asked`: the entry whose term is asked for.
    pub(crate) fn of(segments: &[&Evidence], asked: u64) -> Self {
        let mut log = Self { is_from_the_first: true, ..Self::default() };
        for segment in segments {
            for record in Records::new(segment.content(), Chain::default(), true).filter(|record| !record.is_torn) {
                let is_sound = record.crc != Verdict::Differs && !record.follows_break;
                match record.content() {
                    Ok(Content::Entry(entry)) if is_sound => log.see(&entry, asked),
                    Ok(Content::Snapshot(mark)) => {
                        log.is_from_the_first &= is_sound && log.has_all_before(mark.index);
                        log.snapshots.insert(mark.index);
                    }
                    Ok(_) => log.is_from_the_first &= is_sound,
                    Err(_) => log.is_from_the_first = false,
                }
            }
        }
        log
    }

    /// Whether what a raft snapshot stands for comes from its entries alone. Of a member that was restored it does not: its first one stands
    /// for changes of membership, and for the database that was put beside them.
    fn has_all_before(&self, index: u64) -> bool {
        index == 0 || index <= self.last && self.first_request.is_some_and(|first| first <= index)
    }

    fn see(&mut self, entry: &Entry<'_>, asked: u64) {
        if entry.kind == EntryKind::Normal && !entry.data.is_empty() {
            self.first_request = self.first_request.or(Some(entry.index));
        }
        self.is_from_the_first &= entry.index <= self.last.saturating_add(1) && entry.kind != EntryKind::ConfChangeV2;
        self.last = entry.index;
        if entry.index == asked {
            self.term = Some(entry.term);
        }
        match entry.membership() {
            Some(MembershipChange::Added(id)) => drop(self.added.entry(id).or_insert(entry.index)),
            Some(MembershipChange::Removed(id)) => drop(self.removed.insert(id)),
            None => {}
        }
    }
}
