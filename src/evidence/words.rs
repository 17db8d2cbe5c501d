//! Words that agree with a count.

use std::borrow::Cow;
use std::path::Path;

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

/// Whether a terminal does not show a character but obeys it, or shows the text around it in another order.
pub(crate) fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// A word as a shell reads it: bash, where it holds characters that a terminal obeys.
pub(crate) fn shell_word(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:,@%=".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        Cow::Borrowed(word)
    } else if word.chars().any(is_obeyed) {
        // What a terminal obeys can be pasted only where it is written.
        let escaped = |c: char| match c {
            '\'' | '\\' => format!("\\{c}"),
            _ if c.is_ascii() && is_obeyed(c) => format!("\\x{:02x}", u32::from(c)),
            _ if is_obeyed(c) => format!("\\U{:08x}", u32::from(c)),
            _ => c.to_string(),
        };
        Cow::Owned(format!("$'{}'", word.chars().map(escaped).collect::<String>()))
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

/// A path as a shell and this program read it: one that begins with a hyphen is no option, and what came from standard input is read there.
pub(crate) fn path_word(path: &Path) -> String {
    let Some(text) = path.to_str() else { return word_of_bytes(path.as_os_str().as_encoded_bytes()) };
    match text.strip_prefix('-') {
        Some(rest) if rest.is_empty() || rest.starts_with('!') => "-".to_owned(),
        Some(_) => shell_word(&format!("./{text}")).into_owned(),
        None => shell_word(text).into_owned(),
    }
}

/// A path that is no text, as bash reads it.
fn word_of_bytes(path: &[u8]) -> String {
    let directory = if path.starts_with(b"-") { "./" } else { "" };
    let escaped = |byte: &u8| match byte {
        b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    format!("$'{directory}{}'", path.iter().map(escaped).collect::<String>())
}

/// A path as text, in which a byte that is none is written as `\xff`: two files are never called the same.
pub(crate) fn path_text(path: &Path) -> Cow<'_, str> {
    match path.to_str() {
        Some(text) => Cow::Borrowed(text),
        None => {
            let chunks = path.as_os_str().as_encoded_bytes().utf8_chunks();
            let text = |chunk: std::str::Utf8Chunk<'_>| [chunk.valid(), &chunk.invalid().escape_ascii().to_string()].concat();
            Cow::Owned(chunks.map(text).collect())
        }
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

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_terminal_obeys_is_a_word_that_bash_reads() {
        let words = ["a\nb", "\u{1b}[2J'.db", "x\\\u{202e}y z", "\u{85}"];
        for word in words {
            let quoted = shell_word(word);
            assert!(quoted.starts_with("$'") && !quoted.chars().any(is_obeyed), "{quoted}");
            let echo = std::process::Command::new("bash").env("LC_ALL", "C.UTF-8").args(["-c", &format!("printf %s {quoted}")]).output();
            assert!(echo.is_ok_and(|echo| echo.stdout == word.as_bytes()), "{quoted}");
        }
    }

    #[test]
    fn a_path_is_one_word_and_no_option() {
        let words = [("a b.db", "'a b.db'"), ("-x.db", "./-x.db"), ("-", "-"), ("-!/m", "-"), ("a.tar!/m", "'a.tar!/m'"), ("", "''")];
        assert_eq!(words.map(|(path, _)| path_word(Path::new(path))), words.map(|(_, word)| word.to_owned()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_path_that_is_no_text_is_told_by_its_bytes() {
        use std::os::unix::ffi::OsStrExt;
        let paths: [&[u8]; 4] = [b"snap-\xff.db", b"-\xc3'\\x", b"\xc3\xa4 \xe4\n", b"a/\xfe0.db"];
        for bytes in paths {
            let path = Path::new(std::ffi::OsStr::from_bytes(bytes));
            let quoted = path_word(path);
            let echo = std::process::Command::new("bash").args(["-c", &format!("printf %s {quoted}")]).output().unwrap().stdout;
            assert!(quoted.is_ascii() && !quoted.chars().any(is_obeyed), "{quoted}");
            assert_eq!(echo.strip_prefix(b"./").unwrap_or(&echo), bytes, "{quoted}");
        }
        let texts = paths.map(|bytes| path_text(Path::new(std::ffi::OsStr::from_bytes(bytes))).into_owned());
        assert_eq!(texts[0], r"snap-\xff.db");
        assert_eq!(texts[2], "\u{e4} \\xe4\n");
    }
}
