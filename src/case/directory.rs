//! Data directories: which files in what was given are a member's, and what each is to it.
//!
//! ```text
//! DIR/member/snap/db                        the database                         member
//!                <term>-<index>.snap        raft snapshots                       member
//!                <index>.snap.db            databases received from a leader     leftover
//!                db.tmp.*, tmp*, *.broken   what a crash or a repair left        leftover
//!           wal/<seq>-<index>.wal           segments of the log                  member
//!               *.tmp, *.broken             preallocated, or set aside           leftover
//! ```
//! `member`, and `member/snap` or `member/wal` (which can be elsewhere, `--wal-dir`) are read by themselves too. Every other
//! directory that looks like one of them is a further member; every other file is opened, and read where its bytes are of a
//! form that is known.
//!
//! Source: etcd `server/storage/datadir/datadir.go`, `server/etcdserver/api/snap/{snapshotter,db}.go`,
//! `server/storage/wal/{util,file_pipeline,repair}.go`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::kind::FileRole;
use super::survey::{Entry, EntryKind, Listing, Survey, entries};
use crate::report::UnreadReason;
use crate::store::StoreKind;

/// The files of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DataDirectory {
    /// The input that it was found in.
    pub input: usize,
    /// The directory that it is told under.
    pub path: PathBuf,
    /// What etcd wrote, in the order in which it is read: the database, raft snapshots, segments, what was left behind.
    pub files: Vec<DataFile>,
    /// Files that etcd does not write: what they are, their bytes say.
    pub strays: Vec<Place>,
    /// Links in a file's or a part's place, which lead out of what was given.
    pub elsewhere: Vec<Elsewhere>,
    /// What is not read.
    pub unread: Vec<(Place, UnreadReason)>,
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
}

/// What a link stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StandsFor {
    Snap,
    Wal,
    File(FileRole),
}

/// Which file of a part of a member has which role.
pub(super) type PartOf = fn(&str) -> Option<FileRole>;

/// What each member of the survey is made of, and all real paths that they have. Each file is of one member, and taken once.
pub(super) fn members(survey: &Survey) -> (Vec<DataDirectory>, BTreeSet<PathBuf>) {
    let mut listings: Vec<(&PathBuf, &Listing)> = survey.listings.iter().collect();
    listings.sort_by_key(|(_, listing)| (listing.input, listing.depth, &listing.path));
    let mut finder = Finder { survey, taken: BTreeSet::new(), members: Vec::new() };
    for (_, listing) in &listings {
        finder.member(listing);
    }
    for (real, listing) in &listings {
        if !finder.taken.contains(*real) {
            finder.part_alone(real, listing);
        }
    }
    for (_, listing) in &listings {
        finder.rest(listing);
    }
    finder.finish()
}

struct Finder<'a> {
    survey: &'a Survey,
    /// Real paths of what some member has: parts, and files.
    taken: BTreeSet<PathBuf>,
    members: Vec<DataDirectory>,
}

impl<'a> Finder<'a> {
    /// A directory with `snap` or `wal` in it.
    fn member(&mut self, listing: &'a Listing) {
        let mut found = DataDirectory::at(listing);
        let mut parts = Vec::new();
        for (name, stands_for, part_of) in [("snap", StandsFor::Snap, part_in_snap as PartOf), ("wal", StandsFor::Wal, part_in_wal)] {
            let Some(entry) = listing.entries.iter().find(|entry| entry.name == name) else { continue };
            match entry.kind {
                EntryKind::Directory => parts.extend(self.survey.listings.get(&entry.real).map(|part| (entry, part, part_of))),
                EntryKind::Elsewhere | EntryKind::Nowhere => found.elsewhere.push(Elsewhere { place: entry.place(), stands_for }),
                EntryKind::File | EntryKind::Passage | EntryKind::Device => {}
            }
        }
        for (entry, part, part_of) in parts {
            if self.taken.contains(&entry.real) {
                continue;
            }
            let before = found.files.len();
            self.add(&mut found, entry, &part.entries, part_of);
            if found.files.len() > before {
                self.taken.insert(entry.real.clone());
            }
        }
        if found.has_own() {
            self.taken.extend(found.elsewhere.iter().map(|link| link.place.path.clone()));
            self.members.push(found);
        }
    }

    /// A directory that is `wal` or `snap` itself.
    fn part_alone(&mut self, real: &Path, listing: &'a Listing) {
        let holds = |is: fn(&str) -> bool| listing.entries.iter().any(|entry| entry.kind == EntryKind::File && is(&entry.name));
        let part_of: PartOf = match () {
            () if holds(is_segment) => part_in_wal,
            () if holds(|name| name == "db") => part_in_snap,
            () => return,
        };
        let mut found = DataDirectory::at(listing);
        for entry in &listing.entries {
            self.add_file(&mut found, entry, entry.place(), part_of);
        }
        if found.has_own() {
            self.taken.insert(real.to_owned());
            self.members.push(found);
        }
    }

