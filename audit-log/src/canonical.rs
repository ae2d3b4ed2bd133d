//! The one way in which a JSON value is written (RFC 8785), straight from what is to be written.
//!
//! An object's properties come in any order, and leave in that of their names. Until its end they stand one behind the
//! other in the one buffer that there is.
//!
//! *Not here*: what is hashed of it ([`chain`](crate::chain)).

use std::cmp::Ordering;
use std::io::{self, Write};
use std::ops::Range;

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

/// Up to here each whole number is one that JSON's numbers can say.
const WHOLE: u64 = 1 << 53;

/// What most events take.
const USUAL: usize = 1024;

/// Canonical JSON.
///
/// # Errors
/// A number in it is none, or two properties of an object have the same name.
pub(crate) fn to_vec<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut canonical = Canonical { written: Vec::with_capacity(USUAL), ..Canonical::default() };
    value.serialize(&mut Serializer::with_formatter(io::sink(), &mut canonical))?;
    Ok(canonical.written)
}

/// Keeps all that is written, because an object can be put in order only at its end.
#[derive(Default)]
struct Canonical {
    written: Vec<u8>,
    /// Of all objects that have begun.
    properties: Vec<Property>,
    /// Of each object that has begun, where, and its first property.
    objects: Vec<(usize, usize)>,
    /// An object in order, before it takes the place of the one that was written.
    ordered: Vec<u8>,
}

/// Where the name and the value of a property were written.
struct Property {
    name: Range<usize>,
    value: Range<usize>,
    /// The name is in the order of its bytes.
    is_plain: bool,
}

impl Canonical {
    fn write(&mut self, bytes: &[u8]) {
        self.written.extend_from_slice(bytes);
    }

    fn whole(&mut self, number: u64, is_negative: bool) -> io::Result<()> {
        if number <= WHOLE {
            return write!(self.written, "{}{number}", if is_negative { "-" } else { "" });
        }
        self.float(number as f64 * if is_negative { -1.0 } else { 1.0 })
    }

    fn float(&mut self, number: f64) -> io::Result<()> {
        if !number.is_finite() {
            return Err(invalid("a number is none"));
        }
        // As JavaScript does.
        let mut digits = ryu_js::Buffer::new();
        self.write(digits.format_finite(number).as_bytes());
        Ok(())
    }
}

