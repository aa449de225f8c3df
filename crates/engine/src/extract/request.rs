//! Requests as they go on the wire.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::{Map, Value};
use url::Url;

use super::address;
use super::error::Error;
use crate::plan::template::Bindings;
use crate::plan::{BodyTemplate, Placement, RequestTemplate};

/// A request without credentials and the client's own headers.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
}

/// The part of a slice's requests that all pages share.
pub(super) struct PageRequests {
    method: Method,
    /// Without a query.
    url: Url,
    params: Vec<(String, String)>,
    headers: HeaderMap,
    body: Body,
}

/// A body before it is written out, so that paging can set values in it.
#[derive(Clone)]
enum Body {
    None,
    Json(Value),
    Form(Vec<(String, String)>),
    Text(String),
}

impl PageRequests {
    /// Fills in a template for a slice.
    pub(super) fn render(
        template: &RequestTemplate,
        base: &Url,
        bindings: &Bindings<'_>,
    ) -> Result<Self, Error> {
        let path = template.path.render_path(bindings)?;
        let mut url = address::join(base, &path).map_err(|cause| Error::InvalidRequest {
            problem: format!("its URL can't be parsed: {cause}"),
        })?;
        let mut params: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        url.set_query(None);
        for (name, value) in &template.params {
            params.extend(value.pairs(&name.render(bindings)?, bindings)?);
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &template.headers {
            let name = header_name(&name.render(bindings)?)?;
            let value = header_value(&name, value.render(bindings)?)?;
            headers.insert(name, value);
        }
        let body = match &template.body {
            None => Body::None,
            Some(BodyTemplate::Json(json)) => Body::Json(json.render(bindings)?),
            Some(BodyTemplate::Text(text)) => Body::Text(text.render(bindings)?),
            Some(BodyTemplate::Form(fields)) => {
                let mut form = Vec::with_capacity(fields.len());
                for (name, value) in fields {
                    form.extend(value.pairs(&name.render(bindings)?, bindings)?);
                }
                Body::Form(form)
            }
        };
        Ok(Self {
            method: template.method.clone(),
            url,
            params,
            headers,
            body,
        })
    }

    /// Sets a parameter in place of those of the same name.
    pub(super) fn set_param(&mut self, name: &str, value: String) {
        set(&mut self.params, name, value);
    }

    /// The request with these values in place of those that are there.
    pub(super) fn with(&self, values: &[(Placement, Value)]) -> Result<Request, Error> {
        let mut params = self.params.clone();
        let mut headers = self.headers.clone();
        let mut body = self.body.clone();
        for (place, value) in values {
            match place {
                Placement::Query(name) => set(&mut params, name, text(value)),
                Placement::Header(name) => {
                    headers.insert(name.clone(), header_value(name, text(value))?);
                }
                Placement::Body(keys) => body.set(keys, value)?,
            }
        }
        let mut url = self.url.clone();
        if !params.is_empty() {
            url.query_pairs_mut().extend_pairs(&params);
        }
        if let Some(media_type) = body.media_type() {
            headers
                .entry(header::CONTENT_TYPE)
                .or_insert(HeaderValue::from_static(media_type));
        }
        Ok(Request {
            method: self.method.clone(),
            url,
            headers,
            body: body.into_bytes(),
        })
    }

    /// The request of a complete link, with values outside of the URL.
    pub(super) fn with_link(
        &self,
        url: Url,
        values: &[(Placement, Value)],
    ) -> Result<Request, Error> {
        Ok(Request {
            url,
            ..self.with(values)?
        })
    }
}

impl Body {
    /// Sets a member of a JSON body, missing objects on the way included, or the field of a form.
    fn set(&mut self, keys: &[String], value: &Value) -> Result<(), Error> {
        if let Self::None = self {
            *self = Self::Json(Value::Object(Map::new()));
        }
        let unfit = |problem: &str| Error::InvalidRequest {
            problem: format!("`{}` can't be set in its body: {problem}", keys.join(".")),
        };
        match self {
            Self::None | Self::Text(_) => Err(unfit("the body is a text")),
            Self::Form(fields) => {
                set(fields, &keys.join("."), text(value));
                Ok(())
            }
            Self::Json(root) => {
                let mut node = root;
                for key in keys {
                    let Value::Object(members) = node else {
                        return Err(unfit("a value on the way is not an object"));
                    };
                    node = members.entry(key.as_str()).or_insert(Value::Null);
                    if node.is_null() {
                        *node = Value::Object(Map::new());
                    }
                }
                *node = value.clone();
                Ok(())
            }
        }
    }

    fn media_type(&self) -> Option<&'static str> {
        match self {
            Self::None | Self::Text(_) => None,
            Self::Json(_) => Some("application/json"),
            Self::Form(_) => Some("application/x-www-form-urlencoded"),
        }
    }

    fn into_bytes(self) -> Option<Bytes> {
        match self {
            Self::None => None,
            Self::Json(json) => Some(Bytes::from(json.to_string())),
            Self::Text(text) => Some(Bytes::from(text)),
            Self::Form(fields) => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                Some(Bytes::from(form.extend_pairs(fields).finish()))
            }
        }
    }
}

