//! What was given, or stands in what was given, and was not read.

use std::fmt;
use std::path::PathBuf;

use crate::evidence::MemberId;
use crate::evidence::words::{path_text, path_word, span, verb};
use crate::finding::Condition;
use crate::store::{PassedOver, PassedOverForm, WholeForm};

/// What to do about bytes that show nothing of what they hold.
const OPAQUE: &str = "find out what made it, unpack or decrypt it, and search what comes out";

/// One thing that was not read, or is not there where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The member in whose files it stands; an input of which nothing could be read is one by itself.
    pub member: Option<MemberId>,
    /// The input that it stands in.
    pub given: PathBuf,
    /// Where it stands, as the input was given.
    pub path: PathBuf,
    /// Where it leads, if it is a link.
    pub target: Option<PathBuf>,
    /// Why it was not read.
    pub reason: UnreadReason,
}

/// Why something was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnreadReason {
    /// A link that leads out of what was given, to something that is not proven to be of this member.
    LeadsElsewhere,
    /// A link to something that is not there.
    LeadsNowhere,
    /// It could not be opened, or is of no form that is read; why, in words.
    Failed(String),
    /// A file in a data directory that etcd does not write, of no form that is read.
    Foreign(String),
    /// A device.
    Device,
    /// A directory below more directories than are looked through.
    TooDeep,
    /// A directory behind more names than are looked through.
    TooMany,
    /// A member's directory without a database.
    NoDatabase,
    /// A member's directory without a write-ahead log.
    NoLog,
    /// A database without a log, where one was given that may be its, and as well another one's.
    LogOfSeveral {
        /// The database.
        database: PathBuf,
        /// The log, or its first segment.
        log: PathBuf,
    },
    /// Entries of the log behind the database, which a recovery does not apply.
    NotApplied {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// Committed entries behind the database that stand nowhere.
    MissingEntries {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// Another member or database, where one database is recovered.
    NotRecovered,
    /// A database that contradicts the one that is recovered.
    Contradicts,
    /// A part of a container that could not be taken out of it.
    NotUnpacked(String),
    /// Bytes of a container that none of what came out of it stands in; which, in words.
    BesideContainer(String),
    /// Values of which a search of any bytes saw the beginning alone.
    PassedOver(PassedOver),
    /// The same in a file that is of a form that is read, and was searched as any bytes are.
    PassedOverIn(WholeForm, PassedOver),
    /// Values that stand in a file of this form, and begin like none of Kubernetes's: a search of any bytes does not see them.
    NotSeenIn(WholeForm),
    /// Values that begin outside of what is read of this kind of file, such as behind the pages of a database.
    Outside(PassedOver),
    /// A container that ends early, or a part of it that is damaged.
    NotWhole(String),
    /// It is of a form that holds data and that this program does not read.
    NotSupported {
        /// Which, in words.
        what: String,
        /// What to do with this form.
        hint: Option<&'static str>,
    },
    /// A limit of this program is met; which, in words.
    Limit(String),
}

impl UnreadReason {
    /// The word in the records.
    pub fn name(&self) -> &'static str {
        match self {
            Self::LeadsElsewhere => "leads-elsewhere",
            Self::LeadsNowhere => "leads-nowhere",
            Self::Failed(_) => "failed",
            Self::Foreign(_) => "foreign",
            Self::Device => "device",
            Self::TooDeep => "too-deep",
            Self::TooMany => "too-many",
            Self::NoDatabase => "no-database",
            Self::NoLog | Self::LogOfSeveral { .. } => "no-log",
            Self::NotApplied { .. } => "not-applied",
            Self::MissingEntries { .. } => "missing-entries",
            Self::NotRecovered | Self::Contradicts => "not-recovered",
            Self::NotUnpacked(_) | Self::BesideContainer(_) => "not-unpacked",
            Self::PassedOver(passed_over) | Self::PassedOverIn(_, passed_over) | Self::Outside(passed_over) => passed_over.form.name(),
            Self::NotSeenIn(_) => "not-seen",
            Self::NotWhole(_) => "not-whole",
            Self::NotSupported { .. } => "not-supported",
            Self::Limit(_) => "limit",
        }
    }

    /// Whether an error was told of it already, and a condition of its own holds.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_))
    }

    /// Whether it is told where errors are, where it is a whole input.
    pub fn is_told_as_an_error(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::NotSupported { .. } | Self::Limit(_))
    }

    /// What it means for the exit code. There is none that leaves it at 0.
    pub fn condition(&self) -> Condition {
        if self.is_failure() { Condition::InputFailed } else { Condition::NotRead }
    }

    /// Whether it is not there at all, and what is there was read.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::NoDatabase | Self::NoLog | Self::LogOfSeveral { .. } | Self::MissingEntries { .. })
    }

    /// Whether nothing is known to be wrong with it, and another program reads it, or this one with another limit or where it is given.
    pub fn is_no_fault(&self) -> bool {
        matches!(self, Self::NotSupported { .. } | Self::Limit(_) | Self::LeadsElsewhere)
    }
}

