//! The files of an input that is packed: where a member's directory stands in an archive, it is read as one on disk is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::directory::{DataDirectory, Place};
use super::file_names::is_known_beside;
use super::files::{Files, archive_of};
use super::finder;
use super::joining::{self, Joined, Part};
use super::survey::Survey;
use crate::evidence::container::{Fault, Left};
use crate::evidence::{Evidence, OpenedFile};
use crate::report::UnreadReason;

/// A file that was opened, as the members' directories in it and the files beside them.
pub(super) struct Archive {
    pub directories: Vec<DataDirectory>,
    /// In their order.
    pub loose: Vec<Evidence>,
    /// Files of the directories.
    pub files: Files,
    pub left: Vec<Left>,
    /// Links that are of no directory, and lead to nothing in the archive.
    pub unread: Vec<(Place, UnreadReason)>,
    /// What of it belongs together.
    pub joined: Joined,
}

impl Archive {
    /// Finds the directories, and joins what in it is of one member. `joins_files`: files by themselves too.
    pub(super) fn of(path: &Path, OpenedFile { evidences, links, left }: OpenedFile, joins_files: bool) -> Self {
        let archive = archive_of(path);
        let survey = Survey::of_archive(archive.as_deref().unwrap_or(path), evidences.iter().map(Evidence::path), &links);
        let is_one_file = matches!(evidences.as_slice(), [one] if one.path() == path);
        let (mut directories, _) = if is_one_file { Default::default() } else { finder::members(&survey) };
        let unread = if directories.is_empty() { unread_links(&survey) } else { Vec::new() };
        // What stands beside a member's directory is a backup of its own.
        for directory in &mut directories {
            let path = directory.path.clone();
            directory.strays.retain(|place| place.path.starts_with(&path));
        }
        let left = left_beside(left, &mut directories);
        let mut found =
            Self { directories, loose: Vec::new(), files: Files::of_archive(BTreeMap::new()), left, unread, joined: Joined::default() };
        found.part(evidences);
        if !is_one_file {
            found.join(path, joins_files);
        }
        found
    }

    /// Gives to the directories what is theirs.
    fn part(&mut self, evidences: Vec<Evidence>) {
        // Through a link a file has another path.
        let places = self.directories.iter().flat_map(|directory| directory.files.iter().map(|file| &file.place).chain(&directory.strays));
        let wanted: BTreeMap<PathBuf, PathBuf> =
            places.map(|place| (place.target.as_ref().unwrap_or(&place.path).clone(), place.path.clone())).collect();
        for evidence in evidences {
            match wanted.get(evidence.path()) {
                Some(path) if !self.files.has(path) => self.files.add(path.clone(), evidence),
                _ => self.loose.push(evidence),
            }
        }
    }

    fn join(&mut self, path: &Path, joins_files: bool) {
        let mut parts: Vec<Part> = self.directories.iter().filter_map(|directory| Part::of(directory, &self.files)).collect();
        parts.extend(joining::beside(&self.directories, |input, path| Part::of_file(input, &self.files.look(path)?)));
        if joins_files {
            parts.extend(self.loose.iter().filter_map(|one| Part::of_file(0, one)));
        }
        self.joined = joining::join(parts, &[path.to_owned()]);
        if self.joined.members.is_empty() {
            return;
        }
        self.joined.leave(&mut self.directories);
        self.directories.append(&mut self.joined.members);
        self.directories.sort_by(|a, b| a.path.cmp(&b.path));
        let loose = std::mem::take(&mut self.loose);
        self.part(loose);
    }

    /// What in it lacks a part that may stand elsewhere.
    pub(super) fn parts(&self, input: usize, path: &Path, joins_files: bool) -> Vec<Part> {
        let of_input = |directory: &DataDirectory| Part::of(&DataDirectory { input, ..directory.clone() }, &self.files);
        let directories = self.directories.iter().filter_map(of_input);
        let loose = self.loose.iter().filter(|_| joins_files).filter_map(|one| Part::of_file(input, one));
        directories.chain(loose).map(|part| part.out_of(path)).collect()
    }

    /// The only part that is in it; `None` where there is more.
    pub(super) fn only_part(&self, input: usize, path: &Path) -> Option<Part> {
        let is_all = |one: &&Evidence| one.content().is_empty() || is_known_beside(one.path(), one.content());
        let holds = self.loose.iter().filter(|one| !is_all(one)).count().saturating_add(self.directories.len());
        let mut parts = self.parts(input, path, true);
        let only = parts.pop().filter(|_| parts.is_empty() && holds == 1);
        only.filter(|_| self.left.is_empty() && self.unread.is_empty())
    }

    /// Leaves out what was joined to something else. Whether there was something.
    pub(super) fn leave_out(&mut self, joined: &Joined) -> bool {
        let count = |found: &Self| found.directories.len().saturating_add(found.loose.len());
        let before = count(self);
        joined.leave(&mut self.directories);
        self.loose.retain(|one| !joined.has(one.path()));
        count(self) < before
    }

    /// All of its files, by their paths.
    pub(super) fn into_files(self) -> BTreeMap<PathBuf, Evidence> {
        let loose = self.loose.into_iter().map(|one| (one.path().to_owned(), one));
        self.files.into_open().into_iter().chain(loose).collect()
    }
}

/// Gives to each directory what of it was not taken out; what stands in none is left.
fn left_beside(left: Vec<Left>, directories: &mut [DataDirectory]) -> Vec<Left> {
    let mut beside = Vec::new();
    for one in left {
        match directories.iter_mut().find(|directory| one.path.starts_with(&directory.path)) {
            Some(directory) => directory.unread.push((Place { path: one.path, target: None }, reason_of(&one.fault))),
            None => beside.push(one),
        }
    }
    beside
}

/// Links that lead to nothing in the archive.
fn unread_links(survey: &Survey) -> Vec<(Place, UnreadReason)> {
    let links = survey.listings.values().flat_map(|listing| &listing.entries).filter(|entry| entry.is_link);
    links.filter_map(|link| Some((link.place(), link.kind.why_unread()?))).collect()
}

/// Why something of a container counts as not read.
pub(super) fn reason_of(fault: &Fault) -> UnreadReason {
    let why = fault.to_string();
    match fault {
        Fault::Device => UnreadReason::Device,
        Fault::Unsupported(_) => UnreadReason::NotSupported { what: why, hint: None },
        Fault::Bytes(_) => UnreadReason::BesideContainer(why),
        Fault::Nothing(_) | Fault::EndsEarly(_) => UnreadReason::NotWhole(why),
        fault if fault.is_limit() => UnreadReason::Limit(why),
        _ => UnreadReason::NotUnpacked(why),
    }
}
