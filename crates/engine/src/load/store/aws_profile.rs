//! AWS profiles: `~/.aws/config` and `~/.aws/credentials`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::load::Error;
use crate::plan::StoreSettings;
use crate::spec::Secret;

/// What a profile says.
#[derive(Debug, Default)]
pub(super) struct Profile {
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) credentials: Option<Credentials>,
}

/// Where a profile's credentials come from.
#[derive(Debug, PartialEq)]
pub(super) enum Credentials {
    /// They stand in the profile.
    Keys {
        id: String,
        secret: Secret,
        token: Option<Secret>,
    },
    /// The machine's own token is exchanged for those of a role.
    WebIdentity { role: String, token_file: String },
    /// A command prints them.
    Process(String),
}

type Entries = BTreeMap<String, String>;

impl Profile {
    /// Reads the profile that `AWS_PROFILE` names, else `default`, which need not be there.
    pub(super) fn read(settings: &StoreSettings, needs_credentials: bool) -> Result<Self, Error> {
        let named = settings.variable("AWS_PROFILE");
        let name = named.unwrap_or("default");
        let mut entries = Entries::new();
        let mut looked = Vec::new();
        for (variable, file) in [
            ("AWS_CONFIG_FILE", "config"),
            ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        ] {
            let Some(path) = path(settings, variable, file) else {
                continue;
            };
            looked.push(format!("`{}`", path.display()));
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::local_file("read", &path)(error)),
            };
            // Of a key in both files that of the credentials file counts.
            entries.extend(section(&text, name, file == "config").unwrap_or_default());
        }
        if entries.is_empty() {
            return match named {
                Some(name) => Err(unusable(format!(
                    "no profile `{name}` (`AWS_PROFILE`) is in {}",
                    looked.join(" or ")
                ))),
                None => Ok(Self::default()),
            };
        }
        let credentials = if needs_credentials {
            credentials(name, &entries, named.is_some())?
        } else {
            None
        };
        let get = |key: &str| entries.get(key).cloned();
        Ok(Self {
            region: get("region"),
            endpoint: get("endpoint_url"),
            credentials,
        })
    }
}

fn credentials(
    name: &str,
    entries: &Entries,
    is_named: bool,
) -> Result<Option<Credentials>, Error> {
    let get = |key: &str| entries.get(key).cloned();
    if let (Some(id), Some(secret)) = (get("aws_access_key_id"), get("aws_secret_access_key")) {
        return Ok(Some(Credentials::Keys {
            id,
            secret: Secret::new(secret),
            token: get("aws_session_token").map(Secret::new),
        }));
    }
    if let (Some(role), Some(token_file)) = (get("role_arn"), get("web_identity_token_file")) {
        return Ok(Some(Credentials::WebIdentity { role, token_file }));
    }
    if let Some(command) = get("credential_process") {
        return Ok(Some(Credentials::Process(command)));
    }
    let way = [
        "sso_session",
        "sso_start_url",
        "login_session",
        "source_profile",
        "credential_source",
    ];
    match way.into_iter().find(|key| entries.contains_key(*key)) {
        Some(key) => Err(unusable(format!(
            "the AWS profile `{name}` gets its credentials by `{key}`, which only AWS's own tools can follow; add a profile \
             with the line `credential_process = aws configure export-credentials --profile {name}` and name it in \
             AWS_PROFILE"
        ))),
        None if is_named => Err(unusable(format!(
            "the AWS profile `{name}` has no credentials; expected `aws_access_key_id` and `aws_secret_access_key`, \
             `credential_process`, or `role_arn` and `web_identity_token_file`"
        ))),
        None => Ok(None),
    }
}

fn unusable(reason: String) -> Error {
    Error::UnusableDestination { reason }
}

fn path(settings: &StoreSettings, variable: &str, file: &str) -> Option<PathBuf> {
    if let Some(path) = settings.variable(variable) {
        return Some(PathBuf::from(path));
    }
    let home = settings
        .variable("HOME")
        .or_else(|| settings.variable("USERPROFILE"))?;
    Some(PathBuf::from(home).join(".aws").join(file))
}

/// The entries of a profile. In the config file its section is called `profile name`, but for `default`.
fn section(text: &str, profile: &str, is_config: bool) -> Option<Entries> {
    let is_wanted = |header: &str| {
        let header = header.trim();
        let behind = header.strip_prefix("profile").map(str::trim_start);
        match behind.filter(|_| is_config) {
            Some(name) => name == profile,
            None => header == profile && (!is_config || profile == "default"),
        }
    };
    let mut found: Option<Entries> = None;
    let mut inside = false;
    for line in text.lines() {
        let is_nested = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            inside = is_wanted(header.split(']').next().unwrap_or_default());
            if inside {
                found.get_or_insert_default();
            }
            continue;
        }
        // Indented lines are settings of single services.
        if let Some((key, value)) = line.split_once('=').filter(|_| inside && !is_nested) {
            let value = value.split(" #").next().unwrap_or_default();
            let entries = found.get_or_insert_default();
            entries.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "\
[default]
region = eu-central-1
[profile etl]
region = us-west-2 # Oregon
s3 =
  endpoint_url = http://nested
endpoint_url = https://minio.example
[profile sso]
sso_session = work
";

    const CREDENTIALS: &str = "\
# comment
[etl]
aws_access_key_id = AKIA
aws_secret_access_key = hunter2==
[other]
credential_process = /bin/keys \"a b\"
";

    fn read(profile: Option<&str>) -> Result<Profile, String> {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".aws");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("config"), CONFIG).unwrap();
        std::fs::write(folder.join("credentials"), CREDENTIALS).unwrap();
        let mut settings = StoreSettings::default();
        let home = home.path().to_str().unwrap();
        let mut variables = vec![("HOME", home)];
        variables.extend(profile.map(|name| ("AWS_PROFILE", name)));
        settings.set_environment(variables.into_iter());
        Profile::read(&settings, true).map_err(|error| error.to_string().replace(home, "~"))
    }

    #[test]
    fn profiles_are_put_together_from_both_files() {
        let profile = read(Some("etl")).unwrap();
        assert_eq!(profile.region.as_deref(), Some("us-west-2"));
        assert_eq!(profile.endpoint.as_deref(), Some("https://minio.example"));
        assert_eq!(
            profile.credentials,
            Some(Credentials::Keys {
                id: "AKIA".to_owned(),
                secret: Secret::new("hunter2=="),
                token: None
            })
        );
        let other = read(Some("other")).unwrap().credentials;
        assert_eq!(
            other,
            Some(Credentials::Process("/bin/keys \"a b\"".to_owned()))
        );
        let default = read(None).unwrap();
        assert_eq!(default.region.as_deref(), Some("eu-central-1"));
        assert_eq!(default.credentials, None);
    }

    #[test]
    fn what_can_not_be_followed_is_explained() {
        insta::assert_snapshot!(read(Some("sso")).unwrap_err(), @"open the destination: the AWS profile `sso` gets its credentials by `sso_session`, which only AWS's own tools can follow; add a profile with the line `credential_process = aws configure export-credentials --profile sso` and name it in AWS_PROFILE");
        insta::assert_snapshot!(read(Some("none")).unwrap_err(), @"open the destination: no profile `none` (`AWS_PROFILE`) is in `~/.aws/config` or `~/.aws/credentials`");
    }
}
