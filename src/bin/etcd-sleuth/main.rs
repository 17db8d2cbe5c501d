//! The command line: arguments in, text or records out, an exit code.

mod args;
mod commands;
mod core_files;
mod holders;
mod interrupt;
mod key_args;
mod progress;
mod reader;
mod scan_args;
mod session;
mod shared_args;
mod shrinking;
mod signals;
mod telling;
mod terminal;

use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::Parser;
use etcd_sleuth::case::{RunError, bug};
use etcd_sleuth::output;

use self::args::{Args, Command};

/// Exit code where the answer is open.
const CANNOT_SAY: u8 = 3;

/// Threads for each core, at most, however many are asked for.
const THREADS_PER_CORE: usize = 4;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are answers; everything else is wrong usage.
            return match (error.print(), error.use_stderr()) {
                (_, true) => ExitCode::from(telling::ERROR),
                (Ok(()), false) => ExitCode::SUCCESS,
                (Err(_), false) => ExitCode::from(CANNOT_SAY),
            };
        }
    };
    reader::set_colour(args.global.color);
    bug::install();
    match bug::run(|| run(args)).map_err(anyhow::Error::from).flatten() {
        // What was found stands, whether or not anybody heard it; that nothing was found, nobody was told.
        Ok(code) if code == 0 && output::was_closed() => ExitCode::from(CANNOT_SAY),
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            telling::error(&error);
            let is_no_fault = matches!(error.downcast_ref::<RunError>(), Some(RunError::NotRead));
            ExitCode::from(if is_no_fault { CANNOT_SAY } else { telling::ERROR })
        }
    }
}

fn run(args: Args) -> anyhow::Result<u8> {
    if let Some(threads) = args.global.threads {
        // Those beyond what the cores can do would only wait for each other.
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let most = cores.saturating_mul(THREADS_PER_CORE);
        rayon::ThreadPoolBuilder::new().num_threads(threads.get().min(most)).build_global()?;
    }
    shrinking::watch()?;
    interrupt::watch()?;
    match args.command {
        Command::Scan(scan) => commands::scan(&scan, &args.global),
        Command::Carve(carve) => commands::carve(&carve, &args.global),
        Command::Check(check) => commands::check(&check, &args.global),
        Command::Keys(keys) => commands::keys(&keys, &args.global),
        Command::Verify(verify) => commands::verify(&verify, &args.global),
        Command::Show(show) => commands::show(&show, &args.global),
        Command::Recover(recover) => commands::recover(&recover, &args.global),
        Command::Pages(pages) => commands::pages(&pages, &args.global),
        Command::Completions { shell } => commands::completions(shell),
        Command::Man { directory } => commands::man(directory.as_deref()),
    }
}
