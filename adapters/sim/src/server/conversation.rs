//! One connection of a fake server.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::sync::Arc;

use bson::{Document, doc};
use stator_client::Runtime;
use stator_wire::Deframer;

use super::engine::Peer;
use super::frames::{Dialect, legacy_frame, read, reply_frame};
use super::{Reply, Request, Shared, lock};
use crate::net::SimStream;

/// What goes back for one request.
enum Answer {
    Doc(Document),
    Half(Document, bool),
    Bytes(Vec<u8>),
    Nothing,
    Close,
}

struct Conversation {
    shared: Arc<Shared>,
    stream: SimStream,
    peer: Peer,
    /// The server's own request ids.
    next_id: i32,
}

/// Serves a connection until either side closes it.
pub(super) async fn serve(shared: Arc<Shared>, stream: SimStream) {
    let (peer, limit) = {
        let mut state = lock(&shared.state);
        state.connections += 1;
        state.accepted += 1;
        let limit = usize::try_from(state.engine.config().max_message_size).unwrap_or(0);
        (Peer::new(i64::try_from(state.accepted).unwrap_or(i64::MAX)), limit)
    };
    let _open = Open(shared.clone());
    let mut conversation = Conversation { shared, stream, peer, next_id: 1 };
    conversation.run(limit).await;
}

/// Counts the connection until it is dropped.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.0.state).connections -= 1;
    }
}

impl Conversation {
    /// Returns when the connection is to be closed.
    async fn run(&mut self, limit: usize) -> Option<()> {
        let mut deframer = Deframer::new(limit);
        loop {
            while let Some(frame) = deframer.next_frame().ok()? {
                let (request, dialect) = read(&frame, self.stream.sim().now(), self.stream.id())?;
                self.serve_request(request, dialect).await?;
            }
            match self.stream.recv(deframer.space()).await.ok()? {
                0 => return None,
                count => deframer.advance(count),
            }
        }
    }

    async fn serve_request(&mut self, mut request: Request, dialect: Dialect) -> Option<()> {
        lock(&self.shared.state).commands.push(request.clone());
        let mut response_to = request.request_id;
        // Further replies to an exhaust request are not the script's business.
        let mut scripted = true;
        loop {
            self.await_change(&request).await;
            let answer = self.answer(&request, scripted).await;
            scripted = false;
            if request.more_to_come {
                return (!matches!(answer, Answer::Close)).then_some(());
            }
            let (reply, half) = match answer {
                Answer::Doc(reply) => (reply, None),
                Answer::Half(reply, close) => (reply, Some(close)),
                Answer::Bytes(bytes) => return self.stream.send_all(&bytes).await.ok(),
                Answer::Nothing => return Some(()),
                Answer::Close => return None,
            };
            let more = request.exhaust_allowed && half.is_none() && next_of_exhaust(&mut request.body, &reply);
            let id = self.next_id;
            self.next_id = self.next_id.wrapping_add(1);
            let mut frame = match dialect {
                Dialect::Msg => reply_frame(id, response_to, more, &reply),
                Dialect::Query => legacy_frame(id, response_to, &reply),
            };
            if half.is_some() {
                frame.truncate(frame.len() / 2);
            }
            self.stream.send_all(&frame).await.ok()?;
            if half == Some(true) {
                return None;
            }
            if !more {
                return Some(());
            }
            response_to = id;
        }
    }

    async fn answer(&mut self, request: &Request, scripted: bool) -> Answer {
        let mut reply = Reply::Engine;
        if scripted {
            // The script may replace itself, so it is not held while it runs.
            let taken = lock(&self.shared.script).take();
            if let Some(mut script) = taken {
                reply = script(request);
                lock(&self.shared.script).get_or_insert(script);
            }
        }
        while let Reply::After(delay, then) = reply {
            self.stream.sim().sleep(delay).await;
            reply = *then;
        }
        match reply {
            // The loop above has unwrapped `After`.
            Reply::Engine | Reply::After(..) => self.engine_answer(request).await,
            Reply::Doc(reply) => Answer::Doc(reply),
            Reply::Bytes(bytes) => Answer::Bytes(bytes),
            Reply::RunAndClose => {
                self.engine_answer(request).await;
                Answer::Close
            }
            Reply::Close => Answer::Close,
            Reply::Nothing => Answer::Nothing,
            Reply::Half { close } => match self.engine_answer(request).await {
                Answer::Doc(reply) => Answer::Half(reply, close),
                other => other,
            },
        }
    }

    async fn engine_answer(&mut self, request: &Request) -> Answer {
        let (effect, delay) = {
            let mut state = lock(&self.shared.state);
            let delay = state.delays.iter().find(|(name, _)| name == request.name()).map(|(_, delay)| *delay);
            (state.engine.effect(request), delay)
        };
        let block = effect.as_ref().and_then(|effect| effect.block);
        let wait = delay.unwrap_or_default() + block.unwrap_or_default();
        if !wait.is_zero() {
            self.stream.sim().sleep(wait).await;
        }
        match &effect {
            Some(effect) if effect.close => return Answer::Close,
            Some(effect) if effect.error.is_some() => return Answer::Doc(effect.error.clone().unwrap_or_default()),
            _ => {}
        }
        let now = self.stream.sim().now();
        let mut reply = lock(&self.shared.state).engine.command(now, &mut self.peer, request);
        if let Some(effect) = effect {
            effect.decorate(&mut reply);
        }
        Answer::Doc(reply)
    }

    /// An awaitable hello waits until the topology version moves on, or its time is up.
    async fn await_change(&self, request: &Request) {
        let known = request.body.get_document("topologyVersion").and_then(|version| version.get_i64("counter"));
        let time =
            request.body.get_i64("maxAwaitTimeMS").or_else(|_| request.body.get_i32("maxAwaitTimeMS").map(i64::from));
        let (Ok(known), Ok(time), "hello" | "isMaster" | "ismaster") = (known, time, request.name()) else { return };
        let mut sleep = pin!(self.stream.sim().sleep(Duration::from_millis(time.max(0).cast_unsigned())));
        poll_fn(|cx| {
            {
                let mut state = lock(&self.shared.state);
                if state.engine.topology_counter() != known {
                    return Poll::Ready(());
                }
                state.waiting.retain(|waiting| !waiting.will_wake(cx.waker()));
                state.waiting.push(cx.waker().clone());
            }
            sleep.as_mut().poll(cx)
        })
        .await;
    }
}

/// Whether another reply follows an exhaust reply without being asked for; makes `body` the command it answers.
fn next_of_exhaust(body: &mut Document, reply: &Document) -> bool {
    if !reply.get_f64("ok").is_ok_and(|ok| ok == 1.0) {
        return false;
    }
    match body.keys().next().map(String::as_str) {
        Some("getMore") => reply.get_document("cursor").and_then(|cursor| cursor.get_i64("id")).is_ok_and(|id| id != 0),
        Some("hello" | "isMaster" | "ismaster") if body.contains_key("maxAwaitTimeMS") => {
            match reply.get_document("topologyVersion") {
                Ok(version) => {
                    body.extend(doc! { "topologyVersion": version.clone() });
                    true
                }
                Err(_) => false,
            }
        }
        _ => false,
    }
}
