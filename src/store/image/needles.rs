//! Several texts that are looked for in one go, wherever they begin.

use std::ops::Range;

use aho_corasick::Span;
use aho_corasick::packed::Searcher;

/// As many texts as one search of the processor's takes.
const TOGETHER: usize = 64;

/// What is looked for, and what each of it means.
pub(super) struct Needles<T> {
    parts: Vec<Part<T>>,
    longest: usize,
}

struct Part<T> {
    /// `None` on processors without the instructions for it.
    packed: Option<Searcher>,
    needles: Vec<(Vec<u8>, T)>,
}

impl<T> Needles<T> {
    pub(super) fn new(needles: Vec<(Vec<u8>, T)>) -> Self {
        let longest = needles.iter().map(|(text, _)| text.len()).max().unwrap_or(0);
        let (mut parts, mut needles) = (Vec::new(), needles.into_iter().peekable());
        while needles.peek().is_some() {
            let needles: Vec<(Vec<u8>, T)> = needles.by_ref().take(TOGETHER).collect();
            parts.push(Part { packed: Searcher::new(needles.iter().map(|(text, _)| text)), needles });
        }
        Self { parts, longest }
    }

    /// The length of the longest one.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Whether any of them is in these bytes.
    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        self.parts.iter().any(|Part { packed, needles }| match packed {
            Some(packed) => packed.find(bytes).is_some(),
            None => needles.iter().any(|(text, _)| memchr::memmem::find(bytes, text).is_some()),
        })
    }

    /// Shows where each begins, also within another one.
    pub(super) fn each<'a>(&'a self, bytes: &[u8], mut see: impl FnMut(Range<usize>, &'a T)) {
        for Part { packed, needles } in &self.parts {
            match packed {
                Some(packed) => {
                    let mut from = 0;
                    while let Some(found) = packed.find_in(bytes, Span { start: from, end: bytes.len() }) {
                        if let Some((_, meaning)) = needles.get(found.pattern().as_usize()) {
                            see(found.start()..found.end(), meaning);
                        }
                        from = found.start().saturating_add(1);
                    }
                }
                None => {
                    for (text, meaning) in needles {
                        let found = memchr::memmem::find_iter(bytes, text);
                        found.for_each(|at| see(at..at.saturating_add(text.len()), meaning));
                    }
                }
            }
        }
    }
}
