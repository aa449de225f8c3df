//! Where a paginator's values go in a request.

use crate::plan::client::header_name;
use crate::plan::mistakes::{Mistakes, Place, Reported};
use crate::plan::paginator::PageSizePlan;
use crate::plan::{BodyTemplate, PaginatorPlan, Placement, RequestTemplate};
use crate::spec::PageSizeKeys;

/// The places that a spec gives for one value: at most one of them.
pub(super) struct Places<'a> {
    /// What the keys begin with: `offset` for `offset_param`, `offset_body_path` and `offset_header`.
    pub(super) value: &'static str,
    pub(super) param: Option<&'a String>,
    pub(super) body_path: Option<&'a String>,
    pub(super) header: Option<&'a String>,
}

impl Places<'_> {
    /// The place that is given; the query parameter of that name where none is.
    pub(super) fn compile_or(
        &self,
        default_param: &str,
        place: &Place,
        mistakes: &mut Mistakes,
    ) -> Result<Placement, Reported> {
        let given = self.compile(place, mistakes)?;
        Ok(given.unwrap_or_else(|| Placement::Query(default_param.to_owned())))
    }

    pub(super) fn compile(
        &self,
        place: &Place,
        mistakes: &mut Mistakes,
    ) -> Result<Option<Placement>, Reported> {
        let [param_key, body_key, header_key] =
            ["param", "body_path", "header"].map(|kind| format!("{}_{kind}", self.value));
        let given = [
            (&param_key, self.param),
            (&body_key, self.body_path),
            (&header_key, self.header),
        ];
        let mut given = given
            .into_iter()
            .filter_map(|(key, text)| Some((key, text?)));
        let Some((key, text)) = given.next() else {
            return Ok(None);
        };
        if let Some((other, _)) = given.next() {
            return Err(mistakes.add(
                "plan::two_places",
                &place.key(other),
                format!(
                    "`{key}` and `{other}` both say where the {} goes",
                    self.words()
                ),
                "keep one of them".to_owned(),
            ));
        }
        let place = place.key(key);
        let empty = text.is_empty()
            || (key == &body_key && text.split('.').any(|part| part.trim().is_empty()));
        if empty {
            return Err(mistakes.add(
                "plan::empty_place",
                &place,
                format!("`{key}` names nothing"),
                format!(
                    "write a name{}, or leave the key out",
                    if key == &body_key {
                        ", or several with dots between them"
                    } else {
                        ""
                    }
                ),
            ));
        }
        Ok(Some(if key == &param_key {
            Placement::Query(text.clone())
        } else if key == &body_key {
            Placement::Body(text.split('.').map(str::to_owned).collect())
        } else {
            Placement::Header(header_name(text, &place, mistakes)?)
        }))
    }

    fn words(&self) -> String {
        self.value.replace('_', " ")
    }
}

/// The declared page size and where it is sent.
pub(super) fn page_size(
    keys: &PageSizeKeys<'_>,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Option<PageSizePlan>, Reported> {
    let places = Places {
        value: "page_size",
        param: keys.param,
        body_path: keys.body_path,
        header: keys.header,
    };
    let placement = places.compile(place, mistakes)?;
    let Some(size) = keys.size else {
        return match placement {
            None => Ok(None),
            Some(_) => Err(mistakes.add(
                "plan::page_size",
                place,
                "it is said where the page size goes, and not how large it is",
                "give `page_size`".to_owned(),
            )),
        };
    };
    if size == 0 {
        return Err(mistakes.add(
            "plan::page_size",
            &place.key("page_size"),
            "`page_size` must be at least 1",
            None,
        ));
    }
    Ok(Some(PageSizePlan { size, placement }))
}

/// A paginator that writes into the body needs one that it can write into.
pub(in crate::plan) fn check_body(
    paginator: &PaginatorPlan,
    request: &RequestTemplate,
    place: &Place,
    mistakes: &mut Mistakes,
) {
    let in_text = matches!(request.body, Some(BodyTemplate::Text(_)));
    let body_path = paginator
        .placements()
        .into_iter()
        .find_map(|placement| match placement {
            Placement::Body(keys) => Some(keys.join(".")),
            Placement::Query(_) | Placement::Header(_) => None,
        });
    if let Some(path) = body_path.filter(|_| in_text) {
        mistakes.add(
            "plan::paging_in_text",
            place,
            format!("the paginator sets `{path}` in the body, and the body is a text"),
            "give the body as `json`, or as a form with `data: { name: value }`".to_owned(),
        );
    }
}

impl PaginatorPlan {
    /// Where its values go.
    fn placements(&self) -> Vec<&Placement> {
        use crate::plan::paginator::NextPlan;
        let (size, position) = match self {
            Self::Auto(_) | Self::SinglePage | Self::SingleRecord => (None, None),
            Self::Counted(plan) => (plan.page_size.as_ref(), Some(&plan.position)),
            Self::Chained(plan) => (
                plan.page_size.as_ref(),
                match &plan.next {
                    NextPlan::JsonLink { .. } | NextPlan::HeaderLink { .. } => None,
                    NextPlan::HeaderCursor { cursor, .. }
                    | NextPlan::BodyCursor { cursor, .. }
                    | NextPlan::RecordCursor { cursor, .. } => Some(cursor),
                },
            ),
        };
        let size = size.and_then(|size| size.placement.as_ref());
        size.into_iter().chain(position).collect()
    }
}
