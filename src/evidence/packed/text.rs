//! What stands behind the signs of forms that are text: a text for people may name the sign, and then goes on in words.

/// So much of a header of age is looked at.
const HEADER: usize = 1024;
/// The shortest body of what openssl wrote in base64: half a salt, and a block.
const SHORTEST: usize = 20;

/// Bytes of a header's message authentication code, in base64.
const MAC: usize = 43;

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// The rest behind the end of a line, and whether there is more: a file may be cut anywhere.
fn next_line(bytes: &[u8]) -> Option<&[u8]> {
    bytes.strip_prefix(b"\r\n").or_else(|| bytes.strip_prefix(b"\n"))
}

fn is_words(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

/// Whether these bytes begin as `text` does, as far as they are there.
fn begins(bytes: &[u8], text: &[u8]) -> bool {
    let length = bytes.len().min(text.len());
    bytes.get(..length) == text.get(..length)
}

/// age: a line with a version, the stanzas of recipients, a line with a code, and what is encrypted.
///
/// Source: <https://age-encryption.org/v1>.
pub(super) fn age(bytes: &[u8]) -> bool {
    let Some(rest) = bytes.strip_prefix(b"age-encryption.org/v") else { return false };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let behind = rest.get(digits..).unwrap_or_default();
    if behind.is_empty() {
        return true;
    }
    if digits == 0 || !begins(behind, b"\n-> ") {
        return false;
    }
    let header = behind.get(..HEADER).unwrap_or(behind);
    let Some(code) = memchr::memmem::find(header, b"\n--- ").and_then(|at| header.get(at.saturating_add(b"\n--- ".len())..)) else {
        // Cut, or of many recipients.
        return true;
    };
    let of_code = code.iter().take_while(|byte| is_base64(**byte)).count();
    match code.get(of_code..) {
        None | Some([]) => true,
        // A nonce of 16 bytes, and what is encrypted. In a text that shows a header words follow.
        Some([b'\n', body @ ..]) => of_code == MAC && !is_words(body.get(..SHORTEST).unwrap_or(body)),
        Some(_) => false,
    }
}

/// The first line of what is armored, fields of a header, a line in base64.
fn armored(rest: &[u8]) -> bool {
    if rest.is_empty() {
        return true;
    }
    let Some(mut rest) = next_line(rest) else { return false };
    // OpenPGP has fields such as `Version: ` before an empty line.
    while let Some(line) = memchr::memchr(b'\n', rest.get(..HEADER).unwrap_or(rest)).and_then(|end| rest.get(..=end)) {
        let is_field = line.iter().position(|byte| *byte == b':').is_some_and(|colon| {
            let name = line.get(..colon).unwrap_or_default();
            !name.is_empty() && name.iter().all(u8::is_ascii_alphanumeric)
        });
        if !is_field && !line.trim_ascii().is_empty() {
            break;
        }
        rest = rest.get(line.len()..).unwrap_or_default();
    }
    let digits = rest.iter().take_while(|byte| is_base64(**byte)).count();
    digits >= 4 && matches!(rest.get(digits), None | Some(b'\r' | b'\n')) || digits == rest.len()
}

pub(super) fn age_armored(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b"-----BEGIN AGE ENCRYPTED FILE-----").is_some_and(armored)
}

pub(super) fn pgp_armored(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b"-----BEGIN PGP MESSAGE-----").is_some_and(armored)
}

/// `$ANSIBLE_VAULT;1.1;AES256`, perhaps a label, and a line of hexadecimal digits.
pub(super) fn ansible(bytes: &[u8]) -> bool {
    let Some(rest) = bytes.strip_prefix(b"$ANSIBLE_VAULT;") else { return false };
    let line = rest.get(..HEADER).unwrap_or(rest);
    let end = memchr::memchr(b'\n', line).unwrap_or(line.len());
    if line.get(..end).is_some_and(|line| line.trim_ascii_end().iter().any(u8::is_ascii_whitespace)) {
        return false;
    }
    // A vault within YAML is indented.
    let body = rest.get(end.saturating_add(1)..).unwrap_or_default().trim_ascii_start();
    let digits = body.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    digits == body.len() || digits >= 4 && matches!(body.get(digits), Some(b'\r' | b'\n'))
}

