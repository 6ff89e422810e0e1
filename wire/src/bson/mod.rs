//! BSON as views over bytes, a validator and a back-patching writer.
