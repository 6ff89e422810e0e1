//! Operations of cursors.

use std::time::Duration;

use bson::{Bson, Document};
use stator_client::{Cursor, Runtime};

use super::arguments::Arguments;
use super::{Done, Output, unknown};
use crate::unified::entities::CursorSlot;
use crate::unified::schema::Operation;
use crate::unified::signal::lock;
use crate::unified::stop::Outcome;

pub(super) async fn execute<R: Runtime>(slot: &CursorSlot<R>, operation: &Operation) -> Outcome<Done<R>> {
    let mut arguments = Arguments::new(&operation.arguments);
    // Only `close` has one.
    let timeout = arguments.take::<Duration>("timeoutMS")?;
    arguments.end()?;
    let taken = lock(slot).take();
    let mut cursor = taken.ok_or("the cursor is closed, or in use elsewhere")?;
    match operation.name.as_str() {
        "iterateUntilDocumentOrError" => {
            let next = cursor.try_next().await;
            *lock(slot) = Some(cursor);
            match next {
                Ok(None) => Err("the cursor has ended without a document or an error".into()),
                next => Ok(next.map(Output::maybe)),
            }
        }
        "iterateOnce" => {
            let next = cursor.next_if_any().await;
            *lock(slot) = Some(cursor);
            Ok(next.map(Output::maybe))
        }
        "close" => {
            // How closing ends is told by events only.
            let mut action = cursor.close();
            if let Some(timeout) = timeout {
                action = action.timeout(timeout);
            }
            let _ = action.await;
            Ok(Ok(Output::Nothing))
        }
        _ => unknown(operation, "cursor"),
    }
}

/// All documents of a cursor.
pub(super) async fn all<R: Runtime>(cursor: stator_client::Result<Cursor<R, Document>>) -> Done<R> {
    let mut cursor = cursor?;
    let documents = match cursor.to_list(None).await {
        Ok(documents) => documents,
        Err(error) => {
            // Cases look for its killCursors, which is sent in the background if nobody waits for it.
            let _ = cursor.close().await;
            return Err(error);
        }
    };
    Ok(Output::Value(documents.into_iter().map(Bson::Document).collect(), crate::unified::matching::Place::Roots))
}
