//! How the body of a request is read.
//!
//! Invariant: it is read in one way, and in the one that each contract wants that names anything in
//! bodies.

use super::Intake;
use crate::content::{self, CSV, FORM, PARTS};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body::Body as _;
use model::{Code, Problem};
use ports::executor::RequestBody;
use protect::contract::{Boundary, Contract, Place};

/// Which parts of a request a contract names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Has {
    pub(crate) json: bool,
    pub(crate) form: bool,
    pub(crate) csv: bool,
    pub(crate) query: bool,
    pub(crate) headers: bool,
}

impl Has {
    pub(super) fn of(contract: &Contract) -> Self {
        let any = |fits: fn(&Place) -> bool| contract.fields.iter().any(|field| fits(&field.at));
        Self {
            json: any(|place| matches!(place, Place::Body(_))),
            form: any(|place| matches!(place, Place::Form(_))),
            csv: any(|place| matches!(place, Place::Csv(_))),
            query: any(|place| matches!(place, Place::Query(_))),
            headers: any(|place| matches!(place, Place::Header(_))),
        }
    }

    /// Whether it names something in bodies.
    pub(crate) const fn body(self) -> bool {
        self.json || self.form || self.csv
    }
}

/// How a body is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// The contract names nothing in bodies.
    Unread,
    /// There is none.
    Empty,
    Json,
    Form,
    /// `multipart/form-data`.
    Parts(Boundary),
    Csv,
    /// Whatever it is, it is looked through.
    Any,
}

impl Intake {
    /// How the body of a request is read.
    pub(super) fn kind(&self, head: &Parts, body: &RequestBody) -> Result<Kind, Problem> {
        let kind = Kind::of(head, body, self.has)?;
        for party in self.parties.iter().filter(|party| party.body()) {
            if Kind::of(head, body, *party)? != kind {
                let what = "the operator's contract and the manifest's read it differently";
                return Err(Problem::new(Code::DataBodyKind).detail(what));
            }
        }
        Ok(kind)
    }
}

impl Kind {
    /// A body that is neither form nor table is JSON, whatever it says of itself: a function would
    /// take it for JSON, too.
    fn of(head: &Parts, body: &RequestBody, has: Has) -> Result<Self, Problem> {
        if !has.body() {
            return Ok(Self::Unread);
        }
        if body.is_end_stream() {
            return Ok(Self::Empty);
        }
        let wrong = |what: String| Err(Problem::new(Code::DataBodyKind).detail(what));
        if content::is_coded(&head.headers) {
            return wrong("it is compressed".to_owned());
        }
        if head.headers.get_all(CONTENT_TYPE).iter().nth(1).is_some() {
            return wrong("it says twice what it is".to_owned());
        }
        match (content::kind_of(&head.headers).as_str(), has) {
            (FORM, Has { form: true, .. }) => Ok(Self::Form),
            (PARTS, Has { form: true, .. }) => Self::parts(head),
            (said @ (FORM | PARTS), _) => {
                wrong(format!("`{said}`, and the contract names no `form:` field"))
            }
            (said, _) if said.starts_with("multipart/") => wrong("it has several parts".to_owned()),
            (CSV, Has { csv: true, .. }) => match content::is_plain_charset(&head.headers) {
                true => Ok(Self::Csv),
                false => wrong("its characters are not written as ASCII has them".to_owned()),
            },
            (_, Has { json: true, .. }) => Ok(Self::Json),
            _ => wrong("it is of no kind in which the contract names a field".to_owned()),
        }
    }

    fn parts(head: &Parts) -> Result<Self, Problem> {
        let said = head.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let boundary = Boundary::of(said.unwrap_or_default());
        boundary.map(Self::Parts).map_err(|fault| fault.problem())
    }

    /// What calls itself a form or a table and begins as JSON would be read as such here, and as
    /// JSON by a function that does not ask what it is.
    pub(super) fn fits(&self, whole: &[u8], has: Has) -> Result<(), Problem> {
        let first = whole.iter().find(|byte| !byte.is_ascii_whitespace());
        let wrong = |what| Err(Problem::new(Code::DataBodyKind).detail(what));
        match (self, first) {
            (Self::Form, Some(b'{' | b'[' | b'"')) if has.json => {
                wrong("it says it is a form, and is JSON")
            }
            (Self::Csv, Some(b'{' | b'[')) if has.json => {
                wrong("it says it is a table, and is JSON")
            }
            _ => Ok(()),
        }
    }
}
