//! Where an answer goes: standard output, or a file that is there whole or not at all. Evidence is never written to.
#![deny(clippy::arithmetic_side_effects)]

mod error;
mod same_file;
mod stdout;
mod whole_file;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

pub use self::error::OutputError;
use self::error::with_name;
pub(crate) use self::same_file::is_no_input;
use self::stdout::Unheard;
pub use self::stdout::was_closed;
pub use self::whole_file::WholeFile;

/// Standard output, or a file.
#[derive(Debug)]
pub struct Output(Target);

#[derive(Debug)]
enum Target {
    Stdout(BufWriter<Unheard>),
    File(WholeFile),
}

impl Output {
    /// Opens the output; a file under the rules of [`WholeFile::create`], standard output where there is no path or it is `-`.
    ///
    /// # Errors
    /// It is an input, or a file that may not be written.
    pub fn open(path: Option<&Path>, force: bool, inputs: &[PathBuf]) -> Result<Self, OutputError> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            same_file::stdout_is_no_input(inputs)?;
            return Ok(Self(Target::Stdout(BufWriter::with_capacity(1 << 16, Unheard::default()))));
        };
        Ok(Self(Target::File(WholeFile::create(path, force, inputs)?)))
    }

    /// Whether results go to standard output rather than to a file.
    pub fn is_stdout(&self) -> bool {
        matches!(self.0, Target::Stdout(_))
    }

    /// Everything is written.
    ///
    /// # Errors
    /// It cannot be, which says of which output.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        match self.0 {
            Target::Stdout(_) => Ok(()),
            Target::File(file) => file.finish(),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Target::Stdout(out) => out.write(bytes).map_err(|error| with_name("standard output", &error)),
            Target::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Target::Stdout(out) => out.flush().map_err(|error| with_name("standard output", &error)),
            Target::File(file) => file.flush(),
        }
    }
}