/// Sets a pair in place of those of the same name.
fn set(pairs: &mut Vec<(String, String)>, name: &str, value: String) {
    pairs.retain(|(known, _)| known != name);
    pairs.push((name.to_owned(), value));
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn header_name(text: &str) -> Result<HeaderName, Error> {
    HeaderName::try_from(text).map_err(|_| Error::InvalidRequest {
        problem: "the name of a header holds a character that such names can't hold".to_owned(),
    })
}

fn header_value(name: &HeaderName, text: String) -> Result<HeaderValue, Error> {
    HeaderValue::try_from(text).map_err(|_| Error::InvalidRequest {
        problem: format!("header `{name}` can't hold its value"),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::flow::Slice;
    use crate::plan::template::{Context, JsonTemplate, ParamTemplate, Template};

    fn render(path: &str, params: &[(&str, Value)]) -> PageRequests {
        let json = JsonTemplate::parse(&json!({"a": "{partition.a}"}), &[Context::Partition]);
        render_with(path, params, Some(BodyTemplate::Json(json.unwrap())))
    }

    fn render_with(
        path: &str,
        params: &[(&str, Value)],
        body: Option<BodyTemplate>,
    ) -> PageRequests {
        let allowed = [Context::Partition];
        let template = RequestTemplate {
            method: Method::GET,
            path: Template::parse(path, &allowed).unwrap(),
            params: params
                .iter()
                .map(|(name, value)| {
                    (
                        Template::parse(name, &allowed).unwrap(),
                        ParamTemplate::parse(value, &allowed).unwrap(),
                    )
                })
                .collect(),
            headers: vec![(
                Template::parse("Accept", &allowed).unwrap(),
                Template::parse("{partition.a}", &allowed).unwrap(),
            )],
            body,
        };
        let slice = Slice {
            partition: BTreeMap::from([("a".to_owned(), json!(1))]),
            ..Slice::default()
        };
        let bindings = Bindings {
            slice: &slice,
            incremental: None,
            job_id: None,
        };
        PageRequests::render(&template, &"https://a.b/v0".parse().unwrap(), &bindings).unwrap()
    }

    fn query(name: &str, value: impl Into<Value>) -> (Placement, Value) {
        (Placement::Query(name.to_owned()), value.into())
    }

    fn member(path: &str, value: impl Into<Value>) -> (Placement, Value) {
        let keys = path.split('.').map(str::to_owned).collect();
        (Placement::Body(keys), value.into())
    }

    #[test]
    fn encodes_parameters_and_lets_paging_override_them() {
        let mut requests = render(
            "x?limit=5&q=1",
            &[
                ("l", json!(["a b", "c,d:é"])),
                ("limit", json!(7)),
                ("e", json!("")),
            ],
        );
        requests.set_param("start", "2024-01-01".to_owned());
        requests.set_param("e", "f".to_owned());
        let request = requests
            .with(&[query("limit", 500), query("offset", 0)])
            .unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://a.b/v0/x?q=1&l=a+b&l=c%2Cd%3A%C3%A9&start=2024-01-01&e=f&limit=500&offset=0"
        );
        assert_eq!(request.headers[header::ACCEPT], "1");
        assert_eq!(request.headers[header::CONTENT_TYPE], "application/json");
        assert_eq!(request.body.unwrap(), r#"{"a":1}"#);
    }

    #[test]
    fn takes_links_whole() {
        let requests = render("x", &[("q", json!(1))]);
        assert_eq!(
            requests
                .with_link("https://a.b/y?p=2".parse().unwrap(), &[])
                .unwrap()
                .url
                .as_str(),
            "https://a.b/y?p=2"
        );
        assert_eq!(
            render("x", &[]).with(&[]).unwrap().url.as_str(),
            "https://a.b/v0/x"
        );
    }

    #[test]
    fn sets_values_in_every_kind_of_body() {
        let body = |template: Option<BodyTemplate>, values: &[(Placement, Value)]| {
            let request = render_with("x", &[], template).with(values);
            request.map(|request| {
                let media_type = request.headers.get(header::CONTENT_TYPE).cloned();
                let text = request.body.unwrap_or_default();
                let shown = format!("{media_type:?} {}", String::from_utf8_lossy(&text));
                shown.replace("Some(\"", "").replace("\")", "")
            })
        };
        let allowed = [Context::Partition];
        let json = |value: Value| {
            let template = JsonTemplate::parse(&value, &allowed).unwrap();
            Some(BodyTemplate::Json(template))
        };
        let paging = [member("page.offset", 20), member("size", 5)];
        assert_eq!(
            body(json(json!({"q": 1, "page": {"sort": "id"}})), &paging).unwrap(),
            r#"application/json {"q":1,"page":{"sort":"id","offset":20},"size":5}"#
        );
        assert_eq!(
            body(None, &paging).unwrap(),
            r#"application/json {"page":{"offset":20},"size":5}"#
        );
        let form = Some(BodyTemplate::Form(vec![
            (
                Template::parse("q", &allowed).unwrap(),
                ParamTemplate::parse(&json!(["a b", "{partition.a}"]), &allowed).unwrap(),
            ),
            (
                Template::parse("size", &allowed).unwrap(),
                ParamTemplate::parse(&json!(100), &allowed).unwrap(),
            ),
        ]));
        assert_eq!(
            body(form, &paging).unwrap(),
            "application/x-www-form-urlencoded q=a+b&q=1&page.offset=20&size=5"
        );
        let text = Template::parse("<q>{partition.a}</q>", &allowed).unwrap();
        let text = Some(BodyTemplate::Text(text));
        assert_eq!(body(text.clone(), &[]).unwrap(), "None <q>1</q>");
        assert_eq!(body(None, &[]).unwrap(), "None ");
        insta::assert_snapshot!(body(text, &paging).unwrap_err(), @"build the request: `page.offset` can't be set in its body: the body is a text");
        insta::assert_snapshot!(body(json(json!({"page": 3})), &paging).unwrap_err(), @"build the request: `page.offset` can't be set in its body: a value on the way is not an object");
    }
}
