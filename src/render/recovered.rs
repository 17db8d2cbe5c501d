//! The record of a recovered write, the one record that may hold a value.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::records::WriteFields;
use super::serialize;
use crate::evidence::digest::Sha256Digest;
use crate::finding::Outcome;
use crate::kubernetes;
use crate::recovery::{Doubt, RecoveredWrite};
use crate::report::{Render, Report};
use crate::row::ValueRow;

/// Recovered writes as JSON Lines, and nothing else.
pub struct RecoveredLines<'o> {
    out: Option<&'o mut dyn Write>,
    values: Values,
    line: Vec<u8>,
}

impl<'o> RecoveredLines<'o> {
    /// Writes them to `out`, with their values or without. `None`: nobody asked for records.
    pub fn new(out: Option<&'o mut dyn Write>, values: Values) -> Self {
        Self { out, values, line: Vec::new() }
    }
}

impl Render for RecoveredLines<'_> {
    fn recovered(&mut self, write: &RecoveredWrite<'_, '_>, row: &ValueRow<'_>) -> io::Result<()> {
        let Some(out) = &mut self.out else { return Ok(()) };
        self.line.clear();
        serialize::line(&RecoveredRecord::new(write, row, self.values), &mut self.line);
        out.write_all(&self.line)
    }

    fn end(&mut self, _: &Report, _: &Outcome) -> io::Result<()> {
        Ok(())
    }
}

/// A recovered write.
#[derive(Debug, Serialize)]
pub struct RecoveredRecord<'a> {
    record: &'static str,
    standing: &'static str,
    doubt: Option<&'static str>,
    place: &'static str,
    offset: Option<u64>,
    length: u64,
    sha256: String,
    #[serde(flatten)]
    write: WriteFields<'a>,
    protection: &'static str,
    encoding: Option<&'static str>,
    object: Option<serde_json::Value>,
    value_base64: Option<String>,
}

/// How a value is written, where it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Not at all.
    Hidden,
    /// As an object where it can be read as one, else its bytes.
    Objects,
    /// Its bytes as they are stored.
    Raw,
}

impl<'a> RecoveredRecord<'a> {
    /// The record of a write, with what is known of it and its value.
    pub fn new(write: &RecoveredWrite<'_, '_>, row: &'a ValueRow<'_>, values: Values) -> Self {
        let value = row.bytes.0;
        let encoding = row.protection.encoding();
        let object = encoding.filter(|_| values == Values::Objects).and_then(|encoding| object(value, encoding));
        let is_in_bytes = values == Values::Raw || values == Values::Objects && object.is_none();
        Self {
            record: "recovered",
            standing: write.standing.name(),
            doubt: write.standing.doubt().map(Doubt::name),
            place: row.place.name(),
            offset: row.offset,
            length: row.length(),
            sha256: Sha256Digest::of(value).to_string(),
            write: WriteFields { mod_revision: Some(write.revision.main), sub: Some(write.revision.sub), ..WriteFields::of(row) },
            protection: row.form().name(),
            encoding: encoding.map(|encoding| encoding.name()),
            object,
            value_base64: is_in_bytes.then(|| STANDARD.encode(value)),
        }
    }
}

/// The JSON of an object; `None` where its encoding is not read here.
fn object(value: &[u8], encoding: kubernetes::Encoding) -> Option<serde_json::Value> {
    let document = kubernetes::as_document(value, encoding).ok()??;
    serde_json::from_slice(&document).ok()
}
