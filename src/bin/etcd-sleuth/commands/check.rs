//! `check`: is this backup whole, was it altered?

use std::io::Write;
use std::path::Path;

use etcd_sleuth::analysis::{self, Clusters, Options, ResidueMode, Tally};
use etcd_sleuth::etcd::status;
use etcd_sleuth::evidence::Evidence;
use etcd_sleuth::finding::{Condition, Outcome};
use etcd_sleuth::report::{EvidenceReport, text};

use crate::args::{CheckArgs, Global};
use crate::guard::{self, Bug};
use crate::output::{self, Output};
use crate::shrinking;

pub(crate) fn run(args: &CheckArgs, global: &Global) -> anyhow::Result<u8> {
    let options = Options { residue: ResidueMode::Off, history: args.files.len() > 1, ..args.reading.options() };
    let mut out = Output::open(None, false, &args.files)?;
    if args.limits {
        out.write_all(text::limits().as_bytes())?;
        out.finish()?;
        return Ok(0);
    }
    let mut outcome = Outcome::default();
    let mut clusters = Clusters::default();
    let mut analysed = 0usize;
    for path in &args.files {
        match guard::input(path, || check_one(path, &options, global, &mut clusters, analysed)) {
            Ok((evidence, hash)) => {
                let text = text::check(&evidence, hash);
                // The verdict is the first line, and all that a quiet run says.
                let shown = if global.quiet { text.lines().next().map(|line| format!("{line}\n")).unwrap_or_default() } else { text };
                if analysed > 0 && !global.quiet {
                    out.write_all(b"\n")?;
                }
                out.write_all(shown.as_bytes())?;
                evidence.judgement.trust(|condition| match condition {
                    Condition::Altered | Condition::Damaged | Condition::Divergent => outcome.found(condition),
                    other => outcome.open(other),
                });
                analysed = analysed.saturating_add(1);
            }
            Err(error) => {
                output::error(&error);
                outcome.open(Condition::InputFailed);
                if error.downcast_ref::<Bug>().is_some() {
                    outcome.open(Condition::InternalError);
                }
            }
        }
    }
    if analysed == 0 {
        outcome.open(Condition::NothingAnalysed);
    }
    out.finish()?;
    Ok(outcome.exit_code())
}

fn check_one(
    path: &Path,
    options: &Options,
    global: &Global,
    clusters: &mut Clusters,
    number: usize,
) -> anyhow::Result<(EvidenceReport, u32)> {
    shrinking::note(path);
    let evidence = Evidence::open(path, &global.limits())?;
    let show = !global.quiet && !global.no_progress;
    let mut survey = output::with_progress(show, &path.display().to_string(), |progress| analysis::survey(&evidence, options, progress))?;
    let compared = clusters.compare(&survey);
    clusters.keep(number, &mut survey, compared);
    let hash = status::hash(&survey.database.db, &survey.tree);
    Ok((EvidenceReport::new(survey, Tally::default(), 0), hash))
}
