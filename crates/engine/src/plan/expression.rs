//! The small expression language of a spec: conditions and computed values.
//!
//! It is `minijinja`'s, which is Jinja's without statements: comparisons, `and`, `or`, `not`, `in`, arithmetic, `~` for
//! text, filters behind a bar (`value | lower`) and tests (`value is defined`). A missing value is undefined, which is
//! false, equal to nothing else, and may be looked into without an error.

use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::value::ValueKind;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::Value;

use super::filters;
use crate::spec::did_you_mean;

/// A compiled expression, such as `status != 'deleted'`.
///
/// ```
/// use engine::plan::Expression;
///
/// let more = Expression::parse("page < pages", &["page", "pages"])?;
/// assert!(more.holds(&serde_json::json!({ "page": 1, "pages": 3 }))?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Expression {
    text: String,
    names: Arc<[String]>,
    compiled: Arc<minijinja::Expression<'static, 'static>>,
}

/// A text that is no expression, or names what isn't there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// The text can't be parsed.
    #[error("parse the expression `{text}`: {reason}")]
    Syntax {
        /// The text as it was given.
        text: String,
        /// What is wrong with it, in one line.
        reason: String,
    },
    /// The expression names a variable that is not there.
    #[error(
        "read the expression `{text}`: `{name}` isn't known here; there are {}",
        quoted(known)
    )]
    UnknownName {
        /// The text as it was given.
        text: String,
        /// The name.
        name: String,
        /// The names that are there.
        known: Vec<String>,
    },
    /// The expression has a filter that doesn't exist.
    #[error(
        "read the expression `{text}`: there is no filter `{name}`{}",
        suggestion(near.as_deref())
    )]
    UnknownFilter {
        /// The text as it was given.
        text: String,
        /// The name.
        name: String,
        /// The filter that may have been meant.
        near: Option<String>,
    },
    /// The expression fails for the values at hand.
    #[error("evaluate `{text}`: {reason}")]
    Evaluation {
        /// The text as it was given.
        text: String,
        /// Why, in one line.
        reason: String,
    },
}

impl Expression {
    /// Compiles an expression that may name these variables; an empty list allows every name.
    ///
    /// # Errors
    /// [`ExpressionError::Syntax`], [`ExpressionError::UnknownName`] and [`ExpressionError::UnknownFilter`].
    pub fn parse(text: &str, known: &[&str]) -> Result<Self, ExpressionError> {
        let compiled = ENVIRONMENT
            .compile_expression_owned(text.to_owned())
            .map_err(|error| ExpressionError::Syntax {
                text: text.to_owned(),
                reason: reason(&error),
            })?;
        let mut names: Vec<String> = compiled.undeclared_variables(false).into_iter().collect();
        names.sort();
        let mut unknown = names.iter();
        if let Some(name) = unknown
            .find(|name| !known.is_empty() && !known.contains(&name.as_str()) && !is_global(name))
        {
            return Err(ExpressionError::UnknownName {
                text: text.to_owned(),
                name: name.clone(),
                known: known.iter().map(|name| (*name).to_owned()).collect(),
            });
        }
        if let Some(name) = filter_names(text).into_iter().find(|name| !is_filter(name)) {
            let known = filters::NAMES.into_iter().chain(BUILTIN_FILTERS);
            return Err(ExpressionError::UnknownFilter {
                text: text.to_owned(),
                near: did_you_mean(&name, known).map(ToOwned::to_owned),
                name,
            });
        }
        Ok(Self {
            text: text.to_owned(),
            names: names.into(),
            compiled: Arc::new(compiled),
        })
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The variables that the expression names, in alphabetical order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The variable whose value is the expression's, where it is nothing but a name.
    pub fn as_name(&self) -> Option<&str> {
        let text = self.text.trim();
        let mut names = self.names.iter();
        names.find(|name| *name == text).map(String::as_str)
    }

    /// The fields of a variable that the expression looks into by a fixed name.
    pub fn fields_of(&self, variable: &str) -> Vec<String> {
        let all = self.compiled.undeclared_variables(true).into_iter();
        let fields = all.filter_map(|path| {
            let rest = path.strip_prefix(variable)?.strip_prefix('.')?;
            let field = rest.split('.').next().unwrap_or(rest);
            // What is called is no field.
            let is_called = self.text.contains(&format!("{variable}.{field}("));
            (!is_called).then(|| field.to_owned())
        });
        let mut fields: Vec<String> = fields.collect();
        fields.sort();
        fields
    }

    /// The value for these variables, an object by name; undefined becomes null.
    ///
    /// # Errors
    /// [`ExpressionError::Evaluation`].
    pub fn evaluate(&self, variables: &impl Serialize) -> Result<Value, ExpressionError> {
        let value = self.value(variables)?;
        if value.is_undefined() {
            return Ok(Value::Null);
        }
        serde_json::to_value(&value).map_err(|error| self.fails(error.to_string()))
    }

    /// Whether the value is true: not false, 0, empty, null or undefined.
    ///
    /// # Errors
    /// [`ExpressionError::Evaluation`].
    pub fn holds(&self, variables: &impl Serialize) -> Result<bool, ExpressionError> {
        self.value(variables).map(|value| value.is_true())
    }

    /// Whether the expression gives `true`; a missing value counts as `false`.
    ///
    /// # Errors
    /// It gives something that is neither true nor false, or can't be computed.
    pub fn is_met(&self, variables: &impl Serialize) -> Result<bool, ExpressionError> {
        let value = self.value(variables)?;
        match value.kind() {
            ValueKind::Bool => Ok(value.is_true()),
            ValueKind::None | ValueKind::Undefined => Ok(false),
            kind => Err(self.fails(format!(
                "it gives a {kind}, and not true or false; write a comparison, such as `id == 5`"
            ))),
        }
    }

    fn value(&self, variables: &impl Serialize) -> Result<minijinja::Value, ExpressionError> {
        self.compiled
            .eval(minijinja::value::Serde(variables))
            .map_err(|error| self.fails(reason(&error)))
    }

    fn fails(&self, reason: String) -> ExpressionError {
        ExpressionError::Evaluation {
            text: self.text.clone(),
            reason,
        }
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Expression")
            .field(&self.text)
            .finish()
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// Whether a name stands for something everywhere, such as a function.
pub(crate) fn is_global(name: &str) -> bool {
    ENVIRONMENT.globals().any(|(global, _)| global == name)
}

/// What every expression may use.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    filters::add_to(&mut environment);
    environment
});

/// Filters of `minijinja` that may be meant by a misspelt name.
const BUILTIN_FILTERS: [&str; 19] = [
    "abs", "bool", "default", "first", "float", "int", "join", "last", "length", "lines", "list",
    "lower", "replace", "round", "split", "string", "title", "trim", "upper",
];

/// The names behind each bar; a text between quotes holds none.
fn filter_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut quote = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match quote {
            Some(_) if letter == '\\' => {
                letters.next();
            }
            Some(open) if letter == open => quote = None,
            None if letter == '\'' || letter == '"' => quote = Some(letter),
            None if letter == '|' => {
                while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
                let mut name = String::new();
                while let Some(letter) =
                    letters.next_if(|letter| letter.is_alphanumeric() || *letter == '_')
                {
                    name.push(letter);
                }
                names.push(name);
            }
            _ => {}
        }
    }
    names
}

