//! What begins in bytes that no reader takes for what they are: whoever reads a file has not looked there, and says so.
//!
//! A search of any bytes sees it. It counts where nobody made a row of it, and by what it says of itself.

use std::ops::Range;
use std::sync::LazyLock;

use rayon::prelude::*;

use super::begun::{self, BeginningOf, Begun, PassedOver, PassedOverForm};
use super::find::Find;
use super::manifest;
use super::needles::Needles;
use super::opaque::{self, Ground};
use super::searched::Searched;
use super::unpacked;
use crate::envelope::Sealed;
use crate::evidence::packed::Packed;
use crate::evidence::range;
use crate::kubernetes::{Encoding, Object, Prefixes, StorageKey};

/// Parts between values that one task searches.
const PARTS: usize = 64;

/// The word that every Secret has, as it is and as texts of other forms have it: most values have none of these, and are not searched further.
static WORD: LazyLock<Needles<()>> = LazyLock::new(|| Needles::new(words().map(|text| (text, ())).collect()));

/// The same, and what something that is packed begins with, for one search of values that mostly have neither.
static WORD_OR_PACKED: LazyLock<Needles<()>> =
    LazyLock::new(|| Needles::new(words().chain(unpacked::beginnings()).map(|text| (text, ())).collect()));

fn words() -> impl Iterator<Item = Vec<u8>> {
    let word = manifest::KIND;
    let each = |format: fn(&u8) -> String, between: &str| word.iter().map(format).collect::<Vec<_>>().join(between).into_bytes();
    let digits = ["", " ", ":", "-", ",", ", "].map(|between| each(|byte| format!("{byte:x}"), between));
    let marked = [" ", ",", ", "].map(|between| each(|byte| format!("0x{byte:x}"), between));
    let numbers = [" ", ",", ", "].map(|between| each(u8::to_string, between));
    let escaped = [r"\x", r"\\x", r"\u00", "%"]
        .map(|mark| [mark, &String::from_utf8_lossy(&each(|byte| format!("{byte:x}"), mark))].concat().into_bytes());
    let wide = [1, 3].map(|zeros| word.iter().map(|byte| vec![*byte]).collect::<Vec<_>>().join(&vec![0; zeros][..]));
    let all = [
        vec![word.to_vec()],
        digits.to_vec(),
        marked.to_vec(),
        numbers.to_vec(),
        escaped.to_vec(),
        wide.to_vec(),
        unpacked::in_base64(word).to_vec(),
    ];
    all.into_iter().flatten()
}

/// What begins in such bytes of a part of an evidence.
#[derive(Debug, Default)]
pub(in crate::store) struct Outside<'data>(Vec<Beside<'data>>);

/// One beginning.
#[derive(Clone, Copy)]
struct Beside<'data> {
    /// From its first byte on.
    bytes: &'data [u8],
    /// The key whose value it stands in; empty: in none that is told.
    key: &'data [u8],
    form: PassedOverForm,
    of: BeginningOf,
}

impl<'data> Outside<'data> {
    /// Searches bytes of which nothing else is told.
    pub(in crate::store) fn search(&mut self, part: &'data [u8]) {
        self.search_of(&[], part);
    }

    fn search_of(&mut self, key: &'data [u8], part: &'data [u8]) {
        if range::is_zero(part) {
            return;
        }
        for Begun { at, form, of } in begun_in(part) {
            let bytes = usize::try_from(at).ok().and_then(|at| part.get(at..)).unwrap_or(part);
            self.0.push(Beside { bytes, key, form, of });
        }
    }

