//! An operation's arguments: taken out one by one, as what the client's API wants; nothing may be left.

use std::time::Duration;

use bson::{Bson, Document};
use serde::de::DeserializeOwned;
use stator_client::options::{
    Acknowledgment, CursorType, Hint, Overrides, ReadConcern, ReadConcernLevel, ReadPreference, ReadPreferenceMode,
    TagSet, TimeoutMode, UpdateModifications, WriteConcern,
};

use crate::unified::schema::{OverridesEntity, read};
use crate::unified::stop::{Outcome, Stop};

/// The arguments that are left.
#[derive(Debug)]
pub(super) struct Arguments {
    left: Document,
}

impl Arguments {
    pub(super) fn new(arguments: &Document) -> Self {
        Self { left: arguments.clone() }
    }

    /// Takes an argument if it is there.
    pub(super) fn take<T: Argument>(&mut self, name: &str) -> Outcome<Option<T>> {
        let value = self.left.remove(name);
        Ok(value.map(|value| T::read(value).map_err(|reason| format!("argument {name}: {reason}"))).transpose()?)
    }

    /// Takes an argument that must be there.
    pub(super) fn need<T: Argument>(&mut self, name: &str) -> Outcome<T> {
        self.take(name)?.ok_or_else(|| Stop::fail(format!("argument {name} is missing")))
    }

    /// Takes a part of the schema that must be there.
    pub(super) fn part<T: DeserializeOwned>(&mut self, name: &str) -> Outcome<T> {
        let value = self.left.remove(name).ok_or_else(|| format!("argument {name} is missing"))?;
        Ok(read(&format!("argument {name}"), value)?)
    }

    /// Fails if anything is left.
    pub(super) fn end(self) -> Outcome {
        match self.left.keys().next() {
            Some(name) => Err(Stop::fail(format!("unknown argument {name}"))),
            None => Ok(()),
        }
    }
}

/// What an argument can be.
pub(super) trait Argument: Sized {
    fn read(value: Bson) -> Result<Self, String>;
}

fn unfit<T>(wanted: &str, value: &Bson) -> Result<T, String> {
    Err(format!("expected {wanted}, found {value}"))
}

impl Argument for Bson {
    fn read(value: Bson) -> Result<Self, String> {
        Ok(value)
    }
}

impl Argument for Document {
    fn read(value: Bson) -> Result<Self, String> {
        match value {
            Bson::Document(document) => Ok(document),
            other => unfit("a document", &other),
        }
    }
}

impl Argument for String {
    fn read(value: Bson) -> Result<Self, String> {
        match value {
            Bson::String(text) => Ok(text),
            other => unfit("text", &other),
        }
    }
}

impl Argument for bool {
    fn read(value: Bson) -> Result<Self, String> {
        value.as_bool().map_or_else(|| unfit("a boolean", &value), Ok)
    }
}

impl Argument for i64 {
    fn read(value: Bson) -> Result<Self, String> {
        match value {
            Bson::Int32(number) => Ok(number.into()),
            Bson::Int64(number) => Ok(number),
            other => unfit("a whole number", &other),
        }
    }
}

/// Numbers that are whole and in range.
macro_rules! whole {
    ($($number:ty)+) => {
        $(impl Argument for $number {
            fn read(value: Bson) -> Result<Self, String> {
                let number = i64::read(value)?;
                Self::try_from(number).map_err(|_| format!("{number} is out of range"))
            }
        })+
    };
}
whole!(u32 u64 usize);

/// In milliseconds.
impl Argument for Duration {
    fn read(value: Bson) -> Result<Self, String> {
        u64::read(value).map(Self::from_millis)
    }
}

impl<T: Argument> Argument for Vec<T> {
    fn read(value: Bson) -> Result<Self, String> {
        match value {
            Bson::Array(values) => values.into_iter().map(T::read).collect(),
            other => unfit("a list", &other),
        }
    }
}

impl Argument for Hint {
    fn read(value: Bson) -> Result<Self, String> {
        match value {
            Bson::Document(keys) => Ok(Self::Keys(keys)),
            Bson::String(name) => Ok(Self::Name(name)),
            other => unfit("keys or a name", &other),
        }
    }
}

