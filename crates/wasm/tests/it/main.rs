//! The executor as the engine sees it: hand-made guests that behave and that do not.

#![expect(clippy::expect_used, clippy::panic, reason = "a test's own steps fail loudly")]

mod answers;
mod fairness;
mod guests;
mod guests03;
mod limits;
mod preparing;
mod rig;
mod state;
mod wasi03;
