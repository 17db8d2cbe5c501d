//! What a link leads to that leads out of what was given: followed only where what stands there is proven to be of the member.
//!
//! Each file is held to the files of the member that were given, or were proven before it, and proves itself alone.
//!
//! | behind the link | is proven by |
//! |---|---|
//! | the database, the log | [`is_one_member`] |
//! | a further segment, one that was left behind | the running CRC that it shares with its neighbour, or a request that the log has, and the IDs |
//! | a raft snapshot | its members, and the log's record that it was taken |
//! | a database that was left behind | the UID of `kube-system`, and that no write of the one contradicts the other |

use super::super::directory::{DataDirectory, Elsewhere, StandsFor};
use super::super::files::Files;
use super::super::kind::FileRole;
use super::heads::{LogIdentity, is_one_member, open};
use crate::evidence::Evidence;
use crate::kubernetes::ClusterIds;
use crate::mvcc::history::History;
use crate::mvcc::shared_history::SharedHistory;
use crate::store::{DatabaseStore, LogTies, ReadOptions, ResidueMode, Store, StoreKind};

/// Follows the links that lead out of what was given to what is proven to be of the member. The others are given back.
pub(in super::super) fn follow(directory: &mut DataDirectory, files: &Files) -> Vec<Elsewhere> {
    let mut links = std::mem::take(&mut directory.elsewhere);
    // A segment may follow one that is proven, or stand before one.
    links.sort_by(|a, b| (rank(a), &a.place).cmp(&(rank(b), &b.place)));
    let mut proof = Proof { files, log: None, database: None };
    let left = proof.follow_each(directory, links);
    let (mut before, mut left): (Vec<_>, Vec<_>) =
        left.into_iter().partition(|link| matches!(link.stands_for, StandsFor::File(role) if role.kind() == StoreKind::Segment));
    before.reverse();
    left.extend(proof.follow_each(directory, before));
    // What is told of a raft snapshot hangs on the log, so on all of it.
    let left = proof.follow_each(directory, left);
    directory.sort();
    left
}

/// The database first, then the log.
fn rank(link: &Elsewhere) -> u8 {
    match link.stands_for {
        StandsFor::Snap | StandsFor::File(FileRole::Member(StoreKind::Database)) => 0,
        StandsFor::Wal | StandsFor::File(FileRole::Member(StoreKind::Segment)) => 1,
        StandsFor::File(_) => 2,
    }
}

/// What of the member the files behind links are held to, read once.
struct Proof<'a> {
    files: &'a Files,
    log: Option<LogTies>,
    /// The member's own database, where it says of which clusters it is.
    database: Option<Option<(ClusterIds, SharedHistory)>>,
}

impl Proof<'_> {
    fn follow_each(&mut self, directory: &mut DataDirectory, links: Vec<Elsewhere>) -> Vec<Elsewhere> {
        let mut left = Vec::new();
        for link in links {
            match self.is_of_member(&link, directory) {
                true => directory.join(link.behind(directory)),
                false => left.push(link),
            }
        }
        left
    }

    fn is_of_member(&mut self, link: &Elsewhere, directory: &DataDirectory) -> bool {
        let is_part = |kind| {
            let mut joined = directory.clone();
            // What was given of this kind would prove itself.
            joined.files.retain(|file| file.role != FileRole::Member(kind));
            joined.join(link.behind(directory));
            is_one_member(&joined, self.files)
        };
        match link.stands_for {
            StandsFor::Snap | StandsFor::File(FileRole::Member(StoreKind::Database)) => is_part(StoreKind::Database),
            StandsFor::Wal => is_part(StoreKind::Segment),
            StandsFor::File(FileRole::Member(StoreKind::Segment)) if !directory.has(StoreKind::Segment) => is_part(StoreKind::Segment),
            StandsFor::File(role) => self.files.look(&link.place.path).is_some_and(|file| self.is_tied(role.kind(), &file, directory)),
        }
    }

    fn is_tied(&mut self, kind: StoreKind, file: &Evidence, directory: &DataDirectory) -> bool {
        match kind {
            StoreKind::Segment => {
                let log = self.log(directory);
                let is_tied = log.tie(file);
                if is_tied {
                    log.add(file);
                }
                is_tied
            }
            StoreKind::RaftSnapshot => self.log(directory).tie_snapshot(file, LogIdentity::OF_DEFAULTS.ids()),
            StoreKind::Database => self
                .database(directory)
                .as_ref()
                .zip(history_of(file))
                .is_some_and(|((own, history), (theirs, other))| own.are_those_of(&theirs) && history.compare(&other).agrees()),
            StoreKind::Image => false,
        }
    }

    fn log(&mut self, directory: &DataDirectory) -> &mut LogTies {
        self.log.get_or_insert_with(|| LogTies::of(&open(directory, StoreKind::Segment, self.files)))
    }

    fn database(&mut self, directory: &DataDirectory) -> &Option<(ClusterIds, SharedHistory)> {
        self.database.get_or_insert_with(|| {
            let own = open(directory, StoreKind::Database, self.files);
            own.first().and_then(history_of).map(|(clusters, history)| (clusters, history.into()))
        })
    }
}

fn history_of(database: &Evidence) -> Option<(ClusterIds, History)> {
    let options = ReadOptions { residue: ResidueMode::Off, history: true, ..ReadOptions::default() };
    let mut database = DatabaseStore::read(database, &options).ok()?;
    Some((database.profile().facts.database()?.clusters.clone(), database.history.take()?))
}