impl Argument for UpdateModifications {
    fn read(value: Bson) -> Result<Self, String> {
        match value {
            Bson::Array(_) => Vec::read(value).map(Self::Pipeline),
            value => Document::read(value).map(Self::Document),
        }
    }
}

impl Argument for TimeoutMode {
    fn read(value: Bson) -> Result<Self, String> {
        match String::read(value)?.as_str() {
            "cursorLifetime" => Ok(Self::CursorLifetime),
            "iteration" => Ok(Self::Iteration),
            other => Err(format!("unknown timeout mode {other}")),
        }
    }
}

impl Argument for CursorType {
    fn read(value: Bson) -> Result<Self, String> {
        match String::read(value)?.as_str() {
            "nonTailable" => Ok(Self::NonTailable),
            "tailable" => Ok(Self::Tailable),
            "tailableAwait" => Ok(Self::TailableAwait),
            other => Err(format!("unknown cursor type {other}")),
        }
    }
}

/// A document's fields as arguments, without the reasons for which a case is skipped.
pub(super) fn fields<T>(value: Bson, read: impl FnOnce(&mut Arguments) -> Outcome<T>) -> Result<T, String> {
    let mut fields = Arguments { left: Document::read(value)? };
    let all = read(&mut fields).and_then(|value| fields.end().map(|()| value));
    all.map_err(|stop| match stop {
        Stop::Skip(reason) | Stop::Fail(reason) => reason,
    })
}

impl Argument for ReadConcern {
    fn read(value: Bson) -> Result<Self, String> {
        fields(value, |fields| {
            Ok(Self { level: fields.take::<String>("level")?.map(|name| ReadConcernLevel::from(&*name)) })
        })
    }
}

impl Argument for WriteConcern {
    fn read(value: Bson) -> Result<Self, String> {
        fields(value, |fields| {
            let w = match fields.take::<Bson>("w")? {
                Some(Bson::String(mode)) => Some(Acknowledgment::from(&*mode)),
                Some(nodes) => Some(Acknowledgment::Nodes(u32::read(nodes)?)),
                None => None,
            };
            Ok(Self { w, journal: fields.take("journal")?, w_timeout: fields.take("wtimeoutMS")? })
        })
    }
}

impl Argument for ReadPreference {
    fn read(value: Bson) -> Result<Self, String> {
        fields(value, |fields| {
            let mut preference = Self::default();
            if let Some(mode) = fields.take::<String>("mode")? {
                // Test files write the first letter as they please.
                let known = ReadPreferenceMode::from_name(&mode).or_else(|| {
                    let mut letters = mode.chars();
                    let first = letters.next()?.to_ascii_lowercase();
                    ReadPreferenceMode::from_name(&format!("{first}{}", letters.as_str()))
                });
                preference.mode = known.ok_or_else(|| format!("unknown mode {mode}"))?;
            }
            for tags in fields.take::<Vec<Document>>("tagSets")?.unwrap_or_default() {
                let mut set = TagSet::default();
                for (name, value) in tags {
                    set.tags.push((name, String::read(value)?));
                }
                preference.tag_sets.push(set);
            }
            preference.max_staleness = fields.take::<u64>("maxStalenessSeconds")?.map(Duration::from_secs);
            if let Some(hedge) = fields.take::<Document>("hedge")? {
                preference.hedge = hedge.get("enabled").and_then(Bson::as_bool);
            }
            Ok(preference)
        })
    }
}

/// What a database or collection entity does not inherit.
pub(in crate::unified) fn overrides(entity: Option<&OverridesEntity>) -> Outcome<Overrides> {
    let Some(entity) = entity else { return Ok(Overrides::default()) };
    let document = |document: &Option<Document>| document.clone().map(Bson::Document);
    Ok(Overrides {
        read_concern: document(&entity.read_concern).map(ReadConcern::read).transpose()?,
        write_concern: document(&entity.write_concern).map(WriteConcern::read).transpose()?,
        read_preference: document(&entity.read_preference).map(ReadPreference::read).transpose()?,
        timeout: entity.timeout_ms.map(|timeout| Duration::read(Bson::Int64(timeout))).transpose()?,
    })
}
