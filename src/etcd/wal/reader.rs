//! Reads the records of one segment, and goes on after damage.

use super::chain::{Chain, Resolved, Verdict};
use super::record::{Frame, Invalid, Kind, Record, WORD, beginning, content, length_in};
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::number::le_u64;
use crate::evidence::range;
use crate::evidence::words::{noun, verb};

/// What a disk writes whole or not at all, as etcd takes it.
const SECTOR: u64 = 512;

/// The records of a segment, in file order.
///
/// Time is linear in the segment: after damage the search for the next frame only goes forward, and what it looks at per
/// place is bounded.
#[derive(Debug)]
pub struct Records<'data> {
    bytes: &'data [u8],
    at: usize,
    is_last: bool,
    follows_break: bool,
    /// A record that did not agree with its CRC, until the next one tells why.
    differs: Option<(u64, Kind)>,
    seen: Seen,
}

/// What reading a segment showed.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Damage, with its places.
    pub anomalies: Anomalies,
    /// The running CRC behind the last record.
    pub chain: Chain,
    /// Records read.
    pub records: u64,
    /// Where the last record ends; from here on the segment is zeros, or nothing that could be read.
    pub end: u64,
}

impl<'data> Records<'data> {
    /// Reads `segment`. Only in the last one of a log can a write have been interrupted.
    pub fn new(segment: &'data [u8], chain: Chain, is_last: bool) -> Self {
        let seen = Seen { chain, ..Seen::default() };
        Self { bytes: segment, at: 0, is_last, follows_break: false, differs: None, seen }
    }

    /// What the records read so far showed.
    pub fn finish(mut self) -> Seen {
        self.settle(None);
        self.seen
    }

