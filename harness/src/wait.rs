//! Waiting for a condition, with a limit.

use crate::Error;
use std::time::Duration;
use tokio::time::Instant;

/// Asks again and again until there is an answer; `what` is said when none came within `limit`.
///
/// # Errors
/// [`Error::Late`], or the first error of a question.
pub async fn until<T>(
    what: &str,
    limit: Duration,
    mut question: impl AsyncFnMut() -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    let deadline = Instant::now() + limit;
    let mut pause = SHORTEST;
    loop {
        if let Some(answer) = question().await? {
            return Ok(answer);
        }
        if Instant::now() >= deadline {
            return Err(Error::Late { what: what.to_owned(), limit, said: String::new() });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

const SHORTEST: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_millis(50);
