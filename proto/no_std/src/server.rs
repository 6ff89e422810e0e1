//! As much of a server as one login and one `find` need, made of the same parts as the driver.

use alloc::vec::Vec;

use stator_proto::auth::scram::Nonce;
use stator_proto::auth::scram::server::{Challenged, Hello, StoredCredentials};
use stator_wire::bson::{Doc, DocWriter};
use stator_wire::op_msg::{Builder, Flags, OpMsg};

/// A server with one user and one collection.
pub struct Server {
    stored: StoredCredentials,
    challenged: Option<Challenged>,
    client_is_known: bool,
}

impl Server {
    /// A server that knows one user.
    pub fn new(stored: StoredCredentials) -> Self {
        Self { stored, challenged: None, client_is_known: false }
    }

    /// Whether the client has proved that it knows the password.
    pub fn knows_the_client(&self) -> bool {
        self.client_is_known
    }

    /// The reply to a request, both as whole messages.
    pub fn answer(&mut self, request: &[u8]) -> Result<Vec<u8>, &'static str> {
        let request = OpMsg::parse(request).map_err(|_| "the request is no OP_MSG")?;
        let command = request.body();
        command.validate().map_err(|_| "the request is no BSON")?;
        let name = command.iter().next().and_then(Result::ok).ok_or("an empty command")?;

        let mut reply = Vec::new();
        let mut builder = Builder::new(&mut reply, 1000, request.header().request_id, Flags::NONE);
        let mut body = builder.body();
        match name.key() {
            Ok("isMaster" | "hello") => {
                body.bool("ismaster", true).i32("minWireVersion", 0).i32("maxWireVersion", 21);
                if let Ok(Some(start)) = command.get_doc("speculativeAuthenticate") {
                    self.challenge(start, &mut body.document("speculativeAuthenticate"))?;
                }
            }
            Ok("saslStart") => self.challenge(command, &mut body)?,
            Ok("saslContinue") => self.verify(command, &mut body)?,
            Ok("find") if self.client_is_known => find(&mut body),
            _ => return Err("an unknown command, or a client that is not logged in"),
        }
        body.i32("ok", 1);
        body.finish().map_err(|_| "the reply cannot be written")?;
        builder.finish().map_err(|_| "the reply is too long")?;
        Ok(reply)
    }

    fn challenge(&mut self, start: Doc<'_>, body: &mut DocWriter<'_>) -> Result<(), &'static str> {
        let hello = Hello::parse(payload(start)?).map_err(|rejection| rejection.value())?;
        let nonce = Nonce::from_random(&[8; Nonce::RANDOM_LEN]);
        let challenged = hello.challenge(Some(&self.stored), &nonce).map_err(|rejection| rejection.value())?;
        body.i32("conversationId", 1).bool("done", false).binary("payload", 0, challenged.payload());
        self.challenged = Some(challenged);
        Ok(())
    }

    fn verify(&mut self, proof: Doc<'_>, body: &mut DocWriter<'_>) -> Result<(), &'static str> {
        let challenged = self.challenged.take().ok_or("a proof without a challenge")?;
        let signature = challenged.verify(payload(proof)?).map_err(|rejection| rejection.value())?;
        self.client_is_known = true;
        body.i32("conversationId", 1).bool("done", true).binary("payload", 0, &signature);
        Ok(())
    }
}

fn find(body: &mut DocWriter<'_>) {
    let mut cursor = body.document("cursor");
    cursor.i64("id", 0).str("ns", "shop.orders");
    let mut batch = cursor.array_of("firstBatch");
    for n in 0..3 {
        batch.document().i32("n", n);
    }
}

fn payload(command: Doc<'_>) -> Result<&[u8], &'static str> {
    let value = command.get("payload").ok().flatten().ok_or("no payload")?;
    value.as_binary().map(|(_, bytes)| bytes).map_err(|_| "a payload that is not binary")
}
