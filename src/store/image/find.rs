//! Finds: where a value stands in an image, small enough to keep millions of.

use std::hash::BuildHasher;
use std::ops::Range;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use memchr::memmem;

use super::begun::{BeginningOf, Begun, PassedOverForm};
use crate::envelope;
use crate::evidence::{limit, range};
use crate::kubernetes::{CBOR_MAGIC, Encoding, Object, fragment};
use crate::mvcc::framing::{self, Framed};
use crate::mvcc::residue::{Write, parse_write};
use crate::store::mention::is_mention;
use crate::store::whole::is_proven;

/// Bytes of JSON and CBOR that are read for the objects that begin in one window: objects without an end would each be read as far
/// as one may reach.
const JSON_OF_A_WINDOW: usize = 16 << 20;

/// A value in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Find {
    /// First byte of what frames it, or of the value itself.
    offset: u64,
    /// First byte of the value.
    pub value: u64,
    main: u64,
    sub: u32,
    length: u32,
    value_length: u32,
    framing: Framing,
    is_tombstone: bool,
    /// Its key is text of which nothing but the key is made: what stands in that is no value.
    has_plain_key: bool,
    pub is_whole: bool,
    pub is_duplicate: bool,
}

/// What tells where a value ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// A KeyValue behind its revision key, or alone.
    KeyValue,
    /// A PutRequest.
    Put,
    /// Nothing but the value's own form.
    None,
    /// That a Secret ends there.
    Tail,
}

/// A find, read again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read<'data> {
    pub key: &'data [u8],
    pub value: &'data [u8],
    pub mod_revision: Option<u64>,
    pub sub: Option<u64>,
    pub create_revision: Option<i64>,
    pub version: Option<i64>,
    pub lease: Option<i64>,
    pub is_tombstone: bool,
    pub missing: u64,
}

const NO_SUB: u32 = u32::MAX;

