//! The one place with `unsafe`: a file mapped into memory, read-only.

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

/// A file's bytes, mapped read-only.
#[derive(Debug)]
pub(super) struct Mapping {
    map: Option<Mmap>,
    keeps_access_time: Option<bool>,
}

impl Mapping {
    /// Maps the whole of `path`. An empty file, which cannot be mapped, is an empty slice.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let (file, keeps_access_time) = open(path)?;
        if file.metadata()?.len() == 0 {
            return Ok(Self { map: None, keeps_access_time });
        }
        // SAFETY: the mapping is read-only and lives as long as every slice of it. Another
        // process may change the file meanwhile; the slices are only ever read as plain bytes, so changed
        // content is at worst reported as damage. A file that shrinks raises SIGBUS on access, which ends the process; the
        // command line turns that into an error.
        #[expect(unsafe_code, reason = "to map evidence instead of copying gigabytes of it")]
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self { map: Some(map), keeps_access_time })
    }

    /// Whether reading leaves the file's access time as it is; `None`: the system has no way to ask for that.
    pub(super) fn keeps_access_time(&self) -> Option<bool> {
        self.keeps_access_time
    }

    /// Asks the system to fetch a part of the file that is read soon. Where it does not, reading waits for the disk, as without.
    #[cfg(unix)]
    pub(super) fn will_need(&self, offset: usize, length: usize) {
        if let Some(map) = &self.map {
            let _ = map.advise_range(memmap2::Advice::WillNeed, offset, length);
        }
    }

    #[cfg(not(unix))]
    pub(super) fn will_need(&self, _offset: usize, _length: usize) {}

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }
}

/// Opens a file so that its access time stays, which is allowed to its owner alone. Who may only read it opens it all the same, and
/// whether the time changes is up to how the file system is mounted. Source: `open(2)`, `O_NOATIME`.
#[cfg(target_os = "linux")]
fn open(path: &Path) -> io::Result<(File, Option<bool>)> {
    use std::os::unix::fs::OpenOptionsExt;

    match File::options().read(true).custom_flags(libc::O_NOATIME).open(path) {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => File::open(path).map(|file| (file, Some(false))),
        opened => opened.map(|file| (file, Some(true))),
    }
}

#[cfg(not(target_os = "linux"))]
fn open(path: &Path) -> io::Result<(File, Option<bool>)> {
    File::open(path).map(|file| (file, None))
}
