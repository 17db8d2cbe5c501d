//! What comes out of a gzip within other bytes.

use std::io::Read;

use flate2::bufread::GzDecoder;

/// The first `most` bytes that come out of a gzip, and how many bytes of it were taken. What is cut off, or goes on as something else, shows
/// what came out before; what is none shows nothing.
pub(crate) fn gunzip(bytes: &[u8], most: usize) -> (Vec<u8>, usize) {
    let (mut out, mut gzip) = (Vec::new(), GzDecoder::new(bytes).take(most as u64));
    // An error ends it, as its end does.
    let _ = gzip.read_to_end(&mut out);
    let left = gzip.into_inner().into_inner().len();
    (out, bytes.len().saturating_sub(left))
}
