//! Documents in events.

use core::fmt;
use core::ops::Deref;

use bson::{Document, RawDocument};
use stator_wire::bson::DocBuf;

use crate::convert::from_doc;
use crate::error::Result;

/// A command or reply, cheap to clone: it shares the bytes that were sent or received.
///
/// It can be read as a [`RawDocument`] or turned into a [`Document`].
#[derive(Clone, PartialEq, Eq, Default)]
pub struct EventDocument(DocBuf);

impl EventDocument {
    pub(crate) const fn new(bytes: DocBuf) -> Self {
        Self(bytes)
    }

    /// Decodes the document.
    ///
    /// # Errors
    ///
    /// What was received is malformed, or nested deeper than a server allows.
    pub fn to_document(&self) -> Result<Document> {
        from_doc(self.0.as_doc())
    }

    /// The encoded bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Deref for EventDocument {
    type Target = RawDocument;

    fn deref(&self) -> &RawDocument {
        static EMPTY: [u8; 5] = [5, 0, 0, 0, 0];
        // A `DocBuf` has the length that it states and a zero at its end, which is all that is asked here.
        let document = RawDocument::from_bytes(self.0.as_bytes()).or_else(|_| RawDocument::from_bytes(&EMPTY));
        document.expect("five bytes with a length of five and a zero at the end are an empty document")
    }
}

impl fmt::Debug for EventDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
