//! What comes before a contract, and what happens where there is no room for it.

use super::*;

#[tokio::test]
async fn what_finds_no_room_waits_and_is_not_lost() {
    let (rig, token) = shop(REVEAL, Vec::new).await;
    rig.grant("token:t", "invoke-async", "f").await;
    let body = format!(r#"{{"email":"{MAIL}"}}"#);
    let fields = [JSON, ("prefer", "respond-async")];
    say(&rig, post("/f", &token, &fields, &body)).await.expect("accepted");
    // The contract came later, so that it is applied when the call runs.
    rig.deploy_as("shop", &function(IN), true).await.expect("deployed");
    let now = ports::Clock::wall(&*rig.clock);
    let until = model::Timestamp(now.0 + 60_000_000);
    let want = ports::queue::Want { now, until, most: 1, skip: Vec::new() };
    let leased = ports::Queue::lease(&*rig.queue, want).await.expect("a queue").items.remove(0);
    let mut all = crate::host::Hold::new(&rig.engine.gathered);
    while all.take(64) {}
    assert_eq!(rig.engine.attempt(&leased, false).await.0, crate::invoke::Landed::NoRoom);
    let problem = say(&rig, post("/f", &token, &[JSON], &body)).await.expect_err("no room");
    assert_eq!(problem.code, Code::Overloaded);
    drop(all);
    assert_eq!(rig.engine.attempt(&leased, false).await.0, crate::invoke::Landed::Done);
}

#[tokio::test]
async fn what_no_cap_has_room_for_is_not_looked_at() {
    let (rig, token) = shop(IN, Vec::new).await;
    let capped =
        function(IN).replace(r#""allow":{"#, r#""cap":[{"per":"day","invocations":1}],"allow":{"#);
    rig.deploy_as("shop", &capped, true).await.expect("deployed");
    say(&rig, post("/f", &token, &[JSON], "{}")).await.expect("the first");
    let problem = say(&rig, post("/f", &token, &[JSON], "no JSON")).await.expect_err("the second");
    assert_eq!(problem.code, Code::CapReached);
}
