//! Tables for people, and names that would not fit into one.

use std::borrow::Cow;
use std::fmt;

use super::super::escape::terminal;
use super::marks::{CELL, FIGURES, LABELS};
use crate::evidence::anomaly::Anomaly;

/// Characters of a name that are shown; the records have all of them.
const LONGEST: usize = 60;

/// A table as a [`super::Screen`] takes it: a header and rows, of which each is a line.
pub(super) struct Table(Vec<Vec<String>>);

impl Table {
    pub(super) fn new(header: &[&str]) -> Self {
        Self(vec![header.iter().map(|title| (*title).to_owned()).collect()])
    }

    /// One whose first column has labels, and each other one figures.
    pub(super) fn of_labels(header: &[&str]) -> Self {
        let title = |(column, title): (usize, &&str)| format!("{}{title}", if column == 0 { LABELS } else { FIGURES });
        Self(vec![header.iter().enumerate().map(title).collect()])
    }

    pub(super) fn add_row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(|row| row.join(&CELL.to_string())).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// Anomalies with their places.
pub(super) fn anomalies<'a>(listed: impl Iterator<Item = &'a Anomaly>) -> Table {
    let number = |n: Option<u64>| n.map_or("-".to_owned(), |n| n.to_string());
    let mut table = Table::new(&["offset", "page", "anomaly", ""]);
    for Anomaly { offset, class, pgid, detail } in listed {
        table.add_row([number(*offset), number(*pgid), class.name().to_owned(), terminal(detail).into_owned()]);
    }
    table
}

/// A name out of the evidence, as a terminal may show it; the end of a long one is left out.
pub(super) fn name(text: &str) -> Cow<'_, str> {
    let text = terminal(text);
    match text.char_indices().nth(LONGEST).and_then(|_| text.char_indices().nth(LONGEST.saturating_sub(1))) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut() {
        let long = "ü".repeat(LONGEST);
        assert_eq!(name(&long), long);
        assert_eq!(name(&format!("{long}x")), format!("{}…", "ü".repeat(LONGEST - 1)));
    }
}
