//! HTTP/2: what stands around hyper so that one connection cannot make the node work for nothing.
//!
//! The wire below hyper follows the frames and counts the cheap ones (`frames`, `wire`), and reads
//! fields for what hyper does not show (`blocks`, `fields`). The
//! service above it holds requests to the same rules as HTTP/1.1 (`request`). Each request runs
//! in a task of its own on the connection's worker, with its own clock (`streams`). One more task
//! drives them all, drains and says goodbye (`drive`).

pub mod frames;

mod allowance;
mod blocks;
mod drive;
mod farewell;
mod fields;
mod huffman;
mod pace;
mod preface;
mod request;
mod streams;
mod wire;

pub(crate) use drive::serve;
pub(crate) use preface::is_announced;
pub(crate) use request::check;