    /// The files of a part. Behind a link, each has a path through it, and a real one.
    fn add(&mut self, found: &mut DataDirectory, part: &Entry, entries: &[Entry], part_of: PartOf) {
        for entry in entries {
            let place = match part.is_link {
                true => Place { path: part.path.join(&entry.name), target: Some(entry.real.clone()) },
                false => entry.place(),
            };
            self.add_file(found, entry, place, part_of);
        }
    }

    fn add_file(&mut self, found: &mut DataDirectory, entry: &Entry, place: Place, part_of: PartOf) {
        let Some(role) = part_of(&entry.name) else { return };
        match entry.kind {
            EntryKind::File if self.taken.insert(entry.real.clone()) => found.files.push(DataFile { role, place }),
            EntryKind::Elsewhere | EntryKind::Nowhere => {
                self.taken.insert(entry.path.clone());
                found.elsewhere.push(Elsewhere { place, stands_for: StandsFor::File(role) });
            }
            _ => {}
        }
    }

    /// Whatever else a directory holds, for the member that it stands in.
    fn rest(&mut self, listing: &'a Listing) {
        let owner = self.owner(listing.input, &listing.path);
        let Some(member) = owner.and_then(|owner| self.members.get_mut(owner)) else { return };
        for entry in &listing.entries {
            if self.taken.contains(&entry.path) {
                continue;
            }
            let reason = match entry.kind {
                EntryKind::Elsewhere => UnreadReason::LeadsElsewhere,
                EntryKind::Nowhere => UnreadReason::LeadsNowhere,
                EntryKind::Device => UnreadReason::Device,
                // What a link leads to is told where it stands.
                EntryKind::File if !entry.is_link && self.taken.insert(entry.real.clone()) => {
                    member.strays.push(entry.place());
                    continue;
                }
                EntryKind::File | EntryKind::Directory | EntryKind::Passage => continue,
            };
            member.unread.push((entry.place(), reason));
        }
    }

    /// The member in whose directory a path stands; of what stands beside all of them, the first of the input.
    fn owner(&self, input: usize, path: &Path) -> Option<usize> {
        let of_input = || self.members.iter().enumerate().filter(|(_, member)| member.input == input);
        let within = of_input().filter(|(_, member)| path.starts_with(&member.path));
        let nearest = within.max_by_key(|(_, member)| member.path.components().count());
        nearest.or_else(|| of_input().next()).map(|(index, _)| index)
    }

    fn finish(mut self) -> (Vec<DataDirectory>, BTreeSet<PathBuf>) {
        for (input, path, reason) in &self.survey.unread {
            let owner = self.owner(*input, path);
            if let Some(member) = owner.and_then(|owner| self.members.get_mut(owner)) {
                member.unread.push((Place { path: path.clone(), target: None }, reason.clone()));
            }
        }
        for member in &mut self.members {
            member.sort();
        }
        (self.members, self.taken)
    }
}

impl DataDirectory {
    fn at(listing: &Listing) -> Self {
        // What is told of `member` is told under the directory that etcd was given.
        let parent = listing.path.parent().filter(|_| listing.depth > 0 && listing.path.ends_with("member"));
        let path = parent.unwrap_or(&listing.path).to_owned();
        Self { input: listing.input, path, files: Vec::new(), strays: Vec::new(), elsewhere: Vec::new(), unread: Vec::new() }
    }

    fn has_own(&self) -> bool {
        self.files.iter().any(|file| matches!(file.role, FileRole::Member(_)))
    }

    /// Files of one kind that the member works with.
    pub(super) fn own(&self, kind: StoreKind) -> impl Iterator<Item = &DataFile> {
        self.files.iter().filter(move |file| file.role == FileRole::Member(kind))
    }

    /// Takes over the files of another directory of the same member.
    pub(super) fn join(&mut self, other: Self) {
        let Self { files, strays, elsewhere, unread, .. } = other;
        self.files.extend(files);
        self.strays.extend(strays);
        self.elsewhere.extend(elsewhere);
        self.unread.extend(unread);
        self.sort();
    }

