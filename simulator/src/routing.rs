//! The cookie by which a load balancer finds the server that has a session. When its time is over, the balancer sends
//! the client elsewhere, where nobody knows the session; and a client that shakes hands with a stale one is sent to a
//! server that forgets it at once.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::lock::lock;

/// The routes that were given out.
#[derive(Debug, Default)]
pub(crate) struct Routes(Mutex<HashMap<String, Instant>>);

/// How a session is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// By whatever request.
    Any,
    /// By requests with this cookie, until then.
    To(String, Instant),
    /// By none.
    Nowhere,
}

impl Routes {
    /// The route of a new session whose handshake came with that cookie, and the cookie to set, if there is one.
    pub(crate) fn open(&self, life: Option<Duration>, cookie: Option<&str>) -> (Route, Option<String>) {
        let Some(life) = life else { return (Route::Any, None) };
        let now = Instant::now();
        let mut routes = lock(&self.0);
        routes.retain(|_, until| *until > now);
        match cookie {
            Some(cookie) => {
                let route = routes.get(cookie).map(|until| Route::To(cookie.to_owned(), *until));
                (route.unwrap_or(Route::Nowhere), None)
            }
            None => {
                let value = Uuid::new_v4().simple().to_string();
                let until = now + life;
                routes.insert(value.clone(), until);
                let seconds = life.as_secs() + u64::from(life.subsec_nanos() > 0);
                let cookie = format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly");
                (Route::To(value, until), Some(cookie))
            }
        }
    }
}

impl Route {
    /// Whether a request with that cookie finds the session.
    pub(crate) fn is_found_by(&self, cookie: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::To(value, until) => cookie == Some(value) && Instant::now() < *until,
            Self::Nowhere => false,
        }
    }
}

/// Its name, as it was seen.
pub(crate) const COOKIE: &str = "sfdc-stream";
