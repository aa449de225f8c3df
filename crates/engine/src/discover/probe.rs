//! Asking the API.

use std::error::Error as _;
use std::sync::Arc;

use jiff::Timestamp;

use super::endpoint::Endpoint;
use super::error::told;
use super::finding::{Certainty, Discovered, Finding, Paging, count};
use super::records::{RecordsFound, find as find_records, last_key};
use super::sample::Sample;
use super::setup::Setup;
use super::trial::Trial;
use super::{Error, cursor, key, render, times};
use crate::extract::{self, Client, FirstAnswer, Suggestion, read_pages};
use crate::flow::Observer;
use crate::plan::{Plan, compile};
use crate::spec::{Diagnostics, Source, Variables};

/// Pages that are read to see whether they follow each other.
const PAGES_TRIED: u64 = 2;

/// Ways of paging that are tried for one endpoint.
const MOST_WAYS: usize = 8;

/// How often a request is sent: whoever waits for the answer wants to know soon.
const MOST_ATTEMPTS: u32 = 3;

/// Finds out what a spec must say, endpoint by endpoint.
///
/// `variables` holds the secrets that [`Setup::variables`] names. The observer gets what a run's observer gets, the tries
/// and waits among it.
///
/// # Errors
/// The first endpoint that gives no records ends it.
pub async fn discover(
    setup: &Setup,
    variables: &Variables,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    observer: Observer,
) -> Result<Vec<Discovered>, Error> {
    check(setup)?;
    let plan = plan(setup, &[], variables)?;
    let mut client = plan.client.clone();
    client.retry.max_attempts = client.retry.max_attempts.min(MOST_ATTEMPTS);
    let client =
        Client::new(client, clock, observer).map_err(|error| Error::Client(Box::new(error)))?;
    let mut all = Vec::with_capacity(setup.endpoints.len());
    for endpoint in &setup.endpoints {
        let look = Look {
            setup: Setup {
                endpoints: vec![endpoint.clone()],
                ..setup.clone()
            },
            endpoint,
            client: &client,
            variables,
        };
        all.push(Some(look.discover().await?));
    }
    // What is written is a spec, whatever the API's fields are called.
    drop(self::plan(setup, &all, variables)?);
    Ok(all.into_iter().flatten().collect())
}

/// Checks what can be checked before the API is asked, and before there are secrets.
///
/// # Errors
/// What the user said can't be used.
pub fn check(setup: &Setup) -> Result<(), Error> {
    setup.check()?;
    let names = setup.variables().into_iter().map(|variable| variable.name);
    let variables = Variables::new(names.map(|name| (name, "-".to_owned())));
    drop(plan(setup, &[], &variables)?);
    Ok(())
}

/// The plan of the spec as it would be written.
fn plan(setup: &Setup, found: &[Option<Discovered>], variables: &Variables) -> Result<Plan, Error> {
    let yaml = render(setup, found);
    let wrong = |diagnostics: Diagnostics| Error::Spec(Box::new(diagnostics));
    let file = format!("{}.yaml", setup.name);
    let (source, pipeline) = Source::read(&file, &yaml, variables).map_err(wrong)?;
    let secrets = source.substituted(variables);
    let mut plan = source.finish(compile(&pipeline)).map_err(wrong)?;
    plan.client.secrets = secrets;
    Ok(plan)
}

/// One endpoint, and the way to it.
struct Look<'a> {
    /// With this endpoint alone.
    setup: Setup,
    endpoint: &'a Endpoint,
    client: &'a Client,
    variables: &'a Variables,
}

