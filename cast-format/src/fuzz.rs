//! What must hold for any bytes at all. The fuzz targets and the tests call the same functions.

use crate::{Decoder, Encoder, Item, Version};

pub use crate::segment::fuzz_unpack;

/// Any bytes decode without a panic, the same way in any pieces, and what was understood comes
/// back unchanged after it was written and read again.
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
        let mut decoder = Decoder::new();
        decoder.feed(data);
        decoder.finish();
        let mut events = Vec::new();
        let mut header = None;
        while let Some(item) = decoder.next_item() {
            match item {
                Item::Header(read) => {
                    encoder.header(&read, &mut written);
                    header = Some(read.to_json(version));
                }
                Item::Event(event) => {
                    encoder.event(&event, &mut written);
                    events.push((event.time, event.code.as_str().to_owned(), event.data.decode().into_owned()));
                }
                Item::Comment(_) | Item::Defect(_) => {}
            }
        }
        if header.is_none() {
            continue;
        }
        let mut decoder = Decoder::new();
        decoder.feed(&written);
        decoder.finish();
        let mut expected = events.into_iter().filter(|(_, code, _)| version == Version::V2 || code != "comment");
        while let Some(item) = decoder.next_item() {
            match item {
                Item::Header(read) => assert_eq!(Some(read.to_json(version)), header),
                Item::Event(event) => {
                    let event = (event.time, event.code.as_str().to_owned(), event.data.decode().into_owned());
                    assert_eq!(Some(event), expected.next());
                }
                Item::Comment(_) => {}
                Item::Defect(defect) => panic!("we wrote a defect: {defect}"),
            }
        }
        assert_eq!(expected.next(), None);
    }
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
