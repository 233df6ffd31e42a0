//! Lists for people: aligned columns, no frames, one item per line.
//!
//! Invariant: cells are foreign text until proven otherwise, so every cell is made safe here.

use super::{Voice, safe};
use comfy_table::{ContentArrangement, presets};

/// A list in columns.
pub(crate) struct Table(comfy_table::Table);

impl Table {
    /// An empty list with these column headings.
    pub(crate) fn new<const N: usize>(headings: [&str; N]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.force_no_tty();
        table.set_header(headings.map(str::to_owned).to_vec());
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        Self(table)
    }

    /// Adds an item.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.0.add_row(cells.map(|cell| safe(&cell).into_owned()).to_vec());
    }

    /// Writes the list to standard output.
    pub(crate) fn print(&self, voice: &Voice) -> anyhow::Result<()> {
        self.0.lines().try_for_each(|line| voice.line(line.trim_end()))
    }
}
