//! A record on its way out, and one that came in.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers};

/// A record to be written. Everything is borrowed: librdkafka makes the one copy.
#[derive(Debug, Clone, Copy, Default)]
pub struct Record<'a> {
    /// The topic, which must exist.
    pub topic: &'a str,
    /// Records with the same key go to the same partition, the one every JVM producer chooses. `None`: any partition.
    pub key: Option<&'a [u8]>,
    /// The partition, where the caller chooses it.
    pub partition: Option<i32>,
    /// What it says.
    pub value: &'a [u8],
    /// When it happened, in milliseconds since 1970. `None`, or 0, which librdkafka cannot tell from it: now.
    pub time_ms: Option<i64>,
    /// Names and values, in this order.
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// A header of a consumed record: its name, and its value unless that is null.
pub type Header = (String, Option<Bytes>);

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumed {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its partition.
    pub partition: i32,
    /// Its offset in the partition.
    pub offset: i64,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Its headers, in their order.
    pub headers: Vec<Header>,
    /// Its time in milliseconds since 1970, given by its producer or its broker as the topic is configured.
    pub time_ms: Option<i64>,
}

/// Copies records out of librdkafka's memory, and keeps one name per topic.
#[derive(Default)]
pub(crate) struct Copier {
    topics: HashSet<Arc<str>>,
}

impl Copier {
    pub(crate) fn copy(&mut self, message: &BorrowedMessage<'_>) -> Consumed {
        Consumed {
            topic: self.topic(message.topic()),
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(Bytes::copy_from_slice),
            value: message.payload().map(Bytes::copy_from_slice),
            headers: message.headers().map(headers).unwrap_or_default(),
            time_ms: message.timestamp().to_millis(),
        }
    }

    fn topic(&mut self, name: &str) -> Arc<str> {
        if let Some(topic) = self.topics.get(name) {
            return Arc::clone(topic);
        }
        let topic: Arc<str> = name.into();
        self.topics.insert(Arc::clone(&topic));
        topic
    }
}

fn headers(headers: &impl Headers) -> Vec<Header> {
    headers.iter().map(|header| (header.key.to_owned(), header.value.map(Bytes::copy_from_slice))).collect()
}
