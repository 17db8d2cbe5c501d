//! Databases of one cluster in one run: each is held against those before it.

use std::path::PathBuf;

use crate::evidence::anomaly::Class;
use crate::evidence::{EvidenceId, range};
use crate::kubernetes::ClusterIds;
use crate::mvcc::history::History;
use crate::report::Compared;
use crate::store::{DatabaseStore, Store};

/// The databases that a run has read, as far as those that follow are held against them.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    known: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    evidence: EvidenceId,
    path: PathBuf,
    clusters: ClusterIds,
    history: History,
    /// Its own trailer says that it was altered since it was sent.
    is_changed: bool,
}

impl Clusters {
    /// Holds a database of which everything is known against those before it of its cluster, notes in it what contradicts, and keeps
    /// its history for those that follow. `None`: it cannot be, since its history was not asked for or its cluster is not known.
    ///
    /// A cluster is known by the UID of its namespace `kube-system`, which is drawn at random; one etcd may hold several. The IDs of
    /// the members are not: they follow from their addresses, which two clusters may share, and a restore changes them.
    pub(super) fn compare(&mut self, evidence: EvidenceId, store: &mut DatabaseStore<'_>) -> Option<Vec<Compared>> {
        let clusters = store.profile().facts.database()?.clusters.clone();
        if clusters.iter().all(|(_, id)| id.uid().is_none()) {
            return None;
        }
        let mut history = store.history.take()?;
        let is_changed = store.profile().facts.is_changed();
        let mut compared = Vec::new();
        for known in self.known.iter().filter(|known| known.clusters.are_those_of(&clusters)) {
            let comparison = history.compare(&known.history);
            let mut other = Compared { evidence: known.evidence, path: known.path.clone(), comparison };
            if is_changed {
                other.doubt();
            }
            // Where one of the two fails its own trailer, it is that one.
            let is_accused = is_changed || !known.is_changed;
            if is_accused && !other.comparison.agrees() {
                let place = other.comparison.first_here().and_then(|revision| store.find(revision));
                let offset = place.and_then(|(_, element)| range::offset_within(store.opened.db.bytes(), element.key));
                let pgid = place.map(|(pgid, _)| pgid);
                store.profile_mut().anomalies.note(Class::MemberDivergence, offset, pgid, || other.to_string());
            }
            compared.push(other);
        }
        if is_changed {
            history.doubt();
        }
        self.known.push(Known { evidence, path: store.profile().facts.path.clone(), clusters, history, is_changed });
        Some(compared)
    }
}
