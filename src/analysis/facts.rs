//! What is known of an evidence after the first pass.

use std::path::PathBuf;

use crate::bbolt::PageCounts;
use crate::etcd::Schema;
use crate::etcd::trailer::Trailer;
use crate::evidence::Container;
use crate::evidence::digest::Sha256Digest;

/// What the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What the snapshot API sends: twin metas, a trailer.
    Snapshot,
    /// A data directory's database.
    Database,
}

impl Kind {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Database => "database",
        }
    }
}

/// How the evidence came to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Given by itself.
    File,
}

impl Role {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
        }
    }
}

/// What is known of an evidence after the first pass.
#[derive(Clone, Debug)]
pub struct Facts {
    /// As it was given.
    pub path: PathBuf,
    /// What the bytes are.
    pub kind: Kind,
    /// How it came to be looked at.
    pub role: Role,
    /// What it was packed in.
    pub container: Option<Container>,
    /// Bytes of the file as given.
    pub size: u64,
    /// Its digest, unless switched off.
    pub sha256: Option<Sha256Digest>,
    /// Bytes of the content, when it was contained.
    pub content_size: Option<u64>,
    /// Its digest.
    pub content_sha256: Option<Sha256Digest>,
    /// What the trailer says; `None` where there is one and hashing is switched off.
    pub trailer: Option<Trailer>,
    /// Bytes in a page.
    pub page_size: u64,
    /// First page never allocated.
    pub high_water_mark: u64,
    /// Transaction of the active meta.
    pub txid: u64,
    /// 0 or 1.
    pub active_meta: usize,
    /// Why that one is active.
    pub active_because: String,
    /// Newest revision.
    pub revision: Option<u64>,
    /// Revisions retained, tombstones included.
    pub revisions: u64,
    /// Tombstones retained.
    pub tombstones: u64,
    /// Keys that exist.
    pub keys_current: u64,
    /// The same as `etcdutl snapshot status` 3.6 counts them.
    pub keys_as_etcdutl_counts: u64,
    /// What etcd's small buckets say.
    pub schema: Schema,
    /// UID of the namespace `kube-system`, which names a cluster.
    pub kube_system_uid: Option<String>,
    /// The newest time in any object that can be read, in seconds since 1970: the file was not written before.
    pub newest_object_time: Option<i64>,
    /// Prefixes of the API server's keys.
    pub prefixes: Vec<String>,
    /// Pages by state; together the content.
    pub pages: PageCounts,
    /// Whether everything in it was read and understood.
    pub is_complete: bool,
}
