//! Authentication mechanisms as machines: `first`, `next`, `finish`.
