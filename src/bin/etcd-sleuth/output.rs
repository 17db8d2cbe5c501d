//! Where output goes, and how errors are told.

use std::collections::{BTreeMap, btree_map::Entry};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use etcd_sleuth::case::{DatabaseFile, InputError, RunError};
use etcd_sleuth::render::escape::terminal;
use etcd_sleuth::render::text::Screen;
use etcd_sleuth::store::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::reader;

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

/// An error that says of which output it is.
fn with_name(name: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{name}: {error}"))
}

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

/// How many files of runs that were killed are passed over.
const MOST_PARTIAL: u32 = 100;

/// Files that are not whole yet: where each is written to, and what it will be.
static UNFINISHED: Mutex<BTreeMap<PathBuf, PathBuf>> = Mutex::new(BTreeMap::new());

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
        is_no_input(path, inputs)?;
        if unfinished().iter().any(|(working, target)| is_same(path, working) || is_same(path, target)) {
            bail!("{}: is another output of this run", path.display());
        }
        if file_id(path).is_some_and(|id| id_of_stdout() == Some(id)) {
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

fn unfinished() -> MutexGuard<'static, BTreeMap<PathBuf, PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Refuses an output that would replace an input: evidence is never written to.
fn is_no_input(output: &Path, inputs: &[PathBuf]) -> anyhow::Result<()> {
    let place = place_of(output);
    let is_within = |input: &PathBuf| place.as_ref().zip(input.canonicalize().ok()).is_some_and(|(place, input)| place.starts_with(input));
    // Under another name, or given as standard input, it is the same file all the same.
    let file = file_id(output);
    let is_it = |input: &PathBuf| is_within(input) || file.is_some() && file_id(input) == file;
    if inputs.iter().any(is_it) {
        bail!("{}: is an input, and evidence is not written to", output.display());
    }
    Ok(())
}

/// The place of a file, which need not be there yet.
fn place_of(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    path.canonicalize().ok().or_else(|| Some(folder.canonicalize().ok()?.join(path.file_name()?)))
}

/// Refuses to write what is piped or printed into an input.
fn stdout_is_no_input(inputs: &[PathBuf]) -> anyhow::Result<()> {
    if let Some(id) = id_of_stdout()
        && inputs.iter().any(|input| file_id(input) == Some(id))
    {
        bail!("standard output: is an input, and evidence is not written to");
    }
    Ok(())
}

/// Whether two paths are of one file, under whatever names.
fn is_same(path: &Path, other: &Path) -> bool {
    let (id, place) = (file_id(path), place_of(path));
    id.is_some() && id == file_id(other) || place.is_some() && place == place_of(other)
}

/// Inputs, of which one that is given twice, under whatever names, is read once.
pub(crate) fn each_once(inputs: &[PathBuf], is_quiet: bool) -> Vec<PathBuf> {
    let mut known: BTreeMap<FileId, &PathBuf> = BTreeMap::new();
    let mut once = Vec::new();
    for input in inputs {
        match id_of_input(input).map(|id| known.entry(id)) {
            Some(Entry::Occupied(first)) if !is_quiet => {
                let (input, first) = (input.to_string_lossy(), first.get().to_string_lossy());
                say(&format!("note: {} is {}, which was given before: it is read once\n", terminal(&input), terminal(&first)));
            }
            Some(Entry::Occupied(_)) => {}
            Some(Entry::Vacant(free)) => {
                free.insert(input);
                once.push(input.clone());
            }
            None => once.push(input.clone()),
        }
    }
    once
}

/// Says something to people beside the result. Nobody reading it is no error.
pub(crate) fn say(text: &str) {
    let mut stderr = io::stderr().lock();
    let mut screen = Screen::new(&mut stderr, reader::of_stderr());
    let _ = screen.write_all(text.as_bytes()).and_then(|()| screen.flush());
}

/// Device and inode.
type FileId = (u64, u64);

#[cfg(unix)]
fn file_id(path: &Path) -> Option<FileId> {
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;

    let found = match path.to_str() {
        Some("-") => File::from(io::stdin().as_fd().try_clone_to_owned().ok()?).metadata(),
        _ => std::fs::metadata(path),
    };
    found.ok().filter(std::fs::Metadata::is_file).map(|found| (found.dev(), found.ino()))
}

/// Of a file or a directory, behind links; standard input is what it is.
#[cfg(unix)]
fn id_of_input(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;

    let found = std::fs::metadata(path).ok().filter(|found| found.is_file() || found.is_dir())?;
    Some((found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn id_of_input(_: &Path) -> Option<FileId> {
    None
}

#[cfg(unix)]
fn id_of_stdout() -> Option<FileId> {
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;

    let found = File::from(io::stdout().as_fd().try_clone_to_owned().ok()?).metadata();
    found.ok().filter(std::fs::Metadata::is_file).map(|found| (found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn id_of_stdout() -> Option<FileId> {
    None
}

#[cfg(not(unix))]
fn file_id(_: &Path) -> Option<FileId> {
    None
}

/// Whether an error is only that nobody reads any more.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let of_run = cause.downcast_ref::<RunError>().and_then(|error| match error {
            RunError::Output(error) => Some(error),
            _ => None,
        });
        of_run.or_else(|| cause.downcast_ref::<io::Error>()).is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Tells an error, its causes, each once, and what to try. What was told already is not told again.
pub(crate) fn error(error: &anyhow::Error) {
    match error.downcast_ref::<RunError>() {
        Some(RunError::NothingRead | RunError::NotRead) => {}
        Some(RunError::Input(input)) => input_error(input),
        _ => tell(&causes(error), None),
    }
}

/// An error and its causes; one that repeats what stands before it adds nothing.
fn causes(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |said, cause| {
        let cause = cause.to_string();
        match said.as_str() {
            "" => cause,
            known if known.contains(&cause) => said,
            known => format!("{known}: {cause}"),
        }
    })
}

/// Tells why an input was not read, and what to try.
pub(crate) fn input_error(error: &InputError) {
    tell(&error.to_string(), error.hint());
}

fn tell(what: &str, hint: Option<String>) {
    let style = clap::builder::Styles::styled();
    let (red, plain) = (style.get_error().render(), style.get_error().render_reset());
    let hint = hint.map_or(String::new(), |hint| format!("  try: {}\n", terminal(&hint)));
    say(&format!("{red}error:{plain} {}\n{hint}", terminal(what)));
}

/// How often the progress is looked at.
const TICK: Duration = Duration::from_millis(100);

/// Runs `work` with a bar on standard error, if that is a terminal and the work is long.
pub(crate) fn with_progress(show: bool, label: &str, progress: &Progress, work: &mut dyn FnMut()) {
    if !show {
        return work();
    }
    let bar = ProgressBar::new(0).with_style(
        ProgressStyle::with_template("{msg} {bytes}/{total_bytes} {wide_bar} {eta}").unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar.set_message(terminal(label).into_owned());
    std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let bar = &bar;
        scope.spawn(move || {
            while stopped.recv_timeout(TICK).is_err_and(|e| e == std::sync::mpsc::RecvTimeoutError::Timeout) {
                bar.set_length(progress.to_hash.load(Ordering::Relaxed));
                bar.set_position(progress.hashed.load(Ordering::Relaxed));
            }
        });
        work();
        drop(stop);
        bar.finish_and_clear();
    });
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
