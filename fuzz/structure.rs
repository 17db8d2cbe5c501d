//! Changes to a database that know its structure: one field gets a value that is likely to matter, or one page is put where
//! another stands; then both metas get their checksums again.
//!
//! | what is changed | where |
//! |---|---|
//! | number, flags, count, overflow | the header of any page |
//! | flags, pos, ksize, vsize; pos, ksize, pgid | an element of a leaf; of a branch |
//! | an id | the freelist |
//! | page size, root, freelist, high-water mark, transaction | a meta |
//! | a whole page | copied over another, zeroed, or the file's end cut off |

use fastrand::Rng;

use crate::targets::with_valid_metas;

const HEADER: usize = 16;
const ELEMENT: usize = 16;
/// Fields of a page header, of an element and of a meta: offset and size in bytes.
const OF_HEADER: [(usize, usize); 4] = [(0, 8), (8, 2), (10, 2), (12, 4)];
const OF_ELEMENT: [(usize, usize); 5] = [(0, 4), (4, 4), (8, 4), (12, 4), (8, 8)];
const OF_META: [(usize, usize); 5] = [(24, 4), (32, 8), (48, 8), (56, 8), (64, 8)];

/// Changes the first `size` bytes of `data` in place; returns how many there are then.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut rng = Rng::with_seed(u64::from(seed));
    // Half of the changes are those of a fuzzer that knows nothing.
    if rng.bool() {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let mut bytes = data[..size].to_vec();
    for _ in 0..rng.usize(1..4) {
        change(&mut bytes, &mut rng);
    }
    let bytes = with_valid_metas(&bytes);
    let len = bytes.len().min(max_size);
    data[..len].copy_from_slice(&bytes[..len]);
    len
}

fn change(bytes: &mut Vec<u8>, rng: &mut Rng) {
    let page_size =
        get(bytes, 24, 4).and_then(|size| usize::try_from(size).ok()).filter(|size| (1024..=65536).contains(size)).unwrap_or(1024);
    let pages = bytes.len() / page_size;
    if pages < 3 {
        return;
    }
    let page = rng.usize(2..pages) * page_size;
    let count = get(bytes, page + 10, 2).unwrap_or(0).clamp(1, 64);
    let element = page + HEADER + ELEMENT * usize::try_from(rng.u64(0..count)).unwrap_or(0);
    let (at, len) = match rng.u8(0..10) {
        0..3 => field(page, &OF_HEADER, rng),
        3..6 => field(element, &OF_ELEMENT, rng),
        6 => (page + HEADER + 8 * usize::try_from(rng.u64(0..count)).unwrap_or(0), 8),
        7 => field(rng.usize(0..2) * page_size, &OF_META, rng),
        8 => {
            let from = rng.usize(0..pages) * page_size;
            bytes.copy_within(from..from + page_size, page);
            return;
        }
        _ => match rng.bool() {
            true => return bytes.truncate(page),
            false => return bytes[page..page + page_size].fill(0),
        },
    };
    let Some(known) = get(bytes, at, len) else { return };
    let value = likely(known, pages as u64, page_size as u64, rng);
    bytes[at..at + len].copy_from_slice(&value.to_le_bytes()[..len]);
}

fn field(base: usize, fields: &[(usize, usize)], rng: &mut Rng) -> (usize, usize) {
    let (at, len) = fields[rng.usize(0..fields.len())];
    (base + at, len)
}

/// Numbers that code which trusts them would fall over.
fn likely(known: u64, pages: u64, page_size: u64, rng: &mut Rng) -> u64 {
    match rng.u8(0..12) {
        0 => 0,
        1 => 1,
        2 => u64::MAX,
        3 => u64::MAX >> rng.u32(0..64),
        4 => known.wrapping_add(1),
        5 => known.wrapping_sub(1),
        6 => known ^ (1 << rng.u32(0..64)),
        7 => pages,
        8 => page_size,
        9 => rng.u64(0..page_size * 2),
        _ => rng.u64(0..pages + 2),
    }
}

fn get(bytes: &[u8], at: usize, len: usize) -> Option<u64> {
    let found = bytes.get(at..at.checked_add(len)?)?;
    Some(found.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}
