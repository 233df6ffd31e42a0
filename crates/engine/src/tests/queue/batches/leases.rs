//! Leases of messages that a function is called with at once, and how each of them ends.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_gone_leaves_each_to_be_tried_alone() {
    let (rig, token, script) = shop().await;
    let ids = rig.publish_all(&token, &[("1", "a"), ("2", "a"), ("3", "b")]).await;
    *script.lock() = vec![Step::Hang];
    let working = tokio::spawn(Arc::clone(&rig.engine).work(4, std::future::pending()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    for id in &ids {
        assert_eq!(rig.state(*id).await, Some((State::Leased, 1)));
    }
    working.abort();
    let _ended = working.await;
    *script.lock() = says("{}");
    rig.clock.forward(Duration::from_secs(61));
    rig.work().await;
    assert!(rig.messages().await.is_empty());
    let done: Vec<_> = rig.batches()[1..].to_vec();
    assert_eq!(done.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
    let at = |id| done.iter().position(|it| it[0] == id);
    assert!(at(ids[0]) < at(ids[1]), "their order is kept: {done:?}");
}

#[tokio::test(start_paused = true)]
async fn a_long_batch_keeps_all_of_its_leases() {
    let (rig, token, script) = shop().await;
    rig.deploy(&FUNCTION.replace(r#""name":"f""#, r#""name":"f","timeout":"300s""#))
        .await
        .expect("a patient function");
    let ids = rig.publish_all(&token, &[("1", "a"), ("2", "b")]).await;
    *script.lock() = vec![Step::Hang];
    let working = tokio::spawn(Arc::clone(&rig.engine).work(4, std::future::pending()));
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_secs(20)).await;
        rig.clock.forward(Duration::from_secs(20));
    }
    assert_eq!(rig.executor.alive.load(Ordering::Relaxed), 1, "it runs once");
    for id in ids {
        assert_eq!(rig.state(id).await, Some((State::Leased, 1)));
    }
    working.abort();
}

#[tokio::test(start_paused = true)]
async fn the_end_of_each_is_told_by_itself_and_without_the_reply_to_all() {
    let (rig, token, script) = shop().await;
    let telling = FUNCTION.replace(
        r#""async":{"#,
        r#""async":{"retries":0,"on_success":{"invoke":"g"},"on_failure":{"invoke":"g"},"#,
    );
    let g = r#"{"name":"g","async":{"delay":"1h"}}"#;
    rig.deploy(&format!("{telling},{g}")).await.expect("deployed");
    rig.grant("function:f", "invoke", "g").await;
    let ids = rig.publish_all(&token, &[("1", "a"), ("2", "b")]).await;
    *script.lock() = says(&failures(&ids[1..]));
    rig.work().await;
    let mut told = Vec::new();
    for id in rig.messages().await.into_iter().filter(|id| !ids.contains(id)) {
        let payload = rig.queue.payload(&Scope::default(), id).await.expect("a queue");
        let payload = payload.expect("it is there");
        let (call, at) = model::wire::queued::Call::decode(&payload).expect("a call");
        assert_eq!(call.caller.to_string(), "function:f");
        told.push(serde_json::from_slice::<Value>(&payload[at..]).expect("JSON"));
    }
    told.sort_by_key(|event| event["type"] == "dev.casemate.invocation.succeeded");
    let [failed, done] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(
        (&done["subject"], &failed["subject"]),
        (&ids[0].to_string().into(), &ids[1].to_string().into())
    );
    for event in [failed, done] {
        assert_eq!(event["data"]["reply"]["status"], 200);
        assert_eq!(event["data"]["reply"].get("body"), None, "{event}");
    }
    assert_eq!(rig.state(ids[1]).await, Some((State::Dead, 1)));
}
