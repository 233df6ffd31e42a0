//! What holds for every combination of grants, operator policies and asks.

use super::{function, hello, token};
use crate::*;
use cedar_policy::{Authorizer, Decision, PolicySet};
use model::{FunctionRef, TokenName};
use proptest::prelude::*;
use std::net::IpAddr;

/// Operator policies to choose from: each reads something else, some fail for some asks.
const PIECES: [&str; 11] = [
    r#"forbid(principal, action, resource) when { context.method == "PUT" };"#,
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
];

const GRANTS: [&str; 5] = [
    "public invoke hello",
    "token:a invoke hello",
    "token:b invoke hello",
    "token:c invoke other",
    "public invoke other",
];

type Ask = (usize, Option<usize>, usize, usize, bool);

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let ask = (0..5usize, prop::option::of(0..4usize), 0..3usize, 0..4usize, prop::bool::ANY);
    prop::collection::vec(ask, 1..40)
}

/// Which of the pieces and grants are in use.
fn choice<const N: usize>(all: [&'static str; N]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(all.to_vec(), 0..=N)
}

fn build<'a>(ask: Ask, names: &'a [TokenName; 3], to: &'a FunctionRef) -> InvokeAsk<'a> {
    let addresses = ["10.0.0.1", "10.200.0.1", "::ffff:10.0.0.1", "2001:db8::1"];
    InvokeAsk {
        principal: match ask.0 {
            0 => Asker::Anonymous,
            1 => Asker::Operator,
            other => Asker::Token(&names[other - 2]),
        },
        function: to,
        source: ask.1.map(|at| addresses[at].parse::<IpAddr>().unwrap()),
        method: ["GET", "PUT", "get"][ask.2],
        route: ["/open", "/opened", "/fails", ""][ask.3],
        trigger: if ask.4 { "http" } else { "direct" },
    }
}

/// The same decisions by one plain Cedar set that holds everything, written as text.
fn plain(pieces: &[&str], granted: &[&str], asks: &[InvokeAsk<'_>]) -> Vec<Option<Decision>> {
    let mut text = pieces.join("\n");
    text.push_str(r#"permit(principal == Casemate::Operator::"operator", action == Casemate::Action::"invoke", resource);"#);
    for line in granted {
        let (who, function) = line.split_once(" invoke ").unwrap();
        let who = match who.strip_prefix("token:") {
            Some(name) => format!("== Casemate::Token::\"default/main/{name}\""),
            None => "in Casemate::Public::\"public\"".to_owned(),
        };
        text.push_str(&format!("permit(principal {who}, action == Casemate::Action::\"invoke\", resource == Casemate::Function::\"default/main/{function}\");"));
    }
    let words = vocabulary::Vocabulary::new().unwrap();
    let set: PolicySet = text.parse().unwrap();
    let decide = |ask: &InvokeAsk<'_>| {
        let (request, entities) =
            (words.request(ask, reads::Reads::EVERYTHING).unwrap(), words.entities(ask).unwrap());
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
        let names = [token("a"), token("b"), token("c")];
        let policies = hello(&granted.join("\n"), &pieces.join("\n"));
        let to = function("hello");
        for ask in asks.iter().chain(&asks) {
            let ask = build(*ask, &names, &to);
            prop_assert_eq!(policies.decide_invoke(&ask), policies.evaluate(&ask), "{:?}", ask);
        }
    }

    #[test]
    fn three_small_sets_decide_as_one_large_set_would(
        pieces in choice(PIECES), granted in choice(GRANTS), asks in asks(),
    ) {
        let names = [token("a"), token("b"), token("c")];
        let policies = hello(&granted.join("\n"), &pieces.join("\n"));
        let to = function("hello");
        let asks: Vec<_> = asks.iter().map(|ask| build(*ask, &names, &to)).collect();
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
        let denial = hello("function:hello http GET https://b.example/", "").decide_http("GET", &url).unwrap_err();
        if let Some(hint) = denial.hint {
            let target = hint.strip_prefix("casemate grant function:hello http \"").unwrap();
            let target = target.strip_suffix('"').unwrap();
            prop_assert!(!target.contains(['"', '$', '`', '\\', '!', '*', '\n']), "{}", target);
            let granted = hello(&format!("function:hello http {target}"), "");
            prop_assert!(granted.decide_http("GET", &url).is_ok(), "{}", target);
        }
    }
}
