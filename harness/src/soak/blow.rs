//! One disturbance.

use super::chance::Chance;
use crate::How;
use std::time::Duration;

/// What is done once.
#[derive(Debug, Clone, Copy)]
pub(super) enum Blow {
    /// The next connect reply with events goes wrong.
    Spoil(&'static str),
    /// The org ends all sessions.
    End(How),
    /// The org forgets all tokens.
    Revoke,
    /// Open connections are reset.
    Cut(Side),
    /// Nothing is carried for a while; what was open then stays dead.
    HalfOpen(Side, Duration),
    /// Pieces wait so long, until another delay is chosen.
    Delay(Side, Duration),
    /// Connections are refused for a while.
    Refuse(Side, Duration),
    /// Idle connections are cut from now on, or no longer.
    CutIdle(bool),
    /// Kafka takes so many bytes a second, until another rate is chosen.
    Slow(Option<u64>),
}

/// Which way from the bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Org,
    Kafka,
}

impl Blow {
    pub(super) fn next(chance: &mut Chance) -> Self {
        let side = if chance.below(2) == 0 { Side::Org } else { Side::Kafka };
        // What strikes all feeds at once is rare: they would only wait, and longer each time. Tokens that live for less than
        // five minutes are taken for tokens that never work.
        match chance.below(1000) {
            0..400 => Self::Spoil(chance.one(&["html", "truncated", "cut", "empty"]).unwrap_or("cut")),
            400..420 => Self::End(How::UnknownClient),
            420..440 => Self::End(How::ServerDisconnect),
            440..442 => Self::Revoke,
            442..515 => Self::Cut(side),
            515..565 => Self::HalfOpen(side, chance.millis(100, 2_000)),
            565..785 => Self::Delay(side, Duration::from_millis(chance.one(&[0, 0, 5, 50, 250]).unwrap_or(0))),
            785..815 => Self::Refuse(side, chance.millis(100, 2_000)),
            815..845 => Self::CutIdle(chance.below(2) == 0),
            _ => Self::Slow(chance.one(&[None, Some(100_000), Some(300_000), Some(1_000_000)]).flatten()),
        }
    }

    /// Its kind, to count by.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Spoil(fault) => fault,
            Self::End(How::UnknownClient) => "unknown client",
            Self::End(How::ServerDisconnect) => "server's disconnect",
            Self::Revoke => "tokens revoked",
            Self::Cut(Side::Org) => "org cut",
            Self::Cut(Side::Kafka) => "kafka cut",
            Self::HalfOpen(Side::Org, _) => "org half-open",
            Self::HalfOpen(Side::Kafka, _) => "kafka half-open",
            Self::Delay(Side::Org, _) => "org delayed",
            Self::Delay(Side::Kafka, _) => "kafka delayed",
            Self::Refuse(Side::Org, _) => "org refuses",
            Self::Refuse(Side::Kafka, _) => "kafka refuses",
            Self::CutIdle(_) => "idle cut",
            Self::Slow(_) => "kafka's quota",
        }
    }
}
