//! A case: what the user gives, turned into members and evidences, read once, and told to whoever writes the answer.
//!
//! ```text
//! paths ─> Case ─> members ─> evidences ─> stores ─> rows ─┬─> Render, row by row
//!                                                          └─> Report, Outcome
//! ```
//! Every command is a [`Plan`], a [`Question`] and a [`Render`](crate::report::Render), for [`Case::run`]. What a file is, what stands beside
//! what, and which databases are of one cluster is told here, once.
#![deny(clippy::arithmetic_side_effects)]

mod another_log;
mod archive;
mod beside;
pub mod bug;
mod calls;
mod check;
mod clusters;
mod database_file;
mod directory;
mod each_once;
mod error;
mod file_names;
mod files;
mod finder;
mod given;
mod guess;
mod host;
mod joining;
mod judging;
mod kind;
mod member;
mod members;
mod object;
mod opened;
mod opening;
mod pages;
mod plan;
mod reading;
mod recover;
mod required_key;
mod rows;
mod run;
mod story;
mod stranger;
mod survey;
mod together;
mod verdicts;
mod verification;
mod verification_notes;

use std::path::PathBuf;

pub use self::database_file::DatabaseFile;
pub use self::error::{InputError, RunError};
pub use self::host::{Ask, Host, Silent};
pub use self::opened::{Contents, Opened, open};
pub use self::plan::{
    Holders, KeyQuestion, ObjectQuestion, PagesQuestion, Plan, Question, RecoverQuestion, Reveal, VerifyQuestion, names_of,
};
pub use self::run::Answer;
use crate::evidence::Limits;

/// Inputs, and how they are opened.
pub struct Case<'a> {
    inputs: &'a [PathBuf],
    limits: Limits,
    host: &'a dyn Host,
}

impl<'a> Case<'a> {
    /// Takes paths of files and directories; `-` is standard input. Nothing is opened yet.
    pub fn new(inputs: &'a [PathBuf], limits: Limits, host: &'a dyn Host) -> Self {
        Self { inputs, limits, host }
    }
}