impl Find {
    /// Reads it again.
    pub(super) fn read<'data>(&self, bytes: &'data [u8]) -> Option<Read<'data>> {
        let message = range::slice(bytes, self.offset, u64::from(self.length))?;
        let value = range::slice(bytes, self.value, u64::from(self.value_length))?;
        let nothing = Read {
            key: &[],
            value,
            mod_revision: None,
            sub: (self.sub != NO_SUB).then_some(u64::from(self.sub)),
            create_revision: None,
            version: None,
            lease: None,
            is_tombstone: self.is_tombstone,
            missing: u64::from(!self.is_whole),
        };
        Some(match self.framing {
            Framing::None | Framing::Tail => nothing,
            Framing::Put => {
                let at = usize::try_from(self.value.checked_sub(self.offset)?).ok()?;
                Read { key: framing::find_enclosing_message(message, at)?.kv.key, ..nothing }
            }
            Framing::KeyValue => {
                let write = Write::again(self.main, nothing.sub, self.is_tombstone, message)?;
                let is_there = !self.is_tombstone;
                Read {
                    key: write.kv.key,
                    mod_revision: Some(self.main),
                    create_revision: is_there.then_some(write.kv.create_revision),
                    version: is_there.then_some(write.kv.version),
                    lease: (is_there && write.missing == 0).then_some(write.kv.lease),
                    ..nothing
                }
            }
        })
    }

    /// What frames the value, or the value itself.
    pub(super) fn message<'data>(&self, bytes: &'data [u8]) -> &'data [u8] {
        range::slice(bytes, self.offset, u64::from(self.length)).unwrap_or_default()
    }

    /// By revision, then place; what is not known comes last.
    pub(super) fn order(&self) -> (bool, u64, u32, u64) {
        let is_known = self.framing == Framing::KeyValue;
        (!is_known, if is_known { self.main } else { 0 }, self.sub, self.value)
    }

    fn of_write(bytes: &[u8], write: &Write<'_>) -> Option<Self> {
        let offset = range::offset_within(bytes, write.message)?;
        Some(Self {
            offset,
            value: range::offset_within(bytes, write.kv.value).unwrap_or(offset),
            main: write.main,
            sub: write.sub.map_or(Some(NO_SUB), |sub| u32::try_from(sub).ok())?,
            length: u32::try_from(write.message.len()).ok()?,
            value_length: u32::try_from(write.kv.value.len()).ok()?,
            framing: Framing::KeyValue,
            is_tombstone: write.is_tombstone,
            has_plain_key: is_plain(write.kv.key),
            is_whole: write.missing == 0 && is_proven(bytes, write.message, write.kv.value),
            is_duplicate: false,
        })
    }

    fn of_framed(bytes: &[u8], framed: &Framed<'_>) -> Option<Self> {
        let is_put = framed.kv.mod_revision == 0;
        Some(Self {
            offset: range::offset_within(bytes, framed.message)?,
            value: range::offset_within(bytes, framed.kv.value)?,
            main: u64::try_from(framed.kv.mod_revision).ok()?,
            sub: NO_SUB,
            length: u32::try_from(framed.message.len()).ok()?,
            value_length: u32::try_from(framed.kv.value.len()).ok()?,
            framing: if is_put { Framing::Put } else { Framing::KeyValue },
            is_tombstone: false,
            has_plain_key: is_plain(framed.kv.key),
            is_whole: framed.missing == 0 && is_proven(bytes, framed.message, framed.kv.value),
            is_duplicate: false,
        })
    }

    fn bare(at: usize, length: usize, is_whole: bool) -> Option<Self> {
        let length = u32::try_from(length).ok()?;
        let (offset, framing) = (at as u64, Framing::None);
        let none = Self {
            offset,
            value: offset,
            main: 0,
            sub: NO_SUB,
            length,
            value_length: length,
            framing,
            is_tombstone: false,
            has_plain_key: false,
            is_whole,
            is_duplicate: false,
        };
        (length > 0).then_some(none)
    }

    fn end_of_message(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.length))
    }

    /// The end of a Secret of which the beginning is lost.
    pub(super) fn tail(at: usize, length: usize) -> Option<Self> {
        Some(Self { framing: Framing::Tail, ..Self::bare(at, length, false)? })
    }

    /// Whether it is the end of a Secret alone.
    pub(super) fn is_tail(&self) -> bool {
        self.framing == Framing::Tail
    }

    /// The bytes that need not be looked at for themselves: a whole value, or of a message that says what it holds the first one.
    pub(super) fn reads(&self) -> Option<Range<u64>> {
        match (self.is_whole, self.framing) {
            (true, _) if self.has_plain_key => Some(self.offset..self.end_of_message()),
            (true, _) => Some(self.value..self.end()),
            (false, Framing::KeyValue | Framing::Put) => Some(self.value..self.value.saturating_add(1)),
            (false, Framing::None | Framing::Tail) => None,
        }
    }

    /// The same where nobody reads it.
    pub(super) fn begun(&self, bytes: &[u8]) -> Option<Begun> {
        let rest = bytes.get(usize::try_from(self.value).ok()?..)?;
        let form = match rest.first() {
            Some(b'{') => PassedOverForm::Text,
            _ if self.is_whole => PassedOverForm::Stored,
            _ => PassedOverForm::NoEnd,
        };
        Some(Begun { at: self.value, form, of: BeginningOf::of(rest)? })
    }

    /// Whether a whole value is a Secret, or a list that may hold some.
    pub(super) fn holds_a_secret(&self, bytes: &[u8]) -> bool {
        let value = range::slice(bytes, self.value, u64::from(self.value_length)).unwrap_or_default();
        let has = |field: &[u8]| memmem::find(value, field).is_some();
        let Some(encoding) = Encoding::of(value) else { return false };
        let Ok(object) = Object::read(value, encoding) else { return false };
        object.api_version == "v1"
            && match &*object.kind {
                // What refers to one has its name, and no metadata.
                "Secret" => !object.name.is_empty() || has(b"metadata") || has(b"data"),
                "SecretList" | "List" => Object::has_items(value, encoding),
                _ => false,
            }
    }

    /// The bytes that may be of its value.
    pub(super) fn extent(&self) -> Range<u64> {
        self.value..self.end()
    }

    fn end(&self) -> u64 {
        self.value.saturating_add(u64::from(self.value_length))
    }
}

/// Whether a key is shown, and nothing that stands in it is searched, as of the keys of a database.
fn is_plain(key: &[u8]) -> bool {
    !key.is_empty() && key.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'{')
}

/// What begins within a window. A find may end far behind it. `begun`: what begins and of which nothing tells the end.
pub(super) fn finds(bytes: &[u8], window: Range<usize>, begun: &mut Vec<Begun>) -> Vec<Find> {
    let mut finds = Vec::new();
    let mut json = JSON_OF_A_WINDOW;
    // A revision key that begins in the window has its separator up to eight bytes behind it.
    let reach = window.start..window.end.saturating_add(8).saturating_add(crate::mvcc::residue::SEPARATOR.len()).min(bytes.len());
    for start in occurrences(bytes, reach, crate::mvcc::residue::SEPARATOR).filter_map(|at| at.checked_sub(8)) {
        if window.contains(&start)
            && let Some((write, _)) = bytes.get(start..).and_then(parse_write)
        {
            finds.extend(Find::of_write(bytes, &write));
        }
    }
    for signature in [&b"k8s\0"[..], b"k8s:enc:", b"{\"apiVersion\":\"", b"{\"kind\":\"", CBOR_MAGIC] {
        let reach = window.start..window.end.saturating_add(signature.len()).saturating_sub(1).min(bytes.len());
        let (mut whole, mut begins) = (0usize, 0usize);
        for at in occurrences(bytes, reach, signature) {
            if at < whole {
                continue;
            }
            // Within what may not be of one value: reading each of these again would not be linear.
            let (find, has_end) = if at < begins { (None, is_mention(bytes, at)) } else { at_signature(bytes, at, &mut json) };
            if !has_end && find.is_none_or(|find| !find.is_whole && find.framing == Framing::None) {
                begun.extend(Begun::plain(bytes, at));
            }
            let Some(find) = find else { continue };
            let end = usize::try_from(find.end()).unwrap_or(usize::MAX);
            *(if find.is_whole { &mut whole } else { &mut begins }) = end;
            finds.push(find);
        }
    }
    finds
}

