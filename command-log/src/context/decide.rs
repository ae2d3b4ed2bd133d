//! The decision at a prompt: has the pending hop come about, has a shell ended, or neither?

use super::frame::{Frame, Likeness, Sight};
use super::hop::{Change, Hop, HopKind};
use super::look::{Identity, Look, Sign, same_host};
use super::since::{Foreground, Ran, Since};
use super::{Contexts, MAX_DEPTH};

/// How a prompt differs from those of the shell that we were in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    /// It names somebody else.
    Identity,
    /// It names the same user and host.
    SameIdentity,
    /// `$` became `#`.
    Rootward,
    /// `#` became `$`.
    Personward,
    /// It looks the same.
    SameLook,
    /// It looks different.
    Look,
}

impl Contexts {
    pub(super) fn decide(&mut self, look: &Look, mut since: Since) {
        let sight = Sight {
            look,
            named: std::mem::take(&mut since.explicit).or(&look.identity),
            titled: std::mem::take(&mut since.titled),
        };
        self.declined = None;
        match since.hop.take() {
            Some(hop) if self.came_about(&hop, &sight, &since) => self.push_hop(&hop, &sight, &since),
            hop => {
                let keep = self.settle(&sight, &since);
                let stays = keep == self.frames.len();
                self.frames.truncate(keep.max(1));
                if stays && hop.is_none() && self.is_strange(&sight, &since) {
                    self.push_strange(&sight);
                }
                self.declined = hop;
            }
        }
        if let Some(Foreground::Shell { user: Some(user) }) = &since.foreground {
            let first = self.frames.len() == 1;
            let top = self.top_mut();
            if top.local && !first && !matches!(top.kind, HopKind::Multiplexer) {
                top.target_user = Some(user.clone());
                top.user_known = true;
                top.confirmed = true;
            }
        }
        self.top_mut().learn(sight);
    }

    /// Whether the pending hop has led to this prompt.
    fn came_about(&self, hop: &Hop, sight: &Sight<'_>, since: &Since) -> bool {
        let top = self.top();
        if let Some(proven) = self.proven(hop, since) {
            return proven;
        }
        if since.context.is_some() && !since.failed {
            return true;
        }
        if hop.replaces && hop.kind == HopKind::Shell {
            return !since.failed;
        }
        let plain = matches!(hop.kind, HopKind::Shell | HopKind::Multiplexer);
        match self.difference(sight) {
            Difference::Identity if since.failed => expected(hop, &sight.named),
            Difference::Identity => {
                // Somebody further down may be back because the connection broke meanwhile.
                let back = since.closed || since.ended.is_some();
                !(back && self.ancestor(sight, Likeness::Identity).is_some())
            }
            Difference::Rootward if since.failed => is_root(&hop.target_user),
            Difference::Rootward => plain || !hop.perhaps,
            Difference::Personward => !since.failed,
            Difference::Look => !since.failed,
            _ if since.failed => false,
            _ if plain => true,
            _ if hop.perhaps => since.welcomed,
            Difference::SameIdentity => {
                since.welcomed && hop.kind == HopKind::Host
                    || self.leads_here(hop)
                    || hop.kind >= HopKind::Inside && since.ran != Ran::Prompt && moved(top, sight.look)
            }
            Difference::SameLook => match sight.look.sign {
                // Custom would have shown it.
                Sign::Person => !is_root(&hop.target_user) || since.welcomed,
                Sign::Root => !is_person(&hop.target_user) || self.leads_here(hop),
                Sign::Other => true,
            },
        }
    }

