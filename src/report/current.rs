//! Where it is not known which values are current: only the whole tree of a member's database says so.

use super::{EvidenceReport, MemberReport, Report};
use crate::evidence::words::path_text;
use crate::store::{KeyTree, Role};

/// Why it is not known which values of a member are current.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CurrentNotKnown {
    /// No database with its tree was read of all that was given.
    NoTree,
    /// None of this member was read.
    NoDatabase(String),
    /// This input was not read at all.
    NotRead(String),
    /// Nothing of the tree of this database can be read.
    Lost(String),
    /// A part of the tree of this database is lost.
    Partial(String),
}

impl Report {
    /// Why it is not known which values are current, member by member; empty where it is known. What was left behind says nothing of now,
    /// and a log that was given by itself is asked about as that file.
    pub fn current_not_known(&self) -> Vec<CurrentNotKnown> {
        match self.has_tree() {
            _ if self.evidences.is_empty() => Vec::new(),
            false => vec![CurrentNotKnown::NoTree],
            true => self.members.iter().flat_map(|member| self.current_not_known_of(member)).chain(self.inputs_not_read()).collect(),
        }
    }

    /// Inputs of which nothing was read.
    fn inputs_not_read(&self) -> impl Iterator<Item = CurrentNotKnown> {
        let whole = self.unread.iter().filter(|unread| unread.path == unread.given && unread.reason.is_told_as_an_error());
        whole.map(|unread| CurrentNotKnown::NotRead(path_text(&unread.path).into_owned()))
    }

    fn current_not_known_of(&self, member: &MemberReport) -> Vec<CurrentNotKnown> {
        let path = |part: &EvidenceReport| path_text(&part.facts.path).into_owned();
        let trees: Vec<(KeyTree, String)> = self
            .parts(member)
            .filter(|part| part.facts.role != Role::Leftover)
            .filter_map(|part| Some((part.facts.database()?.key_tree, path(part))))
            .collect();
        if trees.is_empty() && member.whole.is_some() {
            return vec![CurrentNotKnown::NoDatabase(path_text(&member.path).into_owned())];
        }
        let lacking = trees.into_iter().filter_map(|(tree, path)| match tree {
            KeyTree::Whole => None,
            KeyTree::Partial => Some(CurrentNotKnown::Partial(path)),
            KeyTree::Lost => Some(CurrentNotKnown::Lost(path)),
        });
        lacking.collect()
    }
}

/// In words.
impl std::fmt::Display for CurrentNotKnown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoTree => f.write_str("no database with its tree was read"),
            Self::NoDatabase(path) => write!(f, "no database of {path} was read"),
            Self::NotRead(path) => write!(f, "{path} was not read"),
            Self::Lost(path) => write!(f, "the tree of {path} is lost"),
            Self::Partial(path) => write!(f, "a part of the tree of {path} is lost"),
        }
    }
}
