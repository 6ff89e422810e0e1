//! The client's half of SOCKS5 (RFC 1928, RFC 1929; specification "SOCKS5 Support"): asks a proxy for a connection to a
//! host whose name the proxy resolves.
//!
//! ```text
//!                   method 0
//! Greeting ──────────────────────▶ Request ──────▶ Done
//!    │   method 2                    ▲   │ refused
//!    └──────────▶ Login ─────────────┘   ▼
//!                   └──────────────▶ Failed: the first error sticks
//! ```
//!
//! What follows the proxy's last reply belongs to the host behind it. So [`Socks5::wants`] says how many bytes to read, and
//! nobody reads more.
//!
//! ```
//! use stator_proto::Instant;
//! use stator_proto::socks5::Socks5;
//!
//! let mut socks = Socks5::new("db.example.com", 27017, None, Instant::FAR_FUTURE)?;
//! // What a proxy says: no authentication; then the connection is there, bound to 10.0.0.9:4711.
//! let mut proxy: &[u8] = &[5, 0, 5, 0, 0, 1, 10, 0, 0, 9, 0x12, 0x67];
//! let mut out = Vec::new();
//! while !socks.is_done() {
//!     socks.poll_transmit(&mut out); // write `out`, then read
//!     let (input, rest) = proxy.split_at(socks.wants());
//!     proxy = rest;
//!     socks.handle_recv(Instant::ORIGIN, input)?;
//! }
//! # Ok::<(), stator_proto::socks5::Socks5Error>(())
//! ```

use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use crate::Instant;
use crate::uri::Secret;

/// A user of the proxy (RFC 1929).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyUser {
    /// `proxyUsername`, 1 to 255 bytes.
    pub username: alloc::string::String,
    /// `proxyPassword`, 1 to 255 bytes.
    pub password: Secret,
}

/// Why the proxy is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Socks5Error {
    /// The host's name is longer than 255 bytes, or empty.
    HostName,
    /// User name or password are longer than 255 bytes, or empty.
    User,
    /// What answers is no SOCKS5 proxy: its reply begins with this byte.
    Version(u8),
    /// The proxy wants an authentication that was not offered.
    NoAcceptableMethod,
    /// The proxy chose a method that was not offered.
    UnexpectedMethod(u8),
    /// The proxy refused user name and password.
    LoginRefused,
    /// The proxy could not connect to the host; its reply code (RFC 1928, section 6).
    Refused(u8),
    /// The proxy's reply has an address of an unknown type.
    AddressType(u8),
    /// More bytes were handed in than were wanted.
    Surplus,
    /// The proxy closed the connection.
    Closed,
}

impl fmt::Display for Socks5Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostName => f.write_str("SOCKS5 takes host names of 1 to 255 bytes"),
            Self::User => f.write_str("SOCKS5 takes user names and passwords of 1 to 255 bytes"),
            Self::Version(byte) => write!(f, "the proxy does not speak SOCKS5 (its reply begins with {byte:#04x})"),
            Self::NoAcceptableMethod => f.write_str("the SOCKS5 proxy wants another authentication"),
            Self::UnexpectedMethod(method) => {
                write!(f, "the SOCKS5 proxy chose the authentication method {method}, which was not offered")
            }
            Self::LoginRefused => f.write_str("the SOCKS5 proxy refused user name and password"),
            Self::Refused(code) => write!(f, "the SOCKS5 proxy could not connect: {} ({code})", reply_text(*code)),
            Self::AddressType(byte) => write!(f, "the SOCKS5 proxy replied with an address of unknown type {byte}"),
            Self::Surplus => f.write_str("more of the SOCKS5 proxy's bytes were read than were wanted"),
            Self::Closed => f.write_str("the SOCKS5 proxy closed the connection"),
        }
    }
}

impl core::error::Error for Socks5Error {}

/// The reply codes of RFC 1928, section 6.
const fn reply_text(code: u8) -> &'static str {
    match code {
        1 => "general failure",
        2 => "not allowed by its rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "it does not know the command",
        8 => "it does not know the type of address",
        _ => "unknown reason",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    Login,
    Request,
    Done,
}

/// The machine of one connection through a proxy.
#[derive(Debug)]
pub struct Socks5 {
    state: State,
    /// The state's message is still to be written.
    unsent: bool,
    /// The CONNECT request, ready to be sent.
    request: Vec<u8>,
    user: Option<ProxyUser>,
    /// The reply of this state, as far as it has come; at most 262 bytes.
    reply: Vec<u8>,
    error: Option<Socks5Error>,
    deadline: Instant,
}

const VERSION: u8 = 5;
const LOGIN_VERSION: u8 = 1;
const METHOD_NONE: u8 = 0;
const METHOD_LOGIN: u8 = 2;
const METHOD_REFUSED: u8 = 0xFF;
const COMMAND_CONNECT: u8 = 1;
const ADDRESS_V4: u8 = 1;
const ADDRESS_NAME: u8 = 3;
const ADDRESS_V6: u8 = 4;

