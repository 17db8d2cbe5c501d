//! What comes out of a container, up to the limit, and why nothing does.

use std::io::{self, Read};
use std::ops::Range;

/// What came out of a container.
#[derive(Debug, Default)]
pub(super) struct Unpacked {
    /// Its files: of an archive one or more, else one.
    pub files: Vec<UnpackedFile>,
    /// Its links.
    pub links: Vec<UnpackedLink>,
    /// What else is in it: its name in an archive, and why nothing was taken out of it.
    pub left: Vec<(Option<String>, Fault)>,
}

/// A file out of a container.
#[derive(Debug)]
pub(super) struct UnpackedFile {
    /// Its name in an archive.
    pub name: Option<String>,
    /// What came out.
    pub content: UnpackedContent,
    /// Why it is not whole, if it is not.
    pub damage: Option<String>,
}

/// A link in an archive.
#[derive(Debug)]
pub(super) struct UnpackedLink {
    /// Its name.
    pub name: String,
    /// Where it leads, as it is written.
    pub target: String,
    /// Whether that is a name of the archive.
    pub is_hard: bool,
}

/// Where what came out is.
#[derive(Debug)]
pub(super) enum UnpackedContent {
    /// It was made.
    Made(Vec<u8>),
    /// It stands in the container as it is.
    Within(Range<usize>),
}

/// Why something is not taken out of a container.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    /// A device, which is no file.
    #[error("a device")]
    Device,
    /// It ends before its end.
    #[error("{0}")]
    EndsEarly(String),
    /// Bytes of the container that are of nothing in it.
    #[error("{0}")]
    Bytes(String),
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
    #[error("more than {max_size} bytes when unpacked, which is as much as may be held in memory")]
    TooLarge {
        /// The bound.
        max_size: u64,
    },
    /// It stands in more containers than are opened, one in the other.
    #[error("in more than {depth} containers, one in the other")]
    TooDeep {
        /// The bound.
        depth: usize,
    },
    /// It stands behind more files than are taken out of one input.
    #[error("behind more than {files} files")]
    TooMany {
        /// The bound.
        files: usize,
    },
}

impl Fault {
    /// Whether it is a limit of this program, and nothing about the container.
    pub fn is_limit(&self) -> bool {
        matches!(self, Self::Memory { .. } | Self::TooLarge { .. } | Self::TooDeep { .. } | Self::TooMany { .. })
    }
}

/// Names that an error lists at most.
const LISTED: usize = 8;

fn list(names: &[String]) -> String {
    let more = if names.len() > LISTED { ", …" } else { "" };
    let names: Vec<&str> = names.iter().take(LISTED).map(String::as_str).collect();
    if names.is_empty() { String::new() } else { format!(": {}{more}", names.join(", ")) }
}

/// What may be held of one input, all layers together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Bytes in all.
    pub max_size: u64,
    /// Bytes that are held already.
    pub held: u64,
}

impl Room {
    fn left(self) -> u64 {
        self.max_size.saturating_sub(self.held)
    }

    /// Takes note of bytes that are held from now on.
    pub(super) fn hold(&mut self, bytes: usize) {
        self.held = self.held.saturating_add(bytes as u64);
    }

    /// Refuses what is known to be larger than what is left.
    pub(super) fn expect(self, bytes: u64) -> Result<(), Fault> {
        if bytes > self.left() { Err(self.passed()) } else { Ok(()) }
    }

    fn passed(self) -> Fault {
        Fault::TooLarge { max_size: self.max_size }
    }
}

/// What comes out of one file, up to the limit.
pub(super) struct Content {
    bytes: Vec<u8>,
    room: Room,
}

impl Content {
    pub(super) fn new(room: &Room) -> Self {
        Self { bytes: Vec::new(), room: *room }
    }

    /// The most that may be held.
    pub(super) fn max_size(&self) -> u64 {
        self.room.max_size
    }

    /// Reads to the end or to the limit, in steps, so that a bomb costs no more than the limit.
    pub(super) fn fill(&mut self, packed: &mut impl Read) -> io::Result<()> {
        let left = self.room.left().saturating_sub(self.bytes.len() as u64);
        packed.take(left.saturating_add(1)).read_to_end(&mut self.bytes).map(|_| ())
    }

    /// What came out so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn is_too_large(&self) -> bool {
        self.bytes.len() as u64 > self.room.left()
    }

    /// What came of it, where reading ended like this. It is held from now on.
    pub(super) fn end(self, outcome: io::Result<()>, name: Option<String>, room: &mut Room) -> Result<UnpackedFile, Fault> {
        if self.is_too_large() {
            return Err(self.room.passed());
        }
        let damage = outcome.err().map(|error| fault_of(&error, self.bytes.len() as u64)).transpose()?;
        match damage {
            Some(reason) if self.bytes.is_empty() => Err(Fault::Nothing(reason)),
            damage => {
                room.hold(self.bytes.len());
                Ok(UnpackedFile { name, content: UnpackedContent::Made(self.bytes), damage })
            }
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
