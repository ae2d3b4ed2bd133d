//! What is found in an index is what is found by looking at everything.

use std::fs;

use casemate_command_log::CommandEvent;
use proptest::prelude::*;

use super::{World, direct, fixtures, session};
use crate::recording::{Filter, Found};
use crate::{Command, Hit, Meaning, Order, Part, Pattern, Searched, Timeline, Where, look_through};

/// All hits, fetched in pages.
fn pages(mut page: impl FnMut(Option<&Hit>) -> Vec<Hit>) -> Vec<Hit> {
    let mut hits: Vec<Hit> = Vec::new();
    loop {
        let more = page(hits.last());
        if more.is_empty() {
            return hits;
        }
        hits.extend(more);
    }
}

/// A world with real sessions.
fn world() -> World {
    let mut world = World::new();
    let names =
        ["bash-bare", "ask-rm", "ash-lines", "zsh-menu", "fish-edit", "bash-counter", "bash-coloured"];
    for name in names {
        let path = fixtures().join(format!("commands/{name}.cast.zst"));
        if let Ok(bytes) = fs::read(path) {
            world.put(&format!("{name}.cast.zst"), bytes);
        }
    }
    let many: Vec<String> =
        (0..300).map(|number| format!("echo {number} Straße {}", number * 7919)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    world.put("many.cast", session(&many));
    let updated = world.update();
    assert!(updated.read > 4 && updated.unreadable.is_empty());
    world
}

#[test]
fn commands_come_back_as_they_were_derived() {
    let mut world = world();
    let mut sessions = world.store.sessions().unwrap();
    sessions.sort_by_key(|session| session.id);
    let recordings = world.store.recordings().unwrap();
    for session in sessions {
        let path = &recordings.iter().find(|recording| recording.id == session.recording).unwrap().path;
        let events: Vec<_> =
            world.store.commands_of(session.id).unwrap().into_iter().map(|command| command.event).collect();
        // Where output begins in the stream is for those who read it.
        let derived =
            direct(path).commands.into_iter().map(|event| CommandEvent { output_at: None, ..event });
        assert_eq!(events, derived.collect::<Vec<_>>(), "{path:?}");
        assert_eq!(session.commands, events.len() as u64);
    }
}

#[test]
fn what_has_no_time_is_at_the_end_of_the_timeline() {
    let mut world = World::new();
    world.put("a.cast", session(&["echo 1", "echo 2", "echo 3"]));
    let lost = session(&["echo 4", "echo 5", "echo 6"]);
    let (header, events) = lost.split_once('\n').unwrap();
    assert!(header.starts_with("{\"version\":2"));
    world.put("b.cast", format!("{{\"version\":2,\"width\":80,\"height\":24}}\n{events}"));
    world.update();
    let echo = Pattern::new("echo", Meaning::default()).unwrap();
    for (order, expected) in [(Order::OldestFirst, "123456"), (Order::LatestFirst, "321654")] {
        for pattern in [None, Some(&echo)] {
            for limit in 1..8 {
                let mut all: Vec<Command> = Vec::new();
                loop {
                    let page = Timeline { pattern, order, after: all.last(), limit, ..Timeline::default() };
                    let more = world.store.timeline(&page).unwrap();
                    assert!(more.len() <= limit);
                    if more.is_empty() {
                        break;
                    }
                    all.extend(more);
                }
                let numbers: String =
                    all.iter().map(|command| &command.event.command.as_ref().unwrap()[5..]).collect();
                assert_eq!(numbers, expected, "{order:?}, {limit} at once");
            }
        }
    }
    // Of one session, in any pieces.
    let sessions = world.store.sessions().unwrap();
    let id = sessions.iter().find(|session| session.start.is_none()).unwrap().id;
    for (order, expected) in [(Order::OldestFirst, "456"), (Order::LatestFirst, "654")] {
        let page = |after| Timeline {
            session: Some(id),
            pattern: Some(&echo),
            order,
            after,
            limit: 2,
            ..Timeline::default()
        };
        let mut all = world.store.timeline(&page(None)).unwrap();
        let more = world.store.timeline(&page(all.last())).unwrap();
        all.extend(more);
        let numbers: String =
            all.iter().map(|command| &command.event.command.as_ref().unwrap()[5..]).collect();
        assert_eq!(numbers, expected);
    }
    let since = Filter { since: Some(chrono::DateTime::UNIX_EPOCH), ..Filter::default() };
    let page = Timeline { filter: since, limit: 9, ..Timeline::default() };
    assert_eq!(world.store.timeline(&page).unwrap().len(), 3);
}

#[test]
fn the_timeline_has_all_commands_in_the_order_of_time() {
    let mut world = world();
    let mut all: Vec<Command> = Vec::new();
    loop {
        let page = Timeline { after: all.last(), limit: 50, ..Timeline::default() };
        let more = world.store.timeline(&page).unwrap();
        if more.is_empty() {
            break;
        }
        all.extend(more);
    }
    assert!(all.is_sorted_by_key(|command| (command.event.time.clone(), command.id)));
    let timed: u64 = world.store.sessions().unwrap().iter().map(|session| session.commands).sum();
    assert_eq!(all.len() as u64, timed);

    let pattern = Pattern::new("echo 29", Meaning::default()).unwrap();
    let page = Timeline {
        pattern: Some(&pattern),
        order: Order::LatestFirst,
        limit: 3,
        filter: Filter { targets: vec!["web-1".into()], ..Filter::default() },
        ..Timeline::default()
    };
    let found = world.store.timeline(&page).unwrap();
    let found: Vec<_> =
        found.iter().filter_map(|command| command.event.command.as_deref()?.split(' ').nth(1)).collect();
    assert_eq!(found, ["299", "298", "297"]);
    let nobody = Timeline {
        filter: Filter { users: vec!["nobody".into()], ..Filter::default() },
        limit: 9,
        ..Timeline::default()
    };
    assert_eq!(world.store.timeline(&nobody).unwrap(), []);
}

#[test]
fn letters_are_folded_as_the_expression_does() {
    let mut world = World::new();
    world.put("one.cast", session(&["echo ſſſk ÄÖÜ \u{212a}lm İzmir ΣΑΣ"]));
    world.update();
    for (pattern, is_found) in [
        ("SSSK", true),
        ("äöü", true),
        ("KLM", true),
        ("izmir", false),
        ("σας", true),
        ("İzm", true),
        ("öüÄ", false),
    ] {
        let pattern = Pattern::new(pattern, Meaning { ignore_case: true, fixed: true }).unwrap();
        let hits = world.store.search_commands(&pattern, &Filter::default(), None, 9).unwrap();
        assert_eq!(hits.len(), usize::from(is_found), "{pattern:?}");
        assert_eq!(world.store.count_lines(&pattern, 9).unwrap() > 0, is_found, "{pattern:?}");
    }
}

#[test]
fn what_is_found_is_what_a_look_at_everything_finds() {
    let mut world = world();
    let recordings = world.store.recordings().unwrap();
    let direct: Vec<_> = recordings.iter().map(|recording| direct(&recording.path)).collect();
    let commands: Vec<&str> = direct
        .iter()
        .flat_map(|direct| &direct.commands)
        .filter_map(|event| event.command.as_deref())
        .collect();
    let lines: Vec<&str> =
        direct.iter().flat_map(|direct| &direct.lines).map(|(_, text)| text.as_str()).collect();
    let piece = prop_oneof![
        4 => (0..commands.len(), 0..40_usize, 1..12_usize).prop_map(|(command, from, length)| {
            let text: String = commands[command].chars().skip(from).take(length).collect();
            regex::escape(&text)
        }),
        2 => (0..lines.len(), 0..60_usize, 1..12_usize).prop_map(|(line, from, length)| {
            let text: String = lines[line].chars().skip(from).take(length).collect();
            regex::escape(&text)
        }),
        1 => Just(".*".to_owned()),
        1 => Just("[a-z]+".to_owned()),
        1 => Just("(ch|l)?".to_owned()),
        1 => Just("^".to_owned()),
        1 => Just("$".to_owned()),
    ];
    let patterns =
        (prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat()), any::<bool>(), any::<bool>());
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    let sources = Found::by(&[world.evidence()]).sources;
    let store = std::cell::RefCell::new(&mut world.store);
    proptest!(config, |((pattern, fixed, ignore_case) in patterns)| {
        let pattern = Pattern::new(&pattern, Meaning { fixed, ignore_case }).unwrap();
        let mut store = store.borrow_mut();
        let found = |texts: &[&str]| {
            let mut found: Vec<_> = texts.iter().filter(|text| pattern.regex().is_match(text)).map(|&text| text.to_owned()).collect();
            found.sort();
            found
        };
        let sorted = |hits: Vec<Hit>| {
            let mut texts: Vec<_> = hits.into_iter().map(|hit| hit.text).collect();
            texts.sort();
            texts
        };
        let got = pages(|last| store.search_commands(&pattern, &Filter::default(), last, 37).unwrap());
        prop_assert_eq!(sorted(got), found(&commands));
        let got = pages(|last| store.search_lines(&pattern, last, 37).unwrap());
        prop_assert_eq!(sorted(got), found(&lines));
        let mut finds = Vec::new();
        look_through(&sources, &pattern, Part::Both, |_, searched, _| {
            if let Searched::Finds(more) = searched {
                finds.extend(more);
            }
            Ok::<(), ()>(())
        }).unwrap();
        let of = |place| finds.iter().filter(|find| find.place == place).map(|find| find.text.as_str()).collect::<Vec<_>>();
        prop_assert_eq!(found(&of(Where::Command)), found(&commands));
        prop_assert_eq!(of(Where::Output), lines.iter().copied().filter(|line| pattern.regex().is_match(line)).collect::<Vec<_>>());
        prop_assert_eq!(store.count_commands(&pattern, &Filter::default(), 20).unwrap(), found(&commands).len().min(20));
        prop_assert_eq!(store.count_lines(&pattern, 20).unwrap(), found(&lines).len().min(20));
    });
}

#[test]
fn hits_say_where_to_stand() {
    let mut world = World::new();
    let path = world.put("one.cast", session(&["ls", "systemctl restart nginx"]));
    world.update();
    let pattern = Pattern::new("restart [a-z]+", Meaning::default()).unwrap();
    let direct = direct(&path);
    let hits = world.store.search_commands(&pattern, &Filter::default(), None, 9).unwrap();
    assert_eq!((hits.len(), hits[0].offset), (1, direct.commands[1].offset));
    assert_eq!(world.store.origin(hits[0].session).unwrap().unwrap().path, path);
    let hits = world.store.search_lines(&pattern, None, 9).unwrap();
    let lines: Vec<_> = direct.lines.iter().filter(|(_, text)| text.contains("restart nginx")).collect();
    assert_eq!(
        hits.iter().map(|hit| (hit.offset, &hit.text)).collect::<Vec<_>>(),
        lines.iter().map(|(time, text)| (*time, text)).collect::<Vec<_>>()
    );
    assert_eq!(lines.len(), 2);
}
