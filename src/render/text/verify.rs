//! The first screen of `verify`, and its tables.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::super::escape::{terminal, terminal_bytes};
use super::evidence_label::evidence_label;
use super::headline::within;
use super::key_label::{distinct_labels, whole};
use super::key_state::{is_going, key_states};
use super::layout::{Screen, Tone};
use super::number::{with_adjective, with_noun};
use super::requirement::{current_not_known, has_several, out_of_reach, requirement};
use super::table::Table;
use super::unread::{self, ending, subject};
use super::verify_plan::plan;
use super::{block, next_steps, thousands};
use crate::evidence::count::Count;
use crate::evidence::words::{path_text, verb};
use crate::finding::{Condition, Outcome};
use crate::report::{Heard, KeyReport, Render, Report, VerificationResult, not_looked_at};
use crate::row::Retention;
use crate::verify::{Answer, CoverageLine, Proof, SameValue, Standing, State};

/// Lines of a list before the rest is only counted.
const ROWS: usize = 20;
/// Resources that the last line names before the rest is only counted.
const NAMED: usize = 3;
/// Characters of a date, at the beginning of a time.
const DATE: usize = "2026-01-01".len();
/// Rows of the coverage.
const COVERAGE_ROWS: usize = 200;

/// What `verify` says, and then one line.
pub struct VerifyText<'o> {
    out: Screen<'o>,
    is_quiet: bool,
}

impl<'o> VerifyText<'o> {
    /// `is_quiet`: only the last line.
    pub fn new(out: Screen<'o>, is_quiet: bool) -> Self {
        Self { out, is_quiet }
    }
}

impl Render for VerifyText<'_> {
    fn end(&mut self, report: &Report, outcome: &Outcome) -> io::Result<()> {
        if let (Some(verification), false) = (&report.verification, self.is_quiet) {
            let said = match &verification.result {
                Some(result) => verify(result, report, Tone::of_exit(outcome.exit_code())),
                None => plan(&verification.plan, report),
            };
            self.out.write_all(said.as_bytes())?;
        }
        self.out.write_all(Tone::of_exit(outcome.exit_code()).paint(&verify_status(report, outcome)).as_bytes())
    }
}

fn verify(verify: &VerificationResult, report: &Report, tone: Tone) -> String {
    let mut out = headline(verify, report, tone);
    let files: Vec<String> = report.evidences.iter().map(evidence_label).collect();
    block(&mut out, "Files", &files);
    block(&mut out, "Asked", &asked(verify));
    out.push_str(&coverage(&verify.proof));
    out.push_str(&unopened(verify));
    let keys = report.keys();
    out.push_str(&key_states(&keys));
    out.push_str(&moved(&verify.proof, report));
    out.push_str(&requirement(verify, report));
    out.push_str(&same_values(&verify.proof));
    for note in &verify.notes {
        out.push_str(&format!("Note: {}\n", terminal(note)));
    }
    for (named, used) in verify.other_keys.iter().take(ROWS) {
        out.push_str(&format!("NAMED {} BUT UNWRAPPED WITH {}\n", terminal(named), terminal(used)));
    }
    if !verify.unused.is_empty() {
        let unused: Vec<_> = verify.unused.iter().map(|key| terminal(key)).collect();
        out.push_str(&format!("Given, and named by no value here: {}\n", unused.join(", ")));
    }
    let mut general = not_looked_at(&report.evidences);
    general.push("writes after these files were taken".to_owned());
    out.push_str(&next_steps(&next(verify, &keys, report)));
    out.push_str(&unread::not_looked_at(general, report.unread.iter()));
    out
}

