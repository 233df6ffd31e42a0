//! Who may call a function, in AWS's words: statements, each with the grants that came of it.
//!
//! Invariant: a statement and its grants come and go in one act, so nobody may do what no statement
//! says, and what was granted without one stays.

use super::target::Target;
use super::wanted::Wanted;
use super::{Doing, statements};
use crate::ACCOUNT;
use crate::fault::Fault;
use crate::route::parameter;
use model::TokenName;
use model::act::Rights;
use model::beside::{Beside, Statement};
use serde_json::{Map, Value, json};

impl Doing<'_> {
    pub(super) async fn add_permission(&self, name: &str, body: &[u8]) -> Result<Value, Fault> {
        let target = self.target(name)?;
        let mut wanted = Wanted::read(body)?;
        let sid = wanted.text("StatementId")?.unwrap_or_default();
        let word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if sid.is_empty() || sid.len() > 100 || !sid.bytes().all(word) {
            let why = "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)";
            return Err(Fault::constraint(&sid, "statementId", why));
        }
        let revision = wanted.text("RevisionId")?;
        let statement = read(&mut wanted, &target)?;
        wanted.done()?;
        if statement.who.is_none() {
            // A route that leaves it to the grants who may call would be opened, too.
            self.made_here(&target)?;
        }
        let key = key(&target, &sid);
        let put = |beside: &mut Beside, rights: &mut Rights| {
            of_revision(&target, beside, revision.as_deref())?;
            if beside.statements.contains_key(&key) {
                let message = format!(
                    "The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing statement."
                );
                return Err(Fault::new(409, "ResourceConflictException", message));
            }
            let held = self.engine.grants(&self.signer.scope);
            rights.put = statements::grants(&statement, target.name());
            rights.put.retain(|grant| !held.contains(grant));
            let made = Statement { grants: rights.put.clone(), ..statement.clone() };
            beside.statements.insert(key.clone(), made);
            Ok(())
        };
        self.change_rights(&target, &format!("AddPermission {sid}"), put).await?;
        Ok(json!({ "Statement": shown(&target, &sid, &statement).to_string() }))
    }

    pub(super) fn get_policy(&self, name: &str) -> Result<Value, Fault> {
        let target = self.stated(name)?;
        let all = own(&target, &target.beside);
        if all.is_empty() {
            return Err(Fault::not_found("The resource you requested does not exist."));
        }
        let statements: Vec<Value> =
            all.iter().map(|(sid, statement)| shown(&target, sid, statement)).collect();
        let policy = json!({ "Version": "2012-10-17", "Id": "default", "Statement": statements });
        let revision = revision(&target, &target.beside);
        Ok(json!({ "Policy": policy.to_string(), "RevisionId": revision }))
    }

    pub(super) async fn remove_permission(&self, name: &str, sid: &str) -> Result<(), Fault> {
        let target = self.stated(name)?;
        let key = key(&target, sid);
        let said = parameter(self.query, "RevisionId");
        let remove = |beside: &mut Beside, rights: &mut Rights| {
            of_revision(&target, beside, said.as_deref())?;
            if !beside.statements.contains_key(&key) {
                let sid: String = sid.chars().take(100).collect();
                return Err(Fault::not_found(match own(&target, beside).is_empty() {
                    true => "No policy is associated with the given resource.".to_owned(),
                    false => format!("Statement {sid} is not found in resource policy."),
                }));
            }
            rights.gone = statements::take(beside, target.name(), |other, _| *other == key);
            Ok(())
        };
        self.change_rights(&target, "RemovePermission", remove).await?;
        Ok(())
    }

    /// A function, and the version or alias that is named with it, which may be gone if there are
    /// statements of it.
    fn stated(&self, name: &str) -> Result<Target, Fault> {
        self.target_or(name, |beside, word| beside.statements.values().any(|it| it.is_of(word)))
    }
}

