//! What was given is put together to members, and their files are opened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::archive::{Archive, reason_of};
use super::directory::{DataDirectory, DataFile, Place, StandsFor};
use super::file_names::{is_known_beside, role_of};
use super::files::Files;
use super::given::Given;
use super::guess::Foreign;
use super::joining;
use super::kind::FileRole;
use super::member::{OpenFile, OpenMember};
use super::run::Run;
use super::{InputError, RunError};
use crate::evidence::container::{Fault, Left};
use crate::evidence::{Error, Evidence, FileId, MemberId, OpenedFile, range};
use crate::report::{Unread, UnreadReason};
use crate::store::StoreKind;

impl Run<'_> {
    /// Opens what was given. What cannot be opened of it is told.
    pub(super) fn open(&mut self, given: Given) -> Result<Vec<OpenMember>, RunError> {
        let id = self.numbering.member();
        match given {
            Given::Nothing(error) => {
                let path = error.path().to_owned();
                self.place = Some((id, path.clone()));
                self.failed(&path, error);
                Ok(Vec::new())
            }
            Given::Beside(path, unread) => {
                self.place = Some((id, path));
                unread.into_iter().for_each(|(place, reason)| self.not_read(place, reason));
                Ok(Vec::new())
            }
            Given::File(path) => {
                self.place = Some((id, path.clone()));
                self.open_file_alone(id, &path)
            }
            Given::Directory(directory) => {
                self.place = Some((id, directory.path.clone()));
                let mut open = BTreeMap::new();
                for packed in &directory.packed {
                    open.extend(self.attempt(packed, |run| run.open_archive(packed))?.map(Archive::into_files).unwrap_or_default());
                }
                let member = self.open_member(id, directory, &mut Files::on_disk(open, self.case.limits))?;
                Ok(member.into_iter().collect())
            }
        }
    }

    /// A file by itself, or of an archive its members' directories, and each file beside them.
    fn open_file_alone(&mut self, id: MemberId, path: &Path) -> Result<Vec<OpenMember>, RunError> {
        let Some(mut archive) = self.attempt(path, |run| run.open_archive(path))? else { return Ok(Vec::new()) };
        let is_told_elsewhere = archive.leave_out(&self.joined);
        let Archive { directories, loose, mut files, left, unread, joined } = archive;
        self.joined.add_unclear(&joined);
        let mut members = Vec::new();
        for directory in directories {
            let id = if members.is_empty() { id } else { self.numbering.member() };
            members.extend(self.open_member(id, directory, &mut files)?);
        }
        self.place = Some((id, path.to_owned()));
        let mut foreign = Vec::new();
        for evidence in loose {
            match self.kind_asked_for(&evidence) {
                Ok(kind) => {
                    let id = if members.is_empty() { id } else { self.numbering.member() };
                    let path = if evidence.path() == path { path } else { evidence.path() }.to_owned();
                    if let Some(reason) = self.log_of_several(evidence.path()) {
                        let all = self.place.replace((id, path.clone()));
                        self.not_read(Place { path: evidence.path().to_owned(), target: None }, reason);
                        self.place = all;
                    }
                    let files = vec![OpenFile { evidence, role: FileRole::Member(kind), target: None }];
                    members.push(OpenMember { id, path, joined: Vec::new(), is_directory: false, files });
                }
                Err(error) if evidence.path() == path => self.failed(path, error),
                Err(error) => foreign.push((evidence, error)),
            }
        }
        let is_read = is_told_elsewhere || !members.is_empty();
        match is_read || !left.is_empty() {
            true => self.beside(foreign),
            false => self.nothing_in(path, foreign),
        }
        self.left_in(left, is_read);
        for (place, reason) in unread {
            self.not_read(place, reason);
        }
        Ok(members)
    }

    /// Tells files of an archive that are none of etcd's.
    fn beside(&mut self, foreign: Vec<(Evidence, InputError)>) {
        for (evidence, error) in foreign {
            let reason = match error.unread_reason() {
                UnreadReason::Failed(_) if evidence.content().is_empty() || is_known_beside(evidence.path(), evidence.content()) => {
                    continue;
                }
                UnreadReason::Failed(_) => {
                    let what = Foreign::of(evidence.content()).what();
                    UnreadReason::NotUnpacked(format!("not a file of etcd; it looks like {what}"))
                }
                reason => reason,
            };
            self.not_read(Place { path: evidence.path().to_owned(), target: None }, reason);
        }
    }

    /// Tells that there is nothing of etcd's in an archive. What this program does not read may be.
    fn nothing_in(&mut self, path: &Path, foreign: Vec<(Evidence, InputError)>) {
        let is_failure = |(_, error): &(Evidence, InputError)| error.unread_reason().is_failure();
        let (failed, not_supported): (Vec<_>, Vec<_>) = foreign.into_iter().partition(is_failure);
        for (evidence, error) in not_supported {
            self.failed(evidence.path(), error);
        }
        if let Some(container) = failed.first().and_then(|(one, _)| one.containers().first().copied()) {
            let found = failed.iter().map(|(one, _)| one.path().display().to_string()).collect();
            let source = Fault::Entries { found };
            self.failed(path, Error::Container { path: path.to_owned(), container, source }.into());
        }
    }

    /// Notes what of a container nothing was taken out of; where nothing else came out of it, that is why nothing is read.
    fn left_in(&mut self, left: Vec<Left>, is_read: bool) {
        for left in left {
            let path = left.path.clone();
            if !is_read {
                self.failed(&path, Error::from(left).into());
                continue;
            }
            self.not_read(Place { path, target: None }, reason_of(&left.fault));
        }
    }

    fn open_member(&mut self, id: MemberId, directory: DataDirectory, opened: &mut Files) -> Result<Option<OpenMember>, RunError> {
        let (path, joined) = (directory.path.clone(), directory.joined.clone());
        self.place = Some((id, path.clone()));
        let files = self.open_directory(directory, opened)?;
        Ok(Some(OpenMember { id, path, joined, is_directory: true, files }).filter(|member| !member.files.is_empty()))
    }

    fn open_directory(&mut self, mut directory: DataDirectory, opened: &mut Files) -> Result<Vec<OpenFile>, RunError> {
        self.follow(&mut directory, opened);
        let mut known: BTreeSet<FileId> = directory.files.iter().filter_map(|file| FileId::of(&file.place.path)).collect();
        let mut files = Vec::new();
        for DataFile { role, place } in directory.files {
            let file = self.attempt(&place.path, |run| {
                run.case.host.opening(&place.path);
                let evidence = opened.open(&place.path)?;
                Ok((role_by_bytes(role, &evidence), evidence))
            })?;
            match file {
                Some((_, evidence)) if holds_nothing(&evidence, role) => {}
                Some((Some(role), evidence)) => files.push(OpenFile { evidence, role, target: place.target }),
                Some((None, evidence)) if matches!(role, FileRole::Member(StoreKind::Database)) => {
                    let path = place.path;
                    self.attempt(&path, |_| kind_of(&evidence))?;
                }
                Some((None, evidence)) => self.not_read(place, UnreadReason::Foreign(Foreign::of(evidence.content()).what().to_owned())),
                None => {}
            }
        }
        for place in directory.strays {
            // By another name it is the same file.
            if FileId::of(&place.path).is_some_and(|file| !known.insert(file)) {
                continue;
            }
            self.open_stray(&place, opened, &mut files)?;
        }
        for (place, reason) in directory.unread {
            self.not_read(place, reason);
        }
        for unlisted in directory.unlisted {
            self.failed(&unlisted.path.clone(), unlisted.into());
        }
        // Stable: what stands by its name goes before what was found by its bytes.
        files.sort_by_key(|file| file.role);
        Ok(files)
    }

    /// A file that etcd does not write, and of an archive each of its files: read where its bytes are of a form that is known.
    fn open_stray(&mut self, place: &Place, opened: &mut Files, files: &mut Vec<OpenFile>) -> Result<(), RunError> {
        let stray = self.attempt(&place.path, |run| {
            run.case.host.opening(&place.path);
            Ok(opened.open_all(&place.path)?)
        })?;
        let Some(OpenedFile { evidences, left, .. }) = stray else { return Ok(()) };
        for evidence in evidences {
            match StoreKind::of(&evidence) {
                Ok(kind) => files.push(OpenFile { evidence, role: FileRole::Stray(kind), target: place.target.clone() }),
                Err(_) if holds_nothing(&evidence, FileRole::Stray(StoreKind::Database)) => {}
                Err(_) if is_known_beside(evidence.path(), evidence.content()) => {}
                Err(reason) => {
                    let place = Place { path: evidence.path().to_owned(), target: place.target.clone() };
                    let reason = match InputError::not_recognised(&evidence, reason).unread_reason() {
                        UnreadReason::Failed(_) => UnreadReason::Foreign(Foreign::of(evidence.content()).what().to_owned()),
                        reason => reason,
                    };
                    self.not_read(place, reason);
                }
            }
        }
        self.left_in(left, true);
        Ok(())
    }

    /// Follows links that lead out of what was given, where what they lead to is proven to be of this member.
    fn follow(&mut self, directory: &mut DataDirectory, files: &Files) {
        let mut links = std::mem::take(&mut directory.elsewhere);
        // Where a link stands for a whole part, that part may have been given too.
        let is_given = |part: StandsFor| !matches!(part, StandsFor::File(_)) && part.own().is_some_and(|kind| directory.has(kind));
        links.retain(|link| !is_given(link.stands_for));
        directory.elsewhere = links;
        // Out of an archive no link is followed: what is there is not the evidence's.
        let left = if files.is_archive() { std::mem::take(&mut directory.elsewhere) } else { joining::follow(directory, files) };
        let mut told = Vec::new();
        for link in left {
            told.extend(link.stands_for.own());
            self.not_read(link.place, link.reason);
        }
        let database = directory.own(StoreKind::Database).next().map(|file| file.place.path.clone());
        let unclear = database.and_then(|database| self.log_of_several(&database));
        for (kind, part, reason) in
            [(StoreKind::Database, "snap", UnreadReason::NoDatabase), (StoreKind::Segment, "wal", unclear.unwrap_or(UnreadReason::NoLog))]
        {
            let names_it = |path: &Path| path.ends_with(part) || role_of(path) == Some(FileRole::Member(kind));
            let unlisted = directory.unlisted.iter().map(|unlisted| unlisted.path.as_path());
            let is_told =
                told.contains(&kind) || directory.unread.iter().map(|(place, _)| place.path.as_path()).chain(unlisted).any(names_it);
            if !directory.has(kind) && !is_told {
                self.not_read(Place { path: directory.path.clone(), target: None }, reason);
            }
        }
    }

    /// That a database's log may have been given, and was not joined to it.
    fn log_of_several(&self, database: &Path) -> Option<UnreadReason> {
        let log = self.joined.log_of(database)?.to_owned();
        Some(UnreadReason::LogOfSeveral { database: database.to_owned(), log })
    }

    /// Notes what was not read of what is being opened or read.
    pub(super) fn not_read(&mut self, Place { path, target }: Place, reason: UnreadReason) {
        let (member, given) = self.place.clone().map_or((None, path.clone()), |(member, given)| (Some(member), given));
        self.report.unread.push(Unread { member, given, path, target, reason });
    }

    fn kind_asked_for(&self, evidence: &Evidence) -> Result<StoreKind, InputError> {
        match self.plan.as_image {
            false => kind_of(evidence),
            true if evidence.content().is_empty() => Err(InputError::Empty(evidence.path().to_owned())),
            true => Ok(StoreKind::Image),
        }
    }
}

