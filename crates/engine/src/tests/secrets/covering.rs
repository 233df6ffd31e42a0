//! What came back with a secret in it is covered, wherever it would be read.

use super::*;
use model::wire::v1::CALLS_MAX;

#[tokio::test(start_paused = true)]
async fn what_comes_back_is_covered_in_head_body_lines_and_records() {
    let line = |text: &str| {
        Step::Log(Line { level: Level::Info, bytes: text.as_bytes().to_vec(), cut: false })
    };
    let leak = format!("https://other.example/{VALUE}");
    let steps = vec![
        line(&format!("before: {VALUE}")),
        read("https://psp.example/", &[]),
        line(&format!("after: {VALUE}")),
        read(&leak, &[]),
    ];
    let rig = using(VALUE, ALLOW, "", steps).await;
    let told = told(&rig).await;
    let cover = "*".repeat(VALUE.len());
    assert!(!told.contains(VALUE), "{told}");
    assert!(told.contains(&format!("authorization: Bearer {cover}")), "{told}");
    assert!(told.contains(&format!(r#""x-echo": "Bearer {cover}""#)), "{told}");
    // What the function knows by itself was not used yet.
    let lines: Vec<String> = rig.lines().into_iter().map(|line| line.text).collect();
    assert!(lines.contains(&format!("before: {VALUE}")), "{lines:?}");
    assert!(lines.contains(&format!("after: {cover}")), "{lines:?}");
    let record = rig.records().pop().expect("a record");
    let masked: Vec<_> = record.calls.iter().filter(|it| it.operation == "secret.masked").collect();
    // In the field, in the body, in the line, and in the second body.
    assert_eq!((masked.len(), &*masked[0].resource), (1, "psp"));
    assert_eq!(masked[0].bytes, 4 * VALUE.len() as u64);
    let resources: Vec<&str> = record.calls.iter().map(|it| &*it.resource).collect();
    assert!(resources.contains(&&*format!("POST https://other.example/{cover}")), "{resources:?}");
}

#[tokio::test(start_paused = true)]
async fn a_weak_value_is_used_and_not_covered() {
    let rig = using("hunter2", ALLOW, "", vec![read("https://psp.example/", &[])]).await;
    assert!(rig.engine.secrets(&Scope::default())[0].weak);
    assert!(told(&rig).await.contains("Bearer hunter2"));
    assert!(decisions(&rig).iter().all(|(operation, ..)| operation != "secret.masked"));
}

#[tokio::test(start_paused = true)]
async fn lengths_stay_true_when_something_is_covered() {
    let rig = using(VALUE, ALLOW, "", vec![read("https://psp.example/", &[])]).await;
    let whole = rig.send(get("/f", None)).await.expect("answered");
    drop(whole);
    let outside = Scripted::new(|_| Ok((200, format!("{VALUE} and sk_li").into_bytes())));
    let rig = rig_to(outside, Config::default(), &[], |_| {
        let step = read("https://psp.example/", &[]);
        vec![Step::Head(http::StatusCode::OK), step, Step::End]
    })
    .await;
    put(&rig, "psp", VALUE, false).await.expect("set");
    let spec =
        format!(r#"{{"name":"f","allow":{ALLOW},"http":[{{"route":"GET /f","auth":"public"}}]}}"#);
    rig.deploy_as("shop", &spec, true).await.expect("deployed");
    let told = told(&rig).await;
    assert!(told.contains(&format!("\n{} and sk_li\n", "*".repeat(VALUE.len()))), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_flood_with_something_covered_in_it_hides_no_other_ask() {
    let url = format!("https://nowhere.example/{VALUE}");
    let mut steps = vec![read("https://psp.example/", &[])];
    steps.extend(vec![Step::Ask(HostCall::Http(call(&url, &[]))); CALLS_MAX + 50]);
    steps.push(Step::Ask(HostCall::Http(call("https://elsewhere.example/", &[]))));
    let rig = using(VALUE, ALLOW, "", steps).await;
    told(&rig).await;
    let resources: Vec<String> = decisions(&rig).into_iter().map(|(_, it, _)| it).collect();
    assert!(resources.iter().any(|it| it.contains("nowhere.example/***")), "{resources:?}");
    assert!(resources.iter().any(|it| it.contains("elsewhere.example")), "{}", resources.len());
}
