//! How fast a KMS is asked: its quota is shared with production.

use std::thread;
use std::time::{Duration, Instant};

/// At most so many calls a second, evenly spaced.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    interval: Duration,
    next: Option<Instant>,
    is_halved: bool,
}

/// How long a passing failure is waited out: each wait is twice the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The first wait.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// How often a question is put again.
    pub repeats: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), longest: Duration::from_secs(20), repeats: 5 }
    }
}

impl Patience {
    /// All the waits together.
    pub(super) fn in_all(&self) -> Duration {
        // Waits that double come to the longest soon.
        (0..self.repeats.min(64)).filter_map(|number| self.wait(number)).fold(Duration::ZERO, Duration::saturating_add)
    }

    /// The wait before question `number` is put again, counted from 0; `None` when patience is at its end.
    pub fn wait(&self, number: u32) -> Option<Duration> {
        let doubled = || self.first.saturating_mul(2u32.saturating_pow(number));
        (number < self.repeats).then(|| doubled().min(self.longest))
    }
}

impl Pace {
    /// `rate` calls a second; without a limit where it is not a positive number.
    pub fn per_second(rate: f64) -> Self {
        let interval = if rate > 0.0 { Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX) } else { Duration::ZERO };
        Self { interval, next: None, is_halved: false }
    }

    /// Half as fast from now on; once in a run.
    pub(super) fn halve(&mut self) {
        if !self.is_halved {
            self.interval = self.interval.saturating_mul(2);
            self.is_halved = true;
        }
    }

    /// Waits until the next call may be made. Short steps let a break-off be seen.
    pub fn wait(&mut self, is_stopped: &dyn Fn() -> bool) {
        if let Some(next) = self.next {
            pause(next.saturating_duration_since(Instant::now()), is_stopped);
        }
        self.next = Instant::now().checked_add(self.interval);
    }
}

/// Sleeps, unless the run is broken off.
pub(super) fn pause(duration: Duration, is_stopped: &dyn Fn() -> bool) {
    const STEP: Duration = Duration::from_millis(100);
    let mut left = duration;
    while !left.is_zero() && !is_stopped() {
        let step = left.min(STEP);
        thread::sleep(step);
        left = left.saturating_sub(step);
    }
}
