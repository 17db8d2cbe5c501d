//! Cells of a table: how a record's field is written in CSV.

use std::borrow::Cow;

use super::escape;
use crate::evidence::{Count, Unit};

/// A field that can stand in a cell.
pub(super) trait Cell {
    /// The cell's text; empty where there is nothing.
    fn cell(&self) -> String;
}

impl<T: Cell> Cell for Option<T> {
    fn cell(&self) -> String {
        self.as_ref().map_or(String::new(), Cell::cell)
    }
}

impl<T: Cell> Cell for Vec<T> {
    fn cell(&self) -> String {
        self.iter().map(Cell::cell).collect::<Vec<_>>().join(" ")
    }
}

impl Cell for &str {
    fn cell(&self) -> String {
        escape::csv_cell(self).into_owned()
    }
}

impl Cell for Cow<'_, str> {
    fn cell(&self) -> String {
        escape::csv_cell(self).into_owned()
    }
}

impl Cell for String {
    fn cell(&self) -> String {
        escape::csv_cell(self).into_owned()
    }
}

impl<U: Unit> Cell for Count<U> {
    fn cell(&self) -> String {
        self.to_string()
    }
}

macro_rules! plain {
    ($($type:ty),+) => {
        $(impl Cell for $type {
            fn cell(&self) -> String {
                self.to_string()
            }
        })+
    };
}
plain!(bool, i64, u64);

/// Columns of a record: each the name of a field, or of a field of that field, and its cell.
macro_rules! columns {
    (@name $field:ident) => { stringify!($field) };
    (@name $group:ident $field:ident) => { stringify!($field) };
    ($record:ident: $($field:ident $(.$part:ident)?),+ $(,)?) => {
        columns!($record: $($field $(.$part)?),+; )
    };
    ($record:ident: $($field:ident $(.$part:ident)?),+; $($name:literal = $cell:expr),* $(,)?) => {
        &[
            $((columns!(@name $field $($part)?), |record: &$record<'_>| $crate::render::cell::Cell::cell(&record.$field$(.$part)?)),)+
            $(($name, $cell),)*
        ]
    };
}
pub(super) use columns;
