//! Why an input, or a whole run, came to nothing; and what to try.

use std::io;
use std::path::{Path, PathBuf};

use super::bug::Bug;
use super::guess::{Foreign, Guess};
use crate::evidence::container::Fault;
use crate::evidence::words::{path_text, path_word};
use crate::evidence::{EXPECTED, Error, Evidence};
use crate::report::UnreadReason;
use crate::store::{NotADatabase, OpenedDatabase};

/// Why an input could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// A bug of this program.
    #[error(transparent)]
    Bug(#[from] Bug),
    /// There are no bytes to search.
    #[error("{}: no bytes; expected something to search (did the command before the pipe fail?)", path_text(.0))]
    Empty(PathBuf),
    /// A directory that is no etcd member's.
    #[error("{}: expected an etcd data directory, with member/snap/db and member/wal/*.wal in it; found {}", path_text(path), list(found))]
    NotADataDirectory {
        /// The input.
        path: PathBuf,
        /// Names of what is in it, escaped; a few.
        found: Vec<String>,
    },
    /// The page that is asked for is not there.
    #[error("{}: no page {pgid}; pages are 0 to {last}", path_text(path))]
    NoSuchPage {
        /// The input.
        path: PathBuf,
        /// The page.
        pgid: u64,
        /// The last that is there.
        last: u64,
    },
    /// The question makes no sense of what was given.
    #[error("{}: {why}", path_text(path))]
    NotForThis {
        /// The input.
        path: PathBuf,
        /// Why, and what to do instead.
        why: &'static str,
    },
    /// Bytes of another form.
    #[error("{}: expected {EXPECTED}; {what}", path_text(path))]
    NotRecognised {
        /// The input.
        path: PathBuf,
        /// What it looks like.
        what: String,
        /// What the user can try.
        hint: String,
    },
    /// Bytes of a form that can hold an etcd's data, and that this program does not read.
    #[error("{}: not read by this program: {what}", path_text(path))]
    NotSupported {
        /// The input.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// What the user can try.
        hint: &'static str,
    },
    /// It cannot be opened.
    #[error(transparent)]
    Unreadable(#[from] Error),
}

/// Why a run ended without its answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The key that was asked for cannot be told.
    #[error("{0}")]
    Key(String),
    /// The ledger cannot be used, and so nobody is asked any more: a call is to leave a line in it.
    #[error(transparent)]
    Ledger(#[from] crate::kms::LedgerError),
    /// The ledger is no file to write to.
    #[error(transparent)]
    LedgerPlace(#[from] crate::output::OutputError),
    /// Nothing could be read, which was told already.
    #[error("nothing could be read")]
    NothingRead,
    /// Nothing was read, because of a limit or of a form that this program does not read, which was told already.
    #[error("nothing was read")]
    NotRead,
    /// The output cannot be written.
    #[error(transparent)]
    Output(#[from] io::Error),
    /// A new database cannot be written.
    #[error(transparent)]
    Rebuild(#[from] crate::recovery::WriteError),
    /// What was to be revealed is not there, or does not open.
    #[error("{0}")]
    Reveal(String),
    /// Nothing can be said of the input.
    #[error(transparent)]
    Input(#[from] InputError),
}

impl InputError {
    /// The input.
    pub fn path(&self) -> &Path {
        match self {
            Self::Bug(bug) => bug.path(),
            Self::Unreadable(error) => error.path(),
            Self::Empty(path)
            | Self::NotADataDirectory { path, .. }
            | Self::NoSuchPage { path, .. }
            | Self::NotForThis { path, .. }
            | Self::NotSupported { path, .. }
            | Self::NotRecognised { path, .. } => path,
        }
    }

    /// What the user can try.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Bug(_) => Some("report the line above; the evidence itself need not be shared. The other inputs are read".to_owned()),
            Self::NotADataDirectory { .. } => {
                Some("name the directory that etcd was given as --data-dir, its member directory, or a snapshot file".to_owned())
            }
            Self::NotRecognised { hint, .. } => Some(hint.clone()),
            Self::NotSupported { hint, .. } => Some((*hint).to_owned()),
            Self::Unreadable(error) => hint_on_opening(error),
            Self::Empty(_) | Self::NoSuchPage { .. } | Self::NotForThis { .. } => None,
        }
    }

    /// Why it counts as not read, without its path.
    pub(super) fn unread_reason(&self) -> UnreadReason {
        let said = self.to_string();
        let why = said.strip_prefix(&format!("{}: ", path_text(self.path()))).unwrap_or(&said).to_owned();
        match self {
            Self::NotSupported { hint, .. } => UnreadReason::NotSupported { what: why, hint: Some(hint) },
            Self::Unreadable(Error::Container { source: Fault::Unsupported(_), .. }) => {
                UnreadReason::NotSupported { what: why, hint: None }
            }
            Self::Unreadable(error) if error.is_no_fault() => UnreadReason::Limit(why),
            _ => UnreadReason::Failed(why),
        }
    }

    /// Of bytes that are neither a database nor anything else that is known.
    pub(super) fn not_recognised(evidence: &Evidence, reason: NotADatabase) -> Self {
        let path = evidence.path().to_owned();
        if reason.is_big_endian() {
            let what = "an etcd database in big-endian byte order, as s390x has it";
            let hint =
                "nothing is wrong with it: take a snapshot of a member on another processor, or search it as it stands: etcd-sleuth carve";
            return Self::NotSupported { path, what, hint };
        }
        if reason.is_of_bbolt() {
            let hint = "fetch it again, or take another member's snapshot".to_owned();
            return Self::NotRecognised { path, what: format!("found {}", reason.0), hint };
        }
        let Guess { what, hint } = match Foreign::of(evidence.content()) {
            Foreign::NotSupported(Guess { what, hint }) => return Self::NotSupported { path, what, hint },
            Foreign::Other(guess) => guess,
        };
        if let Some(at) = OpenedDatabase::begins_within(evidence.content()) {
            let what = format!("its first bytes are none, and at byte {at} one begins");
            let (behind, path) = (at.saturating_add(1), path_word(evidence.path()));
            let hint = format!("cut off what stands before it (tail -c +{behind}), or search it as it stands: etcd-sleuth carve {path}");
            return Self::NotRecognised { path: evidence.path().to_owned(), what, hint };
        }
        let is_part = path.extension().is_some_and(|extension| extension == "part");
        let partial = if is_part { "; a name that ends in .part is a download that was broken off" } else { "" };
        let what = format!("it looks like {what} ({} bytes){partial}", evidence.content().len());
        Self::NotRecognised { path, what, hint: hint.to_owned() }
    }
}

fn hint_on_opening(error: &Error) -> Option<String> {
    match error {
        Error::Container { source, .. } => Some(hint_on_container(source).to_owned()),
        Error::Directory { path } => Some(format!("name a file in it, for a data directory {}", path_word(&path.join("member/snap/db")))),
        Error::NotAFile { kind: "block device", .. } => Some("copy it to a file first (dd), so that the copy can be hashed".to_owned()),
        Error::NotAFile { .. } => Some("pipe its content in and give - as the file: … | etcd-sleuth scan -".to_owned()),
        Error::Read { source, .. } => match source.kind() {
            io::ErrorKind::NotFound => Some("check the path; a download that was broken off may be there as <name>.part".to_owned()),
            io::ErrorKind::PermissionDenied => {
                Some("etcd's files belong to root (mode 0600): run as a user that may read them, or read a copy".to_owned())
            }
            _ => None,
        },
        Error::TooLarge { container: None, .. } => Some("save it to a file, which is not held in memory, or raise --max-size".to_owned()),
        Error::TooLarge { .. } => Some("unpack it to a file, which is not held in memory, or raise --max-size".to_owned()),
    }
}

fn hint_on_container(fault: &Fault) -> &'static str {
    match fault {
        Fault::Entries { .. } => "unpack it and name the snapshot among its files",
        Fault::Bytes(_) => "search it as any bytes: etcd-sleuth carve",
        Fault::Device => "give the device itself, or a copy of what is on it",
        Fault::Nothing(_) | Fault::EndsEarly(_) => "fetch it again from where it came from, and compare sizes",
        Fault::Unsupported(_) => "nothing is wrong with it: unpack it with another program, and give its files",
        Fault::Memory { .. } => "nothing is wrong with it: unpack it to a file, which is not held in memory",
        Fault::TooLarge { .. } => "unpack it to a file, or raise --max-size",
        Fault::TooDeep { .. } | Fault::TooMany { .. } => "nothing is wrong with it: unpack it, and give its files",
    }
}

/// Names in a sentence, eight at most.
fn list(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        names => {
            let more = if names.len() > 8 { ", …" } else { "" };
            format!("{}{more}", names.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", "))
        }
    }
}
