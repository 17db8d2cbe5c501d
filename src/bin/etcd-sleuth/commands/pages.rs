//! `pages`: what every page of the file is.

use std::io::Write;

use etcd_sleuth::analysis::{self, DigestMode, Options, ResidueMode};
use etcd_sleuth::evidence::Evidence;
use etcd_sleuth::finding::Outcome;
use etcd_sleuth::report::{EvidenceReport, text};

use crate::args::{Global, PagesArgs};
use crate::output::{self, Output};

pub(crate) fn run(args: &PagesArgs, global: &Global) -> anyhow::Result<u8> {
    let evidence = Evidence::open(&args.file, &global.limits())?;
    let options = Options { digest: DigestMode::None, residue: ResidueMode::Off, ..Options::default() };
    let survey = output::with_progress(false, "", |progress| analysis::survey(&evidence, &options, progress))?;
    let text = text::pages(&survey, args.list);
    let mut out = Output::open(None, false)?;
    out.write_all(text.as_bytes())?;
    out.finish()?;
    let mut outcome = Outcome::default();
    EvidenceReport::new(survey, analysis::Tally::default(), 0).judgement.trust(|condition| outcome.open(condition));
    Ok(outcome.exit_code())
}