impl fmt::Display for UnreadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LeadsElsewhere => "a link that leads out of what was given",
            Self::LeadsNowhere => "a link to something that is not there",
            Self::Failed(why)
            | Self::NotUnpacked(why)
            | Self::BesideContainer(why)
            | Self::NotWhole(why)
            | Self::NotSupported { what: why, .. }
            | Self::Limit(why) => {
                return f.write_str(why);
            }
            Self::Foreign(what) => return write!(f, "not a file of etcd; it looks like {what}"),
            Self::PassedOver(passed_over) | Self::PassedOverIn(_, passed_over) => {
                return write!(f, "{passed_over}, the first at byte {}", passed_over.first);
            }
            Self::NotSeenIn(form) => {
                return write!(
                    f,
                    "{}: of what it holds a search of any bytes sees what begins as a value of Kubernetes's does",
                    form.in_words()
                );
            }
            Self::Outside(within) if within.form == PassedOverForm::Within => {
                return write!(f, "{within}, the first at byte {}", within.first);
            }
            Self::Outside(outside) => {
                return write!(f, "{outside}, beside what is read of such a file, the first at byte {}", outside.first);
            }
            Self::Device => "a device",
            Self::TooDeep => "below more directories than are looked through",
            Self::TooMany => "behind more names than are looked through",
            Self::NoDatabase => "no snap/db in it: what exists now is not known",
            Self::NotApplied { first, last } => {
                let (one, several) = ("is newer than the database, and was", "are newer than the database, and were");
                let are = verb(last.saturating_sub(*first).saturating_add(1), one, several);
                return write!(f, "{} {are} not applied", span("entry", *first, *last));
            }
            Self::MissingEntries { first, last } => {
                let verb = verb(last.saturating_sub(*first).saturating_add(1), "stands", "stand");
                return write!(f, "{} {verb} nowhere: what is written or deleted there is not known", span("entry", *first, *last));
            }
            Self::NotRecovered => "not a part of the database that is recovered, which is one",
            Self::Contradicts => "it contradicts the database that is recovered: which of the two is right is not known",
            Self::NoLog => "no write-ahead log in it: what was written last is not known",
            Self::LogOfSeveral { log, .. } => {
                return write!(
                    f,
                    "its write-ahead log may be {}, and several of what was given fit each other: what was written last is not known",
                    path_text(log)
                );
            }
        })
    }
}

