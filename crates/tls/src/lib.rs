//! Server certificates: files with reload, several by name, self-signed, ACME.
#![forbid(unsafe_code)]
