//! The database, the raft snapshots and the log of a member are one story: what stands in none of them is told.
//!
//! ```text
//! entries   1 ....... first ........ applied ....... last
//! raft snapshot   stands for all up to its index; etcd commits the database before it writes one, so `index <= applied`
//! database        has applied all up to `applied`; the log, or a snapshot, must reach it: `applied <= last`
//! log             begins where the database can go on: `first <= applied + 1`
//! ```
//! Source: etcd `server/etcdserver/server.go` (`snapshot`, `snapshotIfNeededAndCompactRaftLog`), `server/storage/backend.go`
//! (`RecoverSnapshotBackend`), `server/etcdserver/bootstrap.go`.

use std::path::Path;

use super::member::ReadEvidence;
use super::stranger::name_beside;
use crate::evidence::anomaly::{Anomalies, Class};
use crate::store::{Content, Store, Unapplied};

/// What of the entries stands where.
#[derive(Clone, Copy, Debug)]
struct Entries {
    /// The last one that the database has applied.
    applied: u64,
    /// The last one that a raft snapshot stands for.
    newest: Option<u64>,
    /// The first one of the log.
    first: Option<u64>,
    /// The last one of the log.
    last: Option<u64>,
    /// The last one that is called committed.
    committed: Option<u64>,
    /// Some are missing within the log.
    has_gap: bool,
    /// Nothing can be read of a segment, and which entries stood in it is not known.
    lacks_segment: bool,
    /// There is a log, with entries that can be read or without.
    has_log: bool,
}

