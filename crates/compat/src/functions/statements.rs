//! Statements of who may call a function, and the grants that came of them.

use model::beside::{Beside, Statement};
use model::{Action, FunctionName, Grant, Principal};
use std::collections::BTreeSet;

/// What may be done because of a statement.
pub(super) fn grants(statement: &Statement, function: &FunctionName) -> Vec<Grant> {
    let invoke = Action::Invoke { function: function.clone() };
    let later = Action::InvokeAsync { function: function.clone() };
    let for_url = statement.by_url || statement.action == "lambda:InvokeFunctionUrl";
    match &statement.who {
        None => vec![Grant { who: Principal::Public, action: invoke }],
        Some(name) => {
            let grant = |action| Grant { who: Principal::Token(name.clone()), action };
            let later = (!for_url).then(|| grant(later));
            [grant(invoke)].into_iter().chain(later).collect()
        }
    }
}

/// Takes statements out of a document. Gives the grants that go with them: those that were made
/// with them. What another statement says as well stays, and goes with that one.
pub(super) fn take(
    beside: &mut Beside,
    function: &FunctionName,
    goes: impl Fn(&String, &Statement) -> bool,
) -> Vec<Grant> {
    let mut going = BTreeSet::new();
    beside.statements.retain(|key, statement| {
        let goes = goes(key, statement);
        if goes {
            going.append(&mut statement.grants.drain(..).collect());
        }
        !goes
    });
    let mut gone = Vec::new();
    for grant in going {
        let mut others = beside.statements.values_mut();
        match others.find(|it| grants(it, function).contains(&grant)) {
            Some(heir) if heir.grants.contains(&grant) => {}
            Some(heir) => heir.grants.push(grant),
            None => gone.push(grant),
        }
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> FunctionName {
        FunctionName::parse("f").expect("a name")
    }

    /// A statement for the token `ci`, which made these of its grants.
    fn statement(qualifier: Option<&str>, made: &[usize]) -> Statement {
        let mut statement = Statement {
            qualifier: qualifier.map(str::to_owned),
            action: "lambda:InvokeFunction".to_owned(),
            principal: String::new(),
            url_auth: None,
            by_url: false,
            who: Some(model::TokenName::parse("ci").expect("a name")),
            grants: Vec::new(),
        };
        let all = grants(&statement, &name());
        statement.grants = made.iter().map(|at| all[*at].clone()).collect();
        statement
    }

    fn beside(all: &[(&str, Statement)]) -> Beside {
        let statements = all.iter().map(|(key, it)| ((*key).to_owned(), it.clone())).collect();
        Beside { statements, ..Beside::default() }
    }

    fn of_live(_: &String, statement: &Statement) -> bool {
        statement.is_of("live")
    }

    #[test]
    fn the_statements_of_an_alias_go_with_their_grants() {
        let mut beside = beside(&[("live/a", statement(Some("live"), &[0, 1]))]);
        assert_eq!(take(&mut beside, &name(), of_live), grants(&statement(None, &[]), &name()));
        assert!(beside.statements.is_empty());
    }

    #[test]
    fn a_grant_that_was_there_before_a_statement_stays_after_it() {
        let mut beside = beside(&[("live/a", statement(Some("live"), &[1]))]);
        let all = grants(&statement(None, &[]), &name());
        assert_eq!(take(&mut beside, &name(), of_live), all[1..]);
    }

    #[test]
    fn what_another_statement_says_as_well_goes_with_that_one() {
        let other = statement(None, &[]);
        let mut beside = beside(&[("live/a", statement(Some("live"), &[0, 1])), ("b", other)]);
        assert!(take(&mut beside, &name(), of_live).is_empty());
        let all = grants(&statement(None, &[]), &name());
        assert_eq!(beside.statements["b"].grants, all);
        assert_eq!(take(&mut beside, &name(), |_, _| true), all);
    }
}
