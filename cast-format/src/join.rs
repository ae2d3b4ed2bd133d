//! Joins recordings: one goes on where the one before it ends.

use crate::event::{Code, Event, Size, own};
use crate::header::Header;
use crate::time::Micros;

/// Moves the events of recordings that follow each other onto one time line.
#[derive(Debug, Default)]
pub struct Joiner {
    offset: Micros,
    last: Micros,
    size: Option<Size>,
}

impl Joiner {
    /// Begins the next recording. Gives what must stand between it and the one before: the new
    /// size, and whose session it is.
    pub fn begin(&mut self, header: &Header) -> Vec<Event<'static>> {
        let mut between = Vec::new();
        self.offset = self.last;
        if let Some(size) = self.size {
            if let Some(facts) = header.facts() {
                between.push(Event::own(self.last, own::SESSION, &facts.to_value().to_string()));
            }
            if size != header.size {
                between.push(Event::new(self.last, Code::Resize, &header.size.to_string()));
            }
        }
        self.size = Some(header.size);
        between
    }

    /// Moves an event of the recording that was begun last.
    pub fn event<'a>(&mut self, event: Event<'a>) -> Event<'a> {
        let time = event.time.plus(self.offset);
        self.last = self.last.max(time);
        self.size = event.size().or(self.size);
        Event { time, ..event }
    }
}

#[cfg(test)]
mod tests {
    use super::Joiner;
    use crate::{Code, Event, Header, Micros, Size};

    #[test]
    fn times_go_on_and_a_new_size_is_said() {
        let mut joiner = Joiner::default();
        assert_eq!(joiner.begin(&Header::new(Size { cols: 80, rows: 24 })), []);
        let first = joiner.event(Event::new(Micros(5), Code::Output, "a"));
        let second = Header::new(Size { cols: 100, rows: 24 });
        let between = joiner.begin(&second);
        let last = joiner.event(Event::new(Micros(2), Code::Output, "b"));
        assert_eq!((first.time, last.time), (Micros(5), Micros(7)));
        assert_eq!(between, [Event::new(Micros(5), Code::Resize, "100x24")]);
        assert_eq!(joiner.begin(&second), []);
    }
}
