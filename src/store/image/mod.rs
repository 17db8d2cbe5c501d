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
//! | `d9 d9 f7` | a CBOR object | its own lengths |
//! | `1a` length type `1a 00 22 00` | nothing: a Secret ends there | of what stands before it nothing is sure |
//!
//! Whatever of these, written so or in text, begins and is not found is counted: [`PassedOver`].
//!
//! Where a value passes a block of the file system, the next block in the image may be another file's: unless something
//! right behind the value shows that it is whole, it is called a fragment.

mod begun;
mod encoded;
mod ended;
mod find;
mod manifest;
mod needles;
mod opaque;
mod outside;
mod pages;
mod searched;
mod sqlite;
mod unpacked;
mod writes;

pub use self::begun::{BeginningOf, PassedOver, PassedOverForm};
use self::find::Find;
pub(crate) use self::outside::held_in;
pub(in crate::store) use self::outside::{Outside, held_beside};
pub use self::pages::{ImageFacts, MetaPage, PagesFound, WholeForm};
use self::searched::Searched;
use super::facts::{Content, Facts, Kind};
use super::witness::Witness;
use super::{Profile, ReadOptions, Store, Task};
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::packed::Packed;
use crate::evidence::{Evidence, range};
use crate::row::Found;

/// Any bytes after the search.
#[derive(Debug)]
pub struct ImageStore<'data> {
    profile: Profile<'data>,
    finds: Vec<Find>,
}

impl<'data> ImageStore<'data> {
    /// Searches an evidence, whatever it is; `is`: what it is as a whole, where it is of a form that is read.
    pub fn search(evidence: &'data Evidence, is: Option<WholeForm>, options: &ReadOptions) -> Self {
        let bytes = evidence.content();
        let mut anomalies = Anomalies::default();
        if let Some(damage) = evidence.damage() {
            anomalies.note(Class::ContainerDamaged, None, None, || damage.to_owned());
        }
        let Searched { mut finds, mut begun, pages: pages_found } = Searched::of(bytes);
        // Of a whole input its first bytes say more than they would within others.
        begun.extend(Packed::of(bytes).filter(|packed| packed.is_whole()).map(|packed| begun::Begun::packed(packed, 0)));
        begun::drop_read(&mut begun, finds.iter().filter_map(Find::reads).collect());
        let ended = ended::without_beginning(bytes, &finds, &begun);
        finds.extend(ended);
        // On pages of a database remains of encrypted values stand, which its reader counts.
        let (pages, ground) = match is {
            Some(WholeForm::Database { end_of_pages }) => (0..end_of_pages, opaque::Ground::Unused),
            _ => (0..0, opaque::Ground::Any),
        };
        let opaque = opaque::runs(bytes, finds.iter().map(Find::extent).chain([pages]).collect(), &begun, ground);
        if finds.is_empty() && begun.is_empty() && opaque.is_empty() && Packed::is_short_deflate(bytes) {
            begun.push(begun::Begun::opaque(0));
        }
        begun.extend(opaque);
        let passed_over = begun::count(&begun, &pages_found.sqlite);
        find::drop_in_keys(&mut finds);
        find::drop_nested(&mut finds);
        find::mark_duplicates(bytes, &mut finds);
        let mut witness = Witness::default();
        for (find, read) in finds.iter().filter_map(|find| Some((find, find.read(bytes)?))) {
            match read.missing {
                0 => drop(witness.hear(read.key, read.value)),
                _ if find.is_tail() => {}
                _ => witness.hear_beginning(read.key, read.value),
            }
        }
        let facts = Facts::of(evidence, Kind::Image, Content::Image(Box::new(ImageFacts { pages: pages_found, is, passed_over })));
        Self { profile: Profile::of_witness(evidence, facts, anomalies, witness, options, |part| range::offset_within(bytes, part)), finds }
    }
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
