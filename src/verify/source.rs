//! Where values come from: the rows of one evidence, with their bytes.

use std::io;

use crate::analysis::{List, LogList, LogSurvey, Row, Scope, Survey, Tally, ValueRow};
use crate::evidence::anomaly::Anomalies;
use crate::evidence::range;
use crate::kubernetes::Prefixes;

/// One evidence.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a, 'data> {
    /// Its number.
    pub number: usize,
    /// Evidences of one member have the same; what one of them shows is compared with what another does.
    pub group: usize,
    /// Its content, in which rows have their offsets.
    pub content: &'data [u8],
    /// Its rows.
    pub rows: Rows<'a, 'data>,
}

/// The rows of one evidence.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a, 'data> {
    /// Of a database.
    Database(&'a Survey<'data>),
    /// Of a segment of a log.
    Log(&'a LogSurvey<'data>, usize),
}

impl<'data> Source<'_, 'data> {
    /// Shows every row in scope to `render`, on all cores, and what that wrote to `write`, in order.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn run<R, W>(&self, scope: &Scope, render: R, write: W) -> io::Result<(Tally<'data>, Anomalies)>
    where
        R: Fn(&Row<'data>, &mut Vec<u8>) + Sync,
        W: FnMut(&[u8]) -> io::Result<()>,
    {
        match self.rows {
            Rows::Database(survey) => List::new(survey, scope).run(render, write),
            Rows::Log(survey, number) => LogList::new(survey, scope).run(number, render, write),
        }
    }

    /// Shows every value in scope with its bytes, on all cores, in no order.
    pub fn each(&self, scope: &Scope, look: impl Fn(&ValueRow<'data>, &'data [u8]) + Sync) -> (Tally<'data>, Anomalies) {
        let shown = self.run(
            scope,
            |row, _| {
                if let Row::Value(value) = row {
                    look(value, self.bytes(value));
                }
            },
            |_| Ok(()),
        );
        // Nothing is written, so nothing fails.
        shown.unwrap_or_default()
    }

    /// A value's bytes.
    pub fn bytes(&self, row: &ValueRow<'_>) -> &'data [u8] {
        row.offset.and_then(|offset| range::slice(self.content, offset, row.length)).unwrap_or_default()
    }

    /// Prefixes of the API server's keys.
    pub fn prefixes(&self) -> &Prefixes {
        match self.rows {
            Rows::Database(survey) => &survey.prefixes,
            Rows::Log(survey, _) => &survey.prefixes,
        }
    }
}
