//! Grants, operator policies and an ask, and what comes out.

mod algebra;
mod defer;
mod issuers;
mod properties;

use crate::*;
use model::{Claims, Code, FunctionName, FunctionRef, Grant, Principal, Scope, TokenName};
use std::sync::Arc;

fn function(name: &str) -> FunctionRef {
    FunctionRef { scope: Scope::default(), name: FunctionName::parse(name).unwrap() }
}

fn token(name: &str) -> TokenName {
    TokenName::parse(name).unwrap()
}

/// Grants, one a line: `WHO ACTION WHAT`.
fn grants(text: &str) -> Vec<Grant> {
    text.lines()
        .map(|line| {
            let mut parts = line.trim().splitn(3, ' ');
            let mut next = || parts.next().unwrap();
            Grant::parse(next(), next(), next()).unwrap()
        })
        .collect()
}

fn operator(text: &str) -> Arc<Policies> {
    Policies::new(&[("op.cedar".into(), text.into())]).unwrap_or_else(|e| panic!("{e:?}"))
}

fn hello(text: &str, operator_text: &str) -> FunctionPolicies {
    operator(operator_text).for_function(&function("hello"), &grants(text)).unwrap()
}

fn decide(policies: &FunctionPolicies, who: Asker<'_>) -> Result<Permit, Denial> {
    let ask = InvokeAsk {
        principal: who,
        function: &function("hello"),
        source: Some("192.0.2.1".parse().unwrap()),
        method: "GET",
        route: "/hello",
        trigger: "http",
        claims: Claims::NONE,
    };
    policies.decide_invoke(&ask)
}

/// `who` is `anonymous`, `operator` or a token's name; `expect` is the deciding policies after
/// `permit`, `forbid` or `error`, or `deny` and the hint.
fn check(grants: &str, operator: &str, who: &str, expect: &str) {
    let policies = hello(grants, operator);
    let (name, caller);
    let asker = match who {
        "anonymous" => Asker::Anonymous,
        "operator" => Asker::Operator,
        other => {
            name = if other.contains(':') { other.to_owned() } else { format!("token:{other}") };
            caller = name.parse::<model::wire::v1::Caller>().unwrap();
            Asker::from(&caller)
        }
    };
    let got = match decide(&policies, asker) {
        Ok(permit) => format!("permit {}", permit.policies().join(", ")),
        Err(denial) => match denial.kind {
            DenialKind::NoGrant => format!("deny {}", denial.hint.as_deref().unwrap_or("-")),
            DenialKind::Forbidden => format!("forbid {}", denial.reasons.join(", ")),
            DenialKind::Error => format!("error {}", denial.reasons.join(", ")),
        },
    };
    assert_eq!(got, expect, "{who} with {grants:?} and {operator:?}");
}

#[test]
fn denies_by_default_and_names_the_grant_that_would_help() {
    check("", "", "anonymous", "deny casemate grant public invoke hello");
    check("", "", "ci", "deny casemate grant token:ci invoke hello");
    check("token:cd invoke hello", "", "ci", "deny casemate grant token:ci invoke hello");
    check("token:ci invoke other", "", "ci", "deny casemate grant token:ci invoke hello");
    check("token:ci invoke hello", "", "anonymous", "deny casemate grant public invoke hello");
    check(
        "function:hello http GET https://a.example/",
        "",
        "ci",
        "deny casemate grant token:ci invoke hello",
    );
}

#[test]
fn permits_what_was_granted_and_says_by_what() {
    check("token:ci invoke hello", "", "ci", "permit token:ci invoke hello");
    check("public invoke hello", "", "anonymous", "permit public invoke hello");
    check("public invoke hello", "", "ci", "permit public invoke hello");
    check(
        "token:ci invoke hello\npublic invoke hello",
        "",
        "ci",
        "permit public invoke hello, token:ci invoke hello",
    );
    check("", "", "operator", "permit built-in operator");
    check(
        "",
        r#"permit(principal == Casemate::Token::"default/main/ci", action, resource);"#,
        "ci",
        "permit op.cedar#1",
    );
}

