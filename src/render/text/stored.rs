//! How many values there are, by how they are stored, where no tree says what became of them.

use super::thousands;
use crate::evidence::count::{Count, Fragments, Values};
use crate::evidence::words::verb;
use crate::report::EvidenceReport;
use crate::row::Form;

/// Every form, as a count of values names it.
const FORMS: [(Form, &str); 4] =
    [(Form::Plaintext, "in plaintext"), (Form::Encrypted, "encrypted"), (Form::Unknown, "of no known form"), (Form::Empty, "empty")];

/// Values of these evidences by how they are stored: as many encrypted ones as the lines of the keys add up to.
pub(super) fn stored<'a>(parts: impl Iterator<Item = &'a EvidenceReport> + Clone) -> String {
    let of = |form| parts.clone().filter_map(|part| part.counted.get(&form)).copied().sum::<Count<Values>>();
    let counts = FORMS.map(|(form, what)| (of(form), what));
    let shown: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{} {what}", thousands(*count))).collect();
    let fragments: Count<Fragments> = parts.clone().map(|part| part.counted_fragments).sum();
    let all: Count<Values> = parts.flat_map(|part| part.values.values()).copied().sum();
    let mut said = if shown.is_empty() { "none".to_owned() } else { shown.join(", ") };
    if fragments > 0 {
        said.push_str(&format!("; {} of them not proven whole", thousands(fragments)));
    }
    match all.without(counts.into_iter().map(|(count, _)| count).sum()) {
        Count::ZERO => {}
        n => {
            let what = verb(n, "copy, or piece", "copies, or pieces");
            said.push_str(&format!("; besides {} {what} of a value whose write is not known", thousands(n)));
        }
    }
    said
}
