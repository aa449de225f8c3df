//! Compiling `response_actions`.

use std::time::Duration;

use http::HeaderName;
use regex::Regex;

use super::client::{fixed, header_name};
use super::expression::Expression;
use super::mistakes::{Mistakes, Place, Reported};
use crate::spec::{Action, HeaderWait, ResponseAction, Wait, WaitFormat};

/// The names that a condition may use.
const NAMES: [&str; 4] = ["status", "headers", "body", "text"];

/// What is done about the answers that fit.
#[derive(Clone, Debug)]
pub struct ResponseActionPlan {
    /// Which answers are meant.
    pub condition: AnswerCondition,
    /// What is done about them.
    pub reaction: Reaction,
}

/// Which answers are meant: all that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct AnswerCondition {
    /// Ranges of statuses, both ends included; empty: any.
    pub statuses: Vec<(u16, u16)>,
    /// Text that the body holds.
    pub content: Option<String>,
    /// Over `status`, `headers`, `body` and `text`.
    pub when: Option<Expression>,
}

/// What is done about an answer.
#[derive(Clone, Debug)]
pub enum Reaction {
    /// Ends the series without this answer.
    Ignore,
    /// Ends the series with this answer, where it is a success.
    Stop,
    /// Is an error at once.
    Fail {
        /// What the error says.
        message: Option<String>,
    },
    /// Sends the request again.
    Retry {
        /// After which wait.
        wait: WaitPlan,
        /// Tries in all; `None`: those of the retry plan.
        max_attempts: Option<u32>,
        /// Whether all other requests wait too.
        everybody: bool,
    },
    /// Sends the request again with a fresh token.
    RefreshToken {
        /// Tries in all; at least 1.
        max_attempts: u32,
    },
}

/// How long to wait before the next try.
#[derive(Clone, Debug)]
pub enum WaitPlan {
    /// What `Retry-After` says, else a growing time.
    Usual,
    /// That long.
    Fixed(Duration),
    /// What a header says, else a growing time.
    Header {
        /// The header.
        name: HeaderName,
        /// How it says it; `None`: seconds or an HTTP date.
        format: Option<WaitFormat>,
        /// Its first group, else its match, is the value; `None`: the whole header.
        pattern: Option<Regex>,
        /// The longest wait; `None`: that of the retry plan.
        longest: Option<Duration>,
    },
}

/// Tries of a request with `refresh_token`, unless the spec says otherwise: one with the token at hand, one with a
/// fresh one.
const REFRESH_ATTEMPTS: u32 = 2;

