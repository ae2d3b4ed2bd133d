//! A screen as a picture in one piece.
//!
//! Every cell has a place of its own, whatever font a browser finds: text comes in runs that are as long as their
//! cells, characters of which a font may make what it likes are placed one by one, and lines and blocks are drawn.
//!
//! *Invariants*: what is on a screen becomes text and numbers, never markup. There are no scripts, no links and
//! no styles in it, so it may stand within a page as it is.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::shapes::{HEIGHT, Rect, Shape, WIDTH, shape};
use super::theme::{Rgb, Theme};
use crate::line::Cell;
use crate::screen::{Screen, Style};

/// Where the text stands in its cell, and how large it is: fonts for terminals are about 0.6 of their size wide.
const BASELINE: u32 = 60;
const FONT: &str = "ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace";
const FONT_SIZE: &str = "16.5";

/// What touches has no seams.
const CRISP: &str = " shape-rendering=\"crispEdges\"";

/// Around the screen.
const MARGIN: u32 = 40;

/// More blanks than this end a run: browsers take them together, unless told otherwise in ways that not all know.
const MOST_BLANKS: u16 = 1;

/// Returns a picture of what is shown, as SVG. `title` is what programs say that it is.
#[must_use]
pub fn svg(screen: &impl Screen, theme: &Theme, title: &str) -> String {
    let size = screen.size();
    let mut picture = Picture::new(theme);
    let cursor = (!screen.is_cursor_hidden()).then(|| screen.cursor());
    for row in 0..size.rows {
        let Some(line) = screen.shown(row) else { continue };
        let cursor = cursor.filter(|cursor| cursor.row == row).map(|cursor| {
            let col = cursor.col.min(size.cols - 1);
            // The cursor is as wide as what it stands on.
            if line.drawn(col).width == 0 { col.saturating_sub(1) } else { col }
        });
        for col in 0..size.cols {
            picture.cell(row, col, line.drawn(col), cursor == Some(col));
        }
        picture.end_run();
    }
    picture.finish(size.cols.into(), size.rows.into(), title)
}

/// Areas of one colour.
#[derive(Default)]
struct Area {
    path: String,
    /// What the next rectangle may go on from.
    last: Option<Rect>,
}

impl Area {
    fn add(&mut self, rect: Rect) {
        match &mut self.last {
            Some(last) if (last.y, last.height, last.x + last.width) == (rect.y, rect.height, rect.x) => {
                last.width += rect.width;
            }
            last => {
                let before = last.replace(rect);
                before.into_iter().for_each(|rect| self.push(rect));
            }
        }
    }

    fn push(&mut self, Rect { x, y, width, height }: Rect) {
        let (x, y, width, height) = (Quarters(x), Quarters(y), Quarters(width), Quarters(height));
        put(&mut self.path, format_args!("M{x} {y}h{width}v{height}h-{width}z"));
    }
}

/// How text is drawn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Ink {
    color: Rgb,
    bold: bool,
    italic: bool,
}

/// How the characters of a run are brought into their cells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fit {
    /// All fonts for terminals have them, in one width: the run as a whole is stretched.
    Run,
    /// Each has its place.
    Each,
    /// As [`Self::Each`], in a script that browsers would write the other way.
    EachLeftToRight,
    /// It makes a run of its own, stretched to its cells.
    Alone,
}

struct Run {
    ink: Ink,
    fit: Fit,
    row: u16,
    start: u16,
    end: u16,
    /// Where each character is.
    places: Vec<u16>,
    text: String,
}

struct Picture<'a> {
    theme: &'a Theme,
    backgrounds: BTreeMap<Rgb, Area>,
    blocks: BTreeMap<Rgb, Area>,
    /// Thin as they are, they would be lost if their edges were brought to those of pixels.
    rules: BTreeMap<Rgb, Area>,
    lines: BTreeMap<Rgb, String>,
    run: Option<Run>,
    texts: String,
}

impl<'a> Picture<'a> {
    fn new(theme: &'a Theme) -> Self {
        Self {
            theme,
            backgrounds: BTreeMap::new(),
            blocks: BTreeMap::new(),
            rules: BTreeMap::new(),
            lines: BTreeMap::new(),
            run: None,
            texts: String::new(),
        }
    }

