//! Stores: what values stand in, and how their writes are found.
//!
//! ```text
//! evidence ─> a store: a database, a segment of the log, a raft snapshot, any bytes
//!               │ first pass: facts, anomalies, names of keys, prefixes, which keys exist
//!               └ second pass: tasks ─> finds, in the order of the rows
//! ```
//! Rows, counts and findings are made through [`Store`] alone, whichever store it is: a further one is a room here, with its lines in
//! [`StoreKind`] below, and its facts in `facts.rs`. What `recover`, `pages` and the comparison of databases ask, a [`DatabaseStore`] answers.
//! The first pass settles what a row needs to know of all the others (is there a newer revision? which reading of a key's name do
//! others share?), so that rows can be streamed and need not fit in memory. In which order a store decodes its bytes is its own affair.
#![deny(clippy::arithmetic_side_effects)]

mod database;
mod digests;
mod existence;
mod facts;
mod heads;
mod image;
mod log;
mod options;
mod profile;
mod raft_snapshot;
mod unapplied;
mod whole;
mod witness;

use std::ops::Range;

pub use self::database::{Account, DatabaseStore, KeyTree, NotADatabase, OpenedDatabase, Residue};
pub(crate) use self::database::{WriteAt, revisions_behind};
pub use self::digests::{Digests, Progress};
pub use self::existence::{Existence, Existing};
pub use self::facts::{
    ByteAccount, ClusterNames, Content, CredentialCounts, DatabaseFacts, Facts, Kind, LogFacts, RaftSnapshotFacts, Role,
};
pub(crate) use self::heads::{ids_of_log, log_has_entry, members_of_snapshot, schema_of};
pub use self::image::{BeginningOf, ImageFacts, ImageStore, MetaPage, PagesFound, PassedOver, PassedOverForm};
pub use self::log::{MemberContext, SegmentStore};
pub use self::options::{ReadOptions, ResidueMode};
pub use self::profile::Profile;
pub use self::raft_snapshot::RaftSnapshotStore;
pub use self::unapplied::Unapplied;
pub use crate::bbolt::PageCounts;
pub use crate::etcd::schema::{Member, Schema};
pub use crate::etcd::status::Status;
pub use crate::etcd::trailer::Trailer;

use crate::envelope::NameTable;
use crate::evidence::Evidence;
use crate::kubernetes::Prefixes;
use crate::row::Found;

/// An evidence after the first pass.
pub trait Store<'data>: Send + Sync {
    /// What is known of it.
    fn profile(&self) -> &Profile<'data>;

    /// The same, to add what is known later.
    fn profile_mut(&mut self) -> &mut Profile<'data>;

    /// The reading of its writes, divided into tasks in the order of the rows.
    fn tasks(&self) -> Vec<Task>;

    /// Shows the finds of one task in their order.
    fn read(&self, task: &Task, see: &mut dyn FnMut(Found<'data>));

    /// Its content, in which finds have their offsets.
    fn content(&self) -> &'data [u8] {
        self.profile().content
    }

    /// Names of keys that its values support.
    fn names(&self) -> &NameTable<'data> {
        &self.profile().names
    }

    /// Prefixes of the API server's keys.
    fn prefixes<'a>(&'a self) -> &'a Prefixes
    where
        'data: 'a,
    {
        &self.profile().prefixes
    }

    /// Which keys exist; `None` where nothing in it tells.
    fn existing(&self) -> Option<Existing<'_>> {
        None
    }

    /// What a log has behind the database beside it.
    fn unapplied(&self) -> Option<&Unapplied> {
        None
    }

    /// Whether a log beside it has something of a key that is newer, so that what the store says of it need not be so now.
    fn has_unapplied(&self, _key: &[u8]) -> bool {
        false
    }

    /// Adds its digests, and what follows from them. Called once, when everything else is known.
    fn settle(&mut self, digests: Option<&Digests>) {
        self.profile_mut().settle(digests);
    }

    /// The store as a database, for questions that only a database can answer.
    fn as_database(&self) -> Option<&DatabaseStore<'data>> {
        None
    }

    /// The same, to add what is known later.
    fn as_database_mut(&mut self) -> Option<&mut DatabaseStore<'data>> {
        None
    }
}

/// A part of the reading of a store, for one thread. What its numbers mean is the store's own affair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Which of the store's lists.
    pub list: u8,
    /// Which items of it.
    pub items: Range<usize>,
}

impl Task {
    /// Tasks of at most `most` items each over a list of `count`.
    fn over(list: u8, count: usize, most: usize) -> impl Iterator<Item = Self> {
        (0..count).step_by(most.max(1)).map(move |start| Self { list, items: start..start.saturating_add(most).min(count) })
    }
}

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
            Err(_) if raft_snapshot::is_raft_snapshot(evidence) => Ok(Self::RaftSnapshot),
            Err(_) if log::is_segment(evidence) => Ok(Self::Segment),
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
