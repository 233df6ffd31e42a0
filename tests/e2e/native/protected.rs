//! Sensitive data and native functions: what reaches a process in a jail went through the contract,
//! and what it sends out gets its values from the host.

use super::place::{Place, Who, function, handler};
use crate::outside::{answer, requests};
use crate::rig::{PATIENCE, request};

const CARD: &str = "5555555555554444";
const PROGRAM: &str = r#"
import json, os, urllib.request

# The service is on loopback, to which clients use no proxy by themselves.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = ""

def handler(event, context):
    print(json.dumps(event))
    body = event["body"].encode()
    fields = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(os.environ["PSP"], body, fields)).read()
    return {"statusCode": 200, "body": json.dumps([event, dict(os.environ)])}
"#;

#[test]
fn a_process_in_a_jail_never_has_the_card_that_it_pays_with() {
    let place = Place::open_beside(Who::Root, "[outbound]\nnetworks = [\"127.0.0.0/8\"]\n", &[]);
    let (psp, paid) = requests(|_, body| answer(200, &String::from_utf8_lossy(body)));
    place.write("app/pay.py", PROGRAM);
    let more = format!(
        "[function.environment]\nPSP = \"http://{psp}/v1/charges\"\n\
         [function.allow]\nhttp = [\"POST http://{psp}/v1/*\"]\n\
         [[function.data.in]]\nat = \"body:/number\"\nclass = \"pan\"\ntransform = \"token\"\n\
         [[function.data.reveal]]\nclass = \"pan\"\nto = \"http://{psp}/v1\"\n\
         purpose = \"payment\"\nat = [\"body:/number\"]\n"
    );
    let text = function("shop", "timeout = \"60s\"", &handler("pay.handler"));
    place.deploy(&format!("{text}{more}"));
    place.node.ok(&["grant", "public", "invoke", "shop"]);
    let body = format!(r#"{{"number":"{CARD}"}}"#);
    let reply = request(place.node.gateway, "POST", "/shop/pay", None, body.as_bytes());
    let record = place.node.ended(&reply);
    assert_eq!(reply.status, 200, "{}\n{record}\n{}", reply.text(), place.log(&reply));
    let (_, sent) = paid.recv_timeout(PATIENCE).expect("a payment");
    assert_eq!(String::from_utf8_lossy(&sent), body, "the service has the number");
    let seen = format!("{}{}{record}", reply.text(), place.log(&reply));
    assert!(seen.contains("tok_pan_1_") && seen.contains("data.reveal"), "{seen}");
    assert!(!seen.contains(CARD), "{seen}");
}
