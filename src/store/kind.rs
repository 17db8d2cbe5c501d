//! The one list of stores: how each is told by its bytes, and how it is read.

use super::{DatabaseStore, ImageStore, MemberContext, NotADatabase, OpenedDatabase, RaftSnapshotStore, ReadOptions, SegmentStore, Store};
use crate::evidence::Evidence;

/// A store of any kind.
pub type BoxedStore<'data> = Box<dyn Store<'data> + 'data>;

/// What a file is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum StoreKind {
    /// A snapshot or a database.
    Database,
    /// A raft snapshot.
    RaftSnapshot,
    /// A segment of a write-ahead log.
    Segment,
    /// Any bytes, searched by what stands in them.
    Image,
}

impl StoreKind {
    /// What a file is by its bytes. Any bytes can be read as an image; none is told to be one.
    ///
    /// # Errors
    /// Its bytes are of no form that is read; the error says what a database would have.
    pub fn of(evidence: &Evidence) -> Result<Self, NotADatabase> {
        match OpenedDatabase::open(evidence) {
            Ok(_) => Ok(Self::Database),
            Err(_) if super::raft_snapshot::is_raft_snapshot(evidence) => Ok(Self::RaftSnapshot),
            Err(_) if super::log::is_segment(evidence) => Ok(Self::Segment),
            Err(reason) => Err(reason),
        }
    }

    /// Reads files of this kind of one member, each of which becomes a store: segments in the order of their log, others as they are
    /// given.
    ///
    /// # Errors
    /// One is read as a database, and none can be opened in it.
    pub fn read<'data>(
        self,
        evidences: &[&'data Evidence],
        member: MemberContext<'_, 'data>,
        options: &ReadOptions,
    ) -> Result<Vec<BoxedStore<'data>>, NotADatabase> {
        let each = || evidences.iter().copied();
        Ok(match self {
            Self::Database => each().map(|one| Ok(boxed(DatabaseStore::read(one, options)?))).collect::<Result<_, _>>()?,
            Self::RaftSnapshot => each().map(|one| boxed(RaftSnapshotStore::read(one, options))).collect(),
            Self::Segment => SegmentStore::read_log(evidences, member, options).into_iter().map(boxed).collect(),
            Self::Image => each().map(|one| boxed(ImageStore::search(one, options))).collect(),
        })
    }
}

fn boxed<'data>(store: impl Store<'data> + 'data) -> BoxedStore<'data> {
    Box::new(store)
}
