//! Headless pieces that equal a part of a value that is known: from it they get their key.
//!
//! A value of several pages leaves its later pages behind when its first is written over; the same value may still stand
//! whole in the tree or on other pages, at another place within its page. The first bytes of every piece
//! are therefore looked for at every offset of every such value.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use rayon::prelude::*;

use super::headless::{Kind, Piece};
use crate::mvcc::KeyValue;

/// Bytes at the start of a piece that are looked for.
const PROBE: usize = 32;
/// So many bytes are not alike by chance.
const ALIKE: usize = 1024;
/// A piece is compared with values for at most so many times its length: one that repeats itself matches them everywhere.
const COMPARED: usize = 8;
/// Pieces that begin alike and are looked for. Where more do, their beginning tells nothing.
const SAME_BEGINNING: usize = 64;
/// Bytes of a value that one task looks through.
const PART: usize = 64 * 1024;
/// Such parts of which the places are held at a time.
const WINDOW: usize = 64;
/// Bits of the filter for each piece, and at most.
const BITS_A_PROBE: usize = 64;
const MOST_BITS: usize = 1 << 23;
/// Spreads bits upwards; odd, so that none is lost. Source: Knuth, TAOCP vol. 3, 6.4, multiplicative hashing by the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The known value that a piece is a part of.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Match<'data> {
    /// Its key.
    pub key: &'data [u8],
    /// Its revision; `None` where several revisions hold these bytes.
    pub main: Option<u64>,
    /// All of it.
    pub value: &'data [u8],
    length: usize,
    /// Values of other keys hold the same bytes.
    is_ambiguous: bool,
}

impl<'data> Match<'data> {
    /// Of all of a value.
    pub(super) fn equal(kv: &KeyValue<'data>) -> Self {
        Self { key: kv.key, main: u64::try_from(kv.mod_revision).ok(), value: kv.value, length: kv.value.len(), is_ambiguous: false }
    }

    /// The same where another write has the same bytes: what both say.
    pub(super) fn or_another(self, other: &Self) -> Self {
        let main = self.main.filter(|main| Some(*main) == other.main);
        match self.key == other.key {
            true => Self { main, ..self },
            false => Self { key: &[], main: None, ..self },
        }
    }
}

/// Matches by the address of the piece.
#[derive(Debug, Default)]
pub(in super::super) struct Matches<'data>(HashMap<usize, Match<'data>, FixedState>);

impl<'data> Matches<'data> {
    /// The match of a piece.
    pub(in super::super) fn get(&self, piece: &[u8]) -> Option<&Match<'data>> {
        self.0.get(&piece.as_ptr().addr())
    }

    /// Adds that of a value.
    pub(super) fn add(&mut self, value: &[u8], known: Match<'data>) {
        self.0.insert(value.as_ptr().addr(), known);
    }
}

