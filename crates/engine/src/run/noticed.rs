//! What a resource's records were noticed to be, told at its end.

use super::report::ResourceReport;
use crate::decode::{AbsentField, Decoder, DiscardCounts, Told};
use crate::extract::Client;
use crate::flow::{Event, Observer};
use crate::plan::{ContractMode, IncrementalMode, ResourcePlan};
use crate::spec::looks_secret;

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
        self.tell_absent_fields(report);
        self.tell_misfits();
        self.tell_hints_within();
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

    fn tell_absent_fields(&self, report: &ResourceReport) {
        for name in self.decoder.rounded_fields() {
            (self.observer)(Event::Warning {
                resource: self.resource.name.clone(),
                text: format!(
                    "`{name}` has numbers with more digits than expressions compute with (64-bit): what `map` makes of them \
                     is rounded; the field itself, and a `map` that only names it, keep every digit"
                ),
            });
        }
        let nothing_passed = report.filtered > 0 && report.filtered == report.records;
        for AbsentField { name, in_filter } in self.decoder.absent_fields() {
            let resource = self.resource.name.clone();
            let names = if in_filter { "a filter" } else { "`map`" };
            let text = format!("no record has the field `{name}`, which {names} names");
            // A field may be rare; one by which a filter lets nothing pass is likely misspelt.
            (self.observer)(if in_filter && nothing_passed {
                Event::Warning { resource, text }
            } else {
                Event::Notice { resource, text }
            });
        }
    }

    fn tell_misfits(&self) {
        let tell = |column: &str, told: &Told, one: &str, many: &str| {
            let what = match told.count {
                0 => return,
                1 => format!("1 value of the column `{column}` {one}"),
                count => format!("{count} values of the column `{column}` {many}"),
            };
            let text = if looks_secret(column) {
                what
            } else {
                format!("{what}, such as `{}`", told.first)
            };
            self.client.warn(&self.resource.name, &text);
        };
        for (column, misfits) in self.decoder.misfits() {
            tell(
                &column,
                &misfits.refused,
                &format!(
                    "doesn't fit its `data_type`, and is kept in a column of its own (`{column}__v_…`)"
                ),
                &format!(
                    "don't fit its `data_type`, and are kept in a column of their own (`{column}__v_…`)"
                ),
            );
            tell(
                &column,
                &misfits.beyond,
                "is larger than its `precision`, and is kept whole",
                "are larger than its `precision`, and are kept whole",
            );
        }
    }

    fn tell_hints_within(&self) {
        for name in self.decoder.hints_within() {
            let text = format!(
                "`columns` declares `{name}`, which lies in an object: hints are for the keys of the record itself, and this one \
                 changes nothing; give the value a key of its own with `map` in `processing_steps`, and declare that"
            );
            self.client.warn(&self.resource.name, &text);
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
