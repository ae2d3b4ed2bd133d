//! While nothing happens the recorder sleeps, and is small.

use std::time::Duration;

use casemate_tests::{LONG, World, is_release, process, tools, turn, wait_until};
use rustix::process::Signal;

#[test]
fn idle_means_asleep_and_small() {
    let _turn = turn();
    let world = World::new();
    let mut session = world.rec(&["s.cast.zst", "--", "sh", "-c", "echo up; exec sleep 3008"]).on_terminal();
    session.wait_for("up");
    // Flush and whatever else follows the output is over once half a second brought no wake-up.
    let mut last = process::context_switches(session.pid());
    wait_until("quiet after the start", Duration::from_secs(10), || {
        std::thread::sleep(Duration::from_millis(500));
        let now = process::context_switches(session.pid());
        let quiet = now == last;
        last = now;
        quiet.then_some(())
    });
    std::thread::sleep(Duration::from_secs(3));
    let woken = process::context_switches(session.pid()) - last;
    assert!(woken <= 1, "{woken} wake-ups in three idle seconds");
    let resident = process::resident_kib(session.pid());
    session.signal(Signal::TERM);
    assert_eq!(session.wait_exit(LONG), 143);
    if !is_release() {
        tools::left_out(&format!("needs a release build for the promise about memory (here {resident} KiB)"));
        return;
    }
    // The bar is 10 MiB, of which half is used: code that only a start needs is given back.
    assert!(resident < 10 * 1024, "{resident} KiB resident while idle");
}
