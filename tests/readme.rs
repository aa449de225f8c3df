//! What the README and the shipped files say is true.

use engine::plan::compile;
use engine::spec::{Source, Variables};

use crate::support::root;

fn check(name: &str, text: &str, variables: &[(&str, &str)]) {
    let variables = Variables::new(
        variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    let planned = Source::read(name, text, &variables)
        .and_then(|(source, pipeline)| source.finish(compile(&pipeline)));
    if let Err(diagnostics) = planned {
        panic!("{name}: {:#?}", diagnostics.summary());
    }
}

#[test]
fn the_readme_pipeline_is_right() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, behind) = readme.split_once("```yaml\n").unwrap();
    let (yaml, _) = behind.split_once("```").unwrap();
    check("README.md", yaml, &[("SHOP_TOKEN", "t")]);
}

#[test]
fn the_shipped_pipelines_are_right() {
    let pipelines = std::fs::read_dir(root().join("pipelines")).unwrap();
    let mut checked = 0;
    for entry in pipelines {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let stem = name.strip_suffix(".yaml");
        // The tests of a pipeline lie beside it.
        let is_spec = stem.is_some_and(|stem| !stem.contains('.'));
        if is_spec {
            let text = std::fs::read_to_string(&path).unwrap();
            check(path.to_str().unwrap(), &text, &[("ASSEMBLED_API_KEY", "k")]);
            checked += 1;
        }
    }
    assert!(checked > 0);
}

#[test]
fn the_configuration_of_dlts_own_page_runs() {
    let text = "\
version: 1
name: assembled
client:
  base_url: https://api.assembledhq.com/v0
  auth: { type: http_basic, api_key: key }
resources:
  - { name: people, endpoint: { path: people, data_selector: people } }
  - { name: agent_states, endpoint: { path: agents/state, data_selector: agent_states } }
  - roles
  - { name: person, endpoint: 'people/{resources.people.id}' }
";
    check("dlt.yaml", text, &[]);
}
