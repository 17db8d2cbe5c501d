//! An interrupted run leaves no half files: they are removed before the signal does what it would have done.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};

/// Waits for it beside the run.
pub(crate) fn watch() -> std::io::Result<()> {
    let caught = Arc::new(AtomicUsize::new(0));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_usize(signal, Arc::clone(&caught), usize::try_from(signal).unwrap_or_default())?;
    }
    std::thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
        while caught.load(Ordering::Relaxed) == 0 {
            std::thread::park_timeout(Duration::from_millis(50));
        }
        crate::output::WholeFile::remove_all();
        // Ends the process.
        let _ = signal_hook::low_level::emulate_default_handler(i32::try_from(caught.load(Ordering::Relaxed)).unwrap_or(SIGTERM));
    })?;
    Ok(())
}
