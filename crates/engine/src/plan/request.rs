//! Compiling requests, and checking what their placeholders name.

use indexmap::IndexMap;
use serde_json::Value;

use super::client::header_name;
use super::mistakes::{Mistakes, Place, Reported};
use super::model::{BodyTemplate, RequestTemplate};
use super::template::{
    BooleanEncoding, Context, IncrementalReference, JsonTemplate, ListEncoding, ParamTemplate,
    Reference, Template, TemplateError, ValueEncoding,
};
use crate::spec::{self, Endpoint, Method, TemplateText, TemplateValue, did_you_mean};

/// What a context lacks (no parent, no `for_each`) is told in its own words, once the whole resource is known.
const ALL_CONTEXTS: [Context; 4] = [
    Context::Resources,
    Context::Incremental,
    Context::Partition,
    Context::Job,
];

/// A request as the spec writes it.
pub(super) struct Request<'a> {
    pub(super) method: Option<&'a Method>,
    pub(super) path: &'a TemplateText,
    pub(super) params: &'a IndexMap<String, TemplateValue>,
    pub(super) headers: &'a IndexMap<String, TemplateText>,
    pub(super) json: Option<&'a TemplateValue>,
    pub(super) data: Option<&'a TemplateValue>,
    pub(super) encoding: ValueEncoding,
    pub(super) default_method: Method,
}

/// Compiles requests of one resource, and remembers what their placeholders name, each with its place.
#[derive(Default)]
pub(super) struct References(Vec<(Reference, Place)>);

impl References {
    pub(super) fn compile(
        &mut self,
        request: &Request<'_>,
        place: &Place,
        mistakes: &mut Mistakes,
    ) -> Result<RequestTemplate, Reported> {
        let path_place = place.key("path");
        let path = self.text(&request.path.0, &path_place, mistakes);
        let mut params = Vec::with_capacity(request.params.len());
        for (name, value) in request.params {
            let place = place.key("params").key(name);
            let name = self.text(name, &place, mistakes);
            let value = self.param(&value.0, request.encoding, &place, mistakes);
            if let (Ok(name), Ok(value)) = (name, value) {
                params.push((name, value));
            }
        }
        let mut headers = Vec::with_capacity(request.headers.len());
        for (name, value) in request.headers {
            let place = place.key("headers").key(name);
            let name = self.text(name, &place, mistakes).and_then(|name| {
                if let Some(literal) = name.literal() {
                    header_name(literal, &place, mistakes)?;
                }
                Ok(name)
            });
            let value = self.text(&value.0, &place, mistakes);
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.push((name, value));
            }
        }
        let body = self.body(request, place, mistakes);
        Ok(RequestTemplate {
            method: method(request.method.unwrap_or(&request.default_method)),
            path: path?,
            params,
            headers,
            body: body?,
        })
    }

    fn body(
        &mut self,
        request: &Request<'_>,
        place: &Place,
        mistakes: &mut Mistakes,
    ) -> Result<Option<BodyTemplate>, Reported> {
        let data_place = place.key("data");
        // An empty one beside a full one says nothing: it may come from the defaults.
        let is_empty = |value: &&TemplateValue| {
            matches!(&value.0, Value::Object(members) if members.is_empty())
                || matches!(&value.0, Value::Array(items) if items.is_empty())
        };
        let (json, data) = match (request.json, request.data) {
            (json, Some(data)) if json.is_some() && is_empty(&data) => (json, None),
            (Some(json), data @ Some(_)) if is_empty(&json) => (None, data),
            both => both,
        };
        let data = match (json, data) {
            (json, None) => {
                let json = json.map(|json| self.json(&json.0, &place.key("json"), mistakes));
                return Ok(json.transpose()?.map(BodyTemplate::Json));
            }
            (Some(_), Some(_)) => {
                return Err(mistakes.add(
                    "plan::two_bodies",
                    &data_place,
                    "a request has one body, and `json` and `data` both give one",
                    "keep `json` for a JSON body, or `data` for a form or a text".to_owned(),
                ));
            }
            (None, Some(data)) => &data.0,
        };
        let pairs: Vec<(&str, &Value, Place)> = match data {
            Value::String(text) => {
                let text = self.text(text, &data_place, mistakes)?;
                return Ok(Some(BodyTemplate::Text(text)));
            }
            Value::Object(fields) => {
                let field = |(name, value)| (String::as_str(name), value, data_place.key(name));
                fields.iter().map(field).collect()
            }
            Value::Array(items) => {
                let mut pairs = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    let place = data_place.index(index);
                    match item.as_array().map(Vec::as_slice) {
                        Some([Value::String(name), value]) => {
                            pairs.push((name.as_str(), value, place));
                        }
                        _ => return Err(not_a_form(&place, mistakes)),
                    }
                }
                pairs
            }
            _ => return Err(not_a_form(&data_place, mistakes)),
        };
        let mut form = Vec::with_capacity(pairs.len());
        for (name, value, place) in pairs {
            let name = self.text(name, &place, mistakes);
            let value = self.param(value, request.encoding, &place, mistakes);
            if let (Ok(name), Ok(value)) = (name, value) {
                form.push((name, value));
            }
        }
        Ok((!form.is_empty()).then_some(BodyTemplate::Form(form)))
    }

    /// Says where a placeholder of a parent's field is written, where that isn't the text that it stands in.
    pub(super) fn place_parent(&mut self, resource: &str, path: &str, place: &Place) {
        let wanted = Reference::Parent {
            resource: resource.to_owned(),
            path: path.to_owned(),
        };
        for (_, known) in self
            .0
            .iter_mut()
            .filter(|(reference, _)| *reference == wanted)
        {
            *known = place.clone();
        }
    }

    /// Adds what other requests name.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn text(
        &mut self,
        text: &str,
        place: &Place,
        mistakes: &mut Mistakes,
    ) -> Result<Template, Reported> {
        let template = accept(Template::parse(text, &ALL_CONTEXTS), place, mistakes)?;
        self.remember(template.references(), place);
        Ok(template)
    }

    fn param(
        &mut self,
        value: &Value,
        encoding: ValueEncoding,
        place: &Place,
        mistakes: &mut Mistakes,
    ) -> Result<ParamTemplate, Reported> {
        let template = accept(ParamTemplate::parse(value, &ALL_CONTEXTS), place, mistakes)?;
        self.remember(template.references(), place);
        Ok(template.with_encoding(encoding))
    }

    fn json(
        &mut self,
        value: &Value,
        place: &Place,
        mistakes: &mut Mistakes,
    ) -> Result<JsonTemplate, Reported> {
        let template = accept(JsonTemplate::parse(value, &ALL_CONTEXTS), place, mistakes)?;
        self.remember(template.references(), place);
        Ok(template)
    }

    fn remember<'a>(&mut self, references: impl IntoIterator<Item = &'a Reference>, place: &Place) {
        self.0.extend(
            references
                .into_iter()
                .map(|reference| (reference.clone(), place.clone())),
        );
    }

    /// Each parent resource that is named, with the path into its records and the place.
    pub(super) fn parents(&self) -> impl Iterator<Item = (&str, &str, &Place)> {
        self.0
            .iter()
            .filter_map(|(reference, place)| match reference {
                Reference::Parent { resource, path } => {
                    Some((resource.as_str(), path.as_str(), place))
                }
                _ => None,
            })
    }

    /// Each key of `for_each` that is named.
    pub(super) fn partitions(&self) -> impl Iterator<Item = (&str, &Place)> {
        self.0
            .iter()
            .filter_map(|(reference, place)| match reference {
                Reference::Partition(key) => Some((key.as_str(), place)),
                _ => None,
            })
    }

    /// Whether this edge of the window is named.
    pub(super) fn names(&self, edge: IncrementalReference) -> bool {
        let named =
            |(reference, _): &(Reference, Place)| *reference == Reference::Incremental(edge);
        self.0.iter().any(named)
    }

    /// Where a time of `incremental` is named.
    pub(super) fn incremental(&self) -> impl Iterator<Item = &Place> {
        self.0
            .iter()
            .filter_map(|(reference, place)| match reference {
                Reference::Incremental(_) => Some(place),
                _ => None,
            })
    }

    /// Where the job's id is named.
    pub(super) fn job_ids(&self) -> impl Iterator<Item = &Place> {
        self.0
            .iter()
            .filter_map(|(reference, place)| match reference {
                Reference::JobId => Some(place),
                _ => None,
            })
    }
}

