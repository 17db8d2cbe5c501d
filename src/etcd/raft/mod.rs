//! What raft replicates, and what etcd puts into it.
//!
//! ```text
//! WAL record ──> Entry {type, term, index, data} ──> Request: put, txn, delete_range, compaction, lease, auth …
//!            ──> HardState {term, vote, commit}
//! *.snap     ──> Snapshot {index, term, v2 store}
//! ```
//! An entry is a proposal: whether it was committed and applied is not in it (see [`crate::etcd::wal::Log`]), and which
//! branch of a transaction ran is nowhere.

mod auth;
mod cut;
mod entry;
mod request;
mod snapshot;
mod txn;
mod v2_store;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;

pub use self::auth::{AuthKind, Credential};
pub(crate) use self::cut::CutEntry;
pub(in crate::etcd) use self::entry::Ascending;
pub use self::entry::{Entry, EntryKind, HardState, MembershipChange};
pub use self::request::{Request, RequestKind, Unreadable};
pub(crate) use self::snapshot::SnapshotName;
pub(in crate::etcd) use self::snapshot::hex16;
pub use self::snapshot::{Snapshot, SnapshotDamage};
pub use self::txn::{Branch, Operation, Operations, Put};
pub use self::v2_store::V2Value;
