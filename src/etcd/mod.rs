//! etcd's content of a bbolt database: revisions of keys, and what etcd keeps about itself.
//!
//! ```text
//! bucket `key`:  revision (main, sub) ──> KeyValue {key, create and mod revision, version, value, lease}
//!                revision + 't'       ──> KeyValue {key}                                  a tombstone
//! buckets `meta`, `members`, `cluster`, `lease`, `auth`, `authUsers`, `alarm`: see [`schema`]
//! ```
//! And of what stands beside it in a data directory: the log ([`wal`]), what raft writes into it, and raft's snapshots
//! ([`raft`]).
//!
//! What the values mean is not known here.
#![deny(clippy::arithmetic_side_effects)]

pub mod continuity;
pub mod framing;
mod key_value;
mod keyspace;
pub mod raft;
pub mod ranges;
pub mod rebuild;
pub mod residue;
mod revision;
pub mod schema;
pub mod status;
pub mod succession;
pub mod trailer;
pub mod wal;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;

pub use self::key_value::{CutKeyValue, KeyValue};
pub use self::keyspace::{Keyspace, Retention};
pub use self::revision::{Revision, RevisionKey};
pub use self::schema::Schema;

/// Messages generated from `proto/`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]
pub mod pb {
    pub mod mvccpb {
        include!(concat!(env!("OUT_DIR"), "/mvccpb.rs"));
    }
    pub mod etcdserverpb {
        include!(concat!(env!("OUT_DIR"), "/etcdserverpb.rs"));
    }
    pub mod raftpb {
        include!(concat!(env!("OUT_DIR"), "/raftpb.rs"));
    }
    pub mod snappb {
        include!(concat!(env!("OUT_DIR"), "/snappb.rs"));
    }
    pub mod walpb {
        include!(concat!(env!("OUT_DIR"), "/walpb.rs"));
    }
}
