//! What was given, put together to members: each directory, each file by itself, and what of all of them is one member.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::archive::Archive;
use super::directory::{DataDirectory, Place};
use super::file_names::is_known_beside;
use super::files::{self, Files};
use super::finder;
use super::given::Given;
use super::guess::Foreign;
use super::joining::{self, Part};
use super::run::Run;
use super::survey::{Entry, EntryKind, Survey};
use super::{InputError, bug};
use crate::evidence::{Evidence, FileId, OpenedFile, STDIN};
use crate::report::UnreadReason;
use crate::store::StoreKind;

impl Run<'_> {
    /// What was given, as members: the files of directories put together, and each other file by itself.
    pub(super) fn survey(&mut self) -> Vec<Given> {
        let inputs = self.report.inputs.clone();
        let survey = Survey::of(&inputs);
        let (mut members, taken) = finder::members(&survey);
        let mut given: Vec<Vec<Given>> = Vec::new();
        for (input, path) in inputs.iter().enumerate() {
            let is_told_with_another = || fs::canonicalize(path).is_ok_and(|real| taken.contains(&real));
            given.push(match path.is_dir() {
                _ if is_told_with_another() => Vec::new(),
                true if members.iter().any(|member| member.input == input) => Vec::new(),
                true => self.without_member(&survey, input, path),
                false => vec![self.file(path)],
            });
        }
        let mut known = BTreeSet::new();
        for of_input in &mut given {
            of_input.retain(|one| match one {
                Given::File(path) => FileId::of(path).is_none_or(|id| known.insert(id)),
                _ => true,
            });
        }
        let (parts, single) = self.parts(&members, &given);
        let joined = joining::join(parts, &inputs);
        joined.leave(&mut members);
        let mut all = Vec::new();
        for (input, of_input) in given.into_iter().enumerate() {
            let of = |member: &&DataDirectory| member.input == input;
            all.extend(joined.members.iter().chain(&members).filter(of).cloned().map(Given::Directory));
            let is_told = |one: &Given| one.file().is_some_and(|path| single.contains(path) && joined.has(path));
            all.extend(of_input.into_iter().filter(|one| !is_told(one)));
        }
        self.joined = joined;
        all
    }

    /// A file. Standard input is read here, and once.
    fn file(&mut self, path: &Path) -> Given {
        if path == Path::new(STDIN) {
            match Evidence::of_stdin(&self.case.limits) {
                Ok(stdin) => self.stdin = Some(stdin),
                Err(error) => return Given::Nothing(error.into()),
            }
        }
        Given::File(path.to_owned())
    }

    /// What of what was given lacks something that may stand elsewhere in it, and the files that hold one of them and nothing else. Where
    /// there is no log, or nothing but it, nothing is unpacked to see.
    fn parts(&self, members: &[DataDirectory], given: &[Vec<Given>]) -> (Vec<Part>, BTreeSet<PathBuf>) {
        let files = Files::on_disk(BTreeMap::new(), self.case.limits);
        let mut parts: Vec<Part> = members.iter().filter_map(|member| Part::of(member, &files)).collect();
        parts.extend(joining::beside(members, |input, path| self.look(path)?.only_part(input, path)));
        let mut single = BTreeSet::new();
        let alone =
            || given.iter().zip(0usize..).flat_map(|(of_input, input)| of_input.iter().filter_map(move |one| Some((input, one.file()?))));
        let has_several = parts.len().saturating_add(alone().count()) > 1;
        let has_log = || parts.iter().any(Part::is_log) || alone().any(|(_, path)| !self.is_database(path));
        if has_several && has_log() {
            for (input, path) in alone() {
                let Some(archive) = self.look(path) else { continue };
                single.extend(archive.only_part(input, path).map(|_| path.to_owned()));
                parts.extend(archive.parts(input, path, self.joins_files()));
            }
        }
        (parts, single)
    }

    /// Whether a file is a database by its first bytes, packed or not: no log can be in it.
    fn is_database(&self, path: &Path) -> bool {
        self.case.host.opening(path);
        Evidence::head_of(path).is_some_and(|head| StoreKind::of_bytes(&head) == Some(StoreKind::Database))
    }

    /// What is in a file; `None`: it cannot be opened, which is told where it is to be read.
    fn look(&self, path: &Path) -> Option<Archive> {
        bug::caught(path, || self.open_archive(path)).ok()
    }

    /// What is in a file.
    pub(super) fn open_archive(&self, path: &Path) -> Result<Archive, InputError> {
        self.case.host.opening(path);
        let limits = &self.case.limits;
        let opened = match self.stdin.as_ref().filter(|stdin| stdin.path() == path) {
            Some(stdin) => files::all_layers(stdin.again().unpacked(limits), limits),
            None => files::open_all(path, limits)?,
        };
        Ok(Archive::of(path, opened, self.joins_files()))
    }

    /// Whether files by themselves may be parts of a member: what is searched as any bytes is what it is alone.
    fn joins_files(&self) -> bool {
        !self.plan.as_image
    }

    /// Of a directory that is no member's: each file of a form that is read, or that this program does not read and another one does, as of
    /// an archive; and what else stands in it. Where there is nothing of these, nothing says that it was meant for one of etcd's.
    fn without_member(&self, survey: &Survey, input: usize, path: &Path) -> Vec<Given> {
        let of_survey = |(path, reason): (&Path, &UnreadReason)| (Place { path: path.to_owned(), target: None }, reason.clone());
        let (mut given, mut beside) = (Vec::new(), survey.unread_of(input).map(of_survey).collect::<Vec<_>>());
        let mut entries: Vec<&Entry> = survey.entries_of(input).collect();
        entries.sort_by_key(|entry| &entry.path);
        for entry in entries {
            match entry.kind {
                EntryKind::File if !entry.is_link => match self.is_meant(&entry.path) {
                    Ok(()) => given.push(Given::File(entry.path.clone())),
                    Err(reason) => beside.extend(reason.map(|reason| (entry.place(), reason))),
                },
                kind => beside.extend(kind.why_unread().map(|reason| (entry.place(), reason))),
            }
        }
        let leads_elsewhere = beside.iter().any(|(_, reason)| *reason == UnreadReason::LeadsElsewhere);
        let errors = survey.not_a_member(input, path, !given.is_empty() || leads_elsewhere);
        if !given.is_empty() || leads_elsewhere {
            given.push(Given::Beside(path.to_owned(), beside));
        }
        given.extend(errors.into_iter().map(Given::Nothing));
        given
    }

    /// Whether a file that stands in no member's directory is read by itself, as any is that is searched as bytes; else why not, unless it holds
    /// nothing of etcd's.
    fn is_meant(&self, path: &Path) -> Result<(), Option<UnreadReason>> {
        if Evidence::is_packed(path) {
            return Ok(());
        }
        // What cannot be opened is told where it is to be read.
        let Ok(OpenedFile { evidences, .. }) = files::open_all(path, &self.case.limits) else { return Ok(()) };
        let [evidence] = evidences.as_slice() else { return Ok(()) };
        let bytes = evidence.content();
        match Foreign::of(bytes) {
            _ if self.plan.as_image && !bytes.is_empty() => Ok(()),
            _ if !evidence.containers().is_empty() || StoreKind::of_bytes(evidence).is_some() => Ok(()),
            Foreign::NotSupported(_) => Ok(()),
            Foreign::Other(_) if bytes.is_empty() || is_known_beside(path, bytes) => Err(None),
            foreign @ Foreign::Other(_) => Err(Some(UnreadReason::Foreign(foreign.what().to_owned()))),
        }
    }
}
