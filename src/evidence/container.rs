//! The one layer that backups come packed in: gzip (kops), zip with one entry (k3s, RKE2), zstd.
//!
//! | container | first bytes | source |
//! |---|---|---|
//! | gzip | `1f 8b` | RFC 1952 §2.3.1 |
//! | zstd | `28 b5 2f fd` | RFC 8878 §3.1.1 |
//! | zip | `50 4b 03 04` | APPNOTE.TXT §4.3.7 |

use std::fmt;
use std::io::{self, Cursor, Read};

use super::limit::Limits;

/// What an input was packed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Container {
    /// One or more gzip members.
    Gzip,
    /// A zip archive of one entry.
    Zip,
    /// One or more zstd frames.
    Zstd,
}

/// Content out of a container.
#[derive(Debug)]
pub struct Unpacked {
    /// What came out.
    pub content: Vec<u8>,
    /// Why it is not whole, if it is not.
    pub damage: Option<String>,
}

/// Why nothing can be taken out of a container.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A zip archive of none or several files.
    #[error("expected one file in it, found {}{}", found.len(), list(found))]
    Entries {
        /// Names of the files, escaped, at most eight.
        found: Vec<String>,
    },
    /// The very first bytes cannot be unpacked.
    #[error("nothing can be unpacked: {0}")]
    Nothing(String),
    /// More comes out than may be held.
    #[error("more than {max_size} bytes when unpacked")]
    TooLarge {
        /// The bound.
        max_size: u64,
    },
}

fn list(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) }
}

impl Container {
    /// The container that `bytes` begin like.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [b'P', b'K', 3, 4, ..] => Some(Self::Zip),
            _ => None,
        }
    }

    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zip => "zip",
            Self::Zstd => "zstd",
        }
    }

    /// Takes the content out. One that ends early gives what came out, with the reason.
    ///
    /// # Errors
    /// [`Fault`]: nothing came out, too much would, or the archive is not of one entry.
    pub fn unpack(self, bytes: &[u8], limits: &Limits) -> Result<Unpacked, Fault> {
        match self {
            Self::Gzip => drain(flate2::read::MultiGzDecoder::new(bytes), limits),
            Self::Zstd => {
                let decoder = zstd::stream::read::Decoder::new(bytes).map_err(|e| Fault::Nothing(e.to_string()))?;
                drain(decoder, limits)
            }
            Self::Zip => unzip(bytes, limits),
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn unzip(bytes: &[u8], limits: &Limits) -> Result<Unpacked, Fault> {
    let nothing = |e: zip::result::ZipError| Fault::Nothing(e.to_string());
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(nothing)?;
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(nothing)?;
        if !entry.is_dir() {
            let name = entry.name().map_err(nothing)?.escape_debug().to_string();
            files.push((index, name));
        }
    }
    match files.as_slice() {
        [(index, _)] => drain(archive.by_index(*index).map_err(nothing)?, limits),
        _ => Err(Fault::Entries { found: files.into_iter().map(|(_, name)| name).take(8).collect() }),
    }
}

/// Reads to the end or to the limit, in steps, so that a bomb costs no more than the limit.
fn drain(mut packed: impl Read, limits: &Limits) -> Result<Unpacked, Fault> {
    let mut content = Vec::new();
    let outcome = (&mut packed).take(limits.max_size.saturating_add(1)).read_to_end(&mut content);
    if content.len() as u64 > limits.max_size {
        return Err(Fault::TooLarge { max_size: limits.max_size });
    }
    let damage = outcome.err().map(|e| reason(&e, content.len()));
    match damage {
        Some(reason) if content.is_empty() => Err(Fault::Nothing(reason)),
        damage => Ok(Unpacked { content, damage }),
    }
}

fn reason(error: &io::Error, got: usize) -> String {
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => "ends early".to_owned(),
        _ => format!("is damaged ({error})"),
    };
    format!("the packed file {what}; {got} bytes came out of it and were read")
}
