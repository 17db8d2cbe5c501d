//! One input never ends the others: a panic while it is read is a bug of this program, is told as one, and the run goes on.
//!
//! What a panic says may hold bytes of evidence, so nothing of it is printed but the place in the source.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::evidence::digest::Sha256Digest;
use crate::evidence::words::path_text;
use crate::evidence::{Evidence, Limits};

/// Where the last panic of any thread was, as file and line of the source.
static PLACE: Mutex<Option<String>> = Mutex::new(None);

/// A panic that was caught.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}: a bug in etcd-sleuth {} at {place} ended the reading of this input; SHA-256 of the input: {}",
    path_text(path),
    env!("CARGO_PKG_VERSION"),
    digest.map_or("not known".to_owned(), |digest| digest.to_string())
)]
pub struct Bug {
    path: PathBuf,
    place: String,
    digest: Option<Sha256Digest>,
}

impl Bug {
    /// The input.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Keeps panics from printing what they say. Called once, before anything is read.
pub fn install() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line()));
        *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }));
}

/// Reads one input. A panic in it, on any thread that it waits for, is an error.
///
/// # Errors
/// Those of the work.
pub(super) fn caught<T, E: From<Bug>>(path: &Path, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    // What the work has changed up to the panic are counts and records of this input, which say that it was not read to its end.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result,
        Err(_) => Err(Bug { path: path.to_owned(), place: place(), digest: digest_of(path) }.into()),
    }
}

/// A panic that belongs to no input.
#[derive(Debug, thiserror::Error)]
#[error("a bug in etcd-sleuth {} at {place} ended the run", env!("CARGO_PKG_VERSION"))]
pub struct Ended {
    place: String,
}

/// Runs a whole command. A panic that belongs to no input ends it, with an error all the same.
///
/// # Errors
/// There was one.
pub fn run<T>(work: impl FnOnce() -> T) -> Result<T, Ended> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Ended { place: place() })
}

fn place() -> String {
    PLACE.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_else(|| "a place not known".to_owned())
}

/// Digest of a file, by which its owner finds it again; none of a directory or of what cannot be read twice.
fn digest_of(path: &Path) -> Option<Sha256Digest> {
    let digest = || {
        let is_file = std::fs::metadata(path).is_ok_and(|found| found.is_file());
        let evidence = is_file.then(|| Evidence::open(path, &Limits::default()).ok()).flatten()?;
        Some(Sha256Digest::of(evidence.file()))
    };
    catch_unwind(digest).ok().flatten()
}

#[cfg(test)]
#[allow(clippy::panic, clippy::unwrap_used, reason = "a test that panics fails")]
mod tests {
    use rayon::prelude::*;

    use super::super::InputError;
    use super::*;

    #[test]
    fn a_panic_on_any_thread_is_told_with_its_place_and_the_inputs_digest_but_without_what_it_says() {
        install();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("evidence.db");
        std::fs::write(&path, b"the bytes").unwrap();
        let on_this_thread = || -> Result<(), InputError> { panic!("hunter2") };
        let on_workers = || -> Result<(), InputError> {
            (0..100).into_par_iter().for_each(|number| assert!(number != 70, "hunter2"));
            Ok(())
        };
        let beside = || -> Result<(), InputError> {
            std::thread::scope(|scope| {
                let worker = scope.spawn(|| panic!("hunter2"));
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        };
        for work in [&on_this_thread as &dyn Fn() -> Result<(), InputError>, &on_workers, &beside] {
            let error = caught(&path, work).unwrap_err();
            let text = error.to_string();
            assert!(text.contains("evidence.db") && text.contains("bug.rs:") && !text.contains("hunter2"), "{text}");
            assert!(text.contains(&Sha256Digest::of(b"the bytes").to_string()), "{text}");
            assert!(matches!(error, InputError::Bug(_)));
        }
        // The next input is read.
        assert_eq!(caught(&path, || Ok::<_, InputError>(7)).unwrap(), 7);
        assert!(run(|| panic!("hunter2")).unwrap_err().to_string().contains("bug.rs:"));
        assert_eq!(digest_of(dir.path()), None);
    }
}
