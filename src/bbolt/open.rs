//! How a database is opened: the page size is found, both meta pages are read, and one of them is chosen.
//!
//! Source: bbolt `db.go` `getPageSize`, `meta`.

use super::db::Db;
use super::meta::{self, MAGIC, Meta, MetaFault};
use super::page::{Flags, HEADER_LEN, PageHeader};
use super::page_size;
use crate::evidence::ahead::Ahead;
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::range;

/// Why bytes cannot be opened as a bbolt database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No meta page anywhere it could be.
    #[error("not a bbolt database: no meta page where one must be")]
    NotBbolt,
    /// Written on a big-endian machine.
    #[error("a bbolt database in big-endian byte order (s390x), which this version does not read")]
    BigEndian,
    /// Not even two pages.
    #[error("a bbolt database cut off at {have} bytes: its two meta pages alone are {need}")]
    TooShort {
        /// Bytes there are.
        have: u64,
        /// Bytes of its two meta pages.
        need: u64,
    },
    /// Meta pages, but neither is valid.
    #[error("a bbolt database without a valid meta page: meta 0 {meta0}; meta 1 {meta1}")]
    NoValidMeta {
        /// What is wrong with the one at page 0.
        meta0: MetaFault,
        /// What is wrong with the one at page 1.
        meta1: MetaFault,
    },
}

impl<'data> Db<'data> {
    /// Reads both meta pages and chooses the active one as bbolt does: the higher txid among the valid.
    ///
    /// # Errors
    /// [`OpenError`] when neither is valid.
    pub fn open(bytes: &'data [u8]) -> Result<Self, OpenError> {
        let page_size = find_page_size(bytes)?;
        let need = u64::from(page_size).saturating_mul(2);
        if (bytes.len() as u64) < need {
            return Err(OpenError::TooShort { have: bytes.len() as u64, need });
        }
        let metas = metas_at(bytes, page_size);
        let active = match &metas {
            [Ok(zero), Ok(one)] if one.txid > zero.txid => (1, *one),
            [Ok(zero), _] => (0, *zero),
            [Err(_), Ok(one)] => (1, *one),
            [Err(meta0), Err(meta1)] => return Err(OpenError::NoValidMeta { meta0: meta0.clone(), meta1: meta1.clone() }),
        };
        let db = Self { bytes, page_size, metas, active: Some(active), ahead: Ahead::default() };
        if let Some(pages) = db.other_page_size() {
            let fault = MetaFault::OtherPageSize { stored: page_size, pages };
            return Err(OpenError::NoValidMeta { meta0: fault.clone(), meta1: fault });
        }
        Ok(db)
    }

    /// Takes bytes that [`Db::open`] cannot open for a set of pages, where leaf pages that bear the numbers of their places
    /// say how large a page is; `None` where there are none.
    pub fn of_pages(bytes: &'data [u8]) -> Option<Self> {
        let page_size = page_size::by_consistency(bytes)?;
        let metas = metas_at(bytes, page_size).map(|meta| match meta {
            Ok(Meta { page_size: stored, .. }) if stored != page_size => Err(MetaFault::OtherPageSize { stored, pages: page_size }),
            meta => meta,
        });
        Some(Self { bytes, page_size, metas, active: None, ahead: Ahead::default() })
    }

    /// The page size with which the pages are consistent, where no root stands and it is not that of the metas.
    fn other_page_size(&self) -> Option<u32> {
        let mut roots = self.metas.iter().flatten().map(|meta| meta.root);
        if roots.any(|root| self.header(root).is_ok()) {
            return None;
        }
        page_size::by_consistency(self.bytes).filter(|pages| *pages != self.page_size)
    }

    /// Notes what is odd about the meta pages and the file's size.
    pub fn note_anomalies(&self, anomalies: &mut Anomalies) {
        for (slot, meta) in (0u64..).zip(&self.metas) {
            let at = self.page_offset(slot);
            if let Err(fault) = meta {
                anomalies.note(Class::MetaInvalid, Some(at), Some(slot), || format!("meta {slot} {fault}"));
            } else if let Ok(header) = PageHeader::parse(range::slice(self.bytes, at, HEADER_LEN).unwrap_or_default())
                && (header.id != slot || header.flags != Flags::META)
            {
                anomalies.note(Class::MetaContradiction, Some(at), Some(slot), || {
                    format!("meta {slot}: page header says page {}, {}; expected page {slot}, meta", header.id, header.flags)
                });
            }
        }
        for (slot, _) in (0u64..).zip(&self.metas).filter(|(_, meta)| meta.is_ok()) {
            let behind =
                range::slice(self.bytes, self.page_offset(slot).saturating_add(meta::END), self.page_size().saturating_sub(meta::END));
            if let Some(slack) = behind.filter(|slack| !range::is_zero(slack)) {
                anomalies.note(Class::SlackNotZero, range::offset_within(self.bytes, slack), Some(slot), || {
                    format!("{} bytes behind meta {slot} are not all zero; every writer leaves zeros there", slack.len())
                });
            }
        }
        if let [Ok(zero), Ok(one)] = &self.metas
            && zero.txid == one.txid
        {
            anomalies.note(Class::MetaContradiction, Some(0), Some(0), || {
                format!("both metas bear transaction {}; a writer gives each its own", zero.txid)
            });
        }
        if self.active.is_none() {
            anomalies.note(Class::NoValidMeta, Some(0), None, || {
                format!(
                    "neither meta is valid: which pages are in use is not known; pages of {} bytes are read by what stands on them",
                    self.page_size
                )
            });
        }
        let (have, need) = (self.pages_in_file(), self.high_water_mark());
        if have < need {
            anomalies.note(Class::FileTruncated, Some(self.page_offset(have)), None, || {
                let rest = (self.bytes.len() as u64).saturating_sub(self.page_offset(have));
                format!("the file has {have} whole pages and {rest} bytes, its meta page says {need} pages")
            });
        }
    }
}

/// The page size by bbolt's rule: meta 0 where it is valid, else the first valid meta at 1 KiB, 2 KiB … 16 MiB.
fn find_page_size(bytes: &[u8]) -> Result<u32, OpenError> {
    let at = |offset: u64| Meta::parse(range::slice(bytes, offset, meta::END).unwrap_or_default());
    let meta0 = match at(0) {
        Ok(meta) => return Ok(meta.page_size),
        Err(fault) => fault,
    };
    let probes = (10..=24).map(|shift| at(1 << shift));
    let mut best = MetaFault::Missing;
    for probe in probes {
        match probe {
            Ok(meta) => return Ok(meta.page_size),
            Err(MetaFault::Magic(magic)) if magic == MAGIC.swap_bytes() => return Err(OpenError::BigEndian),
            Err(MetaFault::Magic(_) | MetaFault::Missing) => {}
            Err(fault) => best = fault,
        }
    }
    match (meta0, best) {
        (MetaFault::Magic(magic), _) if magic == MAGIC.swap_bytes() => Err(OpenError::BigEndian),
        (MetaFault::Magic(_) | MetaFault::Missing, MetaFault::Magic(_) | MetaFault::Missing) => Err(OpenError::NotBbolt),
        (meta0, meta1) => Err(OpenError::NoValidMeta { meta0, meta1 }),
    }
}

/// The two metas, each at the start of its page.
fn metas_at(bytes: &[u8], page_size: u32) -> [Result<Meta, MetaFault>; 2] {
    [0u64, 1].map(|slot| {
        let at = slot.saturating_mul(u64::from(page_size));
        Meta::parse(range::slice(bytes, at, meta::END).unwrap_or_default())
    })
}
