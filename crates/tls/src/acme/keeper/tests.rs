//! A directory that says when to renew, in memory.

use super::*;
use bytes::Bytes;
use http::{Request, Response};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient, Key};
use std::pin::Pin;

type Answer = Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>>;

/// A directory that answers two addresses.
struct Fixed {
    renewal_info: bool,
}

impl HttpClient for Fixed {
    fn request(&self, request: Request<BodyWrapper<Bytes>>) -> Answer {
        let text = match request.uri().path() {
            "/dir" if self.renewal_info => {
                r#"{"newNonce":"n","newAccount":"a","newOrder":"o",
                    "renewalInfo":"https://ca.example/renewal"}"#
            }
            "/dir" => r#"{"newNonce":"n","newAccount":"a","newOrder":"o"}"#,
            // Base64url of the issuer's key identifier and of the serial number.
            "/renewal/AQID.BAU" => {
                r#"{"suggestedWindow":{"start":"2027-01-15T08:00:00Z","end":"2027-01-15T09:00:00Z"}}"#
            }
            path => panic!("{path}"),
        };
        let answer = Response::builder().header("retry-after", "21600");
        let answer = answer.body(http_body_util::Full::new(Bytes::from_static(text.as_bytes())));
        Box::pin(std::future::ready(Ok(answer.expect("an answer").into())))
    }
}

async fn asked(renewal_info: bool) -> Option<(Option<Window>, Duration)> {
    let (_, key) = Key::generate_pkcs8().expect("a key");
    let account = Account::builder_with_http(Box::new(Fixed { renewal_info }));
    let account = account.from_parts("id".to_owned(), key, "https://ca.example/dir".to_owned());
    let mut pair = crate::self_signed::tests::pair(&["a.example"]);
    pair.facts.identifier = Some((vec![1, 2, 3], vec![4, 5]));
    suggestion(&account.await.expect("an account"), &pair).await
}

#[tokio::test]
async fn a_directory_is_asked_when_to_renew() {
    let (window, again) = asked(true).await.expect("an answer");
    let begin = Timestamp(1_800_000_000_000_000);
    assert_eq!(window, Some((begin, begin.plus_us(3_600_000_000))));
    assert!(again > Duration::from_secs(21_000), "{again:?}");
}

#[tokio::test]
async fn a_directory_that_does_not_say_is_asked_again_a_day_later() {
    assert_eq!(asked(false).await, Some((None, 4 * ASK)));
}
