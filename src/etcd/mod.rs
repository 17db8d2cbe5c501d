//! etcd's content of a bbolt database: revisions of keys, and what etcd keeps about itself.
//!
//! ```text
//! bucket `key`:  revision (main, sub) ──> KeyValue {key, create and mod revision, version, value, lease}
//!                revision + 't'       ──> KeyValue {key}                                  a tombstone
//! buckets `meta`, `members`, `cluster`, `lease`, `auth`, `authUsers`, `alarm`: see [`schema`]
//! ```
//! And what stands behind the database, its [`trailer`]; what stands beside it in a data directory: the log ([`wal`]), what raft
//! writes into it, and raft's snapshots ([`raft`]). [`rebuild`] writes a new database.
//!
//! What the values mean is not known here.
#![deny(clippy::arithmetic_side_effects)]

pub mod key_bucket;
pub mod raft;
pub mod rebuild;
pub mod schema;
pub mod status;
pub mod trailer;
pub mod wal;

pub use self::schema::{Member, Schema};

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
