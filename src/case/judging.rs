//! What a run means for its exit code.

use super::Question;
use crate::finding::{Condition, FailOn, Outcome};
use crate::report::Report;

/// What of the facts decides about the exit code.
#[derive(Clone, Copy, Debug)]
pub(super) enum Judging {
    /// Plaintext Secrets from a threshold on.
    Plaintext(FailOn),
    /// Whether the answer can be trusted.
    Trust,
    /// The same, and whether every value says which key it needs.
    Keys,
    /// Whether the file is as it was written: that is the answer.
    Integrity,
}

impl Judging {
    pub(super) fn of(question: &Question<'_>) -> Self {
        match question {
            Question::Storage(fail_on) => Self::Plaintext(*fail_on),
            Question::Integrity => Self::Integrity,
            Question::Keys(_) | Question::Verify(_) => Self::Keys,
            Question::Object(_) | Question::Pages(_) | Question::Recover(_) => Self::Trust,
        }
    }
}

impl Judging {
    /// What each evidence, and all inputs together, mean for the exit code.
    pub(super) fn judge(self, report: &Report, outcome: &mut Outcome) {
        for evidence in &report.evidences {
            match self {
                Judging::Plaintext(fail_on) => evidence.judgement.add_to(outcome, fail_on),
                Judging::Trust => evidence.judgement.trust(|condition| outcome.open(condition)),
                Judging::Keys => {
                    evidence.judgement.trust(|condition| outcome.open(condition));
                    if evidence.unknown_forms > 0 {
                        outcome.open(Condition::UnknownStorage);
                    }
                }
                Judging::Integrity => evidence.judgement.add_integrity_to(outcome),
            }
        }
        let asks_for_now = matches!(self, Judging::Plaintext(FailOn::Current | FailOn::Retained));
        if asks_for_now && (report.readable_without_a_tree() || report.readable().any(|(_, readable)| readable.perhaps_current > 0)) {
            outcome.open(Condition::CurrentNotKnown);
        }
        if report.evidences.is_empty() && !report.unread.iter().any(|unread| unread.reason.is_no_fault()) {
            outcome.open(Condition::NothingAnalysed);
        }
        report.unread.iter().for_each(|unread| outcome.open(unread.reason.condition()));
        if matches!(self, Judging::Plaintext(FailOn::Any) | Judging::Keys) && report.leaves_residue_out() {
            outcome.open(Condition::ResidueNotSearched);
        }
        if matches!(self, Judging::Plaintext(_)) && report.filter_without_secrets().is_some() {
            outcome.open(Condition::NoSecretInScope);
        }
        if matches!(self, Judging::Plaintext(_)) && report.evidences.iter().any(|evidence| evidence.not_placed.count > 0) {
            outcome.open(Condition::ScopeNotKnown);
        }
        if report.unmatched_filter().is_some() {
            outcome.open(Condition::NothingInScope);
        }
    }
}
