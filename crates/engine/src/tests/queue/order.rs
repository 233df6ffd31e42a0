//! Calls that belong together run one after the other.

use super::*;
use parking_lot::Mutex;

const FUNCTION: &str = r#"{"name":"f","http":[{"route":"* /f/{*rest}"}],
    "async":{"ordered_by":"x-order"},"on":[{"name":"moved","ordered_by":"partitionkey"}]}"#;

type Seen = Arc<Mutex<Vec<String>>>;

/// An engine whose function fails the first time that it is asked for a path with `bad` in it.
async fn ordered() -> (Rig, String, Seen) {
    let seen = Seen::default();
    let kept = Arc::clone(&seen);
    let rig = rig(move |request| {
        let event = request.headers().get("ce-id").and_then(|it| it.to_str().ok());
        let name = event.map_or_else(|| request.uri().path().to_owned(), str::to_owned);
        let mut seen = kept.lock();
        let is_new = !seen.contains(&name);
        seen.push(name.clone());
        match is_new && name.contains("bad") {
            true => vec![Step::Fail(FaultKind::Trapped)],
            // Long enough that others could begin meanwhile.
            false => [vec![Step::Yield; 20], answer()].concat(),
        }
    })
    .await;
    rig.deploy(FUNCTION).await.expect("deployed");
    let token = rig.token("ci", &["f"]).await;
    rig.grant("token:ci", "invoke-async", "f").await;
    rig.grant("token:ci", "publish", "shop").await;
    rig.grant("trigger:moved", "invoke", "f").await;
    (rig, token, seen)
}

async fn send(rig: &Rig, token: &str, path: &str, key: Option<&str>) {
    let mut request = later(get(path, Some(token)));
    if let Some(key) = key {
        request.headers_mut().insert("x-order", key.parse().expect("a value"));
    }
    rig.clock.forward(Duration::from_micros(1));
    assert_eq!(rig.send(request).await.expect("accepted").status(), 202);
}

#[tokio::test(start_paused = true)]
async fn calls_of_one_key_run_in_their_order_and_one_that_fails_holds_back_its_key_only() {
    let (rig, token, seen) = ordered().await;
    for (path, key) in [
        ("/f/a1-bad", Some("a")),
        ("/f/a2", Some("a")),
        ("/f/b1", Some("b")),
        ("/f/a3", Some("a")),
        ("/f/free", None),
        ("/f/b2", Some("b")),
    ] {
        send(&rig, &token, path, key).await;
    }
    rig.work().await;
    let first = seen.lock().clone();
    let find = |name: &str| first.iter().position(|own| own == name);
    assert!(
        first.iter().all(|it| !it.starts_with("/f/a2") && !it.starts_with("/f/a3")),
        "{first:?}"
    );
    assert!(find("/f/b1") < find("/f/b2") && find("/f/b2").is_some(), "{first:?}");
    assert!(find("/f/free").is_some(), "{first:?}");
    rig.clock.forward(Duration::from_secs(3));
    rig.work().await;
    let all = seen.lock().clone();
    assert_eq!(all[first.len()..], ["/f/a1-bad", "/f/a2", "/f/a3"].map(str::to_owned));
}

#[tokio::test(start_paused = true)]
async fn a_poisonous_call_holds_its_key_back_until_it_is_dead_and_no_longer() {
    let rig = rig(|request| match request.uri().path() {
        "/f/poison" => vec![Step::Fail(FaultKind::Trapped)],
        _ => answer(),
    })
    .await;
    rig.deploy(FUNCTION).await.expect("deployed");
    let token = rig.token("ci", &["f"]).await;
    rig.grant("token:ci", "invoke-async", "f").await;
    send(&rig, &token, "/f/poison", Some("a")).await;
    send(&rig, &token, "/f/after", Some("a")).await;
    for _ in 0..4 {
        rig.work().await;
        rig.clock.forward(Duration::from_secs(60));
    }
    let outcomes: Vec<_> = rig.records().iter().map(|it| it.outcome).collect();
    let trapped = Outcome::Trapped;
    assert_eq!(outcomes, [trapped, trapped, trapped, Outcome::Ok]);
}

#[tokio::test(start_paused = true)]
async fn events_of_one_key_run_in_their_order() {
    let (rig, token, seen) = ordered().await;
    let batch: Vec<String> = [("1-bad", "x"), ("2", "x"), ("3", "y"), ("4", "x")]
        .iter()
        .map(|(id, key)| {
            format!(
                r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t","partitionkey":"{key}"}}"#
            )
        })
        .collect();
    let body: &'static str = format!("[{}]", batch.join(",")).leak();
    let mut request = with_body("POST", "/.casemate/events/shop", Some(&token), body.as_bytes());
    let kind = HeaderValue::from_static("application/cloudevents-batch+json");
    request.headers_mut().insert("content-type", kind);
    assert_eq!(rig.send(request).await.expect("accepted").status(), 202);
    rig.work().await;
    let mut first = seen.lock().clone();
    first.sort();
    assert_eq!(first, ["1-bad", "3"]);
    rig.clock.forward(Duration::from_secs(3));
    rig.work().await;
    assert_eq!(seen.lock()[2..], ["1-bad", "2", "4"].map(str::to_owned));
}
