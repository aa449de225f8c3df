//! What `engine init` asks on a terminal.

use std::io::{ErrorKind, IsTerminal as _};
use std::path::Path;

use dialoguer::console::Term;
use dialoguer::theme::ColorfulTheme;
use dialoguer::{Input, Password, Select};
use engine::discover::{Endpoint, Variable, check_name, existing};
use engine::spec::Secret;

use super::arguments::{Auth, InitArguments, KeyPlace};
use super::{FOLDER, interrupted};
use crate::failure::Failure;

/// The kinds of credentials in the order in which they are offered, and what they are.
const KINDS: [(Auth, &str); 5] = [
    (Auth::Bearer, "a token, sent as `Authorization: Bearer …`"),
    (Auth::ApiKey, "a key in a header or in the query"),
    (
        Auth::Basic,
        "a user name and a password, or a key as the user name",
    ),
    (
        Auth::Oauth2,
        "a client id and a secret, for which a token is fetched (OAuth 2)",
    ),
    (Auth::None, "no credentials"),
];

/// Whether somebody is there to answer.
pub(super) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for what the arguments lack.
pub(super) fn complete(mut arguments: InitArguments) -> Result<InitArguments, Failure> {
    if arguments.name.is_none() {
        arguments.name = Some(name(arguments.force)?);
    }
    if arguments.base_url.is_none() {
        arguments.base_url = Some(text("Base URL of the API", "https://api.example.com/v1")?);
    }
    if arguments.auth.is_none() {
        ask_for_auth(&mut arguments)?;
    }
    while arguments.endpoints.is_empty() {
        arguments
            .endpoints
            .extend(endpoint("First path to read, such as `orders`", false)?);
        while let Some(another) = endpoint("Another path (empty: no more)", true)? {
            arguments.endpoints.push(another);
        }
    }
    Ok(arguments)
}

/// Asks for a secret, which is not shown while it is typed. Empty where it may be.
pub(super) fn secret(variable: &Variable) -> Result<Secret, Failure> {
    let prompt = format!("{} ({})", variable.name, variable.meaning);
    let answer = Password::with_theme(&ColorfulTheme::default())
        .with_prompt(prompt)
        .allow_empty_password(variable.is_optional)
        .interact();
    answer.map(Secret::new).map_err(unanswered)
}

fn ask_for_auth(arguments: &mut InitArguments) -> Result<(), Failure> {
    let kind = select("Credentials", &KINDS.map(|(_, meaning)| meaning))?;
    let auth = KINDS.get(kind).map_or(Auth::None, |(auth, _)| *auth);
    arguments.auth = Some(auth);
    if auth == Auth::ApiKey {
        if arguments.key_in.is_none() {
            let places = [KeyPlace::Header, KeyPlace::Query, KeyPlace::Cookie];
            let place = select(
                "Where is the key sent",
                &["in a header", "in the query", "in a cookie"],
            )?;
            arguments.key_in = places.get(place).copied();
        }
        if arguments.key_name.is_none() {
            arguments.key_name = Some(text("Its name there", "X-Api-Key")?);
        }
    }
    if auth == Auth::Oauth2 && arguments.token_url.is_none() {
        let example = "https://login.example.com/oauth/token";
        arguments.token_url = Some(text("URL of the token endpoint", example)?);
    }
    Ok(())
}

fn name(may_be_there: bool) -> Result<String, Failure> {
    let answer = Input::<String>::with_theme(&ColorfulTheme::default())
        .with_prompt("Name of the pipeline, such as `github`")
        .validate_with(|name: &String| {
            check_name(name).map_err(|error| error.to_string())?;
            let there = existing(Path::new(FOLDER), name).filter(|_| !may_be_there);
            there.map_or(Ok(()), |error| Err(error.to_string()))
        })
        .interact_text();
    answer.map_err(unanswered)
}

fn text(prompt: &str, example: &str) -> Result<String, Failure> {
    let answer = Input::<String>::with_theme(&ColorfulTheme::default())
        .with_prompt(format!("{prompt}, such as `{example}`"))
        .interact_text();
    answer
        .map(|text| text.trim().to_owned())
        .map_err(unanswered)
}

fn endpoint(prompt: &str, may_be_empty: bool) -> Result<Option<String>, Failure> {
    let answer = Input::<String>::with_theme(&ColorfulTheme::default())
        .with_prompt(prompt)
        .allow_empty(may_be_empty)
        .validate_with(|text: &String| match text.trim() {
            "" => Ok(()),
            text => Endpoint::parse(text).map(drop),
        })
        .interact_text();
    let answer = answer.map_err(unanswered)?.trim().to_owned();
    Ok(Some(answer).filter(|path| !path.is_empty()))
}

fn select(prompt: &str, choices: &[&str]) -> Result<usize, Failure> {
    let answer = Select::with_theme(&ColorfulTheme::default())
        .with_prompt(prompt)
        .items(choices)
        .default(0)
        .interact();
    answer.map_err(unanswered)
}

/// The terminal has gone, or the user wants no more.
fn unanswered(error: dialoguer::Error) -> Failure {
    let dialoguer::Error::IO(error) = error;
    // A terminal that is gone has no cursor.
    drop(Term::stderr().show_cursor());
    let is_wanted = error.kind() == ErrorKind::Interrupted;
    interrupted(Some(error).filter(|_| !is_wanted))
}
