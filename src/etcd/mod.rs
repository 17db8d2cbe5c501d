//! etcd's content of a bbolt database: revisions of keys, and what etcd keeps about itself.
//!
//! ```text
//! bucket `key`:  revision (main, sub) ──> KeyValue {key, create and mod revision, version, value, lease}
//!                revision + 't'       ──> KeyValue {key}                                  a tombstone
//! buckets `meta`, `members`, `cluster`, `lease`, `auth`, `authUsers`, `alarm`: see [`schema`]
//! ```
//! What the values mean is not known here.
#![deny(clippy::arithmetic_side_effects)]

mod key_value;
mod keyspace;
pub mod residue;
mod revision;
pub mod schema;
pub mod status;
pub mod trailer;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;

pub use self::key_value::{CutKeyValue, KeyValue};
pub use self::keyspace::{Keyspace, Retention};
pub use self::revision::{Revision, RevisionKey};
pub use self::schema::Schema;

/// Messages generated from `proto/mvccpb.proto` and `proto/etcdserverpb.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]
pub mod pb {
    pub mod mvccpb {
        include!(concat!(env!("OUT_DIR"), "/mvccpb.rs"));
    }
    pub mod etcdserverpb {
        include!(concat!(env!("OUT_DIR"), "/etcdserverpb.rs"));
    }
}
