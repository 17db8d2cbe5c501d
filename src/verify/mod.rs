//! Proof: does each key open what it should, and what still needs a key?
//!
//! ```text
//! sources ─> Needs: which DEK sources, since when each key writes      (nobody is asked)
//!             │ kms: Ring
//!             v
//! Keyring ─> Proof: every value opened once, what became of it         ─> Coverage, Requirement, SameValue
//!             │ tags that do not hold ─> moved ciphertext
//!             v
//!            verdicts of single values, for the records
//! ```
//! A value is opened, looked at, and wiped; what is kept of it is whether it opened, by which key, and whether the object in it
//! is the one its storage key names. Facts are collected on all cores and are the same in any order.
#![deny(clippy::arithmetic_side_effects)]

mod answer;
mod contents;
mod coverage;
mod keyring;
mod moved;
mod needs;
mod proof;
mod requirement;
mod same_value;
mod source;
mod target;
mod under;
mod wanted;
mod which_key;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;

pub use self::answer::{Answer, Standing, Verdict};
pub use self::coverage::{Coverage, CoverageLine};
pub use self::keyring::Keyring;
pub use self::moved::Move;
pub use self::needs::Needs;
pub use self::proof::{Proof, Unproven};
pub use self::requirement::{Late, Left, Requirement};
pub use self::same_value::{SameValue, SameValues};
pub use self::source::Source;
pub use self::target::{NoTarget, Target};
pub use self::under::Under;
pub use self::wanted::{Required, State};
