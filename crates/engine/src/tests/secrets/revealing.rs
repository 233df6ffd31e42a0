//! Secrets that a function reads itself.

use super::*;

const READING: &str = r#"{"http":["* https://psp.example/*"],"secret":{"psp":{"reveal":true}}}"#;

fn ask(name: &str) -> Step {
    Step::Tell(HostCall::Reveal(name.to_owned()))
}

fn line(text: &str) -> Step {
    Step::Log(Line { level: Level::Info, bytes: text.as_bytes().to_vec(), cut: false })
}

#[tokio::test(start_paused = true)]
async fn a_value_is_read_recorded_and_covered_in_what_is_written_down() {
    let leak = format!("https://psp.example/{VALUE}");
    let steps = vec![
        line(&format!("before: {VALUE}")),
        ask("psp"),
        line(&format!("after: {VALUE}")),
        read(&leak, &[]),
    ];
    let rig = using(VALUE, READING, "", steps).await;
    let told = told(&rig).await;
    assert!(told.contains(&leak), "what it sent itself comes back to it as it is: {told}");
    let lines: Vec<String> = rig.lines().into_iter().map(|line| line.text).collect();
    assert!(lines.contains(&format!("after: {}", "*".repeat(VALUE.len()))), "{lines:?}");
    let read = ("secret.reveal".to_owned(), "psp".to_owned(), Decision::Allowed);
    let decisions = decisions(&rig);
    assert!(decisions.contains(&read), "{decisions:?}");
    assert!(!format!("{decisions:?}").contains(VALUE), "{decisions:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_asked_for_or_not_granted_is_not_read() {
    let using_it = ALLOW;
    for (allow, name) in [(READING, "other"), (READING, "../x"), (using_it, "psp")] {
        let rig = using(VALUE, allow, "", vec![ask(name)]).await;
        assert_eq!(told(&rig).await, "Denied", "{allow} {name}");
        assert!(rig.lines()[0].text.starts_with("E1420"), "{:?}", rig.lines());
    }
    let rig = using(VALUE, READING, "", vec![ask("psp")]).await;
    let grant = model::Grant::parse("function:f", "secret-reveal", "psp").expect("a grant");
    rig.engine.revoke(&Scope::default(), "operator", grant).await.expect("revoked");
    rig.grant("function:f", "secret", "psp for https://psp.example").await;
    assert_eq!(told(&rig).await, "Denied");
    let line = rig.lines()[0].text.clone();
    assert!(line.contains("casemate grant function:f secret-reveal psp"), "{line}");
    let denied = ("secret.reveal".to_owned(), "psp".to_owned(), Decision::Denied);
    assert!(decisions(&rig).contains(&denied));
}

#[tokio::test(start_paused = true)]
async fn an_operators_policy_beats_the_grant_to_read() {
    let forbid = r#"forbid(principal, action == Casemate::Action::"secret-reveal", resource);"#;
    let rig = using(VALUE, READING, forbid, vec![ask("psp")]).await;
    assert_eq!(told(&rig).await, "Denied");
}

#[tokio::test(start_paused = true)]
async fn a_function_that_reads_a_secret_has_no_placeholder_for_it() {
    let rig = using(VALUE, READING, "", Vec::new()).await;
    let catalog = rig.engine.catalog.load();
    let view = catalog.view(&Scope::default()).expect("a view");
    let unit = &view.functions[&"f".parse().expect("f")].unit;
    assert_eq!((unit.config.get("psp"), unit.revealed.as_slice()), (None, &["psp".to_owned()][..]));
}
