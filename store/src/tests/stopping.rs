//! What somebody gives up ends at once, and the store is as good as before.

use std::time::{Duration, Instant};

use super::{World, session};
use crate::recording::Filter;
use crate::{Meaning, Pattern, StopToken, StoreError, Timeline};

/// Nothing that is stopped takes so long, however busy the machine.
const SOON: Duration = Duration::from_secs(20);

fn world() -> World {
    let mut world = World::new();
    let texts: Vec<String> = (0..2000).map(|number| format!("echo {number} {}", "ab".repeat(700))).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    world.put("many.cast", session(&texts));
    world.update();
    world
}

/// A pattern that is found nowhere, and takes long to be looked for everywhere.
fn hard() -> Pattern {
    Pattern::new("(?:[ab]{2}|[abc]{3}){200,400}[xyz]", Meaning::default()).unwrap()
}

/// Asks, and lets another thread give it up meanwhile.
#[track_caller]
fn check<T: std::fmt::Debug>(world: &mut World, ask: impl FnOnce(&mut World) -> Result<T, StoreError>) {
    let token = StopToken::default();
    world.store.obey(&token);
    let began = Instant::now();
    let stopper = std::thread::spawn({
        let token = token.clone();
        move || {
            std::thread::sleep(Duration::from_millis(30));
            token.stop();
        }
    });
    let answer = ask(world);
    assert!(matches!(answer, Err(StoreError::Stopped)), "{answer:?}");
    assert!(token.is_stopped() && began.elapsed() < SOON, "{:?}", began.elapsed());
    stopper.join().unwrap();
}

#[test]
fn a_question_is_given_up() {
    let mut world = world();
    let (pattern, everything) = (hard(), Filter::default());
    check(&mut world, |world| world.store.search_lines(&pattern, None, 100));
    check(&mut world, |world| world.store.count_lines(&pattern, 100));
    check(&mut world, |world| world.store.search_commands(&pattern, &everything, None, 100));
    check(&mut world, |world| world.store.count_commands(&pattern, &everything, 100));
    check(&mut world, |world| {
        world.store.timeline(&Timeline { pattern: Some(&pattern), limit: 100, ..Timeline::default() })
    });

    // The token stays what it is; another one has its own say.
    let echo = Pattern::new("echo 1999", Meaning::default()).unwrap();
    let answer = world.store.search_lines(&echo, None, 9);
    assert!(matches!(answer, Err(StoreError::Stopped)), "{answer:?}");
    assert!(matches!(world.store.sessions(), Err(StoreError::Stopped)));
    world.store.obey(&StopToken::default());
    assert_eq!(world.store.search_commands(&echo, &everything, None, 9).unwrap().len(), 1);
    assert!(!world.store.search_lines(&echo, None, 9).unwrap().is_empty());
}

#[test]
fn an_update_is_given_up_and_done_later() {
    let mut world = World::new();
    let texts = vec!["echo one"; 3000];
    for name in ["a.cast", "b.cast", "c.cast"] {
        world.put(name, session(&texts));
    }
    let token = StopToken::default();
    world.store.obey(&token);
    let evidence = world.evidence();
    let answer = world.store.update(&[evidence], &mut |progress| {
        if progress.files == 1 {
            token.stop();
        }
    });
    assert!(matches!(answer, Err(StoreError::Stopped)), "{answer:?}");
    world.store.obey(&StopToken::default());
    assert!(world.store.sessions().unwrap().is_empty());
    assert_eq!(world.update().read, 3);
    assert_eq!(world.store.sessions().unwrap().len(), 3);
}