    /// The same of several.
    pub(in crate::store) fn of_parts(parts: &[&'data [u8]]) -> Self {
        let of_task = |parts: &[&'data [u8]]| {
            let mut outside = Self::default();
            parts.iter().for_each(|part| outside.search(part));
            outside
        };
        let found: Vec<Self> = parts.par_chunks(PARTS).map(of_task).collect();
        found.into_iter().fold(Self::default(), |mut all, part| {
            all.merge(part);
            all
        })
    }

    /// Searches a value that is not encrypted. Of one object that says itself what it is, only what is a Secret within it is not told.
    pub(in crate::store) fn hear(&mut self, key: &'data [u8], value: &'data [u8]) {
        if !Object::says_what_it_is(value) {
            self.search_of(key, value);
        } else if !Encoding::of(value).is_some_and(|encoding| Object::is_secret(value, encoding)) {
            self.search_parts(key, value);
        }
    }

    fn search_parts(&mut self, key: &'data [u8], value: &'data [u8]) {
        if !WORD_OR_PACKED.is_in(value) {
            return;
        }
        if WORD.is_in(value) {
            Object::parts(value).into_iter().for_each(|part| self.search_within(key, part));
        }
        unpacked::each(value, |at, out| {
            let mut within = Outside::default();
            within.search_within(&[], out);
            if !within.0.is_empty() {
                let bytes = value.get(at..).unwrap_or(value);
                self.0.push(Beside { bytes, key, form: PassedOverForm::Within, of: BeginningOf::Secret });
            }
        });
    }

    /// Searches what stands behind a prefix, where it is not told as an object in clear: ciphertext has no Secret in it.
    pub(in crate::store) fn hear_sealed(&mut self, sealed: &Sealed<'data>) {
        if !sealed.bodies().any(|body| Encoding::of_object(body).is_some()) {
            self.search_within(&[], sealed.rest);
        }
    }

    /// Searches the beginning of a value, of which no more is told than that.
    pub(in crate::store) fn hear_beginning(&mut self, key: &'data [u8], beginning: &'data [u8]) {
        if BeginningOf::of(beginning) != Some(BeginningOf::Secret) {
            self.search_parts(key, beginning);
        }
    }

    /// Notes the Secrets within a value that is told as something else. What only may be one is none here: such a value repeats other
    /// objects, too.
    fn search_within(&mut self, key: &'data [u8], part: &'data [u8]) {
        if !WORD.is_in(part) {
            return;
        }
        let Searched { finds, mut begun, .. } = Searched::of(part);
        let rest = |at: u64| usize::try_from(at).ok().and_then(|at| part.get(at..));
        // What is whole says what it is, wherever the field for it stands.
        let (whole, others): (Vec<&Find>, Vec<&Find>) = finds.iter().partition(|find| find.is_whole);
        begun::drop_read(&mut begun, whole.iter().map(|find| find.value..find.value.saturating_add(1)).collect());
        begun.extend(others.iter().filter_map(|find| find.begun(part)));
        begun.extend(whole.iter().filter(|find| find.holds_a_secret(part)).filter_map(|find| find.begun(part)));
        begun::drop_read(&mut begun, Vec::new());
        let secrets = begun.iter().filter(|begun| begun.of == BeginningOf::Secret);
        let form = PassedOverForm::Within;
        self.0.extend(secrets.filter_map(|begun| Some(Beside { bytes: rest(begun.at)?, key, form, of: begun.of })));
    }

    /// Takes out what stands in values under the keys of Secrets: whatever they hold, they are told as Secrets.
    pub(in crate::store) fn drop_told(&mut self, prefixes: &Prefixes) {
        let is_told = |key: &[u8]| StorageKey::of(key, prefixes).is_some_and(|key| key.group_resource.is_secrets());
        self.0.retain(|beside| beside.key.is_empty() || !is_told(beside.key));
    }

    /// Takes over what another part has.
    pub(in crate::store) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Counts what has a place.
    pub(in crate::store) fn count(&self, place: impl Fn(&[u8]) -> Option<u64>) -> Vec<PassedOver> {
        begun::count(&self.placed(place), &[])
    }

    fn placed(&self, place: impl Fn(&[u8]) -> Option<u64>) -> Vec<Begun> {
        let begun = |beside: &Beside<'_>| Some(Begun { at: place(beside.bytes)?, form: beside.form, of: beside.of });
        let mut begun: Vec<Begun> = self.0.iter().filter_map(begun).collect();
        begun::drop_read(&mut begun, Vec::new());
        begun
    }
}

/// What begins in bytes, each once.
fn begun_in(part: &[u8]) -> Vec<Begun> {
    let Searched { finds, mut begun, .. } = Searched::of(part);
    begun.extend(finds.iter().filter_map(|find| find.begun(part)));
    begun::drop_read(&mut begun, Vec::new());
    begun
}

/// What bytes hold beside what `are_read`, each range of it a value that is told. What begins there is of no row.
pub(in crate::store) fn held_beside(bytes: &[u8], are_read: Vec<Range<u64>>) -> Vec<PassedOver> {
    let mut begun = Outside::of_parts(&range::beside(bytes, are_read.clone())).placed(|part| range::offset_within(bytes, part));
    begun.extend(opaque::runs(bytes, are_read, &begun, Ground::Unused));
    begun::count(&begun, &[])
}

/// What bytes hold that are no part of what is read, as a search of any bytes sees it: `from` of `bytes` on, without the ranges that
/// `are_read`. Values as a database has them count from `values_from` on; before that, or everywhere, somebody else reads them. Zeros
/// hold nothing.
pub(crate) fn held_in(bytes: &[u8], from: usize, are_read: Vec<Range<u64>>, values_from: Option<usize>) -> Vec<PassedOver> {
    let Some(part) = bytes.get(from..).filter(|part| !range::is_zero(part)) else { return Vec::new() };
    let Searched { finds, mut begun, pages } = Searched::of(part);
    let place = |at: u64| at.saturating_add(from as u64);
    let extents = finds.iter().map(Find::extent).map(|find| place(find.start)..place(find.end));
    let told: Vec<Range<u64>> = are_read.iter().cloned().chain(extents).chain(std::iter::once(0..from as u64)).collect();
    let is_counted = |at: u64| values_from.is_some_and(|first| place(at) >= first as u64);
    begun.retain(|begun| begun.form != PassedOverForm::NoEnd || is_counted(begun.at));
    let (counted, others): (Vec<&Find>, Vec<&Find>) = finds.iter().partition(|find| is_counted(find.value));
    begun::drop_read(&mut begun, others.into_iter().filter_map(Find::reads).collect());
    begun.extend(counted.into_iter().filter_map(|find| find.begun(part)));
    begun.iter_mut().for_each(|begun| begun.at = place(begun.at));
    begun::drop_read(&mut begun, are_read);
    let opaque = opaque::runs(bytes, told.clone(), &begun, Ground::Unused);
    let first = range::beside(bytes, told).first().copied().filter(|first| opaque.is_empty() && Packed::is_short_deflate(first));
    begun.extend(first.and_then(|first| range::offset_within(bytes, first)).map(Begun::opaque));
    begun.extend(opaque);
    begun::count(&begun, &pages.sqlite)
}

impl std::fmt::Debug for Beside<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.form.name(), self.of.name())
    }
}
