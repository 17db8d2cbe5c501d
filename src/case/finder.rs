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

use super::directory::{DataDirectory, DataFile, Elsewhere, Place, StandsFor};
use super::file_names::{PartOf, is_segment, part_in_snap, part_in_wal};
use super::survey::{Entry, EntryKind, Listing, Survey};

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
                EntryKind::Elsewhere | EntryKind::Nowhere => found.elsewhere.extend(Elsewhere::of(entry, entry.place(), stands_for)),
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
                found.elsewhere.extend(Elsewhere::of(entry, place, StandsFor::File(role)));
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
            // What a link leads to is told where it stands.
            if entry.kind == EntryKind::File && !entry.is_link && self.taken.insert(entry.real.clone()) {
                member.strays.push(entry.place());
            }
            member.unread.extend(entry.kind.why_unread().map(|reason| (entry.place(), reason)));
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
        for (input, unlisted) in &self.survey.unlisted {
            let owner = self.owner(*input, &unlisted.path);
            if let Some(member) = owner.and_then(|owner| self.members.get_mut(owner)) {
                member.unlisted.push(unlisted.clone());
            }
        }
        for member in &mut self.members {
            member.sort();
        }
        (self.members, self.taken)
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use std::fs;

    use super::*;
    use crate::case::kind::FileRole;
    use crate::store::StoreKind;

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
