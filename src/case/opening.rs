//! What was given is put together to members, and their files are opened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::directory::{self, DataDirectory, DataFile, Place, StandsFor, is_known_beside};
use super::guess::guess;
use super::joining;
use super::kind::FileRole;
use super::member::{OpenFile, OpenMember};
use super::run::Run;
use super::survey::Survey;
use super::{InputError, RunError};
use crate::evidence::container::{Fault, Left};
use crate::evidence::{Container, Error, Evidence, MemberId, OpenedFile, range};
use crate::report::{Unread, UnreadReason};
use crate::store::StoreKind;

/// What was given: a member's directory, a file by itself, or nothing that can be read.
pub(super) enum Given {
    Directory(DataDirectory),
    File(PathBuf),
    Nothing(InputError),
}

impl Run<'_> {
    /// What was given, as members: the files of directories put together, and each other file by itself.
    pub(super) fn survey(&self) -> Vec<Given> {
        let inputs = self.case.inputs;
        let survey = Survey::of(inputs);
        let (mut members, taken) = directory::members(&survey);
        let mut has_members: BTreeSet<usize> = members.iter().map(|member| member.input).collect();
        joining::join(&mut members, inputs, &self.case.limits);
        let mut given = Vec::new();
        let mut of_input: BTreeMap<usize, Vec<DataDirectory>> = BTreeMap::new();
        for member in members {
            of_input.entry(member.input).or_default().push(member);
        }
        for (input, path) in inputs.iter().enumerate() {
            let is_told_with_another = || fs::canonicalize(path).is_ok_and(|real| taken.contains(&real));
            given.extend(of_input.remove(&input).into_iter().flatten().map(Given::Directory));
            match path.is_dir() {
                _ if is_told_with_another() => {}
                false => given.push(Given::File(path.clone())),
                true if has_members.insert(input) => given.extend(survey.not_a_member(input, path).map(Given::Nothing)),
                true => {}
            }
        }
        given
    }

    /// Opens what was given. What cannot be opened of it is told.
    pub(super) fn open(&mut self, given: Given) -> Result<Vec<OpenMember>, RunError> {
        let id = self.numbering.member();
        match given {
            Given::Nothing(error) => {
                self.place = None;
                let path = error.path().to_owned();
                self.failed(&path, error);
                Ok(Vec::new())
            }
            Given::File(path) => {
                self.place = Some((id, path.clone()));
                self.open_file_alone(id, &path)
            }
            Given::Directory(directory) => {
                let path = directory.path.clone();
                self.place = Some((id, path.clone()));
                let files = self.open_directory(directory)?;
                let member = OpenMember { id, path, is_directory: true, files };
                Ok(Some(member).filter(|member| !member.files.is_empty()).into_iter().collect())
            }
        }
    }

    /// A file by itself, or each file of an archive.
    fn open_file_alone(&mut self, id: MemberId, path: &Path) -> Result<Vec<OpenMember>, RunError> {
        let Some(OpenedFile { evidences, left }) = self.attempt(path, |run| run.open_all(path))? else { return Ok(Vec::new()) };
        let (mut members, mut foreign) = (Vec::new(), Vec::new());
        for evidence in evidences {
            let is_alone = evidence.path() == path;
            let name = evidence.path().to_owned();
            match self.kind_asked_for(&evidence) {
                Ok(kind) => {
                    let id = if members.is_empty() { id } else { self.numbering.member() };
                    let files = vec![OpenFile { evidence, role: FileRole::Member(kind), target: None }];
                    members.push(OpenMember { id, path: path.to_owned(), is_directory: false, files });
                }
                Err(error) if is_alone => self.failed(path, error),
                Err(_) => foreign.push((name, guess(evidence.content()).what)),
            }
        }
        if members.is_empty() && !foreign.is_empty() {
            let found = foreign.iter().map(|(name, _)| name.display().to_string()).collect();
            let source = Fault::Entries { found };
            self.failed(path, Error::Container { path: path.to_owned(), container: Container::Zip, source }.into());
            return Ok(members);
        }
        for (path, what) in foreign {
            self.not_read(Place { path, target: None }, UnreadReason::NotUnpacked(format!("not a file of etcd; it looks like {what}")));
        }
        self.left_in(path, left);
        Ok(members)
    }

    /// Notes what of a container nothing was taken out of.
    fn left_in(&mut self, path: &Path, left: Vec<Left>) {
        for Left { name, why } in left {
            let path = name.map_or(path.to_owned(), |name| path.join(name));
            self.not_read(Place { path, target: None }, UnreadReason::NotUnpacked(why));
        }
    }

    fn open_directory(&mut self, mut directory: DataDirectory) -> Result<Vec<OpenFile>, RunError> {
        self.follow(&mut directory);
        let mut files = Vec::new();
        for DataFile { role, place } in directory.files {
            let opened = self.attempt(&place.path, |run| {
                let evidence = run.open_file(&place.path)?;
                if matches!(role, FileRole::Leftover(_)) && holds_nothing(&evidence, role.kind()) {
                    return Ok(None);
                }
                if role.kind() == StoreKind::Database {
                    kind_of(&evidence)?;
                }
                Ok(Some(OpenFile { evidence, role, target: place.target.clone() }))
            })?;
            files.extend(opened.flatten());
        }
        for place in directory.strays {
            self.open_stray(&place, &mut files)?;
        }
        for (place, reason) in directory.unread {
            self.not_read(place, reason);
        }
        // Stable: what stands by its name goes before what was found by its bytes.
        files.sort_by_key(|file| file.role);
        Ok(files)
    }

    /// A file that etcd does not write, and of an archive each of its files: read where its bytes are of a form that is known.
    fn open_stray(&mut self, place: &Place, files: &mut Vec<OpenFile>) -> Result<(), RunError> {
        let is_known = place.path.file_name().is_some_and(|name| is_known_beside(&name.to_string_lossy()));
        let Some(OpenedFile { evidences, left }) = self.attempt(&place.path, |run| run.open_all(&place.path))? else { return Ok(()) };
        for evidence in evidences {
            match StoreKind::of(&evidence) {
                Ok(kind) => files.push(OpenFile { evidence, role: FileRole::Leftover(kind), target: place.target.clone() }),
                Err(_) if holds_nothing(&evidence, StoreKind::Database) || is_known => {}
                Err(_) => {
                    let place = Place { path: evidence.path().to_owned(), target: place.target.clone() };
                    self.not_read(place, UnreadReason::Foreign(guess(evidence.content()).what.to_owned()));
                }
            }
        }
        self.left_in(&place.path, left);
        Ok(())
    }

    /// Follows links that lead out of what was given, where what they lead to is proven to be of this member.
    fn follow(&mut self, directory: &mut DataDirectory) {
        let limits = self.case.limits;
        let mut told = Vec::new();
        for link in std::mem::take(&mut directory.elsewhere) {
            let is_log = matches!(link.stands_for, StandsFor::Wal | StandsFor::File(FileRole::Member(StoreKind::Segment)));
            let kind = if is_log { StoreKind::Segment } else { StoreKind::Database };
            if !matches!(link.stands_for, StandsFor::File(_)) && directory.own(kind).next().is_some() {
                // What it stands for was given too.
                continue;
            }
            let mut joined = directory.clone();
            joined.join(link.behind(directory));
            match joining::is_one_member(&joined, &limits) {
                true => *directory = joined,
                false => {
                    told.push(kind);
                    let is_there = link.place.path.exists();
                    let reason = if is_there { UnreadReason::LeadsElsewhere } else { UnreadReason::LeadsNowhere };
                    self.not_read(link.place, reason);
                }
            }
        }
        directory.sort();
        for (kind, part, reason) in
            [(StoreKind::Database, "snap", UnreadReason::NoDatabase), (StoreKind::Segment, "wal", UnreadReason::NoLog)]
        {
            let is_told = told.contains(&kind) || directory.unread.iter().any(|(place, _)| place.path.ends_with(part));
            if directory.own(kind).next().is_none() && !is_told {
                self.not_read(Place { path: directory.path.clone(), target: None }, reason);
            }
        }
    }

    /// Notes what was not read of what is being opened or read.
    pub(super) fn not_read(&mut self, Place { path, target }: Place, reason: UnreadReason) {
        let (member, given) = self.place.clone().map_or((None, path.clone()), |(member, given)| (Some(member), given));
        self.report.unread.push(Unread { member, given, path, target, reason });
    }

    fn open_all(&self, path: &Path) -> Result<OpenedFile, InputError> {
        self.case.host.opening(path);
        Ok(Evidence::open_all(path, &self.case.limits)?)
    }

    fn open_file(&self, path: &Path) -> Result<Evidence, InputError> {
        self.case.host.opening(path);
        Ok(Evidence::open(path, &self.case.limits)?)
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

/// Whether a leftover has no bytes, or as a database none but zeros: it was created, and nothing was written.
fn holds_nothing(evidence: &Evidence, kind: StoreKind) -> bool {
    let bytes = evidence.content();
    bytes.is_empty() || kind == StoreKind::Database && range::is_zero(bytes)
}
