//! What was sent to a KMS is cut out of what it says: an error's text goes to screens, records and a ledger, and some KMS repeat in it
//! the wrapped key that they were given.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// So many characters that stand in a row in what was sent, too, are of it.
const LEAST: usize = 16;
/// So many bytes of what was sent are looked for; API servers take DEK sources of 1,024.
const MOST: usize = 4096;
const CUT: &str = "[what was sent]";

/// A character as it is kept and looked for: what a terminal would obey is a blank.
pub(super) fn plain(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// Text without what was sent: its bytes as text, in base64, in hexadecimal digits, in a list of numbers, or as Go quotes them.
pub(super) fn without(text: &str, sent: &[u8]) -> String {
    let text: Vec<char> = text.chars().collect();
    let mut is_sent = vec![false; text.len()];
    for form in forms(sent.get(..MOST).unwrap_or(sent)) {
        // A wrapped key that is shorter is none; its whole form is looked for all the same.
        let least = LEAST.min(form.len());
        if least < LEAST / 2 {
            continue;
        }
        let known: HashSet<&[char]> = form.windows(least).collect();
        for (at, window) in text.windows(least).enumerate() {
            if known.contains(window) {
                is_sent.iter_mut().skip(at).take(least).for_each(|is| *is = true);
            }
        }
    }
    let mut kept = String::new();
    let mut was_sent = false;
    for (c, is_sent) in text.iter().zip(is_sent) {
        match is_sent {
            false => kept.push(*c),
            true if !was_sent => kept.push_str(CUT),
            true => {}
        }
        was_sent = is_sent;
    }
    kept
}

/// How bytes may stand in text.
fn forms(sent: &[u8]) -> Vec<Vec<char>> {
    let list = |parts: Vec<String>, between: &str| parts.join(between);
    let each = |form: fn(&u8) -> String| sent.iter().map(form).collect::<Vec<_>>();
    let mut forms = vec![
        String::from_utf8_lossy(sent).chars().map(plain).collect(),
        list(each(|byte| format!("{byte:02x}")), ""),
        list(each(|byte| format!("{byte:02X}")), ""),
        list(each(|byte| format!("{byte:02x}")), " "),
        list(each(|byte| format!("{byte:02x}")), ":"),
        list(each(ToString::to_string), " "),
        list(each(ToString::to_string), ", "),
        list(each(ToString::to_string), ","),
        list(each(go_quoted), ""),
    ];
    // Base64 of what begins within it: in every alignment.
    for from in 0..3 {
        let rest = sent.get(from..).unwrap_or_default();
        forms.extend([STANDARD_NO_PAD.encode(rest), URL_SAFE_NO_PAD.encode(rest)]);
    }
    forms.into_iter().map(|form| form.chars().collect()).collect()
}

/// A byte as `%q` of Go writes it, where it is no part of a longer character.
fn go_quoted(byte: &u8) -> String {
    match byte {
        7 => r"\a".to_owned(),
        8 => r"\b".to_owned(),
        9 => r"\t".to_owned(),
        10 => r"\n".to_owned(),
        11 => r"\v".to_owned(),
        12 => r"\f".to_owned(),
        13 => r"\r".to_owned(),
        b'"' => "\\\"".to_owned(),
        b'\\' => r"\\".to_owned(),
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_cut_out_however_it_is_written_and_the_rest_is_kept() {
        let sent: Vec<u8> = (0..200u8).map(|number| number.wrapping_mul(37)).collect();
        let quoted: String = sent.iter().map(go_quoted).collect();
        let written = [
            STANDARD_NO_PAD.encode(&sent),
            format!("{}==", URL_SAFE_NO_PAD.encode(sent.get(1..).unwrap_or_default())),
            sent.iter().map(|byte| format!("{byte:02X}")).collect(),
            format!("{sent:?}"),
            quoted,
        ];
        for blob in written {
            let text = without(&format!("cannot decrypt {blob}: key is disabled"), &sent);
            assert!(text.starts_with("cannot decrypt ") && text.ends_with(": key is disabled") && text.len() < 80, "{text}");
            // Also where it was cut off.
            let cut: String = blob.chars().take(60).collect();
            let text = without(&format!("cannot decrypt {cut}…"), &sent);
            assert!(text.starts_with("cannot decrypt ") && text.len() < 60, "{text}");
        }
        let words = "vault:v1:QUJDREVGR0hJSktMTU5P is not known";
        assert_eq!(without(words, b"vault:v1:QUJDREVGR0hJSktMTU5P"), "[what was sent] is not known");
        for kept in ["", "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-1111-4aaa-8aaa-000000000001 is disabled", "1 2 3"] {
            assert_eq!(without(kept, &sent), kept);
            assert_eq!(without(kept, b""), kept);
        }
    }
}