    fn step(&mut self, rest: &'data [u8]) -> Option<Record<'data>> {
        let Ok((behind, word)) = le_u64(rest) else { return self.end_at(rest) };
        // Every record begins with the tag of its type, so where that stands the word was not zero when it was written.
        if word == 0 && behind.first() != Some(&0x08) {
            return self.zeros(rest);
        }
        match Frame::at(rest) {
            Ok(frame) => {
                let frame = self.retyped(frame);
                Some(self.accept(&frame))
            }
            Err(reason) => self.damaged(behind, word, reason),
        }
    }

    /// Takes a frame that begins here.
    fn accept(&mut self, frame: &Frame<'data>) -> Record<'data> {
        let offset = self.at as u64;
        let end = self.at.saturating_add(WORD).saturating_add(frame.body.len());
        let (crc, resolved) = match frame.kind {
            Kind::Crc => self.seen.chain.restart(frame.crc),
            _ => self.seen.chain.step(frame.crc, frame.data),
        };
        self.settle(resolved);
        let is_torn = crc == Verdict::Differs && self.is_last && self.ends(end) && has_zero_sector(frame.body, self.place_of(frame.body));
        match crc {
            Verdict::Differs if is_torn => self.note_torn(offset),
            Verdict::Differs => self.differs = Some((offset, frame.kind)),
            Verdict::Matches | Verdict::Unchecked => {}
        }
        if !range::is_zero(frame.padding) {
            let place = range::offset_within(self.bytes, frame.padding);
            self.note(Class::WalPaddingNotZero, place, || {
                format!(
                    "{} {} of padding that {} zero",
                    frame.padding.len(),
                    noun(frame.padding.len() as u64, "byte"),
                    verb(frame.padding.len() as u64, "is not", "are not")
                )
            });
        }
        self.at = end;
        self.seen.end = end.min(self.bytes.len()) as u64;
        self.seen.records = self.seen.records.saturating_add(1);
        let follows_break = std::mem::take(&mut self.follows_break);
        let data = if is_torn { frame.data.get(..written(frame.data, self.place_of(frame.data))).unwrap_or_default() } else { frame.data };
        Record { offset, kind: frame.kind, data, crc, follows_break, is_torn }
    }

    /// The frame as that of an entry, where its data are one and no message of the type it bears.
    fn retyped(&mut self, frame: Frame<'data>) -> Frame<'data> {
        let Err(damage) = content(frame.kind, frame.data) else { return frame };
        if frame.kind == Kind::Entry || content(Kind::Entry, frame.data).is_err() {
            return frame;
        }
        let reason = Invalid::Content(frame.kind, damage);
        self.note(Class::WalRecordInvalid, Some(self.at as u64), || format!("{reason}; they are those of an entry"));
        Frame { kind: Kind::Entry, ..frame }
    }

    /// A place that is no frame: by the record's own lengths, by the length word alone, by the next frame behind it.
    fn damaged(&mut self, behind: &'data [u8], word: u64, reason: Invalid) -> Option<Record<'data>> {
        let offset = self.at as u64;
        if let Ok(frame) = Frame::by_record(behind)
            && content(frame.kind, frame.data).is_ok()
            && self.goes_on(self.at.saturating_add(WORD).saturating_add(frame.body.len()))
        {
            self.note(Class::WalRecordInvalid, Some(offset), || format!("{reason}; read by the record's own lengths"));
            return Some(self.accept(&frame));
        }
        let claimed = length_in(word).and_then(|length| usize::try_from(length).ok());
        if let Some(length) = claimed
            && let Some(body) = length.checked_next_multiple_of(WORD).and_then(|padded| behind.get(..padded))
        {
            let end = self.at.saturating_add(WORD).saturating_add(body.len());
            if self.goes_on(end) {
                return self.by_word(body, length, end, reason);
            }
        }
        if let Some(next) = self.next_frame(self.at.saturating_add(WORD)) {
            self.note(Class::WalRecordInvalid, Some(offset), || format!("{reason}; records go on at {next}"));
            self.go_on_at(next);
            return None;
        }
        let body = claimed.and_then(|length| behind.get(..length)).unwrap_or(behind);
        let is_cut = matches!(reason, Invalid::Length { .. });
        match (is_cut || has_zero_sector(body, self.place_of(body)), self.is_last) {
            (true, true) => return self.torn(body, self.bytes.len()),
            (_, false) if is_cut => self.note(Class::FileTruncated, Some(offset), || format!("{reason}; the segment is cut")),
            _ => self.note(Class::WalRecordInvalid, Some(offset), || format!("{reason}; no record is found behind it")),
        }
        self.stop()
    }

    /// A frame whose extent is sound, as what stands behind it shows, and whose record is not.
    fn by_word(&mut self, body: &'data [u8], length: usize, end: usize, reason: Invalid) -> Option<Record<'data>> {
        let offset = self.at as u64;
        if let Some(frame) = Frame::salvage(body, length) {
            self.note(Class::WalRecordInvalid, Some(offset), || format!("{reason}; its data are those of an entry"));
            return Some(self.accept(&frame));
        }
        if self.is_last && self.ends(end) && has_zero_sector(body, self.place_of(body)) {
            return self.torn(body, end);
        }
        self.note(Class::WalRecordInvalid, Some(offset), || format!("{reason}; {length} bytes are passed over"));
        self.go_on_at(end);
        None
    }

    /// The last record, as far as it was written.
    fn torn(&mut self, body: &'data [u8], end: usize) -> Option<Record<'data>> {
        let offset = self.at as u64;
        self.note_torn(offset);
        self.at = end;
        let (kind, data) = beginning(body)?;
        let data = data.get(..written(data, self.place_of(data)))?;
        Some(Record { offset, kind, data, crc: Verdict::Unchecked, follows_break: false, is_torn: true })
    }

    /// A length word of zero: the preallocated rest, unless something stands in it.
    fn zeros(&mut self, rest: &'data [u8]) -> Option<Record<'data>> {
        let Some(first) = first_non_zero(rest) else { return self.stop() };
        let place = self.at.saturating_add(first);
        match self.next_frame(place.saturating_sub(place % WORD)) {
            Some(next) => {
                let offset = self.at as u64;
                self.note(Class::WalRecordInvalid, Some(offset), || format!("zeros where a record should be; records go on at {next}"));
                self.go_on_at(next);
                None
            }
            None => {
                self.note_tail(place);
                self.stop()
            }
        }
    }

    /// Fewer bytes than a length word has, which every writer pads records to: what was written last was cut.
    fn end_at(&mut self, rest: &'data [u8]) -> Option<Record<'data>> {
        let offset = self.at as u64;
        match (range::is_zero(rest), self.is_last) {
            (true, _) => {}
            (false, true) => self.note_torn(offset),
            (false, false) => {
                self.note(Class::FileTruncated, Some(offset), || "the segment is cut within the length of a record".to_owned())
            }
        }
        self.stop()
    }

    /// Whether another frame begins at `at`, or the segment ends there.
    fn goes_on(&self, at: usize) -> bool {
        self.ends(at) || self.bytes.get(at..).is_some_and(|rest| Frame::plausible(rest).is_ok())
    }

    /// Whether there is no further record at `at`.
    fn ends(&self, at: usize) -> bool {
        match self.bytes.get(at..) {
            Some(rest) => rest.iter().take(WORD).all(|byte| *byte == 0),
            None => true,
        }
    }

    fn next_frame(&self, from: usize) -> Option<usize> {
        let whole = self.bytes.len().saturating_sub(WORD);
        (from..whole).step_by(WORD).find(|at| self.bytes.get(*at..).is_some_and(|rest| Frame::plausible(rest).is_ok()))
    }

    fn go_on_at(&mut self, at: usize) {
        self.at = at;
        self.follows_break = true;
        self.seen.chain = Chain::Unknown;
    }

    fn stop(&mut self) -> Option<Record<'data>> {
        self.at = self.bytes.len();
        None
    }

    fn settle(&mut self, resolved: Option<Resolved>) {
        let Some((offset, kind)) = self.differs.take() else { return };
        self.note(Class::WalCrcMismatch, Some(offset), || {
            let why = match (resolved, kind) {
                (_, Kind::Crc) => "it does not go on from what stands before it",
                (Some(Resolved::DataAltered), _) => "its data are not those that were written",
                (Some(Resolved::CrcAltered), _) => "its data are sound, its stored CRC is not",
                (None, _) => "its data or its stored CRC are not those that were written",
            };
            format!("{} does not match its CRC: {why}", kind.name())
        });
    }

    fn place_of(&self, part: &[u8]) -> u64 {
        range::offset_within(self.bytes, part).unwrap_or(0)
    }

    fn note_torn(&mut self, offset: u64) {
        self.note(Class::WalTornRecord, Some(offset), || "the last write was interrupted; etcd passes it over".to_owned());
    }

    fn note_tail(&mut self, place: usize) {
        self.note(Class::WalTailNotZero, Some(place as u64), || "bytes behind the last record that are none".to_owned());
    }

    fn note(&mut self, class: Class, offset: Option<u64>, detail: impl FnOnce() -> String) {
        self.seen.anomalies.note(class, offset, None, detail);
    }
}

impl<'data> Iterator for Records<'data> {
    type Item = Record<'data>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(rest) = self.bytes.get(self.at..).filter(|rest| !rest.is_empty()) {
            if let Some(record) = self.step(rest) {
                return Some(record);
            }
        }
        None
    }
}

/// Whether bytes begin as a segment does: with its CRC record and its metadata. One of the two may be damaged.
pub(crate) fn begins_segment(bytes: &[u8]) -> bool {
    let is = |rest: Option<&[u8]>, kind| rest.is_some_and(|rest| Frame::plausible(rest).is_ok_and(|frame| frame.kind == kind));
    // The CRC record is 4 bytes long where the CRC is 0, 8 at most: one frame of 16 bytes either way.
    is(Some(bytes), Kind::Crc) || is(bytes.get(16..), Kind::Metadata)
}

/// Whether a sector of these bytes, which begin at `place` in the file, is all zeros: its write was interrupted.
fn has_zero_sector(bytes: &[u8], place: u64) -> bool {
    written(bytes, place) < bytes.len()
}

/// How many of these bytes, which begin at `place` in the file, stand before the first sector of zeros.
fn written(bytes: &[u8], place: u64) -> usize {
    let first = usize::try_from(SECTOR.saturating_sub(place % SECTOR)).unwrap_or(0);
    let (head, sectors) = bytes.split_at_checked(first).unwrap_or((bytes, &[]));
    let parts = std::iter::once(head).chain(sectors.chunks(SECTOR as usize));
    parts.take_while(|part| !range::is_zero(part)).map(<[u8]>::len).fold(0, usize::saturating_add)
}

fn first_non_zero(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = 4096;
    let block = bytes.chunks(BLOCK).position(|block| !range::is_zero(block))?.saturating_mul(BLOCK);
    let within = bytes.get(block..)?.iter().position(|byte| *byte != 0)?;
    Some(block.saturating_add(within))
}
