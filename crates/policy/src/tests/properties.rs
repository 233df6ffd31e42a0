//! What holds for every combination of grants, operator policies and asks.

use super::{function, hello, token};
use crate::*;
use cedar_policy::{Authorizer, Decision, PolicySet};
use model::{Claims, FunctionRef, IssuerName, Subject, TokenName};
use proptest::prelude::*;
use std::net::IpAddr;

/// Operator policies to choose from: each reads something else, some fail for some asks.
const PIECES: [&str; 17] = [
    r#"forbid(principal, action in [Casemate::Action::"invoke", Casemate::Action::"http"], resource) when { context.method == "PUT" };"#,
    r#"forbid(principal == Casemate::Token::"default/main/a", action, resource);"#,
    r#"forbid(principal in Casemate::Public::"public", action == Casemate::Action::"invoke", resource) when { context has source && context.source.isInRange(ip("10.0.0.0/9")) };"#,
    r#"forbid(principal, action == Casemate::Action::"invoke", resource == Casemate::Function::"default/main/hello") when { context.trigger == "direct" };"#,
    r#"forbid(principal, action, resource == Casemate::Function::"default/main/other");"#,
    r#"permit(principal, action == Casemate::Action::"invoke", resource) when { context.route like "/open*" };"#,
    r#"permit(principal == Casemate::Token::"default/main/b", action in [Casemate::Action::"invoke", Casemate::Action::"http"], resource in Casemate::Function::"default/main/hello");"#,
    r#"permit(principal is Casemate::Token, action == Casemate::Action::"invoke", resource is Casemate::Function) unless { context has source };"#,
    r#"forbid(principal is Casemate::Operator, action == Casemate::Action::"invoke", resource) when { {all: context}.all.trigger == "http" };"#,
    r#"forbid(principal, action == Casemate::Action::"invoke", resource) when { context.route == "/fails" && 9223372036854775807 + 1 > 0 };"#,
    r#"permit(principal == Casemate::Token::"default/main/c", action == Casemate::Action::"invoke", resource) when { context.method == "GET" && -9223372036854775807 - 2 < 0 };"#,
    r#"forbid(principal in Casemate::Issuer::"shop", action == Casemate::Action::"invoke", resource) when { context.claims.hasTag("role") && context.claims.getTag("role").contains("bad") };"#,
    r#"permit(principal, action == Casemate::Action::"invoke", resource) when { context.claims.hasTag("scope") && context.claims.getTag("scope").containsAny(["open", "w"]) };"#,
    r#"permit(principal == Casemate::Subject::"shop/a", action == Casemate::Action::"invoke", resource);"#,
    r#"forbid(principal == Casemate::Certificate::"cn:b", action == Casemate::Action::"invoke", resource);"#,
    r#"forbid(principal, action == Casemate::Action::"invoke", resource) when { principal in [Casemate::Issuer::"corp"] && context.method == "PUT" };"#,
    r#"permit(principal is Casemate::Certificate, action == Casemate::Action::"invoke", resource) when { context.claims.hasTag(context.method) || context.method == "GET" };"#,
];

const GRANTS: [&str; 10] = [
    "public invoke hello",
    "token:a invoke hello",
    "token:b invoke hello",
    "token:c invoke other",
    "public invoke other",
    "jwt:shop invoke hello",
    "jwt:shop/a invoke hello",
    "jwt:corp/b invoke hello",
    "mtls:* invoke hello",
    "mtls:cn:a invoke hello",
];

type Ask = (usize, Option<usize>, usize, usize, bool, usize);

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let source = prop::option::of(0..4usize);
    let ask = (0..11usize, source, 0..3usize, 0..4usize, prop::bool::ANY, 0..4usize);
    prop::collection::vec(ask, 1..40)
}

/// Everybody and everything that can ask.
struct Cast {
    tokens: [TokenName; 3],
    issuers: [IssuerName; 2],
    subjects: [Subject; 2],
    holders: [Subject; 2],
    claims: [Claims; 4],
}

impl Cast {
    fn new() -> Self {
        let claims = |pairs: &[(&str, &str)]| {
            let owned = |(name, text): &(&str, &str)| {
                ((*name).to_owned(), text.split(' ').map(str::to_owned).collect())
            };
            Claims::new(pairs.iter().map(owned)).unwrap()
        };
        Self {
            tokens: ["a", "b", "c"].map(token),
            issuers: ["shop", "corp"].map(|name| IssuerName::parse(name).unwrap()),
            subjects: ["a", "b"].map(|text| Subject::new(text).unwrap()),
            holders: ["cn:a", "cn:b"].map(|text| Subject::new(text).unwrap()),
            claims: [
                Claims::default(),
                claims(&[("role", "good bad")]),
                claims(&[("role", "good"), ("scope", "r w"), ("jti", "1")]),
                claims(&[("role", "good"), ("scope", "r"), ("PUT", "x"), ("jti", "2")]),
            ],
        }
    }

