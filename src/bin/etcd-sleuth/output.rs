//! Where output goes, and how errors are told.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::guard::Bug;
use anyhow::{Context, bail};
use etcd_sleuth::analysis::{NotADatabase, Progress};
use etcd_sleuth::evidence;
use indicatif::{ProgressBar, ProgressStyle};

/// Standard output, or a file that only its owner can read.
pub(crate) enum Output {
    Stdout(BufWriter<io::Stdout>),
    File { path: PathBuf, file: BufWriter<File> },
}

impl Output {
    /// Opens the output. A file must not exist, unless `force` replaces it; a symbolic link is never followed.
    pub(crate) fn open(path: Option<&Path>, force: bool) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::Stdout(BufWriter::with_capacity(1 << 16, io::stdout()))) };
        Ok(Self::File { path: path.to_owned(), file: BufWriter::with_capacity(1 << 16, create(path, force)?) })
    }

    /// Whether results go to the terminal's output rather than to a file.
    pub(crate) fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout(_))
    }

    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        self.flush().map_err(anyhow::Error::from).with_context(|| match &self {
            Self::Stdout(_) => "standard output".to_owned(),
            Self::File { path, .. } => path.display().to_string(),
        })
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::File { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File { file, .. } => file.flush(),
        }
    }
}

/// Creates a file that only its owner can read. It must not exist, unless `force` replaces it; a symbolic link is never followed.
pub(crate) fn create(path: &Path, force: bool) -> anyhow::Result<File> {
    if force {
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.is_file() => {
                std::fs::remove_file(path).with_context(|| format!("{}: cannot be replaced", path.display()))?
            }
            Ok(_) => bail!("{}: is no regular file, and is not replaced", path.display()),
            Err(_) => {}
        }
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(file) => Ok(file),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => bail!("{}: exists already; --force replaces it", path.display()),
        Err(e) => Err(e).with_context(|| format!("{}: cannot be written", path.display())),
    }
}

/// Outputs that are of no use before they are whole.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// An output that is removed unless it is finished, however the run ends.
pub(crate) struct Unfinished(PathBuf);

impl Unfinished {
    pub(crate) fn at(path: &Path) -> Self {
        UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
        Self(path.to_owned())
    }

    /// It is whole, and stays.
    pub(crate) fn finish(self) {
        UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }

    /// Removes all of them, where the process is about to end.
    pub(crate) fn remove_all() {
        for path in std::mem::take(&mut *UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)) {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0) {
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

/// Refuses outputs that would replace an input: evidence is never written to, whatever is forced.
pub(crate) fn are_no_inputs<'a>(outputs: impl IntoIterator<Item = &'a Path>, inputs: &[PathBuf]) -> anyhow::Result<()> {
    let inputs: Vec<PathBuf> = inputs.iter().filter_map(|path| path.canonicalize().ok()).collect();
    for output in outputs {
        if output.canonicalize().is_ok_and(|output| inputs.iter().any(|input| output.starts_with(input))) {
            bail!("{}: is an input, and evidence is not written to", output.display());
        }
    }
    Ok(())
}

/// Whether an error is only that nobody reads any more.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe))
}

/// Tells an error, its causes, and what to try.
pub(crate) fn error(error: &anyhow::Error) {
    let style = clap::builder::Styles::styled();
    let (red, plain) = (style.get_error().render(), style.get_error().render_reset());
    let mut stderr = anstream::stderr().lock();
    let text = etcd_sleuth::report::escape::terminal(&format!("{error:#}")).into_owned();
    let _ = writeln!(stderr, "{red}error:{plain} {text}");
    if let Some(hint) = hint(error) {
        let _ = writeln!(stderr, "  try: {}", etcd_sleuth::report::escape::terminal(&hint));
    }
}

fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        let opening = cause.downcast_ref::<evidence::Error>().and_then(evidence::Error::hint);
        let bug = || cause.downcast_ref::<Bug>().map(|_| Bug::hint().to_owned());
        opening.or_else(|| cause.downcast_ref::<NotADatabase>().map(|e| e.hint().to_owned())).or_else(bug)
    })
}

/// How often the progress is looked at.
const TICK: Duration = Duration::from_millis(100);

/// Runs `work` with a bar on standard error, if that is a terminal and the work is long.
pub(crate) fn with_progress<T>(show: bool, label: &str, work: impl FnOnce(&Progress) -> T) -> T {
    let progress = Progress::default();
    if !show {
        return work(&progress);
    }
    let bar = ProgressBar::new(0).with_style(
        ProgressStyle::with_template("{msg} {bytes}/{total_bytes} {wide_bar} {eta}").unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar.set_message(etcd_sleuth::report::escape::terminal(label).into_owned());
    std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let (bar, progress) = (&bar, &progress);
        scope.spawn(move || {
            while stopped.recv_timeout(TICK).is_err_and(|e| e == std::sync::mpsc::RecvTimeoutError::Timeout) {
                bar.set_length(progress.to_hash.load(Ordering::Relaxed));
                bar.set_position(progress.hashed.load(Ordering::Relaxed));
            }
        });
        let result = work(progress);
        drop(stop);
        bar.finish_and_clear();
        result
    })
}

/// A bar that counts; without a terminal, or where `show` is false, nothing is drawn.
pub(crate) fn count_bar(total: u64, show: bool) -> ProgressBar {
    if show { ProgressBar::new(total) } else { ProgressBar::hidden() }
}

#[cfg(test)]
#[allow(clippy::panic, clippy::unwrap_used, reason = "a test that panics fails")]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_is_not_finished_is_removed_however_the_run_ends() {
        crate::guard::install();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("half.db");
        let write = || {
            std::fs::write(&path, b"half").unwrap();
            Unfinished::at(&path)
        };
        write().finish();
        assert!(path.exists());
        drop(write());
        assert!(!path.exists());
        let result: anyhow::Result<()> = crate::guard::input(&path, || {
            let _unfinished = write();
            panic!("a bug");
        });
        assert!(result.is_err() && !path.exists());
        let unfinished = write();
        Unfinished::remove_all();
        assert!(!path.exists());
        unfinished.finish();
    }
}
