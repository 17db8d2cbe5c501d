//! Opening what was given: on disk, or in an archive whose files are open already.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::evidence::{Error, Evidence, Limits, OpenedFile};
use crate::store::{OpenedDatabase, StoreKind};

/// Where the files of a directory are opened.
pub(super) struct Files {
    /// Those of an archive, which are open already.
    open: BTreeMap<PathBuf, Evidence>,
    /// How the others are opened on disk; `None`: there are none.
    disk: Option<Limits>,
}

impl Files {
    /// In an archive.
    pub(super) fn of_archive(open: BTreeMap<PathBuf, Evidence>) -> Self {
        Self { open, disk: None }
    }

    /// On disk, but for those that are open.
    pub(super) fn on_disk(open: BTreeMap<PathBuf, Evidence>, limits: Limits) -> Self {
        Self { open, disk: Some(limits) }
    }

    /// Those that are open.
    pub(super) fn into_open(self) -> BTreeMap<PathBuf, Evidence> {
        self.open
    }

    /// Whether one of this path is open.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.open.contains_key(path)
    }

    /// Takes one that is open.
    pub(super) fn add(&mut self, path: PathBuf, evidence: Evidence) {
        self.open.insert(path, evidence);
    }

    /// A file, to be looked at.
    pub(super) fn look(&self, path: &Path) -> Option<Evidence> {
        self.open.get(path).map(Evidence::again).or_else(|| open_one(path, self.disk.as_ref()?).ok())
    }

    /// A file that is one evidence.
    pub(super) fn open(&mut self, path: &Path) -> Result<Evidence, Error> {
        match (self.open.remove(path), &self.disk) {
            (Some(evidence), _) => Ok(evidence),
            (None, Some(limits)) => open_one(path, limits),
            (None, None) => Err(not_there(path)),
        }
    }

    /// A file, and of an archive each of its files.
    pub(super) fn open_all(&mut self, path: &Path) -> Result<OpenedFile, Error> {
        match &self.disk {
            Some(limits) if !self.open.contains_key(path) => open_all(path, limits),
            Some(_) | None => Ok(OpenedFile { evidences: vec![self.open(path)?], ..OpenedFile::default() }),
        }
    }

    /// Whether links lead to what was given, at most.
    pub(super) fn is_archive(&self) -> bool {
        self.disk.is_none()
    }
}

/// Opens a file that is one evidence, all layers of it.
fn open_one(path: &Path, limits: &Limits) -> Result<Evidence, Error> {
    let OpenedFile { mut evidences, left, .. } = open_all(path, limits)?;
    match (evidences.pop(), evidences.is_empty() && left.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Evidence::open(path, limits),
    }
}

/// Opens a file, all layers of it. What looks like base64 is taken for it where something known comes out, and a database that stands
/// behind another one, packed or not, is an evidence of its own. A path of what is in an archive opens that alone.
pub(super) fn open_all(path: &Path, limits: &Limits) -> Result<OpenedFile, Error> {
    let archive = archive_of(path);
    let mut opened = all_layers(Evidence::open_all(archive.as_deref().unwrap_or(path), limits)?, limits);
    if archive.is_some() && !opened.keep(path) {
        return Err(not_there(path));
    }
    Ok(opened)
}

/// The same of a file that is open.
pub(super) fn all_layers(OpenedFile { evidences, mut links, mut left }: OpenedFile, limits: &Limits) -> OpenedFile {
    let mut open = Vec::new();
    for evidence in evidences {
        match evidence.as_base64(limits).filter(is_proven) {
            None => open.push(evidence),
            Some(inner) => {
                open.extend(inner.evidences);
                links.extend(inner.links);
                left.extend(inner.left);
            }
        }
    }
    let mut opened = OpenedFile { evidences: Vec::new(), links, left };
    open.reverse();
    while let Some(evidence) = open.pop() {
        let further = OpenedDatabase::further(&evidence);
        let mut pieces = evidence.split(&further).into_iter();
        opened.evidences.extend(pieces.next());
        let mut behind = Vec::new();
        for piece in pieces {
            let OpenedFile { evidences, links, left } = piece.unpacked(limits);
            behind.extend(evidences);
            opened.links.extend(links);
            opened.left.extend(left);
        }
        open.extend(behind.into_iter().rev());
    }
    opened
}

/// The file that a path in an archive begins with; `None`: there is a file of that path, or no archive is meant.
pub(super) fn archive_of(path: &Path) -> Option<PathBuf> {
    if path.symlink_metadata().is_ok() {
        return None;
    }
    let archive = |inner: &Path| Some(PathBuf::from(inner.to_str()?.strip_suffix('!')?));
    path.ancestors().filter_map(archive).find(|archive| archive.is_file())
}

fn is_proven(opened: &OpenedFile) -> bool {
    opened.evidences.iter().any(|evidence| StoreKind::of(evidence).is_ok()) || opened.left.iter().any(|left| left.fault.is_limit())
}

fn not_there(path: &Path) -> Error {
    Error::Read { path: path.to_owned(), source: std::io::ErrorKind::NotFound.into() }
}