#[test]
fn a_forbid_beats_every_permit() {
    let this_token =
        r#"forbid(principal == Casemate::Token::"default/main/ci", action, resource);"#;
    check("token:ci invoke hello", this_token, "ci", "forbid op.cedar#1");
    check("public invoke hello", this_token, "ci", "forbid op.cedar#1");
    check("public invoke hello", this_token, "anonymous", "permit public invoke hello");
    let named = r#"@id("closed") forbid(principal, action, resource == Casemate::Function::"default/main/hello");"#;
    check("public invoke hello", named, "anonymous", "forbid op.cedar#closed");
    check("", named, "operator", "forbid op.cedar#closed");
    check(
        "public invoke hello",
        &named.replace("hello", "other"),
        "ci",
        "permit public invoke hello",
    );
    let strangers = r#"forbid(principal == Casemate::Public::"public", action, resource);"#;
    check("public invoke hello", strangers, "anonymous", "forbid op.cedar#1");
    check("public invoke hello", strangers, "ci", "permit public invoke hello");
    let all = r#"permit(principal, action, resource); forbid(principal in Casemate::Public::"public", action, resource);"#;
    check("token:ci invoke hello", all, "ci", "forbid op.cedar#2");
    check("", all, "operator", "permit built-in operator, op.cedar#1");
}

#[test]
fn an_error_in_any_policy_denies() {
    let overflow = "(principal, action, resource) when { 9223372036854775807 + 1 > 0 };";
    let forbid = format!("forbid{overflow}");
    check("public invoke hello", &forbid, "anonymous", "error op.cedar#1");
    check("", &forbid, "operator", "error op.cedar#1");
    check("public invoke hello", &format!("permit{overflow}"), "ci", "error op.cedar#1");
    let denial = decide(&hello("public invoke hello", &forbid), Asker::Anonymous).unwrap_err();
    assert_eq!((denial.code, denial.hint), (Code::PolicyError, None));
    assert!(denial.detail.unwrap().contains("overflow"));
}

#[test]
fn a_policy_that_cannot_apply_is_not_evaluated() {
    // Its condition would fail, but its scope names another function, or another action.
    let elsewhere = r#"forbid(principal, action, resource == Casemate::Function::"default/main/other") when { 9223372036854775807 + 1 > 0 };"#;
    check("public invoke hello", elsewhere, "ci", "permit public invoke hello");
    let outbound = r#"forbid(principal, action == Casemate::Action::"http", resource) when { 9223372036854775807 + 1 > 0 };"#;
    check("public invoke hello", outbound, "ci", "permit public invoke hello");
}

#[test]
fn decides_by_every_attribute_of_the_context() {
    let policies = hello(
        "public invoke hello",
        r#"forbid(principal, action == Casemate::Action::"invoke", resource) unless {
            context has source && context.source.isInRange(ip("10.0.0.0/8"))
            && context.method == "GET" && context.route == "/hello" && context.trigger == "http"
            && context.tenant == "default" && context.environment == "main" };"#,
    );
    let to = function("hello");
    let good = InvokeAsk {
        principal: Asker::Anonymous,
        function: &to,
        source: Some("10.1.2.3".parse().unwrap()),
        method: "GET",
        route: "/hello",
        trigger: "http",
        claims: Claims::NONE,
    };
    let mapped = Some("::ffff:10.1.2.3".parse().unwrap());
    assert!(policies.decide_invoke(&good).is_ok());
    assert!(policies.decide_invoke(&InvokeAsk { source: mapped, ..good }).is_ok());
    for bad in [
        InvokeAsk { source: None, ..good },
        InvokeAsk { source: Some("11.1.2.3".parse().unwrap()), ..good },
        InvokeAsk { source: Some("::1".parse().unwrap()), ..good },
        InvokeAsk { source: Some("::a01:203".parse().unwrap()), ..good },
        InvokeAsk { method: "PUT", ..good },
        InvokeAsk { route: "/other", ..good },
        InvokeAsk { trigger: "direct", ..good },
    ] {
        let denial = policies.decide_invoke(&bad).unwrap_err();
        assert_eq!(denial.kind, DenialKind::Forbidden, "{bad:?}");
    }
    let elsewhere = function("other");
    let denial = policies.decide_invoke(&InvokeAsk { function: &elsewhere, ..good }).unwrap_err();
    assert_eq!(denial.code, Code::PolicyError);
}

