//! Arrays as PostgreSQL sends and wants them: in binary.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// A parameter that is an array of one dimension without NULLs, in its binary form.
pub(crate) struct Array {
    bytes: Vec<u8>,
    length: i32,
}

impl Array {
    /// An empty array with room for so many bytes of elements.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), length: 0 }
    }

    /// Adds an element.
    pub(crate) fn push(&mut self, element: &[u8]) {
        // An element is a key, a number or a holder: small.
        self.bytes.extend(i32::try_from(element.len()).unwrap_or(i32::MAX).to_be_bytes());
        self.bytes.extend(element);
        self.length += 1;
    }
}

impl std::fmt::Debug for Array {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} elements]", self.length)
    }
}

impl ToSql for Array {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let element = match *ty {
            Type::BYTEA_ARRAY => Type::BYTEA,
            Type::UUID_ARRAY => Type::UUID,
            _ => Type::INT8,
        };
        let dimensions = i32::from(self.length > 0);
        out.extend(dimensions.to_be_bytes());
        out.extend(0_i32.to_be_bytes());
        out.extend(element.oid().to_be_bytes());
        if dimensions > 0 {
            out.extend(self.length.to_be_bytes());
            out.extend(1_i32.to_be_bytes());
            out.extend_from_slice(&self.bytes);
        }
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::BYTEA_ARRAY | Type::UUID_ARRAY | Type::INT8_ARRAY)
    }

    to_sql_checked!();
}

/// Takes an array off the front of bytes that `array_send` wrote; `None` if they are none of fixed-size elements.
pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<Vec<[u8; N]>> {
    let dimensions = number(bytes)?;
    let (_nulls, _type) = (number(bytes)?, number(bytes)?);
    if dimensions == 0 {
        return Some(Vec::new());
    }
    let length = usize::try_from(number(bytes)?).ok()?;
    let _lowest = number(bytes)?;
    if dimensions != 1 || length > bytes.len() / (4 + N) {
        return None;
    }
    let element = |bytes: &mut &[u8]| {
        let size = number(bytes)?;
        let (element, rest) = bytes.split_first_chunk::<N>()?;
        *bytes = rest;
        (usize::try_from(size) == Ok(N)).then_some(*element)
    };
    (0..length).map(|_| element(bytes)).collect()
}

fn number(bytes: &mut &[u8]) -> Option<i32> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(i32::from_be_bytes(*taken))
}
