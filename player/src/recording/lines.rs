//! Plain recordings, cut into pieces of about 1 MiB that end at line ends.

use std::io;

use casemate_cast_format::{Decoder, Item, Micros, Version};

use super::file::SharedFile;

/// So much is looked at once for a line end.
const LOOK_BYTES: u64 = 64 << 10;

/// The piece that begins at this offset: how long it is, and whether it goes to the end of the file. It is not longer
/// than `most`, unless a line is.
///
/// *Invariant*: a piece that goes to the end of the file begins with the same lines when the file has grown.
pub(crate) fn piece_at(file: &SharedFile, offset: u64, most: u64) -> io::Result<(u64, bool)> {
    let length = file.length()?;
    if length.saturating_sub(offset) <= most {
        return Ok((length.saturating_sub(offset), true));
    }
    // A line that was read without its end may end right there.
    let mut high = offset.saturating_add(most).saturating_add(1);
    while high > offset {
        let low = high.saturating_sub(LOOK_BYTES).max(offset);
        if let Some(end) = memchr::memrchr(b'\n', &file.bytes(low, high - low)?) {
            return Ok((low + end as u64 + 1 - offset, false));
        }
        high = low;
    }
    let mut low = offset.saturating_add(most);
    while low < length {
        if let Some(end) = memchr::memchr(b'\n', &file.bytes(low, LOOK_BYTES)?) {
            return Ok((low + end as u64 + 1 - offset, false));
        }
        low += LOOK_BYTES;
    }
    Ok((length - offset, true))
}

/// The time of the last event among the last lines, whose times are since the start.
pub(crate) fn last_time(file: &SharedFile) -> Option<Micros> {
    let length = file.length().ok()?;
    for reach in [LOOK_BYTES, 16 * LOOK_BYTES] {
        let bytes = file.bytes(length.saturating_sub(reach), reach).ok()?;
        let first = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |end| end + 1);
        let mut decoder = Decoder::resume_behind(Version::V2, 0);
        decoder.feed(&bytes[first..]);
        decoder.finish();
        let mut last = None;
        while let Some(item) = decoder.next_item() {
            if let Item::Event(event) = item {
                last = Some(event.time);
            }
        }
        if last.is_some() {
            return last;
        }
    }
    None
}
