//! Signals, told to a thread beside the run.
//!
//! A handler may do next to nothing. It keeps the signal's number, and the thread, which looks at it every 50 ms, does the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Calls `then` with each of these signals that comes; of several within 50 ms with the last.
pub(crate) fn watch(name: &str, signals: &[i32], mut then: impl FnMut(i32) + Send + 'static) -> std::io::Result<()> {
    let caught = Arc::new(AtomicUsize::new(0));
    for signal in signals {
        signal_hook::flag::register_usize(*signal, Arc::clone(&caught), usize::try_from(*signal).unwrap_or_default())?;
    }
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        loop {
            match i32::try_from(caught.swap(0, Ordering::Relaxed)) {
                Ok(signal) if signal > 0 => then(signal),
                _ => std::thread::park_timeout(Duration::from_millis(50)),
            }
        }
    })?;
    Ok(())
}
