//! Documents as relaxed Extended JSON of limited length.
//!
//! What takes long is not the cutting but the writing: a reply can have megabytes of which 1000 characters are shown. So
//! writing ends soon after the limit, and of long text and bytes only so much is taken as could be shown.

use bson::Bson;
use bson::spec::BinarySubtype;
use stator_wire::bson::{Doc, Kind, MAX_DEPTH, RawValue, Value};

use crate::convert::from_value;
use crate::event::EventDocument;
use crate::extjson;

/// At most `limit` characters of the document, and `...` if that is not all.
pub(super) fn document(document: &EventDocument, limit: usize) -> String {
    bytes(document.as_bytes(), limit)
}

/// As [`document`], of encoded bytes.
pub(super) fn bytes(document: &[u8], limit: usize) -> String {
    truncate(uncut(document, limit), limit)
}

/// Somewhat more than `limit` characters, if there are as many.
pub(super) fn uncut(document: &[u8], limit: usize) -> String {
    let mut json = Json { out: String::new(), limit };
    json.document(Doc::new(document).unwrap_or(Doc::EMPTY), MAX_DEPTH);
    json.out
}

/// At most `limit` characters, and `...` if that is not all.
fn truncate(mut text: String, limit: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(limit) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

struct Json {
    out: String,
    limit: usize,
}

/// What stands in place of what cannot be read.
const MALFORMED: &str = "\"<malformed>\"";

impl Json {
    /// Whether more was written than will be shown. A character has at most four bytes.
    fn is_full(&self) -> bool {
        self.out.len() / 4 > self.limit
    }

    fn document(&mut self, document: Doc<'_>, depth: usize) {
        self.out.push('{');
        self.elements(document, depth, true);
        self.out.push('}');
    }

    fn elements(&mut self, document: Doc<'_>, depth: usize, keys: bool) {
        for (at, element) in document.iter().enumerate() {
            if self.is_full() {
                return;
            }
            if at > 0 {
                self.out.push(',');
            }
            let Ok(element) = element else {
                return self.out.push_str(MALFORMED);
            };
            if keys {
                let key = String::from_utf8_lossy(element.key_bytes());
                self.leaf(&Bson::String(key.chars().take(self.limit.saturating_add(1)).collect()));
                self.out.push(':');
            }
            self.value(element.value(), depth - 1);
        }
    }

    fn value(&mut self, value: RawValue<'_>, depth: usize) {
        // What is nested deeper than this no server sends, and it must not exhaust the stack.
        if depth == 0 {
            return self.out.push_str(MALFORMED);
        }
        match value.decode() {
            Ok(Value::Document(document)) => self.document(document, depth),
            Ok(Value::Array(array)) => {
                self.out.push('[');
                self.elements(array, depth, false);
                self.out.push(']');
            }
            Ok(Value::String(text)) if text.len() > self.limit => {
                self.leaf(&Bson::String(text.chars().take(self.limit.saturating_add(1)).collect()));
            }
            Ok(Value::Binary { subtype, bytes }) if bytes.len() > self.limit => {
                let bytes = bytes[..=self.limit].to_vec();
                self.leaf(&Bson::Binary(bson::Binary { subtype: BinarySubtype::from(subtype), bytes }));
            }
            Ok(_) => self.other(value.kind(), value.bytes()),
            Err(_) => self.out.push_str(MALFORMED),
        }
    }

    fn other(&mut self, kind: Kind, bytes: &[u8]) {
        match from_value(kind, bytes) {
            Ok(value) => self.leaf(&value),
            Err(_) => self.out.push_str(MALFORMED),
        }
    }

    fn leaf(&mut self, value: &Bson) {
        self.out.push_str(&extjson::to_relaxed(value));
    }
}
