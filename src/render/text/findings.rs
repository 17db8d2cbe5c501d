//! What was found, why it matters and what removes it, place by place.

use std::collections::BTreeMap;

use super::layout::Tone;
use super::marks::PARAGRAPH;
use super::thousands;
use crate::evidence::count::{Count, Matches};
use crate::finding::{Rule, Severity};
use crate::report::EvidenceReport;

/// The word of a severity, in its colour.
fn severity(severity: Severity) -> String {
    match severity {
        Severity::Error => Tone::Bad.paint(severity.name()),
        Severity::Warning => Tone::Open.paint(severity.name()),
        Severity::Note => severity.name().to_owned(),
    }
}

/// The findings of a member, the worst first. What is about objects counts each of them once, over all of the member's files.
pub(super) fn findings<'a>(whole: &EvidenceReport, parts: impl IntoIterator<Item = &'a EvidenceReport>) -> String {
    let of_parts = parts.into_iter().flat_map(|part| &part.judgement.findings).filter(|finding| !finding.rule.is_about_objects());
    let of_whole = whole.judgement.findings.iter().filter(|finding| finding.rule.is_about_objects());
    let mut counts = BTreeMap::<Rule, (Count<Matches>, Option<Count<Matches>>)>::new();
    for finding in of_whole.chain(of_parts) {
        let (count, nowhere_newer) = counts.entry(finding.rule).or_default();
        count.add(finding.count);
        *nowhere_newer = finding.nowhere_newer;
    }
    if counts.is_empty() {
        return String::new();
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(rule, _)| (std::cmp::Reverse(rule.severity()), *rule));
    let mut out = "\nFindings\n".to_owned();
    for (rule, (count, nowhere_newer)) in counts {
        let count = match nowhere_newer {
            Some(newest) if newest < count => {
                format!(" ({}; {} of them can also be read in a newer place)", thousands(count), thousands(count.without(newest)))
            }
            _ if count > 1 || rule.is_about_objects() => format!(" ({})", thousands(count)),
            _ => String::new(),
        };
        out.push_str(&format!("  {}: {}{count}\n", severity(rule.severity()), rule.title()));
        out.push_str(&format!("{PARAGRAPH}    {}\n", [rule.why(), rule.remedy()].join(" ").trim()));
    }
    out
}
