//! A broker's quota for producers, asked for in Kafka's own protocol: librdkafka has no call for it.

use crate::Error;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Lets all producers together write so many bytes a second, or any number. The broker delays its answers where they
/// write more.
///
/// # Errors
/// The broker does not answer, or refuses.
pub async fn slow_down(broker: &str, bytes_per_second: Option<u64>) -> Result<(), Error> {
    let answer = async {
        let mut stream = TcpStream::connect(broker).await?;
        let request = request(bytes_per_second);
        stream.write_i32(i32::try_from(request.len()).unwrap_or(i32::MAX)).await?;
        stream.write_all(&request).await?;
        let length = usize::try_from(stream.read_i32().await?).unwrap_or_default();
        let mut answer = vec![0; length.min(LONGEST)];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    };
    let what = || format!("the quota of the broker {broker}");
    let late = |_| Error::Late { what: what(), limit: LIMIT, said: String::new() };
    let answer = tokio::time::timeout(LIMIT, answer).await.map_err(late)?.map_err(Error::io(what()))?;
    // Correlation id, throttle time, the number of entries, and the first one's error code.
    match answer.get(8..14) {
        Some([0, 0, 0, 1, 0, 0]) => Ok(()),
        _ => Err(Error::malformed(what(), format!("{answer:?}"))),
    }
}

/// `AlterClientQuotas`, version 0 (<https://kafka.apache.org/protocol>, API key 49): `producer_byte_rate` of the default
/// user, whom all connections without a name share. One of the default client would be each client's own.
fn request(bytes_per_second: Option<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(49_i16.to_be_bytes());
    bytes.extend(0_i16.to_be_bytes());
    bytes.extend(1_i32.to_be_bytes());
    bytes.extend(NULL); // no client id
    bytes.extend(1_i32.to_be_bytes());
    bytes.extend(1_i32.to_be_bytes());
    text(&mut bytes, "user");
    bytes.extend(NULL); // the default
    bytes.extend(1_i32.to_be_bytes());
    text(&mut bytes, "producer_byte_rate");
    bytes.extend((bytes_per_second.unwrap_or_default() as f64).to_be_bytes());
    bytes.push(u8::from(bytes_per_second.is_none())); // to be removed
    bytes.push(0); // not only to be checked
    bytes
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(i16::try_from(text.len()).unwrap_or(i16::MAX).to_be_bytes());
    bytes.extend(text.as_bytes());
}

const NULL: [u8; 2] = (-1_i16).to_be_bytes();
const LIMIT: Duration = Duration::from_secs(10);
const LONGEST: usize = 4096;
