//! What is known of an evidence after the first pass.

use std::path::PathBuf;

use super::{Account, ResidueMode};
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
    /// Bytes of the database behind its last whole page.
    pub surplus: u64,
    /// How far residue was looked for.
    pub residue_mode: ResidueMode,
    /// What the bytes outside the tree are.
    pub residue: Account,
    /// Whether everything in it was read and understood.
    pub is_complete: bool,
}

/// Bytes of an evidence's content by what they are. Together they are the content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteAccount {
    /// Pages in use: the metas, the tree, the freelist.
    pub in_use: u64,
    /// Everything outside of them that was searched.
    pub outside: Account,
    /// What was not searched, by option.
    pub not_searched: u64,
    /// The snapshot's trailer.
    pub trailer: u64,
}

impl Facts {
    /// What the bytes of the content are.
    pub fn bytes(&self) -> ByteAccount {
        let content = self.content_size.unwrap_or(self.size);
        let pages = &self.pages;
        let whole = pages.total().saturating_mul(self.page_size);
        let trailer = content.saturating_sub(whole).saturating_sub(self.surplus);
        let outside_pages = [pages.free, pages.other_root, pages.beyond_high_water].into_iter().fold(0, u64::saturating_add);
        let searched = self.residue.total();
        let not_searched = match self.residue_mode {
            ResidueMode::Full => 0,
            _ => outside_pages.saturating_mul(self.page_size).saturating_add(self.surplus).saturating_sub(searched),
        };
        let in_use = content.saturating_sub(trailer).saturating_sub(searched).saturating_sub(not_searched);
        ByteAccount { in_use, outside: self.residue, not_searched, trailer }
    }
}
