//! Schedules by a clock that tests move: once for each time, whatever the clock does.

use super::rig::{Rig, answer, rig_with};
use crate::{Config, QueueLimits};
use model::wire::v1::{Caller, Trigger};
use model::{Code, Scope};
use ports::Queue as _;
use ports::queue::{ListQuery, Quota};
use std::sync::Arc;
use std::time::Duration;
use testkit::executor::Step;

fn function(schedule: &str) -> String {
    format!(r#"{{"name":"f","schedule":[{{"name":"tick",{schedule}}}]}}"#)
}

async fn open(schedule: &str) -> Rig {
    open_with(Config::default(), &[], schedule).await
}

async fn open_with(config: Config, policies: &[(String, String)], schedule: &str) -> Rig {
    let echo =
        |_: &http::Request<()>| vec![Step::Head(http::StatusCode::OK), Step::Echo, Step::End];
    let rig = rig_with(config, policies, echo).await;
    rig.deploy(&function(schedule)).await.expect("deployed");
    rig
}

impl Rig {
    /// Follows the schedules for some seconds, by a clock that stands still.
    async fn follow(&self) {
        let stop = tokio::time::sleep(Duration::from_secs(4));
        Arc::clone(&self.engine).follow_schedules(stop).await;
    }

    /// Times that calls wait for, in seconds after the rig's beginning.
    async fn waiting(&self) -> Vec<i64> {
        let query = ListQuery { limit: 1000, ..ListQuery::default() };
        let found = self.queue.list(query).await.expect("a queue");
        found.iter().map(|it| (it.id.time_us() + 1) / 1_000_000 - 1_800_000_000).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_that_comes_runs_once_as_the_trigger_and_not_before_it_is_granted() {
    let rig = open(r#""every":"10s","data":{"a":1}"#).await;
    rig.follow().await;
    rig.clock.forward(Duration::from_secs(10));
    rig.follow().await;
    assert!(rig.waiting().await.is_empty(), "nothing is granted");
    let shown = rig.engine.schedules(&Scope::default()).await.expect("a list");
    assert_eq!(shown[0].state, "not granted");
    rig.grant("trigger:tick", "invoke", "f").await;
    rig.follow().await;
    assert!(rig.waiting().await.is_empty(), "what passed before the grant is not made up for");
    rig.clock.forward(Duration::from_secs(10));
    rig.follow().await;
    rig.follow().await;
    assert_eq!(rig.waiting().await, [20]);
    let stop = tokio::time::sleep(Duration::from_millis(500));
    Arc::clone(&rig.engine).work(4, stop).await;
    let record = &rig.records()[0];
    assert_eq!(record.start.caller, Caller::Trigger("tick".parse().expect("a name")));
    assert!(matches!(&record.start.trigger, Trigger::Schedule { attempt: 1, .. }));
    assert_eq!(record.usage.bytes_in, 7);
    let shown = rig.engine.schedules(&Scope::default()).await.expect("a list");
    assert_eq!((shown[0].state.as_str(), shown[0].outcome.as_deref()), ("waiting", Some("ok")));
}

#[tokio::test(start_paused = true)]
async fn missed_times_are_skipped_made_up_for_once_or_all() {
    for (missed, found) in [
        (r#""every":"1h","missed":"skip""#, vec![]),
        (r#""every":"1h""#, vec![10 * 3600]),
        (r#""every":"1h","missed":"all""#, (1..=10).map(|hour| hour * 3600).collect()),
    ] {
        let rig = open(missed).await;
        rig.grant("trigger:tick", "invoke", "f").await;
        rig.follow().await;
        rig.clock.forward(Duration::from_secs(10 * 3600 + 120));
        rig.follow().await;
        assert_eq!(rig.waiting().await, found, "{missed}");
    }
    let rig = open(r#""every":"1s","missed":"all""#).await;
    rig.grant("trigger:tick", "invoke", "f").await;
    rig.follow().await;
    rig.clock.forward(Duration::from_hours(24 * 365));
    rig.follow().await;
    let waiting = rig.waiting().await;
    assert_eq!(
        (waiting.len(), waiting.last()),
        (161, Some(&(24 * 365 * 3600))),
        "no more than a hundred, and those of the last minute"
    );
}

#[tokio::test(start_paused = true)]
async fn every_time_of_the_last_minute_runs_and_is_not_missed() {
    for (missed, older) in [("skip", vec![]), ("once", vec![30]), ("all", vec![10, 20, 30])] {
        let rig = open(&format!(r#""every":"10s","missed":"{missed}""#)).await;
        rig.grant("trigger:tick", "invoke", "f").await;
        rig.follow().await;
        rig.clock.forward(Duration::from_secs(95));
        rig.follow().await;
        let recent = [40, 50, 60, 70, 80, 90];
        assert_eq!(rig.waiting().await, [&older[..], &recent].concat(), "{missed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_does_not_age_before_it_is_due() {
    let rig = open(r#""every":"1h","jitter":"1h""#).await;
    rig.grant("trigger:tick", "invoke", "f").await;
    let scope = Scope::default();
    let function = model::FunctionRef { scope: scope.clone(), name: "f".parse().expect("f") };
    let mut beside = rig.engine.beside(&function);
    let modified = model::Timestamp::default();
    let later = model::beside::Later { retries: None, age_s: Some(60), modified };
    beside.later.insert(String::new(), later);
    let (what, rights) = ("ages".to_owned(), model::act::Rights::default());
    let put = rig.engine.put_beside(&scope, "operator", &function.name, what, beside, rights);
    put.await.expect("kept");
    rig.follow().await;
    rig.clock.forward(Duration::from_hours(1));
    rig.follow().await;
    let found = rig.queue.list(ListQuery { limit: 10, ..ListQuery::default() }).await;
    let wait = found.expect("a queue")[0].due.0 - 1_800_003_600_000_000;
    assert!(wait > 60_000_000, "later than it may be old: {wait}");
    rig.clock.jump(wait);
    let stop = tokio::time::sleep(Duration::from_millis(500));
    Arc::clone(&rig.engine).work(4, stop).await;
    assert_eq!(rig.records().len(), 1, "it ran");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_goes_back_makes_nothing_run_twice() {
    let rig = open(r#""every":"10s""#).await;
    rig.grant("trigger:tick", "invoke", "f").await;
    rig.follow().await;
    rig.clock.forward(Duration::from_secs(20));
    rig.follow().await;
    assert_eq!(rig.waiting().await, [10, 20]);
    rig.clock.jump(-15_000_000);
    rig.follow().await;
    rig.clock.forward(Duration::from_secs(16));
    rig.follow().await;
    assert_eq!(rig.waiting().await, [10, 20]);
    rig.clock.forward(Duration::from_secs(9));
    rig.follow().await;
    assert_eq!(rig.waiting().await, [10, 20, 30]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_lasts_and_what_passed_in_it_is_gone() {
    let rig = open(r#""every":"10s","missed":"all""#).await;
    rig.grant("trigger:tick", "invoke", "f").await;
    let (scope, name) = (Scope::default(), "tick".parse().expect("a name"));
    rig.engine.pause_schedule(&scope, &name, true).await.expect("paused");
    rig.clock.forward(Duration::from_secs(60));
    rig.follow().await;
    assert!(rig.waiting().await.is_empty());
    rig.engine.run_schedule(&scope, &name).await.expect("an operator runs it all the same");
    assert_eq!(rig.waiting().await, [60]);
    rig.engine.pause_schedule(&scope, &name, false).await.expect("resumed");
    rig.follow().await;
    rig.clock.forward(Duration::from_secs(10));
    rig.follow().await;
    assert_eq!(rig.waiting().await, [60, 70]);
    let other = "other".parse().expect("a name");
    let missing = rig.engine.run_schedule(&scope, &other).await.expect_err("there is none");
    assert_eq!(missing.code, Code::NoSuchTrigger);
}

#[tokio::test(start_paused = true)]
async fn a_policy_forbids_schedules_and_another_rhythm_makes_up_for_nothing() {
    let forbid = "forbid(principal is Casemate::Trigger, action, resource) when { context.trigger == \"schedule\" };";
    let policies = [(
        "a.cedar".to_owned(),
        forbid.replace(", action,", ", action == Casemate::Action::\"invoke\","),
    )];
    let rig = open_with(Config::default(), &policies, r#""every":"10s""#).await;
    rig.grant("trigger:tick", "invoke", "f").await;
    rig.follow().await;
    rig.clock.forward(Duration::from_secs(10));
    rig.follow().await;
    assert!(rig.waiting().await.is_empty(), "it is forbidden");

    let rig = open(r#""every":"1h","missed":"all""#).await;
    rig.grant("trigger:tick", "invoke", "f").await;
    rig.follow().await;
    rig.clock.forward(Duration::from_secs(3500));
    rig.deploy(&function(r#""every":"10s","missed":"all""#)).await.expect("deployed");
    rig.follow().await;
    assert!(rig.waiting().await.is_empty(), "it was not followed before");
    rig.clock.forward(Duration::from_secs(10));
    rig.follow().await;
    assert_eq!(rig.waiting().await, [3510], "its grant stays with its name");
    rig.deploy(r#"{"name":"f"}"#).await.expect("deployed");
    assert!(rig.engine.grants(&Scope::default()).is_empty(), "and goes with it");
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_makes_a_time_wait_and_not_vanish() {
    let queue =
        QueueLimits { quota: Quota { messages: 1, bytes: 1 << 20 }, ..QueueLimits::default() };
    let config = Config { queue, ..Config::default() };
    let rig = open_with(config, &[], r#""every":"10s","missed":"all""#).await;
    rig.grant("trigger:tick", "invoke", "f").await;
    rig.follow().await;
    rig.clock.forward(Duration::from_secs(20));
    rig.follow().await;
    assert_eq!(rig.waiting().await, [10]);
    let stop = tokio::time::sleep(Duration::from_millis(500));
    Arc::clone(&rig.engine).work(4, stop).await;
    rig.follow().await;
    assert_eq!(rig.waiting().await, [20]);
}

/// Two thousand that are due in one second: each is seen to once.
#[tokio::test(start_paused = true)]
async fn thousands_of_schedules_may_be_due_at_once() {
    let rig = rig_with(Config::default(), &[], |_| answer()).await;
    let functions: Vec<String> = (0..100)
        .map(|function| {
            let one = |at| format!(r#"{{"name":"t{function}-{at}","every":"1h"}}"#);
            let schedules: Vec<String> = (0..20).map(one).collect();
            format!(r#"{{"name":"f{function}","schedule":[{}]}}"#, schedules.join(","))
        })
        .collect();
    rig.deploy(&functions.join(",")).await.expect("deployed");
    for grant in rig.engine.schedules(&Scope::default()).await.expect("a list") {
        let (who, what) = (format!("trigger:{}", grant.name), grant.function.to_string());
        if grant.name.as_str().ends_with("-7") {
            rig.grant(&who, "invoke", &what).await;
        }
    }
    rig.follow().await;
    rig.clock.forward(Duration::from_hours(1));
    let stop = tokio::time::sleep(Duration::from_secs(60));
    Arc::clone(&rig.engine).follow_schedules(stop).await;
    assert_eq!(rig.waiting().await.len(), 100);
    let marks = rig.queue.marks().await.expect("marks");
    assert!(marks.iter().all(|mark| mark.until.0 == 1_800_003_600_000_000), "all were seen to");
    assert_eq!(marks.len(), 2000);
}
