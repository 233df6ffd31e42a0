//! Loopers beside a light function on one thread.

use crate::guests::{hello, looper};
use crate::rig::{Rig, finish, get};
use ports::executor::FaultKind;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use tokio::task::LocalSet;

const LOOPERS: usize = 8;
const CALLS: usize = 20;

#[tokio::test(flavor = "current_thread")]
async fn a_light_function_waits_for_one_looper_at_a_time() {
    let mut rig = Rig::new();
    let light = rig.prepare(&hello()).await.expect("component");
    let heavy = rig.prepare(&looper()).await.expect("component");
    rig.limits.cpu_ms = 400;
    let rig = Rc::new(rig);
    let polls = Rc::new(Cell::new(0_usize));
    let ended = Rc::new(RefCell::new(Vec::new()));
    let tasks = LocalSet::new();
    for number in 0..LOOPERS {
        let (rig, polls, ended) = (Rc::clone(&rig), Rc::clone(&polls), Rc::clone(&ended));
        tasks.spawn_local(async move {
            let mut running = rig.start(heavy, get());
            let head = poll_fn(|cx| {
                polls.set(polls.get() + 1);
                running.as_mut().poll_head(cx)
            });
            assert_eq!(head.await.expect_err("stopped").kind, FaultKind::Cpu);
            ended.borrow_mut().push(number);
        });
    }
    let calls = tasks.run_until(async {
        // All loopers have had their first ticks and queue.
        while polls.get() < 3 * LOOPERS {
            tokio::task::yield_now().await;
        }
        polls.set(0);
        for _ in 0..CALLS {
            tokio::task::yield_now().await;
            assert_eq!(finish(rig.start(light, get())).await.text(), "hello");
        }
        assert!(ended.borrow().is_empty(), "the loopers still run");
        polls.get()
    });
    let polls_meanwhile = calls.await;
    // A turn is two polls: one to take it up after the runtime looked at its sockets, one to
    // compute. Without turns there would be LOOPERS polls per call.
    assert!(polls_meanwhile <= CALLS * 4, "{polls_meanwhile} polls for {CALLS} calls");
    tasks.await;
    assert_eq!(ended.borrow().len(), LOOPERS, "every looper got its turns to the end");
}
