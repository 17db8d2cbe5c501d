//! What is read soon is fetched from the disk while something else is done.
//!
//! A mapping is read as its pages are touched: each touch of a page that is not in memory waits for the disk, and makes the system fetch
//! what stands around it. Who touches pages here and there, and knows which ones are next, says so before.

use super::mapping::Mapping;
use super::range;

/// Bytes that are asked for before they are read: enough that a disk is never idle.
pub(crate) const LEAD: usize = 32 << 20;

/// Who is told which bytes of an evidence are read soon; nobody, where they are in memory already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ahead<'data>(Option<&'data Mapping>);

impl<'data> Ahead<'data> {
    pub(super) fn of(mapping: &'data Mapping) -> Self {
        Self(Some(mapping))
    }

    /// Says that these bytes, which are some of the evidence, are read soon.
    pub(crate) fn will_need(self, bytes: &[u8]) {
        let Some(mapping) = self.0 else { return };
        if let Some(offset) = range::offset_within(mapping.bytes(), bytes).and_then(|offset| usize::try_from(offset).ok()) {
            mapping.will_need(offset, bytes.len());
        }
    }
}
