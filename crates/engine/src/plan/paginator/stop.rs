//! Compiling the rules that end a slice's pages.

use super::{STOP_NAMES, StopPlan, TotalPlan, TotalSource, optional_selector, selector};
use crate::plan::client::header_name;
use crate::plan::mistakes::{Mistakes, Place, Reported};
use crate::plan::{Expression, PageUnit};
use crate::spec::{DEFAULT_TOTAL_PATH, StopKeys};

/// `unit` is what a total without a unit counts.
pub(super) fn compile(
    keys: &StopKeys<'_>,
    unit: PageUnit,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<StopPlan, Reported> {
    for (key, value) in [
        ("max_pages", keys.max_pages),
        ("max_records", keys.max_records),
    ] {
        if value == Some(0) {
            let message = format!("`{key}` must be at least 1");
            mistakes.add("plan::maximum", &place.key(key), message, None);
        }
    }
    let total = total(keys, unit, place, mistakes);
    let has_more_path =
        optional_selector(keys.has_more_path, &place.key("has_more_path"), mistakes);
    let stop_when = keys.stop_when.map(|text| {
        Expression::parse(text, &STOP_NAMES).map_err(|error| {
            let place = place.key("stop_when");
            mistakes.add("plan::stop_when", &place, error.to_string(), None)
        })
    });
    Ok(StopPlan {
        total: total?,
        has_more_path: has_more_path?,
        stop_after_empty_page: keys.stop_after_empty_page,
        stop_after_short_page: keys.stop_after_short_page,
        max_pages: keys.max_pages,
        max_records: keys.max_records,
        stop_when: stop_when.transpose()?,
    })
}

fn total(
    keys: &StopKeys<'_>,
    unit: PageUnit,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Option<TotalPlan>, Reported> {
    let explicit = [
        (
            "total_items_path",
            keys.total_items_path,
            PageUnit::Records,
            false,
        ),
        (
            "total_pages_path",
            keys.total_pages_path,
            PageUnit::Pages,
            false,
        ),
        (
            "total_items_header",
            keys.total_items_header,
            PageUnit::Records,
            true,
        ),
        (
            "total_pages_header",
            keys.total_pages_header,
            PageUnit::Pages,
            true,
        ),
    ];
    let mut given: Vec<_> = explicit
        .into_iter()
        .filter_map(|(key, text, unit, header)| Some((key, text?, unit, header)))
        .collect();
    // The default of `total_path` gives way to another total; one that was written doesn't.
    let written = |text: &&str| given.is_empty() || *text != DEFAULT_TOTAL_PATH;
    if let Some(text) = keys.total_path.filter(written) {
        given.insert(0, ("total_path", text, unit, false));
    }
    let mut given = given.into_iter();
    let Some((key, text, unit, is_header)) = given.next() else {
        return Ok(None);
    };
    if let Some((other, ..)) = given.next() {
        return Err(mistakes.add(
            "plan::two_totals",
            &place.key(other),
            format!("`{key}` and `{other}` both give the total"),
            "keep one of them".to_owned(),
        ));
    }
    let place = place.key(key);
    let source = if is_header {
        TotalSource::Header(header_name(text, &place, mistakes)?)
    } else {
        TotalSource::Body(selector(text, &place, mistakes)?)
    };
    Ok(Some(TotalPlan { source, unit }))
}
