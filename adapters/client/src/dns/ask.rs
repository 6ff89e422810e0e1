//! One name, several name servers, under one deadline.

use core::future::poll_fn;
use core::time::Duration;
use std::io;
use std::net::SocketAddr;

use super::error::{DnsError, DnsFailure};
use super::message::{Answer, Kind, Question, Records, Transport};
use super::resolver::ResolverConfig;
use crate::connect::write_all;
use crate::runtime::{Endpoint, Instant, Runtime, Stream};

/// What a server gets at least of a short deadline.
const LEAST_SHARE: Duration = Duration::from_millis(250);

/// Asks the name servers in turn until one says what there is, or that there is nothing. Also returns who answered.
pub(super) async fn ask<R: Runtime>(
    runtime: &R,
    resolver: &ResolverConfig,
    name: &str,
    kind: Kind,
    deadline: Instant,
) -> Result<(Records, SocketAddr), DnsError> {
    let count = resolver.servers.len();
    let first = if resolver.rotate { random::<R, 2>(runtime) } else { [0, 0] };
    let first = usize::from(u16::from_be_bytes(first));
    let tries = count * resolver.attempts as usize;
    let mut worst: Option<DnsError> = None;
    for (number, left) in (0..tries).zip((1..=tries as u32).rev()) {
        let server = resolver.servers[(first + number) % count];
        let now = runtime.now();
        let fails = |failure| DnsError { name: name.to_owned(), server: Some(server), failure };
        if now >= deadline {
            return Err(worst.unwrap_or_else(|| fails(DnsFailure::Timeout)));
        }
        let share = match deadline.is_far_future() {
            true => resolver.timeout,
            false => resolver.timeout.min(((deadline - now) / left).max(LEAST_SHARE)),
        };
        match ask_server(runtime, server, name, kind, share, deadline).await {
            Ok(records) => return Ok((records, server)),
            Err(failure) if failure.is_absence() || matches!(failure, DnsFailure::InvalidName) => {
                return Err(fails(failure));
            }
            // Silence says less than anything that was said.
            Err(DnsFailure::Timeout) => drop(worst.get_or_insert(fails(DnsFailure::Timeout))),
            Err(failure) => worst = Some(fails(failure)),
        }
    }
    // There is at least one server, and it is asked at least once.
    Err(worst.unwrap_or(DnsError { name: name.to_owned(), server: None, failure: DnsFailure::Timeout }))
}

/// Asks one server, each time for at most `share`: with EDNS, without if it knows none, by TCP if need be.
async fn ask_server<R: Runtime>(
    runtime: &R,
    server: SocketAddr,
    name: &str,
    kind: Kind,
    share: Duration,
    deadline: Instant,
) -> Result<Records, DnsFailure> {
    let (mut edns, mut by) = (true, Transport::Udp);
    loop {
        let question = Question::new(name, kind, &random(runtime));
        let message = question.to_bytes(edns)?;
        let until = deadline.min(runtime.now() + share);
        let answer = match by {
            Transport::Udp => runtime.exchange_datagram(server, &message, until).await,
            Transport::Tcp => exchange_by_tcp(runtime, server, &message, until).await,
        };
        let answer = answer.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => DnsFailure::Timeout,
            _ => DnsFailure::Io(error),
        })?;
        match question.read(&answer, by)? {
            Answer::Records(records) => return Ok(records),
            Answer::AskByTcp => by = Transport::Tcp,
            Answer::AskPlainly if edns => edns = false,
            Answer::AskPlainly => return Err(DnsFailure::Refused(answer[3] & 0x0F)),
        }
    }
}

/// A message by TCP has its length before it (RFC 1035, section 4.2.2), which bounds it.
async fn exchange_by_tcp<R: Runtime>(
    runtime: &R,
    server: SocketAddr,
    message: &[u8],
    deadline: Instant,
) -> io::Result<Vec<u8>> {
    let too_long = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let mut framed = u16::try_from(message.len()).map_err(too_long)?.to_be_bytes().to_vec();
    framed.extend_from_slice(message);
    let mut stream = runtime.connect(&Endpoint::Tcp(server), deadline).await?;
    write_all(&mut stream, &framed, deadline).await?;
    let mut len = [0; 2];
    read_exactly(&mut stream, &mut len, deadline).await?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(len))];
    read_exactly(&mut stream, &mut answer, deadline).await?;
    Ok(answer)
}

async fn read_exactly<S: Stream>(stream: &mut S, buf: &mut [u8], deadline: Instant) -> io::Result<()> {
    let mut done = 0;
    while done < buf.len() {
        match poll_fn(|cx| stream.poll_recv(cx, &mut buf[done..], deadline)).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => done += count,
        }
    }
    Ok(())
}

fn random<R: Runtime, const N: usize>(runtime: &R) -> [u8; N] {
    let mut bytes = [0; N];
    runtime.fill_random(&mut bytes);
    bytes
}
