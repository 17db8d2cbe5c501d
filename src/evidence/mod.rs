//! Evidence: the bytes of one input, where they came from, and how they were read.
//!
//! Evidence is opened read-only, without a lock and without a file beside it. A regular file is mapped; standard
//! input and what is unpacked are held in memory, bounded by [`Limits`]; a file in a tar is read where it stands.
//!
//! ```text
//! path ──open──> file bytes ──container?──> content ──> everything above
//!                    │                         │
//!                    └─ size, sha256           └─ content_size, content_sha256
//! ```
#![deny(clippy::arithmetic_side_effects)]

pub(crate) mod ahead;
pub mod anomaly;
pub mod container;
pub mod count;
pub mod digest;
mod error;
pub(crate) mod evenness;
mod file_id;
mod id;
pub mod limit;
pub mod live;
mod mapping;
pub mod number;
pub(crate) mod packed;
pub mod range;
mod whole;
pub(crate) mod words;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use self::ahead::Ahead;
use self::anomaly::{Anomalies, Class};
use self::container::{Fault, Layers, Left, Link, Part};
use self::digest::Sha256Digest;

pub use self::container::Container;
pub use self::count::{Count, Unit};
pub(crate) use self::error::EXPECTED;
pub use self::error::Error;
pub use self::file_id::FileId;
pub use self::id::{EvidenceId, MemberId, Numbering};
pub use self::limit::Limits;
use self::mapping::Mapping;
use self::whole::{Bytes, Whole};

/// The path that stands for standard input.
pub const STDIN: &str = "-";

/// Bytes that tell what most files are: both metas of a database with pages of the usual size.
const HEAD: u64 = 64 << 10;

/// One input, open; or a file of an archive that was given.
#[derive(Debug)]
pub struct Evidence {
    file: Arc<Whole>,
    part: Part,
    decoded: OnceLock<Vec<u8>>,
}

/// What came of opening one file.
#[derive(Debug, Default)]
pub struct OpenedFile {
    /// Itself; or of an archive its files.
    pub evidences: Vec<Evidence>,
    /// Links in archives.
    pub links: Vec<Link>,
    /// What of a container nothing was taken out of.
    pub left: Vec<Left>,
}

impl Evidence {
    /// Opens `path`, or standard input for `-`, and takes the content out of its container.
    ///
    /// # Errors
    /// What cannot be read as a regular file, is larger than the limits allow, or is a container of more
    /// or less than one file. A container that ends early is no error: see [`Evidence::damage`].
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, Error> {
        let OpenedFile { mut evidences, left, .. } = Self::open_all(path, limits)?;
        match (evidences.pop(), evidences.is_empty()) {
            (Some(only), true) => Ok(only),
            (None, _) if let Some(left) = left.into_iter().next() => Err(left.into()),
            (last, _) => {
                let container = last.as_ref().and_then(|one| one.containers().first().copied()).unwrap_or(Container::Zip);
                let found = evidences.iter().chain(&last).map(|one| one.path().display().to_string()).collect();
                Err(Left { path: path.to_owned(), container, fault: Fault::Entries { found } }.into())
            }
        }
    }

    /// The same of an archive of any number of files: each has its name behind the path.
    ///
    /// # Errors
    /// What cannot be read as a regular file, or is larger than the limits allow. What does not come out of a container is no error.
    pub fn open_all(path: &Path, limits: &Limits) -> Result<OpenedFile, Error> {
        let bytes = if path == Path::new(STDIN) { Self::read_stdin(limits)? } else { Self::map(path)? };
        Ok(OpenedFile::of(path, Arc::new(Whole::given(bytes)), limits))
    }

    /// Reads standard input to its end. It is not unpacked.
    ///
    /// # Errors
    /// It cannot be read, or is larger than the limits allow.
    pub fn of_stdin(limits: &Limits) -> Result<Self, Error> {
        let file = Arc::new(Whole::given(Self::read_stdin(limits)?));
        Ok(Self { part: Part::whole(Path::new(STDIN), Arc::clone(&file)), file, decoded: OnceLock::new() })
    }

    /// The same of bytes that are in memory already.
    pub fn open_bytes(name: &Path, bytes: Vec<u8>, limits: &Limits) -> OpenedFile {
        OpenedFile::of(name, Arc::new(Whole::made(bytes)), limits)
    }

    /// What comes out where the content is taken for base64, which has no sign of its own: it counts where what comes out is of a form
    /// that is known. `None`: it cannot be base64.
    pub fn as_base64(&self, limits: &Limits) -> Option<OpenedFile> {
        let may_be = container::may_be_base64(self.content());
        may_be.then(|| OpenedFile::from_layers(&self.file, Layers::within(Container::Base64, self.part.clone(), limits)))
    }

    /// Itself, or what comes out of it where it is a container.
    pub fn unpacked(self, limits: &Limits) -> OpenedFile {
        OpenedFile::from_layers(&self.file, Layers::of(self.part, limits))
    }

    /// Whether a file that can be read begins like a container. It is not unpacked.
    pub fn is_packed(path: &Path) -> bool {
        Self::map(path).is_ok_and(|bytes| Container::of(Whole::given(bytes).as_slice()).is_some())
    }

