//! The clients of the clouds' stores.
//!
//! Settings come from the spec first, then from the environment, then from the cloud's own files, and at last from the
//! machine's own identity.

mod aws_profile;
mod credential_process;
mod machine_identity;
mod told;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{ClientOptions, ObjectStore, RetryConfig};

use super::Error;
use crate::plan::{DEFAULT_STORE_RETRIES, StoreKind, StoreSettings};
use crate::spec::{Secret, may_hold_secret};
use aws_profile::Profile;
use credential_process::CredentialProcess;
pub(super) use told::ToldStore;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a store may say nothing: time enough to send one part of a large file over a slow line.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// Opens the bucket that a URL leads to.
///
/// # Errors
/// A setting has no place, or none of the needed ones is there; no request is made yet.
pub(super) fn open(
    kind: StoreKind,
    url: &str,
    settings: &StoreSettings,
) -> Result<Arc<dyn ObjectStore>, Error> {
    // It fails where a provider is installed already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut secrets = secrets_of(settings);
    let opened = match kind {
        StoreKind::S3 => s3(url, settings, &mut secrets)?,
        StoreKind::GoogleCloud => google_cloud(url, settings),
        StoreKind::Azure => azure(url, settings),
        StoreKind::Local | StoreKind::Memory => {
            return Err(Error::UnusableDestination {
                reason: format!("{} is no bucket", kind.name()),
            });
        }
    };
    let opened = opened.map_err(|error| Error::UnusableDestination {
        reason: match error {
            // The library's own words for the store add nothing.
            object_store::Error::Generic { source, .. } => {
                format!("{}: {}", kind.name(), told::text(&source, &secrets))
            }
            other => told::text(&other, &secrets),
        },
    })?;
    Ok(Arc::new(ToldStore::new(opened, secrets)))
}

type Opened = object_store::Result<Arc<dyn ObjectStore>>;

