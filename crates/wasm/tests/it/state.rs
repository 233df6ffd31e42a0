//! Key-value stores and configuration, by a guest that imports every version of both.

use crate::rig::{Answer, Rig, finish, post};
use bytes::Bytes;
use model::{Digest, Labelled, Scope, StoreName};
use ports::executor::{FaultKind, Running};
use ports::host::{self, Ask, Host, HostCall, HostError, HostReply, Line};
use ports::keyvalue::{self, BATCH_MAX, KEY_BYTES_MAX, StoreRef, VALUE_BYTES_MAX};
use ports::{Future, KeyValue as _, memory};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The largest that a store may become here.
const STORE_BYTES_MAX: u64 = 4 << 20;

/// Stores in memory, of which `default` and `carts` are granted.
#[derive(Default)]
struct Stores {
    stores: memory::KeyValue,
    asks: AtomicUsize,
    /// Whether asks are never answered.
    stuck: bool,
    /// How many of those were given up.
    given_up: Arc<AtomicUsize>,
}

struct GivenUp(Arc<AtomicUsize>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl Host for Stores {
    fn log(&self, _: Labelled<Line>) {}

    fn call(self: Arc<Self>, ask: Ask) -> Future<'static, Result<host::Answer, HostError>> {
        self.asks.fetch_add(1, Relaxed);
        Box::pin(async move {
            let HostCall::KeyValue { store, ask } = ask.call.value else {
                return Err(HostError::Denied);
            };
            if self.stuck {
                let _given_up = GivenUp(Arc::clone(&self.given_up));
                return std::future::pending().await;
            }
            if !["default", "carts"].contains(&store.as_str()) {
                return Err(HostError::Denied);
            }
            let name = StoreName::of(&"f".parse().expect("name"), &store).expect("a store");
            let at = StoreRef { scope: Scope::default(), name };
            let reply = self.stores.ask(&at, ask, STORE_BYTES_MAX).await.map_err(to_guest)?;
            Ok(host::Answer { reply: Labelled::plain(HostReply::KeyValue(reply)), body: None })
        })
    }
}

fn to_guest(error: keyvalue::Error) -> HostError {
    match error {
        keyvalue::Error::Quota { .. } => HostError::Limit("the store's size".into()),
        other => HostError::Invalid(other.to_string()),
    }
}

/// The guest, ready to be called.
struct Guest {
    rig: Rig,
    stores: Arc<Stores>,
    artifact: Digest,
}

impl Guest {
    async fn new() -> Self {
        Self::with(Rig::new(), Stores::default()).await
    }

    async fn with(rig: Rig, stores: Stores) -> Self {
        Self::of("stateful", rig, stores).await
    }

    async fn of(name: &str, rig: Rig, stores: Stores) -> Self {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let file = format!("{root}/target/guests/out/{name}.wasm");
        let component = std::fs::read(&file)
            .unwrap_or_else(|error| panic!("{file}: {error}; run `cargo xtask guests`"));
        let artifact = rig.prepare(&Bytes::from(component)).await.expect("a good component");
        Self { rig, stores: Arc::new(stores), artifact }
    }

    fn start(&self, target: &str) -> Pin<Box<dyn Running>> {
        let mut request = post(b"");
        *request.uri_mut() = format!("http://f.example/f/{target}").parse().expect("URI");
        let host = Arc::clone(&self.stores) as Arc<dyn Host>;
        self.rig.start_with(self.artifact, request, host)
    }

    async fn answer(&self, target: &str) -> Answer {
        finish(self.start(target)).await
    }

    /// What the guest says when it is asked `target`.
    async fn says(&self, target: &str) -> String {
        self.answer(target).await.text()
    }

    /// Asks one thing after the other, and compares.
    async fn expect(&self, table: &[(&str, &str)]) {
        for (target, expect) in table {
            assert_eq!(self.says(target).await, *expect, "{target}");
        }
    }
}

#[tokio::test]
async fn both_drafts_read_write_and_remove() {
    let guest = Guest::new().await;
    for draft in ["draft", "draft2"] {
        let at = |way: &str| format!("{draft}/{way}");
        for (target, expect) in [
            ("open?store=default", "opened"),
            ("get?store=default&key=a", "nothing"),
            ("exists?store=default&key=a", "false"),
            ("set?store=default&key=a&value=one", "set"),
            ("get?store=default&key=a", "one"),
            ("exists?store=default&key=a", "true"),
            ("get?store=carts&key=a", "nothing"),
            ("set?store=default&key=a&value=two", "set"),
            ("get?store=default&key=a", "two"),
            ("delete?store=default&key=a", "deleted"),
            ("delete?store=default&key=a", "deleted"),
            ("get?store=default&key=a", "nothing"),
        ] {
            assert_eq!(guest.says(&at(target)).await, expect, "{draft} {target}");
        }
    }
}

