//! The BSON tasks: each document is encoded or decoded the way a driver does it.

use std::hint::black_box;
use std::sync::Arc;

use bson::{Document, RawDocument};
use serde::Serialize;
use serde::de::DeserializeOwned;
use stator_wire::bson::{Doc, Kind};

use super::{Done, Failure, Runner};
use crate::data::{Deep, Flat, Full};
use crate::driver::Settings;
use crate::task::{Codec, Shape};
use crate::{Data, Task};

/// What [`Codec`] says, for one document in all its forms.
trait Bson {
    fn encode<T: Serialize>(value: &T) -> Result<(), Failure>;
    fn decode<T: DeserializeOwned + 'static>(bytes: &[u8]) -> Result<T, Failure>;
    fn walk(bytes: &[u8]) -> Result<u64, Failure>;
    fn validate(bytes: &[u8]) -> Result<(), Failure>;
}

/// As Stator does it: its own encoder into a buffer that is there, its own decoder; `stator-wire` for raw bytes.
#[derive(Debug)]
struct Stator;

impl Bson for Stator {
    fn encode<T: Serialize>(value: &T) -> Result<(), Failure> {
        let mut out = Vec::with_capacity(512);
        stator_client::encode::append(value, &mut out)?;
        black_box(out);
        Ok(())
    }

    fn decode<T: DeserializeOwned + 'static>(bytes: &[u8]) -> Result<T, Failure> {
        Ok(stator_client::decode::from_slice_owned(bytes)?)
    }

    fn walk(bytes: &[u8]) -> Result<u64, Failure> {
        fn walk(doc: Doc<'_>) -> Result<u64, Failure> {
            let mut count = 0;
            for element in doc.iter() {
                let element = element?;
                black_box(element.key()?);
                let value = element.value();
                count += match value.kind() {
                    Kind::Document => walk(value.as_doc()?)?,
                    Kind::Array => walk(value.as_array()?)?,
                    _ => 1,
                };
            }
            Ok(count)
        }
        walk(Doc::new(bytes)?)
    }

    fn validate(bytes: &[u8]) -> Result<(), Failure> {
        Ok(Doc::new(bytes)?.validate()?)
    }
}

/// As the official driver does it, with bson 3.
#[derive(Debug)]
struct Official;

impl Bson for Official {
    fn encode<T: Serialize>(value: &T) -> Result<(), Failure> {
        black_box(bson::serialize_to_raw_document_buf(value)?);
        Ok(())
    }

    fn decode<T: DeserializeOwned + 'static>(bytes: &[u8]) -> Result<T, Failure> {
        Ok(bson::deserialize_from_slice(bytes)?)
    }

    fn walk(bytes: &[u8]) -> Result<u64, Failure> {
        fn walk(doc: &RawDocument) -> Result<u64, Failure> {
            let mut count = 0;
            for element in doc.iter_elements() {
                let element = element?;
                black_box(element.key());
                count += match element.element_type() {
                    bson::spec::ElementType::EmbeddedDocument => {
                        let value = element.value()?;
                        walk(value.as_document().ok_or("no document")?)?
                    }
                    bson::spec::ElementType::Array => {
                        let value = element.value()?;
                        let array = value.as_array().ok_or("no array")?;
                        walk(RawDocument::from_bytes(array.as_bytes())?)?
                    }
                    _ => 1,
                };
            }
            Ok(count)
        }
        walk(RawDocument::from_bytes(bytes)?)
    }

    fn validate(bytes: &[u8]) -> Result<(), Failure> {
        fn validate(doc: &RawDocument) -> Result<(), Failure> {
            for pair in doc {
                let (key, value) = pair?;
                black_box(key);
                if let Some(document) = value.as_document() {
                    validate(document)?;
                } else if let Some(array) = value.as_array() {
                    validate(RawDocument::from_bytes(array.as_bytes())?)?;
                } else if let Some(code) = value.as_javascript_with_scope() {
                    validate(code.scope)?;
                }
            }
            Ok(())
        }
        validate(RawDocument::from_bytes(bytes)?)
    }
}

/// One document in all its forms.
#[derive(Debug)]
struct Forms<T> {
    document: Document,
    bytes: Vec<u8>,
    value: T,
}

impl<T: Serialize + DeserializeOwned + 'static> Forms<T> {
    fn new(document: &Document) -> Result<Self, Failure> {
        let bytes = bson::serialize_to_vec(document)?;
        Ok(Self { document: document.clone(), value: bson::deserialize_from_slice(&bytes)?, bytes })
    }

    fn run<B: Bson>(&self, codec: Codec, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            let bytes = black_box(&self.bytes[..]);
            match codec {
                Codec::Encode => B::encode(black_box(&self.document))?,
                Codec::EncodeStruct => B::encode(black_box(&self.value))?,
                Codec::Decode => drop(black_box(B::decode::<Document>(bytes)?)),
                Codec::DecodeStruct => drop(black_box(B::decode::<T>(bytes)?)),
                Codec::Walk => drop(black_box(B::walk(bytes)?)),
                Codec::Validate => B::validate(bytes)?,
            }
        }
        Ok(())
    }
}

/// The three documents, treated as `B` does.
#[derive(Debug)]
struct Codecs<B> {
    flat: Forms<Flat>,
    deep: Forms<Deep>,
    full: Forms<Full>,
    how: core::marker::PhantomData<B>,
}

impl<B> Codecs<B> {
    fn new(data: &Data) -> Result<Self, Failure> {
        let (flat, deep, full) = (Forms::new(&data.flat)?, Forms::new(&data.deep)?, Forms::new(&data.full)?);
        Ok(Self { flat, deep, full, how: core::marker::PhantomData })
    }
}

impl<B: Bson> Runner for Codecs<B> {
    fn run(&mut self, task: Task, count: u64) -> Result<Done, Failure> {
        match task {
            Task::Bson(Shape::Flat, codec) => self.flat.run::<B>(codec, count)?,
            Task::Bson(Shape::Deep, codec) => self.deep.run::<B>(codec, count)?,
            Task::Bson(Shape::Full, codec) => self.full.run::<B>(codec, count)?,
            other => return Err(format!("{other} is not about BSON").into()),
        }
        Ok(Done::of(count))
    }
}

/// A copy of the bytes.
#[derive(Debug)]
struct Floor(Arc<Data>);

impl Runner for Floor {
    fn run(&mut self, task: Task, count: u64) -> Result<Done, Failure> {
        let document = match task {
            Task::Bson(Shape::Flat, _) => &self.0.flat,
            Task::Bson(Shape::Deep, _) => &self.0.deep,
            _ => &self.0.full,
        };
        let bytes = bson::serialize_to_vec(document)?;
        for _ in 0..count {
            black_box(black_box(&bytes).clone());
        }
        Ok(Done::of(count))
    }
}

pub(super) fn floor(settings: &Settings) -> Result<Box<dyn Runner>, Failure> {
    Ok(Box::new(Floor(Arc::clone(&settings.data))))
}

pub(super) fn stator(settings: &Settings) -> Result<Box<dyn Runner>, Failure> {
    Ok(Box::new(Codecs::<Stator>::new(&settings.data)?))
}

pub(super) fn official(settings: &Settings) -> Result<Box<dyn Runner>, Failure> {
    Ok(Box::new(Codecs::<Official>::new(&settings.data)?))
}