/// The order of names: that of their UTF-16.
fn order(written: &[u8], one: &Property, other: &Property) -> Ordering {
    let name = |property: &Property| &written[property.name.clone()];
    if let ([_, plain @ .., _], [_, other_plain @ .., _]) = (name(one), name(other))
        && one.is_plain
        && other.is_plain
    {
        return plain.cmp(other_plain);
    }
    let units = |property: &Property| -> Vec<u16> {
        serde_json::from_slice::<String>(name(property)).unwrap_or_default().encode_utf16().collect()
    };
    units(one).cmp(&units(other))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Formatter for &mut Canonical {
    fn write_null<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.write(b"null");
        Ok(())
    }

    fn write_bool<W: Write + ?Sized>(&mut self, _: &mut W, value: bool) -> io::Result<()> {
        self.write(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn write_i8<W: Write + ?Sized>(&mut self, _: &mut W, number: i8) -> io::Result<()> {
        self.whole(i64::from(number).unsigned_abs(), number < 0)
    }

    fn write_i16<W: Write + ?Sized>(&mut self, _: &mut W, number: i16) -> io::Result<()> {
        self.whole(i64::from(number).unsigned_abs(), number < 0)
    }

    fn write_i32<W: Write + ?Sized>(&mut self, _: &mut W, number: i32) -> io::Result<()> {
        self.whole(i64::from(number).unsigned_abs(), number < 0)
    }

    fn write_i64<W: Write + ?Sized>(&mut self, _: &mut W, number: i64) -> io::Result<()> {
        self.whole(number.unsigned_abs(), number < 0)
    }

    fn write_u8<W: Write + ?Sized>(&mut self, _: &mut W, number: u8) -> io::Result<()> {
        self.whole(number.into(), false)
    }

    fn write_u16<W: Write + ?Sized>(&mut self, _: &mut W, number: u16) -> io::Result<()> {
        self.whole(number.into(), false)
    }

    fn write_u32<W: Write + ?Sized>(&mut self, _: &mut W, number: u32) -> io::Result<()> {
        self.whole(number.into(), false)
    }

    fn write_u64<W: Write + ?Sized>(&mut self, _: &mut W, number: u64) -> io::Result<()> {
        self.whole(number, false)
    }

    fn write_i128<W: Write + ?Sized>(&mut self, _: &mut W, number: i128) -> io::Result<()> {
        self.float(number as f64)
    }

    fn write_u128<W: Write + ?Sized>(&mut self, _: &mut W, number: u128) -> io::Result<()> {
        self.float(number as f64)
    }

    fn write_f32<W: Write + ?Sized>(&mut self, _: &mut W, number: f32) -> io::Result<()> {
        self.float(number.into())
    }

    fn write_f64<W: Write + ?Sized>(&mut self, _: &mut W, number: f64) -> io::Result<()> {
        self.float(number)
    }

    fn write_number_str<W: Write + ?Sized>(&mut self, _: &mut W, number: &str) -> io::Result<()> {
        self.float(number.parse().map_err(|_| invalid("a number is none"))?)
    }

    fn begin_string<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.write(b"\"");
        Ok(())
    }

    fn end_string<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.write(b"\"");
        Ok(())
    }

    fn write_string_fragment<W: Write + ?Sized>(&mut self, _: &mut W, text: &str) -> io::Result<()> {
        self.write(text.as_bytes());
        Ok(())
    }

    fn write_char_escape<W: Write + ?Sized>(&mut self, _: &mut W, escape: CharEscape) -> io::Result<()> {
        match escape {
            CharEscape::Quote => self.write(b"\\\""),
            CharEscape::ReverseSolidus => self.write(b"\\\\"),
            CharEscape::Solidus => self.write(b"/"),
            CharEscape::Backspace => self.write(b"\\b"),
            CharEscape::FormFeed => self.write(b"\\f"),
            CharEscape::LineFeed => self.write(b"\\n"),
            CharEscape::CarriageReturn => self.write(b"\\r"),
            CharEscape::Tab => self.write(b"\\t"),
            CharEscape::AsciiControl(byte) => write!(self.written, "\\u{byte:04x}")?,
        }
        Ok(())
    }

    fn begin_array<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.write(b"[");
        Ok(())
    }

    fn end_array<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.write(b"]");
        Ok(())
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, _: &mut W, first: bool) -> io::Result<()> {
        if !first {
            self.write(b",");
        }
        Ok(())
    }

    fn begin_object<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.objects.push((self.written.len(), self.properties.len()));
        Ok(())
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, _: &mut W, _: bool) -> io::Result<()> {
        let here = self.written.len();
        self.properties.push(Property { name: here..here, value: here..here, is_plain: false });
        Ok(())
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        let here = self.written.len();
        // The last one that has begun is that of the innermost object: those within its value are gone by its end.
        if let Some(property) = self.properties.last_mut() {
            property.name.end = here;
            let name = &self.written[property.name.clone()];
            property.is_plain = name.iter().all(|byte| byte.is_ascii() && *byte != b'\\');
            property.value = here..here;
        }
        Ok(())
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        if let Some(property) = self.properties.last_mut() {
            property.value.end = self.written.len();
        }
        Ok(())
    }

    fn end_object<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        let Canonical { written, properties, objects, ordered } = &mut **self;
        let (start, first) = objects.pop().ok_or_else(|| invalid("an object ends that has not begun"))?;
        let own = &mut properties[first..];
        own.sort_unstable_by(|one, other| order(written, one, other));
        if own.windows(2).any(|two| order(written, &two[0], &two[1]).is_eq()) {
            return Err(invalid("two properties have the same name"));
        }
        ordered.clear();
        ordered.push(b'{');
        for (index, property) in own.iter().enumerate() {
            if index > 0 {
                ordered.push(b',');
            }
            ordered.extend_from_slice(&written[property.name.clone()]);
            ordered.push(b':');
            ordered.extend_from_slice(&written[property.value.clone()]);
        }
        ordered.push(b'}');
        written.truncate(start);
        written.extend_from_slice(ordered);
        properties.truncate(first);
        Ok(())
    }

    fn write_raw_fragment<W: Write + ?Sized>(&mut self, _: &mut W, _: &str) -> io::Result<()> {
        Err(invalid("what is written already may not be canonical"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Any JSON, with many a name that is there twice, or is in order only by its UTF-16.
    fn any_json() -> impl Strategy<Value = Value> {
        let name = prop_oneof![
            "[ab]{0,3}",
            "\\PC{0,2}",
            any::<String>(),
            Just("\u{ffff}".to_owned()),
            Just("\u{10000}".to_owned())
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i16>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((name.clone(), inner), 0..9)
                    .prop_map(|properties| Value::Object(properties.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_what_others_write(json in any_json()) {
            let (ours, theirs) = (to_vec(&json).unwrap(), serde_json_canonicalizer::to_vec(&json).unwrap());
            prop_assert_eq!(String::from_utf8(ours).unwrap(), String::from_utf8(theirs).unwrap());
        }
    }

    #[test]
    fn names_are_in_order_and_numbers_as_they_are_in_javascript() {
        let json = json!({
            "\u{fb33}": 1, "\u{1f600}": 2, "\r": 3, "1": 4, "\u{80}": 5, "b": {"z": [], "y": {}},
            "n": [1e21, 1e-7, -0.0, 333_333_333.333_333_3, 9_007_199_254_740_993_i64, -5, u64::MAX]
        });
        let expected = "{\"\\r\":3,\"1\":4,\"b\":{\"y\":{},\"z\":[]},\
            \"n\":[1e+21,1e-7,0,333333333.3333333,9007199254740992,-5,18446744073709552000],\
            \"\u{80}\":5,\"\u{1f600}\":2,\"\u{fb33}\":1}";
        assert_eq!(String::from_utf8(to_vec(&json).unwrap()).unwrap(), expected);
    }

    #[test]
    fn a_name_that_is_there_twice_is_refused() {
        #[derive(Serialize)]
        struct Twice {
            name: u8,
            #[serde(flatten)]
            rest: std::collections::BTreeMap<&'static str, u8>,
        }
        let twice = |other| Twice { name: 1, rest: [(other, 2)].into() };
        assert!(to_vec(&twice("name")).is_err());
        assert_eq!(to_vec(&twice("age")).unwrap(), br#"{"age":2,"name":1}"#);
    }
}
