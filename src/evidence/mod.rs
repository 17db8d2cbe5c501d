//! Evidence: the bytes of one input, where they came from, and how they were read.
//!
//! Evidence is opened read-only, without a lock and without a file beside it. A regular file is mapped; standard
//! input and what comes out of a container (gzip, zstd, zip) are held in memory, bounded by [`Limits`].
//!
//! ```text
//! path ──open──> file bytes ──container?──> content ──> everything above
//!                    │                         │
//!                    └─ size, sha256           └─ content_size, content_sha256
//! ```
#![deny(clippy::arithmetic_side_effects)]

pub mod anomaly;
pub mod container;
pub mod digest;
mod error;
mod id;
pub mod limit;
pub mod live;
mod mapping;
pub mod number;
pub mod range;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use self::anomaly::{Anomalies, Class};
use self::container::{Fault, Left, Unpacked, UnpackedFile};

pub use self::container::Container;
pub use self::error::Error;
pub use self::id::{EvidenceId, MemberId, Numbering};
pub use self::limit::Limits;
use self::mapping::Mapping;

/// One input, open.
#[derive(Debug)]
pub struct Evidence {
    path: PathBuf,
    file: Arc<Bytes>,
    contained: Option<Contained>,
    decoded: OnceLock<Vec<u8>>,
}

/// What came of opening one file.
#[derive(Debug)]
pub struct OpenedFile {
    /// Itself; or of an archive its files.
    pub evidences: Vec<Evidence>,
    /// What of a container nothing was taken out of.
    pub left: Vec<Left>,
}

#[derive(Debug)]
enum Bytes {
    Mapped(Mapping),
    Memory(Vec<u8>),
}

#[derive(Debug)]
struct Contained {
    container: Container,
    content: Vec<u8>,
    damage: Option<String>,
}

impl Evidence {
    /// Opens `path`, or standard input for `-`, and takes the content out of its container.
    ///
    /// # Errors
    /// What cannot be read as a regular file, is larger than the limits allow, or is a container of more
    /// or less than one file. A container that ends early is no error: see [`Evidence::damage`].
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, Error> {
        let OpenedFile { mut evidences, .. } = Self::open_all(path, limits)?;
        match (evidences.pop(), evidences.is_empty()) {
            (Some(only), true) => Ok(only),
            (last, _) => {
                let found = evidences.iter().chain(&last).map(|one| one.path.display().to_string()).collect();
                Err(Fault::Entries { found }.at(path, Container::Zip))
            }
        }
    }

    /// The same of an archive of any number of files. Where it has several, each has its name behind the path.
    ///
    /// # Errors
    /// What cannot be read as a regular file, is larger than the limits allow, or is a container that nothing comes out of.
    pub fn open_all(path: &Path, limits: &Limits) -> Result<OpenedFile, Error> {
        let file = Arc::new(if path == Path::new("-") { Self::read_stdin(limits)? } else { Self::map(path)? });
        let Some(container) = Container::of(file.as_slice()) else {
            return Ok(OpenedFile {
                evidences: vec![Self { path: path.to_owned(), file, contained: None, decoded: OnceLock::new() }],
                left: Vec::new(),
            });
        };
        let Unpacked { files, left } = container.unpack(file.as_slice(), limits).map_err(|source| source.at(path, container))?;
        let evidence = |UnpackedFile { name, content, damage }| Self {
            path: name.map_or(path.to_owned(), |name| path.join(name.trim_start_matches('/'))),
            file: Arc::clone(&file),
            contained: Some(Contained { container, content, damage }),
            decoded: OnceLock::new(),
        };
        Ok(OpenedFile { evidences: files.into_iter().map(evidence).collect(), left })
    }

    /// Takes bytes that are in memory already for a file of this name, which is not opened. They are in no container.
    pub fn from_bytes(name: impl Into<PathBuf>, bytes: Vec<u8>) -> Self {
        Self { path: name.into(), file: Arc::new(Bytes::Memory(bytes)), contained: None, decoded: OnceLock::new() }
    }

    fn map(path: &Path) -> Result<Bytes, Error> {
        let read = |source| Error::Read { path: path.to_owned(), source };
        // Asked before opening: to open a FIFO waits for a writer that may never come.
        let kind = std::fs::metadata(path).map_err(read)?.file_type();
        if kind.is_dir() {
            return Err(Error::Directory { path: path.to_owned() });
        }
        if !kind.is_file() {
            return Err(Error::NotAFile { path: path.to_owned(), kind: error::kind_name(kind) });
        }
        Mapping::of(path).map(Bytes::Mapped).map_err(read)
    }

    fn read_stdin(limits: &Limits) -> Result<Bytes, Error> {
        let mut bytes = Vec::new();
        let read = |source| Error::Read { path: "-".into(), source };
        std::io::stdin().lock().take(limits.max_size.saturating_add(1)).read_to_end(&mut bytes).map_err(read)?;
        if bytes.len() as u64 > limits.max_size {
            return Err(Error::TooLarge { path: "-".into(), container: None, max_size: limits.max_size });
        }
        Ok(Bytes::Memory(bytes))
    }

    /// As it was given: a path, or `-`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of the file as given.
    pub fn file(&self) -> &[u8] {
        self.file.as_slice()
    }

    /// The bytes to analyse: what was in the container, else the file itself.
    pub fn content(&self) -> &[u8] {
        self.contained.as_ref().map_or(self.file(), |c| &c.content)
    }

    /// Bytes that stand in the content in another writing, such as between JSON's escapes: they are made once, and kept as long as
    /// the content is. There is one such buffer, for the one reader of the content.
    pub fn decoded(&self, decode: impl FnOnce() -> Vec<u8>) -> &[u8] {
        self.decoded.get_or_init(decode)
    }

    /// The container the content was in.
    pub fn container(&self) -> Option<Container> {
        self.contained.as_ref().map(|c| c.container)
    }

    /// Whether reading it leaves its access time as it is; `None` of what is no file, and where the system has no way to ask for that.
    pub fn keeps_access_time(&self) -> Option<bool> {
        match &*self.file {
            Bytes::Mapped(mapping) => mapping.keeps_access_time(),
            Bytes::Memory(_) => None,
        }
    }

    /// Whether a process seems to be writing it; see [`live`].
    pub fn is_in_use(&self) -> bool {
        matches!(*self.file, Bytes::Mapped(_)) && live::is_locked(&self.path)
    }

    /// Notes what is known of it before a byte is read.
    pub fn note_anomalies(&self, anomalies: &mut Anomalies) {
        if let Some(damage) = self.damage() {
            anomalies.note(Class::ContainerDamaged, None, None, || damage.to_owned());
        }
        if self.is_in_use() {
            anomalies.note(Class::InUse, None, None, || {
                "a process holds a lock on it: this looks live; read as it is, without a lock".to_owned()
            });
        }
    }

    /// Why the container's content is not whole.
    pub fn damage(&self) -> Option<&str> {
        self.contained.as_ref()?.damage.as_deref()
    }
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(mapping) => mapping.bytes(),
            Self::Memory(bytes) => bytes,
        }
    }
}
