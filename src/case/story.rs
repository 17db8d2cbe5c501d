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

use super::member::ReadEvidence;
use crate::evidence::anomaly::{Anomalies, Class};
use crate::store::{Facts, Unapplied};

/// Notes in the member's own evidences where they leave something out between them, and tells the database what its log has behind it.
pub(super) fn hold_together(evidences: &mut [ReadEvidence<'_>]) {
    note_unapplied(evidences);
    let own = || evidences.iter().filter(|evidence| evidence.is_own()).map(|evidence| &evidence.store.profile().facts);
    let Some(applied) = own().find_map(|facts| facts.database()?.schema.consistent_index) else { return };
    let newest = own().filter_map(Facts::sound_snapshot_index).max();
    let indices = || own().filter_map(|facts| facts.log()?.indices);
    let first = indices().map(|(first, _)| first).min();
    let last = indices().map(|(_, last)| last).max().max(newest);
    let replacement = newest.map_or_else(String::new, |newest| format!("{newest:016x}.snap.db"));
    let has_replacement = evidences.iter().any(|evidence| evidence.store.profile().facts.path.ends_with(&replacement));
    let mut first_segment = true;
    for evidence in evidences.iter_mut().filter(|evidence| evidence.is_own()) {
        let facts = &evidence.store.profile().facts;
        let mut found = Anomalies::default();
        let index = facts.sound_snapshot_index().filter(|index| Some(*index) == newest && *index > applied);
        if let Some(index) = index {
            let then = match has_replacement {
                true => format!("etcd puts {replacement} in the database's place when it starts"),
                false => format!("etcd does not start on it, since there is no {replacement}"),
            };
            found.note(Class::RaftSnapshotAhead, None, None, || {
                format!("it stands for all entries up to {index}, and the database has applied those up to {applied}: {then}")
            });
        }
        if facts.database().is_some()
            && let Some(last) = last.filter(|last| *last < applied)
            && first.is_some()
        {
            found.note(Class::IndexPastLog, None, None, || {
                format!("it has applied all entries up to {applied}; the log ends at {last}, and what follows stands nowhere")
            });
        }
        if facts.log().is_some()
            && std::mem::take(&mut first_segment)
            && let Some(first) = first.filter(|first| *first > applied.saturating_add(1))
        {
            let (from, to) = (applied.saturating_add(1), first.saturating_sub(1));
            found.note(Class::WalGap, None, None, || {
                format!("the database has applied all entries up to {applied}, and the log begins at {first}: entries {from} to {to} stand nowhere")
            });
        }
        if !found.is_empty() {
            evidence.store.profile_mut().add_anomalies(found);
        }
    }
}

/// Tells the member's database which keys its log has something newer of.
fn note_unapplied(evidences: &mut [ReadEvidence<'_>]) {
    let mut all: Option<Unapplied> = None;
    for unapplied in evidences.iter().filter(|evidence| evidence.is_own()).filter_map(|evidence| evidence.store.unapplied()) {
        all.get_or_insert_default().merge(unapplied);
    }
    let own = evidences.iter_mut().filter(|evidence| evidence.is_own());
    if let Some(database) = own.filter_map(|evidence| evidence.store.as_database_mut()).next() {
        if let Some(unapplied) = all.as_mut().filter(|unapplied| !unapplied.revoked().is_empty()) {
            unapplied.add_revoked(database.keys_of_leases(unapplied.revoked()));
        }
        database.unapplied = all;
    }
}
