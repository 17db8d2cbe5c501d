//! The first line of a scan: whether Secrets can be read, and how many.

use super::super::escape::terminal;
use super::thousands;
use crate::report::EvidenceReport;
use crate::store::ResidueMode;

/// What an answer is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    File,
    Directory,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::File => "FILE",
            Self::Directory => "DIRECTORY",
        }
    }
}

/// The headline where a filter leaves nothing.
pub(super) fn nothing_matches(evidence: &EvidenceReport, filter: &str, what: What) -> String {
    let outside = match evidence.passed_over().0 {
        0 => "So nothing was looked at.".to_owned(),
        n => format!("So nothing was looked at; {} objects are outside of it.", thousands(n)),
    };
    format!("NOTHING IN THIS {} MATCHES: {}\n  {outside}\n", what.name(), terminal(filter))
}

pub(super) fn headline(evidence: &EvidenceReport, resources: &str, what: What) -> String {
    let what = what.name();
    let has_tree = evidence.facts.has_tree();
    let (readable, existing) = (&evidence.readable, evidence.secrets.total());
    if resources != "secrets" && existing == 0 && readable.total == 0 {
        return format!("NO SECRET AMONG THE OBJECTS LOOKED AT ({})\n", terminal(resources));
    }
    if readable.total == 0 {
        let unknown = match evidence.secrets.unknown {
            0 => String::new(),
            n => format!("; {n} are stored in a form not known here"),
        };
        let place = match evidence.facts.residue_mode() {
            Some(ResidueMode::Off) => format!("THE TREE OF THIS {what}"),
            _ if !evidence.facts.is_complete => format!("WHAT COULD BE READ OF THIS {what}"),
            _ => format!("THIS {what}"),
        };
        if !has_tree {
            return format!("NO PLAINTEXT SECRET FOUND IN {place}\n");
        }
        return format!("NO PLAINTEXT SECRET FOUND IN {place}\n  {} Secrets exist{unknown}.\n", thousands(existing));
    }
    let noun = if readable.total == 1 { "SECRET" } else { "SECRETS" };
    if !has_tree {
        let why = match evidence.facts.database() {
            Some(database) if database.active_meta.is_none() => "no valid meta page says which pages are in use",
            Some(_) => "the part of the file that says so is lost",
            None => "that is in the database, not in the log",
        };
        return format!(
            "{} {noun} CAN BE READ FROM THIS {what} WITHOUT ANY KEY\n  Which of them exist now is not known, {why}: treat them as in use.\n",
            thousands(readable.total)
        );
    }
    let unknown = match readable.unknown.total() {
        0 => String::new(),
        n => format!("; of {} neither is known: treat them as in use", thousands(n)),
    };
    let ahead = match readable.ahead {
        0 => String::new(),
        n => format!("; {} more are in the log and not in the database yet", thousands(n)),
    };
    format!(
        "{} {noun} CAN BE READ FROM THIS {what} WITHOUT ANY KEY\n  {} of the {} that exist now, and {} deleted{unknown}{ahead}.\n",
        thousands(readable.total),
        thousands(readable.existing.total()),
        thousands(existing),
        match readable.deleted.total() {
            1 => "1".to_owned(),
            n => thousands(n),
        },
    )
}
