//! Judgement: what the facts of a run mean for its answer, and for its exit code.
//!
//! Facts come from below without a verdict. Here each [`Rule`] has a stable code, a severity and the words it is
//! explained with, and [`Outcome`] turns what held into the exit code of `docs/records.md`.
#![deny(clippy::arithmetic_side_effects)]

mod outcome;
mod rule;

pub use self::outcome::{Condition, FailOn, Found, Outcome};
pub use self::rule::{Finding, Rule, Severity};
