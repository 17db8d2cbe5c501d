//! The files of an input that is packed: where a member's directory stands in an archive, it is read as one on disk is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::directory::{DataDirectory, DataFile, Place};
use super::file_names::is_known_beside;
use super::files::{Files, archive_of};
use super::kind::FileRole;
use super::survey::Survey;
use super::{finder, joining};
use crate::evidence::container::{Fault, Left};
use crate::evidence::{Evidence, OpenedFile};
use crate::report::UnreadReason;
use crate::store::StoreKind;

/// An input that was opened, as the members' directories in it and the files beside them.
pub(super) struct Archive {
    pub directories: Vec<DataDirectory>,
    /// In their order.
    pub loose: Vec<Evidence>,
    /// Files of the directories.
    pub files: Files,
    pub left: Vec<Left>,
    /// Links that are of no directory, and lead to nothing in the archive.
    pub unread: Vec<(Place, UnreadReason)>,
}

impl Archive {
    /// Finds the directories.
    pub(super) fn of(path: &Path, OpenedFile { evidences, links, left }: OpenedFile) -> Self {
        let archive = archive_of(path);
        let survey = Survey::of_archive(archive.as_deref().unwrap_or(path), evidences.iter().map(Evidence::path), &links);
        let is_one_file = matches!(evidences.as_slice(), [one] if one.path() == path);
        let (mut directories, _) = if is_one_file { Default::default() } else { finder::members(&survey) };
        if directories.is_empty() {
            return Self { directories, loose: evidences, files: Files::of_archive(BTreeMap::new()), left, unread: unread_links(&survey) };
        }
        // What stands beside a member's directory is a backup of its own.
        for directory in &mut directories {
            let path = directory.path.clone();
            directory.strays.retain(|place| place.path.starts_with(&path));
        }
        let left = left_beside(left, &mut directories);
        // Through a link a file has another path.
        let places = directories.iter().flat_map(|directory| directory.files.iter().map(|file| &file.place).chain(&directory.strays));
        let wanted: BTreeMap<&Path, &Path> =
            places.map(|place| (place.target.as_deref().unwrap_or(&place.path), place.path.as_path())).collect();
        let (mut of_directories, mut loose) = (BTreeMap::new(), Vec::new());
        for evidence in evidences {
            match wanted.get(evidence.path()) {
                Some(path) if !of_directories.contains_key(*path) => drop(of_directories.insert((*path).to_owned(), evidence)),
                _ => loose.push(evidence),
            }
        }
        let files = Files::of_archive(of_directories);
        joining::join(&mut directories, &[path.to_owned()], &files);
        Self { directories, loose, files, left, unread: Vec::new() }
    }
}

/// A part of a member that an input holds, packed, and nothing else: its log without a database, or the reverse.
pub(super) struct PackedPart {
    pub directory: DataDirectory,
    pub files: BTreeMap<PathBuf, Evidence>,
}

impl PackedPart {
    /// `None`: what came out of the input is none, or more than one.
    pub(super) fn of(input: usize, path: &Path, opened: OpenedFile) -> Option<Self> {
        let Archive { mut directories, mut loose, files, left, unread } = Archive::of(path, opened);
        loose.retain(|one| !one.content().is_empty() && !is_known_beside(one.path(), one.content()));
        if !left.is_empty() || !unread.is_empty() {
            return None;
        }
        let (directory, files) = match (directories.pop(), loose.pop()) {
            (Some(directory), None) => (directory, files.into_open()),
            (None, Some(one)) => {
                let kind = StoreKind::of(&one).ok().filter(|kind| matches!(kind, StoreKind::Database | StoreKind::Segment))?;
                let place = Place { path: one.path().to_owned(), target: None };
                let files = vec![DataFile { role: FileRole::Member(kind), place: place.clone() }];
                (DataDirectory::of(input, path.to_owned(), files), BTreeMap::from([(place.path, one)]))
            }
            _ => return None,
        };
        let is_part = directories.is_empty() && loose.is_empty() && directory.has_own() && !directory.is_joined();
        is_part.then(|| Self { directory: DataDirectory { input, ..directory }, files })
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
