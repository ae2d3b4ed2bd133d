//! A row of the scrollback: as cells while it is new, or is read; packed, at a twentieth of the memory, when it rests.

use std::sync::OnceLock;

use crate::keyframe;
use crate::row::Row;

/// A row that scrolled off.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    // Invariant: one of the two is there.
    row: OnceLock<Row>,
    packed: Option<Box<[u8]>>,
    /// How many cells it has.
    pub(crate) cells: usize,
    stamp: u64,
}

impl Kept {
    pub(crate) fn new(row: Row) -> Self {
        let (cells, stamp) = (row.cells.len(), row.stamp);
        Self { row: OnceLock::from(row), packed: None, cells, stamp }
    }

    pub(crate) fn row(&self) -> &Row {
        self.row.get_or_init(|| {
            let row = self.packed.as_deref().and_then(keyframe::unpack_row).unwrap_or_default();
            Row { stamp: self.stamp, ..row }
        })
    }

    /// Its row; packed, one whose memory is of no use.
    pub(crate) fn into_row(self) -> Row {
        self.row.into_inner().unwrap_or_default()
    }

    /// Gives back what its cells take. `buffer` is anything.
    pub(crate) fn pack(&mut self, buffer: &mut Vec<u8>) {
        if let (None, Some(row)) = (&self.packed, self.row.get()) {
            buffer.clear();
            keyframe::pack_row(buffer, row);
            self.packed = Some(buffer.as_slice().into());
        }
        self.row = OnceLock::new();
    }
}
