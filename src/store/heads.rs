//! Whose a file is, before it is read: only its head is looked at.

use crate::etcd::Schema;
use crate::etcd::raft::Snapshot;
use crate::etcd::wal::{Chain, Content, Metadata, Records};
use crate::evidence::Evidence;

use super::OpenedDatabase;
use super::log::name_of;

/// The member's and the cluster's ID that a segment of a log begins with.
pub(crate) fn ids_of_log(segment: &Evidence) -> Option<(u64, u64)> {
    let mut records = Records::new(segment.content(), Chain::default(), true);
    records.find_map(|record| match record.content() {
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
