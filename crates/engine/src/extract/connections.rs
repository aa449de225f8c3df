//! Connections to an API: over TLS, or plain ones where nothing has to be verified.
//!
//! Reading the certificates that the system trusts takes most of a short run's processor time. They are read when the first
//! URL needs them.

use std::sync::OnceLock;

use url::Url;

use crate::plan::Timeouts;

/// The HTTP clients of a pipeline.
pub(super) struct Connections {
    /// Trusts no certificate at all; `None` where a proxy, which may speak TLS itself, stands between.
    plain: Option<reqwest::Client>,
    /// Trusts what the system trusts.
    verified: OnceLock<reqwest::Client>,
    timeouts: Timeouts,
}

impl Connections {
    pub(super) fn new(timeouts: &Timeouts, has_proxy: bool) -> Result<Self, reqwest::Error> {
        let plain = (!has_proxy).then(|| builder(timeouts).tls_certs_only([]).build());
        Ok(Self {
            plain: plain.transpose()?,
            verified: OnceLock::new(),
            timeouts: *timeouts,
        })
    }

    /// The client for a URL. It follows no redirects, so that it never leaves the URL's scheme.
    pub(super) fn to(&self, url: &Url) -> Result<&reqwest::Client, reqwest::Error> {
        if let Some(plain) = self.plain.as_ref().filter(|_| url.scheme() == "http") {
            return Ok(plain);
        }
        if let Some(verified) = self.verified.get() {
            return Ok(verified);
        }
        let verified = builder(&self.timeouts).build()?;
        Ok(self.verified.get_or_init(|| verified))
    }
}

fn builder(timeouts: &Timeouts) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("engine/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timeouts.connect)
        .read_timeout(timeouts.read)
        .timeout(timeouts.total)
        .redirect(reqwest::redirect::Policy::none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_read_where_they_are_needed() {
        drop(rustls::crypto::ring::default_provider().install_default());
        let [plain, verified] =
            ["http://a.test", "https://a.test"].map(|url| Url::parse(url).unwrap());
        let direct = Connections::new(&Timeouts::default(), false).unwrap();
        direct.to(&plain).unwrap();
        assert!(direct.verified.get().is_none());
        direct.to(&verified).unwrap();
        assert!(direct.verified.get().is_some());

        let behind_proxy = Connections::new(&Timeouts::default(), true).unwrap();
        behind_proxy.to(&plain).unwrap();
        assert!(behind_proxy.verified.get().is_some());
    }
}
