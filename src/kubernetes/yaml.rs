//! What an object in YAML says of itself, line by line: fields of the object begin their lines, those of its metadata are indented.
//!
//! ```text
//! apiVersion: v1
//! kind: Secret
//! metadata:
//!   name: db-password
//!   namespace: prod
//! ```

/// What stands between the parts of a line.
const BLANKS: [char; 2] = [' ', '\t'];

/// The words that lines give a field of an object.
pub(super) fn words<'data>(value: &'data [u8], name: &'data str) -> impl Iterator<Item = &'data str> {
    lines(value).filter_map(move |line| of_field(line, name))
}

/// The namespace and the name in the metadata; empty where they are not there.
pub(super) fn identity(value: &[u8]) -> (&str, &str) {
    let metadata = lines(value).skip_while(|line| of_field(line, "metadata").is_none()).skip(1).filter(|line| !line.trim().is_empty());
    let indented = metadata.take_while(|line| line.starts_with([' ', '\t'])).filter(|line| !line.trim_start().starts_with('#'));
    let (mut depth, mut namespace, mut name) = (None, "", "");
    for line in indented {
        let text = line.trim_start();
        let own = line.len().saturating_sub(text.len());
        if *depth.get_or_insert(own) != own {
            continue;
        }
        namespace = of_field(text, "namespace").unwrap_or(namespace);
        name = of_field(text, "name").unwrap_or(name);
    }
    (namespace, name)
}

fn lines(value: &[u8]) -> std::str::Lines<'_> {
    std::str::from_utf8(value).unwrap_or_default().lines()
}

fn of_field<'data>(line: &'data str, name: &str) -> Option<&'data str> {
    let quoted = |quote: char| line.strip_prefix(quote)?.strip_prefix(name)?.strip_prefix(quote);
    let behind = line.strip_prefix(name).or_else(|| quoted('"')).or_else(|| quoted('\''))?;
    let word = behind.trim_start_matches(BLANKS).strip_prefix(':')?;
    // A comment may stand behind it, and its type and an anchor before it.
    let mut word = BLANKS
        .iter()
        .filter_map(|blank| word.split_once([*blank, '#'].iter().collect::<String>().as_str()))
        .fold(word, |shortest, (before, _)| if before.len() < shortest.len() { before } else { shortest });
    word = word.trim();
    while let Some((_, value)) = word.split_once(BLANKS).filter(|_| word.starts_with(['!', '&'])) {
        word = value.trim_start();
    }
    Some(word.trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_have_quotes_a_type_an_anchor_and_a_comment() {
        for line in [
            "kind:\tSecret",
            "kind: Secret\t# core",
            "kind: !!str Secret",
            "kind: &a Secret",
            "kind: &a !!str 'Secret' # one",
            "\"kind\" : \"Secret\"",
            "'kind': Secret",
        ] {
            assert!(words(line.as_bytes(), "kind").eq(["Secret"]), "{line}");
        }
        for line in [" kind: Secret", "kinds: Secret", "'kind\": Secret", "# kind: Secret"] {
            assert_eq!(words(line.as_bytes(), "kind").next(), None, "{line}");
        }
    }

    #[test]
    fn the_names_of_an_object_are_those_of_its_metadata() {
        let text = b"# of the database\nkind: Secret # core\nmetadata:\n  labels:\n    name: no\n  # name: no\n  name: \"db\"\n\n  namespace: prod\ndata:\n  name: bm8=\n";
        assert_eq!(identity(text), ("prod", "db"));
        assert!(words(text, "kind").eq(["Secret"]) && words(text, "name").next().is_none());
        assert_eq!(identity(b"kind: Secret\napiVersion: v1\n"), ("", ""));
    }
}
