//! The prefix `k8s:enc:<provider>:<version>:`.

use nom::Parser;
use nom::bytes::complete::take_till;
use nom::character::complete::char;
use nom::combinator::opt;

use super::Provider;

/// Longest name of a provider that is looked for, in bytes.
const LONGEST_NAME: usize = 256;
/// Most colons of which each may end a name.
const MOST_COLONS: usize = 16;
/// Longest provider or version that is taken for one; what is longer is cut there.
const LONGEST_WORD: usize = 64;

/// A value under `k8s:enc:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed<'data> {
    /// Who sealed it.
    pub provider: Provider,
    /// The provider's word, verbatim.
    pub provider_word: &'data [u8],
    /// The version's word, verbatim; empty where the prefix ends before it.
    pub version_word: &'data [u8],
    /// What follows the second word's colon: the name, a colon, and what is sealed.
    pub rest: &'data [u8],
}

impl<'data> Sealed<'data> {
    /// Reads the prefix; `None` where the value does not begin with `k8s:enc:`.
    pub fn parse(value: &'data [u8]) -> Option<Self> {
        let words = value.strip_prefix(b"k8s:enc:")?;
        let word = || (take_till(|byte| byte == b':'), opt(char(':')));
        let read: nom::IResult<_, _> = (word(), word()).parse(words);
        let (rest, ((provider_word, _), (version_word, end))) = read.ok()?;
        // A prefix that ends before its second colon is nobody's.
        let provider = end.map_or(Provider::Unknown, |_| Provider::of_words(provider_word, version_word));
        Some(Self { provider, provider_word: cut(provider_word), version_word: cut(version_word), rest })
    }

    /// What may stand behind the name, whichever colon ends it, and what would stand there without a name.
    pub fn bodies(&self) -> impl Iterator<Item = &'data [u8]> + use<'data> {
        let rest = self.rest;
        let colons = memchr::memchr_iter(b':', rest.get(..LONGEST_NAME).unwrap_or(rest)).take(MOST_COLONS);
        std::iter::once(rest).chain(colons.filter_map(move |at| rest.get(at.checked_add(1)?..)))
    }
}

/// How many of the bytes that begin with a prefix are surely the value's, and whether they are all of it.
///
/// Where the provider does not say where its value ends, not even the name is certain without more of them.
pub(crate) fn extent(bytes: &[u8]) -> (usize, bool) {
    let Some(sealed) = Sealed::parse(bytes) else { return (0, false) };
    let prefix = bytes.len().saturating_sub(sealed.rest.len());
    let name = sealed.rest.iter().take(LONGEST_NAME).position(|byte| *byte == b':').map_or(0, |colon| colon.saturating_add(1));
    match sealed.provider.extent(sealed.rest.get(name..).unwrap_or_default()) {
        None => (prefix, false),
        Some((body, is_whole)) => (prefix.saturating_add(name).saturating_add(body), is_whole && name > 1),
    }
}

fn cut(word: &[u8]) -> &[u8] {
    word.get(..LONGEST_WORD).unwrap_or(word)
}
