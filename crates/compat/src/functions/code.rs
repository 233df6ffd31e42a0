//! A function's code, for who may see the function.

use super::Doing;
use super::target::Target;
use super::zipped;
use crate::body::{Answer, put};
use crate::fault::Fault;
use crate::serve::Shared;
use http::{HeaderValue, Response, header};
use http_body_util::{BodyExt as _, StreamBody};
use model::FunctionRow;
use model::manifest::Runtime;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How long an address of code holds.
const LASTS: Duration = Duration::from_secs(600);

impl Doing<'_> {
    /// What is said of it: where it can be read for ten minutes, with nothing but the address.
    pub(super) fn location(&self, target: &Target) -> Result<Value, Fault> {
        let mut said = json!({ "RepositoryType": "Casemate" });
        let row = self.meant(target)?;
        let host = self.host.filter(|_| row.spec.runtime == Runtime::Native);
        let Some(host) = host else { return Ok(said) };
        let path = format!("/casemate/functions/{}/code", target.name());
        let query = target.version.map(|number| format!("Qualifier={number}")).unwrap_or_default();
        let query = self.engine.presigned(&self.signer, host, &path, &query, LASTS);
        let query = query.map_err(|problem| super::deployed(&problem))?;
        if let (Some(query), Some(members)) = (query, said.as_object_mut()) {
            let location = format!("http://{host}{path}?{query}");
            members.insert("Location".to_owned(), json!(location));
        }
        Ok(said)
    }

    /// The code as a zip file.
    pub(super) async fn code(
        &self,
        shared: &Shared,
        name: &str,
        id: &str,
    ) -> Result<Answer, Fault> {
        let target = self.target(name)?;
        let row = self.meant(&target)?;
        if row.spec.runtime != Runtime::Native {
            return Err(Fault::invalid("The code of this function is no zip file."));
        }
        let list = self.engine.listing(row.artifact).await;
        let list = list.map_err(|problem| super::deployed(&problem))?;
        let frames = zipped::frames(Arc::clone(&shared.engine), list);
        let mut answer = Response::new(StreamBody::new(frames).boxed_unsync());
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
        put(headers, "x-amzn-requestid", id);
        Ok(answer)
    }

    /// The revision that is meant.
    fn meant(&self, target: &Target) -> Result<FunctionRow, Fault> {
        match target.version {
            Some(number) => self.version_row(target, number),
            None => Ok(target.row.clone()),
        }
    }
}
