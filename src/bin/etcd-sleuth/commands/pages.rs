//! `pages`: what every page of the file is.

use std::io::Write;

use anyhow::Context;
use etcd_sleuth::analysis::{self, DigestMode, Options};
use etcd_sleuth::evidence::Evidence;
use etcd_sleuth::finding::Outcome;
use etcd_sleuth::report::{EvidenceReport, text};

use crate::args::{Global, PagesArgs};
use crate::output::{self, Output};
use crate::shrinking;

pub(crate) fn run(args: &PagesArgs, global: &Global) -> anyhow::Result<u8> {
    shrinking::note(&args.file);
    let evidence = Evidence::open(&args.file, &global.limits())?;
    let options = Options { digest: DigestMode::None, ..Options::default() };
    let survey = output::with_progress(false, "", |progress| analysis::survey(&evidence, &options, progress))?;
    let text = match args.page {
        None => text::pages(&survey, args.list),
        Some(pgid) => text::page(&survey, pgid).with_context(|| {
            format!("{}: no page {pgid}; pages are 0 to {}", args.file.display(), survey.pages.counts().total().saturating_sub(1))
        })?,
    };
    let mut out = Output::open(None, false, std::slice::from_ref(&args.file))?;
    out.write_all(text.as_bytes())?;
    out.finish()?;
    let mut outcome = Outcome::default();
    EvidenceReport::new(survey, analysis::Tally::default(), 0).judgement.trust(|condition| outcome.open(condition));
    Ok(outcome.exit_code())
}
