//! `keys`: every key that anything here names, and what needs it. Asks nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, bail};
use etcd_sleuth::analysis::{Retention, Row, Scope};
use etcd_sleuth::envelope::KeyIdentity;
use etcd_sleuth::finding::{Condition, Outcome};
use etcd_sleuth::report::keys::{Retirement, RetirementVerdict};
use etcd_sleuth::report::records::{AnomalyRecord, EvidenceRecord, row_line};
use etcd_sleuth::report::{Report, text};
use etcd_sleuth::verify::{NoTarget, Source, Target};

use super::holders::{names_of, read_configs};
use super::inputs::Inputs;
use super::sink::Sink;
use crate::args::{Format, Global};
use crate::core_files;
use crate::key_args::KeysArgs;

/// Objects that are listed by name in the text.
const LISTED: usize = 30;

pub(crate) fn run(args: &KeysArgs, global: &Global) -> anyhow::Result<u8> {
    core_files::switch_off();
    let names = names_of(&read_configs(&args.encryption_config)?);
    let options = args.options();
    let mut sink = Sink::open(&args.writing, global, &[&args.files[..], &args.encryption_config].concat())?;
    let inputs = Inputs::open(&args.files, global);
    let mut surveyed = inputs.survey(&options, &names, global);
    let (_, tallies) = surveyed.count(&options.scope);
    let mut report = inputs.report(&surveyed, &tallies, &args.within.resources)?;
    let mut outcome = inputs.outcome(&surveyed, &report);

    let seen: Vec<KeyIdentity<'static>> = report.keys().into_iter().map(|key| key.identity).collect();
    let retire = args.retire.as_deref().map(|text| find(text, &seen, args.confirm_unseen)).transpose()?;
    let opens = args.opens.as_deref().map(|text| find(text, &seen, false)).transpose()?;
    if let Some(target) = &retire {
        let retirement = Retirement::of(target, &report);
        match retirement.verdict() {
            RetirementVerdict::StillNeeded(_) => outcome.found(Condition::KeyStillNeeded),
            RetirementVerdict::CannotSay => outcome.open(Condition::KeyNotKnown),
            RetirementVerdict::HistoryOnly(_) | RetirementVerdict::NothingNamesIt => {}
        }
        report.retirement = Some(retirement);
    }

    let sources = surveyed.sources();
    let target = retire.as_ref().or(opens.as_ref());
    let by_number: BTreeMap<usize, &Source<'_, '_>> = sources.iter().map(|source| (source.number, source)).collect();
    surveyed.each(|number, facts, anomalies, _| {
        sink.record("evidence", &EvidenceRecord::new(number, facts))?;
        // Without a key in question there would be no end of rows that nobody asked for.
        if let (Some(source), Some(target), false) = (by_number.get(&number), target, sink.format == Format::Text) {
            let format = sink.format;
            let show = |row: &Row<'_>, out: &mut Vec<u8>| {
                if is_under(row, target) {
                    row_line(number, row, out);
                }
            };
            source.run(&options.scope, show, |lines| sink.out.rows(format, lines))?;
        }
        for anomaly in &anomalies.clone().into_sorted() {
            sink.record("anomaly", &AnomalyRecord::new(number, anomaly))?;
        }
        Ok(())
    })?;
    if sink.format == Format::Text && !sink.quiet {
        let said = match (&report.retirement, &opens) {
            (Some(retirement), _) => text::retire(retirement, &report),
            (None, Some(target)) => {
                let (objects, more) = objects(&sources, &options.scope, target);
                text::opens(target, &report, &objects, more)
            }
            (None, None) => text::keys(&report),
        };
        sink.out.output.write_all(said.as_bytes())?;
    }
    let status = status(&report, &outcome);
    sink.finish(&report, &outcome, &status)?;
    Ok(outcome.exit_code())
}

/// The key that is meant. One that no value names must be confirmed, and named completely.
fn find(text: &str, seen: &[KeyIdentity<'static>], confirm_unseen: bool) -> anyhow::Result<Target> {
    match Target::find(text, seen) {
        Ok(target) => Ok(target),
        Err(NoTarget::Unseen { .. }) if confirm_unseen => Target::unseen(text)
            .with_context(|| format!("{text}: to confirm that a key is in none of these files, give its full ID, or PROVIDER/NAME/KEYID")),
        Err(error @ NoTarget::Unseen { .. }) => bail!("{error}; if it is meant all the same, add --confirm-unseen"),
        Err(error) => bail!(error),
    }
}

fn is_under(row: &Row<'_>, target: &Target) -> bool {
    let Row::Value(value) = row else { return false };
    value.seal.as_ref().is_some_and(|seal| target.is(&seal.key()))
}

/// Objects under a key: those that are current first. Also how many more there are.
fn objects(sources: &[Source<'_, '_>], scope: &Scope, target: &Target) -> (Vec<(String, &'static str)>, u64) {
    let found = Mutex::new(BTreeSet::<(Retention, String)>::new());
    for source in sources {
        source.each(scope, |value, _| {
            if !value.duplicate && value.seal.as_ref().is_some_and(|seal| target.is(&seal.key())) {
                let object = (value.retention, String::from_utf8_lossy(value.key).into_owned());
                found.lock().unwrap_or_else(PoisonError::into_inner).insert(object);
            }
        });
    }
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let more = found.len().saturating_sub(LISTED) as u64;
    (found.into_iter().take(LISTED).map(|(retention, key)| (key, retention.name())).collect(), more)
}

fn status(report: &Report, outcome: &Outcome) -> String {
    let said = match &report.retirement {
        Some(retirement) => format!("retire: {}", retirement.verdict().name()),
        None => format!("keys named: {}", report.keys().len()),
    };
    let conditions = text::conditions(outcome.conditions());
    format!("{said}{conditions}   (exit {})\n", outcome.exit_code())
}
