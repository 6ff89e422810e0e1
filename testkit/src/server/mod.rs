//! Real mongod processes on demand.
