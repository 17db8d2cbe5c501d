//! Every Secret that can be read in a file without a key, by namespace and name; no value of it.
//!
//! ```text
//! cargo run --no-default-features --example plaintext_secrets -- testdata/migration.db
//! ```

use etcd_sleuth::case::{Opened, Plan};
use etcd_sleuth::evidence::Limits;
use etcd_sleuth::render::escape;

fn main() -> anyhow::Result<()> {
    let path = std::env::args_os().nth(1).unwrap_or_else(|| "testdata/migration.db".into());
    let plan = Plan { named: usize::MAX, ..Plan::default() };
    let opened = Opened::open(path.as_ref(), plan, Limits::default())?;
    let answer = opened.read()?.judge()?;
    for (_, secret) in answer.report.readable_secrets() {
        // Whoever wrote the file chose the names.
        println!("{}", escape::terminal(&secret.label));
    }
    Ok(())
}
