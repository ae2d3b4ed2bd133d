//! One shell of the stack: where it is, and how its prompts look.

use super::hop::HopKind;
use super::look::{Identity, Look, Sign};

/// Prompts that are remembered of a shell. Directories and states come again; a few suffice.
const MAX_LOOKS: usize = 6;

/// Where a shell is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The machine or container.
    pub target: Option<String>,
    /// The account on it.
    pub target_user: Option<String>,
    /// Whether more than the text of a command says so.
    pub confirmed: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) kind: HopKind,
    pub(super) target: Option<String>,
    pub(super) target_user: Option<String>,
    /// The user is more than a presumption: given, or seen.
    pub(super) user_known: bool,
    pub(super) confirmed: bool,
    /// Its processes run on the recorder's own host.
    pub(super) local: bool,
    /// Leaving it leaves its parent too (`sudo -i; exit`).
    pub(super) then_exits: bool,
    /// The context (OSC 3008) that was opened for it, or by its shell.
    pub(super) context: Option<String>,
    /// Whom its prompts and its shell integration name.
    pub(super) named: Identity,
    /// Whom its titles name.
    pub(super) titled: Identity,
    /// Its last prompts, the newest last. Invariant: at most [`MAX_LOOKS`].
    pub(super) looks: Vec<Look>,
}

/// How much a prompt is like those of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    /// It names somebody else.
    Conflict,
    None,
    /// Only its signs are alike.
    Skeleton,
    /// It names the same.
    Identity,
    /// But for directory, digits and such it is the same.
    Template,
    Exact,
}

/// What was seen of a shell at a prompt.
pub(super) struct Sight<'a> {
    pub(super) look: &'a Look,
    /// Whom the prompt or the shell's integration names.
    pub(super) named: Identity,
    /// Whom the title names.
    pub(super) titled: Identity,
}

impl Frame {
    pub(super) fn first(target: Option<String>, target_user: Option<String>) -> Self {
        Self {
            confirmed: target.is_some() && target_user.is_some(),
            user_known: target_user.is_some(),
            local: true,
            ..Self::at(HopKind::Shell, target, target_user)
        }
    }

    pub(super) fn at(kind: HopKind, target: Option<String>, target_user: Option<String>) -> Self {
        Self {
            kind,
            target,
            target_user,
            user_known: false,
            confirmed: false,
            local: false,
            then_exits: false,
            context: None,
            named: Identity::default(),
            titled: Identity::default(),
            looks: Vec::new(),
        }
    }

    pub(super) fn place(&self) -> Place {
        Place {
            target: self.target.clone(),
            target_user: self.target_user.clone(),
            confirmed: self.confirmed,
        }
    }

    pub(super) fn likeness(&self, sight: &Sight<'_>) -> Likeness {
        let named = self.named.clone().or(&self.titled);
        let titled = self.titled.clone().or(&self.named);
        if sight.named.conflicts(&named) || sight.named.is_empty() && sight.titled.conflicts(&titled) {
            return Likeness::Conflict;
        }
        let look = sight.look;
        let likeness = self.looks.iter().map(|known| match () {
            () if known.text == look.text => Likeness::Exact,
            () if known.template == look.template => Likeness::Template,
            () if known.skeleton == look.skeleton => Likeness::Skeleton,
            () => Likeness::None,
        });
        let likeness = likeness.max().unwrap_or(Likeness::None);
        if sight.named.agrees(&named) || sight.titled.agrees(&titled) {
            return likeness.max(Likeness::Identity);
        }
        likeness
    }

    /// The sign of its last prompt.
    pub(super) fn sign(&self) -> Option<Sign> {
        self.looks.last().map(|look| look.sign)
    }

    /// Its prompt is known now.
    pub(super) fn learn(&mut self, sight: Sight<'_>) {
        let (user, host) = (sight.named.user.clone(), sight.named.host.clone());
        let (user, host) = (user.or(sight.titled.user.clone()), host.or(sight.titled.host.clone()));
        if let Some(user) = user {
            if !self.user_known {
                self.target_user = Some(user);
                self.user_known = true;
                // The first frame has no command that would speak for it.
                self.confirmed = !self.local && self.target.is_some();
            } else if self.target_user.as_ref() == Some(&user) && self.target.is_some() {
                self.confirmed |= !self.local || host.is_some() && self.kind != HopKind::Shell;
            }
        }
        if self.target.is_none() {
            self.target = host;
        }
        for (known, seen) in [(&mut self.named, sight.named), (&mut self.titled, sight.titled)] {
            *known = if seen.conflicts(known) { seen } else { seen.or(known) };
        }
        self.looks.retain(|known| known.text != sight.look.text);
        if self.looks.len() == MAX_LOOKS {
            self.looks.remove(0);
        }
        self.looks.push(sight.look.clone());
    }
}
