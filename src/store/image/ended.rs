//! Ends of Secrets of which the beginning is lost: a run of pages of which the first was written over, the last blocks of a file.
//!
//! What a Secret ends with needs no beginning to be told. Where it stands in no value that was found, it is a piece of one, of which no
//! more than that is sure.

use std::ops::Range;

use memchr::memmem;

use super::begun::{BeginningOf, Begun, PassedOverForm};
use super::find::Find;
use crate::evidence::range;
use crate::kubernetes::fragment;

/// More bytes than a Secret's type, what says its length, and what stands behind it take.
const REACH: usize = 256;

/// The ends of Secrets in no value of these, where nothing that began before is left to end there. `begun` is in the order of its places.
pub(super) fn without_beginning(bytes: &[u8], finds: &[Find], begun: &[Begun]) -> Vec<Find> {
    let mut ended = in_protobuf(bytes, finds, begun);
    ended.extend(in_json(bytes, finds, begun));
    ended
}

/// Those in protobuf: each ends what began last before it.
fn in_protobuf(bytes: &[u8], finds: &[Find], begun: &[Begun]) -> Vec<Find> {
    let is_open = |begun: &&Begun| begun.form == PassedOverForm::NoEnd && begun.of == BeginningOf::Secret;
    let (mut begun, mut open) = (begun.iter().filter(is_open).peekable(), 0u64);
    let mut read = Read::of(finds);
    let mut ended = Vec::new();
    for at in memmem::find_iter(bytes, fragment::OBJECT_END) {
        let end = at.saturating_add(fragment::OBJECT_END.len());
        let Some(start) = type_at_end(bytes, end) else { continue };
        let at = at as u64;
        while begun.next_if(|begun| begun.at < at).is_some() {
            open = open.saturating_add(1);
        }
        match open.checked_sub(1) {
            _ if at < read.until(at) => {}
            Some(less) => open = less,
            None => ended.extend(Find::tail(start, end.saturating_sub(start))),
        }
    }
    ended
}

/// Those in JSON. Text in which anything began is told as that, whatever ends in it.
fn in_json(bytes: &[u8], finds: &[Find], begun: &[Begun]) -> Vec<Find> {
    let is_no_text = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    let (mut begun, mut last_begun) = (begun.iter().peekable(), None);
    let (mut read, mut ended) = (Read::of(finds), Vec::new());
    let (mut looked, mut text_from) = (0usize, 0u64);
    for at in memmem::find_iter(bytes, fragment::JSON_TYPE) {
        let value = at.saturating_add(fragment::JSON_TYPE.len());
        let behind = bytes.get(value..value.saturating_add(REACH).min(bytes.len())).unwrap_or_default();
        let Some(length) = memmem::find(behind, b"\"}").map(|quote| quote.saturating_add(2)) else { continue };
        let line = usize::from(behind.get(length) == Some(&b'\n'));
        let end = value.saturating_add(length).saturating_add(line);
        if type_at_end(bytes, end) != Some(value) {
            continue;
        }
        if let Some(last) = bytes.get(looked..at).and_then(|between| between.iter().rposition(is_no_text)) {
            text_from = looked.saturating_add(last).saturating_add(1) as u64;
        }
        looked = at;
        while let Some(next) = begun.next_if(|begun| begun.at < at as u64) {
            last_begun = Some(next.at);
        }
        let is_told = last_begun.is_some_and(|begun| begun >= text_from) || read.until(at as u64) > text_from;
        if !is_told {
            ended.extend(Find::tail(value, end.saturating_sub(value)));
        }
    }
    ended
}

/// Where the type of the Secret begins that ends there.
fn type_at_end(bytes: &[u8], end: usize) -> Option<usize> {
    let (_, text) = bytes.get(end.saturating_sub(REACH)..end).and_then(fragment::secret_at_end)?;
    usize::try_from(range::offset_within(bytes, text.as_bytes())?).ok()
}

/// The values that were found, gone through in the order of their places.
struct Read {
    values: std::iter::Peekable<std::vec::IntoIter<Range<u64>>>,
    until: u64,
}

impl Read {
    fn of(finds: &[Find]) -> Self {
        let mut values: Vec<Range<u64>> = finds.iter().map(Find::extent).collect();
        values.sort_unstable_by_key(|value| value.start);
        Self { values: values.into_iter().peekable(), until: 0 }
    }

    /// The last end of the values that begin up to there.
    fn until(&mut self, at: u64) -> u64 {
        while let Some(value) = self.values.next_if(|value| value.start <= at) {
            self.until = self.until.max(value.end);
        }
        self.until
    }
}
