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
    const NAMES: [&str; 18] = [
        // RKE2 and k3s.
        "config",
        "name",
        "tombstone",
        // etcd's own probe of whether it may write.
        ".touch",
        // OpenShift's operator.
        "revision.json",
        // etcd up to 2.0, where it stood by.
        "standby_info",
        // Bitnami's charts.
        "member_id",
        "member_removal.log",
        "prevHostname",
        // etcd-manager.
        "myid",
        "volume.id",
        // etcd-backup-restore.
        "safe_guard",
        "validation_marker",
        "etcd.conf.yaml",
        "etcd.conf.yml",
        // The file that marks a data directory as one for caches and backups.
        "CACHEDIR.TAG",
        // Whoever puts a snapshot into an archive.
        "manifest.json",
        "metadata.json",
    ];
    if bytes.len() > SHORT {
        return false;
    }
    let is_named = |names: &[&str]| path.file_name().and_then(OsStr::to_str).is_some_and(|name| names.contains(&name));
    let holds_nothing = || store::held_in(bytes, 0, Vec::new(), Some(0)).is_empty();
    let is_known = match std::str::from_utf8(bytes) {
        Ok(text) if is_of_auto_tls(path) => return is_pem(text) && holds_nothing(),
        Ok(text) => is_named(&NAMES) || is_named(&[STATE]) || is_of_proxy(path) || is_of_checksums(text),
        Err(_) => is_named(&[STATE]),
    };
    is_known && holds_nothing() && !KeyMaterial::may_be_in(bytes)
}

/// What etcd-manager keeps of its cluster, a message of names and URLs.
const STATE: &str = "state";

/// The certificates that etcd makes for itself (`--auto-tls`, `--peer-auto-tls`), each with its key, which opens nothing but its own
/// connections. Source: etcd `server/embed/config.go` (`ClientSelfCert`, `PeerSelfCert`), `client/pkg/transport/listener.go` (`SelfCert`).
fn is_of_auto_tls(path: &Path) -> bool {
    let of = |part: &str| ["cert.pem", "key.pem"].iter().any(|name| path.ends_with(Path::new("fixtures").join(part).join(name)));
    of("client") || of("peer")
}

/// Whether a text is a certificate or a key in PEM, and nothing else. Source: RFC 7468.
fn is_pem(text: &str) -> bool {
    let label = |line: Option<&str>, word: &str| line?.strip_prefix("-----")?.strip_prefix(word)?.strip_suffix("-----").map(str::to_owned);
    let mut lines = text.lines();
    let (first, last) = (label(lines.next(), "BEGIN "), label(lines.next_back(), "END "));
    let is_of_base64 =
        |line: &str| line.len() <= 64 && line.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
    first.as_deref().is_some_and(|first| first == "CERTIFICATE" || first.ends_with("PRIVATE KEY"))
        && first == last
        && lines.all(is_of_base64)
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