    /// What the kernel says about the pending hop, if it says anything.
    fn proven(&self, hop: &Hop, since: &Since) -> Option<bool> {
        let top = self.top();
        if !top.local {
            return None;
        }
        match since.foreground.as_ref()? {
            // Its program holds the terminal while a prompt stands there; after a failure this may be old news.
            Foreground::Hop(_) if !since.failed => Some(true),
            Foreground::Hop(_) | Foreground::Other => None,
            Foreground::Shell { user } => {
                let other = user.is_some() && top.target_user.is_some() && *user != top.target_user;
                match hop.is_local() {
                    true if other => Some(true),
                    // It was there and is gone, and we are who we were.
                    true if since.hop_seen && user.is_some() => match &hop.target_user {
                        Change::Named(name) => (top.target_user.as_ref() != Some(name)).then_some(false),
                        Change::Same | Change::Presumed(_) | Change::SameName | Change::Unknown => None,
                    },
                    false if since.hop_seen => Some(false),
                    _ => None,
                }
            }
        }
    }

    fn difference(&self, sight: &Sight<'_>) -> Difference {
        let top = self.top();
        let known = top.named.clone().or(&top.titled);
        if sight.named.conflicts(&known) || sight.titled.conflicts(&top.titled.clone().or(&top.named)) {
            return Difference::Identity;
        }
        // A title may have been set by the shell that we left, so that it does not prove that we stayed.
        if sight.named.user.is_some() && sight.named.agrees(&known) && known.user.is_some() {
            return Difference::SameIdentity;
        }
        match (top.sign(), sight.look.sign) {
            (Some(Sign::Person), Sign::Root) => return Difference::Rootward,
            (Some(Sign::Root), Sign::Person) => return Difference::Personward,
            _ => {}
        }
        if top.likeness(sight) >= Likeness::Template { Difference::SameLook } else { Difference::Look }
    }

    /// Whether a hop leads to where we are already, so that its prompt looks like ours.
    fn leads_here(&self, hop: &Hop) -> bool {
        let top = self.top();
        let user = match &hop.target_user {
            Change::Same | Change::SameName | Change::Unknown => true,
            Change::Named(name) | Change::Presumed(name) => {
                Some(name) == top.target_user.as_ref() || Some(name) == top.named.user.as_ref()
            }
        };
        let target = match &hop.target {
            Change::Same => true,
            Change::Named(name) | Change::Presumed(name) => {
                is_loopback(name)
                    || [&top.target, &top.named.host].into_iter().flatten().any(|host| same_host(host, name))
            }
            Change::SameName | Change::Unknown => false,
        };
        user && target
    }

    /// The nearest frame below the top that the prompt is at least so much like.
    fn ancestor(&self, sight: &Sight<'_>, likeness: Likeness) -> Option<usize> {
        let below = &self.frames[..self.frames.len() - 1];
        below.iter().rposition(|frame| frame.likeness(sight) >= likeness)
    }

    /// How many frames are still there.
    fn settle(&self, sight: &Sight<'_>, since: &Since) -> usize {
        let count = self.frames.len();
        if count == 1 {
            return 1;
        }
        if let Some(ended) = since.ended {
            return ended.clamp(1, count);
        }
        if let Some(Foreground::Shell { user }) = &since.foreground {
            // A shell of our own host holds the terminal, so that no other host is in between.
            let local = self.frames.iter().rposition(|frame| frame.local).unwrap_or(0);
            let same = |frame: &Frame| user.is_none() || frame.target_user == *user;
            if local + 1 < count {
                let found = self.frames[..=local].iter().rposition(|frame| frame.local && same(frame));
                return found.unwrap_or(local) + 1;
            }
            if !same(self.top())
                && let Some(at) = self.frames.iter().rposition(|frame| frame.local && same(frame))
            {
                return at + 1;
            }
        }
        let own = self.top().likeness(sight);
        let parent = self.frames[count - 2].likeness(sight);
        let said = since.left || since.closed || since.end_of_input;
        if !since.stays && (said || since.ran == Ran::Exit) {
            if parent < Likeness::Identity
                && let Some(at) = self.ancestor(sight, Likeness::Identity)
            {
                return at + 1;
            }
            if parent == Likeness::Conflict && own != Likeness::Conflict {
                return count;
            }
            if !said && own >= Likeness::Template && parent <= Likeness::Skeleton {
                return count;
            }
            let further = usize::from(self.top().then_exits);
            return count.saturating_sub(1 + further).max(1);
        }
        let needed = if own == Likeness::Conflict {
            Likeness::Identity
        } else if own == Likeness::None && since.ran != Ran::Prompt {
            Likeness::Exact
        } else {
            return count;
        };
        self.ancestor(sight, needed).map_or(count, |at| at + 1)
    }

