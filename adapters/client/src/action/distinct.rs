//! `distinct`.

use std::sync::Arc;

use bson::{Bson, Document};
use serde::Serialize;
use serde::de::DeserializeOwned;
use stator_proto::operation::{self as op};
use stator_wire::bson::DocBuf;

use super::Doubt;
use crate::call::Call;
use crate::collection::Collection;
use crate::convert::from_value;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::inner::Core;
use crate::runtime::Runtime;

/// The distinct values of a field; see [`Collection::distinct`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct Distinct<R: Runtime> {
    collection: Collection<R>,
    op: op::Distinct,
    call: Call<R>,
    doubt: Doubt,
}

impl<R: Runtime> Distinct<R> {
    pub(crate) fn new(collection: &Collection<R, Document>, key: &str, filter: &(impl Serialize + ?Sized)) -> Self {
        let mut doubt = Doubt::default();
        Self {
            op: op::Distinct::new(collection.namespace().clone(), key, doubt.doc(filter)),
            call: collection.call(),
            collection: collection.clone(),
            doubt,
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }

    /// The values as a type of yours.
    pub async fn typed<U: DeserializeOwned>(self) -> Result<Vec<U>> {
        let values = self.execute().await?;
        let decode = |value| {
            bson::deserialize_from_bson(value)
                .map_err(|error| Error::new(Phase::Decode, ErrorKind::Decode(error.into())))
        };
        values.into_iter().map(decode).collect()
    }

    async fn values(self) -> Result<DocBuf> {
        self.doubt.check()?;
        self.collection.core().execute(self.op, self.call).await
    }

    async fn execute(self) -> Result<Vec<Bson>> {
        let values = self.values().await?;
        values
            .as_doc()
            .iter()
            .map(|element| {
                let value = element?.value();
                from_value(value.kind(), value.bytes())
            })
            .collect()
    }
}

setters! { Distinct:
    /// Rules for comparing strings.
    doc collation => op.collation;
    /// The index to use (7.1 and later).
    hint hint => op.hint;
    /// How long the server may work on the command.
    duration max_time => op.max_time;
    /// Shown in the server's log and profile (4.4 and later).
    value comment => op.comment;
    /// Instead of the collection's read concern.
    read_concern read_concern => call.given.read_concern;
    /// Instead of the collection's read preference.
    read_preference read_preference => call.given.read_preference;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
}

awaitable!(Distinct => Vec<Bson>);