fn is_filter(name: &str) -> bool {
    let asked = ENVIRONMENT.compile_expression("name is filter");
    asked
        .and_then(|asked| asked.eval(minijinja::context! { name }))
        .is_ok_and(|known| known.is_true())
}

fn suggestion(near: Option<&str>) -> String {
    near.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// The error without its position, which would point into a template that the user never wrote.
fn reason(error: &minijinja::Error) -> String {
    let kind = error.kind().to_string();
    match error.detail() {
        Some(detail) => format!("{kind}: {}", detail.replace('\n', " ")),
        None => kind,
    }
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn evaluate(text: &str) -> Value {
        let variables = json!({
            "status": "ok", "count": 3, "big": 18_446_744_073_709_551_615_u64, "tags": ["a", "b"], "user": { "id": 7 },
        });
        let expression = Expression::parse(text, &[]).unwrap();
        expression.evaluate(&variables).unwrap()
    }

    #[test]
    fn compares_and_computes() {
        assert_eq!(evaluate("status != 'deleted' and count > 2"), json!(true));
        assert_eq!(evaluate("count + 1"), json!(4));
        assert_eq!(evaluate("status ~ '-' ~ user.id"), json!("ok-7"));
        assert_eq!(evaluate("'a' in tags"), json!(true));
        assert_eq!(evaluate("tags | length"), json!(2));
        assert_eq!(evaluate("big"), json!(18_446_744_073_709_551_615_u64));
    }

    #[test]
    fn what_is_missing_is_undefined() {
        assert_eq!(evaluate("nothing.at.all"), Value::Null);
        assert_eq!(evaluate("nothing.at.all is defined"), json!(false));
        assert_eq!(evaluate("nothing != 'x'"), json!(true));
        assert!(
            !Expression::parse("nothing", &[])
                .unwrap()
                .holds(&())
                .unwrap()
        );
    }

    #[test]
    fn mistakes_are_told() {
        let error = |text: &str| {
            Expression::parse(text, &["status"])
                .unwrap_err()
                .to_string()
        };
        insta::assert_snapshot!(error("status =="), @"parse the expression `status ==`: syntax error: unexpected end of input, expected expression");
        insta::assert_snapshot!(error("stauts == 1"), @"read the expression `stauts == 1`: `stauts` isn't known here; there are `status`");
        let added = Expression::parse("status + []", &["status"]).unwrap();
        insta::assert_snapshot!(added.evaluate(&json!({ "status": 1 })).unwrap_err(), @"evaluate `status + []`: invalid operation: tried to use + operator on unsupported types number and sequence");
        assert!(Expression::parse("range(3) | length == 3", &["status"]).is_ok());
        insta::assert_snapshot!(error("status | lowr"), @"read the expression `status | lowr`: there is no filter `lowr`; did you mean `lower`?");
        assert!(Expression::parse("status ~ ' | lowr' | upper", &["status"]).is_ok());
    }
}
