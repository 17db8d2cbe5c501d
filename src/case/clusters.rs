//! Databases of one cluster in one run: each is held against those before it; one that fails its own trailer against those behind it, too.

use std::path::PathBuf;

use crate::evidence::anomaly::Class;
use crate::evidence::{EvidenceId, range};
use crate::kubernetes::ClusterIds;
use crate::mvcc::Revision;
use crate::mvcc::comparison::Comparison;
use crate::mvcc::history::History;
use crate::mvcc::shared_history::SharedHistory;
use crate::report::{Compared, Contradicted};
use crate::store::{DatabaseStore, Store};

/// With how many histories of its cluster a database is compared. Those that contradict each other are of members that diverged, of
/// restored clusters or of altered files, which are few; without a bound the work would be that of all pairs.
const MOST_HISTORIES: usize = 32;

/// The databases that a run has read, as far as others are held against them.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    /// Nothing is told before all of them are read: then each that fails its own trailer is held against all others, and no other one
    /// against it, so that the answer is the same in any order.
    pub(super) tells_at_the_end: bool,
    known: Vec<Known>,
    changed: Vec<Changed>,
    /// Databases that a later one contradicts, where nothing tells which of the two is right.
    accused: Vec<EvidenceId>,
}

/// Databases that agree with each other.
#[derive(Debug)]
struct Known {
    /// The first one of them.
    evidence: EvidenceId,
    path: PathBuf,
    clusters: ClusterIds,
    history: SharedHistory,
    /// All of them.
    members: Vec<EvidenceId>,
    /// Its own trailer says that it was altered since it was sent.
    is_changed: bool,
}

/// A database whose trailer says that it was altered.
#[derive(Debug)]
struct Changed {
    evidence: EvidenceId,
    clusters: ClusterIds,
    history: History,
    /// Where each of its writes stands, in their order.
    places: Vec<(Revision, Place)>,
}

/// The offset and the page of a write.
type Place = (Option<u64>, Option<u64>);

impl Known {
    /// How a database with this history stands to it.
    fn compare(&self, history: &History) -> Compared {
        let comparison = self.history.compare(history);
        Compared { evidence: self.evidence, path: self.path.clone(), databases: self.history.databases(), comparison }
    }
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
        let waits = |known: &Known| self.tells_at_the_end && (is_changed || known.is_changed);
        let same_cluster = self.known.iter().enumerate().filter(|(_, known)| known.clusters.are_those_of(&clusters) && !waits(known));
        for (at, known) in same_cluster.take(MOST_HISTORIES) {
            let other = known.compare(&history);
            let agrees = other.comparison.agrees();
            if agrees && known.history.takes(&history) && known.clusters == clusters {
                agreeing = agreeing.or(Some(at));
            }
            // Where one of the two fails its own trailer, it is that one.
            let is_accused = is_changed || !known.is_changed;
            if is_accused && !agrees {
                let (offset, pgid) = first_place(&other.comparison, |revision| place_of(store, revision));
                store.profile_mut().anomalies.note(Class::MemberDivergence, offset, pgid, || other.to_string());
            }
            if is_changed == known.is_changed && !agrees {
                self.accused.extend(&known.members);
            }
            compared.push(other);
        }
        if is_changed {
            let places = history.revisions().map(|revision| (revision, place_of(store, revision))).collect();
            self.changed.push(Changed { evidence, clusters: clusters.clone(), history: history.clone(), places });
        }
        match agreeing.and_then(|at| self.known.get_mut(at)) {
            Some(known) => {
                known.history.add(history);
                known.members.push(evidence);
            }
            None if compared.len() < MOST_HISTORIES => {
                let path = store.profile().facts.path.clone();
                self.known.push(Known { evidence, path, clusters, history: history.into(), members: vec![evidence], is_changed });
            }
            None => {}
        }
        Some(compared)
    }

    /// The databases that a later one contradicts, where neither fails its own trailer: which is right they do not say, so that both are named.
    pub(super) fn of_accused(&mut self) -> Vec<EvidenceId> {
        std::mem::take(&mut self.accused)
    }

    /// How the databases that fail their own trailer stand to those that they were not held against while they were read.
    pub(super) fn of_changed(&mut self) -> Vec<(EvidenceId, Contradicted)> {
        let changed = std::mem::take(&mut self.changed);
        let mut told = Vec::new();
        for Changed { evidence, clusters, history, places } in &changed {
            let is_other = |known: &&Known| match self.tells_at_the_end {
                true => known.evidence != *evidence,
                false => known.evidence > *evidence && !known.is_changed,
            };
            let same_cluster = self.known.iter().filter(|known| known.clusters.are_those_of(clusters));
            for known in same_cluster.filter(is_other).take(MOST_HISTORIES) {
                let other = known.compare(history);
                let find = |revision| places.binary_search_by_key(&revision, |(of, _)| *of).ok().and_then(|at| places.get(at));
                let (offset, pgid) = first_place(&other.comparison, |revision| find(revision).map_or((None, None), |(_, place)| *place));
                told.push((*evidence, Contradicted { by: other, offset, pgid }));
            }
        }
        told
    }
}

/// The place of the first write of a database that others contradict.
fn first_place(comparison: &Comparison, place_of: impl Fn(Revision) -> Place) -> Place {
    comparison.first_here().map_or((None, None), place_of)
}

fn place_of(store: &DatabaseStore<'_>, revision: Revision) -> Place {
    let found = store.find(revision);
    found.map_or((None, None), |(pgid, element)| (range::offset_within(store.opened.db.bytes(), element.key), Some(pgid)))
}
