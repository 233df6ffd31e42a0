//! Which operation a request asks for. The table is the list of all that are answered; the
//! documentation is made from it.

mod table;

use crate::fault::Fault;

pub use table::Operation;
use table::{Row, TABLE};

/// Most bytes of an event for a call that is answered.
pub(crate) const PAYLOAD_BYTES_MAX: u64 = 6 << 20;
/// Most bytes of a request with code: AWS's largest zip in base 64, and what stands beside it.
const CODE_BYTES_MAX: u64 = 71 << 20;
/// Most bytes of any other request.
const REQUEST_BYTES_MAX: u64 = 1 << 20;

/// Every operation that is answered, in the order of the documentation.
#[must_use]
pub const fn operations() -> &'static [Row] {
    TABLE
}

/// An operation that is asked for, with what its path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) operation: Operation,
    pub(crate) name: &'static str,
    /// The segments that the path leaves open, decoded.
    pub(crate) named: Vec<String>,
}

impl Asked {
    /// Finds the operation. A slash at the end of a path means nothing; other empty segments, and
    /// those that are dots, are in no path of ours: signatures do not tell them apart.
    ///
    /// # Errors
    /// There is none such.
    pub(crate) fn find(method: &str, path: &str, query: Option<&str>) -> Result<Self, Fault> {
        let unknown = || Fault::unknown(method, path);
        let trimmed = path.strip_suffix('/').unwrap_or(path);
        let segments: Vec<&str> = trimmed.split('/').skip(1).collect();
        if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            return Err(unknown());
        }
        for row in TABLE.iter().filter(|row| row.method == method) {
            let (pattern, needed) = row.path.split_once('?').unwrap_or((row.path, ""));
            let (name, value) = needed.split_once('=').unwrap_or_default();
            let asks = needed.is_empty() || parameter(query, name).as_deref() == Some(value);
            if let Some(named) = fits(pattern, &segments).filter(|_| asks) {
                let named: Option<Vec<String>> = named.into_iter().map(decoded).collect();
                let named = named.ok_or_else(unknown)?;
                return Ok(Self { operation: row.operation, name: row.name, named });
            }
        }
        Err(unknown())
    }

    /// Most bytes of its request.
    pub(crate) const fn bytes_max(&self) -> u64 {
        match self.operation {
            Operation::Invoke | Operation::InvokeWithResponseStream => PAYLOAD_BYTES_MAX,
            Operation::CreateFunction | Operation::UpdateFunctionCode => CODE_BYTES_MAX,
            _ => REQUEST_BYTES_MAX,
        }
    }
}

/// What a path's open segments are, if it fits.
fn fits<'a>(pattern: &str, segments: &[&'a str]) -> Option<Vec<&'a str>> {
    let wanted: Vec<&str> = pattern.split('/').skip(1).collect();
    if wanted.len() != segments.len() {
        return None;
    }
    let mut open = Vec::new();
    for (want, segment) in wanted.iter().zip(segments) {
        if want.starts_with('{') {
            open.push(*segment);
        } else if want != segment {
            return None;
        }
    }
    Some(open)
}

/// A segment without percent signs. `None` if that is no text.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            out.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(after.get(..2)?).ok()?;
        let sound = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        out.push(u8::from_str_radix(digits, 16).ok().filter(|_| sound)?);
        rest = after.get(2..)?;
    }
    String::from_utf8(out).ok()
}

/// A parameter of the query, decoded; the first of its name.
pub(crate) fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = query?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut own = pairs.filter(|(key, _)| *key == name);
    own.next().and_then(|(_, value)| decoded(value))
}

/// All parameters of a name, decoded.
pub(crate) fn parameters(query: Option<&str>, name: &str) -> Vec<String> {
    let pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let own = pairs.filter(|(key, _)| *key == name);
    own.filter_map(|(_, value)| decoded(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_found_by_its_method_and_its_path() {
        let found = |method: &str, path: &str| {
            Asked::find(method, path, None).map(|it| (it.operation, it.named))
        };
        let shop = |operation, name: &str| Ok((operation, vec![name.to_owned()]));
        let invoke = Operation::Invoke;
        let at = "/2015-03-31/functions";
        assert_eq!(found("POST", &format!("{at}/shop/invocations")), shop(invoke, "shop"));
        assert_eq!(found("POST", &format!("{at}/shop%3A7/invocations")), shop(invoke, "shop:7"));
        let old = "/2014-11-13/functions/shop/invoke-async/";
        assert_eq!(found("POST", old), shop(Operation::InvokeAsync, "shop"));
        for (method, path) in [
            ("GET", "/2015-03-31/functions/shop/invocations"),
            ("POST", "/2015-03-31/functions/x/../shop/invocations"),
            ("POST", "/2015-03-31/functions//shop/invocations"),
            ("POST", "//2015-03-31/functions/shop/invocations"),
            ("POST", "/2015-03-31/functions/./invocations"),
            ("POST", "/2015-03-31/functions/%zz/invocations"),
            ("POST", "/2015-03-31/functions/%ff/invocations"),
            ("POST", "/2016-03-31/functions/shop/invocations"),
            ("POST", "/"),
            ("POST", "*"),
            ("POST", ""),
        ] {
            let fault = Asked::find(method, path, None).expect_err(path);
            assert_eq!((fault.status, fault.kind), (404, "UnknownOperationException"), "{path}");
        }
    }

    #[test]
    fn the_documentation_lists_what_is_answered() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/aws-lambda.md");
        let page = std::fs::read_to_string(page).expect("the page");
        let table = page.lines().skip_while(|line| *line != "|---|---|---|").skip(1);
        let written: Vec<&str> = table.take_while(|line| line.starts_with('|')).collect();
        let row = |row: &Row| {
            format!("| `{}` | `{} {}` | {} |", row.name, row.method, row.path, row.note)
        };
        let answered: Vec<String> = operations().iter().map(row).collect();
        assert_eq!(written, answered);
    }

    #[test]
    fn a_parameter_is_read_decoded() {
        let query = Some("A=1&Qualifier=%24LATEST&B");
        assert_eq!(parameter(query, "Qualifier").as_deref(), Some("$LATEST"));
        assert_eq!(parameter(query, "B").as_deref(), Some(""));
        assert_eq!(parameter(query, "qualifier"), None);
        assert_eq!(parameter(None, "A"), None);
    }
}