#[tokio::test]
async fn batches_are_one_ask_and_keep_the_order_of_their_keys() {
    let guest = Guest::new().await;
    guest.expect(&[("draft/set-many?store=default&keys=a,c&value=v", "set")]).await;
    guest
        .expect(&[
            ("draft/get-many?store=default&keys=c,b,a", "c=v nothing a=v"),
            ("draft2/get-many?store=default&keys=c,b,a", "c=v b=nothing a=v"),
            ("draft2/set-many?store=default&keys=b,c&value=w", "set"),
            ("draft/get-many?store=default&keys=a,b,c", "a=v b=w c=w"),
            ("draft/delete-many?store=default&keys=a,b,nope", "deleted"),
            ("draft2/delete-many?store=default&keys=c", "deleted"),
            ("draft2/get-many?store=default&keys=a,b,c", "a=nothing b=nothing c=nothing"),
        ])
        .await;
    assert_eq!(guest.stores.asks.load(Relaxed), 2 * 8, "one for the opening, one for the batch");
}

#[tokio::test]
async fn numbers_are_added_to_and_shared_by_both_drafts() {
    let guest = Guest::new().await;
    guest
        .expect(&[
            ("draft/increment?store=default&key=n&by=3", "3"),
            ("draft2/increment?store=default&key=n&by=-1", "2"),
            ("draft/get?store=default&key=n", "2"),
            ("draft2/increment?store=default&key=n&by=-5", "-3"),
            ("draft/increment?store=default&key=n&by=1", "other: it was added, and is now -2"),
            ("draft2/get?store=default&key=n", "-2"),
            ("draft/set?store=default&key=t&value=text", "set"),
            (
                "draft/increment?store=default&key=t&by=1",
                "other: the value is no number that this can be added to",
            ),
            (
                "draft/increment?store=default&key=n&by=18446744073709551615",
                "other: 18446744073709551615 is more than can be added at once",
            ),
        ])
        .await;
}

#[tokio::test]
async fn a_swap_is_won_alone_and_lost_when_somebody_wrote_in_between() {
    let guest = Guest::new().await;
    guest
        .expect(&[
            ("cas/alone?store=default&key=k&value=1", "nothing, won"),
            ("cas/alone?store=default&key=k&value=2", "1, won"),
            ("cas/blind?store=default&key=k&value=3", "lost"),
            ("draft/get?store=default&key=k", "other"),
            ("cas/back?store=default&key=k&value=3", "lost"),
            ("cas/looked?store=default&key=k&value=3", "other, won"),
            ("cas/again?store=default&key=k&value=4", "lost, other, won"),
            ("draft2/get?store=default&key=k", "4"),
            ("cas/removed?store=default&key=k&value=5", "lost"),
            ("cas/blind?store=default&key=new&value=6", "lost"),
            ("cas/alone?store=secret&key=k&value=1", "access denied"),
        ])
        .await;
}

#[tokio::test]
async fn what_is_not_granted_is_denied_and_names_no_reason() {
    let guest = Guest::new().await;
    for draft in ["draft", "draft2"] {
        for store in ["secret", "", "../default", "Default"] {
            let said = guest.says(&format!("{draft}/open?store={store}")).await;
            assert_eq!(said, "access denied", "{draft} {store}");
        }
    }
}

