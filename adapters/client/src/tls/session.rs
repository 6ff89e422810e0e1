//! One TLS connection without its stream: records in, records out, plain bytes in the middle. Does no I/O.

use core::fmt;
use core::mem;
use std::io::IoSlice;

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::pki_types::ServerName;
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic};

use super::TlsError;
use super::classify::{Identity, classify};
use super::settings::Settings;

/// The most plain bytes in one record.
const RECORD: usize = 16 * 1024;
/// What a record needs beyond its plain bytes, at most: header, nonce, type, tag.
const OVERHEAD: usize = 64;
/// How many plain bytes are encrypted before they must be sent.
const ENCRYPTED_AT_ONCE: usize = 4 * RECORD;
/// The input buffer at first.
const INPUT: usize = 4 * 1024;
/// The input buffer where much is received: some records for each call of the operating system.
const INPUT_OF_LARGE_REPLIES: usize = 64 * 1024;
/// The input buffer where a handshake message, of up to 64 KiB, comes in pieces.
const INPUT_LIMIT: usize = 256 * 1024;
/// The output buffer that is kept when all is sent.
const OUTPUT_KEPT: usize = 4 * 1024;

/// A TLS client's state and its bounded buffers.
pub(super) struct Session {
    rustls: UnbufferedClientConnection,
    settings: Settings,
    host: String,
    /// Records as they came: `input[start..end]`.
    input: Vec<u8>,
    start: usize,
    end: usize,
    /// Plain bytes that did not fit into the caller's buffer, and how many of them were taken since.
    plain: Vec<u8>,
    taken: usize,
    /// Records to send, and how many of their bytes were.
    output: Vec<u8>,
    sent: usize,
    /// The first error. It stays: rustls must not be asked again about bytes over which it has failed.
    failed: Option<TlsError>,
    /// Some of what came was TLS.
    begun: bool,
    /// The server has said something after the handshake.
    heard: bool,
    /// The server has said that nothing more comes.
    closed: bool,
}

impl Session {
    pub(super) fn new(settings: Settings, name: ServerName<'static>) -> Result<Self, TlsError> {
        let host = name.to_str().into_owned();
        let rustls = UnbufferedClientConnection::new(settings.config.clone(), name)
            .map_err(|error| classify(error, &host, Identity::default(), false))?;
        Ok(Self {
            rustls,
            settings,
            host,
            input: Vec::new(),
            start: 0,
            end: 0,
            plain: Vec::new(),
            taken: 0,
            output: Vec::new(),
            sent: 0,
            failed: None,
            begun: false,
            heard: false,
            closed: false,
        })
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.rustls.is_handshaking()
    }

    /// Whether the server has said that nothing more comes.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// The stream has ended, or broken: what that means.
    ///
    /// `None` is a plain end. The protocol above frames its messages, so it sees what was cut off.
    pub(super) fn ended(&self) -> Option<TlsError> {
        match (self.is_handshaking(), self.heard) {
            (true, _) => Some(TlsError::Closed),
            (false, false) => self.settings.identity().silence(),
            (false, true) => None,
        }
    }

    /// Where records are to be read into; never empty, or an error where the server sends without end what is no record.
    pub(super) fn space(&mut self) -> Result<&mut [u8], TlsError> {
        if self.start == self.end {
            // All of a buffer was filled at once: more will come.
            let much = self.end == self.input.len() && self.end < INPUT_OF_LARGE_REPLIES;
            let wanted = if much { (2 * self.end).max(INPUT) } else { self.input.len() };
            (self.start, self.end) = (0, 0);
            self.input.resize(wanted, 0);
        } else if self.end == self.input.len() {
            if self.start > 0 {
                self.input.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            }
            let grown = 2 * self.input.len();
            let much = self.input.len() < INPUT_OF_LARGE_REPLIES;
            if (self.end == self.input.len() && grown <= INPUT_LIMIT) || much {
                self.input.resize(grown, 0);
            } else if self.end == self.input.len() {
                return Err(TlsError::Protocol { reason: "a message is too long".into() });
            }
        }
        Ok(&mut self.input[self.end..])
    }

