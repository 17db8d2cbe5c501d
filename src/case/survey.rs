//! The directories that were given, as far as names go: every directory below them, each once, and where links lead.
//!
//! Nothing is opened yet. A link that leads to something below what was given stands for it; one that leads elsewhere is only named.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use super::InputError;
use crate::evidence::Error;
use crate::evidence::container::{Link, root_of};
use crate::evidence::limit::{DIRECTORY_DEPTH, DIRECTORY_NAMES};
use crate::report::UnreadReason;

/// Directories in each other that are looked through in an archive.
const ARCHIVE_DEPTH: usize = 64;
/// Links that are followed one behind the other in an archive, as many as Linux follows.
const LINKS: usize = 40;
/// Names that an error lists at most.
const LISTED: usize = 8;

/// The directories that were given.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// What was given, by its real paths.
    given: Vec<PathBuf>,
    /// Directories by their real paths.
    pub listings: BTreeMap<PathBuf, Listing>,
    /// What could not be looked through: of which input, where, and why.
    pub unread: Vec<(usize, PathBuf, UnreadReason)>,
    /// Directories that the system does not list: of which input each is.
    pub unlisted: Vec<(usize, Unlisted)>,
    names: usize,
}

/// A directory that the system does not list: what is in it is not known.
#[derive(Clone, Debug)]
pub(super) struct Unlisted {
    /// As the input was given.
    pub path: PathBuf,
    why: Arc<io::Error>,
}

impl From<Unlisted> for InputError {
    fn from(Unlisted { path, why }: Unlisted) -> Self {
        Error::Read { path, source: io::Error::new(why.kind(), why) }.into()
    }
}

/// What one directory holds.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    /// The input that it was found in first.
    pub input: usize,
    /// Its path, as the input was given.
    pub path: PathBuf,
    /// Directories between it and the input.
    pub depth: usize,
    /// By name.
    pub entries: Vec<Entry>,
}

/// A name in a directory.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: String,
    /// Its path, as the input was given.
    pub path: PathBuf,
    /// Where it is; behind a link, what that leads to.
    pub real: PathBuf,
    pub is_link: bool,
    pub kind: EntryKind,
}

/// What a name stands for, behind a link what that leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    Directory,
    /// A link that leads out of what was given.
    Elsewhere,
    /// A link that leads to nothing.
    Nowhere,
    /// A pipe or a socket, which hold nothing.
    Passage,
    Device,
}

impl EntryKind {
    /// Why it is not read; `None` where it may be, or holds nothing.
    pub(super) fn why_unread(self) -> Option<UnreadReason> {
        match self {
            Self::Elsewhere => Some(UnreadReason::LeadsElsewhere),
            Self::Nowhere => Some(UnreadReason::LeadsNowhere),
            Self::Device => Some(UnreadReason::Device),
            Self::File | Self::Directory | Self::Passage => None,
        }
    }
}

impl Survey {
    /// Looks through all inputs that are directories.
    pub(super) fn of(inputs: &[PathBuf]) -> Self {
        let given = inputs.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
        let mut survey = Self { given, ..Self::default() };
        for (input, path) in inputs.iter().enumerate().filter(|(_, path)| path.is_dir()) {
            match fs::canonicalize(path) {
                Ok(real) => survey.walk(input, path, real),
                Err(why) => survey.unlisted.push((input, Unlisted { path: path.clone(), why: why.into() })),
            }
        }
        survey
    }

