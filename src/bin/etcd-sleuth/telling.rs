//! What is told on standard error: notes, and errors.

use std::io::{self, Write};

use etcd_sleuth::case::{InputError, RunError};
use etcd_sleuth::render::escape::terminal;
use etcd_sleuth::render::text::Screen;

use crate::reader;

/// Exit code of an error: nothing could be analysed, or wrong usage.
pub(crate) const ERROR: u8 = 1;

/// Says something to people beside the result. Nobody reading it is no error.
pub(crate) fn say(text: &str) {
    let mut stderr = io::stderr().lock();
    let mut screen = Screen::new(&mut stderr, reader::of_stderr());
    let _ = screen.write_all(text.as_bytes()).and_then(|()| screen.flush());
}

/// Tells an error, its causes, each once, and what to try. What was told already is not told again.
pub(crate) fn error(error: &anyhow::Error) {
    match error.downcast_ref::<RunError>() {
        Some(RunError::NothingRead | RunError::NotRead) => {}
        Some(RunError::Input(input)) => input_error(input),
        _ => tell(&causes(error), None),
    }
}

/// An error and its causes; one that repeats what stands before it adds nothing.
fn causes(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |said, cause| {
        let cause = cause.to_string();
        match said.as_str() {
            "" => cause,
            known if known.contains(&cause) => said,
            known => format!("{known}: {cause}"),
        }
    })
}

/// Tells why an input was not read, and what to try.
pub(crate) fn input_error(error: &InputError) {
    tell(&error.to_string(), error.hint());
}

fn tell(what: &str, hint: Option<String>) {
    let style = clap::builder::Styles::styled();
    let (red, plain) = (style.get_error().render(), style.get_error().render_reset());
    let hint = hint.map_or(String::new(), |hint| format!("  try: {}\n", terminal(&hint)));
    say(&format!("{red}error:{plain} {}\n{hint}", terminal(what)));
}
