//! Evidence that shrinks while it is read: an error that says so, where the operating system would end the process.
//!
//! Evidence is mapped. Where another process cuts the file, or the disk fails, the next access to a lost page raises SIGBUS.
//! Its handler only keeps the signal; the access is made again and again until the thread that waits for it has told
//! what happened and ended the run. The inputs behind it are not read any more.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Files that are being read, each with its size when it was opened.
static READING: Mutex<Vec<(PathBuf, u64)>> = Mutex::new(Vec::new());

/// Notes that a file is going to be read.
pub(crate) fn note(path: &Path) {
    if let Ok(found) = std::fs::metadata(path)
        && found.is_file()
    {
        READING.lock().unwrap_or_else(PoisonError::into_inner).push((path.to_owned(), found.len()));
    }
}

/// Waits for it beside the run.
#[cfg(target_os = "linux")]
pub(crate) fn watch() -> std::io::Result<()> {
    use signal_hook::consts::SIGBUS;

    // Rust's own handler tells stack overflows, which on Linux come as SIGSEGV. At the first SIGBUS it takes itself out, and the
    // second would end the process: so that the first is not a real one, it is raised here.
    signal_hook::low_level::raise(SIGBUS)?;
    crate::signals::watch("shrinking", &[SIGBUS], |_| {
        etcd_sleuth::output::WholeFile::remove_all();
        crate::telling::error(&anyhow::anyhow!(what_happened()));
        #[expect(clippy::exit, reason = "the threads that read it can do nothing any more")]
        std::process::exit(i32::from(crate::telling::ERROR));
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn watch() -> std::io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn what_happened() -> String {
    let reading = READING.lock().unwrap_or_else(PoisonError::into_inner);
    let shrunk = reading.iter().find_map(|(path, before)| {
        let now = std::fs::metadata(path).map_or(0, |found| found.len());
        (now < *before).then(|| format!("{}: shrank while it was read, from {before} bytes to {now}", path.display()))
    });
    let what =
        shrunk.unwrap_or_else(|| "a part of the evidence could not be read any more: a disk that fails, or a file that shrank".to_owned());
    format!("{what}; the run ends here. Read a copy that nobody writes to")
}
