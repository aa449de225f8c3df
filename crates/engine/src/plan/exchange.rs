//! Compiling how the requests of one endpoint differ from the client's: credentials, retries, and what answers mean.

use url::Url;

use super::auth::{self, AuthPlan};
use super::client::{self, AllowedHost};
use super::mistakes::{Mistakes, Place, Reported};
use super::model::RetryPlan;
use super::response_action::{self, ResponseActionPlan};
use crate::spec::{self, Endpoint};

/// How a resource's requests and answers are dealt with, where that is not the client's way.
#[derive(Clone, Debug, Default)]
pub struct ExchangePlan {
    /// Credentials in place of the client's; `None`: the client's.
    pub auth: Option<AuthPlan>,
    /// What is tried again; `None`: what the client says.
    pub retry: Option<RetryPlan>,
    /// What is done about special answers: the first one that fits decides.
    pub response_actions: Vec<ResponseActionPlan>,
}

pub(super) fn compile(
    endpoint: &Endpoint,
    client: &spec::Client,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<ExchangePlan, Reported> {
    let auth_place = place.key("auth");
    let auth = endpoint
        .auth
        .as_ref()
        .map(|auth| auth::compile(auth, &auth_place, mistakes))
        .transpose();
    let retry_place = place.key("retry");
    let retry = endpoint
        .retry
        .as_ref()
        .map(|retry| client::retry(retry, Some(&client.retry), &retry_place, mistakes));
    let renews_tokens = matches!(
        endpoint.auth.as_ref().or(client.auth.as_ref()),
        Some(spec::Auth::Oauth2ClientCredentials(_))
    );
    let response_actions = response_action::compile(
        &endpoint.response_actions,
        renews_tokens,
        &place.key("response_actions"),
        mistakes,
    );
    if let Some(path) = &endpoint.path {
        check_host(&path.0, client, &place.key("path"), mistakes);
    }
    Ok(ExchangePlan {
        auth: auth?,
        retry,
        response_actions,
    })
}

/// A whole URL as a path must lead where credentials may go; one whose host is a placeholder is checked when it is
/// filled in.
fn check_host(path: &str, client: &spec::Client, place: &Place, mistakes: &mut Mistakes) {
    let is_whole = ["http://", "https://"]
        .iter()
        .any(|scheme| path.to_ascii_lowercase().starts_with(scheme));
    let fixed = path.split('{').next().unwrap_or_default();
    let behind_scheme = fixed.split_once("://").map_or("", |(_, rest)| rest);
    let host_is_fixed = fixed == path || behind_scheme.contains(['/', '?']);
    if !is_whole || !host_is_fixed {
        return;
    }
    let (Ok(url), Ok(base)) = (Url::parse(fixed), Url::parse(&client.base_url)) else {
        return;
    };
    let mut hosts = client.allowed_hosts.iter();
    let is_allowed =
        hosts.any(|host| AllowedHost::parse(host).is_some_and(|host| host.includes(&url)));
    if url.origin() == base.origin() || is_allowed {
        return;
    }
    let host = url.host_str().unwrap_or_default();
    let host = url
        .port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    mistakes.add(
        "plan::other_host",
        place,
        format!("`path` leads to `{host}`, which is not the host of `base_url`"),
        format!("credentials and headers would go there too: if they may, write `allowed_hosts: [\"{host}\"]` below `client`"),
    );
}
