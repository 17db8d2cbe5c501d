//! How text is laid out for whoever reads it: as it comes in a file or a pipe, and fitted to the width of a terminal.

use std::io::{self, Write};

use super::columns;
use super::marks::{CELL, LABELS, PARAGRAPH};
use super::wrap::{ESCAPE, without_colour, wrap};

/// Names at the left of the first screen are this wide.
pub(super) const LABEL: usize = 9;
/// Characters in a line of a paragraph where there is no width.
const PARAGRAPH_WIDTH: usize = 110;
/// A terminal that is narrower is treated as this wide.
const NARROWEST: usize = 40;

/// What the reader's side can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Characters in a line; `None`: lines are as long as they are.
    pub width: Option<usize>,
    /// Whether there are colours.
    pub has_colour: bool,
}

/// How bad something is, as its colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// To be acted upon.
    Bad,
    /// To be looked into, or not known.
    Open,
    /// The answer, whatever it is.
    Said,
}

impl Tone {
    /// Of an exit code.
    pub(super) fn of_exit(code: u8) -> Self {
        match code {
            0 => Self::Said,
            3 => Self::Open,
            _ => Self::Bad,
        }
    }

    /// A text of this tone. A line's end stays behind it.
    pub(super) fn paint(self, text: &str) -> String {
        let code = match self {
            Self::Bad => "1;31",
            Self::Open => "1;33",
            Self::Said => "1",
        };
        let (line, end) = text.strip_suffix('\n').map_or((text, ""), |line| (line, "\n"));
        format!("{ESCAPE}[{code}m{line}{ESCAPE}[0m{end}")
    }
}

/// Where text goes, laid out. Only whole lines reach it.
pub struct Screen<'o> {
    out: &'o mut dyn Write,
    layout: Layout,
    /// A line whose end is still to come.
    line: Vec<u8>,
    /// The rows of a table whose end is still to come.
    rows: Vec<Vec<String>>,
}

impl<'o> Screen<'o> {
    /// Text for a reader of this kind.
    pub fn new(out: &'o mut dyn Write, layout: Layout) -> Self {
        Self { out, layout, line: Vec::new(), rows: Vec::new() }
    }

    /// Text as it comes, for a file or another program.
    pub fn plain(out: &'o mut dyn Write) -> Self {
        Self::new(out, Layout::default())
    }

    /// The characters of a line, where there is a bound.
    pub(super) fn width(&self) -> Option<usize> {
        self.layout.width
    }

    /// Where bytes go as they are.
    pub(super) fn raw(&mut self) -> io::Result<&mut dyn Write> {
        self.flush()?;
        Ok(&mut self.out)
    }

    fn end_line(&mut self) -> io::Result<()> {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
        if line.starts_with(LABELS) {
            self.end_table()?;
        }
        if line.contains(CELL) {
            self.rows.push(line.split(CELL).map(str::to_owned).collect());
            return Ok(());
        }
        self.end_table()?;
        for line in lines(&line, self.layout.width) {
            self.put(&line)?;
        }
        Ok(())
    }

    fn end_table(&mut self) -> io::Result<()> {
        let rows = std::mem::take(&mut self.rows);
        columns::lay_out(&rows, self.layout.width.map(|width| width.max(NARROWEST))).iter().try_for_each(|line| self.put(line))
    }

    fn put(&mut self, line: &str) -> io::Result<()> {
        if self.layout.has_colour { writeln!(self.out, "{line}") } else { writeln!(self.out, "{}", without_colour(line)) }
    }
}

impl Write for Screen<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                Some(end) => {
                    self.line.extend_from_slice(end);
                    self.end_line()?;
                }
                None => self.line.extend_from_slice(piece),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.end_table()?;
        if !self.line.is_empty() {
            self.end_line()?;
        }
        self.out.flush()
    }
}

impl Drop for Screen<'_> {
    /// A run that fails leaves what it has said.
    fn drop(&mut self) {
        let _ = self.end_table();
    }
}

/// A line as several that fit, each behind the first under the text of its label, or a little to the right.
fn lines(line: &str, width: Option<usize>) -> Vec<String> {
    let (text, is_paragraph) = line.strip_prefix(PARAGRAPH).map_or((line, false), |text| (text, true));
    match width {
        Some(width) => wrap(text, width.max(NARROWEST), hanging(text, is_paragraph)),
        None if is_paragraph => wrap(text, PARAGRAPH_WIDTH, hanging(text, true)),
        None => vec![text.to_owned()],
    }
}

/// Where the lines behind the first begin.
fn hanging(text: &str, is_paragraph: bool) -> usize {
    let leading = text.len().saturating_sub(text.trim_start_matches(' ').len());
    if is_paragraph || leading >= LABEL {
        return leading;
    }
    // The label of a block, and the gap behind it.
    let label = text.find("  ").filter(|at| leading == 0 && *at < LABEL);
    let gap = label.and_then(|at| Some(text.get(at..)?.len().saturating_sub(text.get(at..)?.trim_start_matches(' ').len())));
    label.zip(gap).map_or(leading.saturating_add(2), |(at, gap)| at.saturating_add(gap))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "a test that fails")]
mod tests {
    use super::*;

    fn shown(text: &str, layout: Layout) -> String {
        let mut out = Vec::new();
        Screen::new(&mut out, layout).write_all(text.as_bytes()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_word_is_lost_and_no_line_is_longer_than_the_width() {
        let text = format!("File     {}\n", "four words of text ".repeat(30).trim());
        for width in [40, 60, 80, 200] {
            let out = shown(&text, Layout { width: Some(width), has_colour: false });
            assert!(out.lines().all(|line| line.len() <= width && line.trim_end() == line), "{out}");
            assert!(out.lines().skip(1).all(|line| line.starts_with("         ") && !line.starts_with("          ")), "{out}");
            assert_eq!(out.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
        }
        assert_eq!(shown(&text, Layout::default()), text);
    }

    #[test]
    fn a_paragraph_is_wrapped_in_a_file_too() {
        let out = shown(&format!("{PARAGRAPH}    {}\n", "four words of text ".repeat(30).trim()), Layout::default());
        let hangs = |line: &str| line.starts_with("    ") && !line.starts_with("     ") && line.len() <= PARAGRAPH_WIDTH;
        assert!(out.lines().count() > 4 && out.lines().all(hangs), "{out}");
    }

    #[test]
    fn colour_takes_no_room_and_is_left_out_where_there_is_none() {
        let text = Tone::Bad.paint(&format!("{}\n", "word ".repeat(20).trim()));
        let layout = Layout { width: Some(60), has_colour: true };
        let plain = shown(&text, Layout { has_colour: false, ..layout });
        assert!(!plain.contains(ESCAPE) && plain.lines().all(|line| line.len() <= 60), "{plain}");
        let coloured = shown(&text, layout);
        assert_eq!(without_colour(&coloured), plain);
        assert!(coloured.starts_with("\u{1b}[1;31mword") && coloured.ends_with("\u{1b}[0m\n"), "{coloured}");
    }

    #[test]
    fn bytes_that_are_to_be_kept_are_kept() {
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, Layout { width: Some(60), has_colour: true });
        screen.raw().unwrap().write_all(b"\x1b[31m\x1f \xff").unwrap();
        drop(screen);
        assert_eq!(out, b"\x1b[31m\x1f \xff");
    }
}
