//! Codes for bytes as text that are seldom met, by what Secrets and encrypted values look like in them at each alignment. Nothing is decoded:
//! each text is long enough to mean nothing else.
//!
//! | code | | alphabet |
//! |---|---|---|
//! | base32 (RFC 4648) | five bytes are eight characters | `A` to `Z`, `2` to `7` |
//! | ascii85 | four bytes are five characters | `!` to `u` |

use super::super::begun::BeginningOf;

/// What Secrets and encrypted values have in common.
const TOLD: [(&[u8], BeginningOf); 7] = [
    (b"k8s\0\x0a\x0c\x0a\x02v1\x12\x06Secret\x12", BeginningOf::Secret),
    (b"{\"kind\":\"Secret\",\"apiVersion\":\"v1\",", BeginningOf::Secret),
    (b"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",", BeginningOf::Secret),
    (b"{\"apiVersion\":\"v1\",\"data\":{", BeginningOf::Secret),
    (b"kind\": \"Secret\"", BeginningOf::Secret),
    (b"kind: Secret\n", BeginningOf::Secret),
    (b"k8s:enc:", BeginningOf::Sealed),
];
/// Characters that are looked for, so that the end of a line seldom stands within them.
const LENGTH: usize = 14;

/// Fewer could stand anywhere.
const SHORTEST: usize = 5;

/// Each text that is looked for.
pub(super) fn all() -> Vec<(Vec<u8>, BeginningOf)> {
    let in_code = |code: &Code| {
        let at_each = |bytes: &[u8]| (0..code.bytes).map(|before| code.of(before, bytes)).collect::<Vec<_>>();
        TOLD.iter().flat_map(|(bytes, of)| at_each(bytes).into_iter().map(|text| (text, *of))).collect::<Vec<_>>()
    };
    let mut all: Vec<(Vec<u8>, BeginningOf)> = [BASE32, ASCII85].iter().flat_map(in_code).collect();
    all.retain(|(text, _)| text.len() >= SHORTEST);
    all.sort_unstable();
    all.dedup();
    all
}

struct Code {
    /// So many bytes make a group.
    bytes: usize,
    /// So many characters.
    characters: usize,
    radix: u64,
    first: u8,
    /// So many bits are a character; `None`: only a whole group says what it is.
    bits: Option<usize>,
}

const BASE32: Code = Code { bytes: 5, characters: 8, radix: 32, first: b'A', bits: Some(5) };
const ASCII85: Code = Code { bytes: 4, characters: 5, radix: 85, first: b'!', bits: None };

impl Code {
    /// The characters that are of these bytes alone, where so many others stand in the first group.
    fn of(&self, before: usize, bytes: &[u8]) -> Vec<u8> {
        let mut padded = [&vec![0; before][..], bytes].concat();
        let end = padded.len();
        padded.resize(end.checked_next_multiple_of(self.bytes).unwrap_or(end), 0);
        let text: Vec<u8> = padded.chunks_exact(self.bytes).flat_map(|group| self.group(group)).collect();
        let in_groups = |groups: Option<usize>| groups.unwrap_or(0).saturating_mul(self.characters);
        let (first, last) = match self.bits {
            Some(bits) => {
                let at = |bytes: usize| bytes.saturating_mul(8);
                (at(before).div_ceil(bits), at(end).checked_div(bits).unwrap_or(0))
            }
            None => (in_groups(Some(before.div_ceil(self.bytes))), in_groups(end.checked_div(self.bytes))),
        };
        text.get(first..last.min(first.saturating_add(LENGTH))).unwrap_or_default().to_vec()
    }

    fn group(&self, bytes: &[u8]) -> Vec<u8> {
        let mut number = bytes.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        let mut text: Vec<u8> = (0..self.characters)
            .map(|_| {
                let digit = number.checked_rem(self.radix).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
                number = number.checked_div(self.radix).unwrap_or(0);
                // Behind the letters of base32 digits follow, from 2 on.
                if self.radix == 32 && digit >= 26 { digit.saturating_add(b'2' - 26) } else { digit.saturating_add(self.first) }
            })
            .collect();
        text.reverse();
        text
    }
}
