//! Sources, with one that a test scripts: what is pulled when, what becomes of it, and what comes
//! again.

use super::rig::{Rig, rig_with};
use crate::{Config, QueueLimits, Source};
use model::wire::v1::Caller;
use model::{Code, Scope, api};
use parking_lot::Mutex;
use ports::Future;
use ports::Queue as _;
use ports::queue::{ListQuery, Quota, State};
use ports::source::{Arrival, Error, Fault, Feed, Opening};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use testkit::executor::Step;

/// A broker of the test's.
#[derive(Default)]
struct Broker {
    /// What lies there.
    lies: VecDeque<Arrival>,
    /// What was given and not settled.
    given: Vec<Arrival>,
    settled: Vec<String>,
    /// How it answers those who open it, before it opens.
    refuses: VecDeque<Error>,
    opened: usize,
    /// How often it fails when something is settled.
    breaks: usize,
    /// How often it was told that something is still held, and what was given back.
    held: usize,
    released: Vec<String>,
}

/// The broker as a source. What was given and not settled comes again when it is opened.
#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<Broker>>);

impl Scripted {
    fn put(&self, id: u32, fault: Option<Fault>) {
        let text = format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t","partitionkey":"k","data":{id}}}"#
        );
        let event = model::CloudEvent::from_json(text.as_bytes()).expect("an event");
        self.0.lock().lies.push_back(Arrival { token: id.to_string(), event, fault });
    }

    fn settled(&self) -> Vec<String> {
        self.0.lock().settled.clone()
    }
}

impl ports::Source for Scripted {
    fn place(&self) -> String {
        "a test".to_owned()
    }

    fn open(&self, opening: Opening) -> Future<'_, Result<Box<dyn Feed>, Error>> {
        let mut broker = self.0.lock();
        broker.opened += 1;
        assert_eq!(opening.origin, "/tenants/default/environments/main/sources/in");
        let opened: Result<Box<dyn Feed>, Error> = match broker.refuses.pop_front() {
            Some(error) => Err(error),
            None => {
                let again = std::mem::take(&mut broker.given);
                again.into_iter().rev().for_each(|it| broker.lies.push_front(it));
                Ok(Box::new(self.clone()))
            }
        };
        Box::pin(std::future::ready(opened))
    }
}

impl Feed for Scripted {
    fn next(&mut self, most: usize) -> Future<'_, Result<Vec<Arrival>, Error>> {
        let broker = Arc::clone(&self.0);
        Box::pin(async move {
            if broker.lock().lies.is_empty() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            let mut broker = broker.lock();
            let count = most.min(broker.lies.len());
            let arrivals: Vec<Arrival> = broker.lies.drain(..count).collect();
            broker.given.extend(arrivals.iter().cloned());
            Ok(arrivals)
        })
    }

    fn settle<'a>(&'a mut self, arrivals: &'a [Arrival]) -> Future<'a, Result<(), Error>> {
        let mut broker = self.0.lock();
        if broker.breaks > 0 {
            broker.breaks -= 1;
            return Box::pin(std::future::ready(Err(Error::Down("it broke off".to_owned()))));
        }
        broker.given.retain(|it| arrivals.iter().all(|one| one.token != it.token));
        broker.settled.extend(arrivals.iter().map(|it| it.token.clone()));
        Box::pin(std::future::ready(Ok(())))
    }

    fn hold<'a>(&'a mut self, arrivals: &'a [Arrival]) -> Future<'a, Result<(), Error>> {
        let mut broker = self.0.lock();
        assert_eq!(broker.given, arrivals);
        broker.held += 1;
        Box::pin(std::future::ready(Ok(())))
    }

    fn release<'a>(&'a mut self, arrivals: &'a [Arrival]) -> Future<'a, Result<(), Error>> {
        let mut broker = self.0.lock();
        broker.released.extend(arrivals.iter().map(|it| it.token.clone()));
        Box::pin(std::future::ready(Ok(())))
    }

    fn lag(&mut self) -> Future<'_, Result<Option<u64>, Error>> {
        let lag = self.0.lock().lies.len() as u64;
        Box::pin(std::future::ready(Ok(Some(lag))))
    }
}

const FUNCTION: &str = r#"{"name":"f","from":[{"name":"in"}],"concurrency":3}"#;

