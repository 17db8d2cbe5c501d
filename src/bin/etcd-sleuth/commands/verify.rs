//! `verify`: which key opens what, and what still needs a key?

use anyhow::bail;
use etcd_sleuth::case::{Holders, Question, VerifyQuestion};
use etcd_sleuth::render::text::{VerifyText, verify_status};

use crate::args::Global;
use crate::core_files;
use crate::holders::Given;
use crate::key_args::VerifyArgs;
use crate::session::{Session, Text};

pub(crate) fn verify(args: &VerifyArgs, global: &Global) -> anyhow::Result<u8> {
    core_files::switch_off();
    let mut given = Given::read(&args.holders)?;
    if given.is_nothing() && !args.plan {
        bail!("nothing to open values with: give --encryption-config, --aws-kms or --kms-plugin, or --plan to see what it takes");
    }
    let holders = Holders { kms_keys: args.kms_keys(), ..given.holders(&args.holders) };
    let plan = args.plan(holders.names());
    let text: Text<'_> = &|out| Box::new(VerifyText::new(out, global.quiet));
    let session =
        Session { also_read: &args.holders.encryption_config, ..Session::new(&args.files, global, &args.writing, args.run_info()) };
    let question = VerifyQuestion { holders, require_key: args.require_key.clone(), plan_only: args.plan };
    Ok(session.answer(&plan, Question::Verify(question), text, verify_status)?.outcome.exit_code())
}