    fn cell(&mut self, row: u16, col: u16, cell: Cell<'_>, is_cursor: bool) {
        if cell.width == 0 {
            return;
        }
        let (color, background) = self.colors(cell.style, is_cursor);
        let (x, y) = (u32::from(col) * WIDTH, u32::from(row) * HEIGHT);
        let width = u32::from(cell.width) * WIDTH;
        if background != self.theme.background {
            self.backgrounds.entry(background).or_default().add(Rect { x, y, width, height: HEIGHT });
        }
        if cell.style.concealed {
            return;
        }
        // Below the text, and through it.
        for (is_on, down) in [(cell.style.underline, 68), (cell.style.strikethrough, 44)] {
            if is_on {
                self.rules.entry(color).or_default().add(Rect { x, y: y + down, width, height: 4 });
            }
        }
        let mut characters = cell.text.chars();
        match (characters.next(), characters.next()) {
            (None | Some(' ' | '\u{a0}'), None) => {}
            (Some(character), None) if let Some(shape) = shape(character) => {
                self.end_run();
                self.shape(x, y, &shape, color, background);
            }
            _ => {
                let Style { bold, italic, .. } = cell.style;
                self.text(row, col, cell, Ink { color, bold, italic });
            }
        }
    }

    /// The colours of the text and of what is behind it.
    fn colors(&self, style: Style, is_cursor: bool) -> (Rgb, Rgb) {
        let (mut color, mut background) =
            (self.theme.foreground(style.foreground), self.theme.background(style.background));
        if style.inverse {
            (color, background) = (background, color);
        }
        if style.dim {
            color = color.mix(2, 3, background);
        }
        if !is_cursor {
            (color, background)
        } else if background == self.theme.foreground {
            (self.theme.foreground, self.theme.background)
        } else {
            (self.theme.background, self.theme.foreground)
        }
    }

    fn shape(&mut self, x: u32, y: u32, shape: &Shape, color: Rgb, background: Rgb) {
        let (at_x, at_y) = (|right| Quarters(x + right), |down| Quarters(y + down));
        match *shape {
            Shape::Fill(ref rects) => {
                let area = self.blocks.entry(color).or_default();
                rects.iter().for_each(|rect| area.add(Rect { x: x + rect.x, y: y + rect.y, ..*rect }));
            }
            Shape::Rule(ref rects) => {
                let area = self.rules.entry(color).or_default();
                rects.iter().for_each(|rect| area.add(Rect { x: x + rect.x, y: y + rect.y, ..*rect }));
            }
            Shape::Shade(quarters) => {
                let area = self.blocks.entry(color.mix(quarters, 4, background)).or_default();
                area.add(Rect { x, y, width: WIDTH, height: HEIGHT });
            }
            Shape::Area(right, down, path) => {
                let area = &mut self.blocks.entry(color).or_default().path;
                put(area, format_args!("M{} {}{path}", at_x(right), at_y(down)));
            }
            Shape::Line(right, down, path) => {
                let line = self.lines.entry(color).or_default();
                put(line, format_args!("M{} {}{path}", at_x(right), at_y(down)));
            }
        }
    }

    fn text(&mut self, row: u16, col: u16, cell: Cell<'_>, ink: Ink) {
        let text: String = cell.text.chars().filter_map(written).collect();
        let fit = fit(&text, cell.width);
        let end = col + u16::from(cell.width);
        if let Some(run) = &mut self.run
            && (run.ink, run.fit) == (ink, fit)
            && (run.end == col || fit == Fit::Run && col - run.end <= MOST_BLANKS)
            && fit != Fit::Alone
        {
            run.text.extend(std::iter::repeat_n(' ', (col - run.end).into()));
            run.text.push_str(&text);
            run.places.push(col);
            run.end = end;
            return;
        }
        self.end_run();
        self.run = Some(Run { ink, fit, row, start: col, end, places: vec![col], text });
    }

