//! The file that a recovered database is written to.

use std::io::{self, Read, Seek, Write};

use super::RunError;
use crate::evidence::digest::Hasher;
use crate::output::WholeFile;
use crate::recovery::{Rebuilt, Recovery};

/// A file that a new database is written to, and read back for its digest.
pub trait DatabaseFile: Write + Seek {
    /// All that was written so far.
    ///
    /// # Errors
    /// It cannot be read.
    fn read_back(&mut self) -> io::Result<Box<dyn Read + '_>>;
}

impl DatabaseFile for WholeFile {
    fn read_back(&mut self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(Self::read_back(self)?))
    }
}

/// Writes the database and its trailer, as the snapshot API does.
pub(super) fn write_database(mut file: &mut dyn DatabaseFile, recovery: &Recovery<'_, '_>) -> Result<Rebuilt, RunError> {
    let rebuilt = recovery.write_database(&mut file)?;
    file.flush()?;
    let mut hasher = Hasher::new();
    let mut bytes = vec![0; 1 << 20];
    let mut written = file.read_back()?;
    loop {
        let read = written.read(&mut bytes)?;
        if read == 0 {
            break;
        }
        hasher.update(bytes.get(..read).unwrap_or_default());
    }
    drop(written);
    file.write_all(&hasher.finish().0)?;
    Ok(rebuilt)
}