/// The entries that can be compiled; the others are reported. `renews_tokens` says whether there is a token to renew.
pub(super) fn compile(
    actions: &[ResponseAction],
    renews_tokens: bool,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Vec<ResponseActionPlan> {
    let mut plans = Vec::with_capacity(actions.len());
    for (index, action) in actions.iter().enumerate() {
        let place = place.index(index);
        let condition = condition(action, &place, mistakes);
        let reaction = reaction(action, renews_tokens, &place, mistakes);
        if let (Ok(condition), Ok(reaction)) = (condition, reaction) {
            plans.push(ResponseActionPlan {
                condition,
                reaction,
            });
        }
    }
    plans
}

fn wrong(
    mistakes: &mut Mistakes,
    place: &Place,
    message: impl Into<String>,
    help: &str,
) -> Reported {
    mistakes.add("plan::response_action", place, message, help.to_owned())
}

fn condition(
    action: &ResponseAction,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<AnswerCondition, Reported> {
    let statuses = action.status_code.as_ref().map(|ranges| &ranges.0);
    let says_nothing = statuses.is_none_or(Vec::is_empty)
        && action.content.as_deref().is_none_or(str::is_empty)
        && action.when.is_none();
    if says_nothing {
        let message = "nothing says which answers are meant: it would hold for every one";
        let help = "give `status_code`, `content` or `when`";
        return Err(wrong(mistakes, place, message, help));
    }
    let when = match &action.when {
        None => None,
        Some(text) => Some(Expression::parse(text, &NAMES).map_err(|error| {
            let help = "a condition is over `status`, `headers`, `body` and `text`, such as `body.error.code == 'busy'`";
            wrong(mistakes, &place.key("when"), error.to_string(), help)
        })?),
    };
    Ok(AnswerCondition {
        statuses: statuses
            .into_iter()
            .flatten()
            .map(|range| (range.first, range.last))
            .collect(),
        content: action.content.clone(),
        when,
    })
}

fn reaction(
    action: &ResponseAction,
    renews_tokens: bool,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Reaction, Reported> {
    let waits = matches!(action.action, Action::Retry | Action::RateLimited);
    let repeats = waits || action.action == Action::RefreshToken;
    if action.wait.is_some() && !waits {
        let help = "`wait` is for `retry` and `rate_limited`";
        let message = "this action doesn't wait";
        return Err(wrong(mistakes, &place.key("wait"), message, help));
    }
    if action.max_attempts.is_some() && !repeats {
        let help = "`max_attempts` is for `retry`, `rate_limited` and `refresh_token`";
        let message = "this action doesn't send the request again";
        return Err(wrong(mistakes, &place.key("max_attempts"), message, help));
    }
    if action.max_attempts == Some(0) {
        let message = "`max_attempts` counts the first try too, and must be at least 1";
        let help = "leave it out for the default";
        return Err(wrong(mistakes, &place.key("max_attempts"), message, help));
    }
    if action.message.is_some() && action.action != Action::Fail {
        let help = "`message` is for `fail`";
        let message = "this action has no error to say it";
        return Err(wrong(mistakes, &place.key("message"), message, help));
    }
    Ok(match action.action {
        Action::Ignore => Reaction::Ignore,
        Action::Stop => Reaction::Stop,
        Action::Fail => Reaction::Fail {
            message: action.message.clone(),
        },
        Action::Retry | Action::RateLimited => Reaction::Retry {
            wait: wait(action.wait.as_ref(), &place.key("wait"), mistakes)?,
            max_attempts: action.max_attempts,
            everybody: action.action == Action::RateLimited,
        },
        Action::RefreshToken if renews_tokens => Reaction::RefreshToken {
            max_attempts: action.max_attempts.unwrap_or(REFRESH_ATTEMPTS),
        },
        Action::RefreshToken => {
            let message = "there is no token that could be renewed";
            let help = "`refresh_token` is for `auth: { type: oauth2_client_credentials, … }`";
            return Err(wrong(mistakes, &place.key("action"), message, help));
        }
    })
}

fn wait(wait: Option<&Wait>, place: &Place, mistakes: &mut Mistakes) -> Result<WaitPlan, Reported> {
    match wait {
        None => Ok(WaitPlan::Usual),
        Some(Wait::Fixed(span)) => fixed(span, place, mistakes).map(WaitPlan::Fixed),
        Some(Wait::Header(header)) => header_wait(header, place, mistakes),
    }
}

fn header_wait(
    header: &HeaderWait,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<WaitPlan, Reported> {
    let name = header_name(&header.header, &place.key("header"), mistakes)?;
    let pattern = match &header.regex {
        None => None,
        Some(text) => Some(Regex::new(text).map_err(|error| {
            let message = format!("the regular expression can't be read: {}", one_line(&error));
            let help = "the syntax is that of Rust's `regex`, which is Perl's without look-around";
            wrong(mistakes, &place.key("regex"), message, help)
        })?),
    };
    let longest = match &header.max {
        None => None,
        Some(span) => Some(fixed(span, &place.key("max"), mistakes)?),
    };
    Ok(WaitPlan::Header {
        name,
        format: header.format,
        pattern,
        longest,
    })
}

/// The last line of a parser's message, which says what is wrong.
fn one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().next_back().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}
