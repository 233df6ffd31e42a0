//! The files of one directory as they are answered: what each path leads to.
//!
//! Invariant: a request's path is only ever compared with the paths of the list. Nothing here
//! opens a file by a name, so no spelling of a path leads anywhere else.

use super::coding::{self, Coding};
use super::media::media_type;
use super::path::{decode, encode};
use http::header::{HeaderName, HeaderValue};
use model::listing::Listing;
use model::manifest::{FileRules, fits};
use model::{Code, Digest, Problem};
use std::collections::HashMap;
use std::sync::Arc;

/// What answers a path that names a directory.
const INDEX: &str = "index.html";

/// The files of one directory.
#[derive(Debug)]
pub(crate) struct Site {
    /// `/`, or `/docs/`.
    mount: Box<str>,
    files: HashMap<Box<str>, Arc<File>>,
    fallback: Option<Arc<File>>,
    not_found: Option<Arc<File>>,
    /// Bytes of all files.
    bytes: u64,
}

/// One file.
#[derive(Debug)]
pub(crate) struct File {
    pub(super) size: u64,
    pub(super) chunks: Box<[Digest]>,
    /// The entity tag, with its quotes.
    pub(super) tag: HeaderValue,
    pub(super) media: HeaderValue,
    pub(super) control: Option<HeaderValue>,
    pub(super) headers: Box<[(HeaderName, HeaderValue)]>,
    /// Compressed forms that are smaller.
    pub(super) forms: Vec<(Coding, Arc<Self>)>,
}

/// What a path leads to.
#[derive(Debug)]
pub(super) enum Hit<'a> {
    /// A file.
    File(&'a Arc<File>),
    /// The file that answers for paths without one.
    Fallback(&'a Arc<File>),
    /// The path with a slash, so that relative links in the page lead where they should.
    Slash(String),
    /// The page that says that there is nothing.
    NotFound(&'a Arc<File>),
    /// Nothing.
    Nothing,
}

impl Site {
    /// Makes the list ready to be looked up.
    ///
    /// # Errors
    /// E0126 if a rule names a file that is not in the list.
    pub(crate) fn new(list: Listing, rules: &FileRules, mount: &str) -> Result<Self, Problem> {
        let bytes = list.total();
        let plain: HashMap<Box<str>, File> = list
            .files
            .into_iter()
            .map(|file| (file.path.clone().into_boxed_str(), entry(file, rules)))
            .collect();
        let mut files: HashMap<Box<str>, Arc<File>> = HashMap::with_capacity(plain.len());
        for (path, file) in &plain {
            let form = |coding: Coding| {
                let other = plain.get(format!("{path}{}", coding.suffix()).as_str())?;
                (other.size < file.size).then(|| (coding, Arc::new(other.bare())))
            };
            let forms = Coding::ALL.into_iter().filter_map(form).collect();
            files.insert(path.clone(), Arc::new(File { forms, ..file.bare() }));
        }
        let named = |key: &str, path: &Option<String>| {
            let Some(path) = path else { return Ok(None) };
            let found = files.get(path.strip_prefix('/').unwrap_or(path));
            found.map(|file| Some(Arc::clone(file))).ok_or_else(|| {
                let why = format!("`{key} = \"{}\"`: there is no such file", path.escape_debug());
                Problem::new(Code::AssetRule).detail(why)
            })
        };
        let fallback = named("fallback", &rules.fallback)?;
        let not_found = named("not_found", &rules.not_found)?;
        Ok(Self { mount: mount.into(), files, fallback, not_found, bytes })
    }

    /// How much it holds.
    pub(crate) fn holds(&self) -> model::api::Files {
        model::api::Files { count: self.files.len() as u64, bytes: self.bytes }
    }

    /// Whether the answer to a path without a file depends on what the client accepts.
    pub(super) fn varies_by_accept(&self) -> bool {
        self.fallback.is_some()
    }

    /// What a request's path leads to.
    pub(super) fn look(&self, path: &str, wants_html: bool) -> Hit<'_> {
        let nothing = || match (&self.fallback, &self.not_found) {
            (Some(file), _) if wants_html => Hit::Fallback(file),
            (_, Some(file)) => Hit::NotFound(file),
            _ => Hit::Nothing,
        };
        let Some(path) = decode(path) else { return nothing() };
        let Some(below) = path.strip_prefix(&*self.mount) else {
            let whole = self.mount.strip_suffix('/').is_some_and(|mount| mount == path);
            return if whole { Hit::Slash(encode(&self.mount)) } else { nothing() };
        };
        if below.is_empty() || below.ends_with('/') {
            let index = self.files.get(format!("{below}{INDEX}").as_str());
            return index.map_or_else(nothing, Hit::File);
        }
        if let Some(file) = self.files.get(below) {
            return Hit::File(file);
        }
        if let Some(file) = self.files.get(format!("{below}.html").as_str()) {
            return Hit::File(file);
        }
        if self.files.contains_key(format!("{below}/{INDEX}").as_str()) {
            // Made of what the list says, not of what the request says.
            return Hit::Slash(encode(&format!("{}{below}/", self.mount)));
        }
        nothing()
    }
}

impl File {
    /// The form of the file that suits a client best, and its coding.
    pub(super) fn best(self: &Arc<Self>, accept: Option<&str>) -> (&Arc<Self>, Option<Coding>) {
        let Some(accept) = accept else { return (self, None) };
        let mut best = (self, None);
        let mut most = 0;
        for (coding, form) in &self.forms {
            let wish = coding::wish(accept, *coding);
            let smaller = wish == most && form.size < best.0.size;
            if wish > 0 && (wish > most || smaller) {
                (most, best) = (wish, (form, Some(*coding)));
            }
        }
        best
    }

    /// A copy without its other forms.
    fn bare(&self) -> Self {
        Self {
            size: self.size,
            chunks: self.chunks.clone(),
            tag: self.tag.clone(),
            media: self.media.clone(),
            control: self.control.clone(),
            headers: self.headers.clone(),
            forms: Vec::new(),
        }
    }
}

fn entry(file: model::listing::File, rules: &FileRules) -> File {
    let path = &*file.path;
    let control = rules.cache.iter().find(|rule| fits(&rule.files, path));
    // Names and values were checked when the manifest was.
    let control = control.and_then(|rule| HeaderValue::try_from(rule.control.trim()).ok());
    let set = rules.headers.iter().filter(|rule| fits(&rule.files, path)).flat_map(|r| &r.set);
    let headers = set.filter_map(|(name, value)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value.trim()).ok()?))
    });
    File {
        size: file.size,
        tag: tag(&file.chunks),
        media: HeaderValue::from_static(media_type(path)),
        control,
        headers: headers.collect(),
        forms: Vec::new(),
        chunks: file.chunks.into(),
    }
}

