//! Who may have a function work later.

use super::*;

fn later(policies: &FunctionPolicies, who: &str) -> Result<(), Denial> {
    let caller = who.parse::<model::wire::v1::Caller>().unwrap();
    let ask = InvokeAsk {
        principal: Asker::from(&caller),
        function: &function("hello"),
        source: Some("192.0.2.1".parse().unwrap()),
        method: "GET",
        route: "/hello",
        trigger: "http",
        claims: Claims::NONE,
    };
    let permit = policies.decide_invoke(&ask)?;
    policies.decide_async(&ask, &permit).map(|_permit| ())
}

#[test]
fn a_grant_of_its_own_is_needed_beside_the_one_to_invoke() {
    let both = "token:ci invoke hello\ntoken:ci invoke-async hello";
    assert_eq!(later(&hello(both, ""), "token:ci"), Ok(()));
    for one in ["token:ci invoke hello", "token:ci invoke-async hello", "public invoke hello"] {
        let denial = later(&hello(one, ""), "token:ci").expect_err(one);
        assert_eq!((denial.kind, denial.code), (DenialKind::NoGrant, Code::Denied), "{one}");
    }
    let denial = later(&hello("token:ci invoke hello", ""), "token:ci").expect_err("one of two");
    assert_eq!(denial.hint.as_deref(), Some("casemate grant token:ci invoke-async hello"));
    let other = format!("{both}\ntoken:cd invoke hello");
    assert!(later(&hello(&other, ""), "token:cd").is_err(), "another's grant");
    let anybody = "public invoke hello\ntoken:ci invoke-async hello";
    assert!(later(&hello(anybody, ""), "anonymous").is_err(), "nobody is nobody");
    assert_eq!(later(&hello(anybody, ""), "token:ci"), Ok(()), "who may call as everybody may");
}

#[test]
fn a_grant_to_a_kind_counts_for_each_of_it() {
    let issuer = "jwt:shop invoke hello\njwt:shop invoke-async hello";
    assert_eq!(later(&hello(issuer, ""), "jwt:shop/alice"), Ok(()));
    assert!(later(&hello(issuer, ""), "jwt:other/alice").is_err());
    let certificates = "mtls:* invoke hello\nmtls:* invoke-async hello";
    assert_eq!(later(&hello(certificates, ""), "mtls:cn:x"), Ok(()));
}

#[test]
fn an_operators_policy_forbids_and_permits() {
    let both = "token:ci invoke hello\ntoken:ci invoke-async hello";
    let forbid = |action: &str| {
        format!(
            r#"forbid(principal == Casemate::Token::"default/main/ci", action{action}, resource);"#
        )
    };
    for action in
        ["", r#" == Casemate::Action::"invoke-async""#, r#" == Casemate::Action::"invoke""#]
    {
        let denial = later(&hello(both, &forbid(action)), "token:ci").expect_err(action);
        assert_eq!(denial.kind, DenialKind::Forbidden, "{action}");
    }
    let permit = r#"permit(principal in Casemate::Public::"public",
        action == Casemate::Action::"invoke-async", resource)
        when { context.source.isInRange(ip("192.0.2.0/24")) };"#;
    let permit = permit.replace("when { ", "when { context has source && ");
    let invoke = "token:ci invoke hello\npublic invoke hello";
    assert_eq!(later(&hello(invoke, &permit), "token:ci"), Ok(()));
    assert!(later(&hello(invoke, &permit), "anonymous").is_err());
    assert_eq!(later(&hello("", ""), "operator"), Ok(()));
}

#[test]
fn a_trigger_needs_its_grant_to_invoke_and_no_other() {
    let granted = "trigger:nightly invoke hello";
    assert_eq!(later(&hello(granted, ""), "trigger:nightly"), Ok(()));
    let denial = later(&hello("public invoke hello", ""), "trigger:nightly").expect_err("no grant");
    assert_eq!(denial.hint.as_deref(), Some("casemate grant trigger:nightly invoke hello"));
    assert!(later(&hello(granted, ""), "trigger:hourly").is_err(), "another's grant");
    for action in [r#"action == Casemate::Action::"invoke-async""#, "action"] {
        let forbid = format!("forbid(principal is Casemate::Trigger, {action}, resource);");
        let denial = later(&hello(granted, &forbid), "trigger:nightly").expect_err(action);
        assert_eq!(denial.kind, DenialKind::Forbidden, "{action}");
    }
    let permit = r#"permit(principal == Casemate::Trigger::"default/main/nightly",
        action == Casemate::Action::"invoke", resource);"#;
    assert_eq!(later(&hello("", permit), "trigger:nightly"), Ok(()));
    assert!(later(&hello("", permit), "trigger:hourly").is_err());
}
