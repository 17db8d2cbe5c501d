//! Tables for people, and names that would not fit into one.

use std::borrow::Cow;
use std::fmt;

use comfy_table::presets;

use super::super::escape::terminal;
use crate::evidence::anomaly::Anomaly;

/// Characters of a name that are shown; the records have all of them.
const LONGEST: usize = 60;

/// A table without lines between its cells, and without blanks behind them.
pub(super) struct Table(comfy_table::Table);

impl Table {
    pub(super) fn new(header: &[&str]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING).set_header(header);
        Self(table)
    }

    pub(super) fn add_row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0.add_row(cells.into_iter().collect::<Vec<_>>());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.lines().map(|line| line.trim_end().to_owned()).collect();
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
    fn a_long_name_is_cut_and_no_line_ends_in_blanks() {
        let long = "ü".repeat(LONGEST);
        assert_eq!(name(&long), long);
        assert_eq!(name(&format!("{long}x")), format!("{}…", "ü".repeat(LONGEST - 1)));
        let mut table = Table::new(&["Secret", "readable in"]);
        table.add_row(["a".to_owned(), String::new()]);
        table.add_row(["b".to_owned(), "log".to_owned()]);
        assert_eq!(table.to_string(), " Secret  readable in\n a\n b       log");
    }
}