/// A strong entity tag: the digest of the file's only chunk, or of the digests of all.
fn tag(chunks: &[Digest]) -> HeaderValue {
    let digest = match chunks {
        [one] => *one,
        all => {
            let bytes: Vec<u8> = all.iter().flat_map(|chunk| chunk.0).collect();
            audit::digest(&bytes)
        }
    };
    let text = digest.hex();
    // 128 bits tell files apart, and are half as long in every answer.
    let text = text.get(..32).unwrap_or(&text);
    HeaderValue::try_from(format!("\"{text}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::listing::{CHUNK_BYTES, VERSION, chunks_of};
    use proptest::prelude::*;

    fn site(mount: &str, rules: &str, paths: &[(&str, u64)]) -> Site {
        let mut files: Vec<model::listing::File> = paths
            .iter()
            .map(|(path, size)| model::listing::File {
                path: (*path).to_owned(),
                size: *size,
                chunks: (0..chunks_of(*size)).map(|_| audit::digest(path.as_bytes())).collect(),
                executable: false,
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let rules = serde_json::from_str(rules).expect(rules);
        Site::new(Listing { v: VERSION, files, root: None }, &rules, mount).expect("a site")
    }

    fn shop(mount: &str, rules: &str) -> Site {
        let paths = [
            "index.html",
            "app.js",
            "about.html",
            "blog/index.html",
            "b\u{e9}/100%.txt",
            "404.html",
        ];
        site(mount, rules, &paths.map(|path| (path, 9)))
    }

    fn found(site: &Site, path: &str, html: bool) -> String {
        let name = |file: &Arc<File>| {
            let found = site.files.iter().find(|(_, other)| Arc::ptr_eq(other, file));
            found.expect("a file of the site").0.to_string()
        };
        match site.look(path, html) {
            Hit::File(file) => name(file),
            Hit::Fallback(file) => format!("fallback {}", name(file)),
            Hit::Slash(to) => format!("to {to}"),
            Hit::NotFound(file) => format!("404 {}", name(file)),
            Hit::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn paths_lead_where_people_expect() {
        let root = shop("/", "{}");
        for (path, wanted) in [
            ("/", "index.html"),
            ("/index.html", "index.html"),
            ("/app.js", "app.js"),
            ("/%61pp.js", "app.js"),
            ("/about", "about.html"),
            ("/about/", "nothing"),
            ("/blog", "to /blog/"),
            ("/blog/", "blog/index.html"),
            ("/b%C3%A9/100%25.txt", "b\u{e9}/100%.txt"),
            ("/App.js", "nothing"),
            ("/app.js/", "nothing"),
            ("//app.js", "nothing"),
            ("//evil.example/", "nothing"),
            ("//blog", "nothing"),
        ] {
            assert_eq!(found(&root, path, true), wanted, "{path}");
        }
        let docs = shop("/docs/", "{}");
        for (path, wanted) in [
            ("/docs", "to /docs/"),
            ("/docs/", "index.html"),
            ("/docs/blog", "to /docs/blog/"),
            ("/docsapp.js", "nothing"),
            ("/app.js", "nothing"),
        ] {
            assert_eq!(found(&docs, path, true), wanted, "{path}");
        }
    }

    #[test]
    fn a_fallback_is_for_those_who_want_a_page() {
        let spa = shop("/", r#"{"fallback":"index.html","not_found":"/404.html"}"#);
        assert_eq!(found(&spa, "/orders/7", true), "fallback index.html");
        assert_eq!(found(&spa, "/missing.js", false), "404 404.html");
        assert_eq!(found(&spa, "/%ff", true), "fallback index.html");
        let wrong = serde_json::from_str(r#"{"fallback":"app.html"}"#).expect("rules");
        let list = Listing { v: VERSION, files: Vec::new(), root: None };
        assert_eq!(Site::new(list, &wrong, "/").expect_err("missing").code, Code::AssetRule);
    }

    #[test]
    fn rules_hold_for_the_files_that_they_fit() {
        let rules = r#"{
            "cache": [{"files":"*.js","control":"max-age=9"},{"files":"*","control":"no-store"}],
            "headers": [{"files":"*","set":{"x-a":"1","x-b":"1"}},{"files":"app*","set":{"x-b":"2"}}]
        }"#;
        let site = shop("/", rules);
        let file = |path: &str| Arc::clone(site.files.get(path).expect(path));
        assert_eq!(file("app.js").control.as_ref().expect("a rule"), "max-age=9");
        assert_eq!(file("about.html").control.as_ref().expect("a rule"), "no-store");
        let last = file("app.js").headers.iter().rfind(|(name, _)| name == "x-b").cloned();
        assert_eq!(last.expect("set").1, "2");
    }

    #[test]
    fn the_smallest_form_that_the_client_wants_is_chosen() {
        let site =
            site("/", "{}", &[("a.js", 90), ("a.js.br", 20), ("a.js.gz", 30), ("a.js.zst", 99)]);
        let file = site.files.get("a.js").expect("a file");
        for (accept, size) in [
            (None, 90),
            (Some("gzip, br, zstd"), 20),
            (Some("gzip;q=1, br;q=0.5"), 30),
            (Some("zstd"), 90),
            (Some("identity"), 90),
            (Some("*"), 20),
            (Some("br;q=0, *"), 30),
        ] {
            assert_eq!(file.best(accept).0.size, size, "{accept:?}");
        }
    }

    #[test]
    fn a_tag_is_of_the_whole_content() {
        let site = site("/", "{}", &[("a", 1), ("b", 1), ("c", CHUNK_BYTES * 2), ("d", 0)]);
        let tags: std::collections::BTreeSet<_> =
            site.files.values().map(|file| file.tag.to_str().expect("text").to_owned()).collect();
        assert_eq!(tags.len(), 4);
        assert!(tags.iter().all(|tag| tag.len() == 34 && tag.starts_with('"')));
    }

    proptest! {
        #[test]
        fn a_redirect_stays_on_this_host(path in "/[a-z/%0-9.\\\\:@-]{0,20}|/\\PC{0,20}") {
            for mount in ["/", "/docs/"] {
                if let Hit::Slash(to) = shop(mount, "{}").look(&path, true) {
                    prop_assert!(to.starts_with('/') && !to.starts_with("//"), "{}", to);
                    prop_assert!(to.bytes().all(|b| b.is_ascii_graphic() && b != b'\\'));
                }
            }
        }
    }
}