    fn asker(&self, who: usize) -> Asker<'_> {
        match who {
            0 => Asker::Anonymous,
            1 => Asker::Operator,
            2..=4 => Asker::Token(&self.tokens[who - 2]),
            5..=8 => Asker::Jwt(&self.issuers[(who - 5) / 2], &self.subjects[(who - 5) % 2]),
            other => Asker::Certificate(&self.holders[other - 9]),
        }
    }
}

/// Which of the pieces and grants are in use.
fn choice<const N: usize>(all: [&'static str; N]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(all.to_vec(), 0..=N)
}

fn build<'a>(ask: Ask, cast: &'a Cast, to: &'a FunctionRef) -> InvokeAsk<'a> {
    let addresses = ["10.0.0.1", "10.200.0.1", "::ffff:10.0.0.1", "2001:db8::1"];
    let principal = cast.asker(ask.0);
    let jwt = matches!(principal, Asker::Jwt(..));
    InvokeAsk {
        principal,
        function: to,
        source: ask.1.map(|at| addresses[at].parse::<IpAddr>().unwrap()),
        method: ["GET", "PUT", "get"][ask.2],
        route: ["/open", "/opened", "/fails", ""][ask.3],
        trigger: if ask.4 { "http" } else { "direct" },
        claims: if jwt { &cast.claims[ask.5] } else { Claims::NONE },
    }
}

/// The same decisions by one plain Cedar set that holds everything, written as text.
fn plain(pieces: &[&str], granted: &[&str], asks: &[InvokeAsk<'_>]) -> Vec<Option<Decision>> {
    let mut text = pieces.join("\n");
    text.push_str(r#"permit(principal == Casemate::Operator::"operator", action == Casemate::Action::"invoke", resource);"#);
    for line in granted {
        let (who, function) = line.split_once(" invoke ").unwrap();
        let who = match who.split_once(':') {
            Some(("token", name)) => format!("== Casemate::Token::\"default/main/{name}\""),
            Some(("jwt", name)) if name.contains('/') => {
                format!("== Casemate::Subject::\"{name}\"")
            }
            Some(("jwt", name)) => format!("in Casemate::Issuer::\"{name}\""),
            Some(("mtls", "*")) => "is Casemate::Certificate".to_owned(),
            Some((_, name)) => format!("== Casemate::Certificate::\"{name}\""),
            None => "in Casemate::Public::\"public\"".to_owned(),
        };
        text.push_str(&format!("permit(principal {who}, action == Casemate::Action::\"invoke\", resource == Casemate::Function::\"default/main/{function}\");"));
    }
    let words = vocabulary::Vocabulary::new().unwrap();
    let set: PolicySet = text.parse().unwrap();
    let decide = |ask: &InvokeAsk<'_>| {
        let all = reads::Reads::EVERYTHING;
        let (request, entities) =
            (words.request(ask, all).unwrap(), words.entities(ask, all).unwrap());
        let response = Authorizer::new().is_authorized(&request, &set, &entities);
        response.diagnostics().errors().next().is_none().then(|| response.decision())
    };
    asks.iter().map(decide).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_remembered_decision_is_the_decision(
        pieces in choice(PIECES), granted in choice(GRANTS), asks in asks(),
    ) {
        let cast = Cast::new();
        let policies = hello(&granted.join("\n"), &pieces.join("\n"));
        let to = function("hello");
        for ask in asks.iter().chain(&asks) {
            let ask = build(*ask, &cast, &to);
            prop_assert_eq!(policies.decide_invoke(&ask), policies.evaluate(&ask), "{:?}", ask);
        }
    }

    #[test]
    fn three_small_sets_decide_as_one_large_set_would(
        pieces in choice(PIECES), granted in choice(GRANTS), asks in asks(),
    ) {
        let cast = Cast::new();
        let policies = hello(&granted.join("\n"), &pieces.join("\n"));
        let to = function("hello");
        let asks: Vec<_> = asks.iter().map(|ask| build(*ask, &cast, &to)).collect();
        for (ask, expect) in asks.iter().zip(plain(&pieces, &granted, &asks)) {
            let got = policies.decide_invoke(ask);
            match expect {
                Some(Decision::Allow) => prop_assert!(got.is_ok(), "{:?}", ask),
                Some(Decision::Deny) => prop_assert!(got.is_err(), "{:?}", ask),
                None => prop_assert_eq!(got.unwrap_err().kind, DenialKind::Error, "{:?}", ask),
            }
        }
    }

    #[test]
    fn the_hint_of_a_refused_request_is_a_grant_that_covers_it(path in "(/[ -~]{0,10}){0,3}") {
        let url = format!("https://a.example{path}");
        let denial = hello("function:hello http GET https://b.example/", "").decide_http(HttpAsk { method: "GET", url: &url }).unwrap_err();
        if let Some(hint) = denial.hint {
            let target = hint.strip_prefix("casemate grant function:hello http \"").unwrap();
            let target = target.strip_suffix('"').unwrap();
            prop_assert!(!target.contains(['"', '$', '`', '\\', '!', '*', '\n']), "{}", target);
            let granted = hello(&format!("function:hello http {target}"), "");
            prop_assert!(granted.decide_http(HttpAsk { method: "GET", url: &url }).is_ok(), "{}", target);
        }
    }
}
