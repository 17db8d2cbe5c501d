//! How one KMS key may be spelled, and whether two spellings may mean the same key.
//!
//! ```text
//! arn:aws:kms:REGION:ACCOUNT:key/ID        the key
//! arn:aws:kms:REGION:ACCOUNT:alias/NAME    whatever key the alias points to, in that region and account
//! ID, alias/NAME                           the same without region and account
//! ID                                       a UUID, or mrk- and 32 digits: a key that may have replicas in other regions
//! anything else                            what another plugin calls its key, or a spelling with a slip in it
//! ```
//! Letters of an ID are the same in either case. What has the place of an ID and not its form names no key that AWS can have: it may be
//! any that was meant.

/// A spelling, taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spelling<'a> {
    /// A key, with its region and account where they are named.
    Key { home: Option<Home<'a>>, id: &'a str },
    /// An alias, alike.
    Alias { home: Option<Home<'a>>, name: &'a str },
    /// Another plugin's word.
    Opaque,
    /// It stands where a key ID does, and is none.
    Misspelt,
}

/// Where a key lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Home<'a> {
    region: &'a str,
    account: &'a str,
}

/// How two spellings stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// They are one key.
    Same,
    /// They are two keys.
    Other,
    /// They may be one key, for this reason.
    MayBe(&'static str),
}

impl<'a> Spelling<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        if let Some(rest) = text.strip_prefix("arn:") {
            return match rest.splitn(5, ':').collect::<Vec<_>>().as_slice() {
                [_, "kms", region, account, resource] => Self::of_resource(resource, Some(Home { region, account })),
                _ => Self::Opaque,
            };
        }
        Self::of_resource(text, None)
    }

    fn of_resource(text: &'a str, home: Option<Home<'a>>) -> Self {
        if let Some(name) = text.strip_prefix("alias/") {
            return Self::Alias { home, name };
        }
        match (home, text.strip_prefix("key/")) {
            (Some(_), Some(id)) if is_key_id(id) => Self::Key { home, id },
            (Some(_), Some(_)) => Self::Misspelt,
            (None, _) if is_key_id(text) => Self::Key { home, id: text },
            _ => Self::Opaque,
        }
    }

    /// How exactly it says which key: what is most exact decides.
    pub(super) fn exactness(self) -> u8 {
        match self {
            Self::Key { home: Some(_), .. } => 0,
            Self::Key { home: None, .. } => 1,
            Self::Alias { home: Some(_), .. } => 2,
            Self::Alias { home: None, .. } => 3,
            Self::Opaque | Self::Misspelt => 4,
        }
    }

    fn home(self) -> Option<Home<'a>> {
        match self {
            Self::Key { home, .. } | Self::Alias { home, .. } => home,
            Self::Opaque | Self::Misspelt => None,
        }
    }

    pub(super) fn likeness(self, other: Self) -> Likeness {
        match (self, other) {
            (Self::Opaque, _) | (_, Self::Opaque) => Likeness::MayBe("a plugin's own word for a key may mean any"),
            (Self::Misspelt, _) | (_, Self::Misspelt) => {
                Likeness::MayBe("its ID has not the form of one, a UUID or mrk- and 32 digits: a slip may stand in it")
            }
            (Self::Key { home, id }, Self::Key { home: other_home, id: other_id }) if id.eq_ignore_ascii_case(other_id) => {
                match home == other_home {
                    true => Likeness::Same,
                    false if is_multi_region(id) => Likeness::MayBe("a multi-region key has one ID in every region"),
                    false => Likeness::MayBe("the same key ID in another region or account, or without one"),
                }
            }
            (Self::Key { .. }, Self::Key { .. }) => Likeness::Other,
            (one, other) if one.is_elsewhere(other) => {
                Likeness::MayBe("an alias may point to it, if its region and account are written right")
            }
            (Self::Alias { home, name }, Self::Alias { home: other_home, name: other_name })
                if (home, name) == (other_home, other_name) =>
            {
                Likeness::Same
            }
            (Self::Alias { .. }, _) | (_, Self::Alias { .. }) => Likeness::MayBe("an alias may point to it"),
        }
    }

    /// Whether both say where they live, and it is not the same place. An alias points to keys of its own place only; but a wrong
    /// letter in an account is no proof that nobody needs a key.
    fn is_elsewhere(self, other: Self) -> bool {
        self.home().zip(other.home()).is_some_and(|(one, other)| one != other)
    }

    /// Whether it is a key that may have replicas in other regions.
    pub(super) fn is_multi_region(self) -> bool {
        matches!(self, Self::Key { id, .. } if is_multi_region(id))
    }
}