fn next(verify: &VerificationResult, keys: &[KeyReport], report: &Report) -> Vec<String> {
    let proof = &verify.proof;
    let mut steps = Vec::new();
    if !proof.moves.is_empty() {
        steps.push("find out who moved ciphertext, or which prefix the cluster had: no key helps against it");
    }
    if verify.is_cut_short {
        steps.push("run again with the same --ledger for the rest: a data key whose values have all opened is not asked about again, as long as they are the same bytes");
    }
    if proof.coverage.count(|_, answer| answer.standing() == Standing::OpenedBefore) > 0 && !verify.is_cut_short {
        steps.push("nothing is left to be asked about that the ledger does not have. To have all of it proved by one run, run it without --ledger, and with as many --max-calls as --plan says");
    }
    if proof.coverage.count(|_, answer| answer.standing() == Standing::Undecided) > 0 {
        steps.push("what is not decided: give every encryption context that the plugin has or had (--encryption-context-for, repeated; none is the empty one), or look into the plugin's own log. If an older copy of the same value opens, this one was changed");
    }
    if proof.coverage.count(|_, answer| answer.is_denied()) > 0 {
        steps.push("what was denied: give the rights that --plan lists. A KMS also denies another encryption context than the rights name, and a key of another region");
    }
    if proof.requirement.not_told() > 0 {
        steps.push("give the calls that are left out (--max-calls, as many as --plan says), or those who can say which key a name means (--aws-kms, kms:DescribeKey; --kms-plugin); or name the key itself: --require-key PROVIDER/NAME/KEYARN");
    }
    if proof.requirement.one_of_several() > 0 {
        steps.push("say which key is current: --kms-plugin asks the plugin, which names the one that it writes under now; or --require-key PROVIDER/NAME/KEYID");
    }
    let names: BTreeSet<_> = proof.told_apart.iter().map(|(key, _)| key).collect();
    if proof.told_apart.len() > names.len() {
        steps.push("several keys of one name open values: opened_by of the value records says which opens which. Put them into one configuration under names of their own, the one that is to stay first, and rewrite: a key name that stands for two keys cannot be retired");
    }
    if keys.iter().any(is_going) {
        steps.push("have the deletion of the key cancelled as long as anything needs it (aws kms cancel-key-deletion, enable-key)");
    }
    if proof.requirement.not_opened() > 0 {
        steps.push("look for the key under which the rest was written: give the EncryptionConfiguration of every API server");
    }
    if proof.requirement.left() > 0 {
        steps.push("rewrite what is left, restart API servers that write under an old key, take a new snapshot and verify it");
    } else if proof.requirement.left.is_empty()
        && !proof.requirement.is_refused
        && proof.requirement.by_name.plus(proof.requirement.by_ledger) == 0
        && !verify.is_cut_short
        && report.current_not_known().is_empty()
        && proof.requirement.required.keys().any(|state| matches!(state, State::Key(_)))
    {
        steps.push("etcd-sleuth keys FILES --retire OLDKEY, over every backup, before a key is disabled");
    }
    steps.into_iter().map(str::to_owned).collect()
}

/// The last line, and the only one of a quiet run.
pub fn verify_status(report: &Report, outcome: &Outcome) -> String {
    let Some(verification) = &report.verification else {
        return format!("{}, none could be read{}", subject(report), ending(report, outcome, &[]));
    };
    let Some(result) = &verification.result else {
        return format!("DEK sources{} to unwrap: {}{}", within(report), verification.plan.dek_sources, ending(report, outcome, &[]));
    };
    let proof = &result.proof;
    let mut left = match proof.requirement.left() {
        Count::ZERO => String::new(),
        left => format!("; {} {} not under the key that is required", thousands(left), verb(left, "is", "are")),
    };
    if proof.requirement.not_known() > 0 {
        let requirement = &proof.requirement;
        let why = match result.why_not_told() {
            _ if requirement.one_of_several() > 0 => {
                ": the required provider has several keys, and which is current is not known".to_owned()
            }
            Some(why) => format!(": {why}"),
            None if requirement.not_applied() == requirement.not_known() => {
                ": the log behind the database writes or deletes them, or may".to_owned()
            }
            None => String::new(),
        };
        left.push_str(&format!("; of {} it is not known{why}", thousands(proof.requirement.not_known())));
    }
    if let Some(what) = result.what_was_cut() {
        left.push_str(&format!("; ended early: {what}"));
    }
    if let Some(said) = out_of_reach(&proof.requirement) {
        left.push_str(&format!("; {said}"));
    }
    if let Some(resources) = proof.requirement.required.get(&State::Plaintext) {
        let more = resources.len().checked_sub(NAMED).filter(|more| *more > 0).map_or(String::new(), |more| format!(" and {more} more"));
        let named: Vec<_> = resources.keys().take(NAMED).map(|resource| terminal(resource)).collect();
        left.push_str(&format!("; the required state of {}{more} is plaintext", named.join(", ")));
    }
    let said: &[Condition] = if proof.requirement.left() > 0 { &[Condition::OtherKeyThanRequired] } else { &[] };
    format!("{}{}{left}{}", of_scope(report), opened_in_words(result, report), ending(report, outcome, said))
}

/// What a sentence is about, where a filter was given.
fn of_scope(report: &Report) -> String {
    report.filter.as_deref().map_or(String::new(), |filter| format!("in scope ({}): ", terminal(filter)))
}

/// How many of the current values open, and why the others do not; and why that may not be all.
fn opened_in_words(result: &VerificationResult, report: &Report) -> String {
    match current_not_known(report) {
        Some(why) if result.current() == 0 => why,
        Some(why) => format!("{}; {why}", current_opened_in_words(result)),
        None => current_opened_in_words(result),
    }
}