impl Look<'_> {
    async fn discover(&self) -> Result<Discovered, Error> {
        let plan = plan(&self.setup, &[], self.variables)?;
        let failed = |source| Error::Request {
            endpoint: self.endpoint.name.clone(),
            source: Box::new(source),
        };
        let resource = plan
            .resources
            .first()
            .ok_or_else(|| failed(extract::Error::Stopped))?;
        let first = FirstAnswer::fetch(self.client, resource)
            .await
            .map_err(failed)?;
        let no_records = |missing| Error::NoRecords {
            endpoint: self.endpoint.name.clone(),
            excerpt: first.excerpt.clone(),
            missing,
        };
        let records = find_records(first.body(), self.endpoint).map_err(no_records)?;
        let mut sample = Sample::default();
        sample.add(1, first.body(), &records.ranges);
        let mut found = Discovered {
            records: records.finding.clone(),
            other_records: records.others.clone(),
            paging: Paging::NoneSeen(String::new()),
            primary_key: None,
            cursor: None,
            times: Vec::new(),
        };
        found.paging = self
            .find_paging(&found, &first, &records, &mut sample)
            .await?;
        found.primary_key = key::find(
            &sample,
            &[&self.endpoint.name, last_key(records.selector.as_str())],
        );
        found.cursor = cursor::find(&sample);
        found.times = times::find(&sample);
        Ok(found)
    }

    /// Tries ways of paging until one is proven. What is tried is what the answer shows; what is only usual is taken where
    /// it brings more records.
    async fn find_paging(
        &self,
        found: &Discovered,
        first: &FirstAnswer,
        records: &RecordsFound,
        sample: &mut Sample,
    ) -> Result<Paging, Error> {
        let suggestions = first.suggest_paginators(&records.selector, &records.ranges);
        let first_record = records.ranges.first();
        let first_record = first_record.and_then(|range| first.body().get(range.clone()));
        let mut doubtful = None;
        for way in suggestions.ways.into_iter().take(MOST_WAYS) {
            let Suggestion {
                spec,
                evidence,
                is_shown,
            } = way;
            let (pages, outcome, certainty) = match self.try_out(found, &spec, first_record).await?
            {
                Trial::Proven { pages, more } => {
                    let outcome = format!("page 2 brought {}", count(more, "other record"));
                    (pages, outcome, Certainty::Certain)
                }
                Trial::OnePage(pages) if is_shown => {
                    let outcome = "all records came on page 1, so that there was no page 2 to try";
                    (pages, outcome.to_owned(), Certainty::Likely)
                }
                Trial::Failed(reason) if is_shown => {
                    doubtful.get_or_insert_with(|| Finding {
                        value: spec,
                        evidence: format!("{evidence}; but trying it out failed: {reason}"),
                        certainty: Certainty::Guess,
                    });
                    continue;
                }
                Trial::OnePage(_) | Trial::Failed(_) => continue,
            };
            *sample = Sample::default();
            for page in &pages {
                sample.add(page.number, &page.body, &page.records);
            }
            return Ok(Paging::Found(Finding {
                value: spec,
                evidence: format!("{evidence}; {outcome}"),
                certainty,
            }));
        }
        Ok(match (doubtful, suggestions.more_is_promised) {
            (Some(doubtful), _) => Paging::Found(doubtful),
            (None, Some(promise)) => Paging::Unknown(promise),
            (None, None) => {
                let came = count(sample.records.len(), "record");
                Paging::NoneSeen(format!("nothing tells of more than the {came} that came"))
            }
        })
    }

    /// Reads the first pages as a run of the spec would.
    async fn try_out(
        &self,
        found: &Discovered,
        paginator: &str,
        first_record: Option<&[u8]>,
    ) -> Result<Trial, Error> {
        let mut found = found.clone();
        found.paging = Paging::Found(Finding {
            value: paginator.to_owned(),
            evidence: String::new(),
            certainty: Certainty::Guess,
        });
        let plan = plan(&self.setup, &[Some(found)], self.variables)?;
        let Some(resource) = plan.resources.first() else {
            return Ok(Trial::Failed("there is no resource".to_owned()));
        };
        let (pages, read) = read_pages(self.client, resource, PAGES_TRIED).await;
        if let Err(error) = read {
            return Ok(Trial::Failed(whole_story(&error.source)));
        }
        Ok(Trial::judge(pages, first_record))
    }
}

/// A failure and its causes on one line.
fn whole_story(error: &extract::Error) -> String {
    let mut text = told(error);
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