/// Whether text is the ARN of one key of AWS KMS: no alias, and no pattern.
pub fn is_key_arn(text: &str) -> bool {
    let is_word = |word: &str, fits: fn(&u8) -> bool| !word.is_empty() && word.as_bytes().iter().all(fits);
    match Spelling::of(text) {
        Spelling::Key { home: Some(Home { region, account }), .. } => {
            is_word(account, u8::is_ascii_digit) && is_word(region, |byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        }
        _ => false,
    }
}

/// Whether two ways to write a key are of one; `None` where they do not tell. A key ID is given once, so that without a region and an
/// account it is the same key.
pub(crate) fn is_one_key(one: &str, other: &str) -> Option<bool> {
    let (Spelling::Key { home, id }, Spelling::Key { home: other_home, id: other_id }) = (Spelling::of(one), Spelling::of(other)) else {
        return None;
    };
    match id.eq_ignore_ascii_case(other_id) {
        false => Some(false),
        true if is_multi_region(id) || home.zip(other_home).is_none_or(|(home, other_home)| home == other_home) => Some(true),
        true => None,
    }
}

/// Whether text names whatever key an alias points to.
pub(crate) fn is_alias(text: &str) -> bool {
    matches!(Spelling::of(text), Spelling::Alias { .. })
}

/// Whether text is what a plugin calls its key, or a slip: no KMS of AWS knows it.
pub(crate) fn is_word_of_plugin(text: &str) -> bool {
    matches!(Spelling::of(text), Spelling::Opaque | Spelling::Misspelt)
}

/// An alias in the region and account of a key; as it is where it names them.
pub(super) fn alias_beside(alias: &str, key_arn: &str) -> Option<String> {
    match Spelling::of(alias) {
        Spelling::Alias { home: Some(_), .. } => Some(alias.to_owned()),
        Spelling::Alias { home: None, .. } => key_arn.rsplit_once(":key/").map(|(home, _)| format!("{home}:{alias}")),
        Spelling::Key { .. } | Spelling::Opaque | Spelling::Misspelt => None,
    }
}

/// Whether a key may be in several regions, in each with a state and rights of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replicas {
    /// It can have none.
    None,
    /// It may have some.
    Some,
    /// Nothing says which key it is: KMS v1 names none, and what an alias points to may be any.
    NotKnown,
}

impl Replicas {
    /// What a key ID, or an ARN, tells of it.
    pub(super) fn of(key_id: Option<&str>) -> Self {
        match key_id.map(Spelling::of) {
            Some(key @ Spelling::Key { .. }) if key.is_multi_region() => Self::Some,
            Some(Spelling::Key { .. }) => Self::None,
            Some(Spelling::Alias { .. } | Spelling::Opaque | Spelling::Misspelt) | None => Self::NotKnown,
        }
    }
}

/// Whether a key can be in one region alone: its ARN names it, and it has no replicas.
#[cfg(any(feature = "aws-kms", feature = "kms-plugin"))]
pub(super) fn has_one_home(key_id: &str) -> bool {
    region_of(key_id).is_some() && Replicas::of(Some(key_id)) == Replicas::None
}

/// Whether a key ID, or an ARN, is of a key that may have replicas in other regions.
#[cfg(feature = "aws-kms")]
pub(super) fn is_multi_region_key(key_id: &str) -> bool {
    is_multi_region(key_id.rsplit_once('/').map_or(key_id, |(_, id)| id))
}

/// What the ARNs of a key with replicas have in common.
pub(super) fn multi_region_id(key_id: &str) -> Option<&str> {
    Some(key_id.rsplit_once('/').map_or(key_id, |(_, id)| id)).filter(|id| is_multi_region(id))
}

/// The region that an ARN names, whatever it is of.
pub(crate) fn region_of(key_id: &str) -> Option<&str> {
    key_id.strip_prefix("arn:")?.split(':').nth(2).filter(|region| !region.is_empty())
}

/// Whether text has the form of a key ID: 8-4-4-4-12 hexadecimal digits, or `mrk-` and 32.
pub(super) fn is_key_id(text: &str) -> bool {
    let are_digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_multi_region(text) {
        return text.get(MULTI_REGION.len()..).is_some_and(|digits| are_digits(digits, 32));
    }
    let groups: Vec<&str> = text.split('-').take(6).collect();
    groups.len() == 5 && groups.iter().zip([8, 4, 4, 4, 12]).all(|(group, count)| are_digits(group, count))
}

const MULTI_REGION: &str = "mrk-";

fn is_multi_region(id: &str) -> bool {
    id.get(..MULTI_REGION.len()).is_some_and(|head| head.eq_ignore_ascii_case(MULTI_REGION))
}
