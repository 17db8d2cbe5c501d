//! Where an answer goes: standard output, or a file.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::same_file::stdout_is_no_input;
use crate::whole_file::{WholeFile, with_name};

/// Exit code of an error: nothing could be analysed, or wrong usage.
pub(crate) const ERROR: u8 = 1;

/// Standard output, or a file.
pub(crate) enum Output {
    Stdout(BufWriter<io::Stdout>),
    File(WholeFile),
}

impl Output {
    /// Opens the output; a file under the rules of [`WholeFile::create`].
    pub(crate) fn open(path: Option<&Path>, force: bool, inputs: &[PathBuf]) -> anyhow::Result<Self> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            stdout_is_no_input(inputs)?;
            return Ok(Self::Stdout(BufWriter::with_capacity(1 << 16, io::stdout())));
        };
        Ok(Self::File(WholeFile::create(path, force, inputs)?))
    }

    /// Whether results go to the terminal's output rather than to a file.
    pub(crate) fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout(_))
    }

    pub(crate) fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Stdout(mut out) => out.flush().map_err(|error| with_name("standard output", &error)).map_err(anyhow::Error::from),
            Self::File(file) => file.finish(),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes).map_err(|error| with_name("standard output", &error)),
            Self::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush().map_err(|error| with_name("standard output", &error)),
            Self::File(file) => file.flush(),
        }
    }
}
