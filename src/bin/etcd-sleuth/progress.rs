//! Bars that show how far a run is, on standard error.

use std::sync::atomic::Ordering;
use std::time::Duration;

use etcd_sleuth::render::escape::terminal;
use etcd_sleuth::store::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// How often the progress is looked at.
const TICK: Duration = Duration::from_millis(100);

/// Runs `work` with a bar on standard error, if that is a terminal and the work is long.
pub(crate) fn with_progress(show: bool, label: &str, progress: &Progress, work: &mut dyn FnMut()) {
    if !show {
        return work();
    }
    let bar = ProgressBar::new(0).with_style(
        ProgressStyle::with_template("{msg} {bytes}/{total_bytes} {wide_bar} {eta}").unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar.set_message(terminal(label).into_owned());
    std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let bar = &bar;
        scope.spawn(move || {
            while stopped.recv_timeout(TICK).is_err_and(|e| e == std::sync::mpsc::RecvTimeoutError::Timeout) {
                bar.set_length(progress.to_hash.load(Ordering::Relaxed));
                bar.set_position(progress.hashed.load(Ordering::Relaxed));
            }
        });
        work();
        drop(stop);
        bar.finish_and_clear();
    });
}

/// A bar that counts; without a terminal, or where `show` is false, nothing is drawn.
pub(crate) fn count_bar(total: u64, show: bool) -> ProgressBar {
    if show { ProgressBar::new(total) } else { ProgressBar::hidden() }
}
