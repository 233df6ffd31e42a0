//! Finds sensitive values in text that nobody labelled.
