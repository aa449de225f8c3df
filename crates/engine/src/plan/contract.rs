//! Compiling `schema_contract` and `rejected`.

use super::mistakes::{Mistakes, Place};
use crate::spec::{self, ContractMode, SchemaContract};

/// What a load may change of a table's schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContractPlan {
    /// Whether the table may be created.
    pub tables: ContractMode,
    /// Whether columns, and keys of objects, may be added.
    pub columns: ContractMode,
    /// Whether values may change a column's type, or get a column of their own.
    pub data_type: ContractMode,
}

impl ContractPlan {
    /// Whether records are looked at: something in them may be refused or left out.
    pub fn concerns_records(&self) -> bool {
        (self.columns, self.data_type) != (ContractMode::Evolve, ContractMode::Evolve)
    }
}

impl From<&SchemaContract> for ContractPlan {
    fn from(contract: &SchemaContract) -> Self {
        Self {
            tables: contract.tables,
            columns: contract.columns,
            data_type: contract.data_type,
        }
    }
}

/// A path below the destination that leads neither out of it, nor into the folder of a table or of the commit log.
pub(super) fn check_rejected(resources: &[spec::Resource], place: &Place, mistakes: &mut Mistakes) {
    for (index, resource) in resources.iter().enumerate() {
        let Some(path) = &resource.rejected else {
            continue;
        };
        let place = place.index(index).key("rejected");
        if !path.split('/').all(is_folder_name) {
            mistakes.add(
                "plan::rejected",
                &place,
                format!("`{path}` can't be a folder below the destination"),
                "give a relative path of letters, digits, `_`, `-` and `.`, such as `_rejected`"
                    .to_owned(),
            );
            continue;
        }
        let first = path.split('/').next().unwrap_or_default();
        let is_taken = |other: &spec::Resource| {
            let table = other.table_name.as_ref().unwrap_or(&other.name);
            table.eq_ignore_ascii_case(first)
        };
        if first.eq_ignore_ascii_case("_engine") || resources.iter().any(is_taken) {
            mistakes.add(
                "plan::rejected",
                &place,
                format!("`{first}` is a folder of its own: a table, or the commit log"),
                "give another folder, such as `_rejected`".to_owned(),
            );
        }
    }
}

fn is_folder_name(name: &str) -> bool {
    let fits = |one: char| one.is_ascii_alphanumeric() || "_-.".contains(one);
    !name.is_empty() && !name.starts_with('.') && name.chars().all(fits)
}