    /// The first bytes of what a file holds; `None`: more than those of the file would have to be unpacked for it.
    pub fn head_of(path: &Path) -> Option<Self> {
        let whole = Whole::given(Self::map(path).ok()?);
        let bytes = whole.as_slice();
        let head = match Container::of(bytes) {
            Some(container) => container.head(bytes, HEAD)?,
            None => bytes.iter().take(usize::try_from(HEAD).ok()?).copied().collect(),
        };
        Some(Self::from_bytes(path, head))
    }

    /// Takes bytes that are in memory already for a file of this name, which is not opened. They are in no container.
    pub fn from_bytes(name: impl Into<PathBuf>, bytes: Vec<u8>) -> Self {
        let file = Arc::new(Whole::made(bytes));
        Self { part: Part::whole(&name.into(), Arc::clone(&file)), file, decoded: OnceLock::new() }
    }

    /// The same evidence once more; its bytes are shared.
    pub fn again(&self) -> Self {
        Self { file: Arc::clone(&self.file), part: self.part.clone(), decoded: OnceLock::new() }
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
        let read = |source| Error::Read { path: STDIN.into(), source };
        io::stdin().lock().take(limits.max_size.saturating_add(1)).read_to_end(&mut bytes).map_err(read)?;
        if bytes.len() as u64 > limits.max_size {
            return Err(Error::TooLarge { path: STDIN.into(), container: None, max_size: limits.max_size });
        }
        Ok(Bytes::Memory(bytes))
    }

    /// The same bytes as several evidences, of which all but the first begin at these places, in their order.
    pub fn split(self, starts: &[usize]) -> Vec<Self> {
        let whole = self.part.range.clone();
        let of = |at: usize| whole.start.saturating_add(at).min(whole.end);
        let ends = starts.iter().map(|start| of(*start)).chain([whole.end]);
        let starts = [0].iter().chain(starts).copied();
        let piece = |(start, end)| {
            let mut piece = self.again();
            piece.part.range = of(start)..end;
            if start > 0 {
                piece.part.path = container::within(self.path(), &format!("from byte {start}"));
            }
            piece
        };
        starts.zip(ends).map(piece).collect()
    }

    /// Whether the content is the file as it was given.
    pub fn is_whole_file(&self) -> bool {
        self.containers().is_empty() && self.content().len() == self.file().len()
    }

    /// As it was given: a path, or `-`.
    pub fn path(&self) -> &Path {
        &self.part.path
    }

    /// The bytes of the file as given.
    pub fn file(&self) -> &[u8] {
        self.file.as_slice()
    }

    /// The bytes to analyse: what was in the container, else the file itself.
    pub fn content(&self) -> &[u8] {
        self.part.bytes()
    }

    /// Bytes that stand in the content in another writing, such as between JSON's escapes: they are made once, and kept as long as
    /// the content is. There is one such buffer, for the one reader of the content.
    pub fn decoded(&self, decode: impl FnOnce() -> Vec<u8>) -> &[u8] {
        self.decoded.get_or_init(decode)
    }

    /// The containers that the content was in, outermost first.
    pub fn containers(&self) -> &[Container] {
        &self.part.containers
    }

    /// The digest of the file as given, which all evidences of it share. `hashed` counts up by the bytes hashed.
    pub(crate) fn file_sha256(&self, hashed: &AtomicU64) -> Sha256Digest {
        self.file.sha256(hashed)
    }

    /// Whether that was made already.
    pub(crate) fn is_file_hashed(&self) -> bool {
        self.file.is_hashed()
    }

    /// Whether reading it leaves its access time as it is; `None` of what is no file, and where the system has no way to ask for that.
    pub fn keeps_access_time(&self) -> Option<bool> {
        match &self.file.bytes {
            Bytes::Mapped(mapping) => mapping.keeps_access_time(),
            Bytes::Memory(_) => None,
        }
    }

    /// Who is told which of its bytes are read soon.
    pub(crate) fn ahead(&self) -> Ahead<'_> {
        self.file.ahead()
    }

    /// Whether a process seems to be writing it; see [`live`].
    pub fn is_in_use(&self) -> bool {
        matches!(self.file.bytes, Bytes::Mapped(_)) && live::is_locked(self.path())
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
        self.part.damage.as_deref()
    }
}

impl OpenedFile {
    fn of(path: &Path, file: Arc<Whole>, limits: &Limits) -> Self {
        let layers = Layers::of(Part::whole(path, Arc::clone(&file)), limits);
        Self::from_layers(&file, layers)
    }

    /// Keeps what stands at a path in an archive, or below it. Whether there is something.
    pub fn keep(&mut self, path: &Path) -> bool {
        self.evidences.retain(|evidence| evidence.path().starts_with(path) || container::is_in(evidence.path(), path));
        self.links.retain(|link| link.path.starts_with(path));
        self.left.retain(|left| left.path.starts_with(path) || container::is_in(&left.path, path));
        !self.evidences.is_empty() || !self.left.is_empty()
    }

    fn from_layers(file: &Arc<Whole>, Layers { parts, links, left, .. }: Layers) -> Self {
        let evidence = |part| Evidence { file: Arc::clone(file), part, decoded: OnceLock::new() };
        Self { evidences: parts.into_iter().map(evidence).collect(), links, left }
    }
}
