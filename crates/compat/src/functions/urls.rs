//! Addresses of functions: hosts of their own at the public listener.

use super::Doing;
use super::facts::Facts;
use super::target::Target;
use super::wanted::Wanted;
use crate::LATEST;
use crate::fault::Fault;
use model::Timestamp;
use model::beside::{Beside, Url};
use model::manifest::{Cors, Origin};
use model::unit::Duration;
use serde_json::{Value, json};

/// Letters of an id.
const ID_LETTERS: usize = 32;

impl Doing<'_> {
    pub(super) async fn create_url(&self, name: &str, body: &[u8]) -> Result<Value, Fault> {
        let (target, word) = self.addressed(name)?;
        let mut wanted = Wanted::read(body)?;
        let signed = auth(&mut wanted)?
            .ok_or_else(|| Fault::constraint("null", "authType", "Member must not be null"))?;
        let cors = cors(&mut wanted)?.unwrap_or_default();
        let stream = mode(&mut wanted)?.unwrap_or_default();
        wanted.done()?;
        let now = self.engine.now();
        let id: String = (0..ID_LETTERS).map(|_| letter()).collect();
        let url = Url { id, signed, cors, stream, created: now, modified: now };
        let put = |beside: &mut Beside| {
            if beside.urls.contains_key(&word) {
                let message = format!(
                    "Failed to create function url config for [functionArn = {}]. Error message:  FunctionUrlConfig exists for this Lambda function",
                    target.full_arn()
                );
                return Err(Fault::new(409, "ResourceConflictException", message));
            }
            beside.urls.insert(word.clone(), url.clone());
            Ok(())
        };
        self.change(&target, &format!("CreateFunctionUrlConfig {word}"), put).await?;
        let mut said = self.url(&target, &word, &url);
        said.as_object_mut().and_then(|members| members.remove("LastModifiedTime"));
        Ok(said)
    }

    pub(super) async fn update_url(&self, name: &str, body: &[u8]) -> Result<Value, Fault> {
        let (target, word) = self.addressed(name)?;
        let mut wanted = Wanted::read(body)?;
        let signed = auth(&mut wanted)?;
        let cors = cors(&mut wanted)?;
        let stream = mode(&mut wanted)?;
        wanted.done()?;
        let modified = self.engine.now();
        let put = |beside: &mut Beside| {
            let url = beside.urls.get_mut(&word).ok_or_else(missing)?;
            url.signed = signed.unwrap_or(url.signed);
            url.stream = stream.unwrap_or(url.stream);
            if let Some(cors) = &cors {
                url.cors.clone_from(cors);
            }
            url.modified = modified;
            Ok(url.clone())
        };
        let what = format!("UpdateFunctionUrlConfig {word}");
        let (_, url) = self.change(&target, &what, put).await?;
        Ok(self.url(&target, &word, &url))
    }

    pub(super) async fn delete_url(&self, name: &str) -> Result<(), Fault> {
        let (target, word) = self.addressed(name)?;
        let take = |beside: &mut Beside| beside.urls.remove(&word).map(drop).ok_or_else(missing);
        self.change(&target, &format!("DeleteFunctionUrlConfig {word}"), take).await?;
        Ok(())
    }

    pub(super) fn get_url(&self, name: &str) -> Result<Value, Fault> {
        let (target, word) = self.addressed(name)?;
        let url = target.beside.urls.get(&word).ok_or_else(missing)?;
        Ok(self.url(&target, &word, url))
    }

    pub(super) fn list_urls(&self, name: &str) -> Result<Value, Fault> {
        let target = self.whole(name)?;
        let all = target.beside.urls.iter();
        // The one without an alias needs a marker, too.
        let marker = |word: &String| if word.is_empty() { LATEST.to_owned() } else { word.clone() };
        let all = all.map(|(word, url)| (marker(word), self.url(&target, word, url)));
        self.page("FunctionUrlConfigs", &all.collect::<Vec<_>>(), 50)
    }

    /// A function that can have an address, and the alias that is named; a version has none. Only
    /// functions that were made here: all others say in their manifest where they answer.
    fn addressed(&self, name: &str) -> Result<(Target, String), Fault> {
        let target = self.target(name)?;
        let word = target.qualifier.clone().unwrap_or_default();
        if !word.is_empty() && !target.beside.aliases.contains_key(&word) {
            let why =
                "Member must satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)";
            return Err(Fault::constraint(&word, "qualifier", why));
        }
        self.made_here(&target)?;
        Ok((target, word))
    }

    /// Refuses functions whose manifest says where and for whom they answer.
    pub(super) fn made_here(&self, target: &Target) -> Result<(), Fault> {
        let row = &target.row;
        let own = row.application.as_str() == row.function.name.as_str();
        if own && Facts::of(&row.spec).is_some() {
            return Ok(());
        }
        let message = format!(
            "{} was deployed with the application {}: give it routes there, and run `casemate deploy`",
            row.function.name, row.application
        );
        Err(Fault::new(409, "ResourceConflictException", message))
    }

    fn url(&self, target: &Target, word: &str, url: &Url) -> Value {
        let (scheme, rest) = self.urls.split_once("://").unwrap_or(("http", self.urls));
        let time = |at: Timestamp| at.to_string();
        let arn = if word.is_empty() { target.arn.clone() } else { target.of(word) };
        let mut said = json!({
            "FunctionUrl": format!("{scheme}://{}.lambda-url.{rest}/", url.id),
            "FunctionArn": arn,
            "AuthType": if url.signed { "AWS_IAM" } else { "NONE" },
            "CreationTime": time(url.created),
            "LastModifiedTime": time(url.modified),
            "InvokeMode": if url.stream { "RESPONSE_STREAM" } else { "BUFFERED" },
        });
        if let (Some(members), Some(cors)) = (said.as_object_mut(), &url.cors) {
            members.insert("Cors".to_owned(), shown(cors));
        }
        said
    }
}

