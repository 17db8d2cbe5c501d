//! A member's files: where each is, what it is to the member, and what of them is not read.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::file_names::{PartOf, part_in_snap, part_in_wal};
use super::kind::FileRole;
use super::survey::{Entry, EntryKind, Listing, Unlisted, entries};
use crate::report::UnreadReason;
use crate::store::StoreKind;

/// The files of one member.
#[derive(Clone, Debug)]
pub(super) struct DataDirectory {
    /// The input that it was found in.
    pub input: usize,
    /// The directory that it is told under, or the file.
    pub path: PathBuf,
    /// The inputs that it was joined from; none where all of it is in one place.
    pub joined: Vec<PathBuf>,
    /// Whether it is one, and not a file by itself.
    pub is_directory: bool,
    /// Packed files that some of its files come out of.
    pub packed: BTreeSet<PathBuf>,
    /// What etcd wrote, in the order in which it is read: the database, raft snapshots, segments, what was left behind.
    pub files: Vec<DataFile>,
    /// Files that etcd does not write: what they are, their bytes say.
    pub strays: Vec<Place>,
    /// Links in a file's or a part's place, which lead out of what was given.
    pub elsewhere: Vec<Elsewhere>,
    /// What is not read.
    pub unread: Vec<(Place, UnreadReason)>,
    /// Directories in it of which nothing is known.
    pub unlisted: Vec<Unlisted>,
}

/// A file of a member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DataFile {
    /// What its name and place make of it.
    pub role: FileRole,
    /// Where it is.
    pub place: Place,
}

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// As the input was given.
    pub path: PathBuf,
    /// Where a link in that path leads.
    pub target: Option<PathBuf>,
}

/// A link that leads out of what was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Elsewhere {
    /// The link, and where it leads.
    pub place: Place,
    /// What stands in its place in a member's directory.
    pub stands_for: StandsFor,
    /// Why it is not read where it is not followed.
    pub reason: UnreadReason,
}

/// What a link stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StandsFor {
    Snap,
    Wal,
    File(FileRole),
}

impl StandsFor {
    /// What the member works with that stands behind it, if it is that.
    pub(super) fn own(self) -> Option<StoreKind> {
        match self {
            Self::Snap => Some(StoreKind::Database),
            Self::Wal => Some(StoreKind::Segment),
            Self::File(FileRole::Member(kind)) => Some(kind),
            Self::File(FileRole::Leftover(_) | FileRole::Stray(_)) => None,
        }
    }
}

impl DataDirectory {
    pub(super) fn at(listing: &Listing) -> Self {
        // What is told of `member` is told under the directory that etcd was given.
        let parent = listing.path.parent().filter(|_| listing.depth > 0 && listing.path.ends_with("member"));
        let path = parent.unwrap_or(&listing.path).to_owned();
        Self { is_directory: true, ..Self::of(listing.input, path, Vec::new()) }
    }

    /// Files that were given by themselves.
    pub(super) fn of(input: usize, path: PathBuf, files: Vec<DataFile>) -> Self {
        Self {
            input,
            path,
            joined: Vec::new(),
            is_directory: false,
            packed: BTreeSet::new(),
            files,
            strays: Vec::new(),
            elsewhere: Vec::new(),
            unread: Vec::new(),
            unlisted: Vec::new(),
        }
    }

    /// Whether it has a log without a database, or the reverse.
    pub(super) fn lacks_a_part(&self) -> bool {
        self.has(StoreKind::Database) != self.has(StoreKind::Segment)
    }

    pub(super) fn has_own(&self) -> bool {
        self.files.iter().any(|file| matches!(file.role, FileRole::Member(_)))
    }

    /// Files of one kind that the member works with.
    pub(super) fn own(&self, kind: StoreKind) -> impl Iterator<Item = &DataFile> {
        self.files.iter().filter(move |file| file.role == FileRole::Member(kind))
    }

    /// Whether there is one of that kind.
    pub(super) fn has(&self, kind: StoreKind) -> bool {
        self.own(kind).next().is_some()
    }

    /// Takes over the files of another directory of the same member.
    pub(super) fn join(&mut self, other: Self) {
        let Self { packed, files, strays, elsewhere, unread, unlisted, .. } = other;
        self.packed.extend(packed);
        self.files.extend(files);
        self.strays.extend(strays);
        self.elsewhere.extend(elsewhere);
        self.unread.extend(unread);
        self.unlisted.extend(unlisted);
        self.sort();
    }

    pub(super) fn sort(&mut self) {
        self.files.sort();
        self.strays.sort();
        self.unread.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
}

impl Elsewhere {
    /// A link to what is not read unless it is followed.
    pub(super) fn of(entry: &Entry, place: Place, stands_for: StandsFor) -> Option<Self> {
        Some(Self { place, stands_for, reason: entry.kind.why_unread()? })
    }

    /// What it leads to, as part of a directory like this one.
    pub(super) fn behind(&self, directory: &DataDirectory) -> DataDirectory {
        let Self { place, stands_for, .. } = self;
        let mut found = DataDirectory {
            is_directory: directory.is_directory,
            ..DataDirectory::of(directory.input, directory.path.clone(), Vec::new())
        };
        let part_of = match stands_for {
            StandsFor::File(role) => {
                found.files.push(DataFile { role: *role, place: place.clone() });
                return found;
            }
            StandsFor::Snap => part_in_snap as PartOf,
            StandsFor::Wal => part_in_wal,
        };
        for entry in entries(&place.path, place.target.as_deref().unwrap_or(&place.path), &[]).unwrap_or_default() {
            let place = Place { path: entry.path, target: Some(entry.real) };
            match (entry.kind, part_of(&entry.name)) {
                (EntryKind::File, Some(role)) => found.files.push(DataFile { role, place }),
                (EntryKind::File, None) => found.strays.push(place),
                (EntryKind::Directory, _) => found.unread.push((place, UnreadReason::TooDeep)),
                (kind, _) => found.unread.extend(kind.why_unread().map(|reason| (place, reason))),
            }
        }
        found
    }
}

impl Entry {
    pub(super) fn place(&self) -> Place {
        Place { path: self.path.clone(), target: self.is_link.then(|| self.real.clone()) }
    }
}
