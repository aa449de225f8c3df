//! URLs: where a request goes, and how a URL is shown.

use url::Url;

/// Puts a path below the base URL; a whole `http` or `https` URL stays as it is.
pub(super) fn join(base: &Url, path: &str) -> Result<Url, url::ParseError> {
    if let Ok(whole) = Url::parse(path)
        && matches!(whole.scheme(), "http" | "https")
    {
        return Ok(whole);
    }
    let path = path.trim_start_matches('/');
    if path.is_empty() {
        return Ok(base.clone());
    }
    Url::parse(&format!("{}/{path}", base.as_str().trim_end_matches('/')))
}

/// Whether both have the same scheme, host and port.
pub(super) fn same_origin(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin()
}

/// The host, and the port where it is not the scheme's own.
pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_as_dlt_does() {
        let check = |base: &str, path: &str, expected: &str| {
            assert_eq!(
                join(&base.parse().unwrap(), path).unwrap().as_str(),
                expected,
                "{base} {path}"
            );
        };
        check("https://a.b/v0", "people", "https://a.b/v0/people");
        check("https://a.b/v0/", "/people/", "https://a.b/v0/people/");
        check("https://a.b", "people?x=1", "https://a.b/people?x=1");
        check("https://a.b/v0", "", "https://a.b/v0");
        check("https://a.b/v0", "https://c.d/e", "https://c.d/e");
        check("https://a.b/v0", "my://x", "https://a.b/v0/my://x");
        check("https://a.b/v0", "//c.d/e", "https://a.b/v0/c.d/e");
        check("https://a.b/v0", "x/a%2Fb", "https://a.b/v0/x/a%2Fb");
    }

    #[test]
    fn compares_origins() {
        let same =
            |one: &str, other: &str| same_origin(&one.parse().unwrap(), &other.parse().unwrap());
        assert!(same("https://a.b/x", "https://A.b:443/y"));
        assert!(!same("https://a.b", "http://a.b"));
        assert!(!same("https://a.b", "https://a.b:8443"));
        assert!(!same("https://a.b", "https://a.b.c"));
    }
}
