//! The columns of a table. One that does not fit is folded: its last columns stand below its first ones, a little to the right.

use std::ops::Range;

use super::marks::{FIGURES, LABELS};
use super::wrap::{visible, wrap};

/// Blanks between two columns.
const GAP: usize = 2;
/// Where columns begin that stand below others.
const FOLDED: usize = 5;
/// The least width in which a long last column is wrapped.
const NARROW: usize = 24;

/// The rows of a table as lines, without blanks behind them; the first row is the header.
pub(super) fn lay_out(rows: &[Vec<String>], width: Option<usize>) -> Vec<String> {
    let Some(header) = rows.first() else { return Vec::new() };
    let is_of_labels = header.first().is_some_and(|title| title.starts_with(LABELS));
    let at_right: Vec<bool> = header.iter().map(|title| title.trim_start_matches(LABELS).starts_with(FIGURES)).collect();
    let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.iter().map(|cell| cell.trim_start_matches([LABELS, FIGURES])).collect()).collect();
    let widest = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| visible(cell)).max().unwrap_or(0);
    let words = rows.iter().filter_map(|row| row.get(header.len().saturating_sub(1))).flat_map(|cell| cell.split(' '));
    let mut columns = Columns {
        widths: (0..header.len()).map(widest).collect(),
        longest_last_word: words.map(visible).max().unwrap_or(0),
        at_right,
        indent: if is_of_labels { 0 } else { 1 },
        width: width.unwrap_or(usize::MAX),
    };
    if is_of_labels {
        columns.narrow_labels(&rows);
    }
    // Figures stay together, to be compared.
    let lines_of = match columns.total() > columns.width && is_of_labels {
        true => vec![0..1, 1..header.len()],
        false => columns.lines_of(),
    };
    rows.iter().flat_map(|row| lines_of.iter().flat_map(|line| columns.line(row, line.clone(), line.start == 0))).collect()
}

struct Columns {
    widths: Vec<usize>,
    /// The longest word of the last column, which is not wrapped within a word.
    longest_last_word: usize,
    at_right: Vec<bool>,
    /// Blanks before the first column.
    indent: usize,
    width: usize,
}

impl Columns {
    /// Takes from the first column what all columns together have too much, down to its longest word.
    fn narrow_labels(&mut self, rows: &[Vec<&str>]) {
        let too_much = self.total().saturating_sub(self.width);
        let longest_word = rows.iter().filter_map(|row| row.first()).flat_map(|label| label.split(' ')).map(visible).max().unwrap_or(0);
        if let Some(labels) = self.widths.first_mut() {
            // A label is set in by two blanks at most, and by two more behind its first line.
            let least = longest_word.saturating_add(4);
            let narrow = labels.saturating_sub(too_much);
            if narrow >= least {
                *labels = narrow;
            }
        }
    }

    fn total(&self) -> usize {
        let gaps = self.widths.len().saturating_sub(1).saturating_mul(GAP);
        self.widths.iter().fold(self.indent.saturating_add(gaps), |sum, width| sum.saturating_add(*width))
    }

    /// Which columns stand in one line. The last line takes as many as it can, so that figures stay together.
    fn lines_of(&self) -> Vec<Range<usize>> {
        let least = |column: usize, width: usize| {
            let is_last = column.saturating_add(1) == self.widths.len();
            if is_last { width.min(NARROW.max(self.longest_last_word)) } else { width }
        };
        let needed: Vec<usize> = self.widths.iter().enumerate().map(|(column, width)| least(column, *width)).collect();
        let fits = |columns: &Range<usize>| {
            let indent = if columns.start == 0 { self.indent } else { FOLDED };
            let gaps = columns.len().saturating_sub(1).saturating_mul(GAP);
            let widths = needed.get(columns.clone()).unwrap_or_default().iter().fold(0usize, |sum, width| sum.saturating_add(*width));
            columns.len() <= 1 || indent.saturating_add(gaps).saturating_add(widths) <= self.width
        };
        let (mut lines, mut end) = (Vec::new(), self.widths.len());
        while end > 0 {
            let begin = (0..end).find(|begin| fits(&(*begin..end))).unwrap_or(end.saturating_sub(1));
            lines.push(begin..end);
            end = begin;
        }
        lines.reverse();
        lines
    }

