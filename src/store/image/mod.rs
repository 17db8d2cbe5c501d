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
//! Whatever of these, written so or in text, begins and is not found is counted: [`PassedOver`].
//!
//! Where a value passes a block of the file system, the next block in the image may be another file's: unless something
//! right behind the value shows that it is whole, it is called a fragment.

mod begun;
mod compressed;
mod encoded;
mod find;
mod manifest;
mod needles;
mod pages;
mod sqlite;
mod writes;

use std::ops::Range;

use rayon::prelude::*;

pub use self::begun::{BeginningOf, PassedOver, PassedOverForm};
use self::find::{Find, finds};
pub use self::pages::{ImageFacts, MetaPage, PagesFound};
use super::facts::{Content, Facts, Kind};
use super::witness::Witness;
use super::{Profile, ReadOptions, Store, Task};
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::{Evidence, range};
use crate::row::Found;

/// Bytes that one task searches for beginnings.
const WINDOW: usize = 1 << 20;

/// Any bytes after the search.
#[derive(Debug)]
pub struct ImageStore<'data> {
    profile: Profile<'data>,
    finds: Vec<Find>,
}

impl<'data> ImageStore<'data> {
    /// Searches an evidence, whatever it is.
    pub fn search(evidence: &'data Evidence, options: &ReadOptions) -> Self {
        let bytes = evidence.content();
        let mut anomalies = Anomalies::default();
        if let Some(damage) = evidence.damage() {
            anomalies.note(Class::ContainerDamaged, None, None, || damage.to_owned());
        }
        let Searched { mut finds, mut begun, pages } = Searched::of(bytes);
        begun::drop_read(&mut begun, finds.iter().filter_map(Find::reads).collect());
        let passed_over = begun::count(&begun, &pages.sqlite);
        find::drop_nested(&mut finds);
        find::mark_duplicates(bytes, &mut finds);
        let mut witness = Witness::default();
        for read in finds.iter().filter_map(|find| find.read(bytes)) {
            match read.missing {
                0 => drop(witness.hear(read.key, read.value)),
                _ => witness.hear_beginning(read.key, read.value),
            }
        }
        let facts = Facts::of(evidence, Kind::Image, Content::Image(Box::new(ImageFacts { pages, passed_over })));
        Self { profile: Profile::of_witness(evidence, facts, anomalies, witness, options), finds }
    }
}

/// What a search of any bytes finds.
#[derive(Default)]
struct Searched {
    finds: Vec<Find>,
    begun: Vec<begun::Begun>,
    pages: PagesFound,
}

impl Searched {
    fn of(bytes: &[u8]) -> Self {
        let starts: Vec<usize> = (0..bytes.len()).step_by(WINDOW).collect();
        let in_window = |start: &usize| {
            let window = *start..start.saturating_add(WINDOW).min(bytes.len());
            let mut begun = Vec::new();
            let finds = finds(bytes, window.clone(), &mut begun);
            encoded::begun(bytes, window.clone(), &mut begun);
            Self { finds, begun, pages: PagesFound::in_window(bytes, window) }
        };
        let parts: Vec<_> = starts.par_iter().map(in_window).collect();
        let mut all = Self::default();
        for part in parts {
            all.finds.extend(part.finds);
            all.begun.extend(part.begun);
            all.pages.merge(part.pages);
        }
        all
    }
}

/// What bytes hold that are no part of what is read, as a search of any bytes sees it: `from` of `bytes` on, without the ranges that
/// `are_read`. Values as a database has them count from `values_from` on; before that, or everywhere, somebody else reads them. Zeros
/// hold nothing.
pub(crate) fn held_in(bytes: &[u8], from: usize, are_read: Vec<Range<u64>>, values_from: Option<usize>) -> Vec<PassedOver> {
    let Some(part) = bytes.get(from..).filter(|part| !range::is_zero(part)) else { return Vec::new() };
    let Searched { finds, mut begun, pages } = Searched::of(part);
    let is_counted = |at: u64| values_from.is_some_and(|first| at.saturating_add(from as u64) >= first as u64);
    begun.retain(|begun| begun.form != PassedOverForm::NoEnd || is_counted(begun.at));
    let (counted, others): (Vec<&Find>, Vec<&Find>) = finds.iter().partition(|find| is_counted(find.value));
    begun::drop_read(&mut begun, others.into_iter().filter_map(Find::reads).collect());
    begun.extend(counted.into_iter().filter_map(|find| begun::Begun::value(part, find.value)));
    begun.iter_mut().for_each(|begun| begun.at = begun.at.saturating_add(from as u64));
    begun::drop_read(&mut begun, are_read);
    begun::count(&begun, &pages.sqlite)
}

impl<'data> Store<'data> for ImageStore<'data> {
    fn profile(&self) -> &Profile<'data> {
        &self.profile
    }

    fn profile_mut(&mut self) -> &mut Profile<'data> {
        &mut self.profile
    }

    fn tasks(&self) -> Vec<Task> {
        Task::over(0, self.finds.len(), writes::TASK).collect()
    }

    fn read(&self, task: &Task, see: &mut dyn FnMut(Found<'data>)) {
        let finds = self.finds.get(task.items.clone()).unwrap_or_default();
        finds.iter().filter_map(|find| find.found(self.content())).for_each(see);
    }
}
