//! `carve`: values in any bytes.

use std::path::Path;

use anyhow::bail;
use etcd_sleuth::analysis;
use etcd_sleuth::report::readable::Around;
use etcd_sleuth::report::{EvidenceReport, text};

use super::scan::Scan;
use crate::args::{CarveArgs, Global};
use crate::guard;

pub(crate) fn run(args: &CarveArgs, global: &Global) -> anyhow::Result<u8> {
    let mut scan = Scan::new(args.options(), &args.looking, &args.writing, &args.files, global)?;
    for path in &args.files {
        let carved = guard::input(path, || carve(&mut scan, path));
        scan.pass(carved)?;
    }
    scan.finish(args.looking.exit_zero)
}

fn carve(scan: &mut Scan<'_>, path: &Path) -> anyhow::Result<()> {
    let evidence = scan.open(path)?;
    if evidence.content().is_empty() {
        bail!("{}: no bytes; expected something to search (did the command before the pipe fail?)", path.display());
    }
    let carving = scan.progress(path, |progress| analysis::carve(&evidence, &scan.options, progress));
    let tally = scan.image(&carving)?;
    let around = Around { prefixes: &carving.prefixes, existing: None };
    let report = EvidenceReport::of(carving.facts.clone(), carving.anomalies.clone(), tally, &around, scan.named());
    scan.end(&report)?;
    scan.text(|run| text::carve(&report, run))?;
    scan.report.add(report);
    Ok(())
}
