//! The Stator MongoDB driver on plain threads: no executor.
