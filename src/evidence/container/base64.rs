//! Base64: bytes written as text, in one line or in many. It has no sign of its own, so that it counts only where what comes out is
//! of a form that is known.
//!
//! Source: RFC 4648 §4; RFC 2045 §6.8 for white space between.

use ::base64::alphabet;
use ::base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use ::base64::engine::{DecodePaddingMode, Engine};

use super::unpacked::{Fault, Room, Unpacked, UnpackedContent, UnpackedFile};

/// Padding is cut off before, and what was cut off in the middle of a byte is read as far as it goes.
const READER: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::RequireNone),
);
/// Digits that bytes must begin with to be tried.
const TRIED: usize = 64;

/// Whether bytes begin with enough digits.
pub(in super::super) fn may_be(bytes: &[u8]) -> bool {
    let mut head = bytes.iter().filter(|byte| !byte.is_ascii_whitespace()).take(TRIED);
    let digits = head.by_ref().take_while(|byte| is_digit(**byte)).count();
    digits == TRIED
}

/// Takes out what is written up to the first byte that is no digit, white space aside.
pub(super) fn unpack(bytes: &[u8], room: &mut Room) -> Result<Unpacked, Fault> {
    // Three bytes of four digits.
    room.expect((bytes.len() as u64).div_ceil(4).saturating_mul(3))?;
    let is_of_it = |byte: &u8| is_digit(*byte) || byte.is_ascii_whitespace();
    let (digits, rest) = bytes.split_at_checked(bytes.iter().take_while(|byte| is_of_it(byte)).count()).unwrap_or((bytes, &[]));
    let padding = rest.iter().take_while(|byte| **byte == b'=' || byte.is_ascii_whitespace()).count();
    let behind = rest.get(padding..).unwrap_or_default();
    let mut digits: Vec<u8> = digits.iter().copied().filter(|byte| is_digit(*byte)).collect();
    // One digit alone stands for less than a byte, and those of a last byte may be cut off.
    let is_cut = digits.len() % 4 == 1;
    if is_cut {
        digits.pop();
    }
    let content = READER.decode(&digits).map_err(|error| Fault::Nothing(error.to_string()))?;
    room.hold(content.len());
    let (mut damage, mut left) = (None, Vec::new());
    match behind.len() {
        0 if is_cut => damage = Some(format!("the base64 ends early; {} bytes came out of it and were read", content.len())),
        0 => {}
        more => left.push((None, Fault::Bytes(format!("{more} bytes behind the end of the base64")))),
    }
    let file = UnpackedFile { name: None, content: UnpackedContent::Made(content), damage };
    Ok(Unpacked { files: vec![file], left, ..Unpacked::default() })
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}
