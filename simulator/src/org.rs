//! The org: everything that its endpoints share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::HeaderMap;

use crate::bus::{Bus, Stream};
use crate::channel::{self, KNOWN};
use crate::counters::{Counters, add};
use crate::fault::Faults;
use crate::lock::lock;
use crate::oauth::{Codes, Once};
use crate::object::{Definition, Definitions};
use crate::options::Options;
use crate::policy::{Policies, Policy};
use crate::quota::Quota;
use crate::record::Records;
use crate::routing::Routes;
use crate::session::{Interrupt, Session, Sessions};
use crate::streaming::Behaviour;
use crate::token::{Denied, Tokens};
use crate::user::Attempts;

/// An org on localhost. Clones are the same org; serving it again after a shutdown continues with what it had.
#[derive(Clone, Debug)]
pub struct Simulator(Arc<Org>);

/// What a [`Simulator`] is made of.
#[derive(Debug)]
pub(crate) struct Org {
    pub(crate) options: Options,
    pub(crate) bus: Bus,
    pub(crate) definitions: Definitions,
    pub(crate) sessions: Sessions,
    pub(crate) tokens: Tokens,
    pub(crate) codes: Codes,
    pub(crate) assertions: Once,
    pub(crate) policies: Policies,
    pub(crate) attempts: Attempts,
    pub(crate) faults: Faults,
    pub(crate) counters: Counters,
    pub(crate) accepted: crate::rest::Accepted,
    pub(crate) records: Records,
    pub(crate) cursors: crate::rest::Cursors,
    pub(crate) quota: Quota,
    /// The allocation of delivered platform and change events.
    pub(crate) delivered: Quota,
    pub(crate) streaming: Behaviour,
    pub(crate) routes: Routes,
    id: Mutex<String>,
    /// When it came to be.
    pub(crate) since: jiff::Timestamp,
}

impl Simulator {
    /// An org with the channels that every simulator knows and those of the options. Names that cannot be channels are
    /// left out with a warning.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let bus = Bus::new(options.seed, options.retention);
        let definitions = Definitions::new();
        for channel in KNOWN.into_iter().chain(options.channels.iter().map(String::as_str)) {
            if !bus.add(channel) {
                tracing::warn!(channel, "not a channel name: it must begin with /data/, /event/, /topic/ or /u/");
            }
            if let Some(name) = channel.strip_prefix("/event/")
                && name.ends_with("__e")
                && channel::kind(channel).is_some()
                && definitions.find(name).is_none()
            {
                definitions.define(Definition::standard(channel));
            }
        }
        Self(Arc::new(Org {
            bus,
            definitions,
            sessions: Sessions::default(),
            tokens: Tokens::default(),
            codes: Codes::default(),
            assertions: Once::default(),
            policies: Policies::default(),
            attempts: Attempts::default(),
            faults: Faults::default(),
            counters: Counters::default(),
            accepted: crate::rest::Accepted::default(),
            records: Records::default(),
            cursors: crate::rest::Cursors::default(),
            quota: Quota::new(options.api_max, SMALL_ORG_REQUESTS),
            delivered: Quota::new(None, SMALL_ORG_DELIVERIES),
            streaming: Behaviour::new(&options),
            routes: Routes::default(),
            id: Mutex::new(options.org_id.clone()),
            since: jiff::Timestamp::now(),
            options,
        }))
    }

    pub(crate) fn org(&self) -> &Arc<Org> {
        &self.0
    }
}

impl Org {
    /// Lets a data call in: with a valid token, and at the instance that logins name.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<String, Denied> {
        let token = self.tokens.admit(headers)?;
        if self.policies.is_instance(headers) { Ok(token) } else { Err(Denied::Invalid) }
    }

    /// How long a token lives without use.
    pub(crate) fn session_length(&self, policy: &Policy) -> Duration {
        policy.session_seconds.map_or(self.options.token_idle, Duration::from_secs)
    }

    /// The org's 18-character id.
    pub(crate) fn id(&self) -> String {
        lock(&self.id).clone()
    }

    /// The org's 15-character id.
    pub(crate) fn short_id(&self) -> String {
        self.id().chars().take(15).collect()
    }

    pub(crate) fn change_id(&self, id: &str) {
        id.clone_into(&mut lock(&self.id));
    }

    /// Counts delivered events where they count.
    pub(crate) fn count_delivered(&self, counts: &[(Arc<Stream>, u64)]) {
        self.delivered.add(counts.iter().filter(|(stream, _)| stream.is_metered()).map(|(_, count)| count).sum());
    }

    /// The server ends a session before its time.
    pub(crate) fn end(&self, session: &Session, why: Interrupt) {
        self.sessions.close(session, why);
        add(&self.counters.ended, 1);
    }

    /// Ends sessions that were silent for too long, and lets go of events that nobody can ask for any more.
    pub(crate) fn tidy(&self) {
        for session in self.sessions.silent(self.options.expiry) {
            tracing::info!(client = session.client_id, "session expired");
            self.sessions.close(&session, Interrupt::Unknown);
            add(&self.counters.expired, 1);
        }
        let sessions = self.sessions.all();
        for stream in self.bus.streams() {
            stream.trim(sessions.iter().filter_map(|session| session.place(&stream)).min());
        }
    }

    /// How often to tidy: often enough that an expiry is punctual, whatever its length.
    pub(crate) fn tidy_every(&self) -> Duration {
        (self.options.expiry.min(self.options.retention) / 4).clamp(Duration::from_millis(5), Duration::from_secs(1))
    }
}

/// What a small org shows while nothing is enforced.
const SMALL_ORG_REQUESTS: u64 = 15_000;
const SMALL_ORG_DELIVERIES: u64 = 50_000;
