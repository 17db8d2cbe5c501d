//! One line of a run, for whoever asked for no more.

use std::io::{self, Write};

use super::layout::{Screen, Tone};
use crate::finding::Outcome;
use crate::report::{Render, Report};

/// What came of a run, in one line.
pub struct QuietText<'o> {
    out: Screen<'o>,
    status: fn(&Report, &Outcome) -> String,
}

impl<'o> QuietText<'o> {
    /// `status`: the line.
    pub fn new(out: Screen<'o>, status: fn(&Report, &Outcome) -> String) -> Self {
        Self { out, status }
    }
}

impl Render for QuietText<'_> {
    fn end(&mut self, report: &Report, outcome: &Outcome) -> io::Result<()> {
        self.out.write_all(Tone::of_exit(outcome.exit_code()).paint(&(self.status)(report, outcome)).as_bytes())
    }
}
