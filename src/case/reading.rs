//! The files of a member are read in a first pass.

use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;

use super::another_log;
use super::directory::Place;
use super::kind::FileRole;
use super::member::{OpenFile, OpenMember, ReadEvidence, ReadMember};
use super::run::Run;
use super::story;
use super::stranger::{is_next_of, is_of_log, is_stranger};
use super::{InputError, RunError};
use crate::evidence::Evidence;
use crate::evidence::anomaly::{Anomalies, Class};
use crate::report::UnreadReason;
use crate::store::{AnyStore, BeginningOf, Digests, Facts, MemberContext, PassedOver, Progress, Role, StoreKind, WholeForm};

/// A file of a member, of which digests are made.
type OpenAndHashed<'data> = (&'data OpenFile, Receiver<Option<Digests>>);

/// What it turned out to be, before it has a number.
type Unnumbered<'data> = (AnyStore<'data>, Receiver<Option<Digests>>);

/// The segments that stand in a member's place.
#[derive(Default)]
struct Logs<'data> {
    /// The member's own log.
    own: Vec<Unnumbered<'data>>,
    /// Logs that are proven to be other members'.
    others: Vec<Vec<Unnumbered<'data>>>,
}

impl Run<'_> {
    /// The first pass over a member's files, beside which their digests are made: the member, and each database beside it that is a
    /// member of its own.
    pub(super) fn read<'scope, 'data: 'scope>(
        &mut self,
        member: &'data OpenMember,
        scope: &'scope Scope<'scope, '_>,
        progress: &'scope Progress,
    ) -> Result<Vec<ReadMember<'data>>, RunError> {
        self.place = Some((member.id, member.path.clone()));
        let digests = self.hash(member, scope, progress);
        let (own, beside): (Vec<_>, Vec<_>) =
            member.files.iter().zip(digests).partition(|(file, _)| matches!(file.role, FileRole::Member(_)));
        let (strays, named): (Vec<_>, Vec<_>) = beside.into_iter().partition(|(file, _)| matches!(file.role, FileRole::Stray(_)));
        let mut own = own;
        let role = if member.is_directory { Role::Member } else { Role::File };
        let segments: Vec<OpenAndHashed<'data>> = own.extract_if(.., |(file, _)| file.role.kind() == StoreKind::Segment).collect();
        let own = self.read_each(own, MemberContext::default(), role)?;
        let evidences: Vec<&Evidence> = segments.iter().map(|(file, _)| &file.evidence).collect();
        let proven = another_log::proven_member(own.iter().map(|(store, _)| &store.profile().facts), &evidences);
        let is_strange = |facts: &Facts| proven.is_some_and(|proven| another_log::is_strange_snapshot(facts, proven));
        let (snapshots, own): (Vec<_>, Vec<_>) = own.into_iter().partition(|(store, _)| is_strange(&store.profile().facts));
        let database = own.iter().find_map(|(store, _)| store.as_database());
        let snapshot_index = own.iter().filter_map(|(store, _)| store.profile().facts.sound_snapshot_index()).max();
        let context = MemberContext { database, snapshot_index };
        let Logs { own: log, others } = self.read_logs(segments, (&own, context), role)?;
        if log.is_empty() && !others.is_empty() {
            self.not_read(Place { path: member.path.clone(), target: None }, UnreadReason::NoLog);
        }
        // A log that is another member's says nothing of whose the others are.
        let ids = log.iter().find_map(|(store, _)| store.profile().facts.log()?.member);
        // What nothing says to be the member's is not held to what the member has applied.
        let mut left = Vec::new();
        for (file, digests) in named {
            let is_held = file.role.kind() != StoreKind::Segment || is_of_log(&file.evidence, file.role, ids);
            let context = if is_held { context } else { MemberContext::default() };
            left.extend(self.read_each(vec![(file, digests)], context, Role::Leftover)?);
        }
        let (mut strangers, mut left): (Vec<_>, Vec<_>) = left.into_iter().partition(|(store, _)| is_stranger(store, false, database));
        strangers.extend(snapshots);
        for stray in self.read_each(strays, MemberContext::default(), Role::Leftover)? {
            if is_stranger(&stray.0, true, database) { &mut strangers } else { &mut left }.push(stray);
        }
        left.iter_mut().filter_map(|(store, _)| store.as_database_mut().zip(database)).for_each(|(past, own)| past.set_past_of(own));
        let has_next = strangers.iter().any(|(store, _)| is_next_of(store, database, snapshot_index));
        let stores = own.into_iter().chain(log).chain(left);
        let mut evidences: Vec<_> = stores.map(|(store, digests)| ReadEvidence { id: self.numbering.evidence(), store, digests }).collect();
        let beside: Vec<&Path> = strangers.iter().map(|(store, _)| store.profile().facts.path.as_path()).collect();
        story::hold_together(&mut evidences, &beside, has_next);
        evidences.iter().for_each(|read| self.note_passed_over(&read.store.profile().facts));
        let mut read = vec![ReadMember {
            id: member.id,
            path: member.path.clone(),
            joined: member.joined.clone(),
            is_directory: member.is_directory,
            others: others.len().saturating_add(strangers.len()).saturating_sub(usize::from(has_next)),
            evidences,
        }];
        read.extend(others.into_iter().filter_map(|log| self.member_of_its_own(log)));
        read.extend(strangers.into_iter().filter_map(|stranger| self.member_of_its_own(vec![stranger])));
        Ok(read)
    }

    /// Files of a directory that are a member of their own: a database, or the segments of a log.
    fn member_of_its_own<'data>(&mut self, files: Vec<Unnumbered<'data>>) -> Option<ReadMember<'data>> {
        let mut evidences = Vec::new();
        for (mut store, digests) in files {
            store.profile_mut().facts.role = Role::File;
            evidences.push(ReadEvidence { id: self.numbering.evidence(), store, digests });
        }
        let is_directory = evidences.len() > 1;
        let first = &evidences.first()?.store.profile().facts.path;
        let path = first.parent().filter(|_| is_directory).unwrap_or(first).to_owned();
        Some(ReadMember { id: self.numbering.member(), path, joined: Vec::new(), is_directory, others: 0, evidences })
    }

    /// Reads the segments that stand beside what was read of a member. Those of a log that is proven to be another member's are read by
    /// themselves: nothing of them is joined.
    fn read_logs<'data>(
        &mut self,
        segments: Vec<OpenAndHashed<'data>>,
        (own, context): (&[Unnumbered<'data>], MemberContext<'_, 'data>),
        role: Role,
    ) -> Result<Logs<'data>, RunError> {
        let own = own.iter().map(|(store, _)| &store.profile().facts);
        let (mut logs, mut own_ids) = (Logs::default(), None);
        for segments in another_log::each_log(segments, own.clone(), |(file, _)| &file.evidence) {
            let evidences: Vec<&Evidence> = segments.iter().map(|(file, _)| &file.evidence).collect();
            let contradiction = own_ids.and_then(|ids| another_log::beside(&evidences, ids));
            let (contradiction, segments) = match contradiction.or_else(|| another_log::contradiction(own.clone(), &evidences)) {
                Some(contradiction) => (contradiction, segments),
                None => {
                    let files: Vec<&OpenFile> = segments.iter().map(|(file, _)| *file).collect();
                    let log = self.read_together(StoreKind::Segment, segments, context, role)?;
                    match another_log::of_writes(log.iter().map(|(store, _)| &store.profile().facts)) {
                        Some(contradiction) => {
                            (contradiction, files.into_iter().zip(log.into_iter().map(|(_, digests)| digests)).collect())
                        }
                        None => {
                            own_ids = log.iter().find_map(|(store, _)| store.profile().facts.log()?.member);
                            logs.own.extend(log);
                            continue;
                        }
                    }
                }
            };
            let mut log = self.read_together(StoreKind::Segment, segments, MemberContext::default(), Role::File)?;
            if let Some((first, _)) = log.first_mut() {
                let mut anomalies = Anomalies::default();
                anomalies.note(Class::WalOfAnotherMember, None, None, || contradiction);
                first.profile_mut().add_anomalies(anomalies);
            }
            logs.others.push(log);
        }
        Ok(logs)
    }

    /// Notes what a search of any bytes passed over: where Secrets are looked for, no object that is of another kind by its own words.
    fn note_passed_over(&mut self, facts: &Facts) {
        let is_asked = |passed_over: &&PassedOver| passed_over.of != BeginningOf::Other || !self.plan.scope.is_secrets_alone();
        let of_image = facts.image().into_iter().flat_map(|image| &image.passed_over).filter(is_asked);
        let of_whole = |passed_over| match facts.image().and_then(|image| image.is) {
            Some(kind) => UnreadReason::PassedOverIn(kind, passed_over),
            None => UnreadReason::PassedOver(passed_over),
        };
        let outside = facts.outside.iter().filter(is_asked);
        // In a database each write begins as one, whatever its value is.
        let is_seen = |form: &WholeForm| matches!(form, WholeForm::Database { .. });
        let not_seen = facts.image().and_then(|image| image.is).filter(|form| !is_seen(form)).map(UnreadReason::NotSeenIn);
        let reasons: Vec<_> = of_image.copied().map(of_whole).chain(not_seen).chain(outside.copied().map(UnreadReason::Outside)).collect();
        for reason in reasons {
            self.not_read(Place { path: facts.path.clone(), target: None }, reason);
        }
    }

    /// Reads files each by itself; one that cannot be read is told.
    fn read_each<'data>(
        &mut self,
        files: Vec<OpenAndHashed<'data>>,
        context: MemberContext<'_, 'data>,
        role: Role,
    ) -> Result<Vec<Unnumbered<'data>>, RunError> {
        let mut read = Vec::new();
        for file in files {
            read.extend(self.read_together(file.0.role.kind(), vec![file], context, role)?);
        }
        Ok(read)
    }

    /// Reads files of one kind that follow one another. Where one cannot be read, none is.
    fn read_together<'data>(
        &mut self,
        kind: StoreKind,
        files: Vec<OpenAndHashed<'data>>,
        context: MemberContext<'_, 'data>,
        role: Role,
    ) -> Result<Vec<Unnumbered<'data>>, RunError> {
        let Some((first, _)) = files.first() else { return Ok(Vec::new()) };
        let evidence = &first.evidence;
        let evidences: Vec<&'data Evidence> = files.iter().map(|(file, _)| &file.evidence).collect();
        let read = self.attempt(evidence.path(), |run| {
            kind.read(&evidences, context, &run.options).map_err(|reason| InputError::not_recognised(evidence, reason))
        })?;
        let mut stores = read.unwrap_or_default();
        for (store, (file, _)) in stores.iter_mut().zip(&files) {
            let facts = &mut store.profile_mut().facts;
            facts.role = role;
            facts.link_target.clone_from(&file.target);
        }
        Ok(stores.into_iter().zip(files.into_iter().map(|(_, digests)| digests)).collect())
    }

    /// Makes the digests of a member's files on a thread of its own, in their order.
    fn hash<'scope, 'data: 'scope>(
        &self,
        member: &'data OpenMember,
        scope: &'scope Scope<'scope, '_>,
        progress: &'scope Progress,
    ) -> Vec<Receiver<Option<Digests>>> {
        let (senders, receivers): (Vec<_>, Vec<_>) = member.files.iter().map(|_| sync_channel(1)).unzip();
        let is_wanted = self.plan.hash;
        scope.spawn(move || {
            for (file, sender) in member.files.iter().zip(senders) {
                // Nobody waits for it any more where the run came to an error.
                let _ = sender.send(is_wanted.then(|| Digests::of(&file.evidence, progress)));
            }
        });
        receivers
    }
}
