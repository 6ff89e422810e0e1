//! The Stator MongoDB driver on smol.
