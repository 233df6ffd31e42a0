//! Subjects of issuers and certificates: by name, by kind, by what their tokens say.

use super::{check, decide, function, hello};
use crate::*;
use model::Claims;

#[test]
fn tokens_of_issuers_and_certificates_are_granted_by_name_or_by_kind() {
    let grants = "jwt:shop invoke hello\njwt:corp/bob invoke hello\nmtls:cn:a invoke hello";
    check(grants, "", "jwt:shop/alice", "permit jwt:shop invoke hello");
    check(grants, "", "jwt:corp/bob", "permit jwt:corp/bob invoke hello");
    check(grants, "", "mtls:cn:a", "permit mtls:cn:a invoke hello");
    for (who, hint) in [
        ("jwt:corp/alice", "deny casemate grant jwt:corp/alice invoke hello"),
        ("jwt:sho/p", "deny casemate grant jwt:sho/p invoke hello"),
        ("mtls:cn:b", "deny casemate grant mtls:cn:b invoke hello"),
        ("mtls:cn:a%20%24%28x%29", "deny casemate grant mtls:cn:a%20%24%28x%29 invoke hello"),
        ("bob", "deny casemate grant token:bob invoke hello"),
        ("anonymous", "deny casemate grant public invoke hello"),
    ] {
        check(grants, "", who, hint);
    }
    check("mtls:* invoke hello", "", "mtls:cn:b", "permit mtls:* invoke hello");
    check("public invoke hello", "", "jwt:shop/alice", "permit public invoke hello");
    let issuer = r#"forbid(principal in Casemate::Issuer::"shop", action, resource);"#;
    check(grants, issuer, "jwt:shop/alice", "forbid op.cedar#1");
    check(grants, issuer, "jwt:corp/bob", "permit jwt:corp/bob invoke hello");
    let subject = r#"forbid(principal == Casemate::Subject::"shop/alice", action, resource);"#;
    check(grants, subject, "jwt:shop/alice", "forbid op.cedar#1");
    check(grants, subject, "jwt:shop/bob", "permit jwt:shop invoke hello");
}

/// One decision serves all subjects that nothing tells apart, and each hint is its own.
#[test]
fn many_subjects_take_one_place_and_keep_their_own_hints() {
    let policies = hello("jwt:shop invoke hello\njwt:corp/bob invoke hello", "");
    let (shop, corp) = ("shop".parse().unwrap(), "corp".parse().unwrap());
    for number in 0..1000 {
        let subject = model::Subject::new(&format!("s{number}")).unwrap();
        assert!(decide(&policies, Asker::Jwt(&shop, &subject)).is_ok());
        let denial = decide(&policies, Asker::Jwt(&corp, &subject)).unwrap_err();
        let hint = format!("casemate grant jwt:corp/s{number} invoke hello");
        assert_eq!(denial.hint.as_deref(), Some(hint.as_str()));
    }
    assert_eq!(policies.remembered(), 2);
    let bob = model::Subject::new("bob").unwrap();
    assert!(decide(&policies, Asker::Jwt(&corp, &bob)).is_ok());
    assert_eq!(policies.remembered(), 3);
}

#[test]
fn claims_decide_where_a_policy_reads_them_and_only_there() {
    let policies = hello(
        "jwt:shop invoke hello",
        r#"forbid(principal, action == Casemate::Action::"invoke", resource)
           unless { context.claims.hasTag("role") && context.claims.getTag("role").contains("admin") };"#,
    );
    let (shop, to) = ("shop".parse().unwrap(), function("hello"));
    let alice = model::Subject::new("alice").unwrap();
    let allowed = |pairs: &[(&str, &str)]| {
        let owned = pairs.iter().map(|(name, text)| ((*name).into(), vec![(*text).into()]));
        let ask = InvokeAsk {
            principal: Asker::Jwt(&shop, &alice),
            function: &to,
            source: None,
            method: "GET",
            route: "/hello",
            trigger: "http",
            claims: &Claims::new(owned).unwrap(),
        };
        policies.decide_invoke(&ask).is_ok()
    };
    assert!(allowed(&[("role", "admin")]));
    assert!(!allowed(&[("role", "user")]));
    assert!(!allowed(&[]));
    assert!(!allowed(&[("roles", "admin")]));
    // What no policy reads is not part of what is remembered.
    for number in 0..50 {
        assert!(allowed(&[("role", "admin"), ("jti", &number.to_string())]));
    }
    assert_eq!(policies.remembered(), 3);
}
