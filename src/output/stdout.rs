//! Standard output, which may be closed before everything is written.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Standard output. Where nobody reads it any more (`| head`) the run goes on to its answer, which the exit code tells.
#[derive(Debug)]
pub(super) struct Unheard(io::Stdout);

/// Whether whoever reads standard output has stopped.
static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether whoever reads standard output stopped before the end.
pub fn was_closed() -> bool {
    WAS_CLOSED.load(Ordering::Relaxed)
}

impl Default for Unheard {
    fn default() -> Self {
        Self(io::stdout())
    }
}

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
