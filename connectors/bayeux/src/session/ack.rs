//! The acknowledgement extension (CometD reference, "acknowledged messages extension"): with it a server keeps what it
//! sent until the next connect says that it has come, so that a connect whose answer was lost may be repeated.

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;

/// The number of the last batch that has come. It is the server's: kept as its text, never computed with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ack(String);

/// `ext.ack` of a reply: a number, or what a handshake offers.
#[derive(Deserialize)]
struct Ext<'a> {
    #[serde(borrow)]
    ack: &'a RawValue,
}

#[derive(Deserialize)]
struct Offer<'a> {
    #[serde(default)]
    enabled: bool,
    #[serde(borrow, default)]
    batch: Option<&'a RawValue>,
}

impl Ack {
    /// What a handshake's reply offers: `true`, or `{"enabled":true,"batch":N}`. `None`: the server has no such thing.
    pub(super) fn offered(ext: Option<&RawValue>) -> Option<Self> {
        let ack = of(ext)?;
        let begin = || Self("0".to_owned());
        match ack.get() {
            "true" => Some(begin()),
            _ => {
                let offer = serde_json::from_str::<Offer<'_>>(ack.get()).ok().filter(|offer| offer.enabled)?;
                Some(offer.batch.and_then(number).map_or_else(begin, Self))
            }
        }
    }

    /// A connect was answered, and its events are handed over: the number moves, where there is a new one.
    pub(super) fn answered(&mut self, ext: Option<&RawValue>) {
        if let Some(number) = of(ext).and_then(number) {
            self.0 = number;
        }
    }

    /// The `ext` of the next connect.
    pub(super) fn ext(&self) -> Option<Box<RawValue>> {
        RawValue::from_string(format!(r#"{{"ack":{}}}"#, self.0)).ok()
    }
}

/// A handshake's `ext` with the wish for acknowledgements in it.
pub(super) fn wished(ext: Option<&RawValue>) -> Option<Box<RawValue>> {
    let yes = RawValue::from_string("true".to_owned()).ok()?;
    let mut all: BTreeMap<String, &RawValue> = match ext {
        Some(ext) => serde_json::from_str(ext.get()).ok()?,
        None => BTreeMap::new(),
    };
    all.insert("ack".to_owned(), &yes);
    to_raw_value(&all).ok()
}

fn of(ext: Option<&RawValue>) -> Option<&RawValue> {
    ext.and_then(|ext| serde_json::from_str::<Ext<'_>>(ext.get()).ok()).map(|ext| ext.ack)
}

/// A whole number of any size, as it was written.
fn number(raw: &RawValue) -> Option<String> {
    let digits = raw.get().strip_prefix('-').unwrap_or(raw.get());
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| raw.get().to_owned())
}
