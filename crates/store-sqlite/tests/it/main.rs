//! The embedded stores from outside: conformance, and a home that is closed, copied or damaged.

#[cfg(test)]
mod blobs;
#[cfg(test)]
mod epochs;
#[cfg(test)]
mod files;
#[cfg(test)]
mod kv;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod rewrap;
#[cfg(test)]
mod salts;
#[cfg(test)]
mod store;
