//! `completions` and `man`: what the arguments are, for shells and for `man`.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;
use clap_mangen::Man;
use etcd_sleuth::output::Output;

use crate::args::Args;

/// What stands before the line of a synopsis.
const SYNOPSIS: &str = ".SH SYNOPSIS\n";
/// What an option in it begins with.
const OPTION: &str = "[\\fB";

/// The name of the program, as shells and `man` know it.
const NAME: &str = "etcd-sleuth";

pub(crate) fn completions(shell: clap_complete::Shell) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), NAME, &mut script);
    // Of a name with a hyphen the script for bash has two spellings of each label, and looks for the one where the other stands.
    let script = String::from_utf8(script)?.replace(&NAME.replace('-', "__subcmd__"), &NAME.replace('-', "__"));
    let script = if shell == clap_complete::Shell::Bash { with_attached_values(&script) } else { script };
    print(script.as_bytes())
}

/// The script for bash, which takes a value to stand behind its option, made to complete one that stands behind an equals sign: bash makes
/// three words of it, or one where `COMP_WORDBREAKS` lacks that sign.
fn with_attached_values(script: &str) -> String {
    let (function, words) = ("_etcd__sleuth", "_etcd__sleuth__words");
    let attached = format!(
        r#"{function}() {{
    local cur="$2" prev="$3" option="" index
    if [[ "${{prev}}" == "=" ]]; then
        prev="${{COMP_WORDS[COMP_CWORD-2]}}"
    elif [[ "${{cur}}" == "=" ]]; then
        cur=""
    elif [[ "${{cur}}" == --*=* ]]; then
        option="${{cur%%=*}}"
        prev="${{option}}"
        cur="${{cur#*=}}"
        option="${{option}}="
        local COMP_WORDS=("${{COMP_WORDS[@]:0:COMP_CWORD}}" "${{prev}}" "${{cur}}") COMP_CWORD=$((COMP_CWORD + 1))
    fi
    {words} "$1" "${{cur}}" "${{prev}}"
    for index in "${{!COMPREPLY[@]}}"; do
        COMPREPLY[index]="${{option}}${{COMPREPLY[index]}}"
    done
}}

"#
    );
    let renamed = script.replacen(&format!("{function}() {{"), &format!("{words}() {{"), 1);
    let (inner, registered) = renamed.split_once("\nif [[ \"${BASH_VERSINFO[0]}\" -eq 4").unwrap_or((&renamed, ""));
    match registered {
        "" => script.to_owned(),
        _ => format!("{inner}\n{attached}if [[ \"${{BASH_VERSINFO[0]}}\" -eq 4{registered}"),
    }
}

/// The page of the program on standard output, or in a directory a page for it and for each of its commands.
pub(crate) fn man(directory: Option<&Path>) -> anyhow::Result<u8> {
    let Some(directory) = directory else { return print(page(&Man::new(Args::command()))?.as_bytes()) };
    std::fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    let mut program = Args::command().disable_help_subcommand(true);
    program.build();
    for command in std::iter::once(&program).chain(program.get_subcommands().filter(|command| !command.is_hide_set())) {
        let man = Man::new(command.clone());
        let path = directory.join(man.get_filename());
        std::fs::write(&path, page(&man)?).with_context(|| path.display().to_string())?;
    }
    Ok(0)
}

/// The page of a command. Its synopsis has the options in the order in which the page explains them, which is that of `--help`.
fn page(man: &Man) -> anyhow::Result<String> {
    let mut page = Vec::new();
    man.render(&mut page)?;
    let page = String::from_utf8(page)?;
    let Some((synopsis, rest)) = page.split_once(SYNOPSIS).and_then(|(_, behind)| behind.split_once('\n')) else { return Ok(page) };
    let mut words: Vec<&str> = synopsis.split(' ').collect();
    let is_option = |word: &&str| word.starts_with(OPTION);
    // Each is explained in a line that begins with its names, the long one last.
    let place = |word: &str| {
        let name = word.trim_matches(['[', ']']).rsplit('|').next().unwrap_or_default();
        rest.lines().position(|line| line.starts_with("\\fB") && line.contains(name)).unwrap_or(usize::MAX)
    };
    let first = words.iter().position(is_option).unwrap_or(0);
    let count = words.iter().skip(first).take_while(|word| is_option(word)).count();
    if let Some(options) = words.get_mut(first..first.saturating_add(count)) {
        options.sort_by_key(|word| place(word));
    }
    Ok(page.replacen(synopsis, &words.join(" "), 1))
}

fn print(text: &[u8]) -> anyhow::Result<u8> {
    let mut out = Output::open(None, false, &[])?;
    out.write_all(text)?;
    out.finish()?;
    Ok(0)
}
