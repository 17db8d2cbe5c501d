//! The run over one evidence: two passes over its bytes.
//!
//! ```text
//! first pass    every page once, in file order, beside the digest        ──> Survey
//!               page states, newest revision per key, names, prefixes
//! second pass   the tree in key order, over what is now in memory        ──> rows, Tally
//! ```
//! The first pass settles what a row needs to know of all the others (is there a newer revision? which reading of
//! a key's name do others share?), so that rows can be streamed and need not fit in memory.
#![deny(clippy::arithmetic_side_effects)]

mod carve;
mod classify;
mod cluster;
mod database;
mod digests;
mod facts;
mod grouped;
mod history;
mod judge;
mod key_tree;
mod key_use;
mod listing;
mod log;
mod options;
mod raft_snapshot;
mod recovery;
mod residue;
mod row;
mod stream;
mod survey;
mod tally;
mod whole;

pub use self::carve::{CarveList, Carving, ImageFacts, MetaPage, PagesFound, carve};
pub use self::cluster::{Clusters, Compared, settled};
pub use self::database::{Database, NotADatabase};
pub use self::facts::{ByteAccount, Content, CredentialCounts, DatabaseFacts, Facts, Kind, LogFacts, RaftSnapshotFacts, Role};
pub use self::grouped::Grouped;
pub use self::history::{Comparison, History, Writes};
pub use self::judge::Judgement;
pub use self::key_tree::{Existence, Existing, KeyTree};
pub use self::key_use::{KeyCounts, KeyUse};
pub use self::listing::List;
pub use self::log::{Beside, LogList, LogSurvey, Segment, is_segment, survey_log};
pub use self::options::{DigestMode, Options, ResidueMode, Resources, Scope};
pub use self::raft_snapshot::{is_raft_snapshot, read_raft_snapshot};
pub use self::recovery::{Recovered, Recovery, Standing};
pub use self::residue::{Account, Residue};
pub use self::row::{LogPosition, Place, Protection, Retention, Row, Seal, TombstoneRow, TxnBranch, ValueRow};
pub use self::survey::{Settle, Survey, survey, survey_and};
pub use self::tally::{Exposure, ResourceCounts, SecretCounts, StorageCounts, Sum, Tally};

use std::sync::atomic::AtomicU64;

/// How far a run has come, for a display that polls it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes to hash.
    pub to_hash: AtomicU64,
    /// Bytes hashed.
    pub hashed: AtomicU64,
}
