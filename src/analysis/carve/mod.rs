//! Carving: values in bytes of which nothing is known, such as a volume's image or a memory dump.
//!
//! ```text
//! windows of the image, on all cores ─> signatures ─> what frames them ─> finds ─merge─> nested ones dropped ─> rows
//! ```
//! | signature | what begins there | how its end is known |
//! |---|---|---|
//! | `_ 00 00 00 00` in a revision key | a write of bucket `key` | the KeyValue's length |
//! | `k8s\0` | a protobuf object | the message around it, else the object's own fields |
//! | `k8s:enc:` | an encrypted value | the message around it, else KMS v2's own fields |
//! | `{"apiVersion":"`, `{"kind":"` | a JSON object | its own braces |
//!
//! Where a value passes a block of the file system, the next block in the image may be another file's: unless something
//! right behind the value shows that it is whole, it is called a fragment.

mod find;
mod listing;
mod pages;

use rayon::prelude::*;

use self::find::{Find, finds};
pub use self::listing::CarveList;
pub use self::pages::{MetaPage, PagesFound};
use super::facts::{Content, Facts, Kind};
use super::options::Options;
use super::{Progress, digests};
use crate::envelope::{NameTable, Stored};
use crate::evidence::Evidence;
use crate::evidence::anomaly::{Anomalies, Class};
use crate::kubernetes::{PrefixVotes, Prefixes};

/// Bytes that one task searches for beginnings.
const WINDOW: usize = 1 << 20;

/// An image after the search.
#[derive(Debug)]
pub struct Carving<'data> {
    /// What is known of it.
    pub facts: Facts,
    /// What is odd about it.
    pub anomalies: Anomalies,
    /// Prefixes of the API server's keys.
    pub prefixes: Prefixes,
    bytes: &'data [u8],
    finds: Vec<Find>,
    names: NameTable<'data>,
}

/// What is known of an image.
#[derive(Clone, Debug, Default)]
pub struct ImageFacts {
    /// Pages of a database that stand in it.
    pub pages: PagesFound,
}

/// Searches an evidence, whatever it is.
pub fn carve<'data>(evidence: &'data Evidence, options: &Options, progress: &Progress) -> Carving<'data> {
    std::thread::scope(|scope| {
        let digests = scope.spawn(|| digests::of(evidence, options.digest, progress));
        let mut carving = search(evidence, options);
        carving.facts.add_digests(digests.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        carving
    })
}

fn search<'data>(evidence: &'data Evidence, options: &Options) -> Carving<'data> {
    let bytes = evidence.content();
    let mut anomalies = Anomalies::default();
    if let Some(damage) = evidence.damage() {
        anomalies.note(Class::ContainerDamaged, None, None, || damage.to_owned());
    }
    let starts: Vec<usize> = (0..bytes.len()).step_by(WINDOW).collect();
    let parts: Vec<(Vec<Find>, PagesFound)> = starts
        .par_iter()
        .map(|start| {
            let window = *start..start.saturating_add(WINDOW).min(bytes.len());
            (finds(bytes, window.clone()), PagesFound::in_window(bytes, window))
        })
        .collect();
    let mut pages = PagesFound::default();
    let mut finds = Vec::new();
    for (found, of_pages) in parts {
        finds.extend(found);
        pages.merge(of_pages);
    }
    find::drop_nested(&mut finds);
    find::mark_duplicates(bytes, &mut finds);
    let (mut names, mut votes) = (NameTable::default(), PrefixVotes::default());
    for (key, value, is_whole) in finds.iter().filter_map(|find| find.read(bytes)).map(|read| (read.key, read.value, read.missing == 0)) {
        votes.observe(key);
        if let (Stored::Sealed(sealed), true) = (Stored::of(value), is_whole) {
            names.observe(&sealed);
        }
    }
    let prefixes = if options.prefixes.is_empty() { votes.elect() } else { Prefixes::given(&options.prefixes) };
    let mut facts = Facts::of(evidence, Kind::Image, Content::Image(Box::new(ImageFacts { pages })));
    facts.prefixes = prefixes.as_slice().to_vec();
    facts.is_complete = super::survey::is_complete(&anomalies);
    Carving { facts, anomalies, prefixes, bytes, finds, names }
}
