//! Collecting what is wrong while compiling goes on.

use crate::spec::{Mistake, Path, Step};

/// Stands for a part of the plan that can't be compiled, since its mistake has been reported.
#[derive(Debug)]
pub(super) struct Reported;

/// The mistakes found so far.
#[derive(Default)]
pub(super) struct Mistakes(Vec<Mistake>);

impl Mistakes {
    pub(super) fn add(
        &mut self,
        code: &'static str,
        place: &Place,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) -> Reported {
        self.0.push(Mistake {
            code,
            path: place.0.clone(),
            message: message.into(),
            help: help.into(),
        });
        Reported
    }

    pub(super) fn into_result<T>(self, value: Result<T, Reported>) -> Result<T, Vec<Mistake>> {
        match value {
            Ok(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }
}

/// A node of the spec, by its path.
#[derive(Clone, Default)]
pub(super) struct Place(Path);

impl Place {
    pub(super) fn root() -> Self {
        Self::default()
    }

    pub(super) fn key(&self, name: &str) -> Self {
        self.step(Step::Key(name.to_owned()))
    }

    pub(super) fn index(&self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    fn step(&self, step: Step) -> Self {
        let mut path = self.0.clone();
        path.push(step);
        Self(path)
    }
}
