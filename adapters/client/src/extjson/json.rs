//! JSON text to a tree that keeps what a map of `serde_json` would lose: the order of keys and the exact numbers.

use std::borrow::Cow;

use serde_json::Value;

use super::Error;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// An integer that an `i64` can hold.
    Integer(i64),
    /// Any other number.
    Number(f64),
    String(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Json {
    /// As `serde_json` has it; the order of keys may be lost.
    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => value.into(),
            Self::Integer(value) => value.into(),
            Self::Number(value) => value.into(),
            Self::String(text) => text.into(),
            Self::Array(items) => items.into_iter().map(Self::into_value).collect(),
            Self::Object(entries) => entries.into_iter().map(|(key, value)| (key, value.into_value())).collect(),
        }
    }
}

/// Reads the whole of `text` as one value.
pub(super) fn parse(text: &str) -> Result<Json, Error> {
    let mut reader = Reader::new(text);
    let value = reader.value(0)?;
    if reader.peek().is_some() {
        return Err(reader.fail("something follows the value"));
    }
    Ok(value)
}

/// Reads one value after the other.
pub(super) struct Reader<'a> {
    text: &'a str,
    /// Where the next byte stands; always at the boundary of a character.
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Steps over what [`peek`](Self::peek) has shown.
    pub(super) const fn skip(&mut self) {
        self.at += 1;
    }

    /// Whether the first key of the object here begins with `$`.
    pub(super) fn begins_with_dollar(&self) -> bool {
        let mut inner = Reader { text: self.text, at: self.at + 1 };
        inner.peek() == Some(b'"') && self.text.as_bytes().get(inner.at + 1) == Some(&b'$')
    }

    pub(super) fn value(&mut self, depth: usize) -> Result<Json, Error> {
        match self.peek() {
            Some(b'{' | b'[') if depth == super::MAX_DEPTH => Err(Error::TooDeep),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.text().map(|text| Json::String(text.into_owned())),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => {
                for (word, value) in [("null", Json::Null), ("true", Json::Bool(true)), ("false", Json::Bool(false))] {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err(self.fail("a value is expected"))
            }
            None => Err(self.fail("a value is missing")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, Error> {
        let mut entries = Vec::new();
        self.at += 1;
        if self.take(b'}') {
            return Ok(Json::Object(entries));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.fail("a key is expected"));
            }
            let key = self.text()?.into_owned();
            if !self.take(b':') {
                return Err(self.fail("a colon is expected"));
            }
            entries.push((key, self.value(depth + 1)?));
            if self.take(b'}') {
                return Ok(Json::Object(entries));
            }
            if !self.take(b',') {
                return Err(self.fail("a comma or the end of the object is expected"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, Error> {
        let mut items = Vec::new();
        self.at += 1;
        if self.take(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take(b']') {
                return Ok(Json::Array(items));
            }
            if !self.take(b',') {
                return Err(self.fail("a comma or the end of the array is expected"));
            }
        }
    }

    /// A string. Finds its end; escapes in it are for `serde_json` to read.
    pub(super) fn text(&mut self) -> Result<Cow<'a, str>, Error> {
        let rest = &self.text.as_bytes()[self.at..];
        let plain = rest.iter().skip(1).take_while(|byte| !matches!(byte, b'"' | b'\\' | ..b' ')).count();
        let mut end = 1 + plain;
        if rest.get(end) == Some(&b'"') {
            let text = &self.text[self.at + 1..self.at + end];
            self.at += end + 1;
            return Ok(Cow::Borrowed(text));
        }
        loop {
            match rest.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(_) => end += 1,
                None => return Err(self.fail("the string does not end")),
            }
        }
        let token = &self.text[self.at..=self.at + end];
        let text = serde_json::from_str(token).map_err(|_| self.fail("the string is malformed"))?;
        self.at += token.len();
        Ok(Cow::Owned(text))
    }

    fn number(&mut self) -> Result<Json, Error> {
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        let token = &rest[..length];
        if !is_number(token) {
            return Err(self.fail("the number is malformed"));
        }
        let integer = token.bytes().all(|byte| matches!(byte, b'-' | b'0'..=b'9'));
        let value = match token.parse() {
            Ok(value) if integer => Json::Integer(value),
            _ => Json::Number(token.parse().unwrap_or(f64::INFINITY)),
        };
        if matches!(value, Json::Number(value) if value.is_infinite()) {
            return Err(self.fail("the number is too large"));
        }
        self.at += length;
        Ok(value)
    }

    /// The next byte that is no white space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.at += blanks;
        rest.get(blanks).copied()
    }

    pub(super) fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    const fn fail(&self, what: &'static str) -> Error {
        Error::Syntax { offset: self.at, what }
    }
}

/// `[-] int [frac] [exp]` of RFC 8259: no leading zero, and digits wherever there can be some.
fn is_number(token: &str) -> bool {
    let unsigned = token.strip_prefix('-').unwrap_or(token);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (integer, fraction) = match mantissa.split_once('.') {
        Some((integer, fraction)) => (integer, Some(fraction)),
        None => (mantissa, None),
    };
    let leading_zero = integer.len() > 1 && integer.starts_with('0');
    !leading_zero && [Some(integer), fraction, exponent].into_iter().flatten().all(super::decimal::is_digits)
}
