//! A socket that sends a request and reads the whole reply.

use std::future::Future;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::Failure;

/// A connected socket.
pub(super) trait Socket: Sized + Send + 'static {
    fn connect(address: SocketAddr) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// Sends a request and reads its reply; returns the reply's length.
    fn exchange(&mut self, request: &[u8], reply: &mut Vec<u8>) -> impl Future<Output = Result<usize, Failure>> + Send;
}

/// Calls that block.
#[derive(Debug)]
pub(super) struct Plain(TcpStream);

impl Socket for Plain {
    async fn connect(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    async fn exchange(&mut self, request: &[u8], reply: &mut Vec<u8>) -> Result<usize, Failure> {
        self.0.write_all(request)?;
        let mut filled = 0;
        loop {
            let count = self.0.read(&mut reply[filled..])?;
            if let Some(length) = whole(&mut filled, count, reply)? {
                return Ok(length);
            }
        }
    }
}

/// Sockets of tokio's reactor.
#[derive(Debug)]
pub(super) struct OverTokio(tokio::net::TcpStream);

impl Socket for OverTokio {
    async fn connect(address: SocketAddr) -> Result<Self, Failure> {
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    async fn exchange(&mut self, request: &[u8], reply: &mut Vec<u8>) -> Result<usize, Failure> {
        self.0.write_all(request).await?;
        let mut filled = 0;
        loop {
            let count = self.0.read(&mut reply[filled..]).await?;
            if let Some(length) = whole(&mut filled, count, reply)? {
                return Ok(length);
            }
        }
    }
}

/// So many bytes more have come: the reply's length if that is all of it. Makes room for the rest.
fn whole(filled: &mut usize, count: usize, reply: &mut Vec<u8>) -> Result<Option<usize>, Failure> {
    if count == 0 {
        return Err("the server closed the connection".into());
    }
    *filled += count;
    let Some(claimed) = reply[..*filled].first_chunk::<4>() else { return Ok(None) };
    let length = usize::try_from(i32::from_le_bytes(*claimed))?;
    if length > reply.len() {
        reply.resize(length, 0);
    }
    Ok((*filled >= length).then_some(length))
}
