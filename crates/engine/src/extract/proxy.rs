//! Proxies of the environment, as the HTTP client reads them.

use percent_encoding::percent_decode_str;
use url::Url;

/// The user and password of a proxy.
pub(super) struct ProxyCredentials {
    pub(super) username: String,
    pub(super) password: String,
}

const NAMES: [&str; 3] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/// Whether the environment names any proxy.
pub(super) fn is_named() -> bool {
    NAMES.into_iter().any(|name| variable(name).is_some())
}

/// The credentials of all proxies that the environment names.
pub(super) fn credentials() -> Vec<ProxyCredentials> {
    let values = NAMES.into_iter().filter_map(variable);
    values
        .filter_map(|(name, value)| parse(&name, &value).ok()?)
        .collect()
}

/// Fails with what is wrong where the proxy for URLs of this scheme can't be used: the client would go without one then,
/// where somebody meant that it must not. The text shows no value.
pub(super) fn check(scheme: &str) -> Result<(), String> {
    let own = variable(if scheme == "https" {
        "HTTPS_PROXY"
    } else {
        "HTTP_PROXY"
    });
    match own.or_else(|| variable("ALL_PROXY")) {
        Some((name, value)) => parse(&name, &value).map(|_| ()),
        None => Ok(()),
    }
}

/// A variable in upper case, else in lower case; none where a web server runs the program, since `HTTP_PROXY` may then be a
/// header of a request.
#[expect(
    clippy::disallowed_methods,
    reason = "the HTTP client reads these variables itself, and no others must be looked at"
)]
fn variable(name: &str) -> Option<(String, String)> {
    if std::env::var_os("REQUEST_METHOD").is_some() {
        return None;
    }
    [name.to_owned(), name.to_ascii_lowercase()]
        .into_iter()
        .find_map(|name| {
            let value = std::env::var(&name).ok()?;
            (!value.is_empty()).then_some((name, value))
        })
}

fn parse(name: &str, value: &str) -> Result<Option<ProxyCredentials>, String> {
    let text = if value.contains("://") {
        value.to_owned()
    } else {
        format!("http://{value}")
    };
    let unusable = |error: String| format!("`{name}` is no URL of a proxy: {error}");
    let url = Url::parse(&text).map_err(|error| unusable(error.to_string()))?;
    // The client reads it more strictly.
    http::Uri::try_from(&text).map_err(|error| unusable(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!(
            "`{name}` names a proxy by `{}`: write `http://` or `https://`, a host and a port",
            url.scheme()
        ));
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let credentials = ProxyCredentials {
        username: decoded(url.username()),
        password: decoded(url.password().unwrap_or_default()),
    };
    Ok(
        (!credentials.username.is_empty() || !credentials.password.is_empty())
            .then_some(credentials),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_found_and_mistakes_told() {
        let found = parse("HTTP_PROXY", "http://me:p%40ss@proxy.test:80")
            .unwrap()
            .unwrap();
        assert_eq!(
            (found.username.as_str(), found.password.as_str()),
            ("me", "p@ss")
        );
        assert!(parse("HTTP_PROXY", "proxy.test:3128").unwrap().is_none());
        for wrong in [
            "gopher://me:hunter2@proxy.test",
            "http://me:hunter2@no such host/",
            "http://me:hunter2 x@proxy.test",
            "socks5://proxy.test",
        ] {
            let told = parse("HTTP_PROXY", wrong).err().unwrap();
            assert!(
                told.contains("`HTTP_PROXY`") && !told.contains("hunter2"),
                "{told}"
            );
        }
    }
}
