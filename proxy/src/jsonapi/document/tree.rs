//! Bytes → JSON, bounded in depth, with every digit kept and no name twice in one object.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};

use crate::{Error, ErrorCode, Result};

/// The name under which serde_json hands over a number with all its digits.
const NUMBER: &str = "$serde_json::private::Number";

/// Reads a body.
pub(super) fn parse(body: &[u8], depth_max: usize) -> Result<Json> {
    read(body, depth_max).map_err(|error| {
        let detail = format!("The body cannot be read as JSON: {error}.");
        Error::new(ErrorCode::MalformedJson, detail).into()
    })
}

/// Reads one JSON text.
pub(crate) fn read(text: &[u8], depth_max: usize) -> serde_json::Result<Json> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let json = Tree { depth_left: depth_max }.deserialize(&mut deserializer)?;
    deserializer.end().map(|()| json)
}

/// Reads a value of at most so many more levels.
#[derive(Clone, Copy)]
struct Tree {
    depth_left: usize,
}

impl Tree {
    fn deeper<E: serde::de::Error>(self) -> std::result::Result<Self, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left }),
            None => Err(E::custom("it is nested too deeply")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Tree {
    type Value = Json;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Json, E> {
        Ok(Json::String(value.into()))
    }

    fn visit_string<E>(self, value: String) -> std::result::Result<Json, E> {
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> std::result::Result<Json, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(value) = access.next_element_seed(inner)? {
            array.push(value);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> std::result::Result<Json, A::Error> {
        let mut next = access.next_key::<String>()?;
        if next.as_deref() == Some(NUMBER) {
            let digits: String = access.next_value()?;
            return digits.parse::<Number>().map(Json::Number).map_err(A::Error::custom);
        }
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = next {
            let value = access.next_value_seed(inner)?;
            if object.insert(name.clone(), value).is_some() {
                return Err(A::Error::custom(format!("the name {name:?} stands twice in one object")));
            }
            next = access.next_key()?;
        }
        Ok(Json::Object(object))
    }
}