#[test]
fn hints_name_the_tenant_and_environment_where_they_are_not_the_defaults() {
    let scope = Scope { tenant: "acme".parse().unwrap(), environment: "staging".parse().unwrap() };
    let to = FunctionRef { scope, name: FunctionName::parse("hello").unwrap() };
    let policies = operator("").for_function(&to, &[]).unwrap();
    let ask = InvokeAsk {
        principal: Asker::Anonymous,
        function: &to,
        source: None,
        method: "GET",
        route: "",
        trigger: "direct",
        claims: Claims::NONE,
    };
    assert_eq!(
        policies.decide_invoke(&ask).unwrap_err().hint.as_deref(),
        Some("casemate grant public invoke hello --tenant acme --env staging")
    );
}

#[test]
fn the_version_changes_with_grants_and_policies_and_with_nothing_else() {
    let base = hello("token:ci invoke hello\npublic invoke hello", "");
    let again = hello("public invoke hello\ntoken:ci invoke hello\ntoken:ci invoke other", "");
    assert_eq!(base.version(), again.version());
    assert_ne!(base.version(), hello("public invoke hello", "").version());
    let forbid = "forbid(principal, action, resource);";
    assert_ne!(
        base.version(),
        hello("token:ci invoke hello\npublic invoke hello", forbid).version()
    );
    let permit = decide(&base, Asker::Anonymous).unwrap();
    assert_eq!(permit.version(), base.version());
    let files =
        |text: &str| [("b".to_owned(), text.to_owned()), ("a".to_owned(), forbid.to_owned())];
    let mut turned = files("");
    turned.reverse();
    let version = |files: &[(String, String)]| Policies::new(files).unwrap().version();
    assert_eq!(version(&files("")), version(&turned));
    assert_ne!(version(&files("")), version(&files(" ")));
}

#[test]
fn bad_policies_name_the_file_and_the_place() {
    let cases = [
        ("forbid(principal, action, resource)", "op.cedar` is no Cedar at line 1, column 36"),
        (
            "// one\n  permit(principal == 3, action, resource);",
            "op.cedar` is no Cedar at line 2, column 23",
        ),
        (
            "permit(principal, action, resource);\nforbid(principal, action, resource)\nwhen { context.colour == \"é\" };",
            "`op.cedar#2` does not fit the schema at line 3, column 8",
        ),
        (
            "forbid(principal, action == Casemate::Action::\"invoke\", resource) when { context.source.isLoopback() };",
            "`op.cedar#1` does not fit the schema at line 1",
        ),
        (
            "permit(principal == User::\"a\", action, resource);",
            "`op.cedar#1` does not fit the schema",
        ),
        ("permit(principal == ?principal, action, resource);", "has a template"),
        (
            "@id(\"a\") permit(principal, action, resource); @id(\"a\") forbid(principal, action, resource);",
            "called `op.cedar#a`",
        ),
    ];
    for (text, expect) in cases {
        let Err(error) = Policies::new(&[("op.cedar".into(), text.into())]) else {
            panic!("accepted {text}")
        };
        assert!(error.to_string().contains(expect), "{text}: {error}");
        assert_eq!(error.code(), Code::BadPolicy, "{text}");
        assert_eq!(model::Problem::from(error).code, Code::BadPolicy);
    }
    let twice = [("a".to_owned(), "permit(principal, action, resource);".to_owned())];
    assert!(Policies::new(&[twice.clone(), twice].concat()).is_err());
}

#[test]
fn a_very_long_policy_neither_crashes_nor_is_misread() {
    let condition = vec!["context.method == \"GET\""; 2000].join(" || ");
    let text = format!(
        "forbid(principal, action == Casemate::Action::\"invoke\", resource) when {{ {condition} }};"
    );
    match Policies::new(&[("op.cedar".into(), text)]) {
        Err(error) => assert_eq!(error.code(), Code::BadPolicy),
        Ok(policies) => {
            let own =
                policies.for_function(&function("hello"), &grants("public invoke hello")).unwrap();
            assert!(decide(&own, Asker::Anonymous).is_err());
        }
    }
}

