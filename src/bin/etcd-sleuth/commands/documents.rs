//! `completions` and `man`: what the arguments are, for shells and for `man`.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;

use crate::args::Args;
use crate::output::Output;

/// The name of the program, as shells and `man` know it.
const NAME: &str = "etcd-sleuth";

pub(crate) fn completions(shell: clap_complete::Shell) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), NAME, &mut script);
    // Of a name with a hyphen the script for bash has two spellings of each label, and looks for the one where the other stands.
    let script = String::from_utf8(script)?.replace(&NAME.replace('-', "__subcmd__"), &NAME.replace('-', "__"));
    print(script.as_bytes())
}

/// The page of the program on standard output, or in a directory a page for it and for each of its commands.
pub(crate) fn man(directory: Option<&Path>) -> anyhow::Result<u8> {
    let Some(directory) = directory else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Args::command()).render(&mut page)?;
        return print(&page);
    };
    std::fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    clap_mangen::generate_to(Args::command(), directory).with_context(|| directory.display().to_string())?;
    Ok(0)
}

fn print(text: &[u8]) -> anyhow::Result<u8> {
    let mut out = Output::open(None, false, &[])?;
    out.write_all(text)?;
    out.finish()?;
    Ok(0)
}
