//! Text that speaks of encrypted values: a README, a line of a log. It names the prefix, and what stands behind it are words.

use crate::store::whole;

/// What every encrypted value begins with.
const PREFIX: &[u8] = b"k8s:enc:";
/// So many bytes behind the prefix and what may be of a name are looked at. By chance so many of ciphertext are not text.
const BEHIND: usize = 64;
/// So many before it.
const BEFORE: usize = 24;
/// The shortest text that is told for one.
const SHORTEST: usize = 12;
/// So many bytes of ciphertext before its first zero are not text by chance.
const SHORTEST_BEFORE_ZEROS: usize = 8;
/// What any provider seals is not shorter.
const SHORTEST_BODY: usize = 16;

/// Whether what begins `at` is the prefix in a text, and no value: around it are words, and nothing that may be ciphertext.
pub(in crate::store) fn is_mention(bytes: &[u8], at: usize) -> bool {
    // The next block may be another file's.
    let end = whole::end_of_block((at as u64).saturating_add(1)).min(bytes.len() as u64);
    let there = usize::try_from(end).ok().and_then(|end| bytes.get(at..end)).unwrap_or_default();
    let Some(rest) = there.strip_prefix(PREFIX) else { return false };
    let names = rest.iter().take_while(|byte| is_of_a_name(**byte)).count();
    let (names, behind) = rest.split_at_checked(names).unwrap_or((rest, &[]));
    // A provider, a version and a name; what stands behind them may be ciphertext, whatever it looks like.
    let body = names.splitn(4, |byte| *byte == b':').nth(3).unwrap_or_default();
    if behind.is_empty() || body.len() >= SHORTEST_BODY {
        return false;
    }
    // A text may stand among zeros.
    let before = bytes.get(at.saturating_sub(BEFORE)..at).unwrap_or_default();
    let before = before.rsplit(|byte| *byte == 0).next().unwrap_or_default();
    let behind = behind.get(..BEHIND).unwrap_or(behind);
    let behind = behind.split(|byte| *byte == 0).next().filter(|text| text.len() >= SHORTEST_BEFORE_ZEROS).unwrap_or(behind);
    before.len().saturating_add(behind.len()) >= SHORTEST && is_words(before) && is_words(behind) && !has_escape(behind)
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'/' | b'.' | b'-' | b'_' | b'+' | b'=' | b'@')
}

/// Whether bytes are text for people: ciphertext that was made into text has control characters, or such as stand for what is none. A
/// character may be cut at either end.
fn is_words(bytes: &[u8]) -> bool {
    let start = bytes.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
    let bytes = bytes.get(start..).unwrap_or_default();
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) if e.error_len().is_none() => {
            bytes.get(..e.valid_up_to()).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
        }
        Err(_) => return false,
    };
    text.chars().all(|c| matches!(c, '\n' | '\r' | '\t') || !c.is_control() && c != char::REPLACEMENT_CHARACTER)
}

/// Whether a byte that is no text is written in it: `\x1f`, `\u0012`, `\017`, `%1F`, `=1F`.
fn has_escape(text: &[u8]) -> bool {
    let is_hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    text.windows(3).any(|three| match three {
        [b'\\', b'x' | b'u' | b'U' | b'0'..=b'7', ..] => true,
        [b'%' | b'=', ..] => is_hex(three.get(1)) && is_hex(three.get(2)),
        _ => false,
    })
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    #[test]
    fn words_around_a_prefix_are_told_from_a_value() {
        let noise: Vec<u8> = (0..64u8).map(|at| at.wrapping_mul(37) | 0x80).collect();
        for text in [
            "values bear `k8s:enc:aescbc:v1:` as a prefix",
            "the prefix is k8s:enc:aescbc:v1:key1: and so on",
            "k8s:enc:kms:v2:<name>: is what KMS v2 writes",
            "level=info msg=\"found \\\"k8s:enc:secretbox:v1:\\\" at the beginning\"",
            "k8s:enc: — wie jeder Präfix — steht davor",
            "run: etcdctl get /registry/secrets/x | grep k8s:enc:\nand look\n",
        ] {
            assert!(is_mention(text.as_bytes(), text.find("k8s").unwrap()), "{text}");
        }
        let of = |value: &[u8], behind: &[u8]| [b"some words before\n", value, behind].concat();
        for value in [
            &b"k8s:enc:aescbc:v1:key1:"[..],
            b"k8s:enc:",
            b"k8s:enc:aescbc:v1:ke",
            b"k8s:enc:aescbc:v1:key 1:",
            b"k8s:enc:aescbc:v1:key1: a",
        ] {
            assert!(!is_mention(&of(value, &noise), 18), "{}", value.escape_ascii());
            assert!(!is_mention(&of(value.trim_ascii_end(), b""), 18) || value.contains(&b' '), "{}", value.escape_ascii());
        }
        for behind in ["0123456789abcdef and more words", "\\x01\\u00fe and more words", "a%1F and more words", "a\u{fffd}b and more words"]
        {
            assert!(!is_mention(&of(b"k8s:enc:aescbc:v1:key1:", behind.as_bytes()), 18), "{behind}");
        }
        // A value at the end of a block: what stands behind is another file's.
        let block = usize::try_from(whole::BLOCK).unwrap();
        let mut image = vec![b'w'; block - 23];
        image.extend(b"k8s:enc:aescbc:v1:key1: words of the next file, which are many");
        assert!(!is_mention(&image, block - 23));
    }
}