#[test]
fn a_grant_that_pairs_what_cannot_be_paired_is_refused() {
    let target = "GET https://x/\"); permit(principal, action, resource); //".to_owned();
    let bad = Grant { who: Principal::Public, action: model::Action::Http { target } };
    let to_hello = Grant {
        who: Principal::Function(FunctionName::parse("hello").unwrap()),
        action: model::Action::KeyValue { target: "fly carts".to_owned() },
    };
    let policies = operator("");
    let error = policies.for_function(&function("hello"), &[to_hello]).err().unwrap();
    assert_eq!(error.code(), Code::BadGrant);
    // It concerns no function, so it cannot do anything.
    assert!(!concerns(&bad, &function("hello")));
}

#[test]
fn free_text_in_a_target_is_escaped_wherever_it_is_named() {
    let who = Principal::Function(FunctionName::parse("hello").unwrap());
    let target = "GET https://a.example/\"\u{1b}[2J\n".to_owned();
    let grant = Grant { who, action: model::Action::Http { target } };
    assert_eq!(grant_id(&grant), r#"function:hello http "GET https://a.example/\"\u{1b}[2J\n""#);
}

#[test]
fn an_outgoing_request_finds_its_grant_or_the_command_for_it() {
    let policies = hello(
        "function:hello http GET https://a.example/v1/*\nfunction:other http * https://b.example/*",
        "",
    );
    let ask = HttpAsk { method: "GET", url: "https://a.example/v1/x?secret=1" };
    let _allowed = policies.decide_http(ask).unwrap();
    for (method, url, hint) in [
        (
            "POST",
            "https://a.example/v1/x?secret=1",
            Some("casemate grant function:hello http \"POST https://a.example/v1/x\""),
        ),
        (
            "GET",
            "http://b.example:8080",
            Some("casemate grant function:hello http \"GET http://b.example:8080/\""),
        ),
        (
            "GET",
            "https://b.example/$(reboot)`x`\"!*\\",
            Some(
                "casemate grant function:hello http \"GET https://b.example/%24(reboot)%60x%60%22%21%2A%5C\"",
            ),
        ),
        ("GET", "https://a.example/v1/../x", None),
        ("G\"ET", "https://b.example/", None),
        ("GET", "file:///etc/passwd", None),
    ] {
        let denial = policies.decide_http(HttpAsk { method, url }).unwrap_err();
        assert_eq!(denial.code, Code::OutboundDenied, "{url}");
        assert_eq!(denial.hint.as_deref(), hint, "{url}");
    }
}

#[test]
fn lint_notes_what_is_wide_and_what_is_in_vain() {
    let grants = grants(
        "public invoke hello\ntoken:ci invoke hello\nfunction:hello http * https://a.example/*\nfunction:hello http GET https://a.example/?x=1",
    );
    let policies = operator(
        r#"permit(principal, action, resource);
           permit(principal, action, resource) when { principal is Casemate::Operator };
           permit(principal, action == Casemate::Action::"http", resource);
           forbid(principal, action, resource) when { false };
           forbid(principal, action, resource) when { principal is Casemate::Token };"#,
    );
    let found: Vec<_> =
        lint(&grants, &policies).into_iter().map(|f| (f.kind, f.policy.to_string())).collect();
    let wide = "function:hello http \"* https://a.example/*\"";
    for (kind, policy) in [
        (LintKind::Public, "public invoke hello"),
        (LintKind::AnyMethod, wide),
        (LintKind::WholeHost, wide),
        (LintKind::MatchesNothing, "function:hello http \"GET https://a.example/?x=1\""),
        (LintKind::Unconstrained, "op.cedar#1"),
        (LintKind::Unconstrained, "op.cedar#2"),
        (LintKind::Doubtful, "op.cedar#4"),
    ] {
        assert!(found.contains(&(kind, policy.to_owned())), "{kind:?} {policy} in {found:?}");
    }
    assert_eq!(found.len(), 7, "{found:?}");
}

#[test]
fn the_schema_in_the_reference_is_the_one_in_use() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/policy.cedarschema");
    assert_eq!(std::fs::read_to_string(path).unwrap(), SCHEMA);
}

#[test]
fn the_examples_in_the_documentation_are_valid() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/");
    let pages = ["concepts/policy.md", "guides/jwt.md"];
    let page = pages.map(|page| std::fs::read_to_string(format!("{docs}{page}")).unwrap()).concat();
    let examples: Vec<_> =
        page.split("```cedar\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 4);
    for text in examples {
        let policies = operator(text);
        assert_eq!(lint(&[], &policies), vec![], "{text}");
    }
}