    pub(super) fn sort(&mut self) {
        self.files.sort();
        self.strays.sort();
        self.unread.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
}

impl Elsewhere {
    /// What it leads to, as part of a directory like this one.
    pub(super) fn behind(&self, directory: &DataDirectory) -> DataDirectory {
        let Self { place, stands_for } = self;
        let mut found =
            DataDirectory { files: Vec::new(), strays: Vec::new(), elsewhere: Vec::new(), unread: Vec::new(), ..directory.clone() };
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
                (EntryKind::Elsewhere, _) => found.unread.push((place, UnreadReason::LeadsElsewhere)),
                (EntryKind::Nowhere, _) => found.unread.push((place, UnreadReason::LeadsNowhere)),
                (EntryKind::Device, _) => found.unread.push((place, UnreadReason::Device)),
                (EntryKind::Passage, _) => {}
            }
        }
        found
    }
}

impl Entry {
    fn place(&self) -> Place {
        Place { path: self.path.clone(), target: self.is_link.then(|| self.real.clone()) }
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

/// `<16 digits>-<16 digits>.wal`; etcd passes over any other name.
fn is_segment(name: &str) -> bool {
    let is_number = |digits: &str| digits.len() == 16 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    name.strip_suffix(".wal").and_then(|name| name.split_once('-')).is_some_and(|(seq, index)| is_number(seq) && is_number(index))
}

/// Names of files that etcd, its distributions and operators put into a data directory: settings and markers, no data of the store.
pub(super) fn is_known_beside(name: &str) -> bool {
    const NAMES: [&str; 10] = [
        // RKE2 and k3s.
        "config",
        "name",
        // etcd's own probe of whether it may write.
        ".touch",
        // OpenShift's operator.
        "revision.json",
        // Bitnami's charts.
        "member_id",
        "prevHostname",
        // etcd-backup-restore.
        "safe_guard",
        "validation_marker",
        "etcd.conf.yaml",
        // The file that marks a data directory as one for caches and backups.
        "CACHEDIR.TAG",
    ];
    NAMES.contains(&name)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use std::fs;

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

    fn find(path: &Path) -> Vec<DataDirectory> {
        members(&Survey::of(&[path.to_owned()])).0
    }

    fn relative(dir: &Path, found: &DataDirectory) -> Vec<(FileRole, String)> {
        let name = |path: &Path| path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
        found.files.iter().map(|file| (file.role, name(&file.place.path))).collect()
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
        for path in [dir.path().to_owned(), dir.path().join("member")] {
            let found = find(&path);
            assert_eq!((found.len(), &found[0].path), (1, &path));
            assert_eq!(relative(dir.path(), &found[0]), expected);
            assert_eq!(found[0].strays.len(), 1);
        }
        let in_part = |part: &str| expected.iter().filter(|(_, path)| path.starts_with(part)).cloned().collect::<Vec<_>>();
        for part in ["member/snap", "member/wal"] {
            assert_eq!(relative(dir.path(), &find(&dir.path().join(part))[0]), in_part(part));
        }
    }

    #[test]
    fn every_directory_that_looks_like_a_members_is_one() {
        let dir = directory(&["member/snap/db", "member.bak/snap/db", "old/db", "wal/0000000000000000-0000000000000000.wal", "notes"]);
        let found: Vec<_> = find(dir.path()).into_iter().map(|member| (relative(dir.path(), &member), member.strays.len())).collect();
        let database = |path: &str| (FileRole::Member(StoreKind::Database), path.to_owned());
        let segment = (FileRole::Member(StoreKind::Segment), "wal/0000000000000000-0000000000000000.wal".to_owned());
        assert_eq!(
            found,
            [
                (vec![segment], 0),
                (vec![database("member/snap/db")], 1),
                (vec![database("member.bak/snap/db")], 0),
                (vec![database("old/db")], 0),
            ]
        );
        assert!(find(directory(&["backups/a.db", "readme"]).path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stands_for_what_it_leads_to_only_within_what_was_given() {
        use std::os::unix::fs::symlink;
        let segment = "0000000000000000-0000000000000000.wal";
        let dir = directory(&["data/member/snap/db", &format!("disk/{segment}")]);
        symlink("../../disk", dir.path().join("data/member/wal")).unwrap();
        symlink("/etc/passwd", dir.path().join("data/member/snap/db.tmp.1")).unwrap();
        let within = find(dir.path());
        assert_eq!(within.len(), 1);
        let log: Vec<_> = within[0].own(StoreKind::Segment).collect();
        assert!(log.len() == 1 && log[0].place.path.ends_with(Path::new("data/member/wal").join(segment)));
        assert!(log[0].place.target.as_deref().unwrap().ends_with(Path::new("disk").join(segment)));
        let outside = find(&dir.path().join("data"));
        assert_eq!((outside.len(), outside[0].files.len(), outside[0].elsewhere.len()), (1, 1, 2));
    }
}