fn current_opened_in_words(result: &VerificationResult) -> String {
    let proof = &result.proof;
    let current = |is_of: fn(Answer) -> bool| proof.coverage.count(|of, answer| of == Retention::Current && is_of(answer));
    let (all, opened, before) = (result.current(), result.current_opened(), result.current_of(Standing::OpenedBefore));
    let when =
        result.opened_before.as_deref().and_then(|time| time.get(..DATE)).map_or(String::new(), |date| format!(" on {}", terminal(date)));
    let earlier = format!(
        "{} not asked about again: the ledger says that an earlier run opened {}{when}",
        thousands(before),
        verb(before, "it", "them")
    );
    match all {
        Count::ZERO => return "no value that is current is encrypted".to_owned(),
        _ if before == all => return format!("this run opened no encrypted value that is current; {earlier}"),
        _ if all == 1 && opened == all => return "the 1 encrypted current value opens with the keys given".to_owned(),
        _ if opened == all => return format!("all {} encrypted current values open with the keys given", thousands(all)),
        _ => {}
    }
    let of = |standing| result.current_of(standing);
    let of_no_key = current(Answer::is_for_want_of_a_key);
    let others = [
        (of(Standing::Unopenable), "does not open with them", "do not open with them"),
        (
            of(Standing::Undecided),
            "is not decided: another encryption context or key, or a changed DEK or value",
            "are not decided: another encryption context or key, or changed DEKs or values",
        ),
        (of_no_key, "needs a key that was not given", "need keys that were not given"),
        (of(Standing::Refused), "was asked about, and no key came", "were asked about, and no key came"),
        (of(Standing::NotAsked).without(of_no_key), "could not be asked about", "could not be asked about"),
    ];
    let others = others.into_iter().filter(|(n, ..)| *n > 0);
    let others = others.map(|(n, one, many)| format!("{} {}", thousands(n), verb(n, one, many)));
    let others = others.chain((before > 0).then_some(earlier)).collect::<Vec<_>>().join(", ");
    format!(
        "{} of {} {} with the keys given; {others}",
        thousands(opened),
        with_adjective(all, "encrypted current"),
        verb(opened, "opens", "open")
    )
}

fn headline(result: &VerificationResult, report: &Report, tone: Tone) -> String {
    let proof = &result.proof;
    let mut out = tone.paint(&format!("{}{}\n", of_scope(report), opened_in_words(result, report)));
    let of = |retention: Retention| {
        let all = proof.coverage.count(|of, _| of == retention);
        (all > 0).then(|| {
            format!(
                "{} of {} {}",
                thousands(proof.coverage.count(|of, answer| of == retention && answer.standing().is_opened())),
                thousands(all),
                retention.name()
            )
        })
    };
    let mut others: Vec<String> = Retention::ALL.into_iter().filter(|retention| *retention != Retention::Current).filter_map(of).collect();
    let all = proof.coverage.count_in_leftovers(|_, _| true);
    if all > 0 {
        let opened = proof.coverage.count_in_leftovers(|_, answer| answer.standing().is_opened());
        others.push(format!("{} of {} in files left behind", thousands(opened), thousands(all)));
    }
    if !others.is_empty() {
        out.push_str(&format!("  Also opened: {}.\n", others.join(", ")));
    }
    out
}

fn asked(verify: &VerificationResult) -> Vec<String> {
    let line = |Heard { name, asked, unwrapped }: &Heard| match *asked {
        Count::ZERO => format!("{}: nothing was sent about DEK sources", terminal(name)),
        asked => format!("{}: asked about {}, gave the keys of {}", terminal(name), with_noun(asked), thousands(*unwrapped)),
    };
    let mut lines: Vec<String> = verify.heard.iter().map(line).collect();
    match lines.is_empty() {
        true => lines.push("nobody; keys were given".to_owned()),
        false => lines.push(format!("{} to unwrap, {} about keys", with_noun(verify.calls), thousands(verify.other_calls))),
    }
    lines.extend(verify.what_was_cut().map(|what| format!("ENDED EARLY: {what}")));
    lines
}

