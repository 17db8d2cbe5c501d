//! The pages of databases: a run like any other, in which each database also tells what its pages are.

use super::member::{ReadEvidence, ReadMember};
use super::run::Run;
use super::{InputError, PagesQuestion, RunError};
use crate::pages::{PageMapReport, PageReport};
use crate::store::DatabaseStore;

impl PagesQuestion {
    /// The number of the last page, where the page that is asked for is not there.
    fn last_of_lacking(self, database: &DatabaseStore<'_>) -> Option<(u64, u64)> {
        let pgid = self.page.filter(|pgid| database.pages.get(*pgid).is_none())?;
        Some((pgid, database.pages.counts().total().saturating_sub(1)))
    }
}

impl Run<'_> {
    /// Leaves of a member what can answer the question. What has no pages, or not the one that is asked for, is told as an input that
    /// was not read.
    pub(super) fn leave_what_has_pages(&mut self, member: &mut ReadMember<'_>, question: PagesQuestion) {
        let had_database = member.evidences.iter().any(|evidence| evidence.store.as_database().is_some());
        if !had_database {
            let (path, why) =
                (member.path.clone(), "only a database has pages: a log is a row of records, a raft snapshot one message; scan reads both");
            self.failed(&path.clone(), InputError::NotForThis { path, why });
        }
        member.evidences.retain(|evidence| {
            let Some((pgid, last)) = evidence.store.as_database().and_then(|database| question.last_of_lacking(database)) else {
                return true;
            };
            let path = evidence.store.profile().facts.path.clone();
            self.failed(&path.clone(), InputError::NoSuchPage { path, pgid, last });
            false
        });
        if !member.evidences.iter().any(|evidence| evidence.store.as_database().is_some()) {
            member.evidences.clear();
        }
    }

    /// Tells the pages of an evidence that has some.
    pub(super) fn tell_pages(&mut self, evidence: &ReadEvidence<'_>, question: PagesQuestion) -> Result<(), RunError> {
        let Some(database) = evidence.store.as_database() else { return Ok(()) };
        match question.page {
            None => self.render.page_map(&PageMapReport::of(evidence.id, database))?,
            Some(pgid) => PageReport::of(database, pgid).map_or(Ok(()), |page| self.render.page(&page))?,
        }
        Ok(())
    }
}
