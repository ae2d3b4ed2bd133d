//! When things happened in a recording that is read from its beginning to its end: what a [`Target`] needs, where there
//! is no player.

use std::collections::BTreeMap;
use std::str::FromStr;

use casemate_cast_format::{Code, Event, Micros};

use crate::target::{SeekError, Target};

/// A stretch of a recording: `5..100%`, `marker:build..`, `..1:30`.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// Its first moment.
    pub from: Target,
    /// Its last one.
    pub to: Target,
}

impl Default for Stretch {
    fn default() -> Self {
        Self { from: Target::Time(Micros(0)), to: Target::End }
    }
}

impl FromStr for Stretch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (from, to) = text
            .split_once("..")
            .ok_or_else(|| format!("`{text}` is no stretch; give FROM..TO, like 5..100%"))?;
        let mut stretch = Self::default();
        if !from.is_empty() {
            stretch.from = from.parse()?;
        }
        if !to.is_empty() {
            stretch.to = to.parse()?;
        }
        Ok(stretch)
    }
}

/// When things happened.
#[derive(Clone, Debug, Default)]
pub struct Landmarks {
    /// The last event.
    pub end: Micros,
    /// Markers, with their labels.
    pub markers: Vec<(Micros, String)>,
    events: u64,
    /// The events that somebody asks for.
    wanted: BTreeMap<u64, Micros>,
}

impl Landmarks {
    /// Begins with nothing; `targets` are those that will be asked for.
    pub fn new<'a>(targets: impl IntoIterator<Item = &'a Target>) -> Self {
        let wanted = targets.into_iter().filter_map(|target| {
            let Target::Event(number) = target else { return None };
            Some((*number, Micros(0)))
        });
        Self { wanted: wanted.collect(), ..Self::default() }
    }

    /// Notes the next event.
    pub fn note(&mut self, event: &Event<'_>) {
        self.end = event.time;
        self.events += 1;
        if let Some(time) = self.wanted.get_mut(&self.events) {
            *time = event.time;
        }
        if event.code == Code::Marker {
            self.markers.push((event.time, event.data.decode().into_owned()));
        }
    }

    /// Finds when that is; what lies behind the end is there.
    ///
    /// # Errors
    /// See [`SeekError`]. What depends on a position, or on commands, is nowhere.
    pub fn find(&self, target: &Target) -> Result<Micros, SeekError> {
        match target {
            Target::End => Ok(self.end),
            Target::Time(time) => Ok((*time).min(self.end)),
            Target::Percent(percent) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_precision_loss,
                    clippy::cast_sign_loss,
                    reason = "a part of a time is one"
                )]
                let micros = (self.end.0 as f64 * (percent / 100.0).clamp(0.0, 1.0)) as u64;
                Ok(Micros(micros).min(self.end))
            }
            Target::Marker(number) => {
                self.markers.get(*number).map(|&(time, _)| time).ok_or(SeekError::NoMarker(*number))
            }
            Target::Label(label) => {
                let find = |is_it: &dyn Fn(&str) -> bool| self.markers.iter().find(|(_, other)| is_it(other));
                let marker = find(&|other| other == label)
                    .or_else(|| find(&|other| other.starts_with(label.as_str())));
                marker.map(|&(time, _)| time).ok_or_else(|| SeekError::NoLabel(label.clone()))
            }
            Target::Event(number) if *number > self.events => Ok(self.end),
            Target::Event(number) => Ok(self.wanted.get(number).copied().unwrap_or_default()),
            Target::Command(number) => Err(SeekError::NoCommand(*number)),
            Target::NextMarker | Target::PreviousMarker => Err(SeekError::NoneThere("marker")),
            Target::NextCommand | Target::PreviousCommand => Err(SeekError::NoneThere("command")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Landmarks, SeekError, Stretch, Target};
    use casemate_cast_format::{Code, Event, Micros};

    #[test]
    fn stretches_are_open_at_both_ends() {
        let stretch: Stretch = "marker:build..".parse().unwrap();
        assert_eq!(stretch, Stretch { from: Target::Label("build".into()), to: Target::End });
        assert_eq!("..".parse(), Ok(Stretch::default()));
        assert!("5".parse::<Stretch>().is_err() && "5..x".parse::<Stretch>().is_err());
    }

    #[test]
    fn places_are_found() {
        let second = Target::Event(2);
        let mut landmarks = Landmarks::new([&second]);
        for (time, label) in [(1, "build it"), (2, "build"), (4, "3")] {
            landmarks.note(&Event::new(Micros(time * 1_000_000), Code::Marker, label));
        }
        for (text, seconds) in [
            ("0", 0),
            ("event:0", 0),
            ("event:9", 4),
            ("50%", 2),
            ("99", 4),
            ("marker:build", 2),
            ("marker:bu", 1),
            ("marker:1", 1),
            ("event:2", 2),
            ("end", 4),
        ] {
            assert_eq!(landmarks.find(&text.parse().unwrap()), Ok(Micros(seconds * 1_000_000)), "{text}");
        }
        assert_eq!(landmarks.find(&"marker:x".parse().unwrap()), Err(SeekError::NoLabel("x".into())));
        assert_eq!(landmarks.find(&"marker:4".parse().unwrap()), Err(SeekError::NoMarker(3)));
    }
}
