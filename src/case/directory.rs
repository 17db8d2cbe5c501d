//! A data directory: which of its files are read, and as what.
//!
//! ```text
//! DIR/member/snap/db                        the database                         member
//!                <term>-<index>.snap        raft snapshots                       member
//!                <index>.snap.db            databases received from a leader     leftover
//!                db.tmp.*, tmp*, *.broken   what a crash or a repair left        leftover
//!           wal/<seq>-<index>.wal           segments of the log                  member
//!               *.tmp, *.broken             preallocated, or set aside           leftover
//! ```
//! `member`, and `member/snap` or `member/wal` (which can be elsewhere, `--wal-dir`) are read by themselves too.
//!
//! Source: etcd `server/storage/datadir/datadir.go`, `server/etcdserver/api/snap/{snapshotter,db}.go`,
//! `server/storage/wal/{util,file_pipeline,repair}.go`.

use std::fs;
use std::path::{Path, PathBuf};

use super::InputError;
use super::kind::FileRole;
use crate::evidence::Error;
use crate::store::StoreKind;

/// The files of a data directory, in the order in which they are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DataDirectory {
    /// As it was given.
    pub path: PathBuf,
    /// What is read: the database, raft snapshots, segments, what was left behind.
    pub files: Vec<DataFile>,
    /// What is not, each with the reason.
    pub passed_over: Vec<PassedOver>,
}

/// A file of a data directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DataFile {
    /// What its name and place make of it.
    pub role: FileRole,
    /// The directory's path as given, with the file's within.
    pub path: PathBuf,
}

/// Something in a data directory that is not read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PassedOver {
    /// Where it is.
    pub path: PathBuf,
    /// Why it is not read.
    pub why: &'static str,
}

/// Names that an error lists at most.
const LISTED: usize = 8;

impl DataDirectory {
    /// Finds the files of a data directory, or of a part of one. Symbolic links in it are not followed.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub(super) fn find(path: &Path) -> Result<Self, InputError> {
        let mut found = Self { path: path.to_owned(), files: Vec::new(), passed_over: Vec::new() };
        let top = entries(path)?;
        let (member, inner) = match top.iter().find(|entry| entry.name == "member" && entry.kind == EntryKind::Directory) {
            Some(member) => (member.path.clone(), entries(&member.path)?),
            None => (path.to_owned(), top.clone()),
        };
        if member != path {
            found.pass_over(top.iter().filter(|entry| entry.name != "member"));
        }
        for (name, part_of) in [("snap", part_in_snap as fn(&str) -> Option<FileRole>), ("wal", part_in_wal)] {
            if inner.iter().any(|entry| entry.name == name && entry.kind == EntryKind::Directory) {
                found.add(&member.join(name), part_of)?;
            }
        }
        let is_part = |entry: &&Entry| entry.kind == EntryKind::Directory && (entry.name == "snap" || entry.name == "wal");
        if !inner.iter().any(|entry| is_part(&entry)) {
            let holds = |is: fn(&str) -> bool| inner.iter().any(|entry| entry.kind == EntryKind::File && is(&entry.name));
            if holds(is_segment) {
                return found.only(path, part_in_wal);
            }
            if holds(|name| name == "db") {
                return found.only(path, part_in_snap);
            }
        }
        if found.files.is_empty() {
            let names = inner.iter().map(|entry| entry.name.escape_debug().to_string()).take(LISTED.saturating_add(1)).collect();
            return Err(InputError::NotADataDirectory { path: path.to_owned(), found: names });
        }
        found.pass_over(inner.iter().filter(|entry| !is_part(entry)));
        found.files.sort();
        found.passed_over.sort();
        Ok(found)
    }

    /// Takes the files of `path` alone, which is `snap` or `wal` itself.
    fn only(mut self, path: &Path, part_of: fn(&str) -> Option<FileRole>) -> Result<Self, InputError> {
        self.add(path, part_of)?;
        self.files.sort();
        self.passed_over.sort();
        Ok(self)
    }

    fn add(&mut self, directory: &Path, part_of: fn(&str) -> Option<FileRole>) -> Result<(), InputError> {
        let entries = entries(directory)?;
        let part = |entry: &Entry| (entry.kind == EntryKind::File).then(|| part_of(&entry.name)).flatten();
        self.files.extend(entries.iter().filter_map(|entry| Some(DataFile { role: part(entry)?, path: entry.path.clone() })));
        self.pass_over(entries.iter().filter(|entry| part(entry).is_none()));
        Ok(())
    }

    fn pass_over<'a>(&mut self, entries: impl Iterator<Item = &'a Entry>) {
        self.passed_over.extend(entries.map(|entry| PassedOver {
            path: entry.path.clone(),
            why: match entry.kind {
                EntryKind::Link => "a symbolic link, not followed",
                EntryKind::Directory => "a directory that etcd does not make",
                EntryKind::File => "not a file of etcd by its name",
                EntryKind::Special => "no regular file",
            },
        }));
    }
}

