//! Decoding compared with the `bson` crate, and what only this decoder does.

mod errors;
mod same;
mod zoo;

use crate::{decode, encode};
