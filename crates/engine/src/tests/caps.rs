//! Caps in the pipeline: who is refused and when, what records say, and what a restart keeps.

use super::rig::{Rig, answer, get, rig, rig_with};
use crate::Config;
use model::api::{CapState, LiftRequest, Price};
use model::cap::{Amounts, CapMode, CapRule, Meter, Per, Whose};
use model::wire::v1::{Entry, Outcome};
use model::{Code, Scope};
use ports::{Counters as _, Journal as _};
use std::time::Duration;

/// 2027-01-15T08:00:00Z is the rig's time.
const TO_MIDNIGHT: u32 = 16 * 3600;

fn function(cap: &str) -> String {
    format!(
        r#"{{"name":"f","http":[{{"route":"GET /f/{{*rest}}","auth":["public","token"]}}],"cap":[{cap}]}}"#
    )
}

/// An engine with a function that everybody may call, and a token.
async fn open(config: Config, cap: &str) -> (Rig, String) {
    let rig = rig_with(config, &[], |_| answer()).await;
    rig.deploy(&function(cap)).await.expect("deployed");
    rig.grant("public", "invoke", "f").await;
    let token = rig.token("ci", &["f"]).await;
    (rig, token)
}

impl Rig {
    /// Calls the function so often, and says how often it was admitted.
    async fn admitted(&self, calls: usize, token: Option<&str>) -> usize {
        let mut admitted = 0;
        for _ in 0..calls {
            match self.call("/f/x", token).await {
                Ok((200, _)) => admitted += 1,
                Ok(other) => panic!("{other:?}"),
                Err(code) => assert_eq!(code, Code::CapReached),
            }
        }
        admitted
    }

    fn caps(&self) -> Vec<CapState> {
        self.engine.caps(&Scope::default()).items
    }

    fn reasons(&self) -> Vec<(Outcome, Option<String>)> {
        self.records().into_iter().map(|record| (record.outcome, record.reason)).collect()
    }
}

fn rule(of: Whose, per: Per, mode: CapMode, invocations: u64) -> CapRule {
    let amounts = Amounts { invocations: Some(invocations), ..Amounts::default() };
    CapRule { of, name: None, per, mode, amounts }
}

fn node(rules: Vec<CapRule>) -> Config {
    Config { caps: rules, ..Config::default() }
}

