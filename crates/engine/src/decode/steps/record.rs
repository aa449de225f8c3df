//! One record, whose fields are set, renamed and left out.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::{Fault, Surroundings};
use crate::decode::reading::VALUE_KEY;
use crate::plan::{Expression, StepPlan};
use crate::schema::ExactNumber;

/// The fields of a record in order, each with its JSON text. A key that comes twice is there twice.
pub(super) struct Record(Vec<(String, Box<RawValue>)>);

impl Record {
    /// Reads the fields of a record.
    pub(super) fn parse(data: &[u8]) -> Result<Self, Fault> {
        if data.first() == Some(&b'{') {
            return serde_json::from_slice(data).map_err(Fault::Json);
        }
        let value = serde_json::from_slice(data).map_err(Fault::Json)?;
        Ok(Self(vec![(VALUE_KEY.to_owned(), value)]))
    }

    /// Takes it through the steps, and tells whether it is kept.
    pub(super) fn take_through(
        &mut self,
        steps: &[StepPlan],
        surroundings: &Surroundings<'_>,
    ) -> Result<bool, Fault> {
        for step in steps {
            if let Some(filter) = &step.filter {
                let variables = self.variables(filter, surroundings)?;
                if !filter.holds(&variables).map_err(Fault::Expression)? {
                    return Ok(false);
                }
            }
            self.change(step, surroundings)?;
        }
        Ok(true)
    }

    fn change(&mut self, step: &StepPlan, surroundings: &Surroundings<'_>) -> Result<(), Fault> {
        // All expressions see the record as it came to this step, whatever their order.
        let mut set = Vec::with_capacity(step.map.len());
        for (field, expression) in &step.map {
            set.push((field, self.mapped(expression, surroundings)?));
        }
        for (field, value) in set {
            self.remove_behind_first(field);
            match self.0.iter_mut().find(|(known, _)| known == field) {
                Some((_, known)) => *known = value,
                None => self.0.push((field.clone(), value)),
            }
        }
        for (from, to) in &step.rename {
            if !self.0.iter().any(|(known, _)| known == from) {
                continue;
            }
            if self.0.iter().any(|(known, _)| known == to) {
                return Err(Fault::Taken(to.clone()));
            }
            for (known, _) in self.0.iter_mut().filter(|(known, _)| known == from) {
                known.clone_from(to);
            }
        }
        self.0.retain(|(known, _)| !step.drop.contains(known));
        Ok(())
    }

    /// The value of an expression. A field that is named alone is copied as it is spelled.
    fn mapped(
        &self,
        expression: &Expression,
        surroundings: &Surroundings<'_>,
    ) -> Result<Box<RawValue>, Fault> {
        let variables = self.variables(expression, surroundings)?;
        if let Some(name) = expression.as_name()
            && let Some(json) = self.field(name, surroundings)
        {
            return RawValue::from_string(json.to_owned()).map_err(Fault::Json);
        }
        for name in variables.keys() {
            if let Some(json) = self.field(name, surroundings)
                && is_rounded(json)
            {
                surroundings.named.round(name);
            }
        }
        let value = expression.evaluate(&variables).map_err(Fault::Expression)?;
        to_raw_value(&value).map_err(Fault::Json)
    }

    /// The JSON text of a field of the record or its parents.
    fn field<'a>(&'a self, name: &str, surroundings: &'a Surroundings<'_>) -> Option<&'a str> {
        if surroundings.is_partition(name) {
            return None;
        }
        let own = self.0.iter().rev().find(|(known, _)| known == name);
        let parents = || {
            let mut copied = surroundings.copied.iter();
            let found = copied.find(|(known, _)| known == name);
            found.map(|(_, json)| json.as_str())
        };
        own.map(|(_, json)| json.get()).or_else(parents)
    }

    fn remove_behind_first(&mut self, field: &str) {
        let mut first = true;
        self.0
            .retain(|(known, _)| known != field || std::mem::replace(&mut first, false));
    }

    /// The variables that an expression names.
    fn variables(
        &self,
        expression: &Expression,
        surroundings: &Surroundings<'_>,
    ) -> Result<Map<String, Value>, Fault> {
        let mut variables = Map::new();
        for name in expression.names() {
            let value = if let Some(json) = self.field(name, surroundings) {
                serde_json::from_str(json).map_err(Fault::Json)?
            } else if surroundings.is_partition(name) {
                surroundings.partition.clone().into_iter().collect()
            } else if name == "record" {
                self.whole()?
            } else {
                surroundings.named.miss(name);
                continue;
            };
            surroundings.named.see(name);
            variables.insert(name.clone(), value);
        }
        Ok(variables)
    }

    fn whole(&self) -> Result<Value, Fault> {
        let mut fields = Map::new();
        for (field, json) in &self.0 {
            let value = serde_json::from_str(json.get()).map_err(Fault::Json)?;
            fields.insert(field.clone(), value);
        }
        Ok(Value::Object(fields))
    }

    /// Appends the record as JSON text.
    pub(super) fn write(&self, body: &mut Vec<u8>) {
        body.push(b'{');
        for (position, (field, json)) in self.0.iter().enumerate() {
            if position > 0 {
                body.push(b',');
            }
            body.extend_from_slice(Value::from(field.as_str()).to_string().as_bytes());
            body.push(b':');
            body.extend_from_slice(json.get().as_bytes());
        }
        body.push(b'}');
    }
}

/// Whether a number has more digits than expressions compute with.
fn is_rounded(json: &str) -> bool {
    let Some(exact) = ExactNumber::parse(json.as_bytes()) else {
        return false;
    };
    let computed = serde_json::from_str::<Value>(json).map(|value| value.to_string());
    let computed = computed
        .ok()
        .and_then(|text| ExactNumber::parse(text.as_bytes()));
    computed.is_none_or(|computed| computed.compare(&exact).is_ne())
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Record;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    fields.push(entry);
                }
                Ok(Record(fields))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_more_digits_than_expressions_compute_with_are_told_apart() {
        assert!(is_rounded("0.30000000000000000001"));
        assert!(is_rounded("123456789012345678901234567890"));
        for same in ["1.50", "12345678901234567890", "1e3", "\"1\"", "null"] {
            assert!(!is_rounded(same), "{same}");
        }
    }
}
