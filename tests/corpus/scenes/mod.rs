//! The scenes: what is typed in which shell. A table of contents.

mod bash_edit;
mod bash_jobs;
mod bash_lines;
mod bash_prompt;
mod fish;
mod hostile;
mod nested;
mod programs;
mod repl;
mod small;
mod switch;
mod zsh;

use crate::scene::Scene;

/// All of them; no two of one name.
pub(crate) fn all() -> Vec<Scene> {
    let mut scenes = Vec::new();
    scenes.extend(bash_prompt::scenes()); // what prompts look like
    scenes.extend(bash_edit::scenes()); // one line, edited in every way
    scenes.extend(bash_lines::scenes()); // several lines, long lines, pastes, wide characters
    scenes.extend(bash_jobs::scenes()); // typing ahead, jobs, resizes, output in the way
    scenes.extend(zsh::scenes());
    scenes.extend(fish::scenes());
    scenes.extend(small::scenes()); // dash, ash, mksh, ksh93, tcsh, yash, posh
    scenes.extend(switch::scenes()); // sudo, su, doas, ssh, containers
    scenes.extend(nested::scenes()); // shells in shells, tmux, screen, script
    scenes.extend(repl::scenes()); // python, sqlite, node and their like
    scenes.extend(programs::scenes()); // questions, editors, pagers, menus
    scenes.extend(hostile::scenes()); // what would mislead a reader
    scenes
}