fn letter() -> char {
    char::from_digit(fastrand::u32(..36), 36).unwrap_or('0')
}

fn missing() -> Fault {
    Fault::not_found("The resource you requested does not exist.")
}

fn auth(wanted: &mut Wanted) -> Result<Option<bool>, Fault> {
    match wanted.text("AuthType")?.as_deref() {
        None => Ok(None),
        Some("NONE") => Ok(Some(false)),
        Some("AWS_IAM") => Ok(Some(true)),
        Some(other) => {
            let why = "Member must satisfy enum value set: [NONE, AWS_IAM]";
            Err(Fault::constraint(other, "authType", why))
        }
    }
}

fn mode(wanted: &mut Wanted) -> Result<Option<bool>, Fault> {
    match wanted.text("InvokeMode")?.as_deref() {
        None => Ok(None),
        Some("BUFFERED") => Ok(Some(false)),
        Some("RESPONSE_STREAM") => Ok(Some(true)),
        Some(other) => {
            let why = "Member must satisfy enum value set: [BUFFERED, RESPONSE_STREAM]";
            Err(Fault::constraint(other, "invokeMode", why))
        }
    }
}

/// What is said of pages of other origins: none of them, if that is empty.
fn cors(wanted: &mut Wanted) -> Result<Option<Option<Cors>>, Fault> {
    let Some(mut said) = wanted.part("Cors")? else { return Ok(None) };
    let origins = said.list("AllowOrigins")?;
    let methods = said.list("AllowMethods")?;
    let headers = said.list("AllowHeaders")?;
    let expose = said.list("ExposeHeaders")?.unwrap_or_default();
    let credentials = said.flag("AllowCredentials")?;
    let max_age = said.number("MaxAge", 0, 86_400)?.map(Duration::seconds);
    said.done()?;
    let Some(origins) = origins.filter(|all| !all.is_empty()) else { return Ok(Some(None)) };
    let origins: Result<Vec<Origin>, String> = origins.into_iter().map(Origin::try_from).collect();
    let origins = origins.map_err(|why| Fault::invalid(format!("Cors.AllowOrigins: {why}")))?;
    // All of them is what nothing says here.
    let methods = methods.filter(|all| !all.is_empty() && all.iter().all(|it| it != "*"));
    let headers = headers.filter(|all| !all.is_empty());
    let cors = Cors { origins, methods, headers, expose, credentials, max_age };
    cors.check("the address").map_err(|problem| Fault::invalid(problem.to_string()))?;
    Ok(Some(Some(cors)))
}

fn shown(cors: &Cors) -> Value {
    let origins: Vec<String> = cors.origins.iter().map(ToString::to_string).collect();
    let methods = cors.methods.clone().unwrap_or_else(|| vec!["*".to_owned()]);
    let mut said = json!({
        "AllowOrigins": origins,
        "AllowMethods": methods,
        "AllowCredentials": cors.credentials,
    });
    if let Some(members) = said.as_object_mut() {
        let headers = cors.headers.as_ref().map(|it| ("AllowHeaders".to_owned(), json!(it)));
        members.extend(headers);
        let expose = (!cors.expose.is_empty()).then(|| json!(cors.expose));
        members.extend(expose.map(|it| ("ExposeHeaders".to_owned(), it)));
        let age = cors.max_age.map(|it| ("MaxAge".to_owned(), json!(it.ms / 1000)));
        members.extend(age);
    }
    said
}
