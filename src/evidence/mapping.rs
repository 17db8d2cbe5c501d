//! The one place with `unsafe`: a file mapped into memory, read-only.

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

/// A file's bytes, mapped read-only.
#[derive(Debug)]
pub(super) struct Mapping {
    map: Option<Mmap>,
}

impl Mapping {
    /// Maps the whole of `path`. An empty file, which cannot be mapped, is an empty slice.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            return Ok(Self { map: None });
        }
        // SAFETY: the mapping is read-only and lives as long as every slice of it. Another
        // process may change the file meanwhile; the slices are only ever read as plain bytes, so changed
        // content is at worst reported as damage. A file that shrinks raises SIGBUS on access, which ends the process; the
        // command line turns that into an error.
        #[expect(unsafe_code, reason = "to map evidence instead of copying gigabytes of it")]
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self { map: Some(map) })
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }
}