#[tokio::test]
async fn listings_go_on_page_by_page() {
    let guest = Guest::new().await;
    guest
        .expect(&[
            ("draft/list?store=default", "[0] None None"),
            ("draft2/list?store=default", "[0] None None"),
            ("draft/fill?store=default&count=2500", "2500 keys"),
            ("draft/list?store=default", r#"[1000, 1000, 500] Some("0000") Some("2499")"#),
            ("draft2/list?store=default", r#"[1000, 1000, 500] Some("0000") Some("2499")"#),
            ("draft2/list-from?store=default&cursor=2497", r#"["2498", "2499"]"#),
        ])
        .await;
    let unknown = "other: the cursor is of another listing, or too old: list from the beginning";
    guest
        .expect(&[
            ("draft/list-from?store=default&cursor=1", unknown),
            ("draft/list-from?store=default&cursor=18446744073709551615", unknown),
            ("draft/list-other?store=default&other=carts", unknown),
        ])
        .await;
}

#[tokio::test]
async fn limits_are_errors_with_the_limit_and_leave_nothing_behind() {
    let guest = Guest::new().await;
    let long = "k".repeat(KEY_BYTES_MAX + 1);
    let too_many = vec!["k"; BATCH_MAX + 1].join(",");
    for draft in ["draft", "draft2"] {
        let says = |target: String| {
            let target = format!("{draft}/{target}");
            let guest = &guest;
            async move { guest.says(&target).await }
        };
        let said = says(format!("set?store=default&key={long}&value=v")).await;
        assert_eq!(said, "other: a key has 1025 bytes, and 1024 is the most");
        let said = says("set?store=default&key=&value=v".to_owned()).await;
        assert_eq!(said, "other: a key is empty");
        let said = says(format!("get-many?store=default&keys={too_many}")).await;
        assert_eq!(said, "other: 1001 keys are asked for at once, of 1000");
        let said = says(format!("set?store=default&key=v&bytes={}", VALUE_BYTES_MAX + 1)).await;
        assert_eq!(said, "other: a value has 1048577 bytes, and 1048576 is the most");
        assert_eq!(says("list?store=default".to_owned()).await, "[0] None None");
        let key = &long[..KEY_BYTES_MAX];
        let said = says(format!("set?store=default&key={key}&bytes={VALUE_BYTES_MAX}")).await;
        assert_eq!(said, "set", "the largest value at the longest key");
        let said = says(format!("get?store=default&key={key}")).await;
        assert_eq!(said, format!("{VALUE_BYTES_MAX} bytes"));
        says(format!("delete?store=default&key={key}")).await;
    }
}

#[tokio::test]
async fn a_store_that_is_full_says_so() {
    let guest = Guest::new().await;
    for key in ["a", "b", "c"] {
        let target = format!("draft/set?store=default&key={key}&bytes={VALUE_BYTES_MAX}");
        assert_eq!(guest.says(&target).await, "set");
    }
    let target = format!("draft/set?store=default&key=d&bytes={VALUE_BYTES_MAX}");
    assert_eq!(guest.says(&target).await, "other: the limit of the store's size is reached");
    assert_eq!(guest.says("draft2/exists?store=default&key=d").await, "false");
}

#[tokio::test]
async fn what_a_guest_hands_over_at_once_and_holds_open_is_bounded() {
    let guest = Guest::new().await;
    let target = format!("draft/set?store=default&key=a&bytes={}", 2 * VALUE_BYTES_MAX);
    assert_eq!(guest.answer(&target).await.kind(), Some(FaultKind::HostLimit));
    let handles = guest.answer("draft/handles?store=default").await;
    assert_eq!(handles.kind(), Some(FaultKind::HostLimit));
    assert!(guest.stores.asks.load(Relaxed) < 5000, "it ended at the limit of handles");
    guest.expect(&[("draft/exists?store=default&key=a", "false")]).await;
}

#[tokio::test]
async fn an_ask_that_is_not_answered_is_given_up_with_its_invocation() {
    let stores = Stores { stuck: true, ..Stores::default() };
    let guest = Guest::with(Rig::with(|config| config.instances = 1), stores).await;
    for round in 1..=3 {
        let mut running = guest.start("draft/get?store=default&key=a");
        let polled = poll_fn(|cx| std::task::Poll::Ready(running.as_mut().poll_head(cx))).await;
        assert!(polled.is_pending());
        assert_eq!(guest.stores.asks.load(Relaxed), round);
        drop(running);
        assert_eq!(guest.stores.given_up.load(Relaxed), round);
    }
}

#[tokio::test]
async fn the_configuration_is_what_the_manifest_says_and_costs_no_ask() {
    let mut rig = Rig::new();
    rig.values = [("region", "eu"), ("empty", "")].into_iter().collect();
    let guest = Guest::with(rig, Stores::default()).await;
    for version in ["config-draft", "config-rc1"] {
        let all = guest.says(&format!("{version}/all")).await;
        assert_eq!(all, r#"Ok([("empty", ""), ("region", "eu")])"#);
        let region = guest.says(&format!("{version}/get?key=region")).await;
        assert_eq!(region, r#"Ok(Some("eu"))"#);
        assert_eq!(guest.says(&format!("{version}/get?key=empty")).await, r#"Ok(Some(""))"#);
        assert_eq!(guest.says(&format!("{version}/get?key=Region")).await, "Ok(None)");
    }
    assert_eq!(guest.stores.asks.load(Relaxed), 0);
}

#[tokio::test]
async fn a_function_without_configuration_reads_nothing() {
    let guest = Guest::new().await;
    guest.expect(&[("config-rc1/all", "Ok([])"), ("config-draft/get?key=a", "Ok(None)")]).await;
}

#[tokio::test]
async fn a_guest_of_wasi_03_has_them_beside() {
    let mut rig = Rig::new_03();
    rig.values = [("region", "eu")].into_iter().collect();
    let guest = Guest::of("misbehave03", rig, Stores::default()).await;
    guest.expect(&[("count", "1\n"), ("count", "2\n"), ("region", "Ok(Some(\"eu\"))\n")]).await;
}
