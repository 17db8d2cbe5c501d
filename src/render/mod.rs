//! Presentation: one file a format, each a [`Render`]; names are escaped for where they go.
//!
//! What may be shown is decided here and nowhere else: names, types, lengths, digests and keys' names; never a value,
//! but in [`recovered`] and in [`text`]'s answer to a question for one object, where the caller says so.

mod cell;
mod csv;
pub mod escape;
mod json;
mod jsonl;
mod record_render;
pub mod records;
pub mod recovered;
pub mod serialize;
pub mod text;

use std::io::Write;

use self::csv::Csv;
pub use self::csv::rotate_list;
use self::json::Json;
use self::jsonl::Jsonl;
use self::record_render::RecordRender;
pub use self::records::{OptionValue, RunInfo};
use crate::report::Render;

/// How an answer is written: every format there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// For people; each command has its own.
    Text,
    /// One object.
    Json,
    /// One record a line.
    Jsonl,
    /// One table.
    Csv,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Text, Self::Json, Self::Jsonl, Self::Csv];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }

    /// Whether it is one table of one kind of record.
    pub fn is_table(self) -> bool {
        matches!(self, Self::Csv)
    }
}

/// Writes an answer to `out`; `text` is the command's own text for people.
pub fn to<'o>(
    format: Format,
    run: RunInfo,
    out: &'o mut dyn Write,
    text: impl FnOnce(&'o mut dyn Write) -> Box<dyn Render + 'o>,
) -> Box<dyn Render + 'o> {
    match format {
        Format::Text => text(out),
        Format::Json => Box::new(RecordRender::new(run, Json::new(out))),
        Format::Jsonl => Box::new(RecordRender::new(run, Jsonl::new(out))),
        Format::Csv => Box::new(Csv::new(&run, out)),
    }
}