    fn end_run(&mut self) {
        let Some(run) = self.run.take() else { return };
        let out = &mut self.texts;
        let x = |col: u16| Quarters(u32::from(col) * WIDTH);
        put(out, format_args!("<text x=\"{}", x(run.start)));
        if matches!(run.fit, Fit::Each | Fit::EachLeftToRight) {
            run.places[1..].iter().for_each(|&col| put(out, format_args!(" {}", x(col))));
        }
        put(out, format_args!("\" y=\"{}\"", Quarters(u32::from(run.row) * HEIGHT + BASELINE)));
        let length = x(run.end - run.start);
        match run.fit {
            Fit::Run if run.end - run.start > 1 => put(out, format_args!(" textLength=\"{length}\"")),
            Fit::Alone => {
                put(out, format_args!(" textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\""));
            }
            Fit::EachLeftToRight => out.push_str(" direction=\"ltr\" unicode-bidi=\"bidi-override\""),
            Fit::Run | Fit::Each => {}
        }
        if run.ink.color != self.theme.foreground {
            put(out, format_args!(" fill=\"{}\"", run.ink.color));
        }
        if run.ink.bold {
            out.push_str(" font-weight=\"bold\"");
        }
        if run.ink.italic {
            out.push_str(" font-style=\"italic\"");
        }
        out.push('>');
        escape(&run.text, out);
        out.push_str("</text>\n");
    }

    fn finish(self, cols: u32, rows: u32, title: &str) -> String {
        let (width, height) = (cols * WIDTH + 2 * MARGIN, rows * HEIGHT + 2 * MARGIN);
        let (width, height, margin) = (Quarters(width), Quarters(height), Quarters(MARGIN));
        let mut out = String::new();
        put(
            &mut out,
            format_args!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
                 viewBox=\"-{margin} -{margin} {width} {height}\" font-family=\"{FONT}\" \
                 font-size=\"{FONT_SIZE}\" fill=\"{}\">\n<title>",
                self.theme.foreground
            ),
        );
        escape(&title.chars().filter_map(written).collect::<String>(), &mut out);
        let background = self.theme.background;
        put(
            &mut out,
            format_args!(
                "</title>\n<rect x=\"-{margin}\" y=\"-{margin}\" width=\"{width}\" height=\"{height}\" rx=\"6\" \
                 fill=\"{background}\"/>\n"
            ),
        );
        let mut put_areas = |areas: BTreeMap<Rgb, Area>, rendering: &str| {
            for (color, mut area) in areas {
                area.last.take().into_iter().for_each(|rect| area.push(rect));
                put(&mut out, format_args!("<path fill=\"{color}\"{rendering} d=\"{}\"/>\n", area.path));
            }
        };
        put_areas(self.backgrounds, CRISP);
        put_areas(self.blocks, CRISP);
        put_areas(self.rules, "");
        for (color, path) in self.lines {
            put(&mut out, format_args!("<path fill=\"none\" stroke=\"{color}\" d=\"{path}\"/>\n"));
        }
        out.push_str(&self.texts);
        out.push_str("</svg>\n");
        out
    }
}

/// What is written for a character: nothing for those that a browser would obey, as the emulator's own screens have
/// none of them but those that turn text around.
fn written(character: char) -> Option<char> {
    match character {
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        // XML has no place for them.
        '\u{fffe}' | '\u{ffff}' => Some(char::REPLACEMENT_CHARACTER),
        _ if character.is_control() => None,
        _ => Some(character),
    }
}

fn fit(text: &str, width: u8) -> Fit {
    let mut characters = text.chars();
    let (Some(character), None) = (characters.next(), characters.next()) else { return Fit::Alone };
    match u32::from(character) {
        // Latin, Greek and Cyrillic letters, dashes and quotation marks.
        0x21..=0x24f | 0x370..=0x52f | 0x2010..=0x2027 if width == 1 => Fit::Run,
        0x590..=0x8ff | 0xfb1d..=0xfdff | 0xfe70..=0xfeff => Fit::EachLeftToRight,
        // It counts as two where places are counted.
        0x1_0000.. => Fit::Alone,
        _ => Fit::Each,
    }
}

/// A length in quarters of a pixel, written in pixels.
struct Quarters(u32);

impl std::fmt::Display for Quarters {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{}{}",
            self.0 / 4,
            ["", ".25", ".5", ".75"][usize::from(self.0.to_le_bytes()[0] & 3)]
        )
    }
}

fn put(out: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _infallible = out.write_fmt(what);
}

fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(character),
        }
    }
}
