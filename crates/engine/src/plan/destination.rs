//! Where tables are written: the URL and the settings of its store, checked.

use indexmap::IndexMap;
use object_store::ObjectStoreScheme;
use object_store::aws::AmazonS3ConfigKey;
use object_store::azure::AzureConfigKey;
use object_store::gcp::GoogleConfigKey;
use url::Url;

use super::mistakes::{Mistakes, Place};
use crate::spec::{Destination, Secret, StoreOption, did_you_mean};

/// The kinds of stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// A folder.
    Local,
    /// The memory of this process.
    Memory,
    /// Amazon S3, or what speaks its language.
    S3,
    /// Google Cloud Storage.
    GoogleCloud,
    /// Azure Blob Storage.
    Azure,
}

impl StoreKind {
    /// Whether the store is a service that is reached over a network.
    pub fn is_bucket(self) -> bool {
        matches!(self, Self::S3 | Self::GoogleCloud | Self::Azure)
    }

    /// What the documentation calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "a local folder",
            Self::Memory => "memory",
            Self::S3 => "S3",
            Self::GoogleCloud => "Google Cloud Storage",
            Self::Azure => "Azure Blob Storage",
        }
    }
}

/// How a store is reached: what the spec says, and what the surroundings do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoreSettings {
    /// `destination.options`, by name in lower case.
    pub options: Vec<(String, Secret)>,
    /// The environment's variables, as far as the clouds' own tools look at them; options come before them.
    pub environment: Vec<(String, Secret)>,
    /// How many times a request is tried again; `None`: [`DEFAULT_STORE_RETRIES`].
    pub retries: Option<usize>,
}

/// How many times a request to a store is tried again: with the pauses between them, some three minutes.
pub const DEFAULT_STORE_RETRIES: usize = 10;

impl StoreSettings {
    /// Takes what concerns the stores from the variables of an environment.
    pub fn set_environment<'a>(&mut self, variables: impl Iterator<Item = (&'a str, &'a str)>) {
        let concerns = |name: &str| {
            let prefixes = ["AWS_", "GOOGLE_", "AZURE_"];
            let names = [
                "SERVICE_ACCOUNT",
                "MSI_ENDPOINT",
                "IDENTITY_ENDPOINT",
                "HOME",
                "USERPROFILE",
            ];
            prefixes.iter().any(|prefix| name.starts_with(prefix)) || names.contains(&name)
        };
        self.environment = variables
            .filter(|(name, _)| concerns(name))
            .map(|(name, value)| (name.to_owned(), Secret::new(value)))
            .collect();
    }

    /// The value of an environment's variable, unless it is empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let mut named = self.environment.iter().filter(|(known, _)| known == name);
        named
            .next()
            .map(|(_, value)| value.expose())
            .filter(|value| !value.is_empty())
    }
}

/// What store a URL leads to: a folder, or a `file://`, `s3://`, `gs://`, `az://` or `memory://` URL.
///
/// # Errors
/// What is wrong, in one line, without credentials.
pub fn check_destination(url: &str) -> Result<StoreKind, String> {
    const HELP: &str = "give a folder, such as `./data/shop`, or a `file://`, `s3://`, `gs://`, `az://` or `memory://` URL";
    if url.is_empty() {
        return Err(
            "the destination is empty; give a folder, such as `./data/shop`, or a URL".to_owned(),
        );
    }
    let Some((scheme, _)) = url.split_once("://") else {
        return Ok(StoreKind::Local);
    };
    match scheme {
        "file" => return Ok(StoreKind::Local),
        "memory" => return Ok(StoreKind::Memory),
        _ => {}
    }
    let unusable = || format!("tables can't be written to this `{scheme}://` URL; {HELP}");
    let parsed = Url::parse(url).map_err(|_| unusable())?;
    let kind = match ObjectStoreScheme::parse(&parsed) {
        Ok((ObjectStoreScheme::AmazonS3, _)) => StoreKind::S3,
        Ok((ObjectStoreScheme::GoogleCloudStorage, _)) => StoreKind::GoogleCloud,
        Ok((ObjectStoreScheme::MicrosoftAzure, _)) => StoreKind::Azure,
        _ => return Err(unusable()),
    };
    // In Azure's URLs the container stands before the `@`.
    let has_user = !parsed.username().is_empty() && kind != StoreKind::Azure;
    if has_user || parsed.password().is_some() || parsed.query().is_some() {
        return Err(
            "the destination's URL holds more than a place; credentials come from the environment or from \
             `destination.options`"
                .to_owned(),
        );
    }
    Ok(kind)
}