fn s3(url: &str, settings: &StoreSettings, secrets: &mut Vec<Secret>) -> Result<Opened, Error> {
    use AmazonS3ConfigKey as Key;
    const KEYS: [Key; 3] = [Key::AccessKeyId, Key::SecretAccessKey, Key::Token];
    const ENDPOINTS: [Key; 2] = [Key::Endpoint, Key::S3Endpoint];
    const REGIONS: [Key; 2] = [Key::Region, Key::DefaultRegion];
    const ELSEWHERE: [Key; 3] = [
        Key::WebIdentityTokenFile,
        Key::ContainerCredentialsRelativeUri,
        Key::ContainerCredentialsFullUri,
    ];
    let options: Vec<(Key, Secret)> = parsed(&settings.options);
    let environment: Vec<(Key, Secret)> = parsed(&of_environment(settings, "AWS_"));
    let has = |given: &[(Key, Secret)], keys: &[Key]| {
        given
            .iter()
            .any(|(key, value)| keys.contains(key) && !value.expose().is_empty())
    };
    let mut builder = AmazonS3Builder::new()
        .with_url(url)
        .with_client_options(client_options())
        .with_retry(retry(settings));
    // What belongs together comes from one place: a key of the spec doesn't go with a token of the environment.
    let replaced: Vec<Key> = [&KEYS[..], &ENDPOINTS[..], &REGIONS[..]]
        .into_iter()
        .filter(|group| has(&options, group))
        .flatten()
        .copied()
        .collect();
    let kept = environment
        .iter()
        .filter(|(key, value)| !replaced.contains(key) && !value.expose().is_empty());
    for (key, value) in kept.chain(&options) {
        builder = builder.with_config(*key, value.expose());
    }
    let has_either = |keys: &[Key]| has(&options, keys) || has(&environment, keys);
    let unsigned = builder.get_config_value(&Key::SkipSignature);
    let needs_credentials = !has_either(&KEYS) && unsigned.as_deref() != Some("true");
    // A machine that is given an identity by its surroundings has no need of a profile, unless one is named.
    let named = settings.variable("AWS_PROFILE");
    let profile = if named.is_some() || !has_either(&ELSEWHERE) {
        Profile::read(settings, needs_credentials)?
    } else {
        Profile::default()
    };
    if let Some(region) = profile.region.filter(|_| !has_either(&REGIONS)) {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = profile.endpoint.filter(|_| !has_either(&ENDPOINTS)) {
        builder = builder.with_endpoint(endpoint);
    }
    let is_left_to_machine = needs_credentials
        && profile.credentials.is_none()
        && !has_either(&ELSEWHERE)
        && !has_either(&[Key::MetadataEndpoint]);
    if is_left_to_machine && !machine_identity::is_at_hand() {
        return Err(Error::UnusableDestination {
            reason: format!("{}: {}", StoreKind::S3.name(), machine_identity::MISSING),
        });
    }
    if needs_credentials {
        builder = match profile.credentials {
            Some(aws_profile::Credentials::Keys { id, secret, token }) => {
                secrets.extend([secret.clone()].into_iter().chain(token.clone()));
                let builder = builder
                    .with_access_key_id(id)
                    .with_secret_access_key(secret.expose());
                match token {
                    Some(token) => builder.with_token(token.expose()),
                    None => builder,
                }
            }
            Some(aws_profile::Credentials::WebIdentity { role, token_file }) => builder
                .with_config(Key::RoleArn, role)
                .with_config(Key::WebIdentityTokenFile, token_file),
            Some(aws_profile::Credentials::Process(command)) => {
                builder.with_credentials(Arc::new(CredentialProcess::new(command)))
            }
            None => builder,
        };
    }
    Ok(builder.build().map(|store| Arc::new(store) as _))
}

fn google_cloud(url: &str, settings: &StoreSettings) -> Opened {
    use GoogleConfigKey as Key;
    const FILES: [Key; 3] = [
        Key::ServiceAccount,
        Key::ServiceAccountKey,
        Key::ApplicationCredentials,
    ];
    let options: Vec<(Key, Secret)> = parsed(&settings.options);
    let mut environment: Vec<(Key, Secret)> = parsed(&of_environment(settings, "GOOGLE_"));
    if options.iter().any(|(key, _)| FILES.contains(key)) {
        environment.retain(|(key, _)| !FILES.contains(key));
    }
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_url(url)
        .with_client_options(client_options())
        .with_retry(retry(settings));
    for (key, value) in environment.iter().chain(&options) {
        if !value.expose().is_empty() {
            builder = builder.with_config(*key, value.expose());
        }
    }
    Ok(Arc::new(builder.build()?))
}

fn azure(url: &str, settings: &StoreSettings) -> Opened {
    use AzureConfigKey as Key;
    const CREDENTIALS: [Key; 4] = [Key::AccessKey, Key::SasKey, Key::Token, Key::ClientSecret];
    let options: Vec<(Key, Secret)> = parsed(&settings.options);
    let mut environment: Vec<(Key, Secret)> = parsed(&of_environment(settings, "AZURE_"));
    if options.iter().any(|(key, _)| CREDENTIALS.contains(key)) {
        environment.retain(|(key, _)| !CREDENTIALS.contains(key));
    }
    let mut builder = MicrosoftAzureBuilder::new()
        .with_url(url)
        .with_client_options(client_options())
        .with_retry(retry(settings));
    // App Service and Container Apps tell of the managed identity's place in these.
    for name in ["MSI_ENDPOINT", "IDENTITY_ENDPOINT"] {
        if let Some(endpoint) = settings.variable(name) {
            builder = builder.with_msi_endpoint(endpoint);
        }
    }
    for (key, value) in environment.iter().chain(&options) {
        if !value.expose().is_empty() {
            builder = builder.with_config(*key, value.expose());
        }
    }
    Ok(Arc::new(builder.build()?))
}

/// Settings by the store's own keys; names of which it knows nothing concern other programs.
fn parsed<K: std::str::FromStr>(settings: &[(String, Secret)]) -> Vec<(K, Secret)> {
    let known = |(name, value): &(String, Secret)| Some((name.parse().ok()?, value.clone()));
    settings.iter().filter_map(known).collect()
}

/// Variables with this prefix, under the names of settings.
fn of_environment(settings: &StoreSettings, prefix: &str) -> Vec<(String, Secret)> {
    let variables = settings.environment.iter();
    variables
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .collect()
}

fn client_options() -> ClientOptions {
    const USER_AGENT: &str = concat!("engine/", env!("CARGO_PKG_VERSION"));
    ClientOptions::new()
        .with_user_agent(HeaderValue::from_static(USER_AGENT))
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_read_timeout(READ_TIMEOUT)
        // A large file may take as long as it goes on arriving.
        .with_timeout_disabled()
}

fn retry(settings: &StoreSettings) -> RetryConfig {
    RetryConfig {
        max_retries: settings.retries.unwrap_or(DEFAULT_STORE_RETRIES),
        ..RetryConfig::default()
    }
}

/// The settings that no text may show.
fn secrets_of(settings: &StoreSettings) -> Vec<Secret> {
    let given = settings.options.iter().chain(&settings.environment);
    given
        .filter(|(name, _)| may_hold_secret(name))
        .map(|(_, value)| value.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(options: &[(&str, &str)], environment: &[(&str, &str)]) -> StoreSettings {
        let owned = |pairs: &[(&str, &str)]| {
            let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), Secret::new(*value));
            pairs.iter().map(pair).collect()
        };
        StoreSettings {
            options: owned(options),
            environment: owned(environment),
            retries: None,
        }
    }

    #[test]
    fn stores_open_without_a_request() {
        let key = "a2V5";
        for (kind, url, options) in [
            (
                StoreKind::S3,
                "s3://bucket/x",
                vec![("region", "eu-west-1")],
            ),
            (
                StoreKind::GoogleCloud,
                "gs://bucket/x",
                vec![("skip_signature", "true")],
            ),
            (
                StoreKind::Azure,
                "az://container/x",
                vec![("account_name", "a"), ("account_key", key)],
            ),
            (
                StoreKind::Azure,
                "abfss://container@a.dfs.core.windows.net/x",
                vec![("account_key", key)],
            ),
        ] {
            open(kind, url, &settings(&options, &[])).unwrap();
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = open(StoreKind::Azure, "az://container/x", &settings(&[], &[])).unwrap_err();
        insta::assert_snapshot!(error, @"open the destination: Azure Blob Storage: Account must be specified");
    }

    #[test]
    fn the_spec_comes_before_the_environment() {
        let environment = [
            ("AWS_ACCESS_KEY_ID", "outer"),
            ("AWS_SECRET_ACCESS_KEY", "hunter2"),
            ("AWS_ENDPOINT_URL_S3", "http://outer"),
        ];
        let options = [("access_key_id", "inner")];
        let error = open(
            StoreKind::S3,
            "s3://bucket/x",
            &settings(&options, &environment),
        )
        .unwrap_err();
        insta::assert_snapshot!(error, @"open the destination: S3: Missing SecretAccessKey");
    }
}
