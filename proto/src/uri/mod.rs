//! The connection string and all its options.
