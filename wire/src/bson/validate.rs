//! Checking everything in a document at once.

use alloc::vec::Vec;

use super::{BsonError, Doc, Elements, Kind, MAX_DEPTH, RawValue, parse};

impl Doc<'_> {
    /// Checks everything in the document: all lengths, terminators, element types, booleans and nested
    /// documents, the UTF-8 of all keys and strings, and that nothing is nested deeper than [`MAX_DEPTH`].
    ///
    /// The keys of arrays may be anything, as the `bson-corpus` specification says.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its offset in this document.
    pub fn validate(self) -> Result<(), BsonError> {
        self.walk::<true>(MAX_DEPTH)
    }

    /// Checks that nothing is nested deeper than [`MAX_DEPTH`], and the bounds on the way there.
    ///
    /// This is what a recursive decoder needs to know before it begins: it is cheaper than
    /// [`validate`](Self::validate), because it does not look at text.
    ///
    /// # Errors
    ///
    /// [`BsonError::TooDeep`], or an element, nested document or scope that does not fit.
    pub fn check_depth(self) -> Result<(), BsonError> {
        self.check_depth_below(0)
    }

    /// Like [`check_depth`](Self::check_depth), for a document that has `levels` documents around it already.
    ///
    /// # Errors
    ///
    /// As for [`check_depth`](Self::check_depth).
    pub fn check_depth_below(self, levels: usize) -> Result<(), BsonError> {
        self.walk::<false>(MAX_DEPTH.saturating_sub(levels))
    }

    /// Whether something could be nested deeper than [`MAX_DEPTH`], told without reading the structure: each level below the
    /// first has an element type byte of its own and takes seven bytes, and most documents are shorter or hold fewer bytes of these values.
    ///
    /// `false` is certain. After `true`, [`check_depth`](Self::check_depth) knows. It says nothing of bounds; a decoder that checks
    /// them itself needs no more than this.
    pub fn may_be_too_deep(self) -> bool {
        let mut rest = self.as_bytes();
        let mut nested = 0;
        // Where what has not been looked at cannot hold as many levels as are missing, the rest does not matter.
        while nested + rest.len() / LEVEL >= MAX_DEPTH {
            let Some((block, after)) = rest.split_first_chunk::<BLOCK>() else {
                return nested + openers(rest) >= MAX_DEPTH;
            };
            nested += openers(block);
            rest = after;
        }
        false
    }

    /// Visits all elements of up to `levels` levels in order, without recursion. `TEXT`: looks at the values too.
    fn walk<const TEXT: bool>(self, levels: usize) -> Result<(), BsonError> {
        // The enclosing levels: where to go on, and where the level begins in `self`.
        let mut outer: Vec<(Elements<'_>, usize)> = Vec::new();
        let (mut elements, mut base) = (self.iter(), 0);
        loop {
            match self.next_nested::<TEXT>(&mut elements, base)? {
                Some(nested) => {
                    let offset = self.offset_of(nested.as_bytes());
                    if outer.len() + 2 > levels {
                        return Err(BsonError::TooDeep { offset });
                    }
                    outer.push((core::mem::replace(&mut elements, nested.iter()), base));
                    base = offset;
                }
                None => match outer.pop() {
                    Some(level) => (elements, base) = level,
                    None => return Ok(()),
                },
            }
        }
    }

    /// Checks the elements of one level up to the next one that contains a document.
    #[inline]
    fn next_nested<'a, const TEXT: bool>(
        self,
        elements: &mut Elements<'a>,
        base: usize,
    ) -> Result<Option<Doc<'a>>, BsonError> {
        for element in elements {
            let element = match element {
                Ok(element) => element,
                Err(error) => return Err(error.shifted(base)),
            };
            if TEXT && let Err(error) = element.key() {
                return Err(error.shifted(self.offset_of(element.key_bytes())));
            }
            let value = element.value();
            match check::<TEXT>(value) {
                Ok(None) => {}
                Ok(Some(nested)) => return Ok(Some(nested)),
                Err(error) => return Err(error.shifted(self.offset_of(value.bytes()))),
            }
        }
        Ok(None)
    }
}

/// Checks a value and returns the document in it.
#[inline]
fn check<const TEXT: bool>(value: RawValue<'_>) -> Result<Option<Doc<'_>>, BsonError> {
    let bytes = value.bytes();
    match value.kind() {
        Kind::Document | Kind::Array => return Doc::new(bytes).map(Some),
        Kind::CodeWithScope => return parse::run(bytes, parse::code_with_scope).map(|(_, scope)| Some(scope)),
        _ if !TEXT => {}
        Kind::String | Kind::Code | Kind::Symbol => {
            parse::run(bytes, parse::string)?;
        }
        Kind::Regex => {
            parse::run(bytes, parse::regex)?;
        }
        Kind::DbPointer => {
            parse::run(bytes, parse::db_pointer)?;
        }
        Kind::Binary => {
            parse::run(bytes, parse::binary)?;
        }
        Kind::Bool => {
            value.as_bool()?;
        }
        // Any bytes of the right number are a value.
        Kind::Double
        | Kind::Undefined
        | Kind::ObjectId
        | Kind::DateTime
        | Kind::Null
        | Kind::Int32
        | Kind::Timestamp
        | Kind::Int64
        | Kind::Decimal128
        | Kind::MaxKey
        | Kind::MinKey => {}
    }
    Ok(None)
}

/// How many of at most [`BLOCK`] bytes could be the type of an element that contains a document.
#[inline]
fn openers(bytes: &[u8]) -> usize {
    let mut count = 0_u8;
    for byte in bytes {
        // One comparison that lets the types between them through costs less than half of three that do not. It is a signed one
        // because that is what vector units have: the last opener becomes the largest number.
        let opens = byte.wrapping_add(TO_TOP).cast_signed() >= FIRST_OPENER.wrapping_add(TO_TOP).cast_signed();
        // Fewer than 256 bytes, so it cannot wrap.
        count = count.wrapping_add(u8::from(opens));
    }
    usize::from(count)
}

/// The smallest and the largest of the types of [`Kind::Document`], [`Kind::Array`] and [`Kind::CodeWithScope`].
const FIRST_OPENER: u8 = Kind::Document.to_byte();
const LAST_OPENER: u8 = Kind::CodeWithScope.to_byte();
const TO_TOP: u8 = i8::MAX.cast_unsigned() - LAST_OPENER;
const _: () = assert!(FIRST_OPENER < Kind::Array.to_byte() && Kind::Array.to_byte() < LAST_OPENER);

/// The fewest bytes that a level takes: its type, the end of its key, its length, and its terminator.
const LEVEL: usize = 7;

/// Counts of so many bytes fit into one, which lets the compiler count many at a time.
const BLOCK: usize = 224;
