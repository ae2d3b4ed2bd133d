//! How small and how fast. Numbers are printed; run with `--nocapture`, and in release with
//! `CASEMATE_SLOW_TESTS=1` for the speeds.

use std::time::Instant;

use zstd::zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer};

use super::corpus::{hour, log, seq};
use super::helper::{HEADER, read, signed};
use crate::segment::PackerConfig;

#[test]
fn an_hour_of_shell_work_is_half_its_plain_recording_at_most() {
    // Outputs from 200 bytes to 8, 5 and 3 KB, and an hour with little typing.
    for (commands, output_limit) in [(120, 8192), (120, 5000), (120, 3000), (30, 3000)] {
        let corpus = hour(5, commands, output_limit);
        let plain = corpus.text_bytes();
        let live = PackerConfig { live: true, ..PackerConfig::default() };
        for (name, config) in [("unsigned", PackerConfig::default()), ("signed", signed(1)), ("live", live)] {
            let packed = corpus.pack(config).len();
            let percent = 100 * packed / plain;
            println!("{commands} commands of {output_limit}, {name}: {plain} -> {packed} ({percent} %)");
            assert!(2 * packed <= plain, "{packed} of {plain}");
        }
    }
}

#[test]
fn a_packed_hour_is_read_again() {
    let corpus = hour(6, 20, 3000);
    let read = read(&corpus.pack(PackerConfig::default()));
    assert!(read.verdict.intact);
    assert_eq!(read.text.len(), corpus.text_bytes());
    assert!(read.text.ends_with(corpus.events.last().unwrap().1.as_bytes()));
}

#[test]
fn floods_are_about_as_small_as_zstd_makes_them() {
    let slow = std::env::var_os("CASEMATE_SLOW_TESTS").is_some();
    let scale = if slow { 20 } else { 1 };
    for (name, corpus) in [("seq", seq(430_000 * scale)), ("log", log(3_700_000 * scale))] {
        let mut whole = HEADER.to_vec();
        corpus.events.iter().for_each(|event| whole.extend_from_slice(event.1.as_bytes()));
        let start = Instant::now();
        let plain = zstd::bulk::compress(&whole, 3).unwrap().len();
        let plain_time = start.elapsed();
        // A flood in a live recording is soon treated as one.
        let live = corpus.pack(PackerConfig { live: true, ..PackerConfig::default() }).len();
        assert!(live * 10 <= plain * 11, "{live} against {plain}");
        let start = Instant::now();
        let packed = corpus.pack(PackerConfig::default()).len();
        let packed_time = start.elapsed();
        let speed = |time: std::time::Duration| whole.len() as u128 / time.as_micros().max(1);
        println!(
            "{name}: {} bytes; zstd -3: {plain} at {} MB/s; packed: {packed} at {} MB/s",
            whole.len(),
            speed(plain_time),
            speed(packed_time)
        );
        assert!(packed * 10 <= plain * 11, "{packed} against {plain}");
    }
}

/// The compressor is most of an idle recorder's memory; its parameters are those of `codec`.
#[test]
fn a_context_stays_small() {
    let mut context = CCtx::create();
    let parameters = [CParameter::CompressionLevel(3), CParameter::WindowLog(20), CParameter::MinMatch(4)];
    for parameter in parameters {
        context.set_parameter(parameter).unwrap();
    }
    let mut output = vec![0; 1 << 10];
    context.compress_stream(&mut OutBuffer::around(&mut output[..]), &mut InBuffer::around(b"x")).unwrap();
    println!("compression context: {} bytes", context.sizeof());
    assert!(context.sizeof() < 3 << 20);
}
