//! Why a document could not be decoded, and where.

use core::fmt::{self, Display, Write};

use stator_wire::bson::BsonError;

/// Why a document could not be decoded: one pointer.
#[derive(Clone, PartialEq, Eq)]
pub struct DecodeError(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    /// The way to the field, from the inside out.
    steps: Vec<Step>,
    reason: DecodeReason,
}

/// One level of the way to a field.
#[derive(Clone, PartialEq, Eq)]
enum Step {
    Key(Box<str>),
    Index(usize),
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeReason {
    /// The bytes are no BSON, or nested too deep. Offsets count from the start of the field's value.
    Malformed(BsonError),
    /// The value does not fit the type, in the type's own words.
    Mismatch(String),
}

impl DecodeError {
    pub(super) fn mismatch(message: impl Into<String>) -> Self {
        Self(Box::new(Inner { steps: Vec::new(), reason: DecodeReason::Mismatch(message.into()) }))
    }

    /// The same error, found in the field `key`.
    #[cold]
    pub(super) fn in_field(mut self, key: &str) -> Self {
        self.0.steps.push(Step::Key(key.into()));
        self
    }

    /// The same error, found in the element `index` of an array, counted from 0.
    #[cold]
    pub(super) fn in_element(mut self, index: usize) -> Self {
        self.0.steps.push(Step::Index(index));
        self
    }

    /// The way to the field, such as `user.tags.3`; elements of arrays count from 0. Empty if the outermost document itself is wrong:
    /// where a field is missing, it is the way to the document that lacks it.
    ///
    /// Inside of what serde buffers (flattened fields, untagged and internally tagged enums) the way ends at the buffer.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.0.steps.iter().rev() {
            if !path.is_empty() {
                path.push('.');
            }
            match step {
                Step::Key(key) => path.push_str(key),
                // Writing to a `String` cannot fail.
                Step::Index(index) => _ = write!(path, "{index}"),
            }
        }
        path
    }

    /// What is wrong there.
    pub fn reason(&self) -> &DecodeReason {
        &self.0.reason
    }
}

impl From<BsonError> for DecodeError {
    #[cold]
    fn from(error: BsonError) -> Self {
        Self(Box::new(Inner { steps: Vec::new(), reason: DecodeReason::Malformed(error) }))
    }
}

impl From<bson::error::Error> for DecodeError {
    #[cold]
    fn from(error: bson::error::Error) -> Self {
        Self::mismatch(error.to_string())
    }
}

impl serde::de::Error for DecodeError {
    #[cold]
    fn custom<T: Display>(message: T) -> Self {
        Self::mismatch(message.to_string())
    }
}

impl Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.steps.is_empty() {
            write!(f, "field `{}`: ", self.path())?;
        }
        self.0.reason.fmt(f)
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodeError").field("path", &self.path()).field("reason", &self.0.reason).finish()
    }
}

impl Display for DecodeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::Mismatch(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.reason {
            DecodeReason::Malformed(error) => Some(error),
            DecodeReason::Mismatch(_) => None,
        }
    }
}
