//! Bytes of a container that no file stands in: comments, extra fields, frames that decoders skip.
//!
//! Every byte of a container is a file's, of the structure that its form has, zero, or counted here. A file that is packed has its name
//! and its times beside it, and a few words at most; more than that may be data, and is told.

use super::super::range;
use super::unpacked::Fault;

/// Bytes in all that are taken for a remark, and not told: as many as the name of a commit has, which `git archive` leaves, and fewer than an
/// object that says what it is.
const REMARK: u64 = 40;

/// Where such bytes stand, and how many they are.
#[derive(Debug, Default)]
pub(super) struct Beside {
    places: Vec<(&'static str, u64)>,
}

impl Beside {
    /// Counts bytes that stand at a place of this name. Zeros hold nothing.
    pub(super) fn add(&mut self, place: &'static str, bytes: &[u8]) {
        if range::is_zero(bytes) {
            return;
        }
        match self.places.iter_mut().find(|(known, _)| *known == place) {
            Some((_, count)) => *count = count.saturating_add(bytes.len() as u64),
            None => self.places.push((place, bytes.len() as u64)),
        }
    }

    /// What is told of them, as something that nothing was taken out of.
    pub(super) fn left(self) -> Option<(Option<String>, Fault)> {
        let total = self.places.iter().fold(0u64, |sum, (_, count)| sum.saturating_add(*count));
        let places: Vec<&str> = self.places.iter().map(|(place, _)| *place).collect();
        let told = || format!("{total} bytes of it stand in no file: {}", places.join(", "));
        (total > REMARK).then(|| (None, Fault::Bytes(told())))
    }
}
