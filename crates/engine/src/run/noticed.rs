//! What a resource's records were noticed to be, told at its end.

use super::decoded;
use super::report::ResourceReport;
use crate::decode::{Decoder, DiscardCounts};
use crate::extract::Client;
use crate::flow::{Event, Observer};
use crate::plan::{ContractMode, IncrementalMode, ResourcePlan};

/// What was noticed while a resource was read, and whom to tell.
pub(super) struct Noticed<'r> {
    pub(super) resource: &'r ResourcePlan,
    pub(super) observer: &'r Observer,
    pub(super) client: &'r Client,
    pub(super) decoder: &'r Decoder,
}

impl Noticed<'_> {
    /// Tells of fields, hints and values that are not as the spec has them, and of records that were left out.
    pub(super) fn tell(&self, report: &ResourceReport) {
        let nothing_passed = report.filtered > 0 && report.filtered == report.records;
        decoded::tell(self.decoder, self.resource, self.client, nothing_passed);
        self.tell_what_was_left_out(report);
    }

    /// Tells what the schema contract left out, and what it would leave out were it strict.
    pub(super) fn tell_discarded(&self, discarded: &DiscardCounts, records: u64) {
        let warn = |text: String| {
            (self.observer)(Event::Warning {
                resource: self.resource.name.clone(),
                text,
            });
        };
        for line in discarded.lines(records) {
            warn(match &self.resource.rejected {
                Some(folder) => format!("{line}; `{folder}/{}` keeps them", self.resource.table),
                None => format!("{line}; `rejected: <folder>` would keep them"),
            });
        }
        let mixed = self.decoder.mixed_columns();
        if !mixed.is_empty() && !has_frozen_types(self.resource) {
            warn(format!(
                "`{}` holds values of several kinds, and nothing says which is right: each kind got a column of its own; \
                 declare the `data_type` under `columns`",
                mixed.join("`, `")
            ));
        }
    }

    fn tell_what_was_left_out(&self, report: &ResourceReport) {
        let tell = |count: u64, why: &str| {
            if count > 0 {
                (self.observer)(Event::Notice {
                    resource: report.name.clone(),
                    text: format!(
                        "{count} of {} records {why}, and were left out",
                        report.records
                    ),
                });
            }
        };
        let incremental = self.resource.incremental.as_ref();
        let in_windows =
            incremental.is_some_and(|plan| matches!(plan.mode, IncrementalMode::Windows(_)));
        // An API that can't be asked for what is new gives old records as a matter of course.
        if in_windows {
            tell(
                report.outside_window,
                "lay outside the window that was asked for",
            );
        }
        tell(report.filtered, "did not pass a filter");
        tell(report.without_cursor, "had no cursor");
        tell(report.duplicates, "came twice, by their `primary_key`");
    }
}

/// Whether a value of another type ends the run.
pub(super) fn has_frozen_types(resource: &ResourcePlan) -> bool {
    resource.decode.contract.data_type == ContractMode::Freeze
}
