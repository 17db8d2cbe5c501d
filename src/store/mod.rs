//! Stores: what values stand in, and how their writes are found.
//!
//! ```text
//! evidence ─> a store: a database, a segment of the log, a raft snapshot, any bytes
//!               │ first pass: facts, anomalies, names of keys, prefixes, which keys exist
//!               └ second pass: tasks ─> finds, in the order of the rows
//! ```
//! Rows, counts and findings are made through [`Store`] alone, whichever store it is: a further one is a room here, with its lines in
//! the list below, [`StoreKind`], and its words and facts in `facts.rs`. What `recover`, `pages` and the comparison of databases ask, a [`DatabaseStore`] answers.
//! The first pass settles what a row needs to know of all the others (is there a newer revision? which reading of a key's name do
//! others share?), so that rows can be streamed and need not fit in memory. In which order a store decodes its bytes is its own affair.
#![deny(clippy::arithmetic_side_effects)]

mod database;
mod digests;
mod existence;
mod facts;
mod heads;
mod image;
mod interface;
mod log;
mod mention;
mod options;
mod profile;
mod raft_snapshot;
mod ties;
mod unapplied;
mod whole;
mod witness;

use std::ops::{Deref, DerefMut};

pub use self::database::{Account, DatabaseStore, KeyTree, NotADatabase, OpenedDatabase, Residue};
pub(crate) use self::database::{WriteAt, revisions_behind};
pub use self::digests::{Digests, Progress};
pub use self::existence::{Existence, Existing};
pub use self::facts::{
    ByteAccount, ClusterNames, Content, CredentialCounts, DatabaseFacts, Facts, Kind, LogFacts, RaftSnapshotFacts, Role,
};
pub(crate) use self::heads::{LogMembership, ids_of_log, log_has_entry, members_of_snapshot, schema_of};
pub(crate) use self::image::held_in;
pub use self::image::{BeginningOf, ImageFacts, ImageStore, MetaPage, PagesFound, PassedOver, PassedOverForm, WholeForm};
pub use self::interface::{Store, Task};
pub(crate) use self::log::Agreement;
pub use self::log::{MemberContext, SegmentStore};
pub use self::options::{KnownNames, ReadOptions, ResidueMode};
pub use self::profile::Profile;
pub use self::raft_snapshot::RaftSnapshotStore;
pub(crate) use self::ties::LogTies;
pub use self::unapplied::Unapplied;
pub use crate::bbolt::PageCounts;
pub use crate::etcd::schema::{Member, Schema};
pub use crate::etcd::status::Status;
pub use crate::etcd::trailer::Trailer;

use crate::evidence::Evidence;

/// A store of any kind.
pub enum AnyStore<'data> {
    /// One that answers more questions than every store does.
    Database(Box<DatabaseStore<'data>>),
    /// Any other.
    Other(Box<dyn Store<'data> + 'data>),
}

impl<'data> AnyStore<'data> {
    /// The store as a database.
    pub fn as_database(&self) -> Option<&DatabaseStore<'data>> {
        if let Self::Database(database) = self { Some(database) } else { None }
    }

    /// The same, to add what is known later.
    pub fn as_database_mut(&mut self) -> Option<&mut DatabaseStore<'data>> {
        if let Self::Database(database) = self { Some(database) } else { None }
    }

    fn other(store: impl Store<'data> + 'data) -> Self {
        Self::Other(Box::new(store))
    }
}

impl<'data> Deref for AnyStore<'data> {
    type Target = dyn Store<'data> + 'data;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Database(database) => database.as_ref(),
            Self::Other(store) => store.as_ref(),
        }
    }
}

impl DerefMut for AnyStore<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Database(database) => database.as_mut(),
            Self::Other(store) => store.as_mut(),
        }
    }
}

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
        if let Some(kind) = Self::by_beginning(evidence.content()) {
            return Ok(kind);
        }
        match OpenedDatabase::open(evidence) {
            Ok(_) => Ok(Self::Database),
            Err(_) if raft_snapshot::is_raft_snapshot(evidence) => Ok(Self::RaftSnapshot),
            Err(_) if log::is_segment(evidence) => Ok(Self::Segment),
            Err(reason) => Err(reason),
        }
    }

    /// What a file is by its bytes alone, whatever its name; `None`: they are of no form that is read.
    pub fn of_bytes(evidence: &Evidence) -> Option<Self> {
        Self::by_beginning(evidence.content()).or_else(|| OpenedDatabase::open(evidence).is_ok().then_some(Self::Database))
    }

    /// A segment and a raft snapshot begin as nothing else does. They are told before a database is looked for, which may have lost its
    /// metas: pages of one may stand in a log.
    fn by_beginning(content: &[u8]) -> Option<Self> {
        match content {
            bytes if log::begins_segment(bytes) => Some(Self::Segment),
            bytes if raft_snapshot::begins_raft_snapshot(bytes) => Some(Self::RaftSnapshot),
            _ => None,
        }
    }

    fn whole_form(evidence: &Evidence) -> Option<WholeForm> {
        match Self::of_bytes(evidence)? {
            Self::Database => {
                let opened = OpenedDatabase::open(evidence).ok()?;
                Some(WholeForm::Database { end_of_pages: opened.end_of_pages() as u64 })
            }
            Self::RaftSnapshot => Some(WholeForm::RaftSnapshot),
            Self::Segment => Some(WholeForm::Segment),
            Self::Image => None,
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
    ) -> Result<Vec<AnyStore<'data>>, NotADatabase> {
        let each = || evidences.iter().copied();
        Ok(match self {
            Self::Database => {
                each().map(|one| Ok(AnyStore::Database(Box::new(DatabaseStore::read(one, options)?)))).collect::<Result<_, _>>()?
            }
            Self::RaftSnapshot => each().map(|one| AnyStore::other(RaftSnapshotStore::read(one, options))).collect(),
            Self::Segment => SegmentStore::read_log(evidences, member, options).into_iter().map(AnyStore::other).collect(),
            Self::Image => each().map(|one| AnyStore::other(ImageStore::search(one, Self::whole_form(one), options))).collect(),
        })
    }
}
