//! Containers in containers: taken out one after the other, until what is there is none.
//!
//! What stands in an archive has the archive's path, `!`, and its name: `backup.tar.gz!/etcd/snap.db`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::limit::{CONTAINER_DEPTH, CONTAINER_FILES, Limits};
use super::super::whole::Whole;
use super::format::Container;
use super::unpacked::{Fault, Room, Unpacked, UnpackedContent, UnpackedFile, UnpackedLink};

/// Bytes that stand in an input, and what they are packed in.
#[derive(Clone, Debug)]
pub(in super::super) struct Part {
    pub path: PathBuf,
    /// What they came out of, outermost first.
    pub containers: Vec<Container>,
    /// Where they are.
    pub bytes: Arc<Whole>,
    pub range: Range<usize>,
    /// Why they are not whole, if they are not.
    pub damage: Option<String>,
}

impl Part {
    /// All of these bytes, which are in nothing.
    pub(in super::super) fn whole(path: &Path, bytes: Arc<Whole>) -> Self {
        let range = 0..bytes.as_slice().len();
        Self { path: path.to_owned(), containers: Vec::new(), bytes, range, damage: None }
    }

    pub(in super::super) fn bytes(&self) -> &[u8] {
        self.bytes.as_slice().get(self.range.clone()).unwrap_or_default()
    }
}

/// Something in a container that nothing was taken out of.
#[derive(Debug)]
pub struct Left {
    /// The container, or the part of it.
    pub path: PathBuf,
    /// Which container it is or stands in.
    pub container: Container,
    /// Why nothing was taken out of it.
    pub fault: Fault,
}

/// A link in an archive.
#[derive(Clone, Debug)]
pub struct Link {
    /// The link.
    pub path: PathBuf,
    /// Where it leads, as it is written.
    pub target: PathBuf,
    /// The path in the archive that this is, whether something stands there or not; `None`: it leads out of it.
    pub within: Option<PathBuf>,
    /// Whether it is a hard link, whose target is a file of the archive.
    pub is_hard: bool,
}

/// What was taken out of an input, all layers of it.
#[derive(Debug)]
pub(in super::super) struct Layers {
    /// What is in no further container, in its order.
    pub parts: Vec<Part>,
    /// Links in archives.
    pub links: Vec<Link>,
    /// What nothing was taken out of.
    pub left: Vec<Left>,
    room: Room,
    files: usize,
}

impl Layers {
    /// Takes everything out.
    pub(in super::super) fn of(part: Part, limits: &Limits) -> Self {
        let path = part.path.clone();
        let container = Container::of(part.bytes());
        let mut layers = Self::new(limits);
        layers.open(vec![part]);
        if let (true, true, Some(container)) = (layers.parts.is_empty(), layers.left.is_empty(), container) {
            layers.left.push(Left { path, container, fault: Fault::Entries { found: Vec::new() } });
        }
        layers
    }

    /// The same of bytes that are tried as a container that has no sign.
    pub(in super::super) fn within(container: Container, part: Part, limits: &Limits) -> Self {
        let mut layers = Self::new(limits);
        let inner = layers.unpack(container, part);
        layers.open(inner);
        layers
    }

    fn new(limits: &Limits) -> Self {
        let room = Room { max_size: limits.max_size, held: 0 };
        Self { parts: Vec::new(), links: Vec::new(), left: Vec::new(), room, files: 0 }
    }

    fn open(&mut self, mut waiting: Vec<Part>) {
        waiting.reverse();
        while let Some(part) = waiting.pop() {
            match Container::of(part.bytes()) {
                None => self.parts.push(part),
                Some(container) => waiting.extend(self.unpack(container, part).into_iter().rev()),
            }
        }
        self.name_apart();
    }

    /// Of several files of one path the last one keeps it, as it is what other programs leave behind.
    fn name_apart(&mut self) {
        let mut later: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for part in self.parts.iter_mut().rev() {
            let behind = later.entry(part.path.clone()).or_default();
            if *behind > 0 {
                let mut path = std::mem::take(&mut part.path).into_os_string();
                path.push(format!(" (replaced by {behind} behind it)"));
                part.path = path.into();
            }
            *behind = behind.saturating_add(1);
        }
    }

