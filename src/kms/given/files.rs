//! What is read of files that the user names, and of options.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use super::error::GivenError;
use crate::evidence::limit;
use crate::kms::{EncryptionConfig, EncryptionContexts, SameKeys};

impl EncryptionConfig {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is no EncryptionConfiguration.
    pub fn open(path: &Path) -> Result<Self, GivenError> {
        Self::read(&bounded(path)?).map_err(|source| GivenError::Configuration { path: path.to_owned(), source })
    }
}

impl SameKeys {
    /// Of pairs `A=B`, and of files with what `aws kms list-aliases` or `aws kms describe-key` printed.
    ///
    /// # Errors
    /// One of them is none, or a file cannot be read.
    pub fn given(pairs: &[String], saved: &[impl AsRef<Path>]) -> Result<Self, GivenError> {
        let mut same = Self::default();
        for pair in pairs {
            same.add_pair(pair).map_err(|source| GivenError::SameKey { pair: pair.clone(), source })?;
        }
        for path in saved.iter().map(AsRef::as_ref) {
            let bytes = bounded(path)?;
            if bytes.len() > limit::CONFIGURATION {
                return Err(GivenError::SavedTooLarge(path.to_owned()));
            }
            same.add_saved(&bytes).map_err(|source| GivenError::Saved { path: path.to_owned(), source })?;
        }
        Ok(same)
    }
}

impl EncryptionContexts {
    /// Of texts for everything, and of pairs that say whose context each is.
    ///
    /// # Errors
    /// One of them is no context.
    pub fn given<'a>(of_everything: &[String], named: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, GivenError> {
        let parse =
            |text: &str, whose: Option<&str>| Self::parse(text).map_err(|why| GivenError::Context { whose: whose.map(str::to_owned), why });
        let mut contexts = Self::default();
        for text in of_everything {
            contexts.add(parse(text, None)?);
        }
        for (whose, text) in named {
            contexts.add_for(whose, parse(text, Some(whose))?);
        }
        Ok(contexts)
    }
}

/// A file's bytes, and one more where it has more than a configuration may: a device without an end is read no further.
fn bounded(path: &Path) -> Result<Zeroizing<Vec<u8>>, GivenError> {
    let mut bytes = Zeroizing::new(Vec::new());
    let most = (limit::CONFIGURATION as u64).saturating_add(1);
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.map_err(|source| GivenError::Read { path: path.to_owned(), source })?;
    Ok(bytes)
}
