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

/// The ends of Secrets in no value of these, where none of those that began before is left to end there. `begun` is in the order of its
/// places.
pub(super) fn without_beginning(bytes: &[u8], finds: &[Find], begun: &[Begun]) -> Vec<Find> {
    let mut values: Vec<Range<u64>> = finds.iter().map(Find::extent).collect();
    values.sort_unstable_by_key(|value| value.start);
    let (mut values, mut until) = (values.into_iter().peekable(), 0u64);
    let is_open = |begun: &&Begun| begun.form == PassedOverForm::NoEnd && begun.of == BeginningOf::Secret;
    let (mut begun, mut open) = (begun.iter().filter(is_open).peekable(), 0u64);
    let mut ended = Vec::new();
    for at in memmem::find_iter(bytes, fragment::OBJECT_END) {
        let end = at.saturating_add(fragment::OBJECT_END.len());
        let secret_type = bytes.get(end.saturating_sub(REACH)..end).and_then(fragment::secret_type_at_end);
        let Some(start) = secret_type.and_then(|text| usize::try_from(range::offset_within(bytes, text.as_bytes())?).ok()) else {
            continue;
        };
        let at = at as u64;
        while let Some(value) = values.next_if(|value| value.start <= at) {
            until = until.max(value.end);
        }
        while begun.next_if(|begun| begun.at < at).is_some() {
            open = open.saturating_add(1);
        }
        match open.checked_sub(1) {
            _ if at < until => {}
            Some(less) => open = less,
            None => ended.extend(Find::tail(start, end.saturating_sub(start))),
        }
    }
    ended
}
