//! Lines of bytes as octal or decimal numbers or as characters, and lines of uuencode.
//!
//! ```text
//! 0000000   k   8   s  \0  \n  \f  \n 002   v   1 022 006      od -c, hexdump -c
//! 0000000 153 070 163 000 012 014 012 002 166 061 022 006      od -b, hexdump -b
//! 0000000 107  56 115   0  10  12  10   2 118  49  18   6      od -t u1
//! 0000000 034153 000163 006012 001012 030566 003022           od; hexdump -o: two bytes, of which the second stands first
//! 0000000 14443   115  3082   522 12662  1554                 od -d; hexdump -d with zeros before
//! M:SAS``H,"@)V,1(&4V5C<F5T$I`!                               uuencode
//! ```

/// How many columns a byte takes, with the blanks before it.
const COLUMN: usize = 4;
/// The same of two bytes in decimal numbers.
const COLUMN_OF_TWO: usize = 6;

/// The bytes of a line without its offset, each with where in the line it stands.
pub(super) fn bytes_of(line: &[u8]) -> Option<Vec<(u8, usize)>> {
    let line = line.trim_ascii_end();
    single(line).or_else(|| words(line))
}

fn single(line: &[u8]) -> Option<Vec<(u8, usize)>> {
    let fields = fields(line, COLUMN)?;
    let all = |is_one: fn(&[u8]) -> bool| fields.iter().all(|(token, _)| is_one(token));
    let is_digits = |token: &[u8]| token.iter().all(u8::is_ascii_digit);
    let read: fn(&[u8]) -> Option<u8> = match (all(|token| token.len() == 3), all(is_digits), all(|token| token.len() != 2)) {
        (true, ..) if all(|token| octal(token).is_some()) => octal,
        (false, true, false) | (true, true, _) => decimal,
        _ => character,
    };
    fields.iter().map(|(token, at)| Some((read(token)?, *at))).collect()
}

/// Tokens that stand at the right of columns of the same width, with a blank before each.
fn fields(line: &[u8], width: usize) -> Option<Vec<(&[u8], usize)>> {
    let mut at = 0usize;
    let mut fields = Vec::new();
    for field in line.chunks(width) {
        // Behind a blank it may be one itself.
        let token = match field {
            [b' ', b' ', b' ', b' '] => b" ",
            field => field.trim_ascii_start(),
        };
        if field.len() != width || field.first() != Some(&b' ') || token != b" " && token.contains(&b' ') {
            return None;
        }
        fields.push((token, at.saturating_add(width.saturating_sub(token.len()))));
        at = at.saturating_add(width);
    }
    (!fields.is_empty()).then_some(fields)
}

fn octal(token: &[u8]) -> Option<u8> {
    number(token, 8).and_then(|number| u8::try_from(number).ok()).filter(|_| token.len() == 3)
}

fn decimal(token: &[u8]) -> Option<u8> {
    number(token, 10).and_then(|number| u8::try_from(number).ok())
}

/// A character as it is, or as C writes it.
fn character(token: &[u8]) -> Option<u8> {
    Some(match token {
        [one] => *one,
        br"\0" => 0,
        br"\a" => 0x07,
        br"\b" => 0x08,
        br"\t" => b'\t',
        br"\n" => b'\n',
        br"\v" => 0x0b,
        br"\f" => 0x0c,
        br"\r" => b'\r',
        // Further bytes of a character.
        b"**" => b'?',
        token => return octal(token),
    })
}

/// Numbers of two bytes each.
fn words(line: &[u8]) -> Option<Vec<(u8, usize)>> {
    let padded = |length: usize| {
        let tokens: Vec<&[u8]> = line.split(|byte| *byte == b' ').filter(|token| !token.is_empty()).collect();
        let is_one = !tokens.is_empty() && tokens.iter().all(|token| token.len() == length);
        let place = |token: &&[u8]| crate::evidence::range::offset_within(line, token).and_then(|at| usize::try_from(at).ok());
        is_one.then(|| tokens.iter().map(|token| (*token, place(token).unwrap_or(0))).collect::<Vec<_>>())
    };
    let (tokens, radix) = match (padded(6), padded(5), fields(line, COLUMN_OF_TWO)) {
        (Some(tokens), ..) => (tokens, 8),
        (None, Some(tokens), _) | (None, None, Some(tokens)) => (tokens, 10),
        (None, None, None) => return None,
    };
    let mut bytes = Vec::new();
    for (token, at) in tokens {
        let [low, high] = u16::try_from(number(token, radix)?).ok()?.to_le_bytes();
        bytes.extend([(low, at), (high, at)]);
    }
    Some(bytes)
}

fn number(token: &[u8], radix: u32) -> Option<u32> {
    let digits = std::str::from_utf8(token).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    u32::from_str_radix(digits, radix).ok()
}

/// The bytes of a line of uuencode: a length, and four characters for three bytes.
pub(super) fn of_uuencode(line: &[u8]) -> Option<Vec<(u8, usize)>> {
    let value = |character: u8| matches!(character, b' '..=b'`').then(|| character.wrapping_sub(b' ') & 0x3f);
    let (length, rest) = line.split_first()?;
    let length = usize::from(value(*length).filter(|length| *length > 0)?);
    // Blanks at the end may be lost.
    let characters = length.div_ceil(3).saturating_mul(4);
    if rest.len() > characters || rest.len().saturating_add(4) <= characters {
        return None;
    }
    let mut bytes = Vec::with_capacity(length);
    for (index, four) in rest.chunks(4).enumerate() {
        let mut bits = 0u32;
        for place in 0..4 {
            bits = bits << 6 | u32::from(value(four.get(place).copied().unwrap_or(b' '))?);
        }
        let at = index.saturating_mul(4).saturating_add(1);
        bytes.extend(bits.to_be_bytes().iter().skip(1).map(|byte| (*byte, at)));
    }
    bytes.truncate(length);
    Some(bytes)
}
