//! Text in lines of a width, and how wide text is on a terminal.

/// The first character of a colour.
pub(super) const ESCAPE: char = '\u{1b}';

/// A text in lines of this width at most, broken between words; the lines behind the first begin with `hanging` blanks. A word that is
/// longer stays whole.
pub(super) fn wrap(text: &str, width: usize, hanging: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut line = String::new();
    let mut blanks = String::new();
    for piece in pieces(text) {
        if piece.starts_with(' ') {
            blanks.push_str(piece);
            continue;
        }
        let is_begun = !line.trim_start_matches(' ').is_empty();
        let long = visible(&line).saturating_add(blanks.len()).saturating_add(visible(piece));
        if is_begun && long > width {
            out.push(std::mem::replace(&mut line, " ".repeat(hanging)));
        } else {
            line.push_str(&blanks);
        }
        blanks.clear();
        line.push_str(piece);
    }
    out.push(line);
    out
}

/// Words and the blanks between them.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let is_blank = rest.starts_with(' ');
        let end = rest.find(|c| (c == ' ') != is_blank).unwrap_or(rest.len());
        let (piece, behind) = rest.split_at_checked(end)?;
        rest = behind;
        (!piece.is_empty()).then_some(piece)
    })
}

/// How many columns of a terminal a text takes.
pub(super) fn visible(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(without_colour(text).as_ref())
}

/// The text without its colours.
pub(super) fn without_colour(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains(ESCAPE) {
        return text.into();
    }
    let mut parts = text.split(ESCAPE);
    let mut out = parts.next().unwrap_or_default().to_owned();
    parts.for_each(|part| out.push_str(part.split_once('m').map_or("", |(_, rest)| rest)));
    out.into()
}
