//! Credentials that a command prints, as `credential_process` in an AWS profile says.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use serde::Deserialize;
use tokio::process::Command;
use tokio::sync::Mutex;

/// How long before their end credentials are fetched anew.
const EARLIER: Duration = Duration::from_mins(5);

/// How long the command may take.
const LONGEST: Duration = Duration::from_mins(2);

/// Runs a command for credentials, and again when they are about to expire.
#[derive(Debug)]
pub(super) struct CredentialProcess {
    command: String,
    known: Mutex<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    credential: Arc<AwsCredential>,
    /// `None` where they don't expire.
    until: Option<Instant>,
}

/// What the command prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<Timestamp>,
}

impl CredentialProcess {
    pub(super) fn new(command: String) -> Self {
        Self {
            command,
            known: Mutex::new(None),
        }
    }

    async fn run(&self) -> object_store::Result<Known> {
        let failed = |problem: String| object_store::Error::Generic {
            store: "S3",
            source: format!("run the AWS profile's `credential_process`: {problem}").into(),
        };
        let words = words(&self.command);
        let (program, arguments) = words
            .split_first()
            .ok_or_else(|| failed("no command is given".to_owned()))?;
        let output = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(LONGEST, output)
            .await
            .map_err(|_| {
                failed(format!(
                    "`{program}` has not ended in {} s",
                    LONGEST.as_secs()
                ))
            })?
            .map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed(output.status.to_string()));
        }
        // The cause is not told: it could show what was printed.
        let printed: Printed = serde_json::from_slice(&output.stdout).map_err(|_| {
            failed("expected JSON with `AccessKeyId` and `SecretAccessKey`".to_owned())
        })?;
        let until = printed.expiration.map(|expiration| {
            let left = Duration::try_from(expiration.duration_since(now())).unwrap_or_default();
            Instant::now() + left.saturating_sub(EARLIER)
        });
        Ok(Known {
            credential: Arc::new(AwsCredential {
                key_id: printed.access_key_id,
                secret_key: printed.secret_access_key,
                token: printed.session_token,
            }),
            until,
        })
    }
}

#[async_trait]
impl CredentialProvider for CredentialProcess {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref()
            && known.until.is_none_or(|until| Instant::now() < until)
        {
            return Ok(Arc::clone(&known.credential));
        }
        let fresh = self.run().await?;
        let credential = Arc::clone(&fresh.credential);
        *known = Some(fresh);
        Ok(credential)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "credentials expire by the real clock, whatever time the run was told"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

/// The words of a command; quotes keep what is between them together.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in command.chars() {
        match quote {
            Some(open) if letter == open => quote = None,
            None if letter == '"' || letter == '\'' => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            None if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_words_together() {
        assert_eq!(
            words(r#"/bin/keys  "a b" 'c' d"e""#),
            ["/bin/keys", "a b", "c", "de"]
        );
    }

    #[tokio::test]
    #[cfg(unix)]
    async fn a_command_gives_credentials_until_they_expire() {
        let command = |expiration: &str| {
            format!(
                "printf '{{\"Version\": 1, \"AccessKeyId\": \"id\", \"SecretAccessKey\": \"hunter2\"{expiration}}}'"
            )
        };
        for (expiration, is_kept) in [
            ("", true),
            (", \"Expiration\": \"2999-01-01T00:00:00Z\"", true),
            (", \"Expiration\": \"2020-01-01T00:00:00Z\"", false),
        ] {
            let process = CredentialProcess::new(command(expiration));
            let first = process.get_credential().await.unwrap();
            assert_eq!(first.secret_key, "hunter2");
            let second = process.get_credential().await.unwrap();
            assert_eq!(Arc::ptr_eq(&first, &second), is_kept, "{expiration}");
        }
    }

    #[tokio::test]
    #[cfg(unix)]
    async fn a_command_that_fails_is_told_without_what_it_printed() {
        for (command, problem) in [
            ("false", "exit status: 1"),
            ("echo hunter2", "expected JSON"),
            ("/none/such", "No such file"),
            ("", "no command"),
        ] {
            let process = CredentialProcess::new(command.to_owned());
            let error = process.get_credential().await.unwrap_err().to_string();
            assert!(
                error.contains(problem) && !error.contains("hunter2"),
                "{error}"
            );
        }
    }
}