fn kind_of(evidence: &Evidence) -> Result<StoreKind, InputError> {
    StoreKind::of(evidence).map_err(|reason| InputError::not_recognised(evidence, reason))
}

/// Whether a file has no bytes, or as a database that was left behind none but zeros: it was created, and nothing was written. A database
/// and a segment that are the member's own have some.
fn holds_nothing(evidence: &Evidence, role: FileRole) -> bool {
    let bytes = evidence.content();
    match role {
        FileRole::Member(StoreKind::Database | StoreKind::Segment) => false,
        FileRole::Leftover(StoreKind::Database) | FileRole::Stray(StoreKind::Database) => range::is_zero(bytes),
        FileRole::Member(_) | FileRole::Leftover(_) | FileRole::Stray(_) => bytes.is_empty(),
    }
}

/// What a file is to its member: its name says which role it may have, and its bytes what it is. Where they tell nothing, one that has the
/// whole name of a segment or a raft snapshot is a broken one, and zeros are what was preallocated. `None`: it is not known.
fn role_by_bytes(role: FileRole, evidence: &Evidence) -> Option<FileRole> {
    if role.kind() == StoreKind::Segment && range::is_zero(evidence.content()) {
        return Some(role);
    }
    match StoreKind::of_bytes(evidence) {
        Some(kind) if kind == role.kind() => Some(role),
        Some(kind) => Some(FileRole::Stray(kind)),
        None => StoreKind::of(evidence).is_ok_and(|kind| role == FileRole::Member(kind)).then_some(role),
    }
}
