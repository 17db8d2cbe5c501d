//! What the side of the reader can show: the colours and the width of a terminal.

use std::io::{IsTerminal, stderr, stdout};

use anstream::{AutoStream, ColorChoice};
use etcd_sleuth::render::text::Layout;

/// Takes over what `--color` says; without it the surroundings do (`NO_COLOR`, `TERM`).
pub(crate) fn set_colour(choice: clap::ColorChoice) {
    match choice {
        clap::ColorChoice::Auto => ColorChoice::Auto,
        clap::ColorChoice::Always => ColorChoice::Always,
        clap::ColorChoice::Never => ColorChoice::Never,
    }
    .write_global();
}

/// Of standard output.
pub(crate) fn of_stdout() -> Layout {
    let width = stdout().is_terminal().then(|| terminal_size::terminal_size_of(stdout())).flatten();
    layout(width, AutoStream::choice(&stdout()))
}

/// Of standard error.
pub(crate) fn of_stderr() -> Layout {
    let width = stderr().is_terminal().then(|| terminal_size::terminal_size_of(stderr())).flatten();
    layout(width, AutoStream::choice(&stderr()))
}

fn layout(size: Option<(terminal_size::Width, terminal_size::Height)>, colour: ColorChoice) -> Layout {
    Layout { width: size.map(|(width, _)| usize::from(width.0)), has_colour: colour != ColorChoice::Never }
}
