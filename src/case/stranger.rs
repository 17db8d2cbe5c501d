//! Databases in a member's directory that are no part of it: each is a member of its own.
//!
//! Of what stands in an older database of a member and not in its own one it is said that it was deleted. That holds only where the one is
//! proven to be a past of the other: the same cluster, at a revision that the member has passed. What etcd itself writes beside the database
//! (`db.tmp.*`, `*.snap.db`) is the member's, unless the cluster is proven to be another one.

use super::file_names::role_of;
use crate::store::{AnyStore, DatabaseFacts, DatabaseStore, Store};

/// Whether a database that stands beside the member's own one is none of the member's.
pub(super) fn is_stranger(store: &AnyStore<'_>, own: Option<&DatabaseStore<'_>>) -> bool {
    let facts = &store.profile().facts;
    let own = own.and_then(|own| own.profile().facts.database());
    let Some((own, other)) = own.zip(facts.database()) else { return false };
    match role_of(&facts.path) {
        Some(_) => own.clusters.contradict(&other.clusters),
        None => !is_past_of(other, own),
    }
}

fn is_past_of(other: &DatabaseFacts, own: &DatabaseFacts) -> bool {
    own.clusters.are_those_of(&other.clusters) && other.revision <= own.revision
}
