//! Templates for topics and keys: text with `{placeholders}`.

use std::fmt::Write as _;

/// Text in which `{channel}` and the like stand for facts of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Fact(Fact),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fact {
    Channel,
    Event,
    Org,
    Feed,
    RecordId,
    ReplayId,
    Uuid,
}

/// What a template may speak of. An absent fact renders as nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// The channel, `/data/AccountChangeEvent`; in a topic it becomes `data.AccountChangeEvent`.
    pub channel: &'a str,
    /// The event's name: the changed entity, or the last part of the channel.
    pub event: &'a str,
    /// The org's 18-character id.
    pub org: &'a str,
    /// The feed's name.
    pub feed: &'a str,
    /// One record id of the event.
    pub record_id: Option<&'a str>,
    /// The event's replay id.
    pub replay_id: Option<&'a str>,
    /// The event's uuid.
    pub uuid: Option<&'a str>,
}

impl Template {
    /// Understands a topic template: facts that differ from event to event cannot name a topic.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn topic(text: &str) -> Result<Self, String> {
        let template = Self::parse(text, &TOPIC_FACTS)?;
        let mut rendered = String::new();
        template.render_topic(
            &Facts { channel: "/data/X", event: "X", org: "X", feed: "X", ..Facts::default() },
            &mut rendered,
        );
        check_topic(&rendered).map(|()| template)
    }

    /// Understands a key template.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn key(text: &str) -> Result<Self, String> {
        Self::parse(text, &KEY_FACTS)
    }

    fn parse(text: &str, known: &[(&str, Fact)]) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { return Err("`{` without `}`".to_owned()) };
            let Some((_, fact)) = known.iter().find(|(known, _)| *known == name) else {
                let known: Vec<String> = known.iter().map(|(name, _)| format!("{{{name}}}")).collect();
                return Err(format!("unknown placeholder `{{{name}}}`; known here: {}", known.join(", ")));
            };
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Fact(*fact));
            rest = after;
        }
        if rest.contains('}') {
            return Err("`}` without `{`".to_owned());
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if parts.is_empty() { Err("it is empty".to_owned()) } else { Ok(Self(parts)) }
    }

    /// Whether the topic is known from the channel alone, before an event has come.
    #[must_use]
    pub fn is_known_ahead(&self) -> bool {
        !self.has(Fact::Event)
    }

    /// Whether the org's id is part of it.
    #[must_use]
    pub fn names_the_org(&self) -> bool {
        self.has(Fact::Org)
    }

    /// Whether each record of an event gets a key of its own.
    #[must_use]
    pub fn is_by_record(&self) -> bool {
        self.has(Fact::RecordId)
    }

    fn has(&self, fact: Fact) -> bool {
        self.0.contains(&Part::Fact(fact))
    }

    /// Appends the topic's name; what cannot stand in one becomes `_`, a channel's slashes become dots.
    pub fn render_topic(&self, facts: &Facts<'_>, out: &mut String) {
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Fact(fact) => {
                    let value = facts.of(*fact).unwrap_or_default().trim_start_matches('/');
                    out.extend(value.chars().map(|character| match character {
                        '/' => '.',
                        character if is_legal(character) => character,
                        _ => '_',
                    }));
                }
            }
        }
    }

    /// Appends the key. False where a fact that it needs is absent: such a record has no key.
    #[must_use]
    pub fn render_key(&self, facts: &Facts<'_>, out: &mut String) -> bool {
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Fact(fact) => match facts.of(*fact) {
                    Some(value) => out.push_str(value),
                    None => return false,
                },
            }
        }
        true
    }
}

impl std::fmt::Display for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in &self.0 {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Fact(fact) => {
                    let name = KEY_FACTS.iter().find(|(_, known)| known == fact).map_or("", |(name, _)| name);
                    f.write_char('{')?;
                    f.write_str(name)?;
                    f.write_char('}')?;
                }
            }
        }
        Ok(())
    }
}

impl<'a> Facts<'a> {
    fn of(&self, fact: Fact) -> Option<&'a str> {
        match fact {
            Fact::Channel => Some(self.channel),
            Fact::Event => Some(self.event),
            Fact::Org => Some(self.org),
            Fact::Feed => Some(self.feed),
            Fact::RecordId => self.record_id,
            Fact::ReplayId => self.replay_id,
            Fact::Uuid => self.uuid,
        }
    }
}

/// Whether Kafka takes a topic's name: letters, digits, `.`, `_` and `-`, at most 249 of them, and not `.` nor `..`
/// (`org.apache.kafka.common.internals.Topic`).
pub(super) fn check_topic(name: &str) -> Result<(), String> {
    match name.chars().find(|&character| !is_legal(character)) {
        Some(illegal) => Err(format!("`{illegal}` cannot stand in a topic's name")),
        None if matches!(name, "" | "." | "..") => Err("it does not name a topic".to_owned()),
        None if name.len() > 249 => Err("a topic's name has 249 characters at most".to_owned()),
        None => Ok(()),
    }
}

fn is_legal(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')
}

const TOPIC_FACTS: [(&str, Fact); 4] =
    [("channel", Fact::Channel), ("event", Fact::Event), ("feed", Fact::Feed), ("org", Fact::Org)];
const KEY_FACTS: [(&str, Fact); 7] = [
    ("channel", Fact::Channel),
    ("event", Fact::Event),
    ("feed", Fact::Feed),
    ("org", Fact::Org),
    ("record_id", Fact::RecordId),
    ("replay_id", Fact::ReplayId),
    ("uuid", Fact::Uuid),
];
