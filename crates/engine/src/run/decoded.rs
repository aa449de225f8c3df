//! What decoding has noticed of all records of a resource together.

use crate::decode::{AbsentField, Decoder, Told};
use crate::extract::Client;
use crate::flow::Event;
use crate::plan::ResourcePlan;
use crate::spec::looks_secret;

/// Tells what was noticed; `nothing_passed`: a filter has let no record pass.
pub(super) fn tell(
    decoder: &Decoder,
    resource: &ResourcePlan,
    client: &Client,
    nothing_passed: bool,
) {
    let name = resource.name.as_str();
    tell_absent_fields(decoder, name, client, nothing_passed);
    tell_misfits(decoder, name, client);
    tell_hints_within(decoder, name, client);
}

fn tell_absent_fields(decoder: &Decoder, resource: &str, client: &Client, nothing_passed: bool) {
    for name in decoder.rounded_fields() {
        client.observe(Event::Warning {
            resource: resource.to_owned(),
            text: format!(
                "`{name}` has numbers with more digits than expressions compute with (64-bit): what `map` makes of them \
                 is rounded; the field itself, and a `map` that only names it, keep every digit"
            ),
        });
    }
    for AbsentField { name, in_filter } in decoder.absent_fields() {
        let resource = resource.to_owned();
        let names = if in_filter { "a filter" } else { "`map`" };
        let text = format!("no record has the field `{name}`, which {names} names");
        // A field may be rare; one by which a filter lets nothing pass is likely misspelt.
        client.observe(if in_filter && nothing_passed {
            Event::Warning { resource, text }
        } else {
            Event::Notice { resource, text }
        });
    }
}

fn tell_misfits(decoder: &Decoder, resource: &str, client: &Client) {
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
        client.warn(resource, &text);
    };
    for (column, misfits) in decoder.misfits() {
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

fn tell_hints_within(decoder: &Decoder, resource: &str, client: &Client) {
    for name in decoder.hints_within() {
        let text = format!(
            "`columns` declares `{name}`, which lies in an object: hints are for the keys of the record itself, and this one \
             changes nothing; give the value a key of its own with `map` in `processing_steps`, and declare that"
        );
        client.warn(resource, &text);
    }
}
