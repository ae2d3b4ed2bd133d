//! End-to-end tests: a table of contents.
//!
//! Everything drives the real binary, most of it on a real terminal. `CASEMATE_BIN` names another binary,
//! `CASEMATE_REQUIRE_TOOLS=1` makes a missing tool a failure, `CASEMATE_SLOW_TESTS=1` opens the slow lane.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod append; // a second session behind the first, in every format, also behind a torn end
mod attacks; // what hung, lost, leaked or grew once, and must not again
mod bad_input; // the table of bad input, row by row: lenient, named by line, strict
mod cli; // convert, cat, info, repair, completions, man: what they print and how they fail
mod commands; // `casemate commands` and `rec --commands`: every form, folders, pipes, live
mod commands_live; // real shells, recorded, and their commands listed
mod compat; // asciinema and zstd read ours, we read theirs
mod docs; // the documents and the tree say the same
mod exact; // every byte, in every form, also those that are no text
mod export; // `casemate export`: cuts, speed, text, pictures, and what is hidden
mod host; // what the tests of a wrapped host have in common
mod host_agent; // `casemate agent`: what a wrapped host records arrives at a server, live, once, and as whose it is
mod host_attacks; // a wrapped host: environment, names, links, configurations that would decide what they must not
mod host_gaps; // a wrapped host: what is not recorded, and recorders that only seem to be at work
mod host_integration; // `integration = true`: marks from login shells, which are otherwise as they were
mod host_jobs; // root's jobs on a terminal: su and sudo, stopped, in the background, left behind
mod host_many; // many sessions at once on a wrapped host, and sessions within sessions
mod host_package; // the Debian package: installed, used, upgraded, removed, purged
mod host_pipes; // sessions without a terminal on a wrapped host: what is left unread, content, killed recorders
mod host_sessions; // `casemate sessions` and `casemate watch`: who may see what
mod host_shells; // the shells of a host, wrapped: given what they are given without us
mod host_systemd; // the agent as a service of a real systemd
mod host_tamper; // a wrapped host: the recorder's process, files and disk, attacked by who is recorded
mod host_terminals; // sessions on a terminal through wrapped shells: keys, sizes, jobs, hang-ups
mod host_transports; // scp, sftp, rsync, git, ansible and pipes through wrapped shells, byte for byte
mod host_who; // who is in a session on a wrapped host, and how far that is believed
mod idle; // asleep and small while nothing happens
mod input; // what was typed is recorded; what was not echoed is not
mod integrate; // marks from the shells, which are otherwise as they were
mod keys; // the prefix key: pause, marker, stop, the key itself
mod play; // the player: screens at three sizes, every way out, places, following, plain
mod process_facts; // who is in the foreground, and who gets a line
mod rec; // flags, facts, files of `casemate rec`
mod report; // `casemate report`: what the page says, and that it plays, in a real browser
mod review; // `casemate review`: screens at three sizes, notes, evidence untouched
mod rotate; // parts of one session, joined again
mod score; // the commands of every recording in fixtures/commands, against the truth
mod screen; // `casemate screen`: any moment, in every form of recording
mod screens; // screens as text, at three sizes
mod search; // `casemate search`: files, pipes, folders, with and without an index
mod server; // what the tests of the audit server have in common
mod server_attacks; // what an adversary sends to the audit server, or asks it
mod server_client; // what talks to an audit server: uploads, logs, imports, spools
mod server_config; // how an audit server is set up: with nothing configured, by its configuration, with a certificate
mod server_heartbeat; // one call that says for a whole host that it goes on, and hears what is to end
mod server_kill; // the audit server, killed at random moments of a load
mod server_logs; // the logs of the audit server: pages, filters, tails, exports, proofs
mod server_player; // recordings as a browser plays them: an index and parts, looked at once
mod server_schema; // the API of the audit server, held against what it says of itself
mod server_search; // search in what was to be seen in sessions that the audit server has
mod server_soak; // an audit server under a load that goes on: nothing is lost, memory stays
mod server_upload; // recordings that arrive at the audit server: again, broken off, damaged, closed, deleted
mod server_way; // the audit server: the whole way, from an empty folder to a proof
mod server_who; // who may do what with the audit server, and that it is in the log
mod shells; // bash, zsh, fish, dash, tmux under the recorder
mod slow; // the slow lane: hundreds of rounds, gigabytes
mod streams; // `rec -`, standard input, default names, what is said where
mod verify; // intact or not, named, with which status; keys
mod weather; // the eight promises about bad weather
mod web; // the web app in a real browser: in and out, who sees what, what the tests of it have in common
mod web_export; // exports of what is filtered in a real browser: each form, compared; stopped
mod web_find; // what is looked for on the page of a session in a real browser: any text, many commands, a session that ends
mod web_live; // a real shell, and somebody who looks on in a browser
mod web_logs; // the five logs in a real browser: filters, pages, columns, keys, rows as they come, pictures
mod web_look; // each page in a real browser: accessible by what axe says, at three widths, light and dark
mod web_plain; // the web app in a real browser in which no script runs
mod web_recordings; // the page of recordings in a real browser: by person, taken away, deleted
mod web_roles; // each page in a real browser by each role: what is seen, what is offered, what is refused
mod web_search; // search in a real browser: in commands and output, each hit at its moment
mod web_session; // the page of a session in a real browser: any moment, live, held, deleted
mod web_settings; // the settings in a real browser: what each role sees, adds, changes, removes
