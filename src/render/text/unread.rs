//! What was not read, where people see it: in the headline, in the last line, and under NOT LOOKED AT.

use super::super::escape::{terminal, terminal_path};
use super::number::counted;
use super::{conditions, thousands};
use crate::finding::{Condition, Outcome};
use crate::report::{Report, Unread};

/// Things that the last line names before the rest is only counted.
const NAMED: usize = 2;
/// Things that a list names before the rest is only counted.
const LISTED: usize = 20;

/// The end of the last line: what was not read, what held, and the exit code. `said`: conditions that the line has told already.
pub(super) fn ending(report: &Report, outcome: &Outcome, said: &[Condition]) -> String {
    // Where nothing was read there is no more to say than that, and each input's error was told.
    let is_nothing = outcome.held(Condition::NothingAnalysed);
    let of = |what: &str, is_missing: bool| match report.unread.iter().filter(|unread| unread.reason.is_missing() == is_missing) {
        unread if is_nothing || unread.clone().next().is_none() => String::new(),
        unread => format!("; {what}: {}", named(unread, NAMED)),
    };
    let not_read = [of("not read", false), of("not there", true)].concat();
    let left_out = if report.leaves_residue_out() { "; residue was not searched" } else { "" };
    let told_by_paths: &[Condition] = if report.unread.is_empty() { &[] } else { &[Condition::NotRead, Condition::InputFailed] };
    let is_told = |condition: &Condition| {
        is_nothing || *condition == Condition::ResidueNotSearched || said.contains(condition) || told_by_paths.contains(condition)
    };
    let conditions = conditions(outcome.conditions().filter(|condition| !is_told(condition)));
    format!("{left_out}{not_read}{conditions} (exit {})\n", outcome.exit_code())
}

/// What a last line is about: the one input, or how many there are.
pub(super) fn subject(report: &Report) -> String {
    match (report.members.as_slice(), report.not_analysed.len()) {
        ([only], _) => terminal_path(&only.path),
        ([], 0) => counted(report.unread.len() as u64, "input"),
        ([], failed) => counted(failed as u64, "input"),
        // Several members may stand in one input.
        (members, _) => match report.inputs.as_slice() {
            [only] => terminal_path(only),
            inputs => counted(members.len().min(inputs.len()) as u64, "input"),
        },
    }
}

/// The line below a headline that says that it is not about everything that was given; nothing where it is.
pub(super) fn warning<'a>(unread: impl Iterator<Item = &'a Unread> + Clone) -> String {
    let of = |what: &str, is_missing: bool| {
        let unread = unread.clone().filter(move |unread| unread.reason.is_missing() == is_missing);
        match unread.clone().count() {
            0 => String::new(),
            n => format!("  {what} ({}): {}\n", thousands(n as u64), named(unread, NAMED)),
        }
    };
    [of("NOT ALL OF IT WAS READ", false), of("NOT ALL OF IT IS THERE", true)].concat()
}

/// The line that lists what was not looked at, which stands at the end of every answer; nothing where nothing is to be listed.
pub(super) fn not_looked_at<'a>(general: Vec<String>, unread: impl Iterator<Item = &'a Unread> + Clone) -> String {
    let more = unread.clone().count().checked_sub(LISTED).filter(|more| *more > 0);
    let unread = unread.take(LISTED).map(|unread| terminal(&unread.to_string()).into_owned());
    let list: Vec<String> = unread.chain(more.map(|more| format!("and {more} more"))).chain(general).collect();
    if list.is_empty() { String::new() } else { format!("NOT LOOKED AT: {}\n", list.join(", ")) }
}

/// The first paths, and how many more there are.
fn named<'a>(unread: impl Iterator<Item = &'a Unread> + Clone, most: usize) -> String {
    let paths: Vec<String> = unread.clone().take(most).map(|unread| terminal(&unread.name()).into_owned()).collect();
    let more = unread.count().checked_sub(most).filter(|more| *more > 0);
    let more = more.map_or(String::new(), |more| format!(" and {more} more"));
    format!("{}{more}", paths.join(", "))
}
