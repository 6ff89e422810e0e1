//! Examples of Stator, one idea a file.
