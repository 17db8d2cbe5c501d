//! Databases of one cluster in one run: each is held against those before it.

use std::path::PathBuf;

use crate::evidence::anomaly::Class;
use crate::evidence::{EvidenceId, range};
use crate::kubernetes::ClusterIds;
use crate::mvcc::shared_history::SharedHistory;
use crate::report::Compared;
use crate::store::{DatabaseStore, Store};

/// With how many histories of its cluster a database is compared. Those that contradict each other are of members that diverged, of
/// restored clusters or of altered files, which are few; without a bound the work would be that of all pairs.
const MOST_HISTORIES: usize = 32;

/// The databases that a run has read, as far as those that follow are held against them.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    known: Vec<Known>,
}

/// Databases that agree with each other.
#[derive(Debug)]
struct Known {
    /// The first one of them.
    evidence: EvidenceId,
    path: PathBuf,
    clusters: ClusterIds,
    history: SharedHistory,
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
        if is_changed {
            // Of its writes none can be missed, nor faulted for what it lacks.
            history.doubt();
        }
        let mut compared = Vec::new();
        let mut agreeing = None;
        let same_cluster = self.known.iter().enumerate().filter(|(_, known)| known.clusters.are_those_of(&clusters));
        for (at, known) in same_cluster.take(MOST_HISTORIES) {
            let comparison = known.history.compare(&history);
            let databases = known.history.databases();
            let other = Compared { evidence: known.evidence, path: known.path.clone(), databases, comparison };
            let agrees = comparison.agrees();
            if agrees && known.history.takes(&history) && known.clusters == clusters {
                agreeing = agreeing.or(Some(at));
            }
            // Where one of the two fails its own trailer, it is that one.
            let is_accused = is_changed || !known.is_changed;
            if is_accused && !agrees {
                let place = comparison.first_here().and_then(|revision| store.find(revision));
                let offset = place.and_then(|(_, element)| range::offset_within(store.opened.db.bytes(), element.key));
                let pgid = place.map(|(pgid, _)| pgid);
                store.profile_mut().anomalies.note(Class::MemberDivergence, offset, pgid, || other.to_string());
            }
            compared.push(other);
        }
        match agreeing.and_then(|at| self.known.get_mut(at)) {
            Some(known) => known.history.add(history),
            None if compared.len() < MOST_HISTORIES => {
                let path = store.profile().facts.path.clone();
                self.known.push(Known { evidence, path, clusters, history: history.into(), is_changed });
            }
            None => {}
        }
        Some(compared)
    }
}
