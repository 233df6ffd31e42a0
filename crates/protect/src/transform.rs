//! Turns a sensitive value into one that may be seen, and back where that is possible.
