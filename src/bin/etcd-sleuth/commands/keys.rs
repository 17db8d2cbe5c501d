//! `keys`: every key that anything here names, and what needs it. Asks nobody.

use etcd_sleuth::case::{KeyQuestion, Question, names_of};
use etcd_sleuth::kms::SameKeys;
use etcd_sleuth::render::text::{KeysText, keys_status};

use crate::args::Global;
use crate::core_files;
use crate::holders::read_configs;
use crate::key_args::KeysArgs;
use crate::session::{Session, Text};

pub(crate) fn keys(args: &KeysArgs, global: &Global) -> anyhow::Result<u8> {
    core_files::switch_off();
    let plan = args.plan(names_of(&read_configs(&args.encryption_config)?));
    let KeysArgs { retire, confirm_unseen, opens, .. } = args.clone();
    let text: Text<'_> = &|out| Box::new(KeysText::new(out, global.quiet));
    let also_read = [&args.encryption_config[..], &args.aws_keys].concat();
    let session = Session { also_read: &also_read, ..Session::new(&args.files, global, &args.writing, args.run_info()) };
    let same_keys = SameKeys::given(&args.same_key, &args.aws_keys)?;
    let question = Question::Keys(KeyQuestion { retire, confirm_unseen, opens, same_keys });
    Ok(session.answer(&plan, question, text, keys_status)?.outcome.exit_code())
}
