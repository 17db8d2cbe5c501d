//! An interrupted run leaves no half files: they are removed before the signal does what it would have done.

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::output::WholeFile;
use crate::signals;

/// Waits for it beside the run.
pub(crate) fn watch() -> std::io::Result<()> {
    signals::watch("interrupt", &[SIGINT, SIGTERM], |signal| {
        WholeFile::remove_all();
        // Ends the process.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    })
}
