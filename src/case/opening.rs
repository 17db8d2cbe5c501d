//! What was given is put together to members, and their files are opened.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::directory::{self, DataDirectory, DataFile, Place, StandsFor, is_known_beside};
use super::guess::guess;
use super::joining::{self, LogIdentity, Members, path_of};
use super::kind::FileRole;
use super::member::{OpenFile, OpenMember};
use super::run::Run;
use super::survey::Survey;
use super::{InputError, RunError};
use crate::evidence::{Evidence, range};
use crate::report::{Unread, UnreadReason};
use crate::store::StoreKind;

/// What was given: a member's directory, a file by itself, or nothing that can be read.
pub(super) enum Given {
    Directory(DataDirectory),
    File(PathBuf),
    Nothing(InputError),
}

/// What a file turned out to be that etcd does not write.
enum Stray {
    Read(OpenFile),
    /// It holds nothing of a store.
    Nothing,
    Foreign(&'static str),
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
        for (input, path) in inputs.iter().enumerate() {
            let is_told_with_another = || fs::canonicalize(path).is_ok_and(|real| taken.contains(&real));
            let (own, others) = members.into_iter().partition(|member| member.input == input);
            members = others;
            given.extend(Vec::into_iter(own).map(Given::Directory));
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
    pub(super) fn open(&mut self, given: Given) -> Result<Option<OpenMember>, RunError> {
        let id = self.numbering.member();
        match given {
            Given::Nothing(error) => {
                self.place = None;
                self.failed(&error.path().to_owned(), error);
                Ok(None)
            }
            Given::File(path) => {
                self.place = Some((id, path.clone()));
                let file = self.attempt(&path, |run| {
                    let evidence = run.open_file(&path)?;
                    let kind = run.kind_asked_for(&evidence)?;
                    Ok(OpenFile { evidence, role: FileRole::Member(kind), target: None })
                })?;
                Ok(file.map(|file| OpenMember { id, path, is_directory: false, files: vec![file] }))
            }
            Given::Directory(directory) => {
                let path = directory.path.clone();
                self.place = Some((id, path.clone()));
                let files = self.open_directory(directory)?;
                Ok((!files.is_empty()).then_some(OpenMember { id, path, is_directory: true, files }))
            }
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
            let opened = self.attempt(&place.path, |run| {
                let evidence = run.open_file(&place.path)?;
                Ok(match kind_of(&evidence) {
                    Ok(kind) => Stray::Read(OpenFile { evidence, role: FileRole::Leftover(kind), target: place.target.clone() }),
                    Err(_) if holds_nothing(&evidence, StoreKind::Database) => Stray::Nothing,
                    Err(_) if place.path.file_name().is_some_and(|name| is_known_beside(&name.to_string_lossy())) => Stray::Nothing,
                    Err(_) => Stray::Foreign(guess(evidence.content()).what),
                })
            })?;
            match opened {
                Some(Stray::Read(file)) => files.push(file),
                Some(Stray::Foreign(what)) => self.not_read(place, UnreadReason::Foreign(what.to_owned())),
                Some(Stray::Nothing) | None => {}
            }
        }
        for (place, reason) in directory.unread {
            self.not_read(place, reason);
        }
        // Stable: what stands by its name goes before what was found by its bytes.
        files.sort_by_key(|file| file.role);
        Ok(files)
    }

    /// Follows links that lead out of what was given, where what they lead to is proven to be of this member.
    fn follow(&mut self, directory: &mut DataDirectory) {
        let limits = self.case.limits;
        let log = |directory: &DataDirectory| LogIdentity::of(directory.own(StoreKind::Segment).map(path_of), &limits);
        let ids = |directory: &DataDirectory| Members::of(directory.own(StoreKind::Database).map(path_of).next()?, &limits);
        let mut told = Vec::new();
        for link in std::mem::take(&mut directory.elsewhere) {
            let is_log = matches!(link.stands_for, StandsFor::Wal | StandsFor::File(FileRole::Member(StoreKind::Segment)));
            let kind = if is_log { StoreKind::Segment } else { StoreKind::Database };
            if !matches!(link.stands_for, StandsFor::File(_)) && directory.own(kind).next().is_some() {
                // What it stands for was given too.
                continue;
            }
            let followed = link.behind(directory);
            let proven = match is_log {
                true => log(&followed).zip(ids(directory)),
                false => log(directory).zip(ids(&followed)),
            };
            match proven.is_some_and(|(log, ids)| ids.began(log)) {
                true => directory.join(followed),
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