#[tokio::test(start_paused = true)]
async fn beyond_a_cap_callers_get_429_until_the_day_ends_and_one_record_says_why() {
    let (rig, token) = open(Config::default(), r#"{"per":"day","invocations":2}"#).await;
    assert_eq!(rig.admitted(5, Some(&token)).await, 2);
    let refusal = rig.send(get("/f/x", Some(&token))).await.err().expect("refused");
    assert_eq!(refusal.problem.code.status(), 429);
    assert_eq!(refusal.retry_after_s, Some(TO_MIDNIGHT));
    assert_eq!(refusal.problem.detail, None, "strangers learn nothing of it");
    let reasons = rig.reasons();
    assert_eq!(reasons.len(), 3, "two that ran, and the first refusal: {reasons:?}");
    let reason = "the cap of 2 invocations per day of function f, set by the manifest is reached";
    assert_eq!(reasons[2], (Outcome::Budget, Some(reason.to_owned())));
    let cap = &rig.caps()[0];
    assert_eq!((cap.used, cap.most, cap.refused), (2, 2, 4));
    rig.clock.forward(Duration::from_secs(u64::from(TO_MIDNIGHT)));
    let token = rig.token("next-day", &["f"]).await;
    assert_eq!(rig.admitted(5, Some(&token)).await, 2, "a new day");
}

#[tokio::test(start_paused = true)]
async fn the_stricter_of_manifest_and_node_holds() {
    for (manifest, node_most, admitted) in [(3, 5, 3), (5, 3, 3)] {
        let config = node(vec![rule(Whose::Function, Per::Day, CapMode::Enforce, node_most)]);
        let cap = format!(r#"{{"per":"day","invocations":{manifest}}}"#);
        let (rig, token) = open(config, &cap).await;
        assert_eq!(rig.admitted(8, Some(&token)).await, admitted);
        // Neither a cap that observes nor a deployment without one widens what the node says.
        let observe = r#"{"per":"day","mode":"observe","invocations":1}"#;
        rig.deploy(&function(observe)).await.expect("deployed");
        let most = usize::try_from(node_most).expect("small");
        assert_eq!(rig.admitted(8, Some(&token)).await, most - admitted);
    }
}

#[tokio::test(start_paused = true)]
async fn each_caller_has_its_own_cap_and_strangers_share_one() {
    let (rig, token) =
        open(Config::default(), r#"{"of":"caller","per":"day","invocations":2}"#).await;
    let other = rig.token("other", &["f"]).await;
    assert_eq!(rig.admitted(3, Some(&token)).await, 2);
    assert_eq!(rig.admitted(3, Some(&other)).await, 2);
    assert_eq!(rig.admitted(3, None).await, 2);
    let mut callers: Vec<_> = rig.caps().into_iter().filter_map(|cap| cap.caller).collect();
    callers.sort();
    assert_eq!(callers, ["others", "token:ci", "token:other"]);
}

#[tokio::test(start_paused = true)]
async fn applications_and_tenants_are_counted_over_their_functions() {
    for (of, name) in [(Whose::Application, "shop"), (Whose::Tenant, "default")] {
        let rules = vec![
            rule(of, Per::Day, CapMode::Enforce, 3),
            CapRule { name: Some("another".to_owned()), ..rule(of, Per::Day, CapMode::Enforce, 1) },
        ];
        let rig = rig_with(node(rules), &[], |_| answer()).await;
        rig.deploy(&format!(
            "{},{}",
            function(""),
            r#"{"name":"g","http":[{"route":"GET /g/{*rest}"}]}"#
        ))
        .await
        .expect("deployed");
        let token = rig.token("ci", &["f", "g"]).await;
        assert_eq!(rig.admitted(2, Some(&token)).await, 2);
        assert_eq!(rig.call("/g/x", Some(&token)).await.map(|it| it.0), Ok(200));
        assert_eq!(rig.admitted(2, Some(&token)).await, 0);
        assert_eq!(rig.call("/g/x", Some(&token)).await, Err(Code::CapReached));
        let cap = &rig.caps()[0];
        assert_eq!((cap.of, cap.name.as_str(), cap.used), (of, name, 3));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_by_one_account_is_counted_in_no_other() {
    let rules = vec![
        rule(Whose::Caller, Per::Day, CapMode::Enforce, 100),
        rule(Whose::Function, Per::Day, CapMode::Enforce, 100),
        rule(Whose::Tenant, Per::Day, CapMode::Enforce, 1),
    ];
    let (rig, token) = open(node(rules), "").await;
    assert_eq!(rig.admitted(4, Some(&token)).await, 1);
    let used: Vec<_> = rig.caps().into_iter().map(|cap| (cap.of, cap.used)).collect();
    assert!(used.iter().all(|(_, used)| *used <= 1), "{used:?}");
}

#[tokio::test(start_paused = true)]
async fn observing_refuses_nothing_says_so_in_records_and_counts() {
    let (rig, token) =
        open(Config::default(), r#"{"per":"minute","mode":"observe","invocations":1}"#).await;
    assert_eq!(rig.admitted(3, Some(&token)).await, 3);
    let noted = |reason: Option<&str>| (Outcome::Ok, reason.map(str::to_owned));
    let expect = "observed cap of 1 invocations per minute of function f, set by the manifest";
    assert_eq!(rig.reasons(), [noted(None), noted(Some(expect)), noted(Some(expect))]);
    let cap = &rig.caps()[0];
    assert_eq!((cap.observed, cap.refused, cap.mode), (2, 0, CapMode::Observe));
}

#[tokio::test(start_paused = true)]
async fn what_is_measured_at_the_end_refuses_what_comes_next_and_is_announced() {
    // The scripted guest answers five bytes.
    let (rig, token) = open(Config::default(), r#"{"per":"day","egress":"12B"}"#).await;
    assert_eq!(rig.admitted(5, Some(&token)).await, 3);
    let near: Vec<_> = rig.lines().into_iter().filter(|line| line.text.contains("E1011")).collect();
    assert_eq!(near.len(), 1, "said once: {near:?}");
    assert!(
        near[0].text.contains("10 bytes sent used of the cap of 12 bytes sent per day"),
        "{near:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_in_the_queue_waits_for_the_cap_as_well() {
    let (rig, token) = open(Config::default(), r#"{"per":"minute","invocations":1}"#).await;
    rig.grant("token:ci", "invoke-async", "f").await;
    let later = || {
        let mut request = get("/f/x", Some(&token));
        request.headers_mut().insert("prefer", http::HeaderValue::from_static("respond-async"));
        request
    };
    assert_eq!(rig.send(later()).await.expect("accepted").status(), 202);
    assert_eq!(rig.admitted(1, Some(&token)).await, 1, "before the call that waits");
    let refused = rig.send(later()).await.err().expect("nothing is accepted that could not run");
    assert_eq!(refused.problem.code, Code::CapReached);
    let work = || async {
        let stop = tokio::time::sleep(Duration::from_millis(500));
        std::sync::Arc::clone(&rig.engine).work(4, stop).await;
    };
    work().await;
    let ran = |rig: &Rig| rig.records().iter().filter(|it| it.outcome == Outcome::Ok).count();
    assert_eq!(ran(&rig), 1, "the cap is reached");
    rig.clock.forward(Duration::from_secs(60));
    work().await;
    assert_eq!(ran(&rig), 2, "a new minute");
}

#[tokio::test(start_paused = true)]
async fn the_operator_lifts_a_cap_per_day_until_the_day_ends() {
    let caps = r#"{"per":"day","invocations":1},{"per":"second","invocations":3}"#;
    let (rig, token) = open(Config::default(), caps).await;
    assert_eq!(rig.admitted(2, Some(&token)).await, 1);
    let scope = Scope::default();
    let lift = |name: &str| {
        let request = LiftRequest { of: Whose::Function, name: name.to_owned() };
        rig.engine.lift_cap(&scope, "operator", request)
    };
    assert_eq!(lift("nobody").await.map_err(|it| it.code), Err(Code::NoSuchCap));
    let lifted = lift("f").await.expect("lifted");
    assert_eq!(lifted.until_us.0 % Per::Day.us(), 0);
    assert_eq!(rig.admitted(5, Some(&token)).await, 2, "the rate holds on");
    let entries = rig.engine.ledger_entries(lifted.leaf, 1).await.expect("entries");
    let entry = serde_json::to_value(&entries.items[0].leaf.act).expect("JSON");
    assert_eq!((&entry["kind"], &entry["name"]), (&"cap-lift".into(), &"f".into()));
    rig.clock.forward(Duration::from_secs(u64::from(TO_MIDNIGHT)));
    let token = rig.token("next-day", &["f"]).await;
    assert_eq!(rig.admitted(2, Some(&token)).await, 1, "the next day");
}

/// A second engine in the place of the first, with what that one kept.
async fn restarted(old: &Rig, config: Config, cap: &str, kept: Option<Vec<u8>>) -> (Rig, String) {
    let (new, token) = open(config, cap).await;
    for record in old.records() {
        new.journal.append(Entry::End(Box::new(record))).expect("room");
    }
    if let Some(kept) = kept {
        new.counters.save(kept).await.expect("kept");
    }
    new.engine.resume_caps().await.expect("resumed");
    (new, token)
}

#[tokio::test(start_paused = true)]
async fn a_restart_gives_nothing_anew() {
    let cap = r#"{"per":"day","invocations":4},{"of":"caller","per":"day","invocations":3},{"per":"day","egress":"1KiB"}"#;
    let day = |rig: &Rig| -> Vec<_> {
        let mut caps: Vec<_> =
            rig.caps().into_iter().map(|cap| (cap.of, cap.meter, cap.used)).collect();
        caps.sort();
        caps
    };
    // What counters hold, and which of the records came after them: all kept, none kept, damaged,
    // and two calls of three kept.
    for case in ["stopped", "nothing kept", "damaged", "crashed"] {
        let (old, token) = open(Config::default(), cap).await;
        assert_eq!(old.admitted(2, Some(&token)).await, 2);
        old.clock.forward(Duration::from_secs(1));
        if case == "crashed" {
            old.engine.keep_caps(false).await;
        }
        old.clock.forward(Duration::from_secs(1));
        assert_eq!(old.admitted(1, Some(&token)).await, 1);
        if case == "stopped" {
            old.clock.forward(Duration::from_secs(1));
            old.engine.keep_caps(true).await;
        }
        let kept = match case {
            "damaged" => Some(b"\x07nonsense".to_vec()),
            _ => old.counters.load().await.expect("counters"),
        };
        assert_eq!(kept.is_some(), case != "nothing kept", "{case}");
        let (new, token) = restarted(&old, Config::default(), cap, kept).await;
        let used = day(&new);
        assert!(used.contains(&(Whose::Function, Meter::Invocations, 3)), "{case}: {used:?}");
        assert!(used.contains(&(Whose::Function, Meter::Egress, 15)), "{case}: {used:?}");
        assert!(used.contains(&(Whose::Caller, Meter::Invocations, 3)), "{case}: {used:?}");
        assert_eq!(new.admitted(3, Some(&token)).await, 0, "{case}: the caller's cap");
        assert_eq!(new.admitted(3, None).await, 1, "{case}: the function's cap");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cap_in_money_needs_a_price_in_its_currency() {
    let cap = r#"{"per":"day","money":"1 EUR"}"#;
    let plain = rig(|_| answer()).await;
    assert_eq!(plain.deploy(&function(cap)).await.err(), Some(Code::NoPrice));
    let price = |currency: &str| Config {
        price: Some(Price { unit: 0.5, currency: currency.to_owned() }),
        ..Config::default()
    };
    let other = rig_with(price("USD"), &[], |_| answer()).await;
    assert_eq!(other.deploy(&function(cap)).await.err(), Some(Code::NoPrice));
    let (rig, _) = open(price("EUR"), cap).await;
    let cap = &rig.caps()[0];
    assert_eq!((cap.meter, cap.most), (Meter::Units, 2000));
}

#[tokio::test(start_paused = true)]
async fn proposals_come_from_the_records_and_admit_what_they_show() {
    let (rig, token) = open(Config::default(), "").await;
    assert_eq!(rig.admitted(4, Some(&token)).await, 4);
    for (hour, calls) in [10, 2].into_iter().enumerate() {
        rig.clock.forward(Duration::from_secs(3600));
        // A token of the rig does not last that long.
        let token = rig.token(&format!("at-{hour}"), &["f"]).await;
        assert_eq!(rig.admitted(calls, Some(&token)).await, calls);
    }
    let midnight = u64::from(TO_MIDNIGHT);
    rig.clock.forward(Duration::from_secs(midnight));
    assert_eq!(rig.admitted(7, None).await, 7);
    let proposals = rig.engine.propose_caps(&Scope::default(), None, model::Timestamp(0)).await;
    let proposals = proposals.expect("proposals").items;
    assert_eq!((proposals[0].invocations, proposals[0].days), (23, 2));
    let caps: Vec<_> =
        proposals[0].caps.iter().map(|cap| (cap.whose(), cap.per, cap.invocations)).collect();
    assert_eq!(
        caps,
        [
            (Whose::Function, Per::Day, Some(24)),
            (Whose::Function, Per::Minute, Some(15)),
            (Whose::Caller, Per::Day, Some(15)),
        ]
    );
    let text = serde_json::to_string(&proposals[0].caps).expect("JSON");
    let inner = text.trim_start_matches('[').trim_end_matches(']');
    assert!(rig.deploy(&function(inner)).await.is_ok(), "{text}");
}
