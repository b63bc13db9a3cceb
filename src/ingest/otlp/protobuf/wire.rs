//! The protobuf wire format: varints, tags, length-delimited slices, and how to skip what isn't known.
//! <https://protobuf.dev/programming-guides/encoding/>

use super::super::DecodeError;
use std::fmt;

/// A cursor over one message.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

/// One field, with its payload where it stands. Wire types that don't fit a known field are treated as unknown
/// fields, as the official parsers do.
#[derive(Debug, Clone, Copy)]
pub enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
    /// A group (deprecated since 2008), already skipped.
    Group,
}

/// What is wrong with the bytes. One byte itself: it rides in the result of every read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    Truncated,
    Varint,
    WireType,
    FieldNumber,
    Group,
    Packed,
}

/// How deep unknown groups may nest.
const MAX_GROUP_DEPTH: u32 = 100;

// === impl Reader ===

impl<'a> Reader<'a> {
    pub fn new(message: &'a [u8]) -> Self {
        Reader { rest: message }
    }

    /// The next field's number and payload; `None` at the end of the message.
    #[inline(always)]
    pub fn next(&mut self) -> Result<Option<(u32, Field<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (number, wire_type) = self.tag()?;
        let field = match wire_type {
            2 => Field::Bytes(self.bytes()?),
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            5 => Field::Fixed32(u32::from_le_bytes(self.array()?)),
            3 => {
                self.skip_group(number)?;
                Field::Group
            }
            _ => return Err(Malformed::WireType),
        };
        Ok(Some((number, field)))
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline(always)]
    fn tag(&mut self) -> Result<(u32, u8), Malformed> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| Malformed::FieldNumber)?;
        if number == 0 || number > 0x1fff_ffff {
            return Err(Malformed::FieldNumber);
        }
        Ok((number, (tag & 7) as u8))
    }

    #[inline(always)]
    pub fn varint(&mut self) -> Result<u64, Malformed> {
        match *self.rest {
            [byte, ref rest @ ..] if byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(byte))
            }
            [low, high, ref rest @ ..] if high < 0x80 => {
                self.rest = rest;
                Ok(u64::from(low & 0x7f) | u64::from(high) << 7)
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for (i, &byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                // the tenth byte has room for one bit
                if i == 9 && byte > 1 {
                    break;
                }
                self.rest = &self.rest[i + 1..];
                return Ok(value);
            }
        }
        Err(if self.rest.len() < 10 { Malformed::Truncated } else { Malformed::Varint })
    }

    #[inline(always)]
    fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.varint()?;
        let len = usize::try_from(len).map_err(|_| Malformed::Truncated)?;
        match self.rest.split_at_checked(len) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(Malformed::Truncated),
        }
    }

    #[inline(always)]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        match self.rest.split_first_chunk::<N>() {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(*bytes)
            }
            None => Err(Malformed::Truncated),
        }
    }

    /// Skips to the matching end tag, without recursion.
    fn skip_group(&mut self, number: u32) -> Result<(), Malformed> {
        let mut open = vec![number];
        while let Some(&innermost) = open.last() {
            let (number, wire_type) = self.tag()?;
            match wire_type {
                0 => drop(self.varint()?),
                1 => drop(self.array::<8>()?),
                2 => drop(self.bytes()?),
                5 => drop(self.array::<4>()?),
                3 if open.len() as u32 >= MAX_GROUP_DEPTH => {
                    return Err(Malformed::Group);
                }
                3 => open.push(number),
                4 if number == innermost => drop(open.pop()),
                _ => return Err(Malformed::Group),
            }
        }
        Ok(())
    }
}

// === impl Malformed ===

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Malformed::Truncated => "a field runs past the end",
            Malformed::Varint => "a varint of more than 64 bits",
            Malformed::WireType => "unknown wire type",
            Malformed::FieldNumber => "field number out of range",
            Malformed::Group => "mismatched or deeply nested group",
            Malformed::Packed => "packed field of odd length",
        })
    }
}

impl From<Malformed> for DecodeError {
    fn from(malformed: Malformed) -> Self {
        DecodeError::new(format!("malformed protobuf: {malformed}"))
    }
}

/// Appends a repeated `fixed64` field in either form, packed or not. `Ok(false)`: over the limit.
pub fn push_fixed64<T>(
    out: &mut Vec<T>,
    field: Field<'_>,
    max: usize,
    convert: impl Fn(u64) -> T,
) -> Result<bool, Malformed> {
    match field {
        Field::Fixed64(value) => out.push(convert(value)),
        Field::Bytes(packed) => {
            let (values, rest) = packed.as_chunks::<8>();
            if !rest.is_empty() {
                return Err(Malformed::Packed);
            }
            if out.len() + values.len() > max {
                return Ok(false);
            }
            out.extend(values.iter().map(|v| convert(u64::from_le_bytes(*v))));
        }
        _ => {}
    }
    Ok(out.len() <= max)
}

/// The same for a repeated varint field.
pub fn push_varint(out: &mut Vec<u64>, field: Field<'_>, max: usize) -> Result<bool, Malformed> {
    match field {
        Field::Varint(value) => out.push(value),
        Field::Bytes(packed) => {
            let mut reader = Reader::new(packed);
            while !reader.is_empty() {
                if out.len() >= max {
                    return Ok(false);
                }
                out.push(reader.varint()?);
            }
        }
        _ => {}
    }
    Ok(out.len() <= max)
}

/// `sint32`: zigzag.
pub fn zigzag32(value: u64) -> i32 {
    let value = value as u32;
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn varint(bytes: &[u8]) -> Result<u64, Malformed> {
        Reader::new(bytes).varint()
    }

    #[test]
    fn varints_of_every_length() {
        for value in (0..64).map(|bit| 1u64 << bit).chain([0, u64::MAX]) {
            let mut bytes = Vec::new();
            prost::encoding::encode_varint(value, &mut bytes);
            assert_eq!(varint(&bytes), Ok(value));
            assert!(varint(&bytes[..bytes.len() - 1]).is_err());
        }
        assert!(varint(&[0xff; 10]).is_err(), "more than 64 bits");
        assert!(varint(&[0x80; 11]).is_err(), "more than ten bytes");
    }

    #[test]
    fn groups_are_skipped_and_must_match() {
        // field 1: group { field 2: varint 5, group 3 {} }, then field 4: varint 7
        let message = [0x0b, 0x10, 5, 0x1b, 0x1c, 0x0c, 0x20, 7];
        let mut reader = Reader::new(&message);
        assert!(matches!(reader.next(), Ok(Some((1, Field::Group)))));
        assert!(matches!(reader.next(), Ok(Some((4, Field::Varint(7))))));
        assert!(Reader::new(&[0x0b, 0x14]).next().is_err(), "another's end");
        assert!(Reader::new(&[0x0b]).next().is_err(), "no end");
        assert!(Reader::new(&[0x0c]).next().is_err(), "no start");
        assert!(Reader::new(&[0x0b; 4096]).next().is_err(), "too deep");
    }

    #[test]
    fn zigzag() {
        for value in [0, 1, -1, i32::MAX, i32::MIN] {
            assert_eq!(zigzag32(u64::from(((value << 1) ^ (value >> 31)) as u32)), value);
        }
    }
}
