//! Judgement: what the facts of a run mean for its answer, and for its exit code.
//!
//! Facts come from below without a verdict. Here each [`Rule`] has a stable code, a severity and the words it is
//! explained with, [`Judgement`] says which rules an evidence meets and what each finding is about, and [`Outcome`] turns what held
//! into the exit code of `docs/records.md`.
#![deny(clippy::arithmetic_side_effects)]

mod about;
mod judge;
mod outcome;
mod rule;

pub use self::about::{About, Finding};
pub use self::judge::Judgement;
pub use self::outcome::{Condition, FailOn, Found, Outcome};
pub use self::rule::{Rule, Severity};
