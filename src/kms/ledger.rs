//! The ledger: what was asked of a KMS, when, and what came of it. Never a DEK.
//!
//! ```text
//! {"time":"2026-01-01T00:00:00Z","by":"AWS KMS","caller":"AKIA…","operation":"Decrypt","request_id":"…",
//!  "input_sha256":"…","key_id":"arn:…","outcome":"unwrapped","kms_key_id":"arn:…"}
//! ```
//! `caller` is the access key ID, and `request_id` the number, under which CloudTrail has the call. One line a call, appended and written
//! through, so that a run that is broken off leaves whole lines.
//!
//! Where every value of a DEK source has opened, a line of the operation `open` follows at the end, with the digest of these values and
//! of their storage keys:
//! ```text
//! {"time":"…","by":"etcd-sleuth","operation":"open","input_sha256":"…","outcome":"opened","values":12,"values_sha256":"…"}
//! ```
//! A later run with the same ledger does not ask again about a DEK source of which it has the very same values: that they open is
//! proved of these bytes. Of any other value a ledger says nothing, and so its source is asked about, as failures are.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Failure, Unwrapper, WrappedDek};

/// Longest line that is read; ours are far shorter.
const LONGEST_LINE: u64 = 64 << 10;
pub(super) const UNWRAPPED: &str = "unwrapped";
const OPENED: &str = "opened";
/// How every line begins.
const BEGINNING: &[u8] = br#"{"time":""#;

/// An open ledger.
pub struct Ledger {
    file: File,
    path: PathBuf,
    /// The key that the KMS used, by the digest of the DEK source.
    unwrapped: BTreeMap<String, Option<String>>,
    /// When DEK sources have opened values, by the digests of both; in UTC.
    opened: BTreeMap<(String, String), String>,
}

/// Why a ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// It holds something else: nothing is appended to a file that is no ledger.
    #[error("{path}: line {line} is no line of a ledger")]
    Form {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
}

/// A line about a call, as it is written.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    by: &'a str,
    caller: Option<&'a str>,
    operation: &'a str,
    request_id: Option<&'a str>,
    input_sha256: Option<String>,
    key_id: Option<&'a str>,
    outcome: &'a str,
    detail: Option<&'a str>,
    kms_key_id: Option<&'a str>,
}

/// A line about values that have opened, as it is written.
#[derive(Serialize)]
struct OpenedLine {
    time: String,
    by: &'static str,
    operation: &'static str,
    input_sha256: String,
    outcome: &'static str,
    values: u64,
    values_sha256: String,
}

/// One call, as it is noted.
pub(super) struct Call<'a> {
    pub by: &'a str,
    pub caller: Option<&'a str>,
    pub request_id: Option<&'a str>,
    pub operation: &'a str,
    /// The DEK source that it is about, if it is about one.
    pub source: Option<&'a WrappedDek>,
    /// The key that it is about, where that is known before.
    pub key_id: Option<&'a str>,
    /// What came of it, and the key that the KMS says it used.
    pub outcome: Result<(&'a str, Option<&'a str>), &'a Failure>,
}

impl<'a> Call<'a> {
    /// The last call of an unwrapper, of which the rest is still to be said.
    pub(super) fn of(unwrapper: &'a dyn Unwrapper) -> Self {
        let (by, caller, request_id) = (unwrapper.name(), unwrapper.caller(), unwrapper.request_id());
        Self { by, caller, request_id, operation: "", source: None, key_id: None, outcome: Ok(("", None)) }
    }
}

