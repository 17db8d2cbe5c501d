//! What `verify` says of asking before it asks: of whom, how often, how long, and which rights it takes.

use super::super::escape::terminal;
use super::headline::within;
use super::number::with_noun;
use super::{thousands, unread};
use crate::evidence::count::{Count, DekSources};
use crate::evidence::words::verb;
use crate::report::{Asked, Report, VerificationPlan};

/// What is said before anybody is asked: who will be asked how often.
pub fn announcement(plan: &VerificationPlan) -> String {
    let mut out = String::new();
    for asked in &plan.asked {
        let sources = with_noun(asked.total().one_each::<DekSources>());
        out.push_str(&format!("{}: {sources} to unwrap, one call each{}\n", terminal(&asked.name), in_turn(asked)));
    }
    if plan.unclaimed.total() > 0 {
        out.push_str(&format!("nobody to ask about {}\n", with_noun(plan.unclaimed.total().one_each::<DekSources>())));
    }
    out
}

/// What it would take; nobody is asked.
pub(super) fn plan(plan: &VerificationPlan, report: &Report) -> String {
    let mut out = format!("{}{}, one call each; nobody was asked\n", with_noun(plan.dek_sources), within(report));
    let unclaimed = Some(&plan.unclaimed).filter(|unclaimed| unclaimed.total() > 0);
    for asked in plan.asked.iter().chain(unclaimed) {
        let (name, calls, waiting) = (terminal(&asked.name), with_noun(asked.total()), asked.waiting());
        let (values, current) = (with_noun(waiting.values), thousands(waiting.current));
        let are = verb(waiting.current, "is", "are");
        out.push_str(&format!("  {name}: {calls} for {values} wherever they stand, of which {current} {are} current{}\n", in_turn(asked)));
        for (key, turns) in &asked.calls {
            let key = key.as_deref().unwrap_or("KMS v1: the key is not known before it is asked");
            let at_most = if turns.further > 0 { format!(", at most {}", turns.first.plus(turns.further)) } else { String::new() };
            out.push_str(&format!("    {:>6}  {}{at_most}\n", turns.first, terminal(key)));
        }
    }
    out.push_str(&duration(plan));
    if let Some(policy) = &plan.policy {
        out.push_str(&format!("IAM policy that allows it\n{policy}\n"));
        if plan.has_place_to_fill() {
            out.push_str("  FILL IN what is in capitals, or give --kms-key ARN: the values do not name their key's ARN, and as it stands this allows nothing for them\n");
        }
    }
    out.push_str(&format!(
        "  in {} file{}; a DEK source that several hold counts once\n",
        report.evidences.len(),
        if report.evidences.len() == 1 { "" } else { "s" }
    ));
    out.push_str(&unread::not_looked_at(Vec::new(), report.unread.iter()));
    out
}

/// What is asked of one only where those before it do not unwrap it, or it does not in the first of its ways.
fn in_turn(asked: &Asked) -> String {
    match asked.further() {
        Count::ZERO => String::new(),
        further => format!("; at most {} more, about what the first call does not unwrap", thousands(further)),
    }
}

/// How long the calls take, and whether one run may make all of them.
fn duration(plan: &VerificationPlan) -> String {
    let calls = plan.most_calls();
    if calls == 0 {
        return String::new();
    }
    let mut out = String::new();
    if plan.rate > 0.0 {
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
        let seconds = (u64::from(calls) as f64 / plan.rate).ceil() as u64;
        let words = match seconds {
            0..120 => format!("{seconds} s"),
            120..7200 => format!("{} min", seconds.div_ceil(60)),
            _ => format!("{} h", seconds.div_ceil(3600)),
        };
        let up_to = if calls > plan.calls() { "at most" } else { "about" };
        out.push_str(&format!("  {up_to} {words} at {} calls a second (--rate)\n", plan.rate));
    }
    out.push_str(&other_calls(plan));
    let in_all = calls.plus(plan.key_calls());
    if let Some(most) = plan.max_calls.filter(|most| *most < in_all) {
        out.push_str(&format!(
            "  MORE THAN ONE RUN MAKES: it ends after {} (--max-calls); raise that for {}\n",
            with_noun(most),
            with_noun(in_all)
        ));
    }
    out
}

/// Calls that unwrap nothing.
fn other_calls(plan: &VerificationPlan) -> String {
    let of_status = plan.status_calls();
    let of_keys = plan.key_calls().without(of_status);
    let of_keys =
        (of_keys > 0).then(|| format!("at most {} about keys: what a name means now, their state and rotation", with_noun(of_keys)));
    let of_status = (of_status > 0).then(|| format!("{} to plugins about the key that is current", with_noun(of_status)));
    let words: Vec<String> = of_keys.into_iter().chain(of_status).collect();
    if words.is_empty() { String::new() } else { format!("  besides {}\n", words.join(", and ")) }
}
