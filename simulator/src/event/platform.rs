//! Platform events: the fields of the event's definition, all of them, those without a value as null.

use rand::rngs::StdRng;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::padding::pad;
use super::{Made, Stamp, put, uuid};
use crate::identifier;
use crate::object::{Definition, FieldType};

/// Events of one definition.
#[derive(Debug)]
pub(super) struct Platform {
    schema: String,
    fields: Vec<(String, Content)>,
    uuid: Option<Uuid>,
}

#[derive(Debug)]
enum Content {
    /// As it came.
    Given(String),
    /// The running number.
    Number,
    /// The running number as text, at most so long.
    Text(usize),
    /// Padding, at most so long.
    Padding(usize),
}

impl Platform {
    /// Invented events: numbers get the running number, the longest text the padding.
    pub(super) fn invented(channel: &str, definition: Option<&Definition>) -> Self {
        let standard = Definition::standard(channel);
        let definition = definition.unwrap_or(&standard);
        let longest =
            definition.fields.iter().filter(|field| field.of == FieldType::Text).max_by_key(|field| field.length);
        let content = |name: &str, of: FieldType, length: usize| match of {
            FieldType::Number => Content::Number,
            FieldType::Boolean => Content::Given("true".to_owned()),
            FieldType::Text if longest.is_some_and(|field| field.name == name) => Content::Padding(length),
            FieldType::Text => Content::Text(length),
        };
        let fields = definition.fields.iter();
        Self {
            schema: definition.schema_id(),
            fields: fields.map(|field| (field.name.clone(), content(&field.name, field.of, field.length))).collect(),
            uuid: None,
        }
    }

    /// The one event that was accepted with these fields.
    pub(super) fn accepted(definition: &Definition, fields: &Map<String, Value>, uuid: Uuid) -> Self {
        let content = |name: &str| Content::Given(fields.get(name).unwrap_or(&Value::Null).to_string());
        let fields = definition.fields.iter().map(|field| (field.name.clone(), content(&field.name))).collect();
        Self { schema: definition.schema_id(), fields, uuid: Some(uuid) }
    }

    pub(super) fn render(
        &self,
        out: &mut Vec<u8>,
        number: u64,
        replay_id: i64,
        stamp: &Stamp,
        length: usize,
        random: &mut StdRng,
    ) -> Made {
        put(
            out,
            format_args!(
                r#"{{"schema":"{}","payload":{{"CreatedDate":"{}","CreatedById":"{}""#,
                self.schema,
                stamp.text,
                identifier::USER
            ),
        );
        for (name, content) in &self.fields {
            put(out, format_args!(r#","{name}":"#));
            match content {
                Content::Given(value) => out.extend_from_slice(value.as_bytes()),
                Content::Number => put(out, format_args!("{number}")),
                Content::Text(longest) => {
                    let text: String = number.to_string().chars().take(*longest).collect();
                    put(out, format_args!(r#""{text}""#));
                }
                Content::Padding(longest) => {
                    out.push(b'"');
                    pad(out, number, length.min(*longest));
                    out.push(b'"');
                }
            }
        }
        let uuid = self.uuid.unwrap_or_else(|| uuid(random));
        put(out, format_args!(r#"}},"event":{{"EventUuid":"{uuid}","replayId":{replay_id}}}}}"#));
        (Some(uuid), None)
    }
}