fn occurrences<'a>(bytes: &'a [u8], range: Range<usize>, needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let start = range.start;
    memmem::find_iter(bytes.get(range).unwrap_or_default(), needle).filter_map(move |at| at.checked_add(start))
}

/// The value that begins at a signature; and whether what begins there is something else, of which the end was found, or a text.
fn at_signature(bytes: &[u8], at: usize, json: &mut usize) -> (Option<Find>, bool) {
    if let Some(framed) = framing::find_enclosing_message(bytes, at) {
        return (Find::of_framed(bytes, &framed), false);
    }
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.starts_with(b"{") || rest.starts_with(CBOR_MAGIC) {
        return match fragment::unframed_length(rest.get(..limit::CARVED_JSON.min(*json)).unwrap_or(rest)) {
            Ok(length) => {
                *json = json.saturating_sub(length);
                (Find::bare(at, length, true), false)
            }
            Err(none) => {
                *json = json.saturating_sub(none.read);
                (None, none.has_end)
            }
        };
    }
    if is_mention(bytes, at) {
        return (None, true);
    }
    let (length, is_whole) = fragment::object_length(rest).map_or_else(|| envelope::extent(rest), |length| (length, true));
    (Find::bare(at, length, is_whole), false)
}

/// Drops what seems to begin within the plain key of a whole message.
pub(super) fn drop_in_keys(finds: &mut Vec<Find>) {
    let of_keys = finds.iter().filter(|find| find.is_whole && find.has_plain_key);
    let mut keys: Vec<Range<u64>> =
        of_keys.map(|find| find.offset..if find.is_tombstone { find.end_of_message() } else { find.value }).collect();
    keys.sort_unstable_by_key(|key| key.start);
    let is_in_one = |at: u64| {
        let before = keys.partition_point(|key| key.start <= at);
        before.checked_sub(1).and_then(|last| keys.get(last)).is_some_and(|key| at < key.end)
    };
    finds.retain(|find| find.framing != Framing::None || find.is_whole || !is_in_one(find.value));
}

/// Sorts by place and drops what stands within a whole value, and all but the best-framed of those that begin at one place.
pub(super) fn drop_nested(finds: &mut Vec<Find>) {
    let rank = |find: &Find| match find.framing {
        Framing::KeyValue => u8::from(find.sub == NO_SUB),
        Framing::Put => 2,
        Framing::None | Framing::Tail => 3,
    };
    finds.sort_unstable_by_key(|find| (find.value, rank(find), std::cmp::Reverse(find.value_length), find.offset));
    let mut last: Option<Find> = None;
    let mut covered = 0u64;
    finds.retain(|find| {
        let is_nested = find.value < covered || last.is_some_and(|last| last.value == find.value && !find.is_tombstone);
        if !is_nested {
            last = Some(*find);
            if find.is_whole {
                covered = covered.max(find.end());
            }
        }
        !is_nested
    });
    end_before_the_next(finds);
    finds.sort_unstable_by_key(Find::order);
}

/// What is not proven whole ends where the next message begins: that is no part of it. So values that each say to reach to the end of
/// the image share its bytes, and none is read again for each of them.
fn end_before_the_next(finds: &mut [Find]) {
    let framed = finds.iter().filter(|find| matches!(find.framing, Framing::KeyValue | Framing::Put));
    let mut starts: Vec<u64> = framed.map(|find| find.offset).collect();
    starts.sort_unstable();
    for find in finds.iter_mut().filter(|find| !find.is_whole) {
        let next = starts.get(starts.partition_point(|start| *start <= find.value));
        let room = next.and_then(|next| u32::try_from(next.saturating_sub(find.value)).ok());
        find.value_length = find.value_length.min(room.unwrap_or(u32::MAX));
    }
}

/// Marks copies: an earlier find has the same key, revision and bytes.
pub(super) fn mark_duplicates(bytes: &[u8], finds: &mut [Find]) {
    let mut known: HashMap<u64, usize, FixedState> = HashMap::default();
    for index in 0..finds.len() {
        let Some(read) = finds.get(index).filter(|find| find.is_whole && !find.is_tombstone).and_then(|find| find.read(bytes)) else {
            continue;
        };
        let this = (read.key, read.mod_revision, read.value);
        let first = *known.entry(FixedState::default().hash_one(this)).or_insert(index);
        let equals = first != index
            && finds.get(first).and_then(|find| find.read(bytes)).is_some_and(|first| (first.key, first.mod_revision, first.value) == this);
        if let Some(find) = finds.get_mut(index) {
            find.is_duplicate = equals;
        }
    }
}
