//! Compiling the strategy of a `merge`.

use super::merge_plan::{
    AbsentRows, DEFAULT_VALID_FROM, DEFAULT_VALID_TO, DedupColumn, MergeAction, MergePlan,
    VersionsPlan,
};
use super::mistakes::{Mistakes, Place};
use super::model::WriteDisposition;
use crate::schema::{METADATA_NAMES, ROW_ID, parse_date, parse_timestamp};
use crate::spec::{self, DedupSort, Disposition, MergeStrategy, Resource};

const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;

/// The names of the columns that make up a key: those that the resource names, or else those with a hint.
pub(super) fn key(
    named: &spec::OneOrMany,
    resource: &Resource,
    hint: impl Fn(&spec::Column) -> bool,
) -> Vec<String> {
    if !named.0.is_empty() {
        return named.0.clone();
    }
    let hinted = resource.columns.iter().filter(|(_, column)| hint(column));
    hinted.map(|(name, _)| name.clone()).collect()
}

pub(super) fn disposition(resource: &Resource) -> WriteDisposition {
    match resource.write_disposition.disposition {
        Disposition::Append => WriteDisposition::Append,
        Disposition::Replace => WriteDisposition::Replace,
        Disposition::Merge => WriteDisposition::Merge,
        Disposition::Skip => WriteDisposition::Skip,
    }
}

/// The merge of a resource with this primary key; that of one that doesn't merge is never looked at.
pub(super) fn compile(
    resource: &Resource,
    primary_key: &[String],
    place: &Place,
    mistakes: &mut Mistakes,
) -> MergePlan {
    let mut compiling = Compiling {
        resource,
        primary_key,
        merge_key: key(&resource.merge_key, resource, |column| column.merge_key),
        place,
        mistakes,
    };
    compiling.check_options();
    if resource.write_disposition.disposition != Disposition::Merge {
        compiling.refuse_hints();
        return MergePlan::UPSERT;
    }
    compiling.check_keys();
    compiling.check_what_is_absent();
    let plan = MergePlan {
        action: compiling.action(),
        absent: compiling.absent(),
        hard_delete: compiling.hard_delete(),
        dedup_sort: compiling.dedup_sort(),
    };
    compiling.check_tables();
    plan
}

struct Compiling<'a> {
    resource: &'a Resource,
    primary_key: &'a [String],
    merge_key: Vec<String>,
    place: &'a Place,
    mistakes: &'a mut Mistakes,
}

