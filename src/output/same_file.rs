//! Which file an output is, under whatever name: evidence is not written to, and no output is written twice.

#[cfg(unix)]
use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use super::error::OutputError;
use crate::evidence::FileId;

/// Refuses an output that would replace an input: evidence is never written to.
pub(crate) fn is_no_input(output: &Path, inputs: &[PathBuf]) -> Result<(), OutputError> {
    let place = place_of(output);
    let is_within = |input: &PathBuf| place.as_ref().zip(input.canonicalize().ok()).is_some_and(|(place, input)| place.starts_with(input));
    // Under another name, or given as standard input, it is the same file all the same.
    let file = file_id(output);
    let is_it = |input: &PathBuf| is_within(input) || file.is_some() && file_id(input) == file;
    if inputs.iter().any(is_it) { Err(OutputError::Input(output.to_owned())) } else { Ok(()) }
}

/// Refuses to write what is piped or printed into an input.
pub(super) fn stdout_is_no_input(inputs: &[PathBuf]) -> Result<(), OutputError> {
    let Some(id) = id_of_stdout() else { return Ok(()) };
    if inputs.iter().any(|input| file_id(input) == Some(id)) { Err(OutputError::StdoutIsInput) } else { Ok(()) }
}

/// Whether two paths are of one file, under whatever names.
pub(super) fn is_same(path: &Path, other: &Path) -> bool {
    let (id, place) = (file_id(path), place_of(path));
    id.is_some() && id == file_id(other) || place.is_some() && place == place_of(other)
}

/// Whether standard output goes there.
pub(super) fn is_stdout(path: &Path) -> bool {
    file_id(path).is_some_and(|id| id_of_stdout() == Some(id))
}

/// The place of a file, which need not be there yet.
fn place_of(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    path.canonicalize().ok().or_else(|| Some(folder.canonicalize().ok()?.join(path.file_name()?)))
}

/// Of a file that evidence or an answer may stand in, behind links; `-` is standard input.
fn file_id(path: &Path) -> Option<FileId> {
    match path.to_str() {
        Some("-") => id_of_stream(io::stdin()),
        _ => of_file(&std::fs::metadata(path).ok()?),
    }
}

fn id_of_stdout() -> Option<FileId> {
    id_of_stream(io::stdout())
}

#[cfg(unix)]
fn id_of_stream(stream: impl std::os::fd::AsFd) -> Option<FileId> {
    of_file(&File::from(stream.as_fd().try_clone_to_owned().ok()?).metadata().ok()?)
}

#[cfg(not(unix))]
fn id_of_stream<S>(_: S) -> Option<FileId> {
    None
}

fn of_file(found: &Metadata) -> Option<FileId> {
    FileId::of_metadata(found).filter(|_| found.is_file())
}
