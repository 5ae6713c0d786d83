//! The outer shape of a submission: objects whose members are kept as raw text, so that nothing is
//! parsed that nobody asks for and metadata stays as it was written.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::value::{is_null, malformed, need_text};
use crate::error::ApiError;
use crate::middleware::body::{BAD_JSON, NO_OBJECT};

/// Most members an object of a request may have; the parser knows some fifty.
const MEMBERS_MAX: usize = 1000;

/// A JSON object, its members in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// A member; `None` also for an explicit null.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.0.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, raw)| *raw).filter(|raw| !is_null(raw))
    }

    /// A member under either of two names; the first one wins.
    pub(super) fn either(&self, name: &str, alias: &str) -> Option<&'a RawValue> {
        self.get(name).or_else(|| self.get(alias))
    }

    /// A string under a name.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        let text = self.get(name).map(|raw| need_text(raw, name)).transpose()?;
        Ok(text.map(Cow::into_owned))
    }

    pub(super) fn members(&self) -> &[(Cow<'a, str>, &'a RawValue)] {
        &self.0
    }

    pub(super) fn read(raw: &'a RawValue) -> Result<Self, serde_json::Error> {
        serde_json::from_str(raw.get())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for ObjectVisitor<'a> {
    type Value = Object<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a dictionary")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'a>, A::Error> {
        let mut members = Vec::new();
        while let Some(Key(name)) = map.next_key()? {
            if members.len() == MEMBERS_MAX {
                return Err(A::Error::custom("too many members in one dictionary"));
            }
            members.push((name, map.next_value()?));
        }
        Ok(Object(members))
    }
}

/// A string that is borrowed when it holds no escapes.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Key<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// A list of at most so many elements.
pub(super) fn list<'a, T: Deserialize<'a>>(
    raw: &'a RawValue,
    limit: usize,
) -> Result<Vec<T>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    Limited(limit, PhantomData).deserialize(&mut deserializer)
}

struct Limited<T>(usize, PhantomData<T>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Limited<T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Limited<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            if elements.len() == self.0 {
                return Err(A::Error::custom(format!("more than {} elements", self.0)));
            }
            elements.push(element);
        }
        Ok(elements)
    }
}

/// A body that is a JSON object.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    pub(super) files: Option<&'a RawValue>,
    pub(super) delete: Option<&'a RawValue>,
    params: Option<&'a RawValue>,
}

impl<'a> Document<'a> {
    /// Reads a body; its syntax is checked to the end.
    ///
    /// # Errors
    /// 400 for what is no JSON or no object.
    pub fn read(body: &'a [u8]) -> Result<Self, ApiError> {
        let object = read_object(body)?;
        // One client writes the names with capitals.
        Ok(Self {
            files: object.either("files", "Files"),
            delete: object.get("delete"),
            params: object.either("params", "Params"),
        })
    }

    pub(super) fn params(&self) -> Result<Object<'a>, ApiError> {
        match self.params {
            Some(raw) => Object::read(raw).map_err(|it| malformed(format!("params: {it}"))),
            None => Ok(Object::default()),
        }
    }
}

/// The members of a body.
///
/// # Errors
/// 400 for what is no JSON or no object.
pub(crate) fn read_object(body: &[u8]) -> Result<Object<'_>, ApiError> {
    let bad = || ApiError::bad_request(BAD_JSON);
    let text = std::str::from_utf8(body).map_err(|_| bad())?;
    let raw: &RawValue = serde_json::from_str(text).map_err(|_| bad())?;
    if !raw.get().starts_with('{') {
        return Err(ApiError::bad_request(NO_OBJECT));
    }
    Object::read(raw).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => malformed(error),
        _ => bad(),
    })
}
