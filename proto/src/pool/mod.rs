//! The connection pool as a machine (CMAP).
