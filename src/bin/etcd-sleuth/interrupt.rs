//! Signals that end a run. It leaves no half files: they are removed before the signal does what it would have done.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use etcd_sleuth::output::WholeFile;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::signals;

/// Signals by which people and shells ask a process to end, and the one for too much CPU time.
#[cfg(unix)]
const ENDING: &[i32] = {
    use signal_hook::consts::{SIGHUP, SIGQUIT, SIGXCPU};
    &[SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU]
};
#[cfg(not(unix))]
const ENDING: &[i32] = &[SIGINT, SIGTERM];

/// What stops where the first interrupt shall not end the run.
static STOPPED: Mutex<Option<Arc<AtomicBool>>> = Mutex::new(None);

/// Waits for them beside the run. What was ignored before it began (`nohup`) stays so.
pub(crate) fn watch() -> io::Result<()> {
    // A file past the limit of its size is then an error of its writing, as on a full disk.
    #[cfg(unix)]
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default())?;
    let ignored = ignored();
    let ending: Vec<i32> = ENDING.iter().copied().filter(|signal| ignored >> signal.saturating_sub(1) & 1 == 0).collect();
    signals::watch("interrupt", &ending, |signal| {
        if matches!(signal, SIGINT | SIGTERM) && stopped().as_ref().is_some_and(|stopped| !stopped.swap(true, Ordering::Relaxed)) {
            return;
        }
        WholeFile::remove_all();
        // Ends the process.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    })
}

/// Does work that the first interrupt only stops: it is told by what it is given.
pub(crate) fn stopping<T>(work: impl FnOnce(&AtomicBool) -> T) -> T {
    let flag = Arc::new(AtomicBool::new(false));
    *stopped() = Some(Arc::clone(&flag));
    let result = work(&flag);
    *stopped() = None;
    result
}

fn stopped() -> MutexGuard<'static, Option<Arc<AtomicBool>>> {
    STOPPED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The signals that the process was told to ignore, one bit each from signal 1 on; none where the system does not say.
/// Source: `proc_pid_status(5)`, `SigIgn`.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