fn not_a_form(place: &Place, mistakes: &mut Mistakes) -> Reported {
    mistakes.add(
        "plan::form",
        place,
        "`data` is neither a form nor a text",
        "write a mapping `{ name: value }`, a list of pairs `[[name, value]]`, or a text"
            .to_owned(),
    )
}

fn accept<T>(
    parsed: Result<T, TemplateError>,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<T, Reported> {
    parsed.map_err(|error| {
        let help = did_you_mean(&error.found, error.valid.iter().copied())
            .map(|name| format!("did you mean `{name}`?"));
        mistakes.add("plan::placeholder", place, error.to_string(), help)
    })
}

fn method(method: &Method) -> http::Method {
    http::Method::from_bytes(method.as_str().as_bytes())
        .expect("the spec's methods are tokens, which is all that a method must be")
}

/// How an endpoint writes its lists and booleans.
pub(super) fn encoding(endpoint: &Endpoint) -> ValueEncoding {
    ValueEncoding {
        list: match endpoint.list_encoding {
            spec::ListEncoding::Repeat => ListEncoding::Repeat,
            spec::ListEncoding::Comma => ListEncoding::Comma,
            spec::ListEncoding::Brackets => ListEncoding::Brackets,
            spec::ListEncoding::Json => ListEncoding::Json,
        },
        boolean: match endpoint.boolean_encoding {
            spec::BooleanEncoding::Lower => BooleanEncoding::Lower,
            spec::BooleanEncoding::Title => BooleanEncoding::Title,
            spec::BooleanEncoding::Number => BooleanEncoding::Number,
        },
    }
}
