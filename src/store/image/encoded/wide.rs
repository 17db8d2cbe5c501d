//! Text of which each character takes two bytes or four, and the characters that it stands for.
//!
//! ```text
//! 7b 00 22 00 6b 00 69 00      UTF-16, the low byte first: what Windows PowerShell writes into a file
//! 00 7b 00 22 00 6b 00 69      the high byte first
//! 7b 00 00 00 22 00 00 00      UTF-32
//! ```
//! All that is looked for is ASCII: every other byte of it is zero. A few characters that are not may stand between.

use std::ops::Range;

use super::super::begun::PassedOverForm;
use super::decoded::Decoded;

/// Bytes that are looked at in one go. Text of twice as many has a block like this in it, wherever it begins.
const BLOCK: usize = 16;
/// Every other byte of a block.
const EVERY_OTHER: [u128; 2] = [u128::MAX / 0xffff * 0xff, u128::MAX / 0xffff * 0xff00];
/// So many characters before and behind a window are read for what begins in it.
const AROUND: usize = 1024;

/// What stands for a character that is not of ASCII.
const OTHER: u8 = b'?';

/// Where each character begins in a block, and how many bytes it takes.
#[derive(Clone, Copy)]
struct Form {
    width: usize,
    /// Of the bytes of a character the one that is not zero.
    low: usize,
}

const FORMS: [Form; 6] = [
    Form { width: 2, low: 0 },
    Form { width: 2, low: 1 },
    Form { width: 4, low: 0 },
    Form { width: 4, low: 1 },
    Form { width: 4, low: 2 },
    Form { width: 4, low: 3 },
];

impl Form {
    /// The form of a block of which every character is of ASCII.
    fn of(block: [u8; BLOCK]) -> Option<Self> {
        FORMS.into_iter().find(|form| {
            block.iter().enumerate().all(|(at, byte)| match at.checked_rem(form.width) == Some(form.low) {
                true => is_text(*byte),
                false => *byte == 0,
            })
        })
    }
}

/// The character whose low byte stands `at`. Its high byte stands before it or behind it; the other one of these is its neighbour's.
fn character(bytes: &[u8], at: usize) -> Option<u8> {
    let low = *bytes.get(at)?;
    let neighbours = [at.checked_sub(1), at.checked_add(1)].map(|at| at.and_then(|at| bytes.get(at)).copied().unwrap_or(0));
    match neighbours[0].min(neighbours[1]) {
        0 if is_text(low) => Some(low),
        0 if low < 0x80 => None,
        // One of another language.
        0..0x30 => Some(OTHER),
        _ => None,
    }
}

fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')
}

/// Shows the characters of each text that stands in a window, with some before it and behind it.
pub(super) fn each_run(bytes: &[u8], window: Range<usize>, mut see: impl FnMut(&Decoded)) {
    let mut at = window.start;
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk::<BLOCK>()).filter(|_| at < window.end) {
        let next = at.saturating_add(BLOCK);
        // One byte in two at least is zero, and not all are.
        let halves = EVERY_OTHER.map(|half| u128::from_le_bytes(*block) & half == 0);
        let form = if halves[0] == halves[1] { None } else { Form::of(*block) };
        let Some(form) = form else {
            at = next;
            continue;
        };
        let run = run(bytes, at.saturating_add(form.low), form, window.end);
        see(&run);
        let blocks = run.end().saturating_sub(window.start).div_ceil(BLOCK);
        at = next.max(window.start.saturating_add(blocks.saturating_mul(BLOCK)));
    }
}

/// The text around a character.
fn run(bytes: &[u8], at: usize, form: Form, until: usize) -> Decoded {
    let around = form.width.saturating_mul(AROUND);
    let mut start = at;
    while let Some(before) = start.checked_sub(form.width).filter(|before| at.saturating_sub(*before) <= around) {
        if character(bytes, before).is_none() {
            break;
        }
        start = before;
    }
    let mut run = Decoded::of(PassedOverForm::Wide);
    let until = until.saturating_add(around);
    while let Some(character) = character(bytes, start).filter(|_| start < until) {
        // At its ends another one is by chance.
        if character != OTHER || !run.bytes().is_empty() {
            run.push(character, start);
        }
        start = start.saturating_add(form.width);
    }
    run.trim_end(OTHER);
    run
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    fn wide(text: &str, width: usize, is_big: bool) -> Vec<u8> {
        let units = text.chars().map(u32::from);
        units
            .flat_map(|unit| {
                let (little, big) = (unit.to_le_bytes(), unit.to_be_bytes());
                if is_big { big[4 - width..].to_vec() } else { little[..width].to_vec() }
            })
            .collect()
    }

    fn texts(bytes: &[u8], window: Range<usize>) -> Vec<(String, Option<usize>)> {
        let mut all = Vec::new();
        each_run(bytes, window, |run| all.push((String::from_utf8_lossy(run.bytes()).into_owned(), run.place(0))));
        all
    }

    #[test]
    fn text_is_told_wherever_it_begins_and_in_any_order_of_bytes() {
        let text = "kind: Secret\nmetadata:\n  name: für-uns\n";
        for (width, is_big) in [(2, false), (2, true), (4, false), (4, true)] {
            for before in 0..20 {
                let bytes = [&vec![0x91; before][..], &wide(text, width, is_big), &[0x91; 9]].concat();
                let place = before + if is_big { width - 1 } else { 0 };
                let found = texts(&bytes, 0..bytes.len());
                assert_eq!(found, [(text.replace('ü', "?"), Some(place))], "{width} {is_big} {before}");
            }
        }
    }

    #[test]
    fn bytes_with_zeros_between_them_are_no_text() {
        let numbers: Vec<u8> = (0..4096u16).flat_map(|number| (number % 9).to_le_bytes()).collect();
        assert_eq!(texts(&numbers, 0..numbers.len()), []);
        assert_eq!(texts(&[0; 4096], 0..4096), []);
        assert_eq!(texts(&[b' '; 4096], 0..4096), []);
    }

    /// Each window shows what stands in it, however long the text is: the work is linear.
    #[test]
    fn a_long_text_is_shown_in_parts() {
        let bytes = wide(&"0123456789".repeat(2000), 2, false);
        let shown = texts(&bytes, 20_000..24_000);
        assert_eq!(shown.len(), 1);
        assert_eq!((shown[0].1, shown[0].0.len()), (Some(20_000 - 2 * AROUND), 2000 + 2 * AROUND));
    }
}
