//! A connection under any order of sending, receiving, cancelling and hanging up.

#![no_main]

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use stator_proto::Instant;
use stator_proto::connection::{Cancelled, Compression, Connection, ConnectionError, Request, SendBuf, Sequence};
use stator_wire::bson::DocWriter;
use stator_wire::op_compressed::{Noop, OpCompressed, compressor};
use stator_wire::op_msg::{Builder, Flags};
use stator_wire::{Deframer, Header, OpMsg};

fuzz_target!(|data: &[u8]| {
    let mut world = World {
        machine: Connection::new(Compression::none()),
        out: SendBuf::new(),
        input: Deframer::new(LIMIT),
        arriving: Vec::new(),
        asked: None,
        first_error: None,
    };
    // Running out of data is the end of the story, not an error.
    let _ = world.run(&mut Unstructured::new(data));
});

const NOW: Instant = Instant::ORIGIN;
const DUE: Instant = Instant::from_millis(5);
const LIMIT: usize = 100_000;

struct World {
    machine: Connection,
    out: SendBuf,
    input: Deframer,
    /// Sent by the server, not received yet.
    arriving: Vec<u8>,
    /// The request that the next reply must name, and whether more than one may come.
    asked: Option<(i32, bool)>,
    first_error: Option<ConnectionError>,
}

impl World {
    fn run(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        while !u.is_empty() {
            match u.int_in_range(0..=9)? {
                0 | 1 => self.send(u)?,
                2 | 3 => self.write(u)?,
                4 | 5 => self.reply(u)?,
                6 => {
                    let count = u.int_in_range(0..=40)?;
                    self.arriving.extend_from_slice(u.bytes(count)?);
                }
                7 => self.receive(u)?,
                8 => self.cancel(),
                _ => {
                    if u.ratio(1, 8)? {
                        let error = self.machine.handle_closed(NOW, &self.input);
                        assert_eq!(self.machine.error(), Some(&error));
                    }
                }
            }
            self.check();
        }
        Ok(())
    }

    fn send(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (exhaust, no_reply): (bool, bool) = (u.arbitrary()?, u.ratio(1, 4)?);
        let key = if u.ratio(1, 16)? { "n\0ul" } else { "ping" };
        let documents = u.int_in_range(0..=3_usize)?;
        let sequences = vec![Sequence { identifier: "documents", documents: vec![7; 30].into() }; documents];
        let body = |body: &mut DocWriter<'_>| {
            body.i32(key, 1);
        };
        let request = Request { name: "ping", body: &body, sequences: &sequences, exhaust, no_reply };
        let ready = self.machine.is_idle() && self.out.is_empty();
        match self.machine.send(NOW, &request, DUE, &mut self.out) {
            Ok(()) => {
                assert!(ready);
                let bytes = self.out.slices().concat();
                let (header, _) = Header::parse_frame(&bytes).expect("a whole message");
                self.asked = (!no_reply).then_some((header.request_id, exhaust));
            }
            Err(ConnectionError::Busy) => assert!(!ready && self.machine.error().is_none()),
            Err(ConnectionError::Encode(_)) => assert!(ready && self.machine.is_idle() && self.out.is_empty()),
            Err(error) => assert_eq!(self.machine.error(), Some(&error)),
        }
        Ok(())
    }

    fn write(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let count = u.int_in_range(0..=self.out.remaining() + 1)?;
        let (before, left) = (self.machine.is_awaiting(), self.out.remaining());
        self.machine.handle_sent(NOW, &mut self.out, count);
        assert_eq!(self.out.remaining(), left.saturating_sub(count));
        assert!(before || !self.machine.is_awaiting() || self.out.is_empty(), "a reply is due to half a request");
        Ok(())
    }

    /// The server answers, mostly what it was asked.
    fn reply(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (asked, _) = self.asked.unwrap_or((1, false));
        let response_to = if u.ratio(1, 16)? { u.arbitrary()? } else { asked };
        let more = if u.ratio(1, 4)? { Flags::MORE_TO_COME } else { Flags::NONE };
        let mut frame = Vec::new();
        let mut builder = Builder::new(&mut frame, u.arbitrary()?, response_to, more);
        builder.body().i32("ok", 1);
        builder.finish().expect("it fits");
        if u.ratio(1, 4)? {
            OpCompressed::compress(&frame, compressor::NOOP, &Noop, &mut self.arriving).expect("it fits");
        } else {
            self.arriving.extend_from_slice(&frame);
        }
        Ok(())
    }

    fn receive(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let count = if u.arbitrary()? { self.arriving.len() } else { u.int_in_range(0..=self.arriving.len())? };
        self.input.push(&self.arriving[..count]);
        self.arriving.drain(..count);
        let was_awaiting = self.machine.is_awaiting();
        match self.machine.handle_recv(NOW, &mut self.input) {
            Ok(None) => assert!(was_awaiting == self.machine.is_awaiting()),
            Ok(Some(reply)) => {
                assert!(was_awaiting);
                let (asked, exhaust) = self.asked.take().expect("a reply to nothing");
                assert_eq!(reply.header().response_to, asked, "a reply to another request");
                assert_eq!(OpMsg::parse(reply.frame()).expect("it was parsed once").body(), reply.body());
                assert!(exhaust || !reply.more_to_come(), "more replies than were asked for");
                assert_eq!(reply.more_to_come(), self.machine.is_awaiting());
                self.asked = reply.more_to_come().then_some((reply.header().request_id, exhaust));
            }
            Err(error) => assert_eq!(self.machine.error(), Some(&error)),
        }
        Ok(())
    }

    fn cancel(&mut self) {
        let was_awaiting = self.machine.is_awaiting();
        match self.machine.cancel(&mut self.out) {
            Cancelled::Idle => {
                assert!(self.machine.is_idle() && self.out.is_empty());
                self.asked = None;
            }
            Cancelled::Owing => assert!(was_awaiting && self.machine.is_awaiting()),
            Cancelled::Broken => assert!(self.machine.error().is_some()),
        }
    }

    fn check(&mut self) {
        if let Some(first) = &self.first_error {
            assert_eq!(self.machine.error(), Some(first), "the first error sticks");
            assert_eq!(self.machine.handle_recv(NOW, &mut self.input).err().as_ref(), Some(first));
            assert_eq!(self.machine.cancel(&mut self.out), Cancelled::Broken);
        }
        self.first_error = self.machine.error().cloned();
        let usable = self.first_error.is_none();
        assert_eq!(self.machine.poll_timeout(), (usable && !self.machine.is_idle()).then_some(DUE));
        assert!(self.out.remaining() < 1000 && !(self.machine.is_awaiting() && !self.out.is_empty()));
    }
}