impl Unread {
    /// What to do about it, where there is something.
    pub fn advice(&self) -> Option<String> {
        let (given, path) = (path_word(&self.given), path_word(&self.path));
        match &self.reason {
            UnreadReason::LeadsElsewhere => {
                let target = path_word(self.target.as_deref().unwrap_or(&self.path));
                Some(format!("if it is this member's, give it: etcd-sleuth scan {given} {target}"))
            }
            UnreadReason::LeadsNowhere => Some(format!("if it is elsewhere, give it: etcd-sleuth scan {given} PATH")),
            UnreadReason::Outside(within) | UnreadReason::PassedOver(within) if within.form == PassedOverForm::Within => Some(format!(
                "treat it as readable; whose value it is in, the records say: etcd-sleuth scan --resources all --format jsonl {path}"
            )),
            UnreadReason::Outside(opaque) if opaque.form == PassedOverForm::Opaque => Some(OPAQUE.to_owned()),
            UnreadReason::Foreign(_) | UnreadReason::Outside(_) => Some(format!("search it: etcd-sleuth carve {path}")),
            UnreadReason::TooDeep | UnreadReason::TooMany => Some(format!("give it by itself: etcd-sleuth scan {path}")),
            UnreadReason::NoDatabase => Some(format!("if it is elsewhere, give both: etcd-sleuth scan {given} SNAP")),
            UnreadReason::NoLog => Some(format!("if it is elsewhere, give both: etcd-sleuth scan {given} WAL")),
            UnreadReason::LogOfSeveral { database, log } => {
                Some(format!("read the two alone: etcd-sleuth scan {} {}", path_word(database), path_word(log)))
            }
            UnreadReason::NotUnpacked(_) => Some("unpack it, and give its files".to_owned()),
            UnreadReason::BesideContainer(_) => {
                Some("cut them out into a file of their own, and search that: etcd-sleuth carve".to_owned())
            }
            UnreadReason::NotWhole(_) => Some("fetch it again from where it came from, and compare sizes".to_owned()),
            UnreadReason::NotSupported { hint, .. } => {
                Some(hint.map_or("nothing is wrong with it: use a program that reads it".to_owned(), str::to_owned))
            }
            UnreadReason::Limit(_) => Some("nothing is wrong with it: raise --max-size, or unpack it and give its files".to_owned()),
            UnreadReason::NotApplied { first, last } if first == last => Some(format!("what it holds: etcd-sleuth scan {given}")),
            UnreadReason::NotApplied { .. } => Some(format!("what they hold: etcd-sleuth scan {given}")),
            UnreadReason::MissingEntries { .. } => Some("take another member's database".to_owned()),
            UnreadReason::NotRecovered | UnreadReason::Contradicts => Some(format!("recover it by itself: etcd-sleuth recover {path}")),
            UnreadReason::PassedOverIn(form, _) | UnreadReason::NotSeenIn(form) => {
                Some(format!("it is {}, which is read as one: etcd-sleuth scan {path}", form.in_words()))
            }
            UnreadReason::PassedOver(PassedOver { form, .. }) => Some(match form {
                PassedOverForm::NoEnd => "if it goes on in another file, or elsewhere in a volume, search that too".to_owned(),
                PassedOverForm::Sqlite if self.path.iter().any(|part| part.to_string_lossy().ends_with('!')) => {
                    "unpack it, and write the values of the SQLite database in it to files with sqlite3, and search those".to_owned()
                }
                PassedOverForm::Sqlite => {
                    format!("write its values to files, and search those: sqlite3 {path} \"SELECT writefile(id, value) FROM kine\"")
                }
                PassedOverForm::Base64
                | PassedOverForm::Hex
                | PassedOverForm::Numbers
                | PassedOverForm::OtherText
                | PassedOverForm::Escaped
                | PassedOverForm::Wide => "decode it, and search what comes out; treat it as readable".to_owned(),
                PassedOverForm::Text | PassedOverForm::Stored | PassedOverForm::Within => {
                    "it is readable as it stands: treat it as known".to_owned()
                }
                PassedOverForm::Compressed => "cut it out, unpack it, and search what comes out".to_owned(),
                PassedOverForm::Opaque => OPAQUE.to_owned(),
                PassedOverForm::Encrypted => "decrypt it, and search what comes out".to_owned(),
                PassedOverForm::DiskImage => "make a raw image of it, and search that".to_owned(),
            }),
            UnreadReason::Failed(_) | UnreadReason::Device => None,
        }
    }

    /// What was counted of it, where it is not a path.
    pub fn passed_over(&self) -> Option<PassedOver> {
        match self.reason {
            UnreadReason::PassedOver(passed_over) | UnreadReason::PassedOverIn(_, passed_over) | UnreadReason::Outside(passed_over) => {
                Some(passed_over)
            }
            _ => None,
        }
    }

    /// What it is in a few words: its path, what of the file it is, or what is missing there.
    pub fn name(&self) -> String {
        let path = path_text(&self.path);
        match &self.reason {
            UnreadReason::NoDatabase => format!("the database of {path}"),
            UnreadReason::BesideContainer(which) => format!("{which} in {path}"),
            UnreadReason::NoLog | UnreadReason::LogOfSeveral { .. } => format!("the write-ahead log of {path}"),
            UnreadReason::MissingEntries { first, last } => format!("{} of {path}", span("entry", *first, *last)),
            UnreadReason::NotSeenIn(form) => format!("{path} as {}: etcd-sleuth scan reads it", form.in_words()),
            UnreadReason::PassedOver(passed_over) | UnreadReason::PassedOverIn(_, passed_over) | UnreadReason::Outside(passed_over) => {
                format!("{passed_over} in {path}")
            }
            _ => path.into_owned(),
        }
    }
}

/// The place, the reason and what to do, as a list of what was not looked at names it.
impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", path_text(&self.path), self.reason)?;
        if let Some(target) = &self.target {
            write!(f, ": {}", path_text(target))?;
        }
        match self.advice() {
            Some(advice) => write!(f, "; {advice})"),
            None => f.write_str(")"),
        }
    }
}
