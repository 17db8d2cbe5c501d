//! Protobuf's wire format, read in place: fields of a message as slices of the evidence.
//!
//! ```text
//! message = *( tag value )
//! tag     = varint (field number << 3 | wire type)
//! value   = varint              wire type 0
//!         | 8 bytes             wire type 1
//!         | varint length, data wire type 2
//!         | 4 bytes             wire type 5     (3 and 4, groups, are not used by etcd or Kubernetes)
//! ```
//! Source: the protobuf encoding specification, <https://protobuf.dev/programming-guides/encoding/>.
//!
//! `mvccpb.KeyValue` and KMS v2's `EncryptedObject` are read this way, because a scan looks at every
//! value of a file and needs none of them copied. Property tests hold this reader to what prost decodes.
#![deny(clippy::arithmetic_side_effects)]

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;

/// One more than the largest number of a field.
const MOST_NUMBERS: u32 = 1 << 29;

/// One field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'data> {
    /// The field's number, 1 to 2^29 - 1.
    pub number: u32,
    /// What stands there.
    pub value: Value<'data>,
}

/// A field's value, by wire type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'data> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2: bytes, a string, or a message within.
    Bytes(&'data [u8]),
    /// Wire type 5.
    Fixed32(u32),
}

impl<'data> Field<'data> {
    /// Number and value, to be matched upon.
    pub(crate) fn into_parts(self) -> (u32, Value<'data>) {
        (self.number, self.value)
    }

    /// The bytes of a length-delimited field, else `None`.
    pub fn bytes(self) -> Option<&'data [u8]> {
        match self.value {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The number in a varint field, else `None`.
    pub fn varint(self) -> Option<u64> {
        match self.value {
            Value::Varint(number) => Some(number),
            _ => None,
        }
    }
}

/// Why bytes are not a protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// A varint runs past ten bytes or past the end.
    #[error("a varint does not end")]
    Varint,
    /// A length is larger than what is left.
    #[error("a field of {need} bytes where {have} are left")]
    Length {
        /// Bytes the field claims.
        need: u64,
        /// Bytes left in the message.
        have: u64,
    },
    /// Field number 0, or one past the format's limit.
    #[error("field number {0}")]
    Number(u64),
    /// Groups, or a type the format does not have.
    #[error("wire type {0}")]
    WireType(u8),
    /// Messages within messages, deeper than a reader follows.
    #[error("messages nested more than {0} deep")]
    Nesting(usize),
}

/// The fields of a message in their order. After damage it yields one error and ends.
#[derive(Clone, Debug)]
pub struct Fields<'data> {
    rest: &'data [u8],
}

impl<'data> Fields<'data> {
    /// Starts at the first byte of `message`.
    pub fn new(message: &'data [u8]) -> Self {
        Self { rest: message }
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'data [u8] {
        self.rest
    }

    // Every value of a file is read through this, field by field: a call for each would take longer than the reading.
    #[inline(always)]
    fn read(&mut self) -> Result<Field<'data>, Damage> {
        let (rest, tag) = varint(self.rest)?;
        let number = match u32::try_from(tag >> 3) {
            Ok(number @ 1..MOST_NUMBERS) => number,
            _ => return Err(Damage::Number(tag >> 3)),
        };
        let (rest, value) = match tag & 7 {
            0 => {
                let (rest, number) = varint(rest)?;
                (rest, Value::Varint(number))
            }
            1 => {
                let (bytes, rest) = rest.split_first_chunk().ok_or_else(|| short(8, rest))?;
                (rest, Value::Fixed64(u64::from_le_bytes(*bytes)))
            }
            2 => {
                let (rest, length) = varint(rest)?;
                let split = usize::try_from(length).ok().and_then(|at| rest.split_at_checked(at));
                let (bytes, rest) = split.ok_or_else(|| short(length, rest))?;
                (rest, Value::Bytes(bytes))
            }
            5 => {
                let (bytes, rest) = rest.split_first_chunk().ok_or_else(|| short(4, rest))?;
                (rest, Value::Fixed32(u32::from_le_bytes(*bytes)))
            }
            other => return Err(Damage::WireType(other.to_le_bytes()[0])),
        };
        self.rest = rest;
        Ok(Field { number, value })
    }
}

fn short(need: u64, rest: &[u8]) -> Damage {
    Damage::Length { need, have: rest.len() as u64 }
}

impl<'data> Iterator for Fields<'data> {
    type Item = Result<Field<'data>, Damage>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// A field that a message ends in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CutField<'data> {
    /// The field's number.
    pub number: u32,
    /// What is there of it.
    pub bytes: &'data [u8],
    /// Bytes it was to have.
    pub length: u64,
}

/// The field of bytes in the middle of which a message ends; `None` where it ends between two, or in a damaged place.
pub(crate) fn cut_field(message: &[u8]) -> Option<CutField<'_>> {
    let mut fields = Fields::new(message);
    let mut last = fields.rest();
    while let Some(field) = fields.next() {
        match field {
            Ok(_) => last = fields.rest(),
            Err(Damage::Length { need, .. }) => {
                let (rest, tag) = varint(last).ok()?;
                let (bytes, length) = varint(rest).ok()?;
                let number = u32::try_from(tag >> 3).ok()?;
                return (tag & 7 == 2 && length == need).then_some(CutField { number, bytes, length });
            }
            Err(_) => return None,
        }
    }
    None
}

/// A base-128 varint of at most ten bytes; bits past the 64th are dropped as protobuf's own readers do.
///
/// # Errors
/// It does not end within ten bytes, or within the input.
#[inline(always)]
pub fn varint(input: &[u8]) -> Result<(&[u8], u64), Damage> {
    // Tags, and most lengths, are one byte; most revisions are three or four.
    let low = |byte: &u8| u64::from(byte & 0x7f);
    match input {
        [a, rest @ ..] if *a < 0x80 => Ok((rest, u64::from(*a))),
        [a, b, rest @ ..] if *b < 0x80 => Ok((rest, low(a) | low(b) << 7)),
        [a, b, c, rest @ ..] if *c < 0x80 => Ok((rest, low(a) | low(b) << 7 | low(c) << 14)),
        [a, b, c, d, rest @ ..] if *d < 0x80 => Ok((rest, low(a) | low(b) << 7 | low(c) << 14 | low(d) << 21)),
        _ => long_varint(input),
    }
}

/// How many bytes a number takes as a varint, written as short as it can be.
pub(crate) fn varint_len(number: u64) -> usize {
    (1..10u32).take_while(|groups| number >> groups.saturating_mul(7) != 0).count().saturating_add(1)
}

fn long_varint(input: &[u8]) -> Result<(&[u8], u64), Damage> {
    let mut value = 0u64;
    let mut rest = input;
    for shift in (0u32..70).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or(Damage::Varint)?;
        rest = after;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok((rest, value));
        }
    }
    Err(Damage::Varint)
}
