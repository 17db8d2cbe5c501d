//! Files that are written whole or not at all.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, bail};
use etcd_sleuth::case::DatabaseFile;

use crate::same_file;

/// A new file that is there whole or not at all, however the run ends: one that is replaced stays until then.
pub(crate) struct WholeFile {
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
    pub(crate) fn create(path: &Path, force: bool, inputs: &[PathBuf]) -> anyhow::Result<Self> {
        same_file::is_no_input(path, inputs)?;
        if unfinished().iter().any(|(working, target)| same_file::is_same(path, working) || same_file::is_same(path, target)) {
            bail!("{}: is another output of this run", path.display());
        }
        if same_file::is_stdout(path) {
            bail!("{}: is standard output too", path.display());
        }
        if force {
            can_be_replaced(path)?;
        } else if path.symlink_metadata().is_ok() {
            bail!("{}: exists already; --force replaces it", path.display());
        }
        let (working, file) = create_beside(path).with_context(|| format!("{}: cannot be written", path.display()))?;
        unfinished().insert(working.clone(), path.to_owned());
        Ok(Self { path: path.to_owned(), replaces: force, working, file: BufWriter::with_capacity(1 << 16, file) })
    }

    /// It is whole, and stays.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        let mut finish = || {
            self.file.flush()?;
            self.file.get_ref().sync_all()?;
            if self.replaces { std::fs::rename(&self.working, &self.path) } else { move_to_free(&self.working, &self.path) }
        };
        finish().map_err(|error| with_name(&self.path.display().to_string(), &error))?;
        unfinished().remove(&self.working);
        Ok(())
    }

    /// Removes what stands of all of them, where the process is about to end.
    pub(crate) fn remove_all() {
        for (working, _) in std::mem::take(&mut *unfinished()) {
            let _ = std::fs::remove_file(working);
        }
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Self { file, path, .. } = self;
        file.write(bytes).map_err(|error| with_name(&path.display().to_string(), &error))
    }

    fn flush(&mut self) -> io::Result<()> {
        let Self { file, path, .. } = self;
        file.flush().map_err(|error| with_name(&path.display().to_string(), &error))
    }
}

impl DatabaseFile for WholeFile {
    fn read_back(&mut self) -> io::Result<Box<dyn Read + '_>> {
        self.file.flush()?;
        Ok(Box::new(File::open(&self.working)?))
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

/// An error that says of which output it is.
pub(crate) fn with_name(name: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{name}: {error}"))
}

/// Files that are not whole yet: where each is written to, and what it will be.
static UNFINISHED: Mutex<BTreeMap<PathBuf, PathBuf>> = Mutex::new(BTreeMap::new());

fn unfinished() -> MutexGuard<'static, BTreeMap<PathBuf, PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many files of runs that were killed are passed over.
const MOST_PARTIAL: u32 = 100;

/// Refuses what is never replaced: a directory, a device; a symbolic link is never followed.
fn can_be_replaced(path: &Path) -> anyhow::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => bail!("{}: is no regular file, and is not replaced", path.display()),
        _ => Ok(()),
    }
}

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
        etcd_sleuth::case::bug::install();
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
        let result = etcd_sleuth::case::bug::run(|| {
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
