//! A handshake with a server that is mostly right, often wrong and sometimes malicious.

#![no_main]

use std::cell::RefCell;
use std::time::Duration;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use stator_proto::Instant;
use stator_proto::auth::aws::AwsCredentials;
use stator_proto::auth::oidc::{AccessToken, Flow, Origin, TokenAnswer};
use stator_proto::auth::plain_payload;
use stator_proto::auth::scram::{Credentials, KeyCache, KeyParams, Nonce, Prepared, server};
use stator_proto::connection::{Compression, SendBuf};
use stator_proto::handshake::{Handshake, HandshakeOptions, Login, Need, PlainPayload};
use stator_proto::hello::Limits;
use stator_wire::bson::{Doc, DocBuf, DocWriter};
use stator_wire::op_msg::{Builder, Flags};
use stator_wire::{Deframer, OpMsg};

thread_local! {
    static KEYS: RefCell<KeyCache> = const { RefCell::new(KeyCache::new()) };
    static STORED: [server::StoredCredentials; 2] = [true, false].map(|sha1| {
        server::StoredCredentials::derive(&credentials(sha1), &KeyParams::new(SALT, ITERATIONS).expect("in bounds"))
    });
}

fuzz_target!(|data: &[u8]| {
    // Running out of data is the end of the story, not an error.
    let _ = run(&mut Unstructured::new(data));
});

const NOW: Instant = Instant::ORIGIN;
const SALT: &[u8] = b"salt";
const ITERATIONS: u32 = 4096;

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let options = options(u)?;
    let is_scram = matches!(options.login, Some(Login::Negotiate { .. } | Login::Scram { .. }));
    let mut handshake = Handshake::new(options, Nonce::from_text("client").expect("a nonce"));
    let (mut out, mut input) = (SendBuf::new(), Deframer::new(Limits::MAX_FRAME));
    let mut peer = Server { conversation: None, proved: false, altered: false };
    let mut first_error = None;
    for _ in 0..12 {
        if let Some(challenge) = handshake.poll_keys() {
            // PBKDF2 is slow: only for the salt that our server has, and once.
            if challenge.params().salt() != SALT || challenge.params().iterations() != ITERATIONS {
                return Ok(());
            }
            let keys = KEYS.with_borrow_mut(|cache| {
                let keys = cache.get(challenge.cache_key()).unwrap_or_else(|| challenge.derive_keys());
                cache.insert(keys.clone());
                keys
            });
            let _ = handshake.handle_keys(keys);
        }
        match handshake.poll_need() {
            None => {}
            Some(_) if u.ratio(1, 16)? => drop(handshake.handle_need_failed()),
            Some(Need::AwsCredentials) => {
                handshake.handle_aws_credentials(AwsCredentials::new("id", "secret"), [7; 32], Duration::ZERO);
            }
            Some(Need::OidcToken(_)) => handshake.handle_token(answer(u)?),
            Some(_) => unreachable!("there are two needs"),
        }
        if handshake.poll_transmit(NOW, &mut out) {
            let request = out.slices().concat();
            let request = OpMsg::parse(&request).expect("a whole command");
            request.body().validate().expect("a valid command");
            let answer = peer.answer(u, request)?;
            handshake.handle_sent(NOW, &mut out, usize::MAX);
            input.push(&answer);
        } else if u.ratio(1, 16)? {
            let count = u.int_in_range(0..=20)?;
            input.push(u.bytes(count)?);
        }
        if u.ratio(1, 24)? {
            let error = handshake.handle_closed(NOW, &input);
            assert_eq!(handshake.error(), Some(&error));
        } else if let Err(error) = handshake.handle_recv(NOW, &mut input) {
            assert_eq!(handshake.error(), Some(&error));
        }
        if first_error.is_some() {
            assert_eq!(handshake.error(), first_error.as_ref(), "the first error sticks");
        }
        first_error = handshake.error().cloned();
        let _ = format!("{handshake:?}");
    }
    let done = handshake.is_done();
    let finished = handshake.finish();
    assert_eq!(finished.is_some(), done);
    if let Some((connection, keys)) = finished {
        assert!(connection.is_idle(), "the connection is not fit for use");
        assert!(first_error.is_none());
        assert!(
            keys.is_some() == is_scram && (peer.proved || !is_scram),
            "a server without the keys has proved itself"
        );
    }
    Ok(())
}

fn token() -> AccessToken {
    AccessToken::new("token".into()).expect("it is not empty")
}

fn answer(u: &mut Unstructured<'_>) -> Result<TokenAnswer> {
    Ok(match u.int_in_range(0..=3)? {
        0 => TokenAnswer::TwoStep,
        1 => TokenAnswer::Token { token: token(), origin: Origin::Cached },
        2 => TokenAnswer::Token { token: token(), origin: Origin::Refreshed },
        _ => TokenAnswer::Token { token: token(), origin: Origin::Fresh },
    })
}

