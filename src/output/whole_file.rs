//! Files that are written whole or not at all.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::{OutputError, with_name};
use super::same_file;
use crate::evidence::words::path_text;

/// A new file that is there whole or not at all, however the run ends: one that is replaced stays until then.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    /// Whether it replaces one that is there when it is whole, also where another run has made that meanwhile.
    replaces: bool,
    /// Where it is written to.
    working: PathBuf,
    file: BufWriter<File>,
}

impl WholeFile {
    /// Begins a file that only its owner can read. It must not exist, unless `force` replaces it; a symbolic link is never followed,
    /// and neither one of the `inputs` nor another output is written to, whatever is forced.
    ///
    /// # Errors
    /// It may not be written, or cannot be.
    pub fn create(path: &Path, force: bool, inputs: &[PathBuf]) -> Result<Self, OutputError> {
        same_file::is_no_input(path, inputs)?;
        if unfinished().iter().any(|(working, target)| same_file::is_same(path, working) || same_file::is_same(path, target)) {
            return Err(OutputError::Another(path.to_owned()));
        }
        if same_file::is_stdout(path) {
            return Err(OutputError::Stdout(path.to_owned()));
        }
        // What stands there is looked at, never what a link leads to.
        match path.symlink_metadata() {
            Ok(_) if !force => return Err(OutputError::Exists(path.to_owned())),
            Ok(found) if !found.is_file() => return Err(OutputError::NoFile(path.to_owned())),
            _ => {}
        }
        let (working, file) = create_beside(path).map_err(|source| OutputError::Refused { path: path.to_owned(), source })?;
        unfinished().insert(working.clone(), path.to_owned());
        Ok(Self { path: path.to_owned(), replaces: force, working, file: BufWriter::with_capacity(1 << 16, file) })
    }

    /// It is whole, and stays.
    ///
    /// # Errors
    /// It cannot be written to its end, or another file has got its name.
    pub fn finish(mut self) -> io::Result<()> {
        let mut finish = || {
            self.file.flush()?;
            self.file.get_ref().sync_all()?;
            if self.replaces { std::fs::rename(&self.working, &self.path) } else { move_to_free(&self.working, &self.path) }
        };
        finish().map_err(|error| with_name(&path_text(&self.path), &error))?;
        unfinished().remove(&self.working);
        Ok(())
    }

    /// What was written so far, to be read.
    ///
    /// # Errors
    /// It cannot be written, or not be opened.
    pub fn read_back(&mut self) -> io::Result<File> {
        self.file.flush()?;
        File::open(&self.working)
    }

    /// Removes what stands of all of them, where the process is about to end.
    pub fn remove_all() {
        for (working, _) in std::mem::take(&mut *unfinished()) {
            let _ = std::fs::remove_file(working);
        }
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Self { file, path, .. } = self;
        file.write(bytes).map_err(|error| with_name(&path_text(path), &error))
    }

    fn flush(&mut self) -> io::Result<()> {
        let Self { file, path, .. } = self;
        file.flush().map_err(|error| with_name(&path_text(path), &error))
    }
}

impl Seek for WholeFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if unfinished().remove(&self.working).is_some() {
            let _ = std::fs::remove_file(&self.working);
        }
    }
}

/// Files that are not whole yet: where each is written to, and what it will be.
static UNFINISHED: Mutex<BTreeMap<PathBuf, PathBuf>> = Mutex::new(BTreeMap::new());

fn unfinished() -> MutexGuard<'static, BTreeMap<PathBuf, PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many files of runs that were killed are passed over.
const MOST_PARTIAL: u32 = 100;

/// Creates a file that only its owner can read, where there is none.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Creates a file beside the one that it shall become. What a run that was killed has left there is not touched.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut number = 0u32;
    loop {
        let mut working = path.to_owned();
        working.as_mut_os_string().push(if number == 0 { ".partial".to_owned() } else { format!(".partial-{number}") });
        match create(&working) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && number < MOST_PARTIAL => number = number.saturating_add(1),
            created => return Ok((working, created?)),
        }
    }
}

/// Moves a file to a name that no other has got meanwhile.
fn move_to_free(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::hard_link(from, to) {
        Ok(()) => std::fs::remove_file(from),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(e),
        // Not every file system has links.
        Err(_) if to.symlink_metadata().is_err() => std::fs::rename(from, to),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
#[allow(clippy::panic, clippy::unwrap_used, reason = "a test that panics fails")]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_whole_or_not_at_all_however_the_run_ends() {
        crate::case::bug::install();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rescued.db");
        let write = |force| {
            let mut file = WholeFile::create(&path, force, &[]).unwrap();
            file.write_all(b"new").unwrap();
            file
        };
        drop(write(false));
        assert!(!path.exists());
        write(false).finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        // What is replaced stays until the new one is whole.
        std::fs::write(&path, b"old").unwrap();
        let result = crate::case::bug::run(|| {
            let _file = write(true);
            panic!("a bug");
        });
        assert!(result.is_err());
        drop(write(true));
        assert_eq!((std::fs::read(&path).unwrap().as_slice(), std::fs::read_dir(dir.path()).unwrap().count()), (&b"old"[..], 1));
        // What a run that was killed has left stays.
        std::fs::write(dir.path().join("rescued.db.partial"), b"half").unwrap();
        write(true).finish().unwrap();
        assert_eq!((std::fs::read(&path).unwrap().as_slice(), std::fs::read_dir(dir.path()).unwrap().count()), (&b"new"[..], 2));
    }
}
