//! `carve`: values in any bytes.

use etcd_sleuth::render::text::CarveText;

use super::scan::search;
use crate::args::Global;
use crate::scan_args::CarveArgs;
use crate::session::Text;

pub(crate) fn carve(args: &CarveArgs, global: &Global) -> anyhow::Result<u8> {
    let text: Text<'_> = &|out| Box::new(CarveText::new(out, global.quiet));
    search(&args.search, &args.files, &args.plan(), args.run_info(), global, text)
}
