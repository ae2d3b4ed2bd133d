//! What is typed to narrow a list down. Pure.

use casemate_store::Session;
use casemate_store::recording::Filter as Wanted;

/// Words, and what some of them are about: `user:alice target:web-1 as:root is:damaged`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    users: Vec<String>,
    targets: Vec<String>,
    target_users: Vec<String>,
    states: Vec<String>,
    /// All that is not about something, as it was typed.
    rest: String,
}

impl Filter {
    /// Reads what was typed.
    pub(crate) fn parse(text: &str) -> Self {
        let mut filter = Self::default();
        let mut rest = Vec::new();
        for word in text.split(' ') {
            let (about, value) = word.split_once(':').unwrap_or_default();
            let list = match about {
                "user" => &mut filter.users,
                "target" => &mut filter.targets,
                "as" => &mut filter.target_users,
                "is" => &mut filter.states,
                _ => {
                    rest.push(word);
                    continue;
                }
            };
            if !value.is_empty() {
                list.push(value.to_owned());
            }
        }
        rest.join(" ").trim().clone_into(&mut filter.rest);
        filter
    }

    /// What it says of commands: of whom they are, and what is to be found in them. Commands have no state, so what
    /// sounds like one is looked for, and not passed over.
    pub(crate) fn of_commands(&self) -> (Wanted, String) {
        let wanted = Wanted {
            users: self.users.clone(),
            targets: self.targets.clone(),
            target_users: self.target_users.clone(),
            ..Wanted::default()
        };
        let words = self.states.iter().map(|state| format!("is:{state}"));
        let rest = Some(self.rest.clone()).filter(|rest| !rest.is_empty());
        (wanted, words.chain(rest).collect::<Vec<_>>().join(" "))
    }

    /// Whether a session passes: in what is shown of it, in small letters, all words are found.
    pub(crate) fn wants(&self, session: Option<&Session>, state: &str, shown: &str) -> bool {
        let is_one = |wanted: &[String], value: Option<&str>| {
            wanted.is_empty() || value.is_some_and(|value| wanted.iter().any(|one| one == value))
        };
        let user = session.and_then(|session| session.user.as_deref());
        let target = session.and_then(|session| session.target.as_deref());
        let target_user = session.and_then(|session| session.target_user.as_deref());
        is_one(&self.users, user)
            && is_one(&self.targets, target)
            && is_one(&self.target_users, target_user)
            && (self.states.is_empty()
                || self.states.iter().any(|wanted| state.contains(&wanted.to_lowercase())))
            && self.rest.split_whitespace().all(|word| shown.contains(&word.to_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_be_about_something() {
        let filter = Filter::parse("user:alice rm  -rf as:root as: http://x");
        assert_eq!(
            (filter.users.as_slice(), filter.target_users.as_slice()),
            (&["alice".into()][..], &["root".into()][..])
        );
        assert_eq!(filter.of_commands().1, "rm  -rf http://x");
        assert_eq!(Filter::parse("is:damaged").of_commands().1, "is:damaged");
    }

    #[test]
    fn all_words_must_be_found() {
        let wants = |text: &str| Filter::parse(text).wants(None, "damaged", "2026-11-22 alice web-1 damaged");
        assert!(wants("") && wants("web Ali") && wants("is:Dam 2026"));
        assert!(!wants("web bob") && !wants("is:intact") && !wants("user:alice"));
    }
}