    /// Whether a prompt names another place although no hop that we know was asked for: an alias, a script.
    fn is_strange(&self, sight: &Sight<'_>, since: &Since) -> bool {
        let top = self.top();
        if since.ran != Ran::Command
            || since.failed
            || matches!(since.foreground, Some(Foreground::Shell { .. }))
        {
            return false;
        }
        let Identity { user: Some(user), host: Some(host) } = &sight.named else { return false };
        let likeness = top.likeness(sight);
        let first_named = likeness == Likeness::None && top.named.is_empty() && !top.looks.is_empty();
        let elsewhere = || {
            top.target_user.as_ref() != Some(user)
                || top.target.as_ref().is_none_or(|target| !same_host(target, host))
        };
        likeness == Likeness::Conflict || first_named && elsewhere()
    }

    fn push_strange(&mut self, sight: &Sight<'_>) {
        let top = self.top();
        let host = sight.named.host.clone();
        let moved = match (&top.named.host, &host) {
            (Some(here), Some(there)) => !same_host(here, there),
            (None, _) => true,
            _ => false,
        };
        let kind = if moved { HopKind::Host } else { HopKind::User };
        let target = if moved { host } else { top.target.clone() };
        let local = top.local && !moved;
        let frame = Frame::at(kind, target, sight.named.user.clone());
        // One prompt is not much to go by; what it says is not confirmed.
        self.push(Frame { local, user_known: true, ..frame });
    }

    pub(super) fn push_hop(&mut self, hop: &Hop, sight: &Sight<'_>, since: &Since) {
        let top = self.top();
        let seen = if sight.named.is_empty() && sight.titled.conflicts(&top.titled.clone().or(&top.named)) {
            &sight.titled
        } else {
            &sight.named
        };
        let elsewhere = seen.conflicts(&top.named.clone().or(&top.titled));
        let root = sight.look.sign == Sign::Root;
        let there = seen.host.clone().filter(|_| elsewhere || top.named.host.is_none());
        let target = match &hop.target {
            Change::Same | Change::SameName => top.target.clone(),
            Change::Named(name) => Some(name.clone()),
            Change::Presumed(name) => Some(there.unwrap_or_else(|| name.clone())),
            Change::Unknown => there.or(if hop.kind == HopKind::Inside { top.target.clone() } else { None }),
        };
        let (user, known) = match (&hop.target_user, &seen.user) {
            (Change::Same, Some(user)) if elsewhere => (Some(user.clone()), true),
            (Change::Same, _) => (top.target_user.clone(), top.user_known),
            (_, Some(user)) => (Some(user.clone()), true),
            (Change::Named(name), None) => (Some(name.clone()), true),
            (_, None) if root => (Some("root".into()), true),
            (Change::Presumed(name), None) => (Some(name.clone()), false),
            (Change::SameName, None) => (top.target_user.clone(), false),
            (Change::Unknown, None) => (None, false),
        };
        // Custom would show root.
        let user = user.filter(|user| known || user != "root" || sight.look.sign != Sign::Person);
        let mentioned = |name: &str| !name.is_empty() && sight.look.text.contains(name);
        let running = matches!(since.foreground, Some(Foreground::Hop(_))) && top.local;
        let user_seen = match (&hop.target_user, &user) {
            (Change::Same, _) => top.confirmed,
            // Whoever opened the context, or the program that holds the terminal, says so.
            (Change::Named(name), Some(user)) if name == user && (running || since.context.is_some()) => true,
            (_, Some(user)) => {
                seen.user.is_some()
                    || root && user == "root" && top.sign() != Some(Sign::Root)
                    || mentioned(user)
            }
            (_, None) => false,
        };
        let target_seen = hop.target == Change::Same && top.confirmed
            || since.welcomed
            || running
            || hop.target != Change::Same && since.context.is_some()
            || elsewhere && seen.host.is_some()
            || target.as_deref().is_some_and(mentioned);
        let frame = Frame {
            local: top.local && hop.is_local(),
            user_known: known,
            confirmed: user_seen && target_seen,
            context: since.context.clone(),
            then_exits: since.ran == Ran::Exit,
            ..Frame::at(hop.kind, target, user)
        };
        if hop.replaces {
            self.replace(frame);
        } else {
            self.push(frame);
        }
    }

