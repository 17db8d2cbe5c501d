//! Bytes that a passage stands for, and where in it each of them stands.

use zeroize::Zeroizing;

use super::super::begun::PassedOverForm;

/// The bytes of a passage.
pub(super) struct Decoded {
    /// How they are written.
    pub form: PassedOverForm,
    bytes: Zeroizing<Vec<u8>>,
    /// Of each byte the place of what stands for it.
    places: Vec<usize>,
}

impl Decoded {
    /// Without bytes.
    pub(super) fn of(form: PassedOverForm) -> Self {
        Self { form, bytes: Zeroizing::default(), places: Vec::new() }
    }

    pub(super) fn push(&mut self, byte: u8, place: usize) {
        self.bytes.push(byte);
        self.places.push(place);
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where a byte is written.
    pub(super) fn place(&self, at: usize) -> Option<usize> {
        self.places.get(at).copied()
    }

    /// Behind the place of the last one.
    pub(super) fn end(&self) -> usize {
        self.places.last().map_or(0, |last| last.saturating_add(1))
    }

    pub(super) fn trim_end(&mut self, byte: u8) {
        let length = self.bytes.iter().rposition(|other| *other != byte).map_or(0, |last| last.saturating_add(1));
        self.bytes.truncate(length);
        self.places.truncate(length);
    }
}
