//! A search of any bytes, window by window.

use rayon::prelude::*;

use super::begun::Begun;
use super::encoded;
use super::find::{Find, finds};
use super::pages::PagesFound;

/// Bytes that one task searches for beginnings.
const WINDOW: usize = 1 << 20;

/// What a search of any bytes finds.
#[derive(Default)]
pub(super) struct Searched {
    pub finds: Vec<Find>,
    pub begun: Vec<Begun>,
    pub pages: PagesFound,
}

impl Searched {
    pub(super) fn of(bytes: &[u8]) -> Self {
        if bytes.len() <= WINDOW {
            return Self::in_window(bytes, 0);
        }
        let starts: Vec<usize> = (0..bytes.len()).step_by(WINDOW).collect();
        let parts: Vec<_> = starts.par_iter().map(|start| Self::in_window(bytes, *start)).collect();
        let mut all = Self::default();
        for part in parts {
            all.finds.extend(part.finds);
            all.begun.extend(part.begun);
            all.pages.merge(part.pages);
        }
        all
    }

    fn in_window(bytes: &[u8], start: usize) -> Self {
        let window = start..start.saturating_add(WINDOW).min(bytes.len());
        let mut begun = Vec::new();
        let finds = finds(bytes, window.clone(), &mut begun);
        encoded::begun(bytes, window.clone(), &mut begun);
        Self { finds, begun, pages: PagesFound::in_window(bytes, window) }
    }
}
