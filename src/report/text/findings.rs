//! What was found, why it matters and what removes it, place by place.

use std::collections::BTreeMap;

use super::super::model::EvidenceReport;
use super::thousands;
use crate::finding::Rule;

/// Characters in a line.
const WIDTH: usize = 110;

/// The findings of these evidences, the worst first.
pub(super) fn findings<'a>(parts: impl IntoIterator<Item = &'a EvidenceReport>) -> String {
    let mut counts = BTreeMap::<Rule, u64>::new();
    for finding in parts.into_iter().flat_map(|part| &part.judgement.findings) {
        let count = counts.entry(finding.rule).or_default();
        *count = count.saturating_add(finding.count);
    }
    if counts.is_empty() {
        return String::new();
    }
    let mut counts: Vec<(Rule, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(rule, _)| (std::cmp::Reverse(rule.severity()), *rule));
    let mut out = "\nFindings\n".to_owned();
    for (rule, count) in counts {
        let count = if count > 1 { format!(" ({})", thousands(count)) } else { String::new() };
        out.push_str(&format!("  {}: {}{count}\n", rule.severity().name(), rule.title()));
        wrap(rule.why(), "    ", &mut out);
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