    fn push(&mut self, frame: Frame) {
        if self.frames.len() == MAX_DEPTH {
            self.frames.remove(1);
        }
        self.frames.push(frame);
    }

    /// `exec`: another shell in the place of this one.
    fn replace(&mut self, frame: Frame) {
        let top = self.top_mut();
        let kind = frame.kind.max(top.kind);
        let confirmed = if frame.kind == HopKind::Shell { top.confirmed } else { frame.confirmed };
        *top = Frame { kind, confirmed, ..frame };
    }

    /// A process fact that comes when the prompt stands already.
    pub(super) fn late_fact(&mut self, foreground: Foreground) {
        let count = self.frames.len();
        match foreground {
            Foreground::Shell { user } => {
                if !self.top().local {
                    let local = self.frames.iter().rposition(|frame| frame.local).unwrap_or(0);
                    self.frames.truncate(local + 1);
                }
                let Some(user) = user else { return };
                if self.top().target_user.as_ref() == Some(&user) {
                    self.top_mut().confirmed |= self.top().target.is_some();
                } else if let Some(hop) = self.declined.take_if(|hop| hop.is_local()) {
                    self.push_late(&hop, Some(user));
                } else if let Some(at) = self.frames[..count.min(self.frames.len()) - 1]
                    .iter()
                    .rposition(|frame| frame.local && frame.target_user.as_ref() == Some(&user))
                {
                    self.frames.truncate(at + 1);
                } else if self.frames.len() > 1 || self.top().target_user.is_none() {
                    let top = self.top_mut();
                    top.target_user = Some(user);
                    top.user_known = true;
                    top.confirmed = top.target.is_some();
                }
            }
            Foreground::Hop(_) if self.top().local => {
                if let Some(hop) = self.declined.take() {
                    self.push_late(&hop, None);
                }
            }
            Foreground::Hop(_) | Foreground::Other => {}
        }
    }

    /// The prompt that stands is that of the hop which we had not believed in.
    fn push_late(&mut self, hop: &Hop, user: Option<String>) {
        let Some(look) = self.top().looks.last().cloned() else { return };
        let named = look.identity.clone();
        let sight = Sight { look: &look, named, titled: Identity::default() };
        let since = Since { foreground: Some(Foreground::Hop(hop.clone())), ..Since::default() };
        self.top_mut().looks.pop();
        self.push_hop(hop, &sight, &since);
        let top = self.top_mut();
        if user.is_some() {
            top.target_user = user;
            top.user_known = true;
            top.confirmed = true;
        }
        top.learn(sight);
    }
}

/// Whether whom a prompt names is whom the hop leads to.
fn expected(hop: &Hop, named: &Identity) -> bool {
    let user = matches!((&hop.target_user, &named.user), (Change::Named(asked), Some(user)) if asked == user);
    let host =
        matches!((&hop.target, &named.host), (Change::Named(asked), Some(host)) if same_host(asked, host));
    user || host
}

fn is_root(change: &Change) -> bool {
    matches!(change, Change::Named(name) if name == "root")
}

fn is_person(change: &Change) -> bool {
    matches!(change, Change::Named(name) if name != "root")
}

fn is_loopback(name: &str) -> bool {
    matches!(name, "localhost" | "::1" | "ip6-localhost") || name.starts_with("127.")
}

/// Whether the prompt differs in more than digits from the last one: another directory, say.
fn moved(frame: &Frame, look: &Look) -> bool {
    let letters = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    frame.looks.last().is_some_and(|last| letters(&last.text) != letters(&look.text))
}
