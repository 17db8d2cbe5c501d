//! Beginnings of values in text: base64, hexadecimal digits, escapes, and one of them within another.
//!
//! | text | from | looked for |
//! |---|---|---|
//! | base64, of either alphabet, at any of its three alignments | `etcdctl get -w json`, delta snapshots, a whole file as base64 | what values begin with |
//! | base64 of base64 | an object that holds one of these, as base64 | the same twice |
//! | base64 of UTF-16, digits, numbers or escapes | `ToBase64String` of PowerShell | the same |
//! | hexadecimal digits, with or without something between them | dumps of SQL databases, `openssl`, source code | two digits of two bytes |
//! | lines of a dump of bytes, in any numbers or as characters, and of uuencode | `xxd`, `hexdump`, `od` | each line, [`dump`] |
//! | UTF-16, UTF-32 | PowerShell, registries, logs of Windows | each text, [`wide`] |
//! | decimal numbers in a list | `Buffer` of Node.js, `bytes` of other languages | the numbers of two bytes |
//! | base32, ascii85 | | what Secrets and encrypted values begin with |
//! | escapes: `\x00`, `\u0000`, `\000`, `\0`, `%00`, `=00`, `&#0;` | `etcdctl get -w fields`, dumps of SQL databases, logs, mail | the first escape |
//! | JSON and YAML for people, also with escapes | `kubectl get -o json`, `-o yaml`, manifests | `Secret`, [`manifest`] |
//! | what is packed or encrypted | within images and dumps | the first bytes of each form, [`Packed`] |
//!
//! A few characters of a beginning are the same in every value, and are looked for together. What they stand for is decoded as
//! far as it says what it is. Lines may end within them.

mod codes;
mod columns;
mod decoded;
mod dump;
mod escapes;
mod wide;
mod written;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use self::decoded::Decoded;
use self::written::{BEGINNINGS, Written};
pub(super) use self::written::{base64, is_of_base64, of_base64};
use super::begun::{BeginningOf, Begun, PassedOverForm};
use super::manifest;
use super::needles::Needles;
use crate::evidence::packed::Packed;
use crate::kubernetes::fragment;

/// So far before and behind the end of a line a beginning may reach that goes on on the next one.
const ACROSS: usize = 64;
/// How far the next line may be indented, and its beginning reach.
const NEAR: usize = ACROSS + 64;

static NEEDLES: LazyLock<Needles<Meaning>> = LazyLock::new(|| {
    let mut needles: Vec<(Vec<u8>, Meaning)> = Written::all().into_iter().map(|(text, it)| (text, Meaning::Written(it))).collect();
    needles.push((manifest::KIND.to_vec(), Meaning::Manifest));
    needles.extend(Packed::all().iter().map(|packed| (packed.sign.to_vec(), Meaning::Packed(packed))));
    Needles::new(needles)
});

