//! The one layer that backups come packed in: gzip (kops), zip (k3s, RKE, RKE2), zstd.
//!
//! | container | first bytes | source |
//! |---|---|---|
//! | gzip | `1f 8b` | RFC 1952 §2.3.1 |
//! | zstd | `28 b5 2f fd` | RFC 8878 §3.1.1 |
//! | zip | `50 4b 03 04` | APPNOTE.TXT §4.3.7 |
//!
//! Whatever of a container nothing was taken out of is [`Left`], and told. Zeros behind its end are the padding of tapes and block
//! devices, and hold nothing.

mod zip;

use std::fmt;
use std::io::{self, Read};

use super::limit::Limits;
use super::range;

/// What an input was packed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Container {
    /// One or more gzip members.
    Gzip,
    /// A zip archive.
    Zip,
    /// One or more zstd frames.
    Zstd,
}

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
    /// [`Fault`]: nothing came out, too much would, or nothing of it is read here.
    pub fn unpack(self, bytes: &[u8], limits: &Limits) -> Result<Unpacked, Fault> {
        match self {
            Self::Gzip => unpack_stream::<Gzip>(bytes, limits),
            Self::Zstd => unpack_stream::<Zstd>(bytes, limits),
            Self::Zip => zip::unpack(bytes, limits),
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A container that is a row of parts, whose contents follow one another.
trait Parts {
    /// What one is called.
    const NAME: &'static str;

    /// Whether bytes begin one.
    fn begins(bytes: &[u8]) -> bool;

    /// Takes out the first part, and says what stands behind it.
    fn take<'a>(bytes: &'a [u8], content: &mut Content<'_>) -> io::Result<&'a [u8]>;
}

struct Gzip;

impl Parts for Gzip {
    const NAME: &'static str = "gzip member";

    fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(&[0x1f, 0x8b])
    }

    fn take<'a>(bytes: &'a [u8], content: &mut Content<'_>) -> io::Result<&'a [u8]> {
        let mut decoder = flate2::bufread::GzDecoder::new(bytes);
        content.fill(&mut decoder)?;
        Ok(decoder.into_inner())
    }
}

struct Zstd;

impl Parts for Zstd {
    const NAME: &'static str = "zstd frame";

    /// A frame, or one that decoders skip.
    fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || matches!(bytes, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
    }

    fn take<'a>(bytes: &'a [u8], content: &mut Content<'_>) -> io::Result<&'a [u8]> {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?.single_frame();
        // No window is larger than what may be held anyway.
        decoder.window_log_max(content.limits.max_size.max(1 << 10).ilog2().min(LARGEST_WINDOW))?;
        content.fill(&mut decoder)?;
        Ok(decoder.finish())
    }
}

/// The largest window that zstd's library decodes, as a power of two.
const LARGEST_WINDOW: u32 = if usize::BITS > 32 { 31 } else { 30 };

/// What comes out, up to the limit.
struct Content<'l> {
    bytes: Vec<u8>,
    limits: &'l Limits,
    /// Bytes that came out of other files of the same archive.
    before: u64,
}

impl Content<'_> {
    /// Reads to the end or to the limit, in steps, so that a bomb costs no more than the limit.
    fn fill(&mut self, packed: &mut impl Read) -> io::Result<()> {
        let left = self.limits.max_size.saturating_sub(self.before).saturating_sub(self.bytes.len() as u64);
        packed.take(left.saturating_add(1)).read_to_end(&mut self.bytes).map(|_| ())
    }

    fn is_too_large(&self) -> bool {
        self.before.saturating_add(self.bytes.len() as u64) > self.limits.max_size
    }

    /// What came of it, where reading ended like this.
    fn end(self, outcome: io::Result<()>, name: Option<String>) -> Result<UnpackedFile, Fault> {
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

fn unpack_stream<P: Parts>(bytes: &[u8], limits: &Limits) -> Result<Unpacked, Fault> {
    let mut content = Content { bytes: Vec::new(), limits, before: 0 };
    let (mut rest, mut left) = (bytes, Vec::new());
    let outcome = loop {
        match P::take(rest, &mut content) {
            Err(error) => break Err(error),
            Ok(_) if content.is_too_large() => break Ok(()),
            Ok(behind) if P::begins(behind) => rest = behind,
            Ok(behind) => {
                if !range::is_zero(behind) {
                    let why = format!("{} bytes behind the last {} are none", behind.len(), P::NAME);
                    left.push(Left { name: None, why });
                }
                break Ok(());
            }
        }
    };
    Ok(Unpacked { files: vec![content.end(outcome, None)?], left })
}

/// What an error says of the packed file. What is no fault of the file is an error.
fn fault_of(error: &io::Error, got: u64) -> Result<String, Fault> {
    let text = error.to_string();
    let what = match error.kind() {
        io::ErrorKind::OutOfMemory => return Err(Fault::Memory { got }),
        // The words of zstd's library, which has no codes here.
        _ if text.contains("too much memory") => {
            return Err(Fault::Unsupported("it asks for a larger window than may be held in memory".to_owned()));
        }
        _ if text.contains("Dictionary mismatch") => {
            return Err(Fault::Unsupported("it was packed with a dictionary".to_owned()));
        }
        io::ErrorKind::UnexpectedEof => "ends early".to_owned(),
        _ => format!("is damaged ({error})"),
    };
    Ok(format!("the packed file {what}; {got} bytes came out of it and were read"))
}
