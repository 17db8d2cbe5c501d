//! The characters that say what a piece of text is, for the [`Screen`](super::Screen) that lays it out. They do not reach the reader.
//! No text of evidence can hold one: it is escaped before (`render/escape.rs`).
//!
//! | character | what it says |
//! |---|---|
//! | [`CELL`] | stands between the cells of a row; rows that follow each other are one table, and the first is its header |
//! | [`FIGURES`] | before the title of a column: its cells stand at the right |
//! | [`LABELS`] | before the first title: the table begins at the edge, and where it does not fit its first column is wrapped |
//! | [`PARAGRAPH`] | at the beginning of a line: it is wrapped also where there is no width |
//! | `ESC [` up to `m` | colour, which is left out where there shall be none |

pub(super) const CELL: char = '\u{1f}';
pub(super) const FIGURES: char = '\u{1e}';
pub(super) const PARAGRAPH: char = '\u{1d}';
pub(super) const LABELS: char = '\u{1c}';
