//! The XML of `login()`: what is said, and what comes back (the partner WSDL).

use std::collections::HashMap;

use bytes::Bytes;
use quick_xml::{Reader, events::Event};
use secrecy::zeroize::Zeroizing;

use crate::Secret;

/// The message that asks for a session. It is wiped once it is sent.
pub(super) fn envelope(username: &str, password: &Secret) -> Bytes {
    let username = quick_xml::escape::escape(username);
    let password = Zeroizing::new(quick_xml::escape::escape(password.expose()).into_owned());
    Bytes::from_owner(Zeroizing::new([HEAD, &*username, MIDDLE, password.as_str(), TAIL].concat()))
}

/// What comes back.
pub(super) enum Answer {
    Fault {
        /// Without a prefix.
        code: String,
        message: String,
    },
    Granted(Granted),
}

/// The parts of `loginResponse` that are used.
pub(super) struct Granted {
    pub(super) session_id: Secret,
    pub(super) server_url: String,
    pub(super) organization_id: String,
    pub(super) user_id: String,
    pub(super) session_seconds: Option<u64>,
    pub(super) password_expired: bool,
}

/// Reads an answer; `None` if it is no answer of SOAP's to a login.
pub(super) fn read(xml: &str) -> Option<Answer> {
    let mut texts = match texts(xml) {
        Some(texts) => texts,
        None if begins_a_fault(xml) => return Some(Answer::Fault { code: NO_CODE.into(), message: String::new() }),
        None => return None,
    };
    if texts.contains_key("Fault") {
        let code = texts.remove("exceptionCode").or_else(|| texts.remove("faultcode"));
        let code = code.filter(|code| !code.is_empty()).unwrap_or_else(|| NO_CODE.into());
        let message = texts.remove("exceptionMessage").or_else(|| texts.remove("faultstring")).unwrap_or_default();
        // The code comes with the prefix of its namespace and without, and may stand before the message once more.
        let message = message.strip_prefix(&format!("{code}: ")).unwrap_or(&message).to_owned();
        let code = code.rsplit(':').next().unwrap_or_default().to_owned();
        return Some(Answer::Fault { code, message });
    }
    Some(Answer::Granted(Granted {
        session_id: texts.remove("sessionId").filter(|id| !id.is_empty())?.into(),
        server_url: texts.remove("serverUrl")?,
        organization_id: texts.remove("organizationId")?,
        user_id: texts.remove("userId")?,
        session_seconds: texts.remove("sessionSecondsValid").and_then(|text| text.parse().ok()),
        password_expired: texts.remove("passwordExpired").is_some_and(|text| text == "true"),
    }))
}

/// The first text of each element of an envelope, by its name without prefix: no two that are used share a name and
/// differ. `None` if it is no envelope, or not well-formed.
fn texts(xml: &str) -> Option<HashMap<String, String>> {
    let mut reader = Reader::from_str(xml);
    let mut texts = HashMap::new();
    let mut open: Vec<(String, String)> = Vec::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                let name = start.local_name().as_ref().to_owned();
                if open.is_empty() && name != "Envelope" {
                    return None;
                }
                open.push((name, String::new()));
            }
            Event::End(_) => {
                let (name, text) = open.pop()?;
                texts.entry(name).or_insert_with(|| text.trim().to_owned());
            }
            Event::Text(text) => push(&mut open, &text.xml10_content()),
            Event::CData(text) => push(&mut open, &text.xml10_content()),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
                Some(character) => push(&mut open, character.encode_utf8(&mut [0; 4])),
                None => push(&mut open, quick_xml::escape::resolve_predefined_entity(&reference.xml10_content())?),
            },
            Event::Eof => return (open.is_empty() && texts.contains_key("Body")).then_some(texts),
            Event::Empty(element) if !open.is_empty() => {
                texts.entry(element.local_name().as_ref().to_owned()).or_default();
            }
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// Whether an envelope that was cut off, or is damaged, holds a refusal: the password is not to be sent once more.
fn begins_a_fault(xml: &str) -> bool {
    xml.contains("Envelope") && (xml.contains("<Fault") || xml.contains(":Fault"))
}

fn push(open: &mut [(String, String)], more: &str) {
    if let Some((_, text)) = open.last_mut() {
        text.push_str(more);
    }
}

const HEAD: &str = r#"<?xml version="1.0" encoding="utf-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com"><soapenv:Body><urn:login><urn:username>"#;
const MIDDLE: &str = "</urn:username><urn:password>";
const TAIL: &str = "</urn:password></urn:login></soapenv:Body></soapenv:Envelope>";

/// Said of a fault whose code cannot be read.
const NO_CODE: &str = "Fault";
