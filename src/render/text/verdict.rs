//! What a file is called by what its bytes show: whole, damaged, incomplete, not as written.

use super::layout::Tone;
use super::{against, followed};
use crate::evidence::anomaly::Bearing;
use crate::report::EvidenceReport;
use crate::store::Trailer;

/// The verdict in words that claim no more than was looked at.
pub(super) fn verdict(evidence: &EvidenceReport) -> String {
    let bearings: Vec<Bearing> = against(&evidence.anomaly_counts).into_iter().map(|(bearing, _)| bearing).collect();
    let mut words = Vec::new();
    if bearings.contains(&Bearing::Incomplete) {
        words.push("INCOMPLETE: something that belongs to it is missing");
    }
    if bearings.contains(&Bearing::Damaged) {
        words.push("DAMAGED: the structure is broken");
    }
    if bearings.contains(&Bearing::Altered) {
        words.push(match evidence.facts.database().and_then(|database| database.trailer) {
            Some(Trailer::Mismatch) => "NOT AS WRITTEN: it DOES NOT MATCH ITS TRAILER",
            _ => "NOT AS WRITTEN: something stands in it that no writer leaves so",
        });
    }
    if bearings.contains(&Bearing::Undecoded) {
        words.push("its structure is sound; VALUES CANNOT BE DECODED");
    }
    if evidence.judgement.has(Bearing::Divergent) {
        words.push("DIFFERS from another database of its cluster");
    }
    let Some(database) = evidence.facts.database() else {
        return if words.is_empty() { "whole, as far as its own checksums tell".to_owned() } else { words.join("; ") };
    };
    match (words.is_empty(), database.trailer) {
        (false, _) => words.join("; "),
        (true, Some(Trailer::Match)) if database.behind_trailer > 0 => format!("whole; {}", followed(database.behind_trailer)),
        (true, Some(Trailer::Match)) => "whole, matches its own trailer (detects corruption, not forgery)".to_owned(),
        (true, Some(Trailer::Absent)) => "whole, no trailer to check it against".to_owned(),
        (true, _) => "whole; its trailer was not judged, because hashing is off".to_owned(),
    }
}

/// The verdict on one of several files, in as few words as count it.
pub(super) fn worst_word(evidence: &EvidenceReport) -> &'static str {
    let worst = against(&evidence.anomaly_counts).into_iter().map(|(bearing, _)| bearing).max();
    match worst {
        Some(Bearing::Incomplete) => "INCOMPLETE",
        Some(Bearing::Damaged) => "DAMAGED",
        Some(Bearing::Altered) => "NOT AS WRITTEN",
        Some(Bearing::Undecoded) => "with values that CANNOT BE DECODED",
        _ if evidence.judgement.has(Bearing::Divergent) => "DIFFERING from another",
        Some(Bearing::Note | Bearing::Divergent) | None => match evidence.facts.database().map(|database| database.trailer) {
            None => "whole as far as checksums tell",
            Some(Some(Trailer::Match)) => "whole",
            Some(Some(Trailer::Absent)) => "whole without a trailer",
            Some(_) => "whole with the trailer not judged",
        },
    }
}

/// How bad it is.
pub(super) fn tone(evidence: &EvidenceReport) -> Tone {
    let worst = evidence.anomaly_counts.keys().map(|class| class.bearing()).max();
    match worst {
        Some(Bearing::Damaged | Bearing::Altered | Bearing::Divergent) => Tone::Bad,
        Some(Bearing::Incomplete | Bearing::Undecoded) => Tone::Open,
        Some(Bearing::Note) | None => Tone::Said,
    }
}
