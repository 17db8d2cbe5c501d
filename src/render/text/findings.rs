//! What was found, why it matters and what removes it, place by place.

use std::collections::BTreeMap;

use super::thousands;
use crate::finding::Rule;
use crate::report::EvidenceReport;

/// Characters in a line.
const WIDTH: usize = 110;

/// The findings of a member, the worst first. What is about objects counts each of them once, over all of the member's files.
pub(super) fn findings<'a>(whole: &EvidenceReport, parts: impl IntoIterator<Item = &'a EvidenceReport>) -> String {
    let of_parts = parts.into_iter().flat_map(|part| &part.judgement.findings).filter(|finding| !finding.rule.is_about_objects());
    let of_whole = whole.judgement.findings.iter().filter(|finding| finding.rule.is_about_objects());
    let mut counts = BTreeMap::<Rule, (u64, Option<u64>)>::new();
    for finding in of_whole.chain(of_parts) {
        let (count, nowhere_newer) = counts.entry(finding.rule).or_default();
        *count = count.saturating_add(finding.count);
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
            Some(newest) if newest < count => format!(" ({}, {} of them in no newer place)", thousands(count), thousands(newest)),
            _ if count > 1 || rule.is_about_objects() => format!(" ({})", thousands(count)),
            _ => String::new(),
        };
        out.push_str(&format!("  {}: {}{count}\n", rule.severity().name(), rule.title()));
        wrap([rule.why(), rule.remedy()].join(" ").trim(), "    ", &mut out);
    }
    out
}

/// Appends a text in lines that begin with `indent`.
fn wrap(text: &str, indent: &str, out: &mut String) {
    let mut line = indent.to_owned();
    for word in text.split(' ') {
        if line.len() > indent.len() && line.len().saturating_add(word.len()) > WIDTH {
            out.push_str(line.trim_end());
            out.push('\n');
            line = indent.to_owned();
        }
        line.push_str(word);
        line.push(' ');
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_lost_at_the_end_of_a_line() {
        let text = "four words of text ".repeat(30);
        let mut out = String::new();
        wrap(text.trim(), "  ", &mut out);
        assert!(out.lines().count() > 4 && out.lines().all(|line| line.len() <= WIDTH && line.starts_with("  ")), "{out}");
        assert_eq!(out.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
    }
}
