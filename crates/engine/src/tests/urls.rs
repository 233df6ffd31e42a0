//! Addresses of functions: below which domains whose functions answer.

use super::rig::{COMPONENT, Rig, answer, manifest, rig_with, with_body};
use crate::Config;
use http_body_util::BodyExt as _;
use model::api::DeployRequest;
use model::beside::Url;
use model::{Code, Scope};

/// Gives `f` an address, and its id.
async fn address(rig: &Rig) -> String {
    let scope = Scope::default();
    let function = model::FunctionRef { scope: scope.clone(), name: "f".parse().expect("f") };
    let mut beside = rig.engine.beside(&function);
    let (id, made) = ("a1".repeat(16), model::Timestamp::default());
    let url = Url {
        id: id.clone(),
        signed: false,
        cors: None,
        stream: false,
        created: made,
        modified: made,
    };
    beside.urls.insert(String::new(), url);
    let rights = model::act::Rights::default();
    let what = "an address".to_owned();
    let kept = rig.engine.put_beside(&scope, "operator", &function.name, what, beside, rights);
    kept.await.expect("kept");
    id
}

/// Deploys a function of another tenant with a route of this host.
async fn theirs(rig: &Rig, application: &str, host: &str) {
    let scope = Scope { tenant: "acme".parse().expect("a tenant"), ..Scope::default() };
    let spec = format!(
        r#"{{"name":"{application}","http":[{{"route":"GET {host}/mine","auth":"public"}}]}}"#
    );
    let manifest = manifest(application, &spec, audit::digest(COMPONENT));
    let request = DeployRequest { manifest, grant: true };
    rig.engine.deploy(&scope, "operator", request, None).await.expect(host);
}

async fn ask(rig: &Rig, host: &str) -> Result<u16, Code> {
    let mut request = with_body("GET", "/", None, b"");
    request.headers_mut().insert("host", host.parse().expect(host));
    let response = rig.send(request).await.map_err(|refusal| refusal.problem.code)?;
    let status = response.status().as_u16();
    response.into_body().collect().await.expect("a whole body");
    Ok(status)
}

#[tokio::test(start_paused = true)]
async fn below_the_domain_of_one_tenant_no_function_of_another_answers() {
    let config = Config { addresses: "fn.example".to_owned(), ..Config::default() };
    let rig = rig_with(config, &[], |_| answer()).await;
    rig.deploy(r#"{"name":"f"}"#).await.expect("deployed");
    rig.grant("public", "invoke", "f").await;
    let id = address(&rig).await;
    let at = |domain: &str| format!("{id}.lambda-url.{domain}");
    for domain in ["fn.example", "shop.example", "a.wild.example", "wild.example"] {
        assert_eq!(ask(&rig, &at(domain)).await, Ok(200), "{domain}");
    }
    theirs(&rig, "one", "shop.example").await;
    theirs(&rig, "two", "*.wild.example").await;
    theirs(&rig, "three", "fn.example").await;
    for taken in ["shop.example", "below.it.shop.example", "a.wild.example", "wild.example"] {
        // What whoever has no credential hears where there is nothing.
        assert_eq!(ask(&rig, &at(taken)).await, Err(Code::CredentialRequired), "{taken}");
    }
    // A tenant takes the addresses of others away neither by their own domain nor by one above or
    // beside it.
    theirs(&rig, "four", "www.other.example").await;
    for free in ["fn.example", "other.example", "localhost", "example"] {
        assert_eq!(ask(&rig, &at(free)).await, Ok(200), "{free}");
    }
    rig.deploy(r#"{"name":"f","http":[{"route":"GET own.example/x"}]}"#).await.expect("deployed");
    assert_eq!(ask(&rig, &at("own.example")).await, Ok(200), "it is the function's own tenant's");
}