fn part_in_snap(name: &str) -> Option<FileRole> {
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

fn part_in_wal(name: &str) -> Option<FileRole> {
    match name {
        _ if is_segment(name) => Some(FileRole::Member(StoreKind::Segment)),
        _ if name.ends_with(".wal") || name.ends_with(".tmp") || name.ends_with(".broken") => Some(FileRole::Leftover(StoreKind::Segment)),
        _ => None,
    }
}

/// `<16 digits>-<16 digits>.wal`; etcd passes over any other name.
fn is_segment(name: &str) -> bool {
    let is_number = |digits: &str| digits.len() == 16 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    name.strip_suffix(".wal").and_then(|name| name.split_once('-')).is_some_and(|(seq, index)| is_number(seq) && is_number(index))
}

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    path: PathBuf,
    kind: EntryKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EntryKind {
    File,
    Directory,
    Link,
    Special,
}

/// What a directory holds, by name.
fn entries(path: &Path) -> Result<Vec<Entry>, InputError> {
    let read = |source| Error::Read { path: path.to_owned(), source };
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(read)? {
        let entry = entry.map_err(read)?;
        // Of the link, not of what it points to.
        let kind = entry.file_type().map_err(read)?;
        let kind = match () {
            () if kind.is_symlink() => EntryKind::Link,
            () if kind.is_dir() => EntryKind::Directory,
            () if kind.is_file() => EntryKind::File,
            () => EntryKind::Special,
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        entries.push(Entry { path: path.join(entry.file_name()), name, kind });
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    fn directory(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        dir
    }

    fn relative(dir: &Path, found: &DataDirectory) -> Vec<(FileRole, String)> {
        let name = |path: &Path| path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
        found.files.iter().map(|file| (file.role, name(&file.path))).collect()
    }

    const FILES: [&str; 10] = [
        "member/wal/0.tmp",
        "member/wal/0000000000000001-0000000000000065.wal",
        "member/wal/0000000000000000-0000000000000000.wal",
        "member/wal/0000000000000000-0000000000000000.wal.broken",
        "member/snap/db.tmp.123",
        "member/snap/db",
        "member/snap/0000000000000002-0000000000000065.snap",
        "member/snap/0000000000000003-0000000000000066.snap.broken",
        "member/snap/0000000000000066.snap.db",
        "member/snap/notes.txt",
    ];

    #[test]
    fn the_files_of_a_member_are_found_and_ordered_whether_its_parent_or_itself_is_named() {
        let dir = directory(&FILES);
        let found = DataDirectory::find(dir.path()).unwrap();
        let expected = [
            (FileRole::Member(StoreKind::Database), "member/snap/db"),
            (FileRole::Member(StoreKind::RaftSnapshot), "member/snap/0000000000000002-0000000000000065.snap"),
            (FileRole::Member(StoreKind::Segment), "member/wal/0000000000000000-0000000000000000.wal"),
            (FileRole::Member(StoreKind::Segment), "member/wal/0000000000000001-0000000000000065.wal"),
            (FileRole::Leftover(StoreKind::Database), "member/snap/0000000000000066.snap.db"),
            (FileRole::Leftover(StoreKind::Database), "member/snap/db.tmp.123"),
            (FileRole::Leftover(StoreKind::RaftSnapshot), "member/snap/0000000000000003-0000000000000066.snap.broken"),
            (FileRole::Leftover(StoreKind::Segment), "member/wal/0.tmp"),
            (FileRole::Leftover(StoreKind::Segment), "member/wal/0000000000000000-0000000000000000.wal.broken"),
        ]
        .map(|(part, path)| (part, path.to_owned()));
        assert_eq!(relative(dir.path(), &found), expected);
        assert_eq!(found.passed_over.len(), 1);
        let member = DataDirectory::find(&dir.path().join("member")).unwrap();
        assert_eq!(relative(dir.path(), &member), expected);
        let in_part = |part: &str| expected.iter().filter(|(_, path)| path.starts_with(part)).cloned().collect::<Vec<_>>();
        for part in ["member/snap", "member/wal"] {
            let found = DataDirectory::find(&dir.path().join(part)).unwrap();
            assert_eq!(relative(dir.path(), &found), in_part(part));
        }
    }

    #[test]
    fn a_directory_that_is_no_members_says_what_it_holds_instead() {
        let dir = directory(&["backups/a.db", "readme"]);
        match DataDirectory::find(dir.path()) {
            Err(InputError::NotADataDirectory { found, .. }) => assert_eq!(found, ["backups", "readme"]),
            other => panic!("{other:?}"),
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_named_and_not_followed() {
        let dir = directory(&["member/snap/db", "elsewhere/0000000000000000-0000000000000000.wal"]);
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), dir.path().join("member/wal")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("member/snap/db.tmp.1")).unwrap();
        let found = DataDirectory::find(dir.path()).unwrap();
        assert_eq!(relative(dir.path(), &found), [(FileRole::Member(StoreKind::Database), "member/snap/db".to_owned())]);
        let links = found.passed_over.iter().filter(|passed| passed.why.contains("symbolic link")).count();
        assert_eq!(links, 2);
    }
}