/// Puts another URL in place of the spec's own. Settings for another kind of store are left out.
///
/// # Errors
/// As [`check_destination`].
pub fn redirect(destination: &mut Destination, url: &str) -> Result<(), String> {
    let kind = check_destination(url)?;
    let own = destination.url.as_deref().map(check_destination);
    if own.is_some_and(|own| own != Ok(kind)) {
        destination.options.clear();
    }
    destination.url = Some(url.to_owned());
    Ok(())
}

/// Checks the settings of a store: their names, and what would make it unusable.
pub(super) fn options(
    kind: StoreKind,
    options: &IndexMap<String, StoreOption>,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Vec<(String, Secret)> {
    let mut checked = Vec::new();
    let mut insecure = None;
    let mut allows_http = kind == StoreKind::Azure && is_on(options, "use_emulator");
    for (name, StoreOption(value)) in options {
        let place = place.key(name);
        let key = name.to_ascii_lowercase();
        if !kind.is_bucket() {
            mistakes.add(
                "plan::destination_option",
                &place,
                format!(
                    "`{name}` is a setting for buckets, and the destination is {}",
                    kind.name()
                ),
                "leave it out, or give a `url` such as `s3://bucket/prefix`, `gs://…` or `az://…`"
                    .to_owned(),
            );
            continue;
        }
        let Some(canonical) = canonical(kind, &key) else {
            let help = match did_you_mean(
                &key,
                NAMES
                    .iter()
                    .copied()
                    .filter(|name| canonical(kind, name).is_some()),
            ) {
                Some(near) => format!(
                    "did you mean `{near}`? All settings are listed in docs/destinations.md"
                ),
                None => "all settings are listed in docs/destinations.md".to_owned(),
            };
            mistakes.add(
                "plan::destination_option",
                &place,
                format!("{} has no setting `{name}`", kind.name()),
                help,
            );
            continue;
        };
        let short = short(&canonical);
        if SWITCHES.contains(&short) && switch(value.expose()).is_none() {
            mistakes.add(
                "plan::destination_option",
                &place,
                format!("`{name}` is either `true` or `false`"),
                None,
            );
        }
        if short == "conditional_put" && value.expose() != "etag" {
            mistakes.add(
                "plan::destination_option",
                &place,
                "commits are told apart by conditional writes, which this setting turns off",
                "leave it out; a store without conditional writes can't be a destination"
                    .to_owned(),
            );
        }
        allows_http |= short == "allow_http" && switch(value.expose()) == Some(true);
        let is_endpoint = matches!(
            short,
            "endpoint" | "endpoint_url_s3" | "storage_endpoint" | "base_url"
        );
        if is_endpoint && value.expose().starts_with("http://") {
            insecure = Some(place);
        }
        checked.push((key, value.clone()));
    }
    if let Some(place) = insecure.filter(|_| !allows_http) {
        mistakes.add(
            "plan::destination_option",
            &place,
            "the endpoint is reached without encryption",
            "use `https://`; for a server on this machine add `allow_http: true`".to_owned(),
        );
    }
    checked
}

fn is_on(options: &IndexMap<String, StoreOption>, name: &str) -> bool {
    let value = options.get(name).map(|value| value.0.expose());
    value.and_then(switch) == Some(true)
}

/// The store's own full name of a setting; `None` where it has none of that name.
fn canonical(kind: StoreKind, key: &str) -> Option<String> {
    let name = match kind {
        StoreKind::S3 => key.parse::<AmazonS3ConfigKey>().ok()?.as_ref().to_owned(),
        StoreKind::GoogleCloud => key.parse::<GoogleConfigKey>().ok()?.as_ref().to_owned(),
        StoreKind::Azure => key.parse::<AzureConfigKey>().ok()?.as_ref().to_owned(),
        StoreKind::Local | StoreKind::Memory => return None,
    };
    Some(name)
}

fn short(canonical: &str) -> &str {
    let prefixes = ["aws_", "google_", "azure_"];
    let stripped = prefixes
        .iter()
        .find_map(|prefix| canonical.strip_prefix(prefix));
    stripped.unwrap_or(canonical)
}

fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "on" | "yes" | "y" => Some(true),
        "0" | "false" | "off" | "no" | "n" => Some(false),
        _ => None,
    }
}

