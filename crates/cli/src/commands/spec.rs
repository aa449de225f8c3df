//! A spec's file, from the command line to its plan.

use std::path::{Path, PathBuf};

use engine::plan::{Plan, StoreSettings, compile, redirect};
use engine::spec::{Pipeline, Source, Variables, did_you_mean};

use crate::failure::Failure;

/// A spec's file and the variables that it may name.
pub(crate) struct SpecFile {
    /// How the user called the file.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) variables: Variables,
    folder: PathBuf,
}

impl SpecFile {
    /// Reads the file, the environment, and the `.env` file beside it.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let mut spec = Self::read_alone(path, environment())?;
        let file = spec.folder.join(".env");
        let added = spec.variables.add_file(&file);
        added.map_err(|error| Failure::usage(error.to_string(), None))?;
        Ok(spec)
    }

    /// Reads the file, for these variables and no others.
    pub(crate) fn read_alone(
        path: &Path,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!("read the spec `{name}`"), Some(error.into()))
        })?;
        Ok(Self {
            name,
            text,
            variables: Variables::new(variables),
            folder: path.parent().unwrap_or(Path::new(".")).to_owned(),
        })
    }

    /// The folder that the file lies in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Compiles the spec with what the command line says: values for its variables, and another destination. `adapt`
    /// changes the pipeline before it is checked.
    pub(crate) fn plan(
        self,
        vars: &[(String, String)],
        destination: Option<&str>,
        adapt: impl FnOnce(&mut Pipeline),
    ) -> Result<Plan, Failure> {
        let (_, plan) = self.pipeline_and_plan(vars, destination, adapt)?;
        Ok(plan)
    }

    /// The same, and what the user wrote.
    pub(crate) fn pipeline_and_plan(
        mut self,
        vars: &[(String, String)],
        destination: Option<&str>,
        adapt: impl FnOnce(&mut Pipeline),
    ) -> Result<(Pipeline, Plan), Failure> {
        self.variables.set(vars.iter().cloned());
        let load = |path: &str| std::fs::read_to_string(path);
        let (source, mut pipeline) =
            Source::read_with_includes(&self.name, &self.text, &self.variables, &load)?;
        check_vars(vars, &pipeline)?;
        if let Some(url) = destination {
            redirect(&mut pipeline.destination, url)
                .map_err(|problem| Failure::usage(problem, None))?;
        }
        adapt(&mut pipeline);
        let secrets = source.substituted(&self.variables);
        let mut plan = source.finish(compile(&pipeline))?;
        plan.client.secrets = secrets;
        let given = self.variables.given();
        plan.destination.store.set_environment(given);
        Ok((pipeline, plan))
    }
}

/// How stores are reached where there is no spec to say so.
pub(crate) fn store_settings() -> StoreSettings {
    let environment = Variables::new(environment());
    let mut settings = StoreSettings::default();
    settings.set_environment(environment.given());
    settings
}

/// Refuses values for variables that the spec doesn't declare.
fn check_vars(given: &[(String, String)], pipeline: &Pipeline) -> Result<(), Failure> {
    let declared = || pipeline.vars.keys().map(String::as_str);
    for (name, _) in given {
        if declared().any(|known| known == name) {
            continue;
        }
        let help = match did_you_mean(name, declared()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "declare it under `vars`".to_owned(),
        };
        let message = format!("the spec declares no variable `{name}`: {help}");
        return Err(Failure::usage(message, None));
    }
    Ok(())
}

/// The variables that are text; others can't be named in a spec.
pub(super) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