fn read(wanted: &mut Wanted, target: &Target) -> Result<Statement, Fault> {
    let action = wanted.text("Action")?.unwrap_or_default();
    if !matches!(action.as_str(), "lambda:InvokeFunction" | "lambda:InvokeFunctionUrl") {
        let action: String = action.chars().take(80).collect();
        return Err(Fault::invalid(format!(
            "This node has no permission for {action}: it has lambda:InvokeFunction and lambda:InvokeFunctionUrl."
        )));
    }
    let url_auth = wanted.text("FunctionUrlAuthType")?;
    if let Some(other) = url_auth.as_deref().filter(|it| !matches!(*it, "NONE" | "AWS_IAM")) {
        let why = "Member must satisfy enum value set: [NONE, AWS_IAM]";
        return Err(Fault::constraint(other, "functionUrlAuthType", why));
    }
    let by_url = wanted.flag("InvokedViaFunctionUrl")?;
    let for_url = by_url || action == "lambda:InvokeFunctionUrl";
    if url_auth.is_some() && !for_url {
        return Err(Fault::invalid(
            "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action",
        ));
    }
    let principal = wanted.text("Principal")?.unwrap_or_default();
    let open = match url_auth.as_deref() {
        Some(auth) => auth == "NONE",
        None => by_url,
    };
    let who = match principal.as_str() {
        "*" if open => None,
        "*" => {
            return Err(Fault::invalid(
                "This node lets everybody call by an address without signatures only: FunctionUrlAuthType NONE. Name a key as arn:aws:iam::000000000000:user/NAME.",
            ));
        }
        named => Some(token(named)?),
    };
    let qualifier = target.qualifier.clone();
    Ok(Statement { qualifier, action, principal, url_auth, by_url, who, grants: Vec::new() })
}

/// The token that a principal is: a user of the one account.
fn token(principal: &str) -> Result<TokenName, Fault> {
    let named = principal.strip_prefix("arn:aws:iam::");
    let named = named.and_then(|rest| rest.strip_prefix(ACCOUNT)?.strip_prefix(":user/"));
    named.and_then(|name| TokenName::parse(name).ok()).ok_or_else(|| {
        let principal: String = principal.chars().take(200).collect();
        Fault::invalid(format!(
            "This node knows no principal {principal}: it knows keys, as arn:aws:iam::{ACCOUNT}:user/NAME, and *."
        ))
    })
}

fn key(target: &Target, sid: &str) -> String {
    target.qualifier.as_ref().map_or_else(|| sid.to_owned(), |word| format!("{word}/{sid}"))
}

/// The statements of this version or alias, by their names.
fn own<'a>(target: &Target, beside: &'a Beside) -> Vec<(&'a str, &'a Statement)> {
    let named = |key: &'a String| key.rsplit('/').next().unwrap_or_default();
    let all = beside.statements.iter();
    let own = all.filter(|(_, statement)| statement.qualifier == target.qualifier);
    own.map(|(key, statement)| (named(key), statement)).collect()
}

fn revision(target: &Target, beside: &Beside) -> String {
    let all: Vec<Value> =
        own(target, beside).iter().map(|(sid, it)| shown(target, sid, it)).collect();
    super::shown::uuid(&engine::sha256(json!(all).to_string().as_bytes()))
}

fn of_revision(target: &Target, beside: &Beside, said: Option<&str>) -> Result<(), Fault> {
    match said {
        Some(said) if said != revision(target, beside) => Err(Fault::another_revision()),
        _ => Ok(()),
    }
}

/// A statement as AWS writes it.
fn shown(target: &Target, sid: &str, statement: &Statement) -> Value {
    let principal = match statement.principal.as_str() {
        "*" => json!("*"),
        named => json!({ "AWS": named }),
    };
    let mut said = json!({
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": statement.action,
        "Resource": target.full_arn(),
    });
    let mut condition = Map::new();
    if let Some(auth) = &statement.url_auth {
        let equals = json!({ "lambda:FunctionUrlAuthType": auth });
        condition.insert("StringEquals".to_owned(), equals);
    }
    if statement.by_url {
        let equals = json!({ "lambda:InvokedViaFunctionUrl": "true" });
        condition.insert("Bool".to_owned(), equals);
    }
    if let (Some(members), false) = (said.as_object_mut(), condition.is_empty()) {
        members.insert("Condition".to_owned(), Value::Object(condition));
    }
    said
}