    /// What one layer holds.
    fn unpack(&mut self, container: Container, part: Part) -> Vec<Part> {
        if part.containers.len() >= CONTAINER_DEPTH {
            self.left.push(Left { path: part.path, container, fault: Fault::TooDeep { depth: CONTAINER_DEPTH } });
            return Vec::new();
        }
        let Unpacked { files, links, left } = match container.unpack(part.bytes(), &mut self.room) {
            Ok(unpacked) => unpacked,
            Err(fault) => {
                self.left.push(Left { path: part.path, container, fault });
                return Vec::new();
            }
        };
        self.links.extend(links.iter().map(|link| Link::of(&part.path, link)));
        let mut inner = Vec::new();
        let is_of_files = files.iter().any(|file| file.name.is_some());
        for file in files {
            if self.files >= CONTAINER_FILES {
                let fault = Fault::TooMany { files: CONTAINER_FILES };
                self.left.push(Left { path: part.path.clone(), container, fault });
                break;
            }
            self.files = self.files.saturating_add(1);
            inner.push(part.inner(container, file));
        }
        let mut damage = part.damage.as_ref().filter(|_| is_of_files || inner.is_empty()).cloned();
        for (name, fault) in left {
            // That it ends early was found before.
            let fault = match (fault, damage.take()) {
                (Fault::EndsEarly(_), Some(damage)) => Fault::EndsEarly(damage),
                (fault, kept) => {
                    damage = kept;
                    fault
                }
            };
            let path = name.map_or(part.path.clone(), |name| within(&part.path, &name));
            self.left.push(Left { path, container, fault });
        }
        self.left.extend(damage.map(|damage| Left { path: part.path.clone(), container, fault: Fault::EndsEarly(damage) }));
        inner
    }
}

impl Part {
    fn inner(&self, container: Container, UnpackedFile { name, content, damage }: UnpackedFile) -> Self {
        let path = name.map_or(self.path.clone(), |name| within(&self.path, &name));
        let containers = self.containers.iter().copied().chain([container]).collect();
        match content {
            UnpackedContent::Made(bytes) => {
                let range = 0..bytes.len();
                // Of one that ends early, what is in it does too.
                let damage = self.damage.clone().or(damage);
                Self { path, containers, bytes: Arc::new(Whole::made(bytes)), range, damage }
            }
            UnpackedContent::Within(place) => {
                let of = |offset: usize| self.range.start.saturating_add(offset).min(self.range.end);
                Self { path, containers, bytes: Arc::clone(&self.bytes), range: of(place.start)..of(place.end), damage }
            }
        }
    }
}

/// The path of what stands in an archive under a name.
pub(in super::super) fn within(archive: &Path, name: &str) -> PathBuf {
    root_of(archive).join(plain(name))
}

/// What all paths in an archive begin with.
pub(crate) fn root_of(archive: &Path) -> PathBuf {
    let mut path = archive.to_owned().into_os_string();
    path.push("!");
    path.into()
}

/// Whether a path is of something in an archive.
pub(in super::super) fn is_in(path: &Path, archive: &Path) -> bool {
    path.starts_with(root_of(archive))
}

/// A name without what does not say where it is.
fn plain(name: &str) -> PathBuf {
    let plain: PathBuf = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if plain.as_os_str().is_empty() { "(without a name)".into() } else { plain }
}

impl Link {
    fn of(archive: &Path, UnpackedLink { name, target, is_hard }: &UnpackedLink) -> Self {
        let is_from_root = *is_hard || target.starts_with('/');
        let mut inner = if is_from_root { PathBuf::new() } else { plain(name) };
        inner.pop();
        let mut leads_out = false;
        for part in target.split('/') {
            match part {
                "" | "." => {}
                ".." => leads_out |= !inner.pop(),
                name => inner.push(name),
            }
        }
        let within = (!leads_out && !inner.as_os_str().is_empty()).then(|| within(archive, &inner.to_string_lossy()));
        Self { path: self::within(archive, name), target: target.into(), within, is_hard: *is_hard }
    }
}
