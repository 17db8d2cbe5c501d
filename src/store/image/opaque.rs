//! Bytes that show nothing of what they hold: compressed or encrypted in a form that has no sign, such as raw deflate, brotli, a binary
//! message of OpenPGP.
//!
//! They are told by how even they are. Blocks are judged each by itself, so that such bytes are seen beside any others.

use std::ops::Range;

use rayon::prelude::*;

use super::begun::{BeginningOf, Begun, PassedOverForm};
use crate::evidence::evenness::Evenness;
use crate::evidence::range;

/// Bytes that are judged together.
const BLOCK: usize = Evenness::BLOCK;
/// Blocks that one task judges.
const TASK: usize = 1 << 12;
/// Even bytes that programs and pictures have here and there: tables of codes and checksums.
const USUAL: usize = 4096;
/// Of smaller files less than that is not usual: one part in so many.
const PARTS: usize = 16;

/// Where bytes stand that hold none that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    /// Bytes of which nothing is known, where even ones are no surprise here and there.
    Any,
    /// A place of a known form where a writer leaves nothing.
    Unused,
}

/// The runs of such bytes beside what is read and beside what has `begun` to be told, which may go on in them.
pub(super) fn runs(bytes: &[u8], are_read: Vec<Range<u64>>, begun: &[Begun], ground: Ground) -> Vec<Begun> {
    let least = match ground {
        Ground::Any => bytes.len().checked_div(PARTS).unwrap_or(0).clamp(BLOCK, USUAL),
        Ground::Unused => BLOCK,
    };
    let of_part = |part: &[u8]| {
        let start = range::offset_within(bytes, part)?;
        let place = |at: usize| start.saturating_add(at as u64);
        Some(runs_of(part, least).into_iter().map(move |run| place(run.start)..place(run.end)).collect::<Vec<_>>())
    };
    let runs: Vec<Range<u64>> = range::beside(bytes, are_read).into_par_iter().filter_map(of_part).flatten().collect();
    let goes_on = |begun: &&Begun| begun.of == BeginningOf::Stream || begun.form == PassedOverForm::NoEnd;
    let mut told: Vec<u64> = begun.iter().filter(goes_on).map(|begun| begun.at).collect();
    told.sort_unstable();
    let is_told = |run: &Range<u64>| {
        let from = run.start.saturating_sub(BLOCK as u64);
        told.get(told.partition_point(|at| *at < from)).is_some_and(|at| *at < run.end)
    };
    runs.into_iter().filter(|run| !is_told(run)).map(|run| Begun::opaque(run.start)).collect()
}

/// The runs in bytes of which none are read. A block that chance made uneven does not end one.
fn runs_of(bytes: &[u8], least: usize) -> Vec<Range<usize>> {
    let even: Vec<bool> = bytes
        .par_chunks(TASK.saturating_mul(BLOCK))
        .flat_map_iter(|part| part.chunks(BLOCK).map(|block| !range::is_zero(block) && Evenness::of(block) == Evenness::Even))
        .collect();
    let mut runs: Vec<Range<usize>> = Vec::new();
    for at in even.into_iter().enumerate().filter_map(|(number, is_even)| is_even.then_some(number.saturating_mul(BLOCK))) {
        let end = at.saturating_add(BLOCK);
        match runs.last_mut().filter(|run| at <= run.end.saturating_add(BLOCK)) {
            Some(run) => run.end = end,
            None => runs.push(at..end),
        }
    }
    runs.retain(|run| run.len() >= least);
    runs
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests {
    use std::io::Write;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest, Sha256};

    use super::*;

    fn words(count: u64) -> Vec<u8> {
        (0..count)
            .flat_map(|number| format!("item {} of namespace ns-{}: not ready\n", number * 7919 % 10_007, number % 13).into_bytes())
            .collect()
    }

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        deflate.write_all(bytes).unwrap_or_default();
        deflate.finish().unwrap_or_default()
    }

    fn drawn(count: u64) -> Vec<u8> {
        (0..count).flat_map(|number| Sha256::digest(number.to_le_bytes())).collect()
    }

    fn are_told(bytes: &[u8], ground: Ground) -> bool {
        !runs(bytes, Vec::new(), &[], ground).is_empty()
    }

    #[test]
    fn what_is_compressed_or_drawn_is_opaque_and_nothing_else() {
        let database = include_bytes!("../../../testdata/migration.db");
        let with_zeros = [&vec![0; 8 << 20][..], database, &vec![0; 4 << 20]].concat();
        for bytes in
            [deflated(database), deflated(&with_zeros), drawn(8), drawn(40_000), zstd::bulk::compress(database, 19).unwrap_or_default()]
        {
            assert!(are_told(&bytes, Ground::Any) && are_told(&bytes, Ground::Unused), "{} bytes", bytes.len());
        }
        let numbers: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        for bytes in [words(5000), STANDARD.encode(drawn(1000)).into_bytes(), numbers, vec![0; 9000], drawn(7), Vec::new()] {
            assert!(!are_told(&bytes, Ground::Any) && !are_told(&bytes, Ground::Unused), "{} bytes", bytes.len());
        }
    }

    #[test]
    fn opaque_bytes_are_seen_beside_any_others_and_not_where_they_are_read_or_told() {
        let (text, packed) = (words(400), deflated(&drawn(200)));
        let at = text.len() as u64;
        let bytes = [&text[..], &packed, &text].concat();
        let found = runs(&bytes, Vec::new(), &[], Ground::Any);
        assert!(found.len() == 1 && found[0].at.abs_diff(at) < BLOCK as u64, "{found:?}");
        let end = at + packed.len() as u64;
        assert_eq!(runs(&bytes, std::iter::once(at..end).collect(), &[], Ground::Any), []);
        let stream = Begun { at, form: PassedOverForm::Compressed, of: BeginningOf::Stream };
        assert_eq!(runs(&bytes, Vec::new(), &[stream], Ground::Any), []);
        assert_eq!(
            runs(&bytes, Vec::new(), &[Begun { form: PassedOverForm::Text, of: BeginningOf::Secret, ..stream }], Ground::Any),
            found
        );
        assert_eq!(runs(&bytes, Vec::new(), &[Begun { at: end + 9, ..stream }], Ground::Any), found);
    }
}
