//! Client credentials: the app itself logs in, as its run-as user.

use super::{Granted, Login, Refusal, Secret, check_user};
use crate::oauth::client;

pub(super) fn grant(login: &Login<'_>) -> Result<Granted, Refusal> {
    client::check(login, Secret::Demanded)?;
    check_user(&login.policy)?;
    Ok(Granted::api(true))
}
