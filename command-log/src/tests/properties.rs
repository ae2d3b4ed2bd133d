//! What holds for any stream.

use casemate_cast_format::Micros;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Step, derive, derive_while, out, table};

/// Pieces of what shells and programs print.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z ]{1,6}",
        3 => Just("\r\n".to_owned()),
        3 => Just("\x1b[?2004halice@web-1:~$ ".to_owned()),
        3 => Just("\r\n\x1b[?2004l\r".to_owned()),
        2 => Just("$ ".to_owned()),
        1 => Just("> ".to_owned()),
        1 => Just("Name: ".to_owned()),
        2 => ("[a-z日 ]{0,70}", 1..60_usize).prop_map(|(line, count)| format!("{line}\r\n").repeat(count)),
        1 => ("[a-z]{0,9}", 100..400_usize).prop_map(|(word, count)| format!("\x1b[3{}m{word}\x1b[m\r\n", count % 8).repeat(count)),
        1 => "\x1b\\]133;[ABCDPLN](;[k=a-z0-9]{0,6})?\x07",
        1 => "\x1b\\[[0-9]{0,2}(;[0-9]{1,2})?[A-HJKPX@Lmrsu]",
        1 => "\x1b\\[\\?(1|7|25|47|1049|2004)[hl]",
        1 => "[\x08\r\x1b\x07\t]",
        1 => "for i in 1|echo '|\\^C|exit|日本|e\u{301}",
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let after = || prop_oneof![3 => Just(0), 2 => 1..9_u64, 3 => 30..200_u64, 2 => 300..2000_u64];
    vec(
        prop_oneof![
            12 => (after(), piece()).prop_map(|(after, output)| Step::Out(after, output)),
            2 => (after(), "[a-z]{1,3}|\r|\x03|\x04|\x1b\\[A|\x1b\\[200~a\nb\x1b\\[201~").prop_map(|(after, input)| Step::In(after, input)),
            1 => (after(), 2..70_u16, 2..20_u16).prop_map(|(after, cols, rows)| Step::Resize(after, cols, rows)),
            1 => after().prop_map(Step::Hidden),
        ],
        0..40,
    )
}

/// Cuts each output into pieces of the same time.
fn cut(steps: &[Step], lengths: &[usize]) -> Vec<Step> {
    let mut lengths = lengths.iter().cycle();
    let mut pieces = Vec::new();
    for step in steps {
        let Step::Out(after, output) = step else {
            pieces.push(step.clone());
            continue;
        };
        let mut after = *after;
        let mut rest: Vec<char> = output.chars().collect();
        loop {
            let length = (*lengths.next().unwrap()).min(rest.len());
            let behind = rest.split_off(length);
            pieces.push(out(after, &rest.iter().collect::<String>()));
            (after, rest) = (0, behind);
            if rest.is_empty() {
                break;
            }
        }
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_gives_the_same_events(steps in steps(), lengths in vec(1..30_usize, 1..6)) {
        prop_assert_eq!(table(&derive(&steps, false)), table(&derive(&cut(&steps, &lengths), false)));
    }

    #[test]
    fn shortcuts_give_what_full_emulation_gives(steps in steps()) {
        prop_assert_eq!(table(&derive(&steps, false)), table(&derive(&steps, true)));
    }

    #[test]
    fn time_that_passes_changes_nothing(steps in steps(), parts in vec(0..100_u64, 1..4)) {
        let passing = derive_while(&steps, false, |log, from, until| {
            for part in parts.iter().filter(|_| until > from) {
                log.advance(Micros(from.0 + (until.0 - from.0) * part / 100));
            }
        });
        prop_assert_eq!(table(&derive(&steps, false)), table(&passing));
    }

    #[test]
    fn times_never_go_back_and_ids_differ(steps in steps()) {
        let events = derive(&steps, false);
        let ids: std::collections::HashSet<_> = events.iter().map(|event| &event.id).collect();
        prop_assert_eq!(ids.len(), events.len());
    }

    #[test]
    fn no_bytes_panic(pieces in vec((0..500_u64, vec(any::<u8>(), 0..40)), 0..40)) {
        let steps: Vec<Step> =
            pieces.iter().map(|(after, bytes)| out(*after, &String::from_utf8_lossy(bytes))).collect();
        derive(&steps, false);
    }
}
