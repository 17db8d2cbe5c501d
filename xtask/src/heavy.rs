//! What takes hours, and is run before an issue is called resolved. Its figures are kept in `docs/heavy.md`.
//!
//! It is run in parts. What a part has shown of a commit is kept in `target/heavy/COMMIT`, so that a run that was ended goes on where it was.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use crate::program::{cargo, first_line, output, program, root};
use crate::steps::cannot_fuzz;

/// Executions of each fuzz target.
const EXECUTIONS: &str = "1000000";
/// The test that makes random databases, and prints how many.
const RANDOM_DATABASES: &str = "differential::random_databases_are_as_bbolt_says";
/// The test that plays random lives of real clusters, and prints how many evidences they left. CI leaves it out.
pub(crate) const RANDOM_LIVES: &str = "lives::random_lives_raise_no_alarm";

/// The test that needs an OpenBao, which is large. CI leaves it out, too.
pub(crate) const OPENBAO: &str = "kms_openbao::";

/// Runs everything, and adds a row where all of it passed.
pub(crate) fn run() -> Result<(), String> {
    // A row is about a commit.
    if first_line("git", &["status", "--porcelain", "--untracked-files=no"]).is_none_or(|line| !line.is_empty()) {
        return Err("what is not committed is no state that a row could be about".to_owned());
    }
    if let Some(why) = cannot_fuzz() {
        return Err(why);
    }
    let commit = first_line("git", &["rev-parse", "--short=12", "HEAD"]).ok_or("git does not know HEAD")?;
    let date = first_line("date", &["-u", "+%Y-%m-%d"]).ok_or("date says no date")?;

    let mut parts = Parts::of(&commit)?;
    let databases = parts.figure("random-databases", || {
        let said = output(one_test(RANDOM_DATABASES))?;
        number_behind(&said, "-count ").ok_or_else(|| "the differential test did not say how many databases it made".to_owned())
    })?;
    let lives = parts.figure("random-lives", || {
        let said = output(one_test(RANDOM_LIVES))?;
        number_before(&said, " evidences of random lives")
            .ok_or_else(|| "the test of random lives did not say how many evidences they left".to_owned())
    })?;
    let ignored = parts.figure("ignored-tests", || {
        let skip = ["--skip", RANDOM_DATABASES, "--skip", RANDOM_LIVES];
        Ok(2 + passed(&output(cargo(&[&["test", "--locked", "--no-fail-fast", "--", "--ignored"], &skip[..]].concat()))?))
    })?;
    let targets = output(program("cargo", &["+nightly", "fuzz", "list"]))?;
    let targets: Vec<&str> = targets.lines().collect();
    let mut least = u64::MAX;
    // As many at once as there are cores.
    for some in targets.chunks(std::thread::available_parallelism().map_or(1, usize::from)) {
        let executed = parts.figure(&format!("fuzz-{}", some.join("-")), || {
            let mut fuzz = program("fuzz/run.sh", &[&["0"], some].concat());
            fuzz.env("FUZZ_RUNS", EXECUTIONS);
            let executions = executions(&output(fuzz)?);
            executions
                .iter()
                .min()
                .copied()
                .filter(|_| executions.len() == some.len())
                .ok_or_else(|| "a target did not say what it executed".to_owned())
        })?;
        least = least.min(executed);
    }

    let minutes = parts.seconds.div_ceil(60);
    let row = format!("| {date} | {commit} | {} | {least} | {databases} | {lives} | {ignored} | {minutes} |\n", targets.len());
    print!("{row}");
    let mut file = OpenOptions::new().append(true).open(root().join("docs/heavy.md")).map_err(|error| format!("docs/heavy.md: {error}"))?;
    file.write_all(row.as_bytes()).map_err(|error| error.to_string())
}

/// What the parts of a run have shown, of one commit.
struct Parts {
    folder: PathBuf,
    /// What all of them took.
    seconds: u64,
}

impl Parts {
    fn of(commit: &str) -> Result<Self, String> {
        let folder = root().join("target/heavy").join(commit);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self { folder, seconds: 0 })
    }

    /// The figure of a part, which is run where it has not passed yet.
    fn figure(&mut self, name: &str, run: impl FnOnce() -> Result<u64, String>) -> Result<u64, String> {
        let file = self.folder.join(name);
        let known = fs::read_to_string(&file).ok().and_then(|text| {
            let (figure, seconds) = text.trim().split_once(' ')?;
            Some((figure.parse().ok()?, seconds.parse().ok()?))
        });
        let (figure, seconds): (u64, u64) = match known {
            Some(known) => known,
            None => {
                println!("==> {name}");
                let started = Instant::now();
                let figure = run().map_err(|error| format!("{name}: {error}"))?;
                let seconds = started.elapsed().as_secs();
                fs::write(&file, format!("{figure} {seconds}\n")).map_err(|error| format!("{}: {error}", file.display()))?;
                (figure, seconds)
            }
        };
        println!("    {name}: {figure}, {seconds} s");
        self.seconds += seconds;
        Ok(figure)
    }
}

/// An ignored test, by its whole name.
fn one_test(name: &str) -> Command {
    cargo(&["test", "--locked", "--test", "it", "--", "--ignored", "--exact", "--nocapture", name])
}

/// The number that stands before these words.
fn number_before(text: &str, words: &str) -> Option<u64> {
    let (before, _) = text.split_once(words)?;
    let start = before.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    before.get(start..)?.parse().ok()
}

/// The number that stands behind these words.
fn number_behind(text: &str, words: &str) -> Option<u64> {
    let (_, rest) = text.split_once(words)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

/// Tests that passed, over all the programs that cargo ran.
fn passed(text: &str) -> u64 {
    text.lines().filter(|line| line.starts_with("test result: ok.")).filter_map(|line| number_behind(line, "ok. ")).sum()
}

/// Executions of each target, as libFuzzer says at the end.
fn executions(text: &str) -> Vec<u64> {
    let units = |line: &str| line.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok();
    text.lines().filter_map(units).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_out_of_what_the_programs_say() {
        assert_eq!(number_behind("x\netcd36 random -seed 17 -count 1000\nok", "-count "), Some(1000));
        assert_eq!(number_before("etcd36 life -seed 5\n301 evidences of random lives\n", " evidences of random lives"), Some(301));
        assert_eq!(passed("test result: ok. 9 passed; 0 failed\nx\ntest result: ok. 4 passed; 0 failed\n"), 13);
        let said = "== bbolt\nstat::number_of_executed_units: 1000003\nstat::peak_rss_mb: 5\nstat::number_of_executed_units: 1000000\n";
        assert_eq!(executions(said), [1_000_003, 1_000_000]);
    }
}
