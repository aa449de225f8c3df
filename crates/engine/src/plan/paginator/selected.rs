//! Paginators beside selectors that don't give one record for each that the API counts.

use crate::plan::mistakes::{Mistakes, Place};
use crate::plan::{PageUnit, PaginatorPlan, Selector, StopPlan};

/// Refuses what counts records where the selector leaves some out or gives several for one: an offset would go astray,
/// and a page would be taken for the last one though the API has more.
pub(in crate::plan) fn check_selector(
    paginator: &mut PaginatorPlan,
    selector: &Selector,
    place: &Place,
    mistakes: &mut Mistakes,
) {
    if selector.gives_each_record_once() {
        return;
    }
    let unfit = format!(
        "`{}` doesn't give one record for each that the API counts",
        selector.as_str()
    );
    let stop = match paginator {
        PaginatorPlan::Auto(plan) => {
            plan.counts_records = false;
            &plan.stop
        }
        PaginatorPlan::SinglePage | PaginatorPlan::SingleRecord => return,
        PaginatorPlan::Counted(plan) if plan.unit == PageUnit::Records => {
            let help = "the offset advances by the records that came: select the whole list, such as `data.items`";
            mistakes.add("plan::offset_selector", place, unfit, help.to_owned());
            return;
        }
        PaginatorPlan::Counted(plan) => &plan.stop,
        PaginatorPlan::Chained(plan) => &plan.stop,
    };
    let Some(rule) = counting_rule(stop) else {
        return;
    };
    mistakes.add(
        "plan::counted_selector",
        place,
        format!("{unfit}, and {rule}"),
        "select the whole list, such as `data.items`, or end the pages by `total_pages_path`, `has_more_path` or `stop_when` \
         with `stop_after_empty_page: false`"
            .to_owned(),
    );
}

/// The first rule that counts records.
fn counting_rule(stop: &StopPlan) -> Option<&'static str> {
    let total = stop.total.as_ref();
    if stop.stop_after_empty_page {
        Some("a page without records would end the pages (`stop_after_empty_page`)")
    } else if stop.stop_after_short_page {
        Some("a page with fewer records would end the pages (`stop_after_short_page`)")
    } else if total.is_some_and(|total| total.unit == PageUnit::Records) {
        Some("the total counts records")
    } else {
        None
    }
}
