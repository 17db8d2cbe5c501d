//! README.md shows what is: its example is run, its commands are steps of `cargo xtask ci`, its links lead somewhere.

use crate::common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Fixture, of_kind, records, sleuth, text, unpack_directory};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The command that README marks with this name.
fn command(name: &str) -> String {
    let readme = readme();
    let marked = readme.split_once(&format!("<!-- command: {name} -->\n```sh\n")).unwrap_or_else(|| panic!("no command {name}")).1;
    marked.split_once("\n```").unwrap().0.to_owned()
}

/// A block of output: what makes it, how many of its lines are shown at least, and its place in README.
struct Block {
    args: Vec<String>,
    lines: Option<usize>,
    text: std::ops::Range<usize>,
}

/// The block below the main job's command, and those marked `<!-- output: ARGUMENTS -->` or `<!-- output of N lines: ARGUMENTS -->`.
fn blocks(readme: &str) -> Vec<Block> {
    let block = |args: &str, lines: Option<usize>, from: usize| {
        let start = from + readme[from..].find("```text\n").unwrap() + "```text\n".len();
        let end = start + readme[start..].find("```\n").unwrap();
        Block { args: args.split(' ').map(str::to_owned).collect(), lines, text: start..end }
    };
    let main = command("main job");
    let args = main.strip_prefix("cargo run --release -- ").expect("a run of this crate");
    let mut blocks = vec![block(args, None, 0)];
    for (at, mark) in readme.match_indices("<!-- output") {
        let (lines, rest) = readme[at + mark.len()..].split_once(": ").unwrap();
        let lines = lines.strip_prefix(" of ").map(|lines| lines.strip_suffix(" lines").unwrap().parse().unwrap());
        blocks.push(block(rest.split(" -->").next().unwrap(), lines, at));
    }
    blocks
}

/// What README shows of a run: the first screen of a scan, or as many lines of it as the mark says, and its last two lines; of a
/// list its first lines; else everything. What is left out is marked.
fn shown(block: &Block, dir: &Path) -> (i32, String) {
    let args: Vec<&str> = block.args.iter().map(String::as_str).collect();
    let (code, stdout) = text(&sleuth().current_dir(dir).args(&args).output().unwrap());
    let lines: Vec<&str> = stdout.lines().collect();
    let list = args.iter().position(|arg| *arg == "--rotate-list").map(|at| fs::read_to_string(dir.join(args[at + 1])).unwrap());
    let command = format!("$ etcd-sleuth {}", args.join(" "));
    let shown: Vec<&str> = match (args[0], &list) {
        (_, Some(list)) => list.lines().take(3).chain(["…"]).collect(),
        ("scan", None) if !args.contains(&"-q") => {
            let first_screen = lines.iter().take_while(|line| !line.is_empty()).take(block.lines.unwrap_or(usize::MAX));
            let not_looked_at = lines.iter().rposition(|line| line.starts_with("NOT LOOKED AT: ")).unwrap();
            first_screen.copied().chain(["…"]).chain(lines[not_looked_at..].iter().copied()).collect()
        }
        _ => lines,
    };
    // That of the first block stands above it, as a command of its own.
    let command = (args != ["scan", "testdata/migration.db"]).then_some(command.as_str());
    (code, command.into_iter().chain(shown).collect::<Vec<_>>().join("\n") + "\n")
}

/// A folder with all that the examples name: the repository's `testdata` and the fixtures in it, unpacked.
fn evidence() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("testdata")).unwrap();
    for fixture in Fixture::all() {
        fixture.write_to(dir.path());
    }
    for file in fs::read_dir(common::testdata()).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file()) {
        fs::copy(&file, dir.path().join("testdata").join(file.file_name().unwrap())).unwrap();
    }
    unpack_directory("killed", dir.path());
    let migration = Fixture::named("migration").bytes;
    fs::write(dir.path().join("half.db"), &migration[..migration.len() / 2]).unwrap();
    dir
}

