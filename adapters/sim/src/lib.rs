//! Deterministic simulation for the Stator MongoDB driver: virtual clock, memory streams, seeded scheduler, scripted servers.
