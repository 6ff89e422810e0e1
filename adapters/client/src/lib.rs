//! The Stator MongoDB driver, written once over any [`Runtime`].
//!
//! Most people want one of the adapters (`stator-tokio`, `stator-smol`, `stator-async-std`, `stator-blocking`), whose
//! types are these with the runtime filled in.
//!
//! - [`Client`], [`Database`] and [`Collection`] are cheap handles: clone them, share them, keep them in statics.
//! - Whatever talks to the server is an action: a builder with the operation's options, which is awaited (or, on a
//!   plain thread, `run()`).
//! - Any future may be dropped at any await point: the connection it used is put right in the background.
//!
//! # Features
//!
//! None is on by default; each adds and changes nothing else.
//!
//! - `snappy`, `zlib`, `zstd`: the codec of that name for compressed messages.
//! - `srv`: resolves `mongodb+srv` connection strings. On by default in the adapters; without it they are refused.
//! - `tls`: connections secured by rustls, with the certificates of the `tls*` options or a [`TlsConfig`].
//! - `tls-encrypted-keys`: `tlsCertificateKeyFilePassword`, for private keys in encrypted PKCS#8.
//! - `extjson`: the module `extjson`, which reads and writes MongoDB Extended JSON.
//! - `tracing`: log messages for the crate `tracing`, or as lines of text; see [`logging`]. Includes `extjson`.

#![forbid(unsafe_code)]

#[macro_use]
pub mod action;
mod call;
mod channel;
mod checkout;
mod client;
mod collection;
mod compress;
mod connect;
mod convert;
pub mod credentials;
mod cursor;
mod database;
pub mod decode;
mod deployment;
mod dial;
mod dialer;
mod dns;
pub mod encode;
mod ending;
mod error;
pub mod event;
mod execute;
#[cfg(feature = "extjson")]
pub mod extjson;
pub mod host;
mod hub;
mod index;
mod inner;
mod keeper;
mod learn;
mod lease;
mod link;
pub mod logging;
mod login;
mod metadata;
mod models;
mod monitor;
pub mod options;
pub mod results;
pub mod runtime;
mod selection;
mod selector;
mod serde_names;
pub mod session;
mod srv;
pub mod tls;
pub mod topology;

pub use bson;
pub use bson::{Bson, Document, doc};
pub use client::Client;
pub use collection::Collection;
pub use cursor::{CloseCursor, Cursor};
pub use database::Database;
pub use dns::{DnsError, DnsFailure};
pub use error::{BulkWriteError, ClientBulkWriteError, Error, ErrorKind, Phase, Result};
pub use index::{IndexModel, SearchIndexModel};
pub use options::ClientOptions;
pub use runtime::{BlockOn, Runtime};
#[cfg(feature = "tls")]
pub use rustls;
pub use session::ClientSession;
pub use stator_proto::operation::{CommandError, Namespace, WriteConcernError, WriteError, WriteFailure};
pub use stator_proto::{Instant, ServerAddress};
pub use tls::{TlsConfig, TlsError};

/// Names the client's types for one runtime, as the adapters do for theirs: `stator_client::handles!(MyRuntime);`
#[macro_export]
macro_rules! handles {
    ($runtime:ty) => {
        /// A MongoDB client on this runtime; see [`stator_client::Client`]($crate::Client).
        pub type Client = $crate::Client<$runtime>;
        /// A database on this runtime; see [`stator_client::Database`]($crate::Database).
        pub type Database = $crate::Database<$runtime>;
        /// A collection on this runtime; see [`stator_client::Collection`]($crate::Collection).
        pub type Collection<T = $crate::Document> = $crate::Collection<$runtime, T>;
        /// A session on this runtime; see [`stator_client::ClientSession`]($crate::ClientSession).
        pub type ClientSession = $crate::ClientSession<$runtime>;
        /// A cursor on this runtime; see [`stator_client::Cursor`]($crate::Cursor).
        pub type Cursor<T = $crate::Document> = $crate::Cursor<$runtime, T>;
    };
}
