//! Characters that are drawn rather than written: lines, blocks and wedges have to meet those in the next cell, and no
//! font of a browser can be relied on for that.
//!
//! Pure geometry, in quarters of a pixel, so that eighths of a cell are whole numbers.

/// Width and height of a cell.
pub(crate) const WIDTH: u32 = 40;
pub(crate) const HEIGHT: u32 = 80;

/// Where lines cross: the middle of a pixel near the middle of the cell, so that thin lines are sharp.
const CENTRE: [u32; 2] = [22, 42];

/// Half the thickness of a thin line, which is a pixel, and of a thick one.
const THIN: i32 = 2;
const THICK: i32 = 6;

/// How far each of a double line is from the middle.
const APART: i32 = 4;

/// A rectangle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// What a character is drawn as.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Blocks.
    Fill(Vec<Rect>),
    /// Lines.
    Rule(Vec<Rect>),
    /// The whole cell, in so many quarters of the colour.
    Shade(u16),
    /// An area: where it begins, and the rest of a path in pixels.
    Area(u32, u32, &'static str),
    /// The same as a thin line.
    Line(u32, u32, &'static str),
}

/// Returns what a character is drawn as, if it is drawn.
pub(crate) fn shape(character: char) -> Option<Shape> {
    let code = u32::from(character);
    Some(match code {
        0x2504 | 0x2505 => dashes(3, 1, code == 0x2505),
        0x2506 | 0x2507 => dashes(3, 0, code == 0x2507),
        0x2508 | 0x2509 => dashes(4, 1, code == 0x2509),
        0x250a | 0x250b => dashes(4, 0, code == 0x250b),
        0x254c | 0x254d => dashes(2, 1, code == 0x254d),
        0x254e | 0x254f => dashes(2, 0, code == 0x254f),
        0x256d => Shape::Line(22, 80, "v-5q0-4.5 4.5-4.5"),
        0x256e => Shape::Line(0, 42, "h1q4.5 0 4.5 4.5v5"),
        0x256f => Shape::Line(22, 0, "v6q0 4.5-4.5 4.5h-1"),
        0x2570 => Shape::Line(22, 0, "v6q0 4.5 4.5 4.5"),
        0x2571 => Shape::Line(0, 80, "l10-20"),
        0x2572 => Shape::Line(0, 0, "l10 20"),
        0x2573 => Shape::Line(0, 0, "l10 20m-10 0l10-20"),
        0x2500..=0x257f => {
            let at = usize::try_from(code - 0x2500).ok()?;
            Shape::Rule(lines(ARMS.split_ascii_whitespace().nth(at)?.as_bytes()))
        }
        0x2580..=0x259f => block(code)?,
        // What prompts are decorated with.
        0xe0b0 => Shape::Area(0, 0, "l10 10l-10 10z"),
        0xe0b1 => Shape::Line(0, 0, "l10 10l-10 10"),
        0xe0b2 => Shape::Area(40, 0, "l-10 10l10 10z"),
        0xe0b3 => Shape::Line(40, 0, "l-10 10l10 10"),
        _ => return None,
    })
}

/// For each of U+2500 to U+257F the lines that lead up, right, down and left from its middle: 1 is thin, 2 thick,
/// 3 double. Those that are not made of such have none.
const ARMS: &str = "\
     0101 0202 1010 2020 0000 0000 0000 0000 0000 0000 0000 0000 0110 0210 0120 0220 \
     0011 0012 0021 0022 1100 1200 2100 2200 1001 1002 2001 2002 1110 1210 2110 1120 \
     2120 2210 1220 2220 1011 1012 2011 1021 2021 2012 1022 2022 0111 0112 0211 0212 \
     0121 0122 0221 0222 1101 1102 1201 1202 2101 2102 2201 2202 1111 1112 1211 1212 \
     2111 1121 2121 2112 2211 1122 1221 2212 1222 2122 2221 2222 0000 0000 0000 0000 \
     0303 3030 0310 0130 0330 0013 0031 0033 1300 3100 3300 1003 3001 3003 1310 3130 \
     3330 1013 3031 3033 0313 0131 0333 1303 3101 3303 1313 3131 3333 0000 0000 0000 \
     0000 0000 0000 0000 0001 1000 0100 0010 0002 2000 0200 0020 0201 1020 0102 2010";

const THIN_ARM: u8 = b'1';
const DOUBLE_ARM: u8 = b'3';

/// Half the thickness of a line that is not double; nothing if there is none.
fn half(arm: u8) -> i32 {
    match arm {
        b'0' => 0,
        THIN_ARM => THIN,
        _ => THICK,
    }
}

/// Lines that lead from the middle to the edges.
fn lines(arms: &[u8]) -> Vec<Rect> {
    let arm = |direction: usize| arms.get(direction % 4).copied().unwrap_or(b'0');
    let mut rects = Vec::new();
    // Those from left to right first, so that a line goes on in the next cell.
    for direction in [3, 1, 0, 2] {
        let (this, opposite) = (arm(direction), arm(direction + 2));
        let sides = [arm(direction + 1), arm(direction + 3)];
        match this {
            b'0' => {}
            DOUBLE_ARM => {
                for side in [1, 3] {
                    let start = match (arm(direction + side), arm(direction + side + 2)) {
                        // To the nearer line of the pair that leads off on this side.
                        (DOUBLE_ARM, _) => APART - THIN,
                        (b'0', _) if opposite != b'0' => 0,
                        // Around the corner of the pair that leads off on the other side.
                        (b'0', DOUBLE_ARM) => -APART - THIN,
                        (b'0', other) => -half(other),
                        (crossing, _) => -half(crossing),
                    };
                    rects.push(ray(direction, start, side, APART, THIN));
                }
            }
            _ => {
                let start = match sides {
                    [DOUBLE_ARM, DOUBLE_ARM] if opposite == b'0' => APART,
                    _ if sides.contains(&DOUBLE_ARM) && opposite == b'0' => -APART - THIN,
                    _ if sides.contains(&DOUBLE_ARM) => 0,
                    [one, other] => -half(one).max(half(other)),
                };
                rects.push(ray(direction, start, 1, 0, half(this)));
            }
        }
    }
    rects
}

/// A line from `start` before or behind the middle to the edge; `aside` is how far it is from the middle towards the
/// direction that is `side` quarter turns on.
fn ray(direction: usize, start: i32, side: usize, aside: i32, half: i32) -> Rect {
    let sign = |direction: usize| if matches!(direction % 4, 1 | 2) { 1 } else { -1 };
    let [x, y] = CENTRE.map(u32::cast_signed);
    let is_vertical = direction.is_multiple_of(2);
    let (along, across) = if is_vertical { (y, x) } else { (x, y) };
    let edge = match direction % 4 {
        1 => WIDTH.cast_signed(),
        2 => HEIGHT.cast_signed(),
        _ => 0,
    };
    let from = along + start * sign(direction);
    let middle = across + aside * sign(direction + side);
    let (first, length) = (from.min(edge), from.abs_diff(edge));
    let (first, low) = (first.max(0).cast_unsigned(), (middle - half).max(0).cast_unsigned());
    let thickness = (2 * half).cast_unsigned();
    if is_vertical {
        Rect { x: low, y: first, width: thickness, height: length }
    } else {
        Rect { x: first, y: low, width: length, height: thickness }
    }
}

/// So many dashes; `along` is 1 for those from left to right.
fn dashes(count: u32, along: usize, is_thick: bool) -> Shape {
    let half = if is_thick { THICK } else { THIN }.cast_unsigned();
    let length = if along == 1 { WIDTH } else { HEIGHT };
    let gap = length / count / 3;
    let low = CENTRE[along] - half;
    let dash = |number: u32| {
        let (start, end) = (number * length / count, (number + 1) * length / count);
        let (start, extent) = (start + gap / 2, end - start - gap);
        match along {
            1 => Rect { x: start, y: low, width: extent, height: 2 * half },
            _ => Rect { x: CENTRE[0] - half, y: start, width: 2 * half, height: extent },
        }
    };
    Shape::Rule((0..count).map(dash).collect())
}

fn block(code: u32) -> Option<Shape> {
    let rect = |x, y, width, height| Shape::Fill(vec![Rect { x, y, width, height }]);
    Some(match code {
        0x2580 => rect(0, 0, WIDTH, HEIGHT / 2),
        0x2581..=0x2588 => {
            let height = (code - 0x2580) * HEIGHT / 8;
            rect(0, HEIGHT - height, WIDTH, height)
        }
        0x2589..=0x258f => rect(0, 0, (0x2590 - code) * WIDTH / 8, HEIGHT),
        0x2590 => rect(WIDTH / 2, 0, WIDTH / 2, HEIGHT),
        0x2591..=0x2593 => Shape::Shade(u16::try_from(code - 0x2590).ok()?),
        0x2594 => rect(0, 0, WIDTH, HEIGHT / 8),
        0x2595 => rect(WIDTH - WIDTH / 8, 0, WIDTH / 8, HEIGHT),
        0x2596..=0x259f => {
            /// Which quarters are full: upper left, upper right, lower left, lower right, from the highest bit.
            const QUARTERS: [u8; 10] =
                [0b0010, 0b0001, 0b1000, 0b1011, 0b1001, 0b1110, 0b1101, 0b0100, 0b0110, 0b0111];
            let full = QUARTERS.get(usize::try_from(code - 0x2596).ok()?)?;
            let (width, height) = (WIDTH / 2, HEIGHT / 2);
            let places = [(8, 0, 0), (4, width, 0), (2, 0, height), (1, width, height)];
            let of_place =
                |&(bit, x, y): &(u8, u32, u32)| (full & bit != 0).then_some(Rect { x, y, width, height });
            Shape::Fill(places.iter().filter_map(of_place).collect())
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::{HEIGHT, Shape, WIDTH, shape};

    /// Draws lines of characters as pixels; lines of pixels that are alike are shown once.
    fn raster(text: &str) -> String {
        let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
        let (cols, rows) = (lines[0].len() * 10, lines.len() * 20);
        let mut pixels = vec![vec![' '; cols]; rows];
        for (row, line) in lines.iter().enumerate() {
            for (col, &character) in line.iter().enumerate() {
                let Some(Shape::Rule(rects)) = shape(character) else {
                    panic!("{character} is no such shape")
                };
                for rect in rects {
                    assert!(
                        rect.x + rect.width <= WIDTH && rect.y + rect.height <= HEIGHT,
                        "{character} {rect:?}"
                    );
                    for y in rect.y / 4..(rect.y + rect.height).div_ceil(4) {
                        for x in rect.x / 4..(rect.x + rect.width).div_ceil(4) {
                            pixels[row * 20 + y as usize][col * 10 + x as usize] = '#';
                        }
                    }
                }
            }
        }
        let line =
            |pixels: &Vec<char>| format!("|{}", pixels.iter().collect::<String>()).trim_end().to_owned();
        let mut drawn: Vec<String> = pixels.iter().map(line).collect();
        drawn.dedup();
        drawn.join("\n")
    }

    #[track_caller]
    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&raster(text));
    }

    #[test]
    fn lines_meet_in_the_middle_and_at_the_edges() {
        check(
            "┌┬┐\n└┴┘",
            expect![[r#"
            |
            |     #####################
            |     #         #         #
            |     #####################
            |"#]],
        );
    }

    #[test]
    fn thick_lines_meet_thin_ones() {
        check(
            "┏┯┓\n┠╂┨\n┗┷┛",
            expect![[r#"
            |
            |    #######################
            |    ###        #        ###
            |    ###       ###       ###
            |    #######################
            |    ###       ###       ###
            |    ###        #        ###
            |    #######################
            |"#]],
        );
    }

    #[test]
    fn double_lines_go_around_corners() {
        check(
            "╔╦╗\n╠╬╣\n╚╩╝",
            expect![[r#"
            |
            |    #######################
            |    #                     #
            |    # ######### ######### #
            |    # #       # #       # #
            |    # ######### ######### #
            |    #                     #
            |    # ######### ######### #
            |    # #       # #       # #
            |    # ######### ######### #
            |    #                     #
            |    #######################
            |"#]],
        );
        check(
            "╒╤╕\n╞╪╡\n╘╧╛",
            expect![[r#"
            |
            |     #####################
            |     #                   #
            |     #####################
            |     #         #         #
            |     #####################
            |     #         #         #
            |     #####################
            |     #         #         #
            |     #####################
            |     #                   #
            |     #####################
            |"#]],
        );
        check(
            "╓╥╖\n╟╫╢\n╙╨╜",
            expect![[r#"
            |
            |    #######################
            |    # #       # #       # #
            |    # ################### #
            |    # #       # #       # #
            |    #######################
            |"#]],
        );
    }

    #[test]
    fn every_drawn_character_stays_in_its_cell() {
        for code in (0x2500..=0x259f).chain(0xe0b0..=0xe0b3) {
            let character = char::from_u32(code).unwrap();
            let shape = shape(character).unwrap_or_else(|| panic!("{character} is not drawn"));
            if let Shape::Fill(rects) | Shape::Rule(rects) = shape {
                assert!(!rects.is_empty(), "{character}");
                for rect in rects {
                    assert!(
                        rect.x + rect.width <= WIDTH && rect.y + rect.height <= HEIGHT,
                        "{character} {rect:?}"
                    );
                    assert!(rect.width > 0 && rect.height > 0, "{character} {rect:?}");
                }
            }
        }
        assert!(shape('a').is_none() && shape('\u{25a0}').is_none());
    }
}
