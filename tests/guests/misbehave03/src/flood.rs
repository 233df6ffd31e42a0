//! Ways to make the host keep more and more.

use crate::Answer;
use crate::ask::Ask;
use std::future::Future as _;
use std::mem::forget;
use std::pin::Pin;
use std::task::Poll;
use wasip3::clocks::monotonic_clock::wait_for;
use wasip3::http::types::{ErrorCode, Fields};
use wasip3::{spawn_local, wit_future, wit_stream};

const HOUR_NS: u64 = 3_600_000_000_000;

/// Begins calls of the host without end and waits for none of them.
pub async fn subtasks(_: Ask) -> Answer {
    std::future::poll_fn(|cx| -> Poll<Answer> {
        loop {
            let mut call = Box::pin(wait_for(HOUR_NS));
            let _ = Pin::new(&mut call).poll(cx);
            forget(call);
        }
    })
    .await
}

/// Makes streams without end.
pub async fn streams(_: Ask) -> Answer {
    loop {
        forget(wit_stream::new::<u8>());
    }
}

/// Makes futures without end.
pub async fn futures(_: Ask) -> Answer {
    loop {
        forget(wit_future::new::<Result<(), ErrorCode>>(|| Ok(())));
    }
}

/// Makes resources without end.
pub async fn fields(_: Ask) -> Answer {
    loop {
        forget(Fields::new());
    }
}

/// Starts tasks without end, each of which waits for an hour.
pub async fn spawn(_: Ask) -> Answer {
    loop {
        spawn_local(wait_for(HOUR_NS));
        wasip3::wit_bindgen::yield_async().await;
    }
}
