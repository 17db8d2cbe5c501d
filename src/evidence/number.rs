//! Fixed-width numbers as nom parsers.
//!
//! nom's own go byte by byte; a scan reads four of these for every element of every page.

use nom::error::{Error, ErrorKind};
use nom::{Err, IResult};

macro_rules! numbers {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $read:ident;)+) => {
        $($(#[doc = $doc])+
        ///
        /// # Errors
        /// The input is shorter.
        #[inline]
        pub fn $name(input: &[u8]) -> IResult<&[u8], $type> {
            match input.split_first_chunk() {
                Some((bytes, rest)) => Ok((rest, <$type>::$read(*bytes))),
                None => Err(Err::Error(Error::new(input, ErrorKind::Eof))),
            }
        })+
    };
}

numbers! {
    /// A little-endian u16.
    le_u16: u16 = from_le_bytes;
    /// A little-endian u32.
    le_u32: u32 = from_le_bytes;
    /// A little-endian u64.
    le_u64: u64 = from_le_bytes;
    /// A big-endian u16.
    be_u16: u16 = from_be_bytes;
    /// A big-endian u64.
    be_u64: u64 = from_be_bytes;
}