async fn open_with(function: &str, config: Config) -> (Rig, Scripted) {
    let broker = Scripted::default();
    let source = Source {
        scope: Scope::default(),
        name: "in".parse().expect("a name"),
        secret: None,
        backlog: None,
        port: Arc::new(broker.clone()),
    };
    let config = Config { sources: vec![Arc::new(source)], ..config };
    let echo =
        |_: &http::Request<()>| vec![Step::Head(http::StatusCode::OK), Step::Echo, Step::End];
    let rig = rig_with(config, &[], echo).await;
    rig.deploy(function).await.expect("deployed");
    (rig, broker)
}

async fn open() -> (Rig, Scripted) {
    let (rig, broker) = open_with(FUNCTION, Config::default()).await;
    rig.grant("trigger:in", "invoke", "f").await;
    (rig, broker)
}

impl Rig {
    /// Pulls for some seconds, and nothing runs.
    async fn pull(&self, seconds: u64) {
        let stop = tokio::time::sleep(Duration::from_secs(seconds));
        Arc::clone(&self.engine).follow_sources(stop).await;
    }

    /// Runs what waits.
    async fn work_off(&self) {
        let stop = tokio::time::sleep(Duration::from_millis(500));
        Arc::clone(&self.engine).work(4, stop).await;
    }

    fn stands(&self) -> api::Source {
        self.engine.sources(&Scope::default()).remove(0)
    }

    async fn pulled(&self) -> usize {
        let query = ListQuery { limit: 1000, ..ListQuery::default() };
        let all = self.queue.list(query).await.expect("a queue");
        all.iter().filter(|it| it.state != State::Dead).count()
    }