    /// These columns of a row; nothing where all of them are empty and stand below others.
    fn line(&self, row: &[&str], columns: Range<usize>, is_first: bool) -> Vec<String> {
        let mut begin = if is_first { self.indent } else { FOLDED };
        let mut out: Vec<String> = Vec::new();
        let begun = columns.start;
        for column in columns {
            let (cell, width) = (row.get(column).copied().unwrap_or_default(), self.widths.get(column).copied().unwrap_or(0));
            let is_at_right = self.at_right.get(column).copied().unwrap_or(false);
            let begins = begin.saturating_add(if column == begun { 0 } else { GAP });
            let room = width.min(self.width.saturating_sub(begins)).max(1);
            let hanging = if column == 0 { cell.len().saturating_sub(cell.trim_start().len()).saturating_add(2) } else { 0 };
            let cell = if visible(cell) > room { wrap(cell, room, hanging) } else { vec![cell.to_owned()] };
            for (number, text) in cell.iter().enumerate() {
                if number == out.len() {
                    out.push(String::new());
                }
                let blanks = if is_at_right { width.saturating_sub(visible(text)) } else { 0 };
                if let Some(line) = out.get_mut(number) {
                    let at = begins.saturating_add(blanks);
                    let pad = at.saturating_sub(visible(line));
                    line.push_str(&" ".repeat(pad));
                    line.push_str(text);
                }
            }
            begin = begins.saturating_add(width);
        }
        let lines = out.into_iter().map(|line| line.trim_end().to_owned());
        lines.filter(|line| is_first || !line.is_empty()).collect()
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[test]
    fn a_table_that_fits_stands_in_one_line_a_row() {
        let rows = rows(&[&["Secret", "\u{1e}revision", "readable in"], &["a", "12", ""], &["bb", "3", "log"]]);
        let wanted = [" Secret  revision  readable in", " a             12", " bb             3  log"];
        assert_eq!(lay_out(&rows, None), wanted);
        assert_eq!(lay_out(&rows, Some(60)), wanted);
    }

    #[test]
    fn a_table_that_does_not_fit_is_folded_between_columns() {
        let (name, kind) = ("n".repeat(40), "t".repeat(30));
        let rows = rows(&[&["Secret", "type", "in"], &[&name, &kind, "log"], &["short", "", ""]]);
        let wanted =
            [" Secret".to_owned(), format!("     {:<30}  in", "type"), format!(" {name}"), format!("     {kind}  log"), " short".into()];
        assert_eq!(lay_out(&rows, Some(60)), wanted);
    }

    #[test]
    fn a_long_last_column_is_wrapped_where_it_begins() {
        let rows = rows(&[&["offset", ""], &["1", &"some words ".repeat(8)]]);
        let lines = lay_out(&rows, Some(40));
        assert!(lines.iter().all(|line| visible(line) <= 40) && lines[2].starts_with("         words"), "{lines:?}");
    }

    /// Also where the last column has words that are longer than it need be wide.
    #[test]
    fn no_line_of_several_words_passes_the_width() {
        let (word, name) = ("w".repeat(37), "n".repeat(20));
        let rows = rows(&[&["key", "file", "resources"], &[&name, "f.db", &format!("{word}, {word}, x")], &["k", &"f".repeat(50), "y"]]);
        for width in [40, 60] {
            for line in lay_out(&rows, Some(width)) {
                assert!(visible(&line) <= width || line.split_whitespace().count() == 1, "{width}: {line}");
            }
        }
    }

    #[test]
    fn labels_are_wrapped_and_figures_stay_at_the_right() {
        let rows = rows(&[&["\u{1c}Secrets", "\u{1e}now"], &["encrypted; no plaintext of it in this file", "2"]]);
        assert_eq!(
            lay_out(&rows, None),
            ["Secrets                                     now", "encrypted; no plaintext of it in this file    2"]
        );
        let lines = lay_out(&rows, Some(40));
        assert_eq!(lines, ["Secrets                              now", "encrypted; no plaintext of it in       2", "  this file"]);
    }
}
