//! Reads every recording in `fixtures/` and compares what comes out, as text, with the file beside it.
//!
//! `UPDATE_EXPECT=1` writes these files anew.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use casemate_cast_format::fuzz::fuzz_decode;
use casemate_cast_format::segment::{SealHead, SegmentReport, Unpacked, Unpacker, UnpackerConfig, Verdict};
use casemate_cast_format::{Decoder, Encoder, Item, Version, is_zstd};
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use expect_test::expect_file;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

fn names() -> BTreeSet<String> {
    let entries = fs::read_dir(folder()).expect("the fixtures are there");
    let name = |entry: io::Result<fs::DirEntry>| {
        entry?.file_name().into_string().map_err(|_| io::ErrorKind::InvalidData.into())
    };
    // Folders hold recordings of other tests.
    let is_file = |entry: &io::Result<fs::DirEntry>| !entry.as_ref().is_ok_and(|entry| entry.path().is_dir());
    entries.filter(is_file).map(name).collect::<io::Result<_>>().expect("names of fixtures are text")
}

fn stem(name: &str) -> Option<&str> {
    name.strip_suffix(".cast").or_else(|| name.strip_suffix(".cast.zst"))
}

#[test]
fn every_fixture_reads_as_expected() {
    for name in names() {
        if let Some(stem) = stem(&name) {
            println!("{name}");
            let key = fs::read_to_string(folder().join(format!("{stem}.pub.pem"))).ok();
            let file = fs::read(folder().join(&name)).unwrap();
            let expected = folder().join(format!("{stem}.expected.txt"));
            expect_file![expected].assert_eq(&show(&file, key.as_deref()));
        }
    }

    // Nothing is there without the other.
    let names = names();
    let mut expected: BTreeSet<_> = ["README.md".to_owned()].into();
    for name in &names {
        if let Some(stem) = stem(name) {
            expected.insert(name.clone());
            assert!(expected.insert(format!("{stem}.expected.txt")), "two fixtures are called {stem}");
            expected.extend(Some(format!("{stem}.pub.pem")).filter(|key| names.contains(key)));
        }
    }
    assert!(expected.len() > 80, "{expected:?}");
    assert_eq!(names, expected);
}

/// All that is to be said of a recording.
fn show(file: &[u8], key: Option<&str>) -> String {
    let mut shown = String::new();
    let text = if is_zstd(file) { unpack(file, key, &mut shown) } else { file.to_vec() };
    shown += "== read\n";
    each_item(&text, |item| {
        shown += &match item {
            Item::Header(header) => format!("header: v{}, {}\n", header.version.number(), header.size),
            Item::Event(event) => {
                format!("{} {:?} {:?}\n", event.time, event.code.as_str(), event.data.decode())
            }
            Item::Comment(comment) => format!("{comment}\n"),
            Item::Defect(defect) => format!("defect in line {defect}\n"),
        }
    });
    for version in [Version::V2, Version::V3] {
        shown += &format!("\n== as v{}\n", version.number());
        shown += &String::from_utf8(convert(&text, version)).expect("recordings are written in UTF-8");
    }
    fuzz_decode(&text);
    shown
}

fn each_item(text: &[u8], mut take: impl FnMut(Item<'_>)) {
    let mut decoder = Decoder::new();
    decoder.feed(text);
    decoder.finish();
    while let Some(item) = decoder.next_item() {
        take(item);
    }
}

fn convert(text: &[u8], version: Version) -> Vec<u8> {
    let mut encoder = Encoder::new(version);
    let mut written = Vec::new();
    each_item(text, |item| match item {
        Item::Header(header) => encoder.header(&header, &mut written),
        Item::Event(event) => encoder.event(&event, &mut written),
        Item::Comment(comment) => encoder.comment(comment, &mut written),
        Item::Defect(_) => {}
    });
    written
}

/// Takes the text out of segments, and says what they are.
fn unpack(file: &[u8], key: Option<&str>, shown: &mut String) -> Vec<u8> {
    let public_key =
        key.map(|pem| VerifyingKey::from_public_key_pem(pem).expect("a public key in PEM").to_bytes());
    let config = UnpackerConfig { public_key, ..UnpackerConfig::default() };
    let mut unpacker = Unpacker::new(config).expect("memory for zstd");
    let mut text = Vec::new();
    *shown += "== unpack\n";
    let mut sink = |unpacked: Unpacked<'_>| {
        *shown += &match unpacked {
            Unpacked::Text(bytes) => {
                text.extend_from_slice(bytes);
                return;
            }
            Unpacked::Segment(report) => show_segment(report),
            Unpacked::Unsealed(frame) => format!("{} bytes of text without a seal\n", frame.text_bytes),
            Unpacked::Open(frame) => format!("{} bytes of text in an open segment\n", frame.text_bytes),
            Unpacked::SeekTable { offset, matches } => {
                format!("seek table at byte {offset}, matches: {matches:?}\n")
            }
            Unpacked::Foreign { offset, bytes } => format!("{bytes} bytes of others at byte {offset}\n"),
            Unpacked::Defect(defect) => format!("defect at byte {}: {defect}\n", defect.offset),
        };
    };
    unpacker.feed(file, &mut sink);
    let Verdict { finished, intact, signed_by, sealed_text_bytes, .. } = unpacker.finish(&mut sink);
    let signed = signed_by.is_some();
    *shown += &format!("finished: {finished}, intact: {intact}, signed: {signed}\n");
    *shown += &format!("sealed: {sealed_text_bytes} of {} bytes of text\n\n", text.len());
    text
}

fn show_segment(report: &SegmentReport) -> String {
    let SealHead { sequence, start, end, events, text_bytes, is_final, .. } = report.seal.head;
    let is = |yes: bool, what: &'static str| if yes { what } else { "" };
    format!(
        "segment {sequence}: {events} events in {text_bytes} bytes, {start} to {end}{}{}{}\n",
        is(report.seal.keyframe.is_some(), ", keyframe"),
        is(report.seal.signature.is_some(), ", signed"),
        is(is_final, ", final"),
    )
}