    async fn dead(&self) -> Vec<String> {
        let query = ListQuery { limit: 1000, dead: true, ..ListQuery::default() };
        let all = self.queue.list(query).await.expect("a queue");
        all.into_iter().filter_map(|it| it.error).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_pulled_before_it_is_granted_and_then_each_is_called_as_the_trigger() {
    let (rig, broker) = open_with(FUNCTION, Config::default()).await;
    broker.put(1, None);
    rig.pull(5).await;
    let before = rig.stands();
    assert_eq!((before.state.as_str(), broker.0.lock().opened), ("not granted", 0));
    assert_eq!(before.grant.as_deref(), Some("casemate grant trigger:in invoke f"));
    rig.grant("trigger:in", "invoke", "f").await;
    rig.pull(3).await;
    assert_eq!((broker.settled(), rig.pulled().await), (vec!["1".to_owned()], 1));
    rig.work_off().await;
    let record = &rig.records()[0];
    assert_eq!(record.start.caller, Caller::Trigger("in".parse().expect("a name")));
    assert_eq!(record.usage.bytes_in, 1);
    let after = rig.stands();
    assert_eq!((after.state.as_str(), after.taken, after.lag), ("running", 1, Some(0)));
    assert!(after.last.is_some() && after.error.is_none() && after.grant.is_none());
    // What a function no longer names is not pulled any more.
    rig.deploy(r#"{"name":"f"}"#).await.expect("deployed");
    broker.put(2, None);
    rig.pull(3).await;
    assert_eq!((rig.stands().state.as_str(), broker.settled().len()), ("not used", 1));
}

#[tokio::test(start_paused = true)]
async fn no_more_is_pulled_than_the_function_may_run_at_a_time() {
    let (rig, broker) = open().await;
    (1..=10).for_each(|id| broker.put(id, None));
    rig.pull(5).await;
    assert_eq!((broker.settled().len(), broker.0.lock().lies.len()), (3, 7));
    assert_eq!((rig.stands().state.as_str(), rig.pulled().await), ("full", 3));
    rig.work_off().await;
    rig.pull(5).await;
    assert_eq!((broker.settled().len(), rig.records().len()), (6, 3));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_keeps_what_came_unsettled_until_there_is_room() {
    let queue =
        QueueLimits { quota: Quota { messages: 2, bytes: 1 << 20 }, ..QueueLimits::default() };
    let config = Config { queue, ..Config::default() };
    let (rig, broker) = open_with(FUNCTION, config).await;
    rig.grant("trigger:in", "invoke", "f").await;
    (1..=3).for_each(|id| broker.put(id, None));
    // Three come together, and there is room for two.
    rig.pull(5).await;
    assert_eq!((broker.settled().len(), rig.stands().state.as_str()), (0, "full"));
    assert_eq!(rig.pulled().await, 0, "all of it or nothing");
    let broker = broker.0.lock();
    assert!(broker.held >= 3 && broker.released.is_empty(), "it says that it has them");
}

#[tokio::test(start_paused = true)]
async fn what_came_and_has_nobody_to_call_any_more_is_given_back() {
    let queue =
        QueueLimits { quota: Quota { messages: 2, bytes: 1 << 20 }, ..QueueLimits::default() };
    let (rig, broker) = open_with(FUNCTION, Config { queue, ..Config::default() }).await;
    rig.grant("trigger:in", "invoke", "f").await;
    (1..=3).for_each(|id| broker.put(id, None));
    let undeploy = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        rig.deploy(r#"{"name":"f"}"#).await.expect("deployed");
    };
    tokio::join!(rig.pull(5), undeploy);
    let broker = broker.0.lock();
    assert_eq!((broker.settled.len(), broker.released.join(" ").as_str()), (0, "1 2 3"));
}

#[tokio::test(start_paused = true)]
async fn what_comes_again_is_settled_again_and_calls_nobody() {
    let (rig, broker) = open().await;
    broker.0.lock().breaks = 2;
    broker.put(1, None);
    broker.put(2, None);
    rig.pull(10).await;
    assert_eq!((broker.settled(), rig.pulled().await), (vec!["1".to_owned(), "2".to_owned()], 2));
    let stands = rig.stands();
    // Two wait, so there is room for one at a time when it is opened again.
    assert_eq!((stands.taken, stands.repeated, stands.state.as_str()), (5, 3, "running"));
    assert!(stands.error.is_some_and(|error| error.contains("E1448")), "it broke off");
    // And after all of it was forgotten here, too.
    broker.put(1, None);
    rig.work_off().await;
    rig.pull(3).await;
    assert_eq!((rig.records().len(), rig.pulled().await), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_a_dead_letter_with_its_reason_and_never_runs() {
    let (rig, broker) = open().await;
    broker.put(1, Some(Fault::TooLarge { bytes: 9, most: 8 }));
    broker.put(2, Some(Fault::Text));
    broker.put(3, Some(Fault::Form("it is no JSON")));
    rig.pull(3).await;
    rig.work_off().await;
    assert_eq!((broker.settled().len(), rig.records().len(), rig.pulled().await), (3, 0, 0));
    let dead = rig.dead().await;
    for (code, why) in [("E1445", "9 bytes, at most 8"), ("E1446", "UTF-8"), ("E1447", "no JSON")] {
        assert!(dead.iter().any(|it| it.contains(code) && it.contains(why)), "{code}: {dead:?}");
    }
    assert_eq!(rig.stands().refused, 3);
    // It does not run when it is tried again, either.
    let all = rig.engine.redrive(&Scope::default(), None).await.expect("tried again");
    rig.work_off().await;
    assert_eq!((all, rig.records().len(), rig.dead().await.len()), (3, 0, 3));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_down_is_tried_again_and_says_so() {
    let (rig, broker) = open().await;
    let down = || Error::Down("nobody listens".to_owned());
    broker.0.lock().refuses = [down(), down(), Error::Refused("AUTH: no".to_owned())].into();
    broker.put(1, None);
    rig.pull(1).await;
    let stands = rig.stands();
    assert_eq!(stands.state, "down");
    assert!(stands.error.is_some_and(|error| error.contains("E144")), "why");
    rig.pull(30).await;
    let stands = rig.stands();
    assert_eq!((stands.state.as_str(), broker.settled().len()), ("running", 1));
    assert!(
        stands.error.is_some_and(|error| error.contains("E1449: ") && error.contains("AUTH: no"))
    );
}

#[tokio::test(start_paused = true)]
async fn messages_of_one_key_run_one_after_the_other() {
    let function = r#"{"name":"f","from":[{"name":"in","ordered_by":"partitionkey"}]}"#;
    let (rig, broker) = open_with(function, Config::default()).await;
    rig.grant("trigger:in", "invoke", "f").await;
    broker.put(1, None);
    broker.put(2, None);
    rig.pull(3).await;
    let want = ports::queue::Want {
        now: model::Timestamp(1_900_000_000_000_000),
        until: model::Timestamp(1_900_000_100_000_000),
        most: 10,
        skip: Vec::new(),
    };
    let batch = rig.queue.lease(want).await.expect("a batch");
    assert_eq!(batch.items.len(), 1, "the second waits for the first");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_nobody_configured_is_shown_as_such() {
    let rig = super::rig::rig(|_| super::rig::answer()).await;
    rig.deploy(FUNCTION).await.expect("deployed");
    let stands = rig.stands();
    assert_eq!((stands.state.as_str(), stands.place), ("not configured", None));
    let taken = rig.deploy_as("other", r#"{"name":"g","from":[{"name":"in"}]}"#, false).await;
    assert_eq!(taken.expect_err("taken"), Code::TriggerTaken);
}
