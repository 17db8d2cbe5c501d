//! JSON: the records of a run as one object, grouped by kind. Unlike JSON Lines it is held in memory.

use std::io::{self, Write};

use serde::Serialize;

use super::record_render::RecordSink;
use super::serialize;
use crate::collect::{Lines, RowKind};

/// Kinds of records in their order; `run` and `summary` are single objects, everything else is an array.
const ORDER: [&str; 13] = [
    "run",
    "evidence",
    "value",
    "tombstone",
    "anomaly",
    "evidence-end",
    "page-run",
    "key",
    "key-use",
    "plan",
    "finding",
    "unread",
    "summary",
];

/// Records by kind, written at the end.
pub(super) struct Json<'o> {
    out: &'o mut dyn Write,
    groups: [Vec<u8>; ORDER.len()],
}

impl<'o> Json<'o> {
    pub(super) fn new(out: &'o mut dyn Write) -> Self {
        Self { out, groups: std::array::from_fn(|_| Vec::new()) }
    }

    fn add(&mut self, kind: &str, write: impl FnOnce(&mut Vec<u8>)) {
        let group = ORDER.iter().position(|of| *of == kind).and_then(|index| self.groups.get_mut(index));
        if let Some(group) = group {
            if !group.is_empty() {
                group.extend_from_slice(b",\n  ");
            }
            write(group);
        }
    }
}

impl RecordSink for Json<'_> {
    fn record<T: Serialize>(&mut self, kind: &'static str, record: &T) -> io::Result<()> {
        self.add(kind, |group| serialize::value(record, group));
        Ok(())
    }

    fn rows(&mut self, lines: &Lines) -> io::Result<()> {
        for (kind, line) in lines.iter() {
            let kind = match kind {
                RowKind::Value => "value",
                RowKind::Tombstone => "tombstone",
            };
            self.add(kind, |group| group.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line)));
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        for (index, (kind, group)) in ORDER.iter().zip(&self.groups).enumerate() {
            let (open, close) = if matches!(*kind, "run" | "summary") { ("", "") } else { ("[", "]") };
            write!(self.out, "{}\"{kind}\":{open}", if index == 0 { "{" } else { ",\n" })?;
            self.out.write_all(group)?;
            self.out.write_all(close.as_bytes())?;
        }
        self.out.write_all(b"}\n")
    }
}
