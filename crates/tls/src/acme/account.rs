//! The account at the directory: made once, kept sealed in the home.

use super::folder;
use super::line::Line;
use crate::config::Acme;
use crate::vault::Vault;
use instant_acme::{Account, AccountCredentials, Error, NewAccount};
use model::{Code, Problem};
use serde::{Deserialize, Serialize};

/// The type of the problem that a directory has with an account it does not know (any more).
const UNKNOWN: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// What is kept of an account.
#[derive(Serialize, Deserialize)]
struct Kept {
    directory: String,
    email: Option<String>,
    credentials: AccountCredentials,
}

fn place(acme: &Acme) -> String {
    // No name of a host has an underscore, so this is no domain's.
    format!("{}/_account", folder(acme))
}

fn contact(email: Option<&str>) -> Vec<String> {
    email.map(|email| format!("mailto:{email}")).into_iter().collect()
}

/// Why the directory could not be used.
pub(super) fn failed(error: &Error) -> Problem {
    // The directory's words: shown, but never with control characters, and not endlessly.
    let text: String = error.to_string().chars().take(600).collect();
    Problem::new(Code::AcmeFailed).detail(text.escape_debug())
}

/// Whether the directory says that it does not know the account.
pub(super) fn is_forgotten(error: &Error) -> bool {
    matches!(error, Error::Api(problem) if problem.r#type.as_deref() == Some(UNKNOWN))
}

/// Forgets the account, so that the next attempt makes another.
pub(super) fn forget(acme: &Acme, vault: &Vault) -> Result<(), Problem> {
    tracing::warn!(
        directory = acme.directory,
        "the directory does not know our account any more: another is made"
    );
    vault.remove(&place(acme))
}

/// The account: the one that is kept, or a new one.
pub(super) async fn open(acme: &Acme, vault: &Vault, line: &Line) -> Result<Account, Problem> {
    let builder = Account::builder_with_http(Box::new(line.clone()));
    if let Some(kept) = kept(acme, vault)? {
        let Kept { email, credentials, .. } = kept;
        let account =
            builder.from_credentials(credentials).await.map_err(|error| failed(&error))?;
        if email != acme.email {
            change_contact(acme, vault, &account).await?;
        }
        return Ok(account);
    }
    let contact = contact(acme.email.as_deref());
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let new = NewAccount {
        contact: &contact,
        terms_of_service_agreed: acme.terms_agreed,
        only_return_existing: false,
    };
    let made = builder.create(&new, acme.directory.clone(), None).await;
    let (account, credentials) = made.map_err(|error| failed(&error))?;
    keep(acme, vault, credentials)?;
    tracing::info!(
        directory = acme.directory,
        account = account.id(),
        "an account was made at the ACME directory"
    );
    Ok(account)
}

fn kept(acme: &Acme, vault: &Vault) -> Result<Option<Kept>, Problem> {
    let Some(text) = vault.read(&place(acme))? else { return Ok(None) };
    let kept: Kept = serde_json::from_str(&text).map_err(|error| {
        Problem::new(Code::BadHome).detail(format!("the ACME account: {error}"))
    })?;
    // Two addresses may share a folder's name; they do not share an account.
    Ok((kept.directory == acme.directory).then_some(kept))
}

fn keep(acme: &Acme, vault: &Vault, credentials: AccountCredentials) -> Result<(), Problem> {
    let kept = Kept { directory: acme.directory.clone(), email: acme.email.clone(), credentials };
    let text = zeroize::Zeroizing::new(
        serde_json::to_string(&kept)
            .map_err(|error| Problem::new(Code::Internal).internal(error))?,
    );
    vault.write(&place(acme), &text)
}

async fn change_contact(acme: &Acme, vault: &Vault, account: &Account) -> Result<(), Problem> {
    let contact = contact(acme.email.as_deref());
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    account.update_contacts(&contact).await.map_err(|error| failed(&error))?;
    match kept(acme, vault)? {
        Some(kept) => keep(acme, vault, kept.credentials),
        None => Ok(()),
    }
}
