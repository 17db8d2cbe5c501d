//! Words that agree with a count.

use std::borrow::Cow;

/// The noun as it stands behind a count: `key`, `keys`; `entry`, `entries`.
pub(crate) fn noun(count: u64, one: &str) -> Cow<'_, str> {
    match one.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])) {
        _ if count == 1 => Cow::Borrowed(one),
        Some(stem) => Cow::Owned(format!("{stem}ies")),
        None => Cow::Owned(format!("{one}s")),
    }
}

/// The verb, or whatever else differs, behind a count.
pub(crate) fn verb<'a>(count: impl Into<u64>, one: &'a str, several: &'a str) -> &'a str {
    if count.into() == 1 { one } else { several }
}

/// One thing, or those from the first to the last: `entry 5`, `entries 5 to 7`.
pub(crate) fn span(one: &str, first: u64, last: u64) -> String {
    if first == last { format!("{one} {first}") } else { format!("{} {first} to {last}", noun(2, one)) }
}

/// A word as a shell reads it.
pub(crate) fn shell_word(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:,@%=".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

/// A path as a shell and this program read it: one that begins with a hyphen is no option, and what came from standard input is read there.
pub(crate) fn path_word(path: &str) -> Cow<'_, str> {
    match path.strip_prefix('-') {
        Some(rest) if rest.is_empty() || rest.starts_with('!') => Cow::Borrowed("-"),
        Some(_) => Cow::Owned(shell_word(&format!("./{path}")).into_owned()),
        None => shell_word(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_and_verbs_agree_with_their_count() {
        assert_eq!([noun(1, "key"), noun(0, "key"), noun(2, "entry"), noun(1, "entry")], ["key", "keys", "entries", "entry"]);
        assert_eq!((span("entry", 5, 5), span("entry", 5, 7)), ("entry 5".to_owned(), "entries 5 to 7".to_owned()));
        assert_eq!([1u64, 0, 2].map(|count| verb(count, "is", "are")), ["is", "are", "are"]);
    }

    #[test]
    fn a_path_is_one_word_and_no_option() {
        let words = [("a b.db", "'a b.db'"), ("-x.db", "./-x.db"), ("-", "-"), ("-!/m", "-"), ("a.tar!/m", "'a.tar!/m'"), ("", "''")];
        assert_eq!(words.map(|(path, _)| path_word(path).into_owned()), words.map(|(_, word)| word.to_owned()));
    }
}