#[test]
fn every_block_of_output_is_a_real_run() {
    let dir = evidence();
    let mut readme = readme();
    let update = std::env::var_os("ETCD_SLEUTH_UPDATE").is_some();
    assert!(blocks(&readme).len() >= 5);
    for number in 0..blocks(&readme).len() {
        let block = &blocks(&readme)[number];
        let (code, real) = shown(block, dir.path());
        if number == 0 {
            assert!(readme.contains(&format!("It exits with {code},")), "README.md names another exit code than {code}");
        }
        if update {
            readme.replace_range(block.text.clone(), &real);
        } else {
            let old = &readme[block.text.clone()];
            let how = "ETCD_SLEUTH_UPDATE=1 cargo test readme puts in the real one";
            assert_eq!(old, real, "README.md shows an old output of {:?}; {how}", block.args);
        }
    }
    if update {
        fs::write(root().join("README.md"), &readme).unwrap();
    }
    // What the blocks take is in a fresh clone, or is made by a command that stands above them.
    for made in ["`tar --zstd -xf testdata/killed.dir.tar.zst`", "`head -c 223248 testdata/migration.db > half.db`"] {
        assert!(readme.contains(made), "README.md does not say {made}");
    }
    for input in blocks(&readme).iter().flat_map(|block| &block.args).filter(|arg| arg.starts_with("testdata/")) {
        assert!(root().join(input).exists(), "README.md takes {input}");
    }
    assert_eq!(Fixture::named("migration").bytes.len() / 2, 223_248);
    assert_eq!(readme.matches("```text\n").count(), blocks(&readme).len(), "a block of output without the run that makes it");
}

#[test]
fn the_numbers_in_the_text_on_residue_are_those_of_its_fixtures() {
    let dir = evidence();
    let readme = readme();
    for (file, places) in [("compacted.db", "60 only in free pages"), ("defragmented.db", "no plaintext Secret found in: tree, free pages")]
    {
        let (_, line) = text(&sleuth().current_dir(dir.path()).args(["scan", file, "-q"]).output().unwrap());
        assert!(line.contains(places), "{file}: {line}");
    }
    let said = "all 58 Secrets that exist are encrypted, and all 58 can be read, with 2 that were deleted";
    assert!(readme.split_whitespace().collect::<Vec<_>>().join(" ").contains(said), "README.md does not say: {said}");
    let all = records(&sleuth().current_dir(dir.path()).args(["scan", "compacted.db", "--format", "jsonl"]).output().unwrap());
    let summary = of_kind(&all, "summary")[0];
    let readable = &summary["secrets_readable"];
    assert_eq!([&summary["secrets_current"]["encrypted"], &readable["existing"], &readable["deleted"]], [58, 58, 2]);
}

#[test]
fn two_commands_are_marked_and_continuous_integration_runs_both() {
    let readme = readme();
    assert_eq!((readme.matches("<!-- command: ").count(), readme.matches("```sh").count()), (2, 2));
    assert_eq!(command("tests"), "cargo test");
    let steps = fs::read_to_string(root().join("xtask/src/steps.rs")).unwrap();
    for name in ["main job", "tests"] {
        assert!(steps.contains(&format!("readme_command(\"{name}\")")), "no step takes {name} out of README.md");
    }
    assert!(fs::read_to_string(root().join(".ci/run")).unwrap().contains("cargo xtask ci"));
}

#[test]
fn links_and_named_files_of_the_documents_are_there() {
    for document in ["README.md", "CONTRIBUTING.md", "docs/records.md", "fuzz/README.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        let here = root().join(document).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            if file.starts_with("https://") {
                continue;
            }
            let target = if file.is_empty() { root().join(document) } else { here.join(file) };
            assert!(target.exists(), "{document} links to {link}");
            if !heading.is_empty() {
                let headings = fs::read_to_string(&target).unwrap();
                let slug = |line: &str| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-").replace('`', "");
                assert!(headings.lines().any(|line| line.starts_with('#') && slug(line) == heading), "{document} links to {link}");
            }
        }
        for named in text.split('`').skip(1).step_by(2).filter(|code| code.starts_with("tests/") || code.starts_with("benches/")) {
            assert!(root().join(named.split(' ').next().unwrap()).exists(), "{document} names {named}");
        }
    }
}

#[test]
fn the_exit_codes_and_commands_are_those_of_the_binary() {
    let readme = readme();
    let help = text(&sleuth().arg("--help").output().unwrap()).1;
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    for name in commands.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
        assert!(readme.contains(&format!("| `{name} ")), "README.md does not mention {name}");
    }
    for code in 0..=3 {
        assert!(readme.lines().any(|line| line.starts_with(&format!("| {code} | "))), "{code}");
    }
}
