//! Secrets of versions.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_version_has_the_newest_value_or_none_like_what_is_active() {
    let rig = rig(|_| super::super::rig::answer()).await;
    assert_eq!(put(&rig, "psp", VALUE, false).await, Ok(1));
    rig.deploy(&format!(r#"{{"name":"f","allow":{ALLOW}}}"#)).await.expect("deployed");
    let scope = Scope::default();
    let function = model::FunctionRef { scope: scope.clone(), name: "f".parse().expect("f") };
    let mut beside = rig.engine.beside(&function);
    let published = model::Timestamp::default();
    let version = model::beside::Version { revision: 1, description: None, published };
    beside.versions.insert(1, version);
    let what = "a version".to_owned();
    let rights = model::act::Rights::default();
    let kept = rig.engine.put_beside(&scope, "operator", &function.name, what, beside, rights);
    kept.await.expect("kept");
    rig.deploy(r#"{"name":"f"}"#).await.expect("deployed without it");
    let held = || {
        let catalog = rig.engine.catalog.load();
        let view = catalog.view(&scope).expect("a view");
        let version = view.function(&function.name, Some(1)).expect("a version");
        let using = version.secrets.iter().next().expect("one");
        let opened = using.open(rig.engine.parts.keys.as_ref(), &scope);
        opened.ok().map(|(value, _)| String::from_utf8_lossy(value.expose()).into_owned())
    };
    assert_eq!(held().as_deref(), Some(VALUE));
    assert_eq!(rig.engine.secrets(&scope)[0].used_by, std::slice::from_ref(&function.name));
    assert_eq!(put(&rig, "psp", "another-value-of-it", true).await, Ok(2));
    assert_eq!(held().as_deref(), Some("another-value-of-it"));
    rig.engine.remove_secret(&scope, "operator", &name("psp")).await.expect("removed");
    assert_eq!(held(), None);
}
