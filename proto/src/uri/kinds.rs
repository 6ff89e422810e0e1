//! The kinds of value that options have, and how each is read and written.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::draft::Draft;
use super::{Config, Secret, UriError, Warning};

/// One row of the table of options.
pub(super) struct OptionSpec {
    /// The name as it is documented and written; compared without regard to ASCII case.
    pub(super) name: &'static str,
    /// What it takes and where it goes.
    pub(super) kind: Kind,
}

/// What an option takes and where it goes.
pub(super) enum Kind {
    /// `true` or `false`.
    Flag(Field<bool>),
    /// A 32-bit number of milliseconds, and the least that is accepted.
    Millis(Field<Duration>, u32),
    /// A 64-bit number of milliseconds.
    LongMillis(Field<Duration>),
    /// A number from the first to the second.
    Count(Field<u32>, u32, u32),
    /// Text that is not empty.
    Text(Field<String>),
    /// Text that is not empty and must not be shown.
    Secret(Field<Secret>),
    /// Anything else.
    Special(Special),
    /// Another name of the option named.
    Alias {
        /// The row that it stands for.
        of: &'static str,
        /// Whether to warn of it.
        deprecated: bool,
    },
    /// Known, and without effect in this driver.
    NoEffect,
}

/// Where an option's value lives in a [`Config`].
pub(super) struct Field<T: 'static> {
    pub(super) get: fn(&Config) -> &Option<T>,
    pub(super) set: fn(&mut Config) -> &mut Option<T>,
}

/// An option with its own way of reading and writing.
pub(super) struct Special {
    /// What it takes, for warnings.
    pub(super) expected: &'static str,
    pub(super) read: fn(&mut Draft, &str) -> Result<(), Refusal>,
    /// Its values in order; more than one only for `readPreferenceTags`.
    pub(super) write: fn(&Config) -> Vec<String>,
    /// Whether it may appear more than once.
    pub(super) is_list: bool,
}

/// Why a value was not applied.
pub(super) enum Refusal {
    /// The value is ignored with a warning.
    Ignore,
    /// The whole string is refused.
    Fail(UriError),
}

/// A value as `Display` writes it.
pub(super) enum Written<'a> {
    Plain(String),
    Secret(&'a Secret),
}

impl OptionSpec {
    /// Reads `value` into `draft`; pushes a warning where it is ignored or oddly written.
    pub(super) fn read(&self, draft: &mut Draft, value: &str) -> Result<(), UriError> {
        let config = &mut draft.config;
        let expected = match &self.kind {
            Kind::Flag(field) => match flag(value) {
                Some((flag, usual)) => {
                    *(field.set)(config) = Some(flag);
                    if !usual {
                        draft.warnings.push(unusual_flag(self.name, flag));
                    }
                    return Ok(());
                }
                None => "true or false",
            },
            Kind::Millis(field, least) => match number(value, i64::from(*least), i64::from(i32::MAX)) {
                Some(millis) => return put(field, config, Duration::from_millis(millis.unsigned_abs())),
                None if *least == 0 => "a non-negative 32-bit number of milliseconds",
                None => "a number of milliseconds of at least 500",
            },
            Kind::LongMillis(field) => match number(value, 0, i64::MAX) {
                Some(millis) => return put(field, config, Duration::from_millis(millis.unsigned_abs())),
                None => "a non-negative number of milliseconds",
            },
            Kind::Count(field, least, most) => {
                match number(value, i64::from(*least), i64::from(*most)).map(u32::try_from) {
                    Some(Ok(count)) => return put(field, config, count),
                    _ if *least == 0 => "a non-negative 32-bit number",
                    _ => "a positive 32-bit number",
                }
            }
            Kind::Text(field) if !value.is_empty() => return put(field, config, value.to_owned()),
            Kind::Secret(field) if !value.is_empty() => return put(field, config, Secret::new(value)),
            Kind::Text(_) | Kind::Secret(_) => "text that is not empty",
            Kind::Special(special) => match (special.read)(draft, value) {
                Ok(()) => return Ok(()),
                Err(Refusal::Fail(error)) => return Err(error),
                Err(Refusal::Ignore) => special.expected,
            },
            Kind::NoEffect => {
                draft.warnings.push(Warning::NoEffect { key: self.name });
                return Ok(());
            }
            // Aliases are resolved before a value is read.
            Kind::Alias { .. } => return Ok(()),
        };
        draft.warnings.push(Warning::InvalidValue { key: self.name, expected });
        Ok(())
    }

    /// The option's values in `config`, as a connection string holds them before percent-encoding.
    pub(super) fn write<'a>(&self, config: &'a Config) -> Vec<Written<'a>> {
        let one = |text: Option<String>| text.into_iter().map(Written::Plain).collect();
        match &self.kind {
            Kind::Flag(field) => one((field.get)(config).map(|flag| flag.to_string())),
            Kind::Millis(field, _) | Kind::LongMillis(field) => {
                one((field.get)(config).map(|limit| limit.as_millis().to_string()))
            }
            Kind::Count(field, ..) => one((field.get)(config).map(|count| count.to_string())),
            Kind::Text(field) => one((field.get)(config).clone()),
            Kind::Secret(field) => (field.get)(config).iter().map(Written::Secret).collect(),
            Kind::Special(special) => (special.write)(config).into_iter().map(Written::Plain).collect(),
            Kind::Alias { .. } | Kind::NoEffect => Vec::new(),
        }
    }

    /// Whether the option may appear more than once.
    pub(super) fn is_list(&self) -> bool {
        matches!(&self.kind, Kind::Special(special) if special.is_list)
    }
}

fn put<T>(field: &Field<T>, config: &mut Config, value: T) -> Result<(), UriError> {
    *(field.set)(config) = Some(value);
    Ok(())
}

/// A boolean, and whether it is written as it should be.
pub(super) fn flag(value: &str) -> Option<(bool, bool)> {
    match value {
        "true" => Some((true, true)),
        "false" => Some((false, true)),
        "1" | "yes" | "y" | "t" => Some((true, false)),
        "0" | "-1" | "no" | "n" | "f" => Some((false, false)),
        _ => None,
    }
}

/// The warning that a boolean is oddly written.
pub(super) fn unusual_flag(key: &'static str, flag: bool) -> Warning {
    Warning::DeprecatedBoolean { key, write: if flag { "true" } else { "false" } }
}

/// A decimal integer from `least` to `most`.
pub(super) fn number(value: &str, least: i64, most: i64) -> Option<i64> {
    let number: i64 = value.parse().ok()?;
    (least..=most).contains(&number).then_some(number)
}

/// `key:value` items between commas; a value may hold colons. `Err` is an item without a colon or a name.
pub(super) fn items(value: &str) -> impl Iterator<Item = Result<(&str, &str), ()>> {
    value.split(',').map(|item| item.split_once(':').filter(|(key, _)| !key.is_empty()).ok_or(()))
}
