//! Names of files in a data directory, and what each says of the file.
//!
//! Source: etcd `server/etcdserver/api/snap/{snapshotter,db}.go`, `server/storage/wal/{util,file_pipeline,repair}.go`.

use std::ffi::OsStr;
use std::path::Path;

use super::kind::FileRole;
use crate::kubernetes::KeyMaterial;
use crate::store::{self, StoreKind};

/// Which file of a part of a member has which role.
pub(super) type PartOf = fn(&str) -> Option<FileRole>;

/// The role of a file by its whole path.
pub(super) fn role_of(path: &Path) -> Option<FileRole> {
    let name = path.file_name()?.to_str()?;
    match path.parent()?.file_name()?.to_str()? {
        "snap" => part_in_snap(name),
        "wal" => part_in_wal(name),
        _ => None,
    }
}

/// The role of a file in `snap`.
pub(super) fn part_in_snap(name: &str) -> Option<FileRole> {
    match name {
        "db" => Some(FileRole::Member(StoreKind::Database)),
        _ if name.ends_with(".snap") => Some(FileRole::Member(StoreKind::RaftSnapshot)),
        _ if name.ends_with(".snap.db") || name.starts_with("db.tmp") || name.starts_with("tmp") => {
            Some(FileRole::Leftover(StoreKind::Database))
        }
        _ if name.ends_with(".snap.broken") => Some(FileRole::Leftover(StoreKind::RaftSnapshot)),
        _ if name.ends_with(".broken") || name.ends_with(".tmp") || name.ends_with(".part") => {
            Some(FileRole::Leftover(StoreKind::Database))
        }
        _ => None,
    }
}

/// The role of a file in `wal`.
pub(super) fn part_in_wal(name: &str) -> Option<FileRole> {
    match name {
        _ if is_segment(name) => Some(FileRole::Member(StoreKind::Segment)),
        _ if name.ends_with(".wal") || name.ends_with(".tmp") || name.ends_with(".broken") => Some(FileRole::Leftover(StoreKind::Segment)),
        _ => None,
    }
}

/// `<16 digits>-<16 digits>.wal`; etcd passes over any other name. A file system that knows no lower case may have it otherwise.
pub(super) fn is_segment(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_number = |digits: &str| digits.len() == 16 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    name.strip_suffix(".wal").and_then(|name| name.split_once('-')).is_some_and(|(seq, index)| is_number(seq) && is_number(index))
}

/// Names of files that etcd, its distributions and operators put into a data directory: settings and markers, no data of the store.
/// Also the lists of what is in a backup, and of its checksums. All of them are short texts, and hold neither objects nor keys: a
/// name alone says nothing of what somebody put under it.
pub(super) fn is_known_beside(path: &Path, bytes: &[u8]) -> bool {
    const NAMES: [&str; 13] = [
        // RKE2 and k3s.
        "config",
        "name",
        // etcd's own probe of whether it may write.
        ".touch",
        // OpenShift's operator.
        "revision.json",
        // etcd up to 2.0, where it stood by.
        "standby_info",
        // Bitnami's charts.
        "member_id",
        "prevHostname",
        // etcd-backup-restore.
        "safe_guard",
        "validation_marker",
        "etcd.conf.yaml",
        // The file that marks a data directory as one for caches and backups.
        "CACHEDIR.TAG",
        // Whoever puts a snapshot into an archive.
        "manifest.json",
        "metadata.json",
    ];
    let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= SHORT) else { return false };
    let is_name = |name: &str| NAMES.contains(&name);
    let is_named = path.file_name().and_then(OsStr::to_str).is_some_and(is_name) || is_of_proxy(path);
    (is_named || is_of_checksums(text)) && store::held_in(bytes, 0, Vec::new(), Some(0)).is_empty() && !KeyMaterial::may_be_in(bytes)
}

/// What etcd up to 3.5 keeps as a proxy: the members' URLs.
fn is_of_proxy(path: &Path) -> bool {
    path.ends_with("proxy/cluster")
}

/// Bytes of such a text at most.
const SHORT: usize = 4096;

/// Whether each line is a checksum, and the name of a file behind it.
fn is_of_checksums(text: &str) -> bool {
    let is_one = |line: &str| {
        let digits = line.bytes().take_while(u8::is_ascii_hexdigit).count();
        matches!(digits, 32 | 40 | 64 | 128) && line.as_bytes().get(digits) == Some(&b' ')
    };
    !text.is_empty() && text.lines().all(is_one)
}
