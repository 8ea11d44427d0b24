//! The table. Where two rows apply, the upper one does: what a server hides behind another error comes first.

use super::Then;
use super::sign::Sign;
use crate::feed::{Pace, Reason};
use bayeux::{Phase, Reconnect};

/// One row of the table.
pub(super) struct Row {
    /// Where it applies; `None`: anywhere.
    pub(super) phase: Option<Phase>,
    /// It applies if any of these does.
    pub(super) any: &'static [Sign],
    pub(super) then: Then,
}

const fn anywhere(any: &'static [Sign], then: Then) -> Row {
    Row { phase: None, any, then }
}

const fn at(phase: Phase, any: &'static [Sign], then: Then) -> Row {
    Row { phase: Some(phase), any, then }
}

pub(super) const TABLE: &[Row] = &[
    anywhere(
        &[Sign::TooLarge],
        Then::Fail(Reason::TooLarge, "raise `reply_limit` above the size of one reply; then restart"),
    ),
    anywhere(&[Sign::NoRoom], Then::Reopen(Reason::NoRoom, Pace::at_once(1, 60))),
    anywhere(
        &[
            Sign::Code(503),
            Sign::Disguised(503),
            Sign::Says(&["too busy"]),
            Sign::Says(&["limit the number of simultaneous connections"]),
            Sign::Page("server is too busy"),
        ],
        Then::Rest(Reason::Busy, Pace::growing(60, 300), BUSY),
    ),
    anywhere(
        &[Sign::Says(&["total events daily limit exceeded"])],
        Then::Rest(Reason::Limit, Pace::growing(300, 3600), DAILY_LIMIT),
    ),
    anywhere(
        &[Sign::Says(&["concurrent user limit exceeded"])],
        Then::Rest(Reason::Limit, Pace::growing(60, 600), CLIENT_LIMIT),
    ),
    // Of one topic: the other feeds of the org have nothing to do with it.
    anywhere(&[Sign::Says(&["subscription limit exceeded"])], Then::Reopen(Reason::Limit, Pace::growing(60, 600))),
    anywhere(
        &[
            Sign::Code(401),
            Sign::Status(401),
            Sign::Says(&["authentication invalid"]),
            Sign::Says(&["request requires authentication"]),
            Sign::Says(&["authenticated user id does not match"]),
        ],
        Then::Renew(Pace::at_once(1, 60)),
    ),
    // Above the next, since it names the channel, which may be called anything.
    at(Phase::Subscribe, &[Sign::Says(&["wasn't found using the provided replay id map"])], Then::AskAgain),
    at(Phase::Subscribe, &[Sign::Says(&["replayid", "invalid"])], Then::Reposition),
    anywhere(
        &[
            Sign::Disconnected,
            Sign::Says(&["unknown client"]),
            Sign::Says(&["has not completed handshake"]),
            Sign::Says(&["no ", "cookie present"]),
        ],
        Then::Reopen(Reason::UnknownClient, Pace::at_once(1, 60)),
    ),
    at(Phase::Subscribe, &[Sign::Says(&["view all data"])], Then::LetBe(VIEW_ALL)),
    at(
        Phase::Subscribe,
        &[
            Sign::Says(&["does not have access"]),
            Sign::Says(&["restricted"]),
            Sign::Says(&["not enabled"]),
            Sign::Says(&["not allowed"]),
            Sign::Says(&["no access"]),
        ],
        Then::LetBe(RIGHTS),
    ),
    at(
        Phase::Subscribe,
        &[
            Sign::Code(400),
            Sign::Code(403),
            Sign::Code(404),
            Sign::Says(&["create_denied"]),
            Sign::Says(&["subscribe_denied"]),
        ],
        Then::LetBe(UNKNOWN),
    ),
    anywhere(
        &[Sign::Says(&["api version"]), Sign::Says(&["connection type"])],
        Then::Fail(
            Reason::Salesforce,
            "set the org's `api_version` to one that Salesforce supports, such as 64.0; then restart",
        ),
    ),
    at(
        Phase::Handshake,
        &[Sign::Says(&["403::handshake denied"])],
        Then::Reopen(Reason::Refused, Pace::growing(10, 300)),
    ),
    anywhere(&[Sign::Malformed], Then::Reopen(Reason::Malformed, Pace::growing(1, 30))),
    anywhere(&[Sign::Transport], Then::Reopen(Reason::Transport, Pace::growing(1, 30))),
    anywhere(&[Sign::Advises(Reconnect::Handshake)], Then::AsAdvised(Reason::Refused, Pace::at_once(1, 60))),
    // What another server may mean by it, Salesforce does not: it says so of sessions that it will take back.
    anywhere(&[Sign::Advises(Reconnect::None)], Then::Reopen(Reason::Refused, Pace::growing(10, 300))),
    at(Phase::Subscribe, &[Sign::Refused], Then::Doubt(Reason::Refused, Pace::growing(1, 60), UNKNOWN)),
    anywhere(&[Sign::Always], LAST),
];

/// What is done about whatever is not known.
pub(super) const LAST: Then = Then::Reopen(Reason::Refused, Pace::growing(1, 60));

const BUSY: &str = "it passes by itself; if it lasts, see status.salesforce.com";
const DAILY_LIMIT: &str = "the org's events of 24 hours are used up: what is published stays in Salesforce for 24 or 72 hours and comes \
     once the limit lets it; have fewer subscribers or fewer events, or ask Salesforce for a larger allocation";
const CLIENT_LIMIT: &str = "too many streaming clients of the org are connected: end those that nobody needs";
const VIEW_ALL: &str = "give the user View All on the object, or View All Data (Setup, Permission Sets)";
const RIGHTS: &str = "give the user what the channel needs (Setup, Permission Sets): read on the event, or on the object and \
     the fields of the PushTopic";
const UNKNOWN: &str = "check the channel's spelling (case counts), that the object is selected for Change Data Capture or the \
     event exists, and that the user may read it";
