//! The wire format of protocol buffers, read in place. A message becomes a walk over its fields, so
//! that how much is kept is decided, and limited, by who reads it.

use crate::import::ImportError;

/// The value of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field<'a> {
    /// An integer of variable length.
    Varint(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// Bytes, a text, a message or packed numbers.
    Bytes(&'a [u8]),
    /// Four bytes.
    Fixed32(u32),
}

/// A walk over the fields of one message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

pub(super) fn cut_off() -> ImportError {
    ImportError::Syntax { what: "the ONNX model", reason: "it is cut off or no protocol buffer".to_owned() }
}

impl<'a> Fields<'a> {
    /// A number of seven bits a byte.
    fn varint(&mut self) -> Result<u64, ImportError> {
        let mut value = 0u64;
        for index in 0..10 {
            let (first, rest) = self.0.split_first().ok_or_else(cut_off)?;
            self.0 = rest;
            value |= u64::from(first & 0x7f) << (7 * index);
            if first & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(cut_off())
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], ImportError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(cut_off)?;
        self.0 = rest;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], ImportError> {
        self.take(N)?.try_into().map_err(|_| cut_off())
    }

    /// The number and value of the next field; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Field<'a>)>, ImportError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| cut_off())?;
        let value = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.fixed()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| cut_off())?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.fixed()?)),
            _ => return Err(cut_off()),
        };
        Ok(Some((number, value)))
    }
}

/// A text of a field.
pub(super) fn text(field: Field) -> Result<String, ImportError> {
    let Field::Bytes(bytes) = field else { return Err(cut_off()) };
    String::from_utf8(bytes.to_vec()).map_err(|_| cut_off())
}

/// Adds integers that are repeated, packed or one by one.
pub(super) fn integers(field: Field, into: &mut Vec<i64>) -> Result<(), ImportError> {
    match field {
        Field::Varint(value) => into.push(value.cast_signed()),
        Field::Bytes(bytes) => {
            let mut packed = Fields(bytes);
            while !packed.0.is_empty() {
                into.push(packed.varint()?.cast_signed());
            }
        }
        Field::Fixed32(_) | Field::Fixed64(_) => return Err(cut_off()),
    }
    Ok(())
}

/// Adds 32-bit numbers that are repeated, packed or one by one.
pub(super) fn floats(field: Field, into: &mut Vec<f64>) -> Result<(), ImportError> {
    match field {
        Field::Fixed32(bits) => into.push(f64::from(f32::from_bits(bits))),
        Field::Bytes(bytes) if bytes.len() % 4 == 0 => {
            into.extend(
                bytes.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
            );
        }
        _ => return Err(cut_off()),
    }
    Ok(())
}

/// Adds 64-bit numbers that are repeated, packed or one by one.
pub(super) fn doubles(field: Field, into: &mut Vec<f64>) -> Result<(), ImportError> {
    match field {
        Field::Fixed64(bits) => into.push(f64::from_bits(bits)),
        Field::Bytes(bytes) if bytes.len() % 8 == 0 => {
            let eight = |b: &[u8]| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]);
            into.extend(bytes.chunks_exact(8).map(eight));
        }
        _ => return Err(cut_off()),
    }
    Ok(())
}
