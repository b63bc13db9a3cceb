//! Scalars of the protobuf JSON mapping. `null` is the default value everywhere.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Text<'a>(pub Cow<'a, str>);
#[derive(Debug, Default, Clone, Copy)]
pub struct Flag(pub bool);
/// `int64`, `sint32`, `fixed64` ...: a number or a decimal string.
#[derive(Debug, Default, Clone, Copy)]
pub struct I64(pub i64);
#[derive(Debug, Default, Clone, Copy)]
pub struct U64(pub u64);
#[derive(Debug, Default, Clone, Copy)]
pub struct F64(pub f64);
/// An enum by number or by name; [`Enum::number`] knows the names.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Enum<'a>(Scalar<'a>);

/// Whatever scalar stands there.
#[derive(Debug, Default, Clone, PartialEq)]
enum Scalar<'a> {
    #[default]
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Cow<'a, str>),
}

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// Base64 of either alphabet, padded or not.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let standard = GeneralPurpose::new(&STANDARD, LENIENT);
    let url_safe = GeneralPurpose::new(&URL_SAFE, LENIENT);
    standard.decode(text).or_else(|_| url_safe.decode(text)).ok()
}

/// A trace or span id: hex as OTLP/JSON has it, else base64 of the right length as plain protobuf JSON would.
pub fn id(text: &str, len: usize) -> Result<Cow<'static, [u8]>, String> {
    if text.is_empty() {
        return Ok(Cow::Borrowed(&[]));
    }
    let bytes = hex(text).or_else(|| base64(text).filter(|bytes| bytes.len() == len));
    bytes.map(Cow::Owned).ok_or_else(|| "id is not hex".into())
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let digit = |byte: u8| (byte as char).to_digit(16);
    pairs.iter().map(|[high, low]| Some((digit(*high)? << 4 | digit(*low)?) as u8)).collect()
}

// === impl Enum ===

impl Enum<'_> {
    /// The number; an unknown name is 0 (unspecified). `names` are in order of their numbers.
    pub fn number(&self, names: &[&str]) -> i32 {
        match &self.0 {
            Scalar::Text(name) => match names.iter().position(|known| known == name) {
                Some(number) => number as i32,
                None => name.parse().unwrap_or(0),
            },
            Scalar::Unsigned(number) => i32::try_from(*number).unwrap_or(0),
            Scalar::Signed(number) => i32::try_from(*number).unwrap_or(0),
            Scalar::Float(number) => *number as i32,
            Scalar::Null | Scalar::Bool(_) => 0,
        }
    }
}

// === impl Scalar ===

impl<'a> Scalar<'a> {
    fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Scalar::Text(text) => Some(text),
            Scalar::Null => Some(Cow::Borrowed("")),
            _ => None,
        }
    }

    fn flag(self) -> Option<bool> {
        match self {
            Scalar::Bool(flag) => Some(flag),
            Scalar::Null => Some(false),
            Scalar::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    fn signed(self) -> Option<i64> {
        match self {
            Scalar::Null => Some(0),
            Scalar::Signed(int) => Some(int),
            Scalar::Unsigned(int) => i64::try_from(int).ok(),
            Scalar::Float(float) => whole(float, -(2f64.powi(63)), 2f64.powi(63)).map(|f| f as i64),
            Scalar::Text(text) => text.parse().ok(),
            Scalar::Bool(_) => None,
        }
    }

    fn unsigned(self) -> Option<u64> {
        match self {
            Scalar::Null => Some(0),
            Scalar::Unsigned(int) => Some(int),
            Scalar::Signed(int) => u64::try_from(int).ok(),
            Scalar::Float(float) => whole(float, 0.0, 2f64.powi(64)).map(|f| f as u64),
            Scalar::Text(text) => text.parse().ok(),
            Scalar::Bool(_) => None,
        }
    }

    fn float(self) -> Option<f64> {
        match self {
            Scalar::Null => Some(0.0),
            Scalar::Float(float) => Some(float),
            Scalar::Unsigned(int) => Some(int as f64),
            Scalar::Signed(int) => Some(int as f64),
            // Rust reads "NaN", "Infinity" and "-Infinity" as OTLP/JSON writes them
            Scalar::Text(text) => text.parse().ok(),
            Scalar::Bool(_) => None,
        }
    }
}

fn whole(float: f64, min: f64, end: f64) -> Option<f64> {
    (float.fract() == 0.0 && float >= min && float < end).then_some(float)
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a scalar")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Scalar::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Bool(value))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Scalar::Unsigned(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Signed(value))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Float(value))
            }
            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(value)))
            }
            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(value.to_owned())))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

macro_rules! from_scalar {
    ($($type:ty, $convert:ident, $expected:literal;)*) => {$(
        impl<'de: 'a, 'a> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = Scalar::deserialize(deserializer)?.$convert();
                value.map(Self).ok_or_else(|| D::Error::custom(concat!("expected ", $expected)))
            }
        }
    )*};
}

impl<'a> Scalar<'a> {
    fn any(self) -> Option<Scalar<'a>> {
        Some(self)
    }
}

from_scalar! {
    Text<'a>, text, "a string";
    Enum<'a>, any, "an enum";
}

macro_rules! from_owned_scalar {
    ($($type:ty, $convert:ident, $expected:literal;)*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = Scalar::deserialize(deserializer)?.$convert();
                value.map(Self).ok_or_else(|| D::Error::custom(concat!("expected ", $expected)))
            }
        }
    )*};
}

from_owned_scalar! {
    Flag, flag, "a boolean";
    I64, signed, "a 64-bit integer";
    U64, unsigned, "an unsigned 64-bit integer";
    F64, float, "a number";
}
