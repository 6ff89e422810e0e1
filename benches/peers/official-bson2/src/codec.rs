//! The BSON tasks with bson 2, but for those with structs, whose types are of bson 3.

use std::hint::black_box;

use bson::{Document, RawBsonRef, RawDocument};
use stator_benches::driver::Settings;
use stator_benches::runner::Done;
use stator_benches::task::{Codec, Shape};
use stator_benches::{Failure, Runner, Task};

use crate::driver::convert;

pub(crate) const fn can(task: Task) -> bool {
    matches!(task, Task::Bson(_, Codec::Encode | Codec::Decode | Codec::Walk | Codec::Validate))
}

pub(crate) fn make(settings: &Settings) -> Result<Box<dyn Runner>, Failure> {
    let form = |document| {
        let document = convert(document)?;
        Ok::<_, Failure>((bson::to_vec(&document)?, document))
    };
    let data = &settings.data;
    Ok(Box::new(Codecs { flat: form(&data.flat)?, deep: form(&data.deep)?, full: form(&data.full)? }))
}

#[derive(Debug)]
struct Codecs {
    flat: (Vec<u8>, Document),
    deep: (Vec<u8>, Document),
    full: (Vec<u8>, Document),
}

impl Runner for Codecs {
    fn run(&mut self, task: Task, count: u64) -> Result<Done, Failure> {
        let Task::Bson(shape, codec) = task else { return Err("not about BSON".into()) };
        let (bytes, document) = match shape {
            Shape::Flat => &self.flat,
            Shape::Deep => &self.deep,
            Shape::Full => &self.full,
        };
        for _ in 0..count {
            let (bytes, document) = (black_box(&bytes[..]), black_box(document));
            match codec {
                Codec::Encode => drop(black_box(bson::to_raw_document_buf(document)?)),
                Codec::Decode => drop(black_box(bson::from_slice::<Document>(bytes)?)),
                Codec::Walk => drop(black_box(walk(RawDocument::from_bytes(bytes)?)?)),
                Codec::Validate => validate(RawDocument::from_bytes(bytes)?)?,
                _ => return Err("structs are of bson 3".into()),
            }
        }
        Ok(Done::of(count))
    }
}

fn walk(doc: &RawDocument) -> Result<u64, Failure> {
    let mut count = 0;
    for element in doc.iter_elements() {
        let element = element?;
        black_box(element.key());
        count += match element.element_type() {
            bson::spec::ElementType::EmbeddedDocument | bson::spec::ElementType::Array => match element.value()? {
                RawBsonRef::Document(inner) => walk(inner)?,
                RawBsonRef::Array(inner) => walk(RawDocument::from_bytes(inner.as_bytes())?)?,
                _ => 1,
            },
            _ => 1,
        };
    }
    Ok(count)
}

fn validate(doc: &RawDocument) -> Result<(), Failure> {
    for pair in doc {
        let (key, value) = pair?;
        black_box(key);
        match value {
            RawBsonRef::Document(inner) => validate(inner)?,
            RawBsonRef::Array(inner) => validate(RawDocument::from_bytes(inner.as_bytes())?)?,
            RawBsonRef::JavaScriptCodeWithScope(code) => validate(code.scope)?,
            _ => {}
        }
    }
    Ok(())
}
