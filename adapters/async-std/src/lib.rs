//! The Stator MongoDB driver on async-std.
