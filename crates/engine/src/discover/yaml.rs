//! YAML with comments.

use std::fmt::Write as _;

use super::finding::{Certainty, Finding};

/// Columns that a line of comment fills.
const WIDTH: usize = 110;

/// A document that grows line by line.
#[derive(Default)]
pub(super) struct Yaml {
    pub(super) text: String,
    /// What holds for each resource is explained at the first one.
    pub(super) teaches: bool,
}

impl Yaml {
    /// A line of so many steps to the right.
    pub(super) fn line(&mut self, level: usize, text: &str) {
        if !text.is_empty() {
            self.text.push_str(&"  ".repeat(level));
        }
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Text in lines that begin with `#`.
    pub(super) fn comment(&mut self, level: usize, text: &str) {
        let text = one_line(text);
        let mut line = String::from("#");
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            if line.len() > 1 && line.chars().count() + word.chars().count() >= WIDTH {
                self.line(level, &line);
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        self.line(level, &line);
    }

    /// A comment that the first resource alone gets.
    pub(super) fn lesson(&mut self, level: usize, text: &str) {
        if self.teaches {
            self.comment(level, text);
        }
    }

    /// Why what follows is so.
    pub(super) fn finding<T>(&mut self, level: usize, finding: &Finding<T>) {
        let certainty = capital(finding.certainty);
        self.comment(level, &format!("{certainty}: {}.", finding.evidence));
    }
}

/// A text as YAML reads it back, also within `{ }` and `[ ]`, and as the spec takes it: without variables.
pub(super) fn scalar(text: &str) -> String {
    let is_plain_letter = |letter: char| {
        letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '/' | '-' | '$' | '*')
    };
    let begins_plainly = text.starts_with(|letter: char| {
        letter.is_ascii_alphabetic() || matches!(letter, '_' | '$' | '.' | '/')
    });
    let is_word = !matches!(
        text.to_ascii_lowercase().as_str(),
        "true"
            | "false"
            | "null"
            | "yes"
            | "no"
            | "on"
            | "off"
            | "y"
            | "n"
            | ".nan"
            | ".inf"
            | "."
            | "---"
            | "..."
    );
    let is_number = text.parse::<f64>().is_ok();
    if begins_plainly && is_word && !is_number && text.chars().all(is_plain_letter) {
        return text.to_owned();
    }
    let mut quoted = String::from('"');
    for letter in text.replace("${", "$${").chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            _ if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                write!(quoted, "\\u{:04x}", u32::from(letter))
                    .expect("writing to a string does not fail");
            }
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// A text from outside, as a comment can hold it.
fn one_line(text: &str) -> String {
    let breaks = |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
    text.replace(breaks, " ")
}

/// One value alone, or a list of several.
pub(super) fn list(values: &[String]) -> String {
    if let [only] = values {
        return scalar(only);
    }
    let texts: Vec<String> = values.iter().map(|text| scalar(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// Texts as prose names them.
pub(super) fn ticked(texts: &[String]) -> String {
    let texts: Vec<String> = texts
        .iter()
        .map(|text| format!("`{}`", one_line(text)))
        .collect();
    texts.join(", ")
}

fn capital(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Certain => "Certain",
        Certainty::Likely => "Likely",
        Certainty::Guess => "A guess",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>(), key in "\\PC{1,9}") {
            let quoted = scalar(&text);
            let yaml = format!("a: {{ {}: {quoted} }}\nb: [{quoted}, {quoted}]\n", scalar(&key));
            let read: serde_yaml::Value = serde_yaml::from_str(&yaml).unwrap();
            let expected = text.replace("${", "$${");
            prop_assert_eq!(read["a"][key.replace("${", "$${").as_str()].as_str().unwrap(), &expected);
            prop_assert_eq!(read["b"][1].as_str().unwrap(), &expected);
        }

        #[test]
        fn a_comment_stays_one(text in any::<String>()) {
            let mut yaml = Yaml::default();
            yaml.comment(1, &text);
            yaml.line(0, "a: 1");
            let read: serde_yaml::Value = serde_yaml::from_str(&yaml.text).unwrap();
            prop_assert_eq!(read.as_mapping().unwrap().len(), 1);
            let lines: Vec<&str> = yaml.text.lines().collect();
            let (last, comments) = lines.split_last().unwrap();
            prop_assert_eq!(*last, "a: 1");
            prop_assert!(comments.iter().all(|line| line.starts_with("  #")));
        }
    }
}
