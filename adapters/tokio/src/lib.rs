//! The Stator MongoDB driver on tokio.
