//! Which file a path leads to, under whatever name: evidence is not written to, and read once.

use std::collections::{BTreeMap, btree_map::Entry};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::bail;
use etcd_sleuth::render::escape::terminal;

use crate::telling::say;

/// Inputs, of which one that is given twice, under whatever names, is read once.
pub(crate) fn each_once(inputs: &[PathBuf], is_quiet: bool) -> Vec<PathBuf> {
    let mut known: BTreeMap<FileId, &PathBuf> = BTreeMap::new();
    let mut once = Vec::new();
    for input in inputs {
        match id_of_input(input).map(|id| known.entry(id)) {
            Some(Entry::Occupied(first)) if !is_quiet => {
                let (input, first) = (input.to_string_lossy(), first.get().to_string_lossy());
                say(&format!("note: {} is {}, which was given before: it is read once\n", terminal(&input), terminal(&first)));
            }
            Some(Entry::Occupied(_)) => {}
            Some(Entry::Vacant(free)) => {
                free.insert(input);
                once.push(input.clone());
            }
            None => once.push(input.clone()),
        }
    }
    once
}

/// Refuses an output that would replace an input: evidence is never written to.
pub(crate) fn is_no_input(output: &Path, inputs: &[PathBuf]) -> anyhow::Result<()> {
    let place = place_of(output);
    let is_within = |input: &PathBuf| place.as_ref().zip(input.canonicalize().ok()).is_some_and(|(place, input)| place.starts_with(input));
    // Under another name, or given as standard input, it is the same file all the same.
    let file = file_id(output);
    let is_it = |input: &PathBuf| is_within(input) || file.is_some() && file_id(input) == file;
    if inputs.iter().any(is_it) {
        bail!("{}: is an input, and evidence is not written to", output.display());
    }
    Ok(())
}

/// Refuses to write what is piped or printed into an input.
pub(crate) fn stdout_is_no_input(inputs: &[PathBuf]) -> anyhow::Result<()> {
    if let Some(id) = id_of_stdout()
        && inputs.iter().any(|input| file_id(input) == Some(id))
    {
        bail!("standard output: is an input, and evidence is not written to");
    }
    Ok(())
}

/// Whether two paths are of one file, under whatever names.
pub(crate) fn is_same(path: &Path, other: &Path) -> bool {
    let (id, place) = (file_id(path), place_of(path));
    id.is_some() && id == file_id(other) || place.is_some() && place == place_of(other)
}

/// Whether standard output goes there.
pub(crate) fn is_stdout(path: &Path) -> bool {
    file_id(path).is_some_and(|id| id_of_stdout() == Some(id))
}

/// The place of a file, which need not be there yet.
fn place_of(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    path.canonicalize().ok().or_else(|| Some(folder.canonicalize().ok()?.join(path.file_name()?)))
}

/// Device and inode.
type FileId = (u64, u64);

#[cfg(unix)]
fn file_id(path: &Path) -> Option<FileId> {
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;

    let found = match path.to_str() {
        Some("-") => File::from(io::stdin().as_fd().try_clone_to_owned().ok()?).metadata(),
        _ => std::fs::metadata(path),
    };
    found.ok().filter(std::fs::Metadata::is_file).map(|found| (found.dev(), found.ino()))
}

/// Of a file or a directory, behind links; standard input is what it is.
#[cfg(unix)]
fn id_of_input(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;

    let found = std::fs::metadata(path).ok().filter(|found| found.is_file() || found.is_dir())?;
    Some((found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn id_of_input(_: &Path) -> Option<FileId> {
    None
}

#[cfg(unix)]
fn id_of_stdout() -> Option<FileId> {
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;

    let found = File::from(io::stdout().as_fd().try_clone_to_owned().ok()?).metadata();
    found.ok().filter(std::fs::Metadata::is_file).map(|found| (found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn id_of_stdout() -> Option<FileId> {
    None
}

#[cfg(not(unix))]
fn file_id(_: &Path) -> Option<FileId> {
    None
}