    /// Says that `count` bytes were read into the [`space`](Self::space).
    pub(super) fn advance(&mut self, count: usize) {
        self.end = self.input.len().min(self.end + count);
    }

    /// Decrypts what was received, and puts as much as fits into `into`; 0 when nothing is there.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, TlsError> {
        let mut count = self.take_plain(into);
        if count < into.len() || (into.is_empty() && self.plain.is_empty()) {
            match self.drive(&mut into[count..], |_, _| Ok(())) {
                Ok(more) => count += more,
                Err(error) if count == 0 => return Err(error),
                // What came before the error is good; the next call fails.
                Err(_) => {}
            }
        }
        Ok(count)
    }

    /// Encrypts a prefix of `slices`, of bounded length, and says how long it is.
    pub(super) fn write(&mut self, slices: &[IoSlice<'_>]) -> Result<usize, TlsError> {
        let mut written = None;
        self.drive(&mut [], |traffic, output| {
            written = Some(encrypt_all(traffic, slices, output)?);
            Ok(())
        })?;
        written.ok_or_else(|| TlsError::Protocol { reason: "nothing can be sent now".into() })
    }

    /// Takes leave of the server, which learns that nothing was cut off.
    pub(super) fn close(&mut self) {
        if self.is_handshaking() {
            return;
        }
        // Nobody is there to be told that it failed.
        let _ = self.drive(&mut [], |traffic, output| {
            let at = output.len();
            output.resize(at + 2 * OVERHEAD, 0);
            let count = traffic.queue_close_notify(&mut output[at..]).unwrap_or(0);
            output.truncate(at + count);
            Ok(())
        });
    }

    /// Records to send.
    pub(super) fn output(&self) -> &[u8] {
        &self.output[self.sent..]
    }

    /// Says that `count` bytes of the [`output`](Self::output) were sent.
    pub(super) fn handle_sent(&mut self, count: usize) {
        self.sent = self.output.len().min(self.sent + count);
        if self.sent == self.output.len() {
            self.sent = 0;
            self.output.clear();
            self.output.shrink_to(OUTPUT_KEPT);
        }
    }

    fn take_plain(&mut self, into: &mut [u8]) -> usize {
        let left = &self.plain[self.taken..];
        let count = left.len().min(into.len());
        into[..count].copy_from_slice(&left[..count]);
        self.taken += count;
        if self.taken == self.plain.len() {
            self.taken = 0;
            self.plain = Vec::new();
        }
        count
    }

    /// Lets rustls go on until it waits for more records, or until plain bytes are left over; `traffic` is called when
    /// it waits after the handshake.
    fn drive(
        &mut self,
        into: &mut [u8],
        mut traffic: impl FnMut(&mut WriteTraffic<'_, ClientConnectionData>, &mut Vec<u8>) -> Result<(), TlsError>,
    ) -> Result<usize, TlsError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let mut count = 0;
        // Whoever writes goes on to the traffic; whoever reads stops when the buffer is full.
        let reads = !into.is_empty();
        loop {
            let UnbufferedStatus { mut discard, state } =
                self.rustls.process_tls_records(&mut self.input[self.start..self.end]);
            let mut outcome = Ok(true);
            match state {
                Ok(ConnectionState::ReadTraffic(mut records)) => {
                    self.heard = true;
                    while let Some(Ok(record)) = records.next_record() {
                        discard += record.discard;
                        let fits = record.payload.len().min(into.len() - count);
                        into[count..count + fits].copy_from_slice(&record.payload[..fits]);
                        count += fits;
                        self.plain.extend_from_slice(&record.payload[fits..]);
                    }
                    outcome = Ok(!reads || (count < into.len() && self.plain.is_empty()));
                }
                Ok(ConnectionState::EncodeTlsData(record)) => encode(record, &mut self.output),
                // It is in the output buffer, which is sent before anything else.
                Ok(ConnectionState::TransmitTlsData(transmit)) => transmit.done(),
                Ok(ConnectionState::PeerClosed) => self.closed = true,
                Ok(ConnectionState::WriteTraffic(mut writer)) => {
                    outcome = traffic(&mut writer, &mut self.output).map(|()| false);
                }
                Ok(_) => outcome = Ok(false),
                Err(error) => outcome = Err(classify(error, &self.host, self.settings.identity(), self.begun)),
            }
            self.begun |= discard > 0;
            self.start = self.end.min(self.start + discard);
            match outcome {
                Ok(true) => {}
                Ok(false) => return Ok(count),
                Err(error) => {
                    self.failed = Some(error.clone());
                    self.encode_alert();
                    // What came before the error is good; the next call fails.
                    return if count > 0 { Ok(count) } else { Err(error) };
                }
            }
        }
    }

    /// After an error: tells the server what it was.
    fn encode_alert(&mut self) {
        // As long as there is something to encode, rustls does not look at the input, over which it has failed.
        while self.rustls.wants_write() {
            match self.rustls.process_tls_records(&mut self.input[self.start..self.end]).state {
                Ok(ConnectionState::EncodeTlsData(record)) => encode(record, &mut self.output),
                _ => return,
            }
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("host", &self.host)
            .field("version", &self.rustls.protocol_version())
            .field("handshake", &self.rustls.handshake_kind())
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

/// Appends a record of TLS itself to `output`.
fn encode(mut record: EncodeTlsData<'_, ClientConnectionData>, output: &mut Vec<u8>) {
    let (at, mut room) = (output.len(), 1024);
    loop {
        output.resize(at + room, 0);
        match record.encode(&mut output[at..]) {
            Ok(count) => return output.truncate(at + count),
            Err(EncodeError::InsufficientSize(size)) if size.required_size > room => room = size.required_size,
            Err(_) => return output.truncate(at),
        }
    }
}

/// Encrypts full records straight from the slices; what is shorter is first put together with what follows it, so that a
/// message of many parts does not become many records.
fn encrypt_all(
    traffic: &mut WriteTraffic<'_, ClientConnectionData>,
    slices: &[IoSlice<'_>],
    output: &mut Vec<u8>,
) -> Result<usize, TlsError> {
    let total: usize = slices.iter().map(|slice| slice.len()).sum();
    let mut left = total.min(ENCRYPTED_AT_ONCE);
    output.reserve(left + (left / RECORD + 2) * OVERHEAD);
    let mut gathered = Vec::new();
    for slice in slices {
        let mut slice = &slice[..slice.len().min(left)];
        left -= slice.len();
        if !gathered.is_empty() || (slice.len() < RECORD && left > 0) {
            let part;
            (part, slice) = slice.split_at(slice.len().min(RECORD - gathered.len()));
            gathered.extend_from_slice(part);
        }
        if gathered.len() == RECORD || left == 0 {
            encrypt(traffic, &mem::take(&mut gathered), output)?;
        }
        let (direct, rest) = slice.split_at(if left == 0 { slice.len() } else { slice.len() / RECORD * RECORD });
        encrypt(traffic, direct, output)?;
        gathered.extend_from_slice(rest);
    }
    Ok(total.min(ENCRYPTED_AT_ONCE))
}

fn encrypt(
    traffic: &mut WriteTraffic<'_, ClientConnectionData>,
    plain: &[u8],
    output: &mut Vec<u8>,
) -> Result<(), TlsError> {
    let at = output.len();
    let mut room = plain.len() + (plain.len() / RECORD + 1) * OVERHEAD;
    loop {
        output.resize(at + room, 0);
        match traffic.encrypt(plain, &mut output[at..]) {
            Ok(count) => {
                output.truncate(at + count);
                return Ok(());
            }
            Err(EncryptError::InsufficientSize(size)) if size.required_size > room => room = size.required_size,
            Err(error) => {
                output.truncate(at);
                return Err(TlsError::Protocol { reason: error.to_string() });
            }
        }
    }
}