/// Settings that are either on or off.
const SWITCHES: [&str; 20] = [
    "allow_http",
    "allow_invalid_certificates",
    "disable_bulk_delete",
    "disable_system_certificates",
    "disable_tagging",
    "http1_only",
    "http2_keep_alive_while_idle",
    "http2_only",
    "imdsv1_fallback",
    "randomize_addresses",
    "request_payer",
    "s3_express",
    "skip_signature",
    "sse_bucket_key_enabled",
    "storage_use_emulator",
    "unsigned_payload",
    "use_azure_cli",
    "use_emulator",
    "use_fabric_endpoint",
    "virtual_hosted_style_request",
];

/// Names that are suggested for a misspelt one, where the store has them.
const NAMES: [&str; 64] = [
    "access_key",
    "access_key_id",
    "account_key",
    "account_name",
    "allow_http",
    "allow_invalid_certificates",
    "application_credentials",
    "authority_host",
    "authority_id",
    "base_url",
    "bearer_token",
    "checksum_algorithm",
    "client_id",
    "client_secret",
    "connect_timeout",
    "container_authorization_token_file",
    "container_credentials_full_uri",
    "container_credentials_relative_uri",
    "copy_if_not_exists",
    "credential_type",
    "default_region",
    "disable_bulk_delete",
    "disable_system_certificates",
    "disable_tagging",
    "encryption_key",
    "endpoint",
    "endpoint_url",
    "endpoint_url_sts",
    "federated_token_file",
    "http1_only",
    "http2_only",
    "identity_endpoint",
    "imdsv1_fallback",
    "metadata_endpoint",
    "msi_endpoint",
    "msi_resource_id",
    "object_id",
    "pool_idle_timeout",
    "pool_max_idle_per_host",
    "proxy_ca_certificate",
    "proxy_excludes",
    "proxy_url",
    "read_timeout",
    "region",
    "request_payer",
    "role_arn",
    "role_session_name",
    "s3_express",
    "sas_key",
    "sas_token",
    "secret_access_key",
    "server_side_encryption",
    "service_account",
    "service_account_key",
    "session_token",
    "skip_signature",
    "sse_kms_key_id",
    "tenant_id",
    "timeout",
    "unsigned_payload",
    "use_azure_cli",
    "use_emulator",
    "virtual_hosted_style_request",
    "web_identity_token_file",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_tell_the_store() {
        let kind = |url| check_destination(url).ok();
        assert_eq!(kind("./data"), Some(StoreKind::Local));
        assert_eq!(kind("s3://bucket/a b"), Some(StoreKind::S3));
        assert_eq!(kind("gs://bucket"), Some(StoreKind::GoogleCloud));
        assert_eq!(kind("az://container/x"), Some(StoreKind::Azure));
        assert_eq!(
            kind("abfss://container@account.dfs.core.windows.net/x"),
            Some(StoreKind::Azure)
        );
        assert_eq!(
            kind("https://account.blob.core.windows.net/container/x"),
            Some(StoreKind::Azure)
        );
        for url in [
            "",
            "ftp://host/x",
            "https://a.example/x",
            "s3://",
            "s3://key:hunter2@bucket/x",
            "https://account.blob.core.windows.net/container?sig=hunter2",
        ] {
            let problem = check_destination(url).unwrap_err();
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }

    #[test]
    fn suggested_names_are_names() {
        for name in NAMES {
            let kinds = [StoreKind::S3, StoreKind::GoogleCloud, StoreKind::Azure];
            assert!(
                kinds
                    .into_iter()
                    .any(|kind| canonical(kind, name).is_some()),
                "{name}"
            );
        }
    }

    #[test]
    fn settings_of_another_store_are_left_out() {
        let mut destination = Destination {
            url: Some("s3://bucket/x".to_owned()),
            options: [("region".to_owned(), StoreOption(Secret::new("eu-west-1")))].into(),
            ..Destination::default()
        };
        redirect(&mut destination, "s3://other").unwrap();
        assert_eq!(destination.options.len(), 1);
        redirect(&mut destination, "./data").unwrap();
        assert_eq!(destination.options.len(), 0);
    }
}
