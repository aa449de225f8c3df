//! Requests as they go on the wire.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use url::Url;

use super::address;
use super::error::Error;
use crate::plan::RequestTemplate;
use crate::plan::template::Bindings;

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
    /// Without a query.
    request: Request,
    params: Vec<(String, String)>,
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
            params.extend(
                value
                    .render(bindings)?
                    .into_iter()
                    .map(|text| (name.clone(), text)),
            );
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &template.headers {
            let value = HeaderValue::try_from(value.render(bindings)?).map_err(|_| {
                Error::InvalidRequest {
                    problem: format!("header `{name}` can't hold its value"),
                }
            })?;
            headers.insert(name.clone(), value);
        }
        let body = match &template.json {
            None => None,
            Some(json) => {
                headers
                    .entry(header::CONTENT_TYPE)
                    .or_insert(HeaderValue::from_static("application/json"));
                Some(Bytes::from(json.render(bindings)?.to_string()))
            }
        };
        Ok(Self {
            request: Request {
                method: template.method.clone(),
                url,
                headers,
                body,
            },
            params,
        })
    }

    /// Sets a parameter in place of those of the same name.
    pub(super) fn set_param(&mut self, name: &str, value: String) {
        self.params.retain(|(known, _)| known != name);
        self.params.push((name.to_owned(), value));
    }

    /// The request with these parameters in place of those of the same name.
    pub(super) fn with_params(&self, params: &[(String, String)]) -> Request {
        let kept = self
            .params
            .iter()
            .filter(|(name, _)| params.iter().all(|(other, _)| other != name));
        let mut request = self.request.clone();
        let all: Vec<&(String, String)> = kept.chain(params).collect();
        if !all.is_empty() {
            request
                .url
                .query_pairs_mut()
                .extend_pairs(all.into_iter().map(|(name, value)| (name, value)));
        }
        request
    }

    /// The request of a complete link.
    pub(super) fn with_link(&self, url: Url) -> Request {
        Request {
            url,
            ..self.request.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::flow::Slice;
    use crate::plan::template::{Context, JsonTemplate, ParamTemplate, Template};

    fn render(path: &str, params: &[(&str, serde_json::Value)]) -> PageRequests {
        let allowed = [Context::Partition];
        let template = RequestTemplate {
            method: Method::GET,
            path: Template::parse(path, &allowed).unwrap(),
            params: params
                .iter()
                .map(|(name, value)| {
                    (
                        (*name).to_owned(),
                        ParamTemplate::parse(value, &allowed).unwrap(),
                    )
                })
                .collect(),
            headers: vec![(
                header::ACCEPT,
                Template::parse("{partition.a}", &allowed).unwrap(),
            )],
            json: Some(JsonTemplate::parse(&json!({"a": "{partition.a}"}), &allowed).unwrap()),
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

    fn params(params: &[(&str, &str)]) -> Vec<(String, String)> {
        params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
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
        let request = requests.with_params(&params(&[("limit", "500"), ("offset", "0")]));
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
                .with_link("https://a.b/y?p=2".parse().unwrap())
                .url
                .as_str(),
            "https://a.b/y?p=2"
        );
        assert_eq!(
            render("x", &[]).with_params(&[]).url.as_str(),
            "https://a.b/v0/x"
        );
    }
}
