//! JSON bodies with placeholders.

use serde_json::{Map, Number, Value};

use super::{Bindings, Context, Reference, RenderError, Template, TemplateError};

/// A JSON body whose strings and keys are templates.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonTemplate(Node);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Null,
    Bool(bool),
    Number(Number),
    Text(Template),
    List(Vec<Self>),
    Object(Vec<(Template, Self)>),
}

impl JsonTemplate {
    /// Reads a JSON value of the spec.
    pub fn parse(value: &Value, allowed: &[Context]) -> Result<Self, TemplateError> {
        Node::parse(value, allowed).map(Self)
    }

    /// The placeholders, in order.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        let mut references = Vec::new();
        self.0.references(&mut references);
        references.into_iter()
    }

    /// Fills in the placeholders. A string that is exactly one placeholder becomes the value itself.
    pub fn render(&self, bindings: &Bindings<'_>) -> Result<Value, RenderError> {
        self.0.render(bindings)
    }
}

impl Node {
    fn parse(value: &Value, allowed: &[Context]) -> Result<Self, TemplateError> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(Template::parse(text, allowed)?),
            Value::Array(elements) => {
                let parse = |(index, element): (usize, &Value)| {
                    Self::parse(element, allowed).map_err(|error| error.within(index.to_string()))
                };
                Self::List(
                    elements
                        .iter()
                        .enumerate()
                        .map(parse)
                        .collect::<Result<_, _>>()?,
                )
            }
            Value::Object(members) => {
                let parse = |(key, member): (&String, &Value)| {
                    let within = |error: TemplateError| error.within(key.clone());
                    let name = Template::parse(key, allowed).map_err(within)?;
                    Ok((name, Self::parse(member, allowed).map_err(within)?))
                };
                Self::Object(members.iter().map(parse).collect::<Result<_, _>>()?)
            }
        })
    }

    fn references<'a>(&'a self, references: &mut Vec<&'a Reference>) {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
            Self::Text(template) => references.extend(template.references()),
            Self::List(elements) => elements
                .iter()
                .for_each(|element| element.references(references)),
            Self::Object(members) => {
                for (name, member) in members {
                    references.extend(name.references());
                    member.references(references);
                }
            }
        }
    }

    fn render(&self, bindings: &Bindings<'_>) -> Result<Value, RenderError> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(template) => template.render_value(bindings)?,
            Self::List(elements) => Value::Array(
                elements
                    .iter()
                    .map(|element| element.render(bindings))
                    .collect::<Result<_, _>>()?,
            ),
            Self::Object(members) => {
                let mut rendered = Map::new();
                for (name, member) in members {
                    rendered.insert(name.render(bindings)?, member.render(bindings)?);
                }
                Value::Object(rendered)
            }
        })
    }
}

impl TemplateError {
    /// The same error seen from one level further out.
    pub(super) fn within(mut self, step: String) -> Self {
        self.path.insert(0, step);
        self
    }
}
