//! Query parameters and form fields with placeholders.

use serde_json::Value;

use super::{Bindings, Context, Part, Reference, RenderError, Template, TemplateError, scalar};

/// The value of a query parameter or form field: a scalar, a list of scalars, or text with placeholders.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParamTemplate {
    /// Null has none.
    items: Vec<Item>,
    /// The spec gives a list, even where it has one element.
    is_list: bool,
    encoding: ValueEncoding,
}

/// How values are written that have no text form of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ValueEncoding {
    /// Lists.
    pub list: ListEncoding,
    /// Booleans.
    pub boolean: BooleanEncoding,
}

/// How a list is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListEncoding {
    /// `ids=1&ids=2`
    #[default]
    Repeat,
    /// `ids=1,2`
    Comma,
    /// `ids[]=1&ids[]=2`
    Brackets,
    /// `ids=[1,2]`
    Json,
}

/// How a boolean is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BooleanEncoding {
    /// `true`, `false`
    #[default]
    Lower,
    /// `True`, `False`
    Title,
    /// `1`, `0`
    Number,
}

/// One element of the value.
#[derive(Clone, Debug, PartialEq)]
enum Item {
    /// A number or a boolean of the spec.
    Scalar(Value),
    Text(Template),
}

impl ParamTemplate {
    /// Reads a value of the spec. Null gives no parameter at all; objects are an error.
    pub fn parse(value: &Value, allowed: &[Context]) -> Result<Self, TemplateError> {
        let Value::Array(elements) = value else {
            return Ok(Self {
                items: item(value, allowed)?.into_iter().collect(),
                ..Self::default()
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
        Ok(Self {
            items,
            is_list: true,
            encoding: ValueEncoding::default(),
        })
    }

    /// The same value, written in another way.
    #[must_use]
    pub fn with_encoding(self, encoding: ValueEncoding) -> Self {
        Self { encoding, ..self }
    }

    /// The placeholders, in order.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.items.iter().flat_map(|item| match item {
            Item::Text(template) => Some(template.references()).into_iter().flatten(),
            Item::Scalar(_) => None.into_iter().flatten(),
        })
    }

    /// The pairs to send for the parameter of this name.
    ///
    /// A null or absent value drops the parameter, an empty list too; what a placeholder brings may be a list.
    pub fn pairs(
        &self,
        name: &str,
        bindings: &Bindings<'_>,
    ) -> Result<Vec<(String, String)>, RenderError> {
        let mut is_list = self.is_list;
        let mut values = Vec::with_capacity(self.items.len());
        for item in &self.items {
            let template = match item {
                Item::Scalar(value) => {
                    values.push(value.clone());
                    continue;
                }
                Item::Text(template) => template,
            };
            if let [Part::Placeholder(placeholder)] = template.parts.as_slice() {
                match placeholder.find(bindings)? {
                    Some(Value::Array(elements)) => {
                        is_list = true;
                        let not_scalar = || RenderError::NotScalar {
                            reference: placeholder.reference.clone(),
                        };
                        for element in elements.into_iter().filter(|element| !element.is_null()) {
                            if element.is_array() || element.is_object() {
                                return Err(not_scalar());
                            }
                            values.push(element);
                        }
                    }
                    Some(Value::Object(_)) => {
                        return Err(RenderError::NotScalar {
                            reference: placeholder.reference.clone(),
                        });
                    }
                    found => values.extend(found),
                }
                continue;
            }
            match template.render_with(bindings, self.encoding.boolean) {
                Ok(text) => values.push(Value::String(text)),
                Err(RenderError::Absent { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.encoding.pairs(name, values, is_list))
    }
}

impl ValueEncoding {
    fn pairs(self, name: &str, values: Vec<Value>, is_list: bool) -> Vec<(String, String)> {
        if values.is_empty() {
            return Vec::new();
        }
        if is_list && self.list == ListEncoding::Json {
            return vec![(name.to_owned(), Value::Array(values).to_string())];
        }
        let texts: Vec<String> = values
            .into_iter()
            .filter_map(|value| scalar(value, self.boolean))
            .collect();
        match self.list {
            ListEncoding::Comma if is_list => vec![(name.to_owned(), texts.join(","))],
            ListEncoding::Brackets if is_list => texts
                .into_iter()
                .map(|text| (format!("{name}[]"), text))
                .collect(),
            _ => texts
                .into_iter()
                .map(|text| (name.to_owned(), text))
                .collect(),
        }
    }
}

impl BooleanEncoding {
    pub(super) fn text(self, truth: bool) -> &'static str {
        match (self, truth) {
            (Self::Lower, true) => "true",
            (Self::Lower, false) => "false",
            (Self::Title, true) => "True",
            (Self::Title, false) => "False",
            (Self::Number, true) => "1",
            (Self::Number, false) => "0",
        }
    }
}

fn item(value: &Value, allowed: &[Context]) -> Result<Option<Item>, TemplateError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Template::parse(text, allowed).map(|text| Some(Item::Text(text))),
        Value::Object(_) | Value::Array(_) => Err(unfit(value)),
        Value::Number(_) | Value::Bool(_) => Ok(Some(Item::Scalar(value.clone()))),
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