impl Entries {
    /// Those of the member's own evidences; `None`: what the database has applied is not known.
    fn of(evidences: &[ReadEvidence<'_>]) -> Option<Self> {
        let own = || evidences.iter().filter(|evidence| evidence.is_own()).map(|evidence| evidence.store.profile());
        let logs = || own().filter_map(|profile| profile.facts.log());
        let newest = own().filter_map(|profile| profile.facts.sound_snapshot_index()).max();
        Some(Self {
            applied: own().find_map(|profile| profile.facts.database()?.schema.consistent_index)?,
            newest,
            first: logs().filter_map(|log| log.indices).map(|(first, _)| first).min(),
            last: logs().filter_map(|log| log.indices).map(|(_, last)| last).max(),
            committed: logs().filter_map(|log| log.commit).max().max(newest),
            has_log: logs().next().is_some(),
            has_gap: own().any(|profile| profile.facts.log().is_some() && profile.anomalies.counts().contains_key(&Class::WalGap)),
            lacks_segment: logs().any(|log| log.entries == 0 && log.member.is_none()),
        })
    }

    /// Entries between the database and the log, where they stand nowhere: the first and the last.
    fn between(&self) -> Option<(u64, u64)> {
        let first = self.first.filter(|first| *first > self.applied.saturating_add(1))?;
        Some((self.applied.saturating_add(1), first.saturating_sub(1)))
    }

    /// Committed entries behind the database that are not there: the first and the last of those before the log, else of those behind it.
    fn missing(&self) -> Option<(u64, u64)> {
        let last = self.last.unwrap_or(0).max(self.applied);
        let behind = self.committed.filter(|committed| *committed > last).map(|committed| (last.saturating_add(1), committed));
        self.between().or(behind)
    }

    /// Whether committed entries that the database has not applied are not there: then any key may be written or deleted in them.
    fn lack_some_behind(&self) -> bool {
        self.missing().is_some() || self.lacks_segment || self.has_gap && self.last.is_some_and(|last| last > self.applied)
    }
}

/// What of a member is newer than its database: entries of its log that write or delete a key, or may, and entries that stand nowhere; the first and the last of each.
pub(super) struct Newer {
    pub in_log: Option<(u64, u64)>,
    pub nowhere: Option<(u64, u64)>,
}

impl Newer {
    pub(super) fn of(evidences: &[ReadEvidence<'_>]) -> Self {
        let own = evidences.iter().filter(|evidence| evidence.is_own()).map(|evidence| evidence.store.profile());
        let writes = own.filter_map(|profile| profile.facts.log()?.ahead_writes);
        let in_log = writes.reduce(|(first, last), (from, to)| (first.min(from), last.max(to)));
        Self { in_log, nowhere: Entries::of(evidences).and_then(|entries| entries.missing()) }
    }
}

/// Notes in the member's own evidences where they leave something out between them, and tells the database what its log has behind it.
/// `strangers`: databases in the same directory that are not the member's.
/// `has_next`: one of them is what the member goes on with.
pub(super) fn hold_together(evidences: &mut [ReadEvidence<'_>], strangers: &[&Path], has_next: bool) {
    let entries = Entries::of(evidences);
    note_unapplied(evidences, entries.is_some_and(|entries| entries.lack_some_behind()));
    let Some(entries) = entries else { return };
    let Entries { applied, newest, first, .. } = entries;
    // Of a log without an entry that can be read nothing reaches the database.
    let last = entries.last.max(newest).or(entries.has_log.then_some(0));
    let replacement = newest.map_or_else(String::new, name_beside);
    let has_replacement = strangers.iter().any(|path| path.ends_with(&replacement))
        || evidences.iter().any(|evidence| evidence.store.profile().facts.path.ends_with(&replacement));
    let newest_snapshot = newest_snapshot(evidences);
    let mut first_segment = true;
    for evidence in evidences.iter_mut().filter(|evidence| evidence.is_own()) {
        let facts = &evidence.store.profile().facts;
        let mut found = Anomalies::default();
        if facts.database().is_some()
            && let Some((index, name)) = newest_snapshot.as_ref().filter(|(index, _)| *index > applied)
        {
            let (class, then) = match (has_next, has_replacement) {
                (true, _) => {
                    (Class::DatabaseReplaced, format!("it came with {replacement}, which etcd puts in this one's place when it starts"))
                }
                (false, true) => (Class::RaftSnapshotAhead, format!("etcd puts {replacement} in the database's place when it starts")),
                (false, false) => (Class::RaftSnapshotAhead, format!("etcd does not start on it, since there is no {replacement}")),
            };
            found.note(class, None, None, || {
                format!("it has applied all entries up to {applied}, and the raft snapshot {name} stands for those up to {index}: {then}")
            });
        }
        if facts.database().is_some()
            && let Some(last) = last.filter(|last| *last < applied)
            && entries.has_log
        {
            let ends = if last == 0 { "has no entry that can be read".to_owned() } else { format!("ends at {last}") };
            found.note(Class::IndexPastLog, None, None, || {
                format!("it has applied all entries up to {applied}; the log {ends}, and what follows stands nowhere")
            });
        }
        if facts.log().is_some()
            && std::mem::take(&mut first_segment)
            && let (Some(first), Some((from, to))) = (first, entries.between())
            // What the database stands for that the member goes on with is there.
            && !(has_next && newest.is_some_and(|newest| newest >= to))
        {
            found.note(Class::WalGap, None, None, || {
                format!("the database has applied all entries up to {applied}, and the log begins at {first}: entries {from} to {to} stand nowhere")
            });
        }
        if !found.is_empty() {
            evidence.store.profile_mut().add_anomalies(found);
        }
    }
}

/// What the newest raft snapshot of the member stands for, and its name.
fn newest_snapshot(evidences: &[ReadEvidence<'_>]) -> Option<(u64, String)> {
    let own = evidences.iter().filter(|evidence| evidence.is_own()).map(|evidence| &evidence.store.profile().facts);
    let newest = own.filter_map(|facts| Some((facts.sound_snapshot_index()?, facts))).max_by_key(|(index, _)| *index);
    newest.map(|(index, facts)| (index, facts.path.file_name().unwrap_or_default().to_string_lossy().into_owned()))
}

/// Tells the member's database which keys its log has something newer of.
fn note_unapplied(evidences: &mut [ReadEvidence<'_>], lacks_entries: bool) {
    let mut all: Option<Unapplied> = None;
    for unapplied in evidences.iter().filter(|evidence| evidence.is_own()).filter_map(|evidence| evidence.store.unapplied()) {
        all.get_or_insert_default().merge(unapplied);
    }
    if lacks_entries {
        all.get_or_insert_default().add_missing_entries();
    }
    let own = evidences.iter_mut().filter(|evidence| evidence.is_own());
    if let Some(database) = own.filter_map(|evidence| evidence.store.as_database_mut()).next() {
        if let Some(unapplied) = all.as_mut().filter(|unapplied| !unapplied.revoked().is_empty()) {
            unapplied.add_revoked(database.keys_of_leases(unapplied.revoked()));
        }
        let is_behind_log = all.as_ref().is_some_and(Unapplied::touches_any);
        database.unapplied = all;
        if let Content::Database(facts) = &mut database.profile_mut().facts.content {
            facts.lacks_entries = lacks_entries;
            facts.is_behind_log = is_behind_log;
        }
    }
}
