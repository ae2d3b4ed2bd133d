//! The seek table of the zstd seekable format, as `contrib/seekable_format` of zstd describes it.
//!
//! ```text
//! table  = magic 0x184D2A5E (LE) u32:length (LE) entry* footer
//! entry  = u32:compressed size u32:decompressed size [u32:checksum]
//! footer = u32:number of entries u8:descriptor (0x80: entries have checksums) u32:0x8F92EAB1
//! ```
//!
//! Ours has no checksums and one entry for every frame before it, skippable ones too (decompressed size
//! 0), so that the entries add up to the offset of the table itself.

use super::SKIPPABLE_LIMIT;

/// The skippable frame that holds a seek table.
pub const SEEK_TABLE_MAGIC: u32 = 0x184D_2A5E;

/// Length of the footer, with which every seek table ends.
pub const FOOTER_BYTES: usize = 9;

const FOOTER_MAGIC: u32 = 0x8F92_EAB1;
const CHECKSUMS: u8 = 0x80;
const RESERVED: u8 = 0x7C;

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its length in the file.
    pub compressed: u32,
    /// The length of its text.
    pub decompressed: u32,
}

/// Why bytes are no seek table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a seek table")]
pub struct NotASeekTable;

/// The whole skippable frame.
///
/// # Errors
/// When there are so many entries that the table's length does not fit the format (some 500 million).
pub fn encode(entries: &[Entry]) -> Result<Vec<u8>, NotASeekTable> {
    let length = entries.len().checked_mul(8).and_then(|bytes| bytes.checked_add(FOOTER_BYTES));
    let length = length.and_then(|length| u32::try_from(length).ok()).ok_or(NotASeekTable)?;
    let count = u32::try_from(entries.len()).map_err(|_| NotASeekTable)?;
    let mut table = Vec::with_capacity(length as usize + 8);
    table.extend_from_slice(&SEEK_TABLE_MAGIC.to_le_bytes());
    table.extend_from_slice(&length.to_le_bytes());
    for entry in entries {
        table.extend_from_slice(&entry.compressed.to_le_bytes());
        table.extend_from_slice(&entry.decompressed.to_le_bytes());
    }
    table.extend_from_slice(&count.to_le_bytes());
    table.push(0);
    table.extend_from_slice(&FOOTER_MAGIC.to_le_bytes());
    Ok(table)
}

/// The length of the whole table that ends with this footer, its skippable header included.
///
/// # Errors
/// When it is not the footer of a seek table, or of one beyond [`SKIPPABLE_LIMIT`].
pub fn length_from_footer(footer: &[u8; FOOTER_BYTES]) -> Result<u64, NotASeekTable> {
    let (count, entry_bytes) = read_footer(footer)?;
    let length = 8 + u64::from(count) * entry_bytes as u64 + FOOTER_BYTES as u64;
    if length - 8 > SKIPPABLE_LIMIT { Err(NotASeekTable) } else { Ok(length) }
}

/// Reads the payload of a skippable frame; checksums are passed over.
///
/// # Errors
/// When it is not a seek table.
pub fn parse(payload: &[u8]) -> Result<Vec<Entry>, NotASeekTable> {
    let (entries, footer) = payload.split_last_chunk::<FOOTER_BYTES>().ok_or(NotASeekTable)?;
    let (count, entry_bytes) = read_footer(footer)?;
    if (count as usize).checked_mul(entry_bytes) != Some(entries.len()) {
        return Err(NotASeekTable);
    }
    let entries = entries.chunks_exact(entry_bytes);
    Ok(entries.map(|entry| Entry { compressed: u32_at(entry, 0), decompressed: u32_at(entry, 4) }).collect())
}

fn read_footer(footer: &[u8; FOOTER_BYTES]) -> Result<(u32, usize), NotASeekTable> {
    let descriptor = footer[4];
    if u32_at(footer, 5) != FOOTER_MAGIC || descriptor & RESERVED != 0 {
        return Err(NotASeekTable);
    }
    Ok((u32_at(footer, 0), if descriptor & CHECKSUMS == 0 { 8 } else { 12 }))
}

/// The little-endian u32 at this place, which the caller knows to exist.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
