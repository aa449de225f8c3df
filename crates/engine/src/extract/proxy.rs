//! Proxies of the environment, as the HTTP client reads them.

use percent_encoding::percent_decode_str;
use url::Url;

/// Variables that name a proxy. The client also reads them in lower case.
const VARIABLES: [&str; 3] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/// The user and password of a proxy.
pub(super) struct ProxyCredentials {
    pub(super) username: String,
    pub(super) password: String,
}

/// The credentials of all proxies that the environment names.
///
/// Fails with what is wrong where a variable names none that can be used: the client would go without a proxy then, where
/// somebody meant that it must not. The text shows no value.
#[expect(
    clippy::disallowed_methods,
    reason = "the HTTP client reads these variables itself, and no others must be looked at"
)]
pub(super) fn credentials() -> Result<Vec<ProxyCredentials>, String> {
    let names = VARIABLES
        .into_iter()
        .flat_map(|name| [name.to_owned(), name.to_ascii_lowercase()]);
    let mut found = Vec::new();
    for name in names {
        match std::env::var(&name) {
            Ok(value) => found.extend(parse(&name, value.trim())?),
            Err(std::env::VarError::NotPresent) => {}
            Err(std::env::VarError::NotUnicode(_)) => return Err(format!("`{name}` is no text")),
        }
    }
    Ok(found)
}

fn parse(name: &str, value: &str) -> Result<Option<ProxyCredentials>, String> {
    if value.is_empty() {
        return Ok(None);
    }
    let text = if value.contains("://") {
        value.to_owned()
    } else {
        format!("http://{value}")
    };
    let url =
        Url::parse(&text).map_err(|error| format!("`{name}` is no URL of a proxy: {error}"))?;
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
        assert!(parse("HTTP_PROXY", "").unwrap().is_none());
        for wrong in [
            "gopher://me:hunter2@proxy.test",
            "http://me:hunter2@no such host/",
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
