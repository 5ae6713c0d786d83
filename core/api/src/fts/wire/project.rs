//! Objects of which a caller may want some members only.

use std::fmt::Display;

use causeway_model::JsonText;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;

/// Names of the members wanted; `None` for all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Option<Vec<String>>);

impl Fields {
    /// Every member.
    pub const ALL: Self = Self(None);

    /// Reads `a,b,c`; names that nobody knows select nothing.
    pub fn parse(list: &str) -> Self {
        let names = list.split(',').map(str::trim).filter(|it| !it.is_empty());
        Self(Some(names.map(str::to_owned).collect()))
    }

    /// One member.
    pub fn one(name: &str) -> Self {
        Self(Some(vec![name.to_owned()]))
    }

    fn has(&self, name: &str) -> bool {
        match &self.0 {
            None => true,
            Some(names) => names.iter().any(|it| it == name),
        }
    }
}

/// A JSON object that is being written, without the members nobody wants.
pub(super) struct Members<'a, M> {
    map: M,
    fields: &'a Fields,
}

impl<'a, M: SerializeMap> Members<'a, M> {
    pub(super) fn begin<S>(serializer: S, fields: &'a Fields) -> Result<Self, S::Error>
    where
        S: Serializer<SerializeMap = M, Error = M::Error, Ok = M::Ok>,
    {
        let map = serializer.serialize_map(None)?;
        Ok(Self { map, fields })
    }

    pub(super) fn put(
        &mut self,
        name: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), M::Error> {
        if self.fields.has(name) {
            self.map.serialize_entry(name, value)?;
        }
        Ok(())
    }

    /// A member that is there whatever was wanted.
    pub(super) fn always(
        &mut self,
        name: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), M::Error> {
        self.map.serialize_entry(name, value)
    }

    pub(super) fn end(self) -> Result<M::Ok, M::Error> {
        self.map.end()
    }
}

/// A value shown as text, or null.
pub(super) struct Shown<T>(pub(super) T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A point in time as text, or null.
pub(super) fn shown<T: Display>(value: Option<T>) -> Option<Shown<T>> {
    value.map(Shown)
}

/// A user's own JSON, unchanged.
pub(super) fn verbatim(text: &Option<JsonText>) -> Option<&RawValue> {
    let text = text.as_ref()?;
    match serde_json::from_str(&text.0) {
        Ok(raw) => Some(raw),
        Err(error) => {
            tracing::error!(%error, "stored metadata is no JSON");
            None
        }
    }
}
