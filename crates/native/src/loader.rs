//! Loaders: small programs of ours that an interpreter runs before it is known for which function.

/// For Python.
pub(crate) const PYTHON: &str = include_str!("loader/lambda.py");
/// For Node.
pub(crate) const NODE: &str = include_str!("loader/lambda.mjs");