fn options(u: &mut Unstructured<'_>) -> Result<HandshakeOptions> {
    let source = String::from("admin");
    let login = match u.int_in_range(0..=7)? {
        0 => None,
        1 => Some(Login::Negotiate { sha1: credentials(true), sha256: credentials(false), source }),
        2 => Some(Login::Scram { credentials: credentials(true), source }),
        3 => Some(Login::Scram { credentials: credentials(false), source }),
        4 => Some(Login::Plain { payload: PlainPayload(plain_payload("u", "p").expect("no NUL")), source }),
        5 => Some(Login::X509 { username: None }),
        6 => Some(Login::Aws),
        _ => {
            let flow = if u.arbitrary()? { Flow::Machine } else { Flow::Human };
            let token = if u.arbitrary()? { Some(token()) } else { None };
            Some(Login::Oidc { flow, username: None, token })
        }
    };
    Ok(HandshakeOptions {
        metadata: DocBuf::default(),
        login,
        compressors: vec![("zlib", 2)],
        compression: Compression::none(),
        load_balanced: u.ratio(1, 8)?,
        server_api: None,
        deadline: Instant::FAR_FUTURE,
    })
}

fn credentials(sha1: bool) -> Credentials {
    match sha1 {
        true => Credentials::sha1("user", "pencil"),
        false => Credentials::sha256("user", Prepared::already("pencil")),
    }
    .expect("the name is fit for use")
}

/// Knows the password, and answers with it unless the input says otherwise.
struct Server {
    conversation: Option<server::Challenged>,
    /// Whether a client has proved itself here.
    proved: bool,
    /// Whether something was sent that the conversation knows nothing of, such as another nonce: the client answers that.
    altered: bool,
}

impl Server {
    fn answer(&mut self, u: &mut Unstructured<'_>, request: OpMsg<'_>) -> Result<Vec<u8>> {
        let more = if u.ratio(1, 24)? { Flags::MORE_TO_COME } else { Flags::NONE };
        let mut frame = Vec::new();
        let mut builder = Builder::new(&mut frame, 99, request.header().request_id, more);
        if u.ratio(1, 8)? {
            let count = u.int_in_range(0..=60)?;
            let mut body = (5 + count as i32).to_le_bytes().to_vec();
            body.extend_from_slice(u.bytes(count)?);
            body.resize(5 + count, 0);
            builder.body_doc(Doc::new(&body).expect("length and terminator are right"));
        } else {
            let mut body = builder.body();
            let command = request.body();
            if command.get("isMaster").expect("valid").or(command.get("hello").expect("valid")).is_some() {
                self.hello(u, command, &mut body)?;
            } else {
                self.sasl(u, command, &mut body)?;
            }
            body.i32("ok", i32::from(!u.ratio(1, 24)?));
            body.finish().expect("it fits");
        }
        builder.finish().expect("it fits");
        if u.ratio(1, 24)? {
            let at = u.choose_index(frame.len())?;
            frame[at] ^= u.arbitrary::<u8>()?;
            self.altered = true;
        }
        Ok(frame)
    }

    fn hello(&mut self, u: &mut Unstructured<'_>, command: Doc<'_>, body: &mut DocWriter<'_>) -> Result<()> {
        body.i32("maxWireVersion", u.int_in_range(6..=32)?).i32("minWireVersion", u.int_in_range(0..=1)? * 30);
        body.array_of("compression").str("zlib");
        if u.ratio(1, 8)? {
            body.object_id("serviceId", [1; 12]);
        }
        if u.arbitrary()? {
            body.array_of("saslSupportedMechs").str(if u.arbitrary()? { "SCRAM-SHA-1" } else { "SCRAM-SHA-256" });
        }
        if let Ok(Some(speculative)) = command.get_doc("speculativeAuthenticate")
            && u.arbitrary()?
        {
            self.sasl(u, speculative, &mut body.document("speculativeAuthenticate"))?;
        }
        Ok(())
    }

    fn sasl(&mut self, u: &mut Unstructured<'_>, command: Doc<'_>, body: &mut DocWriter<'_>) -> Result<()> {
        let payload = command.get("payload").expect("valid").and_then(|payload| payload.as_binary().ok());
        let payload = payload.map_or(&[][..], |(_, payload)| payload);
        let (mut answer, mut done) = (Vec::new(), true);
        if command.get("saslStart").expect("valid").is_some() {
            if let Ok(hello) = server::Hello::parse(payload) {
                let sha1 = command.get_str("mechanism").expect("valid") == Some("SCRAM-SHA-1");
                let stored = STORED.with(|stored| stored[usize::from(!sha1)].clone());
                let nonce = Nonce::from_text("server").expect("a nonce");
                let challenged = hello.challenge(Some(&stored), &nonce).expect("the user is known");
                answer = challenged.payload().to_vec();
                self.conversation = Some(challenged);
                done = false;
            } else if u.arbitrary()? {
                // What MONGODB-AWS and MONGODB-OIDC wait for.
                let mut doc = DocWriter::new(&mut answer);
                doc.binary("s", 0, &[7; 64]).str("h", "sts.amazonaws.com").str("issuer", "https://issuer");
                doc.finish().expect("it fits");
                done = false;
            }
        } else if let Some(challenged) = self.conversation.take() {
            match challenged.verify(payload) {
                Ok(signature) => {
                    answer = signature;
                    self.proved = true;
                    done = !u.ratio(1, 4)?;
                }
                Err(error) => assert!(self.altered, "the client knows the password: {error:?}"),
            }
        }
        match u.int_in_range(0..=12)? {
            0 => {
                let count = u.int_in_range(0..=40)?;
                answer = u.bytes(count)?.to_vec();
                self.altered = true;
            }
            1 => done = !done,
            _ => {}
        }
        body.i32("conversationId", 1).bool("done", done).binary("payload", 0, &answer);
        Ok(())
    }
}
