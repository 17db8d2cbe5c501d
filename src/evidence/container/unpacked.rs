//! What comes out of a container, up to the limit, and why nothing does.

use std::io::{self, Read};

use super::super::limit::Limits;

/// What came out of a container.
#[derive(Debug)]
pub struct Unpacked {
    /// Its files: of an archive one or more, else one.
    pub files: Vec<UnpackedFile>,
    /// What else is in it.
    pub left: Vec<Left>,
}

/// A file out of a container.
#[derive(Debug)]
pub struct UnpackedFile {
    /// Its name in an archive of several.
    pub name: Option<String>,
    /// What came out.
    pub content: Vec<u8>,
    /// Why it is not whole, if it is not.
    pub damage: Option<String>,
}

/// Something in a container that nothing was taken out of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Its name in an archive.
    pub name: Option<String>,
    /// What it is, and why nothing was taken out of it.
    pub why: String,
}

/// Why nothing can be taken out of a container.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// An archive without a file that can be read.
    #[error("expected a snapshot in it, found {}{}", found.len(), list(found))]
    Entries {
        /// Names of the files, escaped.
        found: Vec<String>,
    },
    /// The very first bytes cannot be unpacked.
    #[error("nothing can be unpacked: {0}")]
    Nothing(String),
    /// It is packed in a way that this program does not read; nothing is wrong with it.
    #[error("not read by this program: {0}")]
    Unsupported(String),
    /// There is no memory for what comes out.
    #[error("no memory for what comes out of it, at {got} bytes")]
    Memory {
        /// Bytes that came out.
        got: u64,
    },
    /// More comes out than may be held.
    #[error("more than {max_size} bytes when unpacked")]
    TooLarge {
        /// The bound.
        max_size: u64,
    },
}

/// Names that an error lists at most.
const LISTED: usize = 8;

fn list(names: &[String]) -> String {
    let more = if names.len() > LISTED { ", …" } else { "" };
    let names: Vec<&str> = names.iter().take(LISTED).map(String::as_str).collect();
    if names.is_empty() { String::new() } else { format!(": {}{more}", names.join(", ")) }
}

/// What comes out, up to the limit.
pub(super) struct Content<'l> {
    pub bytes: Vec<u8>,
    pub limits: &'l Limits,
    /// Bytes that came out of other files of the same archive.
    pub before: u64,
}

impl Content<'_> {
    /// Reads to the end or to the limit, in steps, so that a bomb costs no more than the limit.
    pub(super) fn fill(&mut self, packed: &mut impl Read) -> io::Result<()> {
        let left = self.limits.max_size.saturating_sub(self.before).saturating_sub(self.bytes.len() as u64);
        packed.take(left.saturating_add(1)).read_to_end(&mut self.bytes).map(|_| ())
    }

    pub(super) fn is_too_large(&self) -> bool {
        self.before.saturating_add(self.bytes.len() as u64) > self.limits.max_size
    }

    /// What came of it, where reading ended like this.
    pub(super) fn end(self, outcome: io::Result<()>, name: Option<String>) -> Result<UnpackedFile, Fault> {
        if self.is_too_large() {
            return Err(Fault::TooLarge { max_size: self.limits.max_size });
        }
        let damage = outcome.err().map(|error| fault_of(&error, self.bytes.len() as u64)).transpose()?;
        match damage {
            Some(reason) if self.bytes.is_empty() => Err(Fault::Nothing(reason)),
            damage => Ok(UnpackedFile { name, content: self.bytes, damage }),
        }
    }
}

/// What an error says of the packed file. What is no fault of the file is an error.
fn fault_of(error: &io::Error, got: u64) -> Result<String, Fault> {
    let text = error.to_string();
    let what = match error.kind() {
        io::ErrorKind::OutOfMemory => return Err(Fault::Memory { got }),
        io::ErrorKind::Unsupported => return Err(Fault::Unsupported(text)),
        _ if text.contains("not supported") => return Err(Fault::Unsupported(text)),
        // The words of zstd's library, which has no codes here.
        _ if text.contains("too much memory") => {
            return Err(Fault::Unsupported("it asks for a larger window than may be held in memory; --max-size raises that".to_owned()));
        }
        _ if text.contains("Dictionary mismatch") => {
            return Err(Fault::Unsupported("it was packed with a dictionary".to_owned()));
        }
        io::ErrorKind::UnexpectedEof => "ends early".to_owned(),
        _ => format!("is damaged ({error})"),
    };
    Ok(format!("the packed file {what}; {got} bytes came out of it and were read"))
}