impl Socks5 {
    /// A connection to `host`, an IP literal or a name that goes to the proxy as it is. `deadline` is only reported.
    ///
    /// # Errors
    /// [`Socks5Error::HostName`] and [`Socks5Error::User`] for what does not fit the protocol.
    pub fn new(host: &str, port: u16, user: Option<ProxyUser>, deadline: Instant) -> Result<Self, Socks5Error> {
        let mut request = alloc::vec![VERSION, COMMAND_CONNECT, 0];
        match host.parse::<IpAddr>() {
            Ok(IpAddr::V4(ip)) => {
                request.push(ADDRESS_V4);
                request.extend(ip.octets());
            }
            Ok(IpAddr::V6(ip)) => {
                request.push(ADDRESS_V6);
                request.extend(ip.octets());
            }
            Err(_) => {
                request.push(ADDRESS_NAME);
                push_short(&mut request, host).ok_or(Socks5Error::HostName)?;
            }
        }
        request.extend(port.to_be_bytes());
        let fits = |text: &str| (1..=255).contains(&text.len());
        if user.as_ref().is_some_and(|user| !fits(&user.username) || !fits(user.password.expose())) {
            return Err(Socks5Error::User);
        }
        let (state, reply, error) = (State::Greeting, Vec::new(), None);
        Ok(Self { state, unsent: true, request, user, reply, error, deadline })
    }

    /// Whether the connection is there: the next bytes are the host's.
    pub fn is_done(&self) -> bool {
        self.state == State::Done && self.error.is_none()
    }

    /// When to give up.
    pub fn poll_timeout(&self) -> Option<Instant> {
        Some(self.deadline).filter(|_| !self.is_done())
    }

    /// Appends what is to be written; `false` if that is nothing.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        if self.error.is_some() || !core::mem::take(&mut self.unsent) {
            return false;
        }
        match (self.state, &self.user) {
            (State::Greeting, None) => out.extend([VERSION, 1, METHOD_NONE]),
            (State::Greeting, Some(_)) => out.extend([VERSION, 2, METHOD_NONE, METHOD_LOGIN]),
            (State::Login, Some(user)) => {
                out.push(LOGIN_VERSION);
                // Their lengths were checked by `new`.
                let _ = push_short(out, &user.username);
                let _ = push_short(out, user.password.expose());
            }
            (State::Request, _) => out.extend_from_slice(&self.request),
            (State::Login, None) | (State::Done, _) => return false,
        }
        true
    }

    /// How many bytes to read now; reading fewer is fine, reading more is not. 0 when done or failed.
    pub fn wants(&self) -> usize {
        if self.error.is_some() { 0 } else { self.needed().saturating_sub(self.reply.len()) }
    }

    /// The length of the reply, as far as it is known.
    fn needed(&self) -> usize {
        match (self.state, self.reply.as_slice()) {
            (State::Done, _) => 0,
            (State::Greeting | State::Login, _) | (State::Request, [] | [_]) => 2,
            // Version, code, reserved, type and the address's first byte, which is the length of a name.
            (State::Request, [_, _] | [_, _, _] | [_, _, _, _]) => 5,
            (State::Request, [_, _, _, ADDRESS_V4, ..]) => 4 + 4 + 2,
            (State::Request, [_, _, _, ADDRESS_V6, ..]) => 4 + 16 + 2,
            (State::Request, [_, _, _, _, len, ..]) => 5 + usize::from(*len) + 2,
        }
    }

    /// Bytes came from the proxy, at most as many as [`wants`](Self::wants) said.
    ///
    /// # Errors
    /// All of [`Socks5Error`]; the first one sticks.
    pub fn handle_recv(&mut self, _now: Instant, input: &[u8]) -> Result<(), Socks5Error> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        if input.len() > self.wants() {
            return self.fail(Socks5Error::Surplus);
        }
        self.reply.extend_from_slice(input);
        let next = match (self.state, self.reply.as_slice()) {
            (State::Greeting | State::Request, [version, ..]) if *version != VERSION => {
                return self.fail(Socks5Error::Version(*version));
            }
            (State::Greeting, [_, METHOD_NONE]) => State::Request,
            (State::Greeting, [_, METHOD_LOGIN]) if self.user.is_some() => State::Login,
            (State::Greeting, [_, METHOD_REFUSED]) => return self.fail(Socks5Error::NoAcceptableMethod),
            (State::Greeting, [_, method]) => return self.fail(Socks5Error::UnexpectedMethod(*method)),
            // The version of this reply is 1; proxies that say 5 are known, and only the status matters.
            (State::Login, [_, 0]) => State::Request,
            (State::Login, [_, _]) => return self.fail(Socks5Error::LoginRefused),
            (State::Request, [_, code, ..]) if *code != 0 => return self.fail(Socks5Error::Refused(*code)),
            (State::Request, [_, _, _, kind, ..]) if !matches!(*kind, ADDRESS_V4 | ADDRESS_NAME | ADDRESS_V6) => {
                return self.fail(Socks5Error::AddressType(*kind));
            }
            (State::Request, reply) if reply.len() >= 5 && reply.len() == self.needed() => State::Done,
            _ => return Ok(()),
        };
        self.state = next;
        self.unsent = next != State::Done;
        self.reply.clear();
        Ok(())
    }

    /// The proxy has closed the connection: the error that this is.
    pub fn handle_closed(&mut self, _now: Instant) -> Socks5Error {
        self.error.get_or_insert(Socks5Error::Closed).clone()
    }

    fn fail(&mut self, error: Socks5Error) -> Result<(), Socks5Error> {
        self.error = Some(error.clone());
        Err(error)
    }
}

/// Appends a text behind its length in one byte; `None` if it is empty or does not fit.
fn push_short(out: &mut Vec<u8>, text: &str) -> Option<()> {
    let len = u8::try_from(text.len()).ok().filter(|&len| len > 0)?;
    out.push(len);
    out.extend_from_slice(text.as_bytes());
    Some(())
}

#[cfg(test)]
mod tests;
