//! Spin's routes as ours.

use model::route::Route;

/// The routes that stand for one of Spin's: two for an exact one, since Spin does not care for a
/// slash at the end.
///
/// # Errors
/// Why it has no counterpart, as a clause.
pub(super) fn translated(route: &str) -> Result<Vec<Route>, String> {
    let bare = route.strip_suffix('/').unwrap_or(route);
    let (bare, open) = match bare.strip_suffix("/...").or_else(|| bare.strip_suffix("/*")) {
        Some(before) => (before, true),
        None => (bare, false),
    };
    let mut path = String::new();
    for segment in bare.split('/').skip(usize::from(bare.starts_with('/') || bare.is_empty())) {
        path.push('/');
        match segment.strip_prefix(':') {
            Some(name) => path.push_str(&format!("{{{name}}}")),
            None => path.push_str(segment),
        }
    }
    let read =
        |path: &str| Route::parse(&format!("* {path}")).map_err(|error| error.reason.to_owned());
    if open {
        return Ok(vec![read(&format!("{path}/{{*rest}}"))?]);
    }
    if path.is_empty() {
        return Ok(vec![read("/")?]);
    }
    Ok(vec![read(&path)?, read(&format!("{path}/"))?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_becomes_routes_of_ours() {
        for (route, expect) in [
            ("/", &["* /"][..]),
            ("/...", &["* /{*rest}"]),
            ("/*", &["* /{*rest}"]),
            ("/a", &["* /a", "* /a/"]),
            ("/a/", &["* /a", "* /a/"]),
            ("a/b", &["* /a/b", "* /a/b/"]),
            ("/a/...", &["* /a/{*rest}"]),
            ("/a/:id", &["* /a/{id}", "* /a/{id}/"]),
            ("/a/:user_id/b/...", &["* /a/{user_id}/b/{*rest}"]),
        ] {
            let routes = translated(route).expect(route);
            let texts: Vec<String> = routes.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expect, "{route}");
        }
        for bad in ["/a//b", "/:a-b", "/:a/:a", "/a b", "/..", "/:", "//"] {
            assert!(translated(bad).is_err(), "{bad}");
        }
    }
}