impl Compiling<'_> {
    fn strategy(&self) -> MergeStrategy {
        self.resource.write_disposition.strategy.unwrap_or_default()
    }

    /// Where a strategy is named, or else the disposition.
    fn strategy_place(&self) -> Place {
        let place = self.place.key("write_disposition");
        match self.resource.write_disposition.strategy {
            Some(_) => place.key("strategy"),
            None => place,
        }
    }

    /// Options without effect.
    fn check_options(&mut self) {
        let given = &self.resource.write_disposition;
        let merges = given.disposition == Disposition::Merge;
        if !merges && given.strategy.is_some() {
            self.mistakes.add(
                "plan::merge_strategy",
                &self.strategy_place(),
                "a `strategy` is for `disposition: merge`",
                "write `disposition: merge`, or leave out `strategy`".to_owned(),
            );
            return;
        }
        let strategy = self.strategy();
        let scd2 = merges && strategy == MergeStrategy::Scd2;
        let updates = matches!(strategy, MergeStrategy::Upsert | MergeStrategy::Cdc);
        let options = [
            (
                "validity_column_names",
                given.validity_column_names.is_some(),
                scd2,
                "`strategy: scd2`",
            ),
            (
                "active_record_timestamp",
                given.active_record_timestamp.is_some(),
                scd2,
                "`strategy: scd2`",
            ),
            (
                "boundary_timestamp",
                given.boundary_timestamp.is_some(),
                scd2,
                "`strategy: scd2`",
            ),
            (
                "row_version_column_name",
                given.row_version_column_name.is_some(),
                scd2,
                "`strategy: scd2`",
            ),
            (
                "deduplicated",
                given.deduplicated.is_some(),
                merges && strategy == MergeStrategy::DeleteInsert,
                "`strategy: delete-insert`",
            ),
            (
                "skip_unchanged_rows",
                given.skip_unchanged_rows.is_some(),
                merges && updates,
                "the strategies `upsert` and `cdc`",
            ),
        ];
        for (name, is_given, fits, strategies) in options {
            if is_given && !fits {
                self.mistakes.add(
                    "plan::merge_strategy",
                    &self.place.key("write_disposition").key(name),
                    format!("`{name}` is for {strategies}"),
                    format!("leave out `{name}`, or choose that strategy"),
                );
            }
        }
    }

    /// Hints that only a merge heeds: without one, what they ask for would not happen.
    fn refuse_hints(&mut self) {
        if !self.resource.merge_key.0.is_empty() {
            self.add_merge_only(&self.place.key("merge_key"), "merge_key");
        }
        for (name, column) in &self.resource.columns {
            let place = self.place.key("columns").key(name);
            let hints = [
                ("merge_key", column.merge_key),
                ("hard_delete", column.hard_delete),
                ("dedup_sort", column.dedup_sort.is_some()),
            ];
            for (hint, _) in hints.into_iter().filter(|(_, given)| *given) {
                self.add_merge_only(&place.key(hint), hint);
            }
        }
    }

    fn add_merge_only(&mut self, place: &Place, hint: &str) {
        self.mistakes.add(
            "plan::merge_hint",
            place,
            format!("`{hint}` takes effect in a `merge` alone"),
            format!("leave out `{hint}`, or write `write_disposition: merge`"),
        );
    }

    fn check_keys(&mut self) {
        let strategy = self.strategy();
        let name = strategy.name();
        if !self.primary_key.is_empty() || strategy == MergeStrategy::Scd2 {
            // There is something to tell rows by.
        } else if strategy != MergeStrategy::DeleteInsert {
            self.mistakes.add(
                "plan::merge_without_key",
                &self.strategy_place(),
                format!(
                    "`{name}` needs a `primary_key` to tell which row takes the place of which"
                ),
                "give `primary_key`, or use the strategy `delete-insert` with a `merge_key`"
                    .to_owned(),
            );
        } else if self.merge_key.is_empty() {
            self.mistakes.add(
                "plan::merge_without_key",
                &self.strategy_place(),
                "`merge` needs a `primary_key` to tell which row takes the place of which",
                "give `primary_key` or `merge_key`, or use `append` or `replace`".to_owned(),
            );
        }
        let heeds_groups = !matches!(strategy, MergeStrategy::Upsert | MergeStrategy::InsertOnly);
        if !self.merge_key.is_empty() && !heeds_groups {
            self.mistakes.add(
                "plan::merge_hint",
                &self.merge_key_place(),
                format!("`{name}` takes no rows away by their `merge_key`"),
                "use the strategy `delete-insert`, or leave out `merge_key`".to_owned(),
            );
        }
    }

    fn merge_key_place(&self) -> Place {
        let mut hinted = self.resource.columns.iter();
        match hinted.find(|(_, column)| column.merge_key) {
            Some((name, _)) if self.resource.merge_key.0.is_empty() => {
                self.place.key("columns").key(name).key("merge_key")
            }
            _ => self.place.key("merge_key"),
        }
    }

    /// A load that holds only what is new says nothing of all others.
    fn check_what_is_absent(&mut self) {
        if self.absent() == AbsentRows::Concerned && self.resource.endpoint.incremental.is_some() {
            let name = self.strategy().name();
            self.mistakes.add(
                "plan::merge_absent",
                &self.strategy_place(),
                format!(
                    "`{name}` takes every record that is not in a load for deleted, and `incremental` reads only what is new"
                ),
                "leave out `incremental`, or give a `merge_key`, such as a day or an account that is always read whole: only \
                 its records then count as absent"
                    .to_owned(),
            );
        }
    }

    fn absent(&self) -> AbsentRows {
        match self.strategy() {
            MergeStrategy::Upsert | MergeStrategy::InsertOnly => AbsentRows::Unconcerned,
            _ if !self.merge_key.is_empty() => AbsentRows::InGroups(self.merge_key.clone()),
            MergeStrategy::DeleteInsert => AbsentRows::Unconcerned,
            MergeStrategy::Cdc | MergeStrategy::Scd2 => AbsentRows::Concerned,
        }
    }

    fn action(&mut self) -> MergeAction {
        match self.strategy() {
            MergeStrategy::InsertOnly => MergeAction::KeepEarlier,
            MergeStrategy::Scd2 => MergeAction::KeepVersions(self.versions()),
            _ => MergeAction::Replace,
        }
    }

    fn versions(&mut self) -> VersionsPlan {
        let given = &self.resource.write_disposition;
        let names = given.validity_column_names.clone().unwrap_or_default();
        let place = self
            .place
            .key("write_disposition")
            .key("validity_column_names");
        let (valid_from, valid_to) = match <[String; 2]>::try_from(names) {
            Ok([from, to]) => {
                self.check_validity_names(&from, &to, &place);
                (from, to)
            }
            Err(names) => {
                if !names.is_empty() || given.validity_column_names.is_some() {
                    self.mistakes.add(
                        "plan::validity_columns",
                        &place,
                        "a version is valid from a time and until a time: two columns have names",
                        format!(
                            "write two names, such as `[{DEFAULT_VALID_FROM}, {DEFAULT_VALID_TO}]`"
                        ),
                    );
                }
                (DEFAULT_VALID_FROM.to_owned(), DEFAULT_VALID_TO.to_owned())
            }
        };
        VersionsPlan {
            valid_from,
            valid_to,
            active: self.instant(
                "active_record_timestamp",
                given.active_record_timestamp.as_ref(),
            ),
            boundary: self.instant("boundary_timestamp", given.boundary_timestamp.as_ref()),
            row_version: given.row_version_column_name.clone(),
        }
    }

    fn check_validity_names(&mut self, from: &str, to: &str, place: &Place) {
        let own = [METADATA_NAMES[0], METADATA_NAMES[1], ROW_ID];
        let is_taken = |name: &str| own.iter().any(|own| own.eq_ignore_ascii_case(name));
        let problem = if from.eq_ignore_ascii_case(to) {
            format!("both columns are called `{from}`")
        } else if from.is_empty() || to.is_empty() {
            "a column without a name can't be read".to_owned()
        } else if let Some(taken) = [from, to].into_iter().find(|name| is_taken(name)) {
            format!("`{taken}` is a column of the table already")
        } else {
            return;
        };
        let help = format!("write two names, such as `[{DEFAULT_VALID_FROM}, {DEFAULT_VALID_TO}]`");
        self.mistakes
            .add("plan::validity_columns", place, problem, help);
    }

    /// A time in microseconds since 1970 in UTC.
    fn instant(&mut self, name: &str, text: Option<&String>) -> Option<i64> {
        let text = text?;
        let date = parse_date(text.as_bytes()).map(|days| i64::from(days) * MICROSECONDS_PER_DAY);
        let time = || parse_timestamp(text.as_bytes()).map(|parsed| parsed.microseconds);
        let instant = date.or_else(time);
        if instant.is_none() {
            self.mistakes.add(
                "plan::version_timestamp",
                &self.place.key("write_disposition").key(name),
                format!("`{text}` is no time"),
                "write a date, `9999-12-31`, or a time with its offset, `2024-01-31T00:00:00Z`"
                    .to_owned(),
            );
        }
        instant
    }

    fn hard_delete(&mut self) -> Option<String> {
        let columns = self.resource.columns.iter();
        let mut marked = columns.filter(|(_, column)| column.hard_delete);
        let (name, _) = marked.next()?;
        if let Some((second, _)) = marked.next() {
            self.mistakes.add(
                "plan::merge_hint",
                &self.place.key("columns").key(second).key("hard_delete"),
                format!("`{name}` marks deleted records already"),
                "one column can; a `map` in `processing_steps` puts several into one".to_owned(),
            );
        }
        if self.strategy() == MergeStrategy::Scd2 {
            self.mistakes.add(
                "plan::merge_hint",
                &self.place.key("columns").key(name).key("hard_delete"),
                "`scd2` keeps every version, and ends those of records that are not in the load",
                "leave out marked records with a `filter`: they then count as absent".to_owned(),
            );
        }
        Some(name.clone())
    }

    fn dedup_sort(&mut self) -> Option<DedupColumn> {
        let columns = self.resource.columns.iter();
        let mut sorting =
            columns.filter_map(|(name, column)| Some((name, column.dedup_sort.as_ref()?)));
        let (name, sort) = sorting.next()?;
        let second = sorting.next();
        let place = self.place.key("columns");
        if let Some((second, _)) = second {
            self.mistakes.add(
                "plan::merge_hint",
                &place.key(second).key("dedup_sort"),
                format!("`{name}` decides already which row counts"),
                "leave out one `dedup_sort`".to_owned(),
            );
        }
        let name_of_strategy = self.strategy().name();
        let problem = match self.strategy() {
            MergeStrategy::InsertOnly => "keeps the first row that came with a key",
            MergeStrategy::Scd2 => "keeps every version",
            _ if self.primary_key.is_empty() => {
                "has no `primary_key` by which rows would be the same"
            }
            _ => "",
        };
        if !problem.is_empty() {
            self.mistakes.add(
                "plan::merge_hint",
                &place.key(name).key("dedup_sort"),
                format!("`dedup_sort` decides nothing: `{name_of_strategy}` {problem}"),
                "leave out `dedup_sort`, or use `upsert` or `delete-insert` with a `primary_key`"
                    .to_owned(),
            );
        }
        Some(DedupColumn {
            column: name.clone(),
            greatest: *sort == DedupSort::Desc,
        })
    }

    /// Versions of a record would share the elements of its lists.
    fn check_tables(&mut self) {
        if self.strategy() != MergeStrategy::Scd2 {
            return;
        }
        let is_tables = |nested: Option<spec::Nested>| nested == Some(spec::Nested::Tables);
        let mut columns = self.resource.columns.iter();
        let column = columns.find(|(_, column)| is_tables(column.nested));
        let place = match column {
            _ if is_tables(self.resource.nested) => self.place.key("nested"),
            Some((name, _)) => self.place.key("columns").key(name).key("nested"),
            None => return,
        };
        self.mistakes.add(
            "plan::merge_tables",
            &place,
            "`scd2` keeps versions of whole records, and lists with tables of their own have none",
            "keep lists in their row: leave out `nested: tables`, or write `nested: json`"
                .to_owned(),
        );
    }
}
