//! Where an answer goes: standard output, or a file.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::same_file::stdout_is_no_input;
use crate::whole_file::{WholeFile, with_name};

/// Exit code of an error: nothing could be analysed, or wrong usage.
pub(crate) const ERROR: u8 = 1;

/// Whether whoever reads standard output has stopped.
static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether whoever reads standard output stopped before the end.
pub(crate) fn was_closed() -> bool {
    WAS_CLOSED.load(Ordering::Relaxed)
}

/// Standard output. Where nobody reads it any more (`| head`) the run goes on to its answer, which the exit code tells.
pub(crate) struct Unheard(io::Stdout);

impl Unheard {
    fn unless_closed<T>(done: io::Result<T>, instead: T) -> io::Result<T> {
        match done {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                WAS_CLOSED.store(true, Ordering::Relaxed);
                Ok(instead)
            }
            done => done,
        }
    }
}

impl Write for Unheard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if was_closed() { Ok(bytes.len()) } else { Self::unless_closed(self.0.write(bytes), bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if was_closed() { Ok(()) } else { Self::unless_closed(self.0.flush(), ()) }
    }
}

/// Standard output, or a file.
pub(crate) enum Output {
    Stdout(BufWriter<Unheard>),
    File(WholeFile),
}

impl Output {
    /// Opens the output; a file under the rules of [`WholeFile::create`].
    pub(crate) fn open(path: Option<&Path>, force: bool, inputs: &[PathBuf]) -> anyhow::Result<Self> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            stdout_is_no_input(inputs)?;
            return Ok(Self::Stdout(BufWriter::with_capacity(1 << 16, Unheard(io::stdout()))));
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