    /// Looks through an archive, of whose files these are the paths. No link leads out of it.
    pub(super) fn of_archive<'a>(archive: &Path, files: impl Iterator<Item = &'a Path>, links: &[Link]) -> Self {
        let root = root_of(archive);
        let files: BTreeSet<&Path> = files.filter(|path| path.starts_with(&root) && **path != root).collect();
        let mut survey = Self::default();
        for path in &files {
            survey.add(&root, Entry::new(path, path.to_path_buf(), EntryKind::File, false));
        }
        let by_path: BTreeMap<&Path, &Link> = links.iter().map(|link| (link.path.as_path(), link)).collect();
        let leads: Vec<_> = links.iter().map(|link| survey.behind_in_archive(link, &files, &by_path)).collect();
        for (Link { path, .. }, (real, kind)) in links.iter().zip(leads) {
            survey.add(&root, Entry::new(path, real, kind, true));
        }
        for listing in survey.listings.values_mut() {
            listing.entries.sort_by(|a, b| a.path.cmp(&b.path));
        }
        survey
    }

    /// Where a link in an archive leads, through other links in it.
    fn behind_in_archive(&self, link: &Link, files: &BTreeSet<&Path>, links: &BTreeMap<&Path, &Link>) -> (PathBuf, EntryKind) {
        let mut real = link.within.clone();
        for _ in 0..LINKS {
            match real.take() {
                Some(at) if files.contains(at.as_path()) => return (at, EntryKind::File),
                Some(at) if self.listings.contains_key(&at) => return (at, EntryKind::Directory),
                Some(at) => {
                    let next = at.ancestors().find_map(|part| Some((part, links.get(part)?.within.as_deref()?)));
                    real = next.and_then(|(part, leads)| Some(leads.join(at.strip_prefix(part).ok()?)));
                }
                None => break,
            }
        }
        let is_inside = link.is_hard || link.target.is_relative() && link.within.is_some();
        (link.target.clone(), if is_inside { EntryKind::Nowhere } else { EntryKind::Elsewhere })
    }

    /// Adds an entry, and the directories that it stands in.
    fn add(&mut self, root: &Path, entry: Entry) {
        let mut entry = Some(entry);
        while let Some(inner) = entry.take() {
            let Some(path) = inner.path.parent().filter(|path| path.starts_with(root)).map(Path::to_path_buf) else { return };
            let depth = path.components().count().saturating_sub(root.components().count());
            if depth > ARCHIVE_DEPTH {
                return;
            }
            let listing = self.listings.entry(path.clone()).or_insert_with(|| {
                entry = Some(Entry::new(&path, path.clone(), EntryKind::Directory, false));
                Listing { input: 0, path: path.clone(), depth, entries: Vec::new() }
            });
            listing.entries.push(inner);
        }
    }

    fn walk(&mut self, input: usize, path: &Path, real: PathBuf) {
        let mut waiting = VecDeque::from([(path.to_owned(), real, 0usize)]);
        while let Some((path, real, depth)) = waiting.pop_front() {
            if self.listings.contains_key(&real) {
                continue;
            }
            let entries = match entries(&path, &real, &self.given) {
                Ok(entries) => entries,
                Err(why) => {
                    self.unlisted.push((input, Unlisted { path, why: why.into() }));
                    continue;
                }
            };
            self.names = self.names.saturating_add(entries.len());
            for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Directory && !entry.is_link) {
                let reason = match () {
                    () if depth >= DIRECTORY_DEPTH => UnreadReason::TooDeep,
                    () if self.names > DIRECTORY_NAMES => UnreadReason::TooMany,
                    () => {
                        waiting.push_back((entry.path.clone(), entry.real.clone(), depth.saturating_add(1)));
                        continue;
                    }
                };
                self.unread.push((input, entry.path.clone(), reason));
            }
            self.listings.insert(real, Listing { input, path, depth, entries });
        }
    }

    /// What an input's directories hold.
    pub(super) fn entries_of(&self, input: usize) -> impl Iterator<Item = &Entry> {
        self.listings.values().filter(move |listing| listing.input == input).flat_map(|listing| &listing.entries)
    }

    /// What of an input is not looked through.
    pub(super) fn unread_of(&self, input: usize) -> impl Iterator<Item = (&Path, &UnreadReason)> {
        self.unread.iter().filter(move |(of, ..)| *of == input).map(|(_, path, reason)| (path.as_path(), reason))
    }

    /// What of an input without a member could not be looked through, which may have one; where all could, and nothing of it `is_read`, what
    /// was expected.
    pub(super) fn not_a_member(&self, input: usize, path: &Path, is_read: bool) -> Vec<InputError> {
        let unlisted = self.unlisted.iter().filter(|(of, _)| *of == input);
        let mut errors: Vec<InputError> = unlisted.map(|(_, unlisted)| unlisted.clone().into()).collect();
        if errors.is_empty() && !is_read {
            errors.extend(self.expected_a_member(input, path));
        }
        errors
    }

    fn expected_a_member(&self, input: usize, path: &Path) -> Option<InputError> {
        let listing = self.listings.values().find(|listing| listing.input == input && listing.depth == 0)?;
        let names = listing.entries.iter().map(|entry| entry.name.escape_debug().to_string()).take(LISTED.saturating_add(1));
        Some(InputError::NotADataDirectory { path: path.to_owned(), found: names.collect() })
    }
}

impl Entry {
    fn new(path: &Path, real: PathBuf, kind: EntryKind, is_link: bool) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, path: path.to_owned(), real, is_link, kind }
    }
}

/// What a directory holds, by name. `given`: the real paths below which links are followed.
pub(super) fn entries(path: &Path, real: &Path, given: &[PathBuf]) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let kind = entry.file_type()?;
        let (path, is_link) = (path.join(&name), kind.is_symlink());
        let (real, kind) = if is_link { behind(&path, given) } else { (real.join(&name), kind_of(kind)) };
        entries.push(Entry { name: name.to_string_lossy().into_owned(), path, real, is_link, kind });
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

/// Where a link leads.
fn behind(link: &Path, given: &[PathBuf]) -> (PathBuf, EntryKind) {
    let found = fs::canonicalize(link).and_then(|real| Ok((kind_of(fs::metadata(&real)?.file_type()), real)));
    match found {
        Ok((kind, real)) if given.iter().any(|given| real.starts_with(given)) => (real, kind),
        Ok((_, real)) => (real, EntryKind::Elsewhere),
        Err(_) => (fs::read_link(link).unwrap_or_default(), EntryKind::Nowhere),
    }
}

fn kind_of(kind: fs::FileType) -> EntryKind {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() || kind.is_socket() {
            return EntryKind::Passage;
        }
    }
    match () {
        () if kind.is_dir() => EntryKind::Directory,
        () if kind.is_file() => EntryKind::File,
        () => EntryKind::Device,
    }
}
