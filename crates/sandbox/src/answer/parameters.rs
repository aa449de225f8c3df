//! The parameters of a request, from path, query and body.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

/// Why a request is answered with 400; the text is for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadParameter(pub(crate) String);

/// Names with values, in the order of the request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(pub(crate) Vec<(String, String)>);

impl Parameters {
    /// The members of a JSON object; nulls are left out.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, BadParameter> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self(
                members
                    .into_iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(name, value)| match value {
                        Value::String(text) => (name, text),
                        other => (name, other.to_string()),
                    })
                    .collect(),
            )),
            _ => Err(BadParameter("The body must be a JSON object".to_owned())),
        }
    }

    /// The members of a JSON object, nested ones by their keys with dots between them, or the fields of a form.
    pub(crate) fn from_body(body: &[u8]) -> Result<Self, BadParameter> {
        let mut parameters = Self::default();
        match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(members)) => {
                for (name, value) in members {
                    parameters.flatten(name, value);
                }
            }
            Ok(_) => return Err(BadParameter("The body must be an object".to_owned())),
            Err(_) => {
                let text = std::str::from_utf8(body).unwrap_or_default();
                let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
                parameters
                    .0
                    .extend(pairs.map(|(name, value)| (form_decoded(name), form_decoded(value))));
            }
        }
        Ok(parameters)
    }

    fn flatten(&mut self, name: String, value: Value) {
        match value {
            Value::Null => {}
            Value::Object(members) => {
                for (inner, value) in members {
                    self.flatten(format!("{name}.{inner}"), value);
                }
            }
            Value::String(text) => self.0.push((name, text)),
            other => self.0.push((name, other.to_string())),
        }
    }

    /// The first value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    /// A whole number that is not negative.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, BadParameter> {
        let number = |text: &str| {
            let message = format!("Invalid {name}: must be a whole number");
            text.parse().map_err(|_| BadParameter(message))
        };
        self.get(name).map(number).transpose()
    }

    /// Checks that every one of these names has a value.
    pub(crate) fn require(&self, names: &[String]) -> Result<(), BadParameter> {
        for name in names {
            if self.get(name).is_none_or(str::is_empty) {
                return Err(BadParameter(format!("Missing required field {name}")));
            }
        }
        Ok(())
    }

    /// The query that says the same, but for some names, which get other values at the end.
    pub(crate) fn query_with(&self, others: &[(&str, String)]) -> String {
        let kept = self
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .filter(|(name, _)| others.iter().all(|(other, _)| other != name));
        let pairs: Vec<String> = kept
            .chain(others.iter().map(|(name, value)| (*name, value)))
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        pairs.join("&")
    }
}

fn form_decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
