//! Databases of one cluster in one run: each is held against those before it.

use std::path::PathBuf;

use super::{Facts, Survey};
use crate::bbolt::{Element, Pgid};
use crate::etcd::schema;
use crate::evidence::anomaly::Class;
use crate::evidence::range;
use crate::mvcc::history::{Comparison, History};
use crate::mvcc::{Revision, RevisionKey};

/// The databases that a run has read, as far as those that follow are held against them.
#[derive(Debug, Default)]
pub struct Clusters {
    known: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    evidence: usize,
    path: PathBuf,
    cluster: String,
    history: History,
}

/// How a database stands to one before it of the same cluster.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Number of the other one.
    pub evidence: usize,
    /// Its path, as it was given.
    pub path: PathBuf,
    /// What came of it.
    pub comparison: Comparison,
}

impl Clusters {
    /// Holds a database against those before it of its cluster. `None`: it cannot be, since its history was not asked for or its
    /// cluster is not known.
    ///
    /// A cluster is known by the UID of its namespace `kube-system`, which is drawn at random. The IDs of its members
    /// are not: they follow from their addresses, which two clusters may share, and a restore changes them.
    pub fn compare(&self, survey: &Survey<'_>) -> Option<Vec<Compared>> {
        let (cluster, history) = (cluster(&survey.facts)?, survey.history.as_ref()?);
        let of_cluster = self.known.iter().filter(|known| known.cluster == cluster);
        let compare =
            |known: &Known| Compared { evidence: known.evidence, path: known.path.clone(), comparison: history.compare(&known.history) };
        Some(of_cluster.map(compare).collect())
    }

    /// Notes in a database, the evidence of this number, how it stands to those before it, and keeps its history for those
    /// that follow.
    pub fn keep(&mut self, evidence: usize, survey: &mut Survey<'_>, compared: Option<Vec<Compared>>) {
        let compared = compared.map(|compared| settled(compared, &survey.facts));
        for other in compared.iter().flatten().filter(|other| !other.comparison.agrees()) {
            let place = other.comparison.first_here().and_then(|revision| find(survey, revision));
            let offset = place.and_then(|(_, element)| range::offset_within(survey.database.db.bytes(), element.key));
            let pgid = place.map(|(pgid, _)| pgid);
            survey.anomalies.note(Class::MemberDivergence, offset, pgid, || other.to_string());
        }
        let cluster = cluster(&survey.facts).map(str::to_owned);
        if let (Some(cluster), Some(mut history)) = (cluster, survey.history.take()) {
            if survey.facts.is_changed() {
                history.doubt();
            }
            self.known.push(Known { evidence, path: survey.facts.path.clone(), cluster, history });
        }
        survey.facts.compared = compared;
    }
}

impl std::fmt::Display for Compared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, of the same cluster", self.path.display())?;
        if self.comparison.agrees() { Ok(()) } else { write!(f, ", {}", self.comparison) }
    }
}

/// What is left of comparisons that were made before a database's trailer was judged. Of one that does not match, its bytes may be
/// others: it accuses none of lacking them.
pub fn settled(mut compared: Vec<Compared>, facts: &Facts) -> Vec<Compared> {
    if facts.is_changed() {
        compared.iter_mut().for_each(|other| other.comparison.doubt());
    }
    compared
}

fn cluster(facts: &Facts) -> Option<&str> {
    facts.database()?.kube_system_uid.as_deref()
}

/// The element of a write, with its page. In a tree that is out of key order it may be missed.
fn find<'data>(survey: &Survey<'data>, revision: Revision) -> Option<(Pgid, Element<'data>)> {
    let bucket = survey.tree.bucket(schema::KEY)?;
    let find = |is_tombstone| survey.tree.find(&survey.database.db, bucket, &RevisionKey { revision, is_tombstone }.to_bytes());
    find(false).or_else(|| find(true))
}
