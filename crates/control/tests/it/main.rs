//! Tests of the admin API from the outside: requests go in at the router.

#![expect(clippy::expect_used, reason = "a test's own steps fail loudly")]

mod openapi;
mod rig;