/// `ENC[AES256_GCM,data:…,iv:…`: the data are in base64, and may be none.
pub(super) fn sops(bytes: &[u8]) -> bool {
    let Some(rest) = bytes.strip_prefix(b"ENC[AES256_GCM,data:") else { return false };
    let digits = rest.iter().take_while(|byte| is_base64(**byte)).count();
    rest.get(digits..).is_some_and(|behind| begins(behind, b",iv:"))
}

/// `openssl enc` in base64, with ends of lines in it.
pub(super) fn openssl_base64(bytes: &[u8]) -> bool {
    let digits = bytes.iter().filter(|byte| !matches!(byte, b'\r' | b'\n')).take(SHORTEST).take_while(|byte| is_base64(**byte)).count();
    digits == SHORTEST || digits == bytes.len()
}

/// `openssl enc`: a salt of eight bytes, and blocks.
pub(super) fn openssl(bytes: &[u8]) -> bool {
    bytes.get(8..).is_some_and(|rest| rest.len() > 8 && (rest.len() < SHORTEST || !is_words(rest.get(..SHORTEST).unwrap_or_default())))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::super::Test;
    use super::*;

    #[test]
    fn a_header_of_age_has_its_recipients_and_its_code() {
        let header = format!("age-encryption.org/v1\n-> X25519 {}\n{}\n--- {}\n", "a".repeat(43), "b".repeat(43), "c".repeat(43));
        let file = [header.as_bytes(), &[0xb7; 100]].concat();
        // Also of a file that is cut.
        for end in "age-encryption.org/v".len()..=file.len() {
            assert!(age(&file[..end]), "{end}");
        }
        for text in [
            "age-encryption.org/v1 is the format",
            "age-encryption.org/v1\nis what it begins with\n",
            "age-encryption.org/v\n-> ",
            &format!("{header}and that is the header of a file\n"),
        ] {
            assert!(!age(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn the_other_signs_are_followed_by_what_is_encrypted() {
        let tests: [(Test, &str, &[&str]); 6] = [
            (
                age_armored,
                "-----BEGIN AGE ENCRYPTED FILE-----\r\nYWdlLWVuY3J5cHRpb24=\r\n",
                &["-----BEGIN AGE ENCRYPTED FILE----- stands first", "-----BEGIN AGE ENCRYPTED FILE-----\nis what it begins with"],
            ),
            (
                pgp_armored,
                "-----BEGIN PGP MESSAGE-----\nVersion: 1\nComment: no: one\n\nhQEMA1tS\n",
                &["-----BEGIN PGP MESSAGE-----` is what", "-----BEGIN PGP MESSAGE-----\n\nis what it begins with"],
            ),
            (
                ansible,
                "$ANSIBLE_VAULT;1.2;AES256;dev\n    66383133\n    3031\n",
                &["$ANSIBLE_VAULT;1.1;AES256 is the first line\nof it", "$ANSIBLE_VAULT;1.1;AES256\nis the first line"],
            ),
            (sops, "ENC[AES256_GCM,data:abcd,iv:xx,tag:yy,type:str]", &["ENC[AES256_GCM,data:...]", "ENC[AES256_GCM,data: and so on"]),
            (openssl_base64, "U2FsdGVkX19wYXNzd29y\nZDEyMzQ=", &["U2FsdGVkX1 stands first", "U2FsdGVkX1, the"]),
            (openssl, "Salted__01234567\u{1}\u{2}\u{3}", &["Salted__ is what a file by openssl begins with"]),
        ];
        for (test, real, mentions) in tests {
            assert!(test(real.as_bytes()), "{real}");
            mentions.iter().for_each(|mention| assert!(!test(mention.as_bytes()), "{mention}"));
        }
    }
}
