//! DriverBench and micro-benchmarks of Stator, beside its peers.
