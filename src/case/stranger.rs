//! Databases and logs in a member's directory that are not proven to be a part of it.
//!
//! Of what stands in an older database of a member and not in its own one it is said that it was deleted. That holds only where the one is
//! proven to be a past of the other: the same cluster, at a revision that the member has passed. Any other database there is a member of its
//! own. Of what etcd itself writes beside the database (`db.tmp.*`, `*.snap.db`) the name says whose it is, unless the cluster is proven to
//! be another one; but what another member sent may be newer than what this one has.

use super::kind::FileRole;
use crate::evidence::{Evidence, range};
use crate::store::{AnyStore, DatabaseFacts, DatabaseStore, Store, ids_of_log};

/// Whether a database that stands beside the member's own one is none of the member's. `is_stray`: nothing but its bytes says what it is.
pub(super) fn is_stranger(store: &AnyStore<'_>, is_stray: bool, own: Option<&DatabaseStore<'_>>) -> bool {
    let own = own.and_then(|own| own.profile().facts.database());
    store.profile().facts.database().is_some_and(|other| !own.is_some_and(|own| is_past_of(other, own, is_stray)))
}

fn is_past_of(other: &DatabaseFacts, own: &DatabaseFacts, is_stray: bool) -> bool {
    let has_passed = |other: Option<u64>, own: Option<u64>| other.zip(own).is_some_and(|(other, own)| other <= own);
    let is_of_cluster = match is_stray {
        true => own.clusters.are_those_of(&other.clusters),
        // An entry that writes nothing leaves the revision as it is, and what applied it is newer all the same.
        false => {
            !own.clusters.contradict(&other.clusters)
                && other.schema.consistent_index.is_none_or(|index| Some(index) <= own.schema.consistent_index)
        }
    };
    is_of_cluster && has_passed(other.revision, own.revision)
}

/// Whether a database is the one that the member goes on with: it came with the raft snapshot of this index, which the member's own one has not
/// reached. Source: etcd `server/storage/backend.go` (`RecoverSnapshotBackend`).
pub(super) fn is_next_of(store: &AnyStore<'_>, own: Option<&DatabaseStore<'_>>, snapshot_index: Option<u64>) -> bool {
    let facts = &store.profile().facts;
    let own = own.and_then(|own| own.profile().facts.database());
    let (Some(next), Some(own), Some(index)) = (facts.database(), own, snapshot_index) else { return false };
    facts.path.ends_with(name_beside(index))
        && own.schema.consistent_index.is_some_and(|applied| applied < index)
        && next.schema.consistent_index.is_some_and(|applied| applied >= index)
        && !own.clusters.contradict(&next.clusters)
}

/// What a database is called that came with the raft snapshot of an index.
pub(super) fn name_beside(index: u64) -> String {
    format!("{index:016x}.snap.db")
}

/// Whether a segment that was left behind may be held to what the member has applied: it begins with the IDs of the member's own log, or
/// holds nothing. `own`: those IDs.
pub(super) fn is_of_log(evidence: &Evidence, role: FileRole, own: Option<(u64, u64)>) -> bool {
    match role {
        FileRole::Stray(_) => false,
        FileRole::Member(_) | FileRole::Leftover(_) => {
            range::is_zero(evidence.content()) || ids_of_log(evidence).is_some_and(|ids| Some(ids) == own)
        }
    }
}