/// What a text that is looked for may be the beginning of.
enum Meaning {
    Written(Written),
    /// A Secret as people read it.
    Manifest,
    /// Something packed or encrypted.
    Packed(&'static Packed),
}

impl Meaning {
    /// What begins in the bytes where this was found.
    fn begun(&self, bytes: &[u8], at: usize) -> Option<Begun> {
        match self {
            Self::Manifest => manifest::secret(bytes, at),
            Self::Packed(packed) => Some(Begun::packed(packed, packed.begun(bytes, at)?)),
            Self::Written(written) => {
                let of = written.begins(bytes.get(at..)?)?;
                Some(Begun { at: at as u64, form: written.form(), of })
            }
        }
    }
}

/// Notes what begins within a window in text.
pub(super) fn begun(bytes: &[u8], window: Range<usize>, begun: &mut Vec<Begun>) {
    let mut note = |found: Begun| {
        if usize::try_from(found.at).is_ok_and(|at| window.contains(&at)) {
            begun.push(found);
        }
    };
    in_text(bytes, window.clone(), &mut note);
    dump::each_run(bytes, window.clone(), |dumped| beginnings_of(dumped, &mut note));
    wide::each_run(bytes, window.clone(), |text| {
        beginnings_of(text, &mut note);
        dump::each_run(text.bytes(), 0..text.bytes().len(), |dumped| {
            beginnings_of(dumped, &mut |begun| note_at(text, begun, &mut note));
        });
    });
}

/// Notes what begins in the bytes of a passage, each where it is written.
fn beginnings_of(decoded: &Decoded, note: &mut impl FnMut(Begun)) {
    decoded_beginnings(decoded.bytes()).into_iter().for_each(|begun| note_at(decoded, begun, note));
}

fn note_at(decoded: &Decoded, begun: Begun, note: &mut impl FnMut(Begun)) {
    if let Some(at) = usize::try_from(begun.at).ok().and_then(|at| decoded.place(at)) {
        note(Begun { at: at as u64, form: decoded.form, ..begun });
    }
}

/// What begins in bytes that came out of a passage, as it would stand in a database or in text.
fn decoded_beginnings(bytes: &[u8]) -> Vec<Begun> {
    let (mut found, mut objects) = (Vec::new(), Vec::<Range<usize>>::new());
    let (mut left, mut done) = (bytes.len(), 0usize);
    let starts: BTreeSet<usize> = BEGINNINGS.iter().flat_map(|beginning| memchr::memmem::find_iter(bytes, beginning)).collect();
    for at in starts {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(of) = BeginningOf::of(rest) else { continue };
        found.push(Begun { at: at as u64, form: PassedOverForm::Hex, of });
        if at >= done && rest.starts_with(b"{") {
            let length = fragment::unframed_length(rest.get(..left).unwrap_or(rest));
            left = left.saturating_sub(length.unwrap_or_else(|none| none.read));
            done = at.saturating_add(length.unwrap_or(0));
            objects.push(at..done);
        }
    }
    // The kind of an object that was found may stand far behind its first bytes, and is not another one's.
    let is_of_one = |at: u64| {
        let before = objects.partition_point(|object| object.start as u64 <= at);
        before.checked_sub(1).and_then(|last| objects.get(last)).is_some_and(|object| at < object.end as u64)
    };
    in_text(bytes, 0..bytes.len(), &mut |begun| {
        if begun.form != PassedOverForm::Text || !is_of_one(begun.at) {
            found.push(begun);
        }
    });
    found
}

/// Shows what begins in text, of which lines may end within it.
fn in_text(bytes: &[u8], window: Range<usize>, note: &mut impl FnMut(Begun)) {
    let reach = window.start..window.end.saturating_add(NEEDLES.longest()).min(bytes.len());
    let Some(text) = bytes.get(reach) else { return };
    let mut see = |at: usize, meaning: &Meaning| {
        if let Some(begun) = meaning.begun(bytes, at) {
            note(begun);
        }
    };
    NEEDLES.each(text, |range, meaning| see(window.start.saturating_add(range.start), meaning));
    for newline in memchr::memchr_iter(b'\n', text) {
        at_end_of_line(bytes, window.start.saturating_add(newline), &mut see);
    }
}

/// Shows what begins at the end of a line and goes on on the next one.
fn at_end_of_line(bytes: &[u8], newline: usize, see: &mut impl FnMut(usize, &Meaning)) {
    let behind = newline.saturating_add(1);
    let behind = bytes.get(behind..behind.saturating_add(NEAR).min(bytes.len())).unwrap_or_default().trim_ascii_start();
    let start = newline.saturating_sub(ACROSS);
    let before = bytes.get(start..newline).unwrap_or_default();
    let before = before.strip_suffix(b"\r").unwrap_or(before);
    let is_code = |byte: Option<&u8>| byte.is_some_and(|byte| is_of_base64(*byte));
    if !is_code(before.last()) || !is_code(behind.first()) || !is_code(behind.get(1)) {
        return;
    }
    let joined = [before, behind.get(..ACROSS).unwrap_or(behind)].concat();
    NEEDLES.each(&joined, |range, meaning| {
        if range.start < before.len() && range.end > before.len() {
            see(start.saturating_add(range.start), meaning);
        }
    });
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests;
