//! Keyframes: what they hold, what they cost, and what damaged ones do.

use super::{picture, screen};
use crate::{KeyframeError, Screen, Vt100Screen};

#[test]
fn every_state_comes_back() {
    let behind = "é日\r\nx\ty\x1bDz\x1b8w\x1b[b\x1b[u!\x1b[?1049lq\n\n\n\n\n";
    for before in [
        "",
        "plain \x1b[1;31mred\x1b[m",
        "\x1b[2;3r\x1b[?6h\x1b[?7l\x1b[4h\x1b[20h",
        "\x1b(0\x1b)0\x0elqk\x1b7",
        "\x1b[3g\x1b[1;4H\x1bH",
        "日本語日本語\x1b[?1049h\x1b[2J\x1b[48;5;9m\x1b[K",
        "a\x1b",
        "a\x1b[3",
        "a\x1b[38;5",
        "a\x1b(",
        "a\x1b]0;titl",
        "a\x1bPtmux;\x1b",
        "a\x1bPtm",
        "0123456789",
        "1\n2\n3\n4\n5\n6\n7",
        "e\u{301}\x1b[41m\x1b[J",
    ] {
        let mut whole = screen(before);
        let mut restored = Vt100Screen::new(80, 24, 0);
        restored.restore(&whole.keyframe()).unwrap();
        assert_eq!(picture(&restored), picture(&whole), "{before:?}");
        whole.feed(behind.as_bytes());
        restored.feed(behind.as_bytes());
        assert_eq!(picture(&restored), picture(&whole), "{before:?}");
        assert_eq!((restored.scrolled(), restored.style()), (whole.scrolled(), whole.style()), "{before:?}");
        assert_eq!(restored.keyframe(), whole.keyframe(), "{before:?}");
    }
}

#[test]
fn a_character_that_was_cut_comes_back() {
    let mut screen = screen("a");
    screen.feed(&"日".as_bytes()[..2]);
    let mut restored = Vt100Screen::new(2, 2, 0);
    restored.restore(&screen.keyframe()).unwrap();
    restored.feed(&"日".as_bytes()[2..]);
    assert!(picture(&restored).starts_with("a日\n"));
}

#[test]
fn a_keyframe_is_about_as_long_as_the_text() {
    let mut screen = Vt100Screen::new(80, 24, 1000);
    assert!(screen.keyframe().len() < 200, "{}", screen.keyframe().len());
    for number in 0..100 {
        screen.feed(format!("\x1b[3{}m{number:40}\x1b[m some text\r\n", number % 8).as_bytes());
    }
    assert!(screen.keyframe().len() < 24 * 70, "{}", screen.keyframe().len());
}

#[test]
fn damaged_keyframes_change_nothing() {
    let good = screen("日本\x1b[31mred\r\n\x1b[?1049h\x1b[2;3rtext\x1b[3").keyframe();
    let mut target = screen("as it was");
    let before = target.keyframe();
    assert_eq!(target.restore(&[9, 1, 2]), Err(KeyframeError::Version(9)));
    for length in 0..good.len() {
        assert_eq!(target.restore(&good[..length]), Err(KeyframeError::Damaged), "{length}");
    }
    let longer = [good.as_slice(), b"x"].concat();
    assert_eq!(target.restore(&longer), Err(KeyframeError::Damaged));
    assert_eq!(target.keyframe(), before);

    // Any single byte changed is refused or gives a screen that works.
    for at in 1..good.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff, good[at] ^ 1, good[at] ^ 0x80] {
            let mut bad = good.clone();
            bad[at] = value;
            if target.restore(&bad).is_ok() {
                crate::fuzz::fuzz_screen(&target.keyframe());
                target.feed("\x1b[?1049h日\x1b[5L\x1b[9@\x1b[2J\x1b[?1049lx\n\n\n\n\n".as_bytes());
                target.resize(5, 3);
                picture(&target);
            }
        }
    }
}