/// Matches pieces, and divides those of which only the first part matches.
pub(super) fn matches<'data>(pieces: &mut Vec<Piece<'data>>, values: &[KeyValue<'data>]) -> Matches<'data> {
    let mut found = Matches(search(pieces, values).best);
    found.0.retain(|_, known| !known.is_ambiguous);
    let mut divided = Vec::with_capacity(pieces.len());
    for piece in pieces.drain(..) {
        match found.get(piece.bytes).map(|known| piece.bytes.split_at(known.length)) {
            None => divided.push(piece),
            Some((part, rest)) => {
                divided.push(Piece { bytes: part, kind: Some(Kind::Known), ..piece });
                divided.extend((!rest.is_empty()).then(|| Piece { bytes: rest, kind: Kind::of(rest), ..piece }));
            }
        }
    }
    *pieces = divided;
    found
}

/// Looks for the beginning of every piece in all values: where it stands on all cores, what it is worth in the order of the values.
fn search<'data>(pieces: &[Piece<'data>], values: &[KeyValue<'data>]) -> Search<'data> {
    let mut search = Search::default();
    let probes = Probes::of(pieces);
    if probes.by_start.is_empty() {
        return search;
    }
    let parts: Vec<(&KeyValue<'data>, usize)> =
        values.iter().flat_map(|kv| (0..kv.value.len()).step_by(PART).map(move |from| (kv, from))).collect();
    for window in parts.chunks(WINDOW) {
        let met: Vec<Vec<usize>> = window.par_iter().map(|(kv, from)| probes.met_in(kv.value, *from)).collect();
        for ((kv, _), places) in window.iter().zip(met) {
            for at in places {
                let alike = kv.value.get(at..).and_then(<[u8]>::first_chunk).map_or(&[][..], |start| probes.with(start));
                alike.iter().filter_map(|index| pieces.get(*index)).for_each(|piece| search.note(piece.bytes, kv, at));
            }
        }
    }
    search
}

/// The pieces by their first bytes.
struct Probes {
    by_start: HashMap<[u8; PROBE], Vec<usize>, FixedState>,
    /// Bits of which the first eight bytes of every piece set one: nearly all places in a value are dismissed by them, without a look into
    /// the table. They are so many that few are set, and so few that they stay in a core's own cache for some ten thousand pieces.
    filter: Vec<u64>,
    /// How far a product is shifted to give the number of a bit.
    shift: u32,
}

impl Probes {
    fn of(pieces: &[Piece<'_>]) -> Self {
        let mut by_start: HashMap<[u8; PROBE], Vec<usize>, FixedState> = HashMap::default();
        for (index, piece) in pieces.iter().enumerate().filter(|(_, piece)| piece.kind != Some(Kind::Value)) {
            if let Some(start) = piece.bytes.first_chunk::<PROBE>().filter(|start| start.iter().any(|byte| Some(byte) != start.first())) {
                by_start.entry(*start).or_default().push(index);
            }
        }
        by_start.retain(|_, alike| alike.len() <= SAME_BEGINNING);
        let bits = by_start.len().saturating_mul(BITS_A_PROBE).next_power_of_two().clamp(64, MOST_BITS);
        let mut probes = Self { by_start, filter: vec![0; bits / 64], shift: bits.leading_zeros().saturating_add(1) };
        let places: Vec<(usize, u64)> = probes.by_start.keys().map(|start| probes.bit(start)).collect();
        for (word, bit) in places {
            if let Some(word) = probes.filter.get_mut(word) {
                *word |= bit;
            }
        }
        probes
    }

    /// The word and the bit that stand for a beginning.
    #[inline]
    fn bit(&self, start: &[u8; PROBE]) -> (usize, u64) {
        let first = start.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
        let number = first.wrapping_mul(FACTOR) >> self.shift;
        (usize::try_from(number >> 6).unwrap_or(0), 1 << (number & 63))
    }

    /// The pieces that begin so.
    fn with(&self, start: &[u8; PROBE]) -> &[usize] {
        self.by_start.get(start).map_or(&[], Vec::as_slice)
    }

    /// Where in the part of a value that begins at `from` a piece may begin.
    fn met_in(&self, value: &[u8], from: usize) -> Vec<usize> {
        let part = value.get(from..from.saturating_add(PART + PROBE - 1).min(value.len())).unwrap_or_default();
        let is_met = |start: &[u8; PROBE]| {
            let (word, bit) = self.bit(start);
            self.filter.get(word).is_some_and(|word| word & bit != 0) && self.by_start.contains_key(start)
        };
        let starts = part.windows(PROBE).filter_map(<[u8]>::first_chunk).enumerate();
        starts.filter(|(_, start)| is_met(start)).map(|(at, _)| from.saturating_add(at)).collect()
    }
}

/// The longest match of each piece so far.
#[derive(Default)]
struct Search<'data> {
    best: HashMap<usize, Match<'data>, FixedState>,
    /// Bytes that each piece may still be compared with.
    left: HashMap<usize, usize, FixedState>,
}

impl<'data> Search<'data> {
    /// Keeps the longest match; of equally long ones the key where they agree in it. A piece that was compared too often has
    /// none: which of its many matches is the right one, nothing tells.
    fn note(&mut self, piece: &'data [u8], kv: &KeyValue<'data>, at: usize) {
        let address = piece.as_ptr().addr();
        let left = self.left.entry(address).or_insert(piece.len().saturating_mul(COMPARED));
        if *left == 0 {
            return;
        }
        let known = kv.value.get(at..).unwrap_or_default();
        let length = piece.iter().zip(known).take_while(|(a, b)| a == b).count();
        *left = left.saturating_sub(length);
        if *left == 0 {
            self.best.remove(&address);
            return;
        }
        // What ends elsewhere than the piece or the value does is alike by chance, or of a revision that is alike in part.
        let ends_with_either = length == piece.len() || length == known.len();
        if length < PROBE || !ends_with_either && length < ALIKE {
            return;
        }
        let main = u64::try_from(kv.mod_revision).ok().filter(|_| ends_with_either);
        let this = Match { key: kv.key, main, value: kv.value, length, is_ambiguous: false };
        match self.best.get_mut(&address) {
            Some(best) if best.length > length => {}
            Some(best) if best.length == length => {
                best.is_ambiguous |= best.key != kv.key;
                if best.main != main {
                    best.main = None;
                }
            }
            _ => {
                self.best.insert(address, this);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;
    use crate::row::Place;

    fn noise(seed: u64, len: usize) -> Vec<u8> {
        let mut state = seed;
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        };
        (0..len).map(next).collect()
    }

    fn kv<'a>(key: &'a [u8], main: i64, value: &'a [u8]) -> KeyValue<'a> {
        KeyValue { key, value, mod_revision: main, ..KeyValue::default() }
    }

    #[test]
    fn a_piece_gets_the_key_of_the_value_it_is_a_part_of() {
        let (value, other) = (noise(1, 9000), noise(2, 9000));
        let piece = [&value[4001..8001], &noise(3, 50)].concat();
        let mut pieces = vec![Piece { bytes: &piece, place: Place::OverflowTail, pgid: None, kind: None }];
        let found = matches(&mut pieces, &[kv(b"other", 4, &other), kv(b"key", 5, &value)]);
        assert_eq!(
            pieces.iter().filter(|p| p.kind.is_some()).map(|p| (p.bytes.len(), p.kind)).collect::<Vec<_>>(),
            [(4000, Some(Kind::Known))]
        );
        let known = found.get(pieces[0].bytes).unwrap();
        // Another revision may be alike as far, and go on as this piece does.
        assert_eq!((known.key, known.main), (&b"key"[..], None));
    }

    /// A value is looked through in parts, on all cores.
    #[test]
    fn a_piece_is_found_wherever_it_begins_in_a_value() {
        let value = noise(1, 3 * PART + 100);
        for at in [0, 1, PART - PROBE, PART - PROBE + 1, PART - 1, PART, 2 * PART + 7, value.len() - PROBE] {
            let piece = &value[at..value.len().min(at + 4000)];
            let mut pieces = vec![Piece { bytes: piece, place: Place::OverflowTail, pgid: None, kind: None }];
            let found = matches(&mut pieces, &[kv(b"key", 5, &value)]);
            assert_eq!(found.get(piece).map(|known| known.key), Some(&b"key"[..]), "{at}");
        }
    }

    #[test]
    fn what_is_alike_for_a_while_is_not_taken_for_the_same() {
        let (value, other) = (noise(1, 9000), noise(2, 9000));
        let alike = |length: usize| {
            let piece = [&value[4000..4000 + length], &other[..3000]].concat();
            let mut pieces = vec![Piece { bytes: &piece, place: Place::OverflowTail, pgid: None, kind: Some(Kind::Text) }];
            let found = matches(&mut pieces, &[kv(b"key", 5, &value)]);
            found.get(&piece).map(|known| (known.key.to_vec(), known.main))
        };
        assert_eq!(alike(40), None);
        assert_eq!(alike(2000), Some((b"key".to_vec(), None)));
        assert_eq!(alike(5000), Some((b"key".to_vec(), Some(5))));
    }

    #[test]
    fn a_revision_is_said_only_where_one_holds_the_bytes() {
        let value = noise(1, 9000);
        let piece = value[100..6000].to_vec();
        let one = || Piece { bytes: &piece, place: Place::OverflowTail, pgid: None, kind: None };
        let found = matches(&mut vec![one()], &[kv(b"key", 5, &value), kv(b"key", 9, &value)]);
        assert_eq!(found.get(&piece).map(|m| (m.key, m.main)), Some((&b"key"[..], None)));
        let found = matches(&mut vec![one()], &[kv(b"key", 5, &value), kv(b"other", 9, &value)]);
        assert!(found.get(&piece).is_none());
        assert!(matches(&mut vec![one()], &[kv(b"key", 5, &noise(7, 9000))]).get(&piece).is_none());
    }

    #[test]
    fn a_piece_that_matches_everywhere_is_not_matched() {
        let value = noise(1, 40).repeat(2000);
        let piece = value[..40_000].to_vec();
        let mut pieces = vec![Piece { bytes: &piece, place: Place::OverflowTail, pgid: None, kind: None }];
        assert!(matches(&mut pieces, &[kv(b"key", 5, &value)]).get(&piece).is_none());
    }
}
