//! JSON Lines: one record a line, streamed.

use std::io::{self, Write};

use serde::Serialize;

use super::record_render::RecordSink;
use super::serialize;
use crate::collect::Lines;

/// Records as they come.
pub(super) struct Jsonl<'o> {
    out: &'o mut dyn Write,
}

impl<'o> Jsonl<'o> {
    pub(super) fn new(out: &'o mut dyn Write) -> Self {
        Self { out }
    }
}

impl RecordSink for Jsonl<'_> {
    fn record<T: Serialize>(&mut self, _kind: &'static str, record: &T) -> io::Result<()> {
        let mut line = Vec::new();
        serialize::line(record, &mut line);
        self.out.write_all(&line)
    }

    fn rows(&mut self, lines: &Lines) -> io::Result<()> {
        self.out.write_all(lines.as_bytes())
    }

    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}
