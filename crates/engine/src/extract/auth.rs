//! Credentials as a header.

use http::HeaderValue;

use super::redact::basic_credentials;
use crate::plan::AuthPlan;

/// The `Authorization` header of a plan; `None` where requests are anonymous.
///
/// Fails where the credential holds a character that a header can't carry.
pub(super) fn authorization(
    plan: &AuthPlan,
) -> Result<Option<HeaderValue>, http::header::InvalidHeaderValue> {
    let text = match plan {
        AuthPlan::Anonymous => return Ok(None),
        AuthPlan::HttpBasic { username, password } => {
            format!(
                "Basic {}",
                basic_credentials(username.expose(), password.expose())
            )
        }
        AuthPlan::Bearer { token } => format!("Bearer {}", token.expose()),
    };
    let mut value = HeaderValue::from_str(&text)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Secret;

    #[test]
    fn writes_the_header() {
        let basic = AuthPlan::HttpBasic {
            username: Secret::new("Aladdin"),
            password: Secret::new("open sesame"),
        };
        let value = authorization(&basic).unwrap().unwrap();
        assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{value:?}").contains("QWxh"));
        let bearer = AuthPlan::Bearer {
            token: Secret::new("t"),
        };
        assert_eq!(authorization(&bearer).unwrap().unwrap(), "Bearer t");
        assert!(authorization(&AuthPlan::Anonymous).unwrap().is_none());
    }

    #[test]
    fn refuses_a_token_with_a_line_break() {
        assert!(
            authorization(&AuthPlan::Bearer {
                token: Secret::new("t\nx")
            })
            .is_err()
        );
    }
}