impl Ledger {
    /// Opens or creates it (mode 0600), and reads what earlier runs have unwrapped.
    ///
    /// # Errors
    /// It cannot be read or written, or is no ledger.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let io = |source| LedgerError::Io { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(io)?;
        if !file.metadata().map_err(io)?.is_file() {
            return Err(io(io::Error::other("is no regular file")));
        }
        let (mut unwrapped, mut opened) = (BTreeMap::new(), BTreeMap::new());
        let mut reader = BufReader::new(&file);
        let mut number = 0usize;
        let mut ends_whole = true;
        loop {
            let mut text = Vec::new();
            let taken = io::Read::take(&mut reader, LONGEST_LINE).read_until(b'\n', &mut text).map_err(io)?;
            if taken == 0 {
                break;
            }
            number = number.saturating_add(1);
            ends_whole = text.ends_with(b"\n");
            let whole = std::str::from_utf8(&text).ok().and_then(|text| serde_json::from_str::<LineRead>(text).ok());
            match whole {
                Some(line) if line.outcome == UNWRAPPED => {
                    unwrapped.extend(line.input_sha256.map(|input| (input, line.kms_key_id)));
                }
                Some(LineRead { outcome, input_sha256: Some(input), values_sha256: Some(values), time: Some(time), .. })
                    if outcome == OPENED =>
                {
                    opened.insert((input, values), time);
                }
                Some(_) => {}
                // The last line of a run that was killed may be torn, and later runs go on behind it; anything else is another file.
                None if number > 1 && is_torn(&text) => {}
                None => return Err(LedgerError::Form { path: path.to_owned(), line: number }),
            }
        }
        if !ends_whole {
            file.seek(SeekFrom::End(0)).and_then(|_| file.write_all(b"\n")).map_err(io)?;
        }
        Ok(Self { file, path: path.to_owned(), unwrapped, opened })
    }

    /// When an earlier run has opened the very values that need this, and with which key as the KMS said.
    pub(super) fn opened_before(&self, source: &WrappedDek) -> Option<(&str, Option<&str>)> {
        let opened = (source.digest().to_string(), source.sealed_digest()?.to_string());
        let time = self.opened.get(&opened)?;
        Some((time, self.unwrapped.get(&opened.0)?.as_deref()))
    }

    /// Notes DEK sources of which every value has opened in this run.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn note_opened<'a>(&mut self, sources: impl IntoIterator<Item = &'a WrappedDek>) -> Result<(), LedgerError> {
        let time = jiff::Timestamp::now().to_string();
        let mut text = Vec::new();
        for source in sources {
            let Some(values) = source.sealed_digest() else { continue };
            let line = OpenedLine {
                time: time.clone(),
                by: env!("CARGO_PKG_NAME"),
                operation: "open",
                input_sha256: source.digest().to_string(),
                outcome: OPENED,
                values: source.sealed.len() as u64,
                values_sha256: values.to_string(),
            };
            text.extend(serde_json::to_vec(&line).unwrap_or_default());
            text.push(b'\n');
        }
        self.append(&text)
    }

    /// Notes one call.
    pub(super) fn note(&mut self, call: &Call<'_>) -> Result<(), LedgerError> {
        let line = Line {
            time: jiff::Timestamp::now().to_string(),
            by: call.by,
            caller: call.caller,
            operation: call.operation,
            request_id: call.request_id,
            input_sha256: call.source.map(|source| source.digest().to_string()),
            key_id: call.key_id,
            outcome: call.outcome.map_or_else(|failure| failure.reason.name(), |(outcome, _)| outcome),
            detail: call.outcome.err().map(|failure| failure.detail.as_str()).filter(|detail| !detail.is_empty()),
            kms_key_id: call.outcome.ok().and_then(|(_, kms_key_id)| kms_key_id),
        };
        let mut text = serde_json::to_vec(&line).unwrap_or_default();
        text.push(b'\n');
        self.append(&text)
    }

    fn append(&mut self, lines: &[u8]) -> Result<(), LedgerError> {
        let written = self.file.write_all(lines).and_then(|()| self.file.sync_data());
        written.map_err(|source| LedgerError::Io { path: self.path.clone(), source })
    }
}

/// Whether a line is the beginning of one of ours.
fn is_torn(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    BEGINNING.starts_with(line) || line.starts_with(BEGINNING)
}

/// What is read of a line.
#[derive(Deserialize)]
struct LineRead {
    input_sha256: Option<String>,
    outcome: String,
    kms_key_id: Option<String>,
    values_sha256: Option<String>,
    time: Option<String>,
}
