//! Query parameters with placeholders.

use serde_json::Value;

use super::{Bindings, Context, Part, Reference, RenderError, Template, TemplateError, scalar};

/// A query parameter's value: a scalar, a list of scalars, or text with placeholders.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParamTemplate {
    /// One for each time the parameter appears; a null has none.
    items: Vec<Template>,
}

impl ParamTemplate {
    /// Reads a value of the spec. Null gives no parameter at all; objects are an error.
    pub fn parse(value: &Value, allowed: &[Context]) -> Result<Self, TemplateError> {
        let Value::Array(elements) = value else {
            return Ok(Self {
                items: item(value, allowed)?.into_iter().collect(),
            });
        };
        let mut items = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            let read = match element {
                Value::Array(_) => Err(unfit(element)),
                _ => item(element, allowed),
            };
            items.extend(read.map_err(|error| error.within(index.to_string()))?);
        }
        Ok(Self { items })
    }

    /// The placeholders, in order.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.items.iter().flat_map(Template::references)
    }

    /// The values to send, each under the parameter's name.
    ///
    /// A null or absent value drops the parameter; a placeholder's list repeats it.
    pub fn render(&self, bindings: &Bindings<'_>) -> Result<Vec<String>, RenderError> {
        let mut texts = Vec::with_capacity(self.items.len());
        for item in &self.items {
            if let [Part::Placeholder(reference)] = item.parts.as_slice()
                && let Some(Value::Array(elements)) = bindings.value(reference)
            {
                for element in elements.into_iter().filter(|element| !element.is_null()) {
                    let not_scalar = || RenderError::NotScalar {
                        reference: reference.clone(),
                    };
                    texts.push(scalar(element).ok_or_else(not_scalar)?);
                }
                continue;
            }
            match item.render(bindings) {
                Ok(text) => texts.push(text),
                Err(RenderError::Absent { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(texts)
    }
}

fn item(value: &Value, allowed: &[Context]) -> Result<Option<Template>, TemplateError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Template::parse(text, allowed).map(Some),
        Value::Object(_) => Err(unfit(value)),
        _ => Ok(scalar(value.clone()).map(|text| Template {
            parts: vec![Part::Text(text)],
        })),
    }
}

fn unfit(value: &Value) -> TemplateError {
    let found = value.to_string();
    let expected = "a text, number, boolean, null or a list of these".to_owned();
    TemplateError {
        path: Vec::new(),
        range: 0..found.len(),
        found,
        expected,
        valid: Vec::new(),
    }
}
