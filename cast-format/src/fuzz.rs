//! What must hold for any bytes at all. The fuzz targets and the tests call the same functions.

use crate::{Decoder, Encoder, Event, Item, Version, own};

pub use crate::segment::fuzz_unpack;

/// Any bytes decode without a panic, the same way in any pieces, and what was understood comes
/// back unchanged after it was written and read again: every event, key and comment, in order.
///
/// # Panics
/// Where one of that does not hold.
pub fn fuzz_decode(data: &[u8]) {
    let whole = decode(data, data.len().max(1));
    let step = usize::from(data.first().copied().unwrap_or(0) % 7) + 1;
    assert_eq!(whole, decode(data, step), "pieces of {step} bytes");

    for version in [Version::V2, Version::V3] {
        let mut encoder = Encoder::new(version);
        let mut written = Vec::new();
        let read = understood(data, version, |item| match item {
            Item::Header(header) => encoder.header(header, &mut written),
            Item::Event(event) => encoder.event(event, &mut written),
            Item::Comment(comment) => encoder.comment(comment, &mut written),
            Item::Defect(_) => {}
        });
        if read.is_empty() {
            continue;
        }
        let again = understood(&written, version, |item| {
            if let Item::Defect(defect) = item {
                panic!("we wrote a defect: {defect}");
            }
        });
        assert_eq!(read, again, "written as {}", String::from_utf8_lossy(&written));
    }
}

/// What a conversion to this version must keep, as text.
fn understood(data: &[u8], version: Version, mut each: impl FnMut(&Item<'_>)) -> Vec<String> {
    let mut decoder = Decoder::new();
    decoder.feed(data);
    decoder.finish();
    let mut kept = Vec::new();
    while let Some(item) = decoder.next_item() {
        each(&item);
        match item {
            Item::Header(header) => kept.push(serde_json::Value::Object(header.to_json(version)).to_string()),
            // A line in one version, an event in another; lines have no time and no blanks at their end.
            Item::Event(event) if event.code.as_str() == own::COMMENT => {
                kept.push(format!("comment {:?}", event.data.decode().trim_ascii_end()));
            }
            Item::Comment(comment) => kept.push(format!("comment {comment:?}")),
            Item::Event(Event { time, code, data }) => {
                kept.push(format!("{time} {:?} {:?}", code.as_str(), data.decode()));
            }
            Item::Defect(_) => {}
        }
    }
    kept
}

/// All items of a recording fed in pieces of `step` bytes, as text.
fn decode(data: &[u8], step: usize) -> Vec<String> {
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    let mut take = |decoder: &mut Decoder| {
        while let Some(item) = decoder.next_item() {
            items.push(format!("{item:?}"));
        }
    };
    for piece in data.chunks(step) {
        decoder.feed(piece);
        take(&mut decoder);
    }
    decoder.finish();
    take(&mut decoder);
    items
}