fn coverage(proof: &Proof) -> String {
    if proof.coverage.lines.is_empty() {
        return String::new();
    }
    let has_prefixes = has_several(proof.coverage.lines.iter().map(|line| line.prefix.as_deref()));
    let columns = ["prefix", "opened / all", "key", "current", "older", "residue", "log"];
    let mut rows = Table::new(columns.get(usize::from(!has_prefixes)..).unwrap_or_default());
    let cell = |line: &CoverageLine, of: &[Retention]| {
        let all = line.count(|retention, _| of.contains(&retention));
        let opened = line.count(|retention, answer| of.contains(&retention) && answer.standing().is_opened());
        if all == 0 { "-".to_owned() } else { format!("{} / {}", thousands(opened), thousands(all)) }
    };
    let lines = proof.coverage.lines.iter().take(COVERAGE_ROWS);
    let labels = distinct_labels(lines.clone().map(|line| &line.key));
    for (line, label) in lines.zip(labels) {
        let resource = if line.group_resource.is_empty() { "(no object's key)".into() } else { terminal(&line.group_resource) };
        let resource = if line.is_leftover { format!("{resource}, left behind") } else { resource.into_owned() };
        let prefix = has_prefixes.then(|| terminal(line.prefix.as_deref().unwrap_or("-")).into_owned());
        let cells = [
            resource,
            label,
            cell(line, &[Retention::Current]),
            cell(line, &[Retention::Newest, Retention::Superseded, Retention::Deleted]),
            cell(line, &[Retention::Residue]),
            cell(line, &[Retention::Log]),
        ];
        rows.add_row(prefix.into_iter().chain(cells));
    }
    format!("\n{rows}\n\n")
}

/// An answer in words for people.
fn words(answer: Answer) -> String {
    match answer {
        Answer::OtherKeyOrDamaged => "another key of this name, or damaged".to_owned(),
        Answer::DamagedOrOtherDek => "damaged or altered value, or another DEK".to_owned(),
        Answer::OpenedBefore => "not asked again: opened before, says the ledger".to_owned(),
        answer => answer.name().replace('-', " "),
    }
}

fn unopened(verify: &VerificationResult) -> String {
    let unopened = verify.proof.coverage.unopened();
    if unopened.is_empty() {
        return String::new();
    }
    let mut out = "Not opened\n".to_owned();
    for (answer, count) in &unopened {
        out.push_str(&format!("  {:<44}{:>9}\n", words(*answer), thousands(*count)));
        if let Answer::NoKey(reason) = answer {
            let details = verify.failures.iter().filter(|((of, detail), _)| of == reason && !detail.is_empty());
            for ((_, detail), count) in details.take(5) {
                out.push_str(&format!("    {} of {}\n", terminal(detail), with_noun(*count)));
            }
        }
    }
    for (said, count) in verify.failed_elsewhere().iter().take(5) {
        out.push_str(&format!("    of {} elsewhere: {}\n", with_noun(*count), terminal(said)));
    }
    for unproven in verify.proof.unproven.iter().take(ROWS) {
        let answer = words(unproven.answer);
        out.push_str(&format!("    {}  {answer}  {}\n", terminal(&unproven.key), whole(&unproven.named)));
    }
    let is_listed = |retention, answer: Answer| retention == Retention::Current && !answer.standing().is_or_was_opened();
    let current = verify.proof.coverage.count(is_listed);
    let more = current.without(Count::of_len(verify.proof.unproven.len().min(ROWS)));
    if more > 0 {
        out.push_str(&format!("    and {} more that {} current\n", thousands(more), verb(more, "is", "are")));
    }
    out
}

fn moved(proof: &Proof, report: &Report) -> String {
    if proof.moves.is_empty() {
        return String::new();
    }
    let mut out = format!("MOVED CIPHERTEXT: {} (a swap, or a restore under another prefix)\n", thousands(proof.moves.len() as u64));
    for moved in proof.moves.iter().take(ROWS) {
        let file = path_text(report.path_of(moved.evidence)).into_owned();
        out.push_str(&format!(
            "  {} at {} of {}: this ciphertext belongs to {}\n",
            terminal(&moved.key),
            moved.offset,
            terminal(&file),
            terminal(&moved.sealed_for)
        ));
    }
    out
}

fn same_values(proof: &Proof) -> String {
    let (same, changed, not_comparable) = proof.same_values.counts();
    if same == 0 && changed == 0 && not_comparable == 0 {
        return String::new();
    }
    let mut out = format!(
        "Older plaintext against today's value, per data key: {} the same (ROTATE THESE FIRST), {} changed, {} not comparable\n",
        thousands(same),
        thousands(changed),
        thousands(not_comparable)
    );
    let still = proof.same_values.secrets.iter().filter_map(|((_, key), same)| match same {
        SameValue::Same(names) => Some((key, names)),
        SameValue::Changed | SameValue::NotComparable => None,
    });
    for (key, names) in still.take(ROWS) {
        let names: Vec<_> = names.iter().map(|name| terminal(name)).collect();
        out.push_str(&format!("  {}: {}\n", terminal_bytes(key), names.join(", ")));
    }
    let more = same.without(Count::of_len(ROWS));
    if more > 0 {
        out.push_str(&format!("  and {} more\n", thousands(more)));
    }
    out
}
